"""The nouns. Import them from their module: `from harness.models.check import CheckResult`."""
