"""Logging to standard output, one line per event."""

from __future__ import annotations

import logging
import sys

_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


def configure_logging(level: str = "INFO") -> None:
    """Send everything of `level` and above to standard output."""
    logging.basicConfig(level=level, format=_FORMAT, stream=sys.stdout, force=True)
    # One line per upstream call is ours to write; httpx would write a second one.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.getLogger("httpcore").setLevel(logging.WARNING)
