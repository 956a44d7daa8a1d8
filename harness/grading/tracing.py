"""The process that plays a task's own generators on its own original, and says what they reach.

It runs what the task's author wrote and nothing of a candidate. Each program is played in a fork,
from a fresh import, as the agent does it; a fork tells which branches it took.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import random
import select
import sys
import tempfile
import time
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import coverage
import pytest

from harness.checks.declaration import declaration_of
from harness.checks.differential.canon import Canon
from harness.checks.differential.link import Answer, Gone, Setting, Stage, Target
from harness.checks.differential.program import Program
from harness.checks.differential.twins import Twins
from harness.checks.differential.world import World
from harness.checks.failure import ControlFailed
from harness.checks.measure import Measure

MOST_MISSING = 60
"""Branches that are named."""

Json = Any
Arcs = dict[str, set[tuple[int, int]]]


class Trace:
    """Branches taken in the original's files, by this process and its forks."""

    def __init__(self, repo: Path, folders: list[str]) -> None:
        self._repo = repo
        self.include = [f"{repo / folder}/*" for folder in folders]
        self.arcs: Arcs = {}
        self.programs = 0
        self._live = coverage.Coverage(
            data_file=None, config_file=False, branch=True, include=self.include
        )

    def start(self) -> None:
        """Follow this process, its threads and its forks."""
        self._live.start()

    def taken(self) -> dict[str, list[tuple[int, int]]]:
        """What has been taken up to now, here."""
        data = self._live.get_data()
        return {path: data.arcs(path) or [] for path in data.measured_files()}

    def add(self, taken: dict[str, list[Any]]) -> None:
        """What a fork took."""
        for path, arcs in taken.items():
            self.arcs.setdefault(path, set()).update((a, b) for a, b in arcs)

    def report(self) -> Json:
        """Branches there are, branches taken, and the first of those that were not."""
        self._live.stop()
        self.add(self.taken())
        told = coverage.Coverage(
            data_file=None, config_file=False, branch=True, include=self.include
        )
        told.get_data().add_arcs({path: sorted(arcs) for path, arcs in self.arcs.items()})
        with tempfile.TemporaryDirectory() as folder:
            written = Path(folder, "report.json")
            told.json_report(outfile=str(written))
            found = json.loads(written.read_text(encoding="utf-8"))
        return {
            "branches": found["totals"]["num_branches"],
            "covered": found["totals"]["covered_branches"],
            "missing": [
                f"{Path(path).relative_to(self._repo)}: {start} -> {end}"
                for path, file in found["files"].items()
                for start, end in file["missing_branches"]
            ][:MOST_MISSING],
            "programs": self.programs,
        }


class TracedStage(Stage):
    """Plays in forks of this process, one for each program; nothing is at another end."""

    def __init__(self, trace: Trace) -> None:
        super().__init__("nowhere:0", "", Target(()))
        self._trace = trace
        self._asked: Sequence[Program] = ()
        self.answers: dict[bytes, Answer] = {}
        """What came of each program; played again, it takes the same branches."""

    def begin(
        self,
        programs: Sequence[Program],
        *,
        limit_sec: float = 5.0,
        within_sec: float = 0.0,  # noqa: ARG002 - as any stage
        apart: bool = False,  # noqa: ARG002 - so they are anyway
    ) -> None:
        self._asked = programs
        for program in programs:
            if program.wire not in self.answers:
                self._trace.programs += 1
                self.answers[program.wire] = _forked(program, limit_sec, self._trace)

    def end(self) -> list[Answer]:
        return [self.answers[program.wire] for program in self._asked]

    def ask(self, request: Json, *, limit_sec: float) -> Json:  # noqa: ARG002 - as any stage
        raise Gone("is not asked such things here")


class EchoStage(TracedStage):
    """The other side: whatever the original did, it did too."""

    def __init__(self, trace: Trace, original: TracedStage) -> None:
        super().__init__(trace)
        self.answers = original.answers

    def begin(
        self,
        programs: Sequence[Program],
        *,
        limit_sec: float = 5.0,  # noqa: ARG002 - as any stage
        within_sec: float = 0.0,  # noqa: ARG002 - as any stage
        apart: bool = False,  # noqa: ARG002 - as any stage
    ) -> None:
        """Nothing; the answers are the original's."""
        self._asked = programs


