"""A whole grading: how much of it is ours, and not the contract's own times."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
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
from harness.models.check import CheckOutcome, Grading
from harness.sandbox.docker import DockerBackend
from harness.sandbox.protocol import SandboxBackend
from harness.settings import Settings

_TASK = "fragile-payments"
_KNOWN = "async-direct"
"""A good service: its time is the contract's and ours."""
_UNTOUCHED = "original"
"""Most checks fail, and what fails by time is met again on a fresh service."""
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


class _Turns:
    """How long lanes wait for their turns on this machine, and when each ended its last."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self._held: set[Turn] = set()
        self._ended: dict[Turn, float] = {}

    @contextmanager
    def watched(self) -> Iterator[None]:
        """While every turn is noted."""
        take, end = Turn.take, Turn.end

        async def timed(turn: Turn, **wanted: bool) -> None:
            began = time.perf_counter()
            await take(turn, **wanted)
            self.waits.append(time.perf_counter() - began)
            self._held.add(turn)

        def noted(turn: Turn) -> None:
            end(turn)
            if turn in self._held:  # a lane ends its turn once more at its own end
                self._held.remove(turn)
                self._ended[turn] = time.perf_counter()

        with patch.object(Turn, "take", timed), patch.object(Turn, "end", noted):
            yield

    def idle_sec(self) -> float:
        """Of all lanes together, after their last check, while another had one left."""
        return sum(max(self._ended.values()) - ended for ended in self._ended.values())


@dataclass(frozen=True)
class _Timed:
    """One grading and where its time went, in seconds."""

    grading: Grading
    wall: float
    longest: float
    """Of its lanes: from the first word of progress to the last."""
    spent: Mapping[str, float]
    """In calls of the engine, by name."""
    turns: _Turns

    @property
    def attempts(self) -> int:
        return sum(one.attempts for one in self.grading.checks)


async def measure() -> list[Figure]:
    """Grade a reference of the built-in service task, and the task's own repository.

    Ours is what happens outside of checks, in every lane, and in them the time that
    containers, networks and volumes take to come and go. The rest is the check's own
    course: calls that hang, rates that become old, services that start. What is neither is
    told apart, as it is how many cores and checks there are: the wait until another lane's
    load test lets the machine go, and a lane that no check is left for.
    """
    good, untouched = await _timed(_KNOWN), await _timed(_UNTOUCHED)
    fallen = [one.id for one in good.grading.checks if one.outcome is not CheckOutcome.PASSED]
    lanes = DEFAULT_LANES * good.wall
    idle = good.turns.idle_sec()
    around = lanes - idle - sum(one.duration_sec for one in good.grading.checks)
    ours = around + sum(good.spent.values())
    parts = ", ".join(f"{name} {good.spent[name]:.0f} s" for name in sorted(good.spent))
    about = f"{len(good.grading.checks)} checks, {DEFAULT_LANES} lanes" + (
        f"; not passed: {', '.join(fallen)}" if fallen else ""
    )
    return [
        Figure(
            f"grading {_KNOWN}: share of the lanes' time that is ours",
            f"{ours:.0f} s of {lanes - idle:.0f} s",
            f"{about}; before, between and after checks {around:.0f} s, {parts}",
            ours / (lanes - idle),
            0.15,
        ),
        Figure(
            "the same: share that waits for another lane's load test",
            f"{sum(good.turns.waits):.0f} s",
            f"{lanes:.0f} s",
            sum(good.turns.waits) / lanes,
            None,
        ),
        Figure(
            "the same: share of lanes that no check is left for",
            f"{idle:.0f} s",
            f"{lanes:.0f} s",
            idle / lanes,
            None,
        ),
        _limited("the same", good),
        Figure(
            "the same: all of it / its longest lane",
            f"{good.wall:.0f} s",
            f"{good.longest:.0f} s",
            good.wall / good.longest,
            1.5,
        ),
        _limited(f"grading {_UNTOUCHED}, {untouched.attempts} attempts", untouched),
    ]


def _limited(what: str, timed: _Timed) -> Figure:
    return Figure(
        f"{what}: seconds / 180",
        f"{timed.wall:.0f} s",
        "180 s on two cores",
        timed.wall / 180,
        1.0,
    )


async def _timed(name: str) -> _Timed:
    """Grade a known submission with the usual lanes."""
    task = read_task(content_dir(TASKS) / _TASK)
    known = next(one for one in read_calibration(task).submission if one.name == name)
    spent: defaultdict[str, float] = defaultdict(float)
    talk: list[float] = []
    turns = _Turns()
    with turns.watched(), TemporaryDirectory(prefix="harness-bench-") as folder:
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
    return _Timed(grading, wall, talk[-1] - talk[0], spent, turns)
