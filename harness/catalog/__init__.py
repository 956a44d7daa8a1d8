"""Finds, reads and lints task templates, rubrics and the harness's own configuration."""
