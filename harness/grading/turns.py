"""Loud checks take turns: one at a time on this machine, whichever grading they belong to.

Two load tests side by side measure each other. The lock is a file's, so it is also
held against other processes, and a killed one lets go by itself.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import tempfile
from pathlib import Path

_POLL_SEC = 0.1


class Turn:
    """One grading's place in the line."""

    def __init__(self) -> None:
        self._handle: int | None = None

    async def take(self) -> None:
        """Wait until nobody else has the turn; taking it twice is taking it once."""
        if self._handle is not None:
            return
        path = Path(tempfile.gettempdir()) / f"hiring-harness-turn-{os.getuid()}.lock"
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            while not _locked(handle):  # noqa: ASYNC110  # other processes give no event
                await asyncio.sleep(_POLL_SEC)
        except BaseException:
            os.close(handle)
            raise
        self._handle = handle

    def end(self) -> None:
        """Let the next one in. Idempotent."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
