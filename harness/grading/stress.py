"""Keeps every core busy while a proof runs, and never longer."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

LIFETIME_SEC = 4 * 3600
"""A burner ends by itself then, or as soon as its parent is gone."""

_BURN = """
import os, sys, time
parent, end = int(sys.argv[1]), time.monotonic() + float(sys.argv[2])
while os.getppid() == parent and time.monotonic() < end:
    sum(range(200000))
"""


@contextmanager
def busy_machine(cores: int | None = None) -> Iterator[None]:
    """One process for each core that does nothing but count; all gone on leaving."""
    command = [sys.executable, "-I", "-S", "-c", _BURN, str(os.getpid()), str(LIFETIME_SEC)]
    burners: list[subprocess.Popen[bytes]] = []
    try:
        for _ in range(cores or os.cpu_count() or 1):
            burners.append(subprocess.Popen(command, stdin=subprocess.DEVNULL))  # noqa: PERF401 - each must be known before the next
        yield
    finally:
        for burner in burners:
            burner.kill()
        for burner in burners:
            burner.wait()
