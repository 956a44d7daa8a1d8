"""One builder at a time, over processes."""

from __future__ import annotations

import asyncio
import fcntl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

_LOOK_SEC = 0.1


@asynccontextmanager
async def locked(path: Path) -> AsyncIterator[None]:
    """Hold the lock file `path`; the kernel lets go of it when this process dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                # Asking again, unlike a blocked thread, can be cancelled.
                await asyncio.sleep(_LOOK_SEC)
        yield
