"""A snapshot against git's own plumbing, and what a session's recorder costs."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.measuring import Figure, compared, in_turns
from harness.recorder.shadow import ShadowRepository

_FILES = 5000
_ROUNDS = 15
_WATCHED_SEC = 30.0


async def measure() -> list[Figure]:
    """5,000 files with one change each round."""
    with TemporaryDirectory(prefix="harness-bench-") as folder:
        tree = _tree(Path(folder) / "tree")
        bare = Path(folder) / "floor.git"
        _git(bare, tree, "init", "-q")
        _git(bare, tree, "add", "-A")
        (Path(folder) / "shadow.git").mkdir()
        shadow = ShadowRepository(Path(folder) / "shadow.git", tree)
        shadow.snapshot()
        count = 0

        def change() -> None:
            nonlocal count
            count += 1
            (tree / f"d{count % 50}" / "f1.py").write_text(f"changed = {count}\n" * 40)

        ours_sec: list[float] = []
        floor_sec: list[float] = []
        for number in range(_ROUNDS + 1):
            change()
            before = time.perf_counter()
            assert shadow.snapshot() is not None
            between = time.perf_counter()
            _git(bare, tree, "add", "-A")
            _git(bare, tree, "write-tree")
            after = time.perf_counter()
            if number:
                ours_sec.append(between - before)
                floor_sec.append(after - between)
    figure = compared(
        f"snapshot of {_FILES:,} files, 1 changed / git add + write-tree",
        ours_sec,
        floor_sec,
        aim=1.3,
    )
    return [figure, *await _cost()]


def _tree(root: Path) -> Path:
    numbers = random.Random(1)
    for index in range(_FILES):
        path = root / f"d{index % 50}" / f"f{index // 50}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(numbers.randbytes(2000).hex().encode())
    return root


def _git(git_dir: Path, tree: Path, *argv: str) -> None:
    environment = {**os.environ, "GIT_DIR": str(git_dir), "GIT_WORK_TREE": str(tree)}
    subprocess.run(["git", *argv], check=True, env=environment, stdout=subprocess.DEVNULL)


async def _cost() -> list[Figure]:
    """Memory and processor time of the process that records an open session, edits going on."""
    raise SystemExit("not yet")
