"""Nonsense."""
