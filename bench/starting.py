"""`harness --help` against importing what it is drawn with."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

from bench.measuring import Figure, compared, in_turns

_ROUNDS = 15


async def measure() -> list[Figure]:
    """Whole processes, started cold from warm caches."""
    harness = str(Path(sys.executable).with_name("harness"))

    async def ours() -> None:
        await asyncio.to_thread(_run, [harness, "--help"])

    async def peer() -> None:
        await asyncio.to_thread(
            _run, [sys.executable, "-c", "import typer, rich.console, rich.table"]
        )

    times = await in_turns(ours, peer, rounds=_ROUNDS, warm_up=2)
    return [compared("harness --help / import typer, rich", *times, aim=1.3)]


def _run(argv: list[str]) -> None:
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