class TracedTwins(Twins):
    """The original beside itself."""

    def __init__(self, trace: Trace) -> None:
        self._first = TracedStage(trace)
        self._echo = EchoStage(trace, self._first)

    def stage(self, *, of_original: bool, setting: Setting | None = None) -> Stage:
        return self._first if of_original and setting is None else self._echo

    def bare_stage(self) -> Stage:
        return self._echo


def _forked(program: Program, limit_sec: float, trace: Trace) -> Answer:
    back, out = os.pipe()
    child = os.fork()
    if child == 0:
        with suppress(BaseException):
            os.close(back)
            answer = {"steps": _perform(program.encoded()), "arcs": trace.taken()}
            with os.fdopen(out, "wb") as pipe:
                pipe.write(json.dumps(answer).encode("ascii"))
        os._exit(0)
    os.close(out)
    held = _read(back, limit_sec, child)
    os.waitpid(child, 0)
    try:
        answer = json.loads(held)
    except ValueError:
        return Answer(end="did not come to its end")
    trace.add(answer["arcs"])
    return Answer(json.dumps(answer["steps"]).encode("ascii"))


def _perform(program: Json) -> list[Json]:
    world = World(json.loads(json.dumps(program)), Canon)
    try:
        return [*(world.take(step) for step in program["steps"]), world.left()]
    finally:
        world.close()


def _read(pipe: int, limit_sec: float, child: int) -> bytes:
    until = time.monotonic() + limit_sec
    held = bytearray()
    with os.fdopen(pipe, "rb", buffering=0) as source:
        while select.select([source], [], [], max(0.0, until - time.monotonic()))[0]:
            chunk = source.read(1 << 16)
            if not chunk:
                return bytes(held)
            held += chunk
    os.kill(child, 9)
    return b""


class OraclePlugin:
    """What checks ask for, with the original on both sides; verdicts do not matter."""

    def __init__(self, trace: Trace, request: Json) -> None:
        self._trace = trace
        self._request = request
        self.broken: list[str] = []

    @pytest.fixture
    def bench(self) -> SimpleNamespace:
        """Runs a check's body; what it finds is not looked at."""

        def run(work: Coroutine[Any, Any, None], *, limit_sec: float) -> None:
            with suppress(AssertionError, ControlFailed, Gone):
                asyncio.run(asyncio.wait_for(work, limit_sec))

        return SimpleNamespace(run=run)

    @pytest.fixture
    def twins(self) -> Twins:
        """The original beside itself."""
        return TracedTwins(self._trace)

    @pytest.fixture
    def measure(self) -> Measure:
        """Takes numbers that nobody reads."""
        return Measure()

    @pytest.fixture
    def contract(self) -> dict[str, float]:
        """The numbers that the brief publishes."""
        return dict(self._request["contract"])

    @pytest.fixture
    def seed(self, request: pytest.FixtureRequest) -> str:
        """As a grading makes it."""
        found = declaration_of(request.function)
        assert found is not None
        return f"{self._request['seed']}:{found.id}"

    @pytest.fixture
    def rng(self, seed: str) -> random.Random:
        """Random inputs from `seed`."""
        return random.Random(seed)  # noqa: S311 - repeatable on purpose

    @pytest.hookimpl
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Only checks that compare: others ask for a service that is not there."""
        items[:] = [item for item in items if "twins" in getattr(item, "fixturenames", ())]

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A check that breaks here measures nothing, so it is told."""
        if report.failed:
            self.broken.append(
                f"{report.nodeid.rpartition('::')[2]}: {str(report.longrepr)[-300:]}"
            )


def main() -> None:
    """One request on standard input; the answer is written to the file it names."""
    request = json.load(sys.stdin)
    repo = Path(request["repo"])
    sys.path[:0] = [str(repo / folder) for folder in request["path"]]
    sys.dont_write_bytecode = True
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    trace = Trace(repo, request["folders"])
    trace.start()
    for name in request["packages"]:
        importlib.import_module(name)
    plugin = OraclePlugin(trace, request)
    tests = request["tests"]
    bounds = [f"--rootdir={tests}", f"--confcutdir={tests}", "-c", os.devnull]
    quiet = ["-q", "--assert=plain", "--no-header", "--color=no", "-p", "no:cacheprovider"]
    pytest.main([tests, *quiet, *bounds], plugins=[plugin])
    answer = {**trace.report(), "broken": plugin.broken}
    Path(request["answer"]).write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main()
