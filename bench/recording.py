"""A snapshot against git's own plumbing, and what a session's recorder costs."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.measuring import Figure, compared
from harness.catalog.rubrics import RubricCatalog
from harness.catalog.tasks import TaskCatalog
from harness.loop.desk import Desk, open_desk
from harness.loop.opening import clear_away, open_session
from harness.loop.working import execute
from harness.recorder.shadow import ShadowRepository
from harness.settings import Settings

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
    """Memory and processor time of the process that records a session, with edits going on."""
    with TemporaryDirectory(prefix="harness-bench-") as folder:
        settings = Settings(data_dir=Path(folder), backend="process")
        async with open_desk(settings) as desk:
            task = TaskCatalog(settings).find_task("fragile-payments")
            rubric = RubricCatalog(settings).find_rubric(task.spec.interview.rubric)
            session = await open_session(desk, task, rubric, trusted=True)
            try:
                return await _watch(desk, session.id)
            finally:
                await clear_away(desk, desk.store.session(session.id))


async def _watch(desk: Desk, session_id: str) -> list[Figure]:
    holder = desk.store.holder(session_id, "recorder")
    assert holder is not None
    pid = holder.process.pid
    await asyncio.sleep(desk.settings.snapshot_interval_sec)  # its start is not what is measured
    before, began, edits = _processor_sec(pid), time.monotonic(), 0
    while time.monotonic() - began < _WATCHED_SEC:
        edits += 1
        await execute(desk, session_id, ["sh", "-c", f"echo '# {edits}' >> payments/api.py"])
        await asyncio.sleep(2)
    share = (_processor_sec(pid) - before) / (time.monotonic() - began)
    memory = _memory_mb(pid)
    return [
        Figure("recorder: memory, MB", f"{memory:.0f} MB", "", memory, 150),
        Figure("recorder: percent of a core", f"{share:.2%}", "", share * 100, 1.0),
    ]


def _processor_sec(pid: int) -> float:
    """User and system time, of the children it waited for too."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def _memory_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6
