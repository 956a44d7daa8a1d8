"""Checks take turns on this machine, whichever grading they belong to.

The machine has three places for each core. A quiet check, which waits most of its time,
takes one of them. A loud one takes three, and there is one loud check at a time: two
load tests side by side measure each other. Places are locks on files, so they also hold
against other processes, and a killed one lets go by itself.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import tempfile
from contextlib import ExitStack
from pathlib import Path

PLACES = 3 * (os.cpu_count() or 1)
LOUD_PLACES = min(3, PLACES)
"""A loud check, its service and its load want a core and a half."""
_POLL_SEC = 0.05


class Turn:
    """One lane's share of the machine."""

    def __init__(self) -> None:
        self._held: ExitStack | None = None

    async def take(self, *, loud: bool, alone: bool = False) -> None:
        """Wait for room on the machine; taking it twice is taking it once.

        Args:
            loud: Whether the check loads the machine.
            alone: Nothing of ours may run beside it, in whichever grading.
        """
        if self._held is not None:
            return
        with ExitStack() as taking:
            if loud or alone:
                await _lock(taking, "loud")
            with ExitStack() as line:  # so that many quiet ones do not keep a loud one out for ever
                await _lock(line, "line")
                for _ in range(PLACES if alone else LOUD_PLACES if loud else 1):
                    await _lock(taking, *(f"place-{number}" for number in range(PLACES)))
            self._held = taking.pop_all()

    def end(self) -> None:
        """Let others in. Idempotent."""
        if self._held is not None:
            self._held.close()
            self._held = None


async def _lock(stack: ExitStack, *names: str) -> None:
    """Wait until one of these is free and hold it until the stack is closed."""
    while not any(_locked(stack, name) for name in names):  # noqa: ASYNC110  # other processes give no event
        await asyncio.sleep(_POLL_SEC)


def _locked(stack: ExitStack, name: str) -> bool:
    path = Path(tempfile.gettempdir()) / f"hiring-harness-{os.getuid()}-{name}.lock"
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return False
    stack.callback(os.close, handle)
    return True
