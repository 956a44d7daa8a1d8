"""Long commands on the host (pip, debootstrap): their last lines when they fail."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from harness.errors import ImageBuildError, PrerequisiteError
from harness.sandbox.terminal_text import plain

LAST_LINES = 20
"""How much of a failed build's log an error shows."""


async def run(
    argv: Sequence[str],
    *,
    what: str,
    remedy: str,
    timeout_sec: float,
    env: Mapping[str, str] | None = None,
    line: Callable[[str], None] = lambda _: None,
) -> None:
    """Run a command to its end.

    Args:
        argv: Program and arguments.
        what: What it does, as in "download the wheels of fragile-payments".
        remedy: What the operator or author can do about a failure.
        timeout_sec: Wall-clock seconds after which it is killed.
        env: Added to our environment.
        line: Called with each line it prints.

    Raises:
        PrerequisiteError: There is no such program.
        ImageBuildError: It failed or took too long; with its last lines.
    """
    last: deque[str] = deque(maxlen=LAST_LINES)
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, **(env or {})},
            limit=1024 * 1024,
            umask=0o022,
        )
    except FileNotFoundError as error:
        raise PrerequisiteError(
            f"Could not {what}: '{argv[0]}' is not installed.", remedy=remedy, slug="tool-missing"
        ) from error
    assert process.stdout
    try:
        async with asyncio.timeout(timeout_sec):
            async for raw in process.stdout:
                text = plain(raw)
                last.append(text)
                line(text)
            status = await process.wait()
    except TimeoutError as error:
        raise ImageBuildError(
            f"Could not {what} within {timeout_sec:g} s. Last lines:\n" + "\n".join(last),
            remedy=remedy,
        ) from error
    finally:
        with suppress(ProcessLookupError):
            if process.returncode is None:
                process.kill()
                await process.wait()
    if status != 0:
        raise ImageBuildError(
            f"Could not {what}: exit status {status}. Last lines:\n" + "\n".join(last) + "\n",
            remedy=remedy,
        )
