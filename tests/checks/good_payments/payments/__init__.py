"""A toy that keeps the contract of fragile-payments, in two designs; see `__main__`."""
