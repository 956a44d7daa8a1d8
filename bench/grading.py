"""A whole grading: how much of it is ours, and not the contract's own times."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast
from unittest.mock import patch

from bench.measuring import Figure
from harness.catalog.tasks import read_task
from harness.content import TASKS, content_dir
from harness.grading.calibration import materialise, read_calibration
from harness.grading.grading import DEFAULT_LANES, grade
from harness.grading.turns import Turn
from harness.models.check import CheckOutcome
from harness.sandbox.docker import DockerBackend
from harness.sandbox.protocol import SandboxBackend
from harness.settings import Settings

_TASK = "fragile-payments"
_KNOWN = "async-direct"
"""A good service: one that fails is met again to confirm it, which takes as long as it takes."""
_OURS = frozenset({"create_volume", "start", "kill", "restart"})
"""Calls of a backend and its sandboxes that a check waits for; what it leaves behind is removed
beside the next one."""


class _Watched:
    """A backend, or one of its sandboxes, that notes how long its slow calls take, by name."""

    def __init__(self, inner: object, spent: defaultdict[str, float]) -> None:
        self._inner = inner
        self._spent = spent

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the inner one has
        member = getattr(self._inner, name)
        return self._timed(member, name) if name in _OURS else member

    def _timed(self, call: Callable[..., Any], name: str) -> Callable[..., Any]:
        async def timed(*args: object, **options: object) -> object:
            began = time.perf_counter()
            try:
                made = await call(*args, **options)
            finally:
                self._spent[name] += time.perf_counter() - began
            return _Watched(made, self._spent) if name == "start" else made

        return timed


@contextmanager
def _waits() -> Iterator[list[float]]:
    """How long each check waited for its turn on this machine, in seconds."""
    waits: list[float] = []
    take = Turn.take

    async def timed(turn: Turn, *, loud: bool) -> None:
        began = time.perf_counter()
        await take(turn, loud=loud)
        waits.append(time.perf_counter() - began)

    with patch.object(Turn, "take", timed):
        yield waits


async def measure() -> list[Figure]:
    """Grade a reference of the built-in service task with the usual lanes.

    Ours is what happens outside of checks, in every lane, and in them the time that
    containers, networks and volumes take to come and go. The rest is the check's own
    course: calls that hang, rates that become old, services that start. What is neither,
    the wait until another lane's load test lets the machine go, is told apart: it is how
    many cores there are.
    """
    task = read_task(content_dir(TASKS) / _TASK)
    known = next(one for one in read_calibration(task).submission if one.name == _KNOWN)
    spent: defaultdict[str, float] = defaultdict(float)
    talk: list[float] = []
    with _waits() as waits, TemporaryDirectory(prefix="harness-bench-") as folder:
        backend = DockerBackend(Settings(data_dir=Path(folder)))
        try:
            submission = materialise(task, known, Path(folder)).submission
            for role in ("workspace", "grader"):
                await backend.ensure_image(task.image(role))
            began = time.perf_counter()
            grading = await grade(
                submission,
                task,
                cast("SandboxBackend", _Watched(backend, spent)),
                secret=b"bench",
                progress=lambda _: talk.append(time.perf_counter()),
            )
            wall = time.perf_counter() - began
        finally:
            await backend.close()
    fallen = [one.id for one in grading.checks if one.outcome is not CheckOutcome.PASSED]
    checks = sum(one.duration_sec for one in grading.checks)
    lanes = DEFAULT_LANES * wall
    around = lanes - checks
    ours = around + sum(spent.values())
    parts = ", ".join(f"{name} {spent[name]:.0f} s" for name in sorted(spent))
    longest = talk[-1] - talk[0]
    about = f"{len(grading.checks)} checks, {DEFAULT_LANES} lanes" + (
        f"; not passed: {', '.join(fallen)}" if fallen else ""
    )
    return [
        Figure(
            f"grading {_KNOWN}: share of the lanes' time that is ours",
            f"{ours:.0f} s of {lanes:.0f} s",
            f"{about}; before, between and after checks {around:.0f} s, {parts}",
            ours / lanes,
            0.15,
        ),
        Figure(
            "the same: share that waits for another lane's load test",
            f"{sum(waits):.0f} s",
            f"{lanes:.0f} s",
            sum(waits) / lanes,
            None,
        ),
        Figure("the same: seconds / 180", f"{wall:.0f} s", "180 s on two cores", wall / 180, 1.0),
        Figure(
            "the same: all of it / its longest lane",
            f"{wall:.0f} s",
            f"{longest:.0f} s",
            wall / longest,
            1.5,
        ),
    ]
