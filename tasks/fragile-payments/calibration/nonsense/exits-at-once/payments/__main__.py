"""`python -m payments` says that all is well, and leaves."""

print("payments is up")
