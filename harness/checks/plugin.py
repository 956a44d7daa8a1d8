"""The pytest plugin: collects checks, runs each on fresh systems under test, tells the harness."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress

import pytest
from _pytest.runner import runtestprotocol  # as pytest-rerunfailures does; there is no public way

from harness.checks.bench import Bench
from harness.checks.channel import Channel
from harness.checks.contract import Contract
from harness.checks.declaration import declaration_of
from harness.checks.measure import Measure
from harness.checks.sut import Sut
from harness.checks.upstream import Upstream
from harness.checks.verdict import Attempt, Verdict, another, settle, wants_control
from harness.models.check import CheckDeclaration
from harness.models.grader import CheckFinished, CheckStarted, Declared, Finished, GraderBrief

_ATTEMPT = pytest.StashKey[Attempt]()
_TURN_TIMEOUT_SEC = 3600.0
"""How long a check may wait for those of other gradings; the run's own deadline is nearer."""


class GraderPlugin:
    """One grading: registered once, with the brief it was given."""

    def __init__(self, channel: Channel, brief: GraderBrief) -> None:
        self._channel = channel
        self._brief = brief

    # -- fixtures ------------------------------------------------------------------

    @pytest.fixture
    def bench(self, request: pytest.FixtureRequest) -> Iterator[Bench]:
        """The attempt's event loop and what runs on it."""
        bench = Bench(self._channel, self._brief, request.node.stash[_ATTEMPT])
        yield bench
        bench.close()

    @pytest.fixture
    def upstreams(self, bench: Bench) -> Iterator[dict[str, Upstream]]:
        """Each dependency by its host name, listening. A task's conftest adds routes to them."""
        bench.open_upstreams()
        yield bench.upstreams
        bench.close_upstreams()

    @pytest.fixture
    def sut(self, bench: Bench, upstreams: dict[str, Upstream]) -> Iterator[Sut]:  # noqa: ARG002 - they must listen before it starts
        """A fresh system under test, ready for traffic."""
        sut = bench.start_sut()
        yield sut
        bench.finish_sut(sut)

    @pytest.fixture
    def original(self, bench: Bench) -> Iterator[Sut]:
        """What the candidate was given, started and ready beside the submission."""
        original = bench.start_original()
        yield original
        bench.remove_sut(original)

    @pytest.fixture
    def brief(self) -> GraderBrief:
        """What the grading was told."""
        return self._brief

    @pytest.fixture
    def contract(self) -> Contract:
        """The numbers that the brief publishes."""
        return Contract(self._brief.contract)

    @pytest.fixture
    def measure(self, request: pytest.FixtureRequest) -> Measure:
        """Records numbers against thresholds."""
        attempt: Attempt = request.node.stash[_ATTEMPT]
        return attempt.measure

    @pytest.fixture
    def seed(self, request: pytest.FixtureRequest) -> str:
        """Differs between candidates and checks, repeats on regrade."""
        return f"{self._brief.seed}:{request.node.stash[_ATTEMPT].declaration.id}"

    @pytest.fixture
    def rng(self, seed: str) -> random.Random:
        """Random inputs from `seed`."""
        return random.Random(seed)  # noqa: S311 - repeatable on purpose

    # -- hooks ---------------------------------------------------------------------

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep the checks that were asked for, and declare them."""
        found = [(item, _declaration(item)) for item in items]
        ids = [declaration.id for _, declaration in found]
        repeated = sorted({id_ for id_ in ids if ids.count(id_) > 1})
        if repeated:
            raise pytest.UsageError(f"declared twice: {', '.join(repeated)}")
        unknown = sorted(set(self._brief.only) - set(ids))
        if unknown:
            raise pytest.UsageError(f"no check {', '.join(unknown)}; there are: {', '.join(ids)}")
        wanted = [pair for pair in found if not self._brief.only or pair[1].id in self._brief.only]
        self._channel.tell(Declared(checks=tuple(declaration for _, declaration in wanted)))
        order = sorted(wanted, key=lambda pair: _later(pair[1], lane=self._brief.lane))
        items[:] = [item for item, _ in order]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> bool:
        """Run one check, unless another lane has it, as often as its verdict needs."""
        declaration = _declaration(item)
        claim = asyncio.run(self._channel.request("claim", check=declaration.id))
        if not claim["granted"]:
            return True
        began = time.monotonic()
        verdicts: list[Verdict] = []
        confirm = self._brief.confirm
        while not verdicts or another(declaration, verdicts, confirm=confirm):
            verdicts.append(self._attempt(item, declaration, len(verdicts) + 1))
        control = None
        if self._brief.good_service and wants_control(declaration, verdicts, confirm=confirm):
            control = self._attempt(item, declaration, len(verdicts) + 1, good_service=True)
            if not control.fit:  # the submission runs in other lanes, and may be what disturbs it
                self._end_turn()
                number = len(verdicts) + 2
                control = self._attempt(item, declaration, number, good_service=True, alone=True)
        self._end_turn()
        spent = time.monotonic() - began
        result = settle(declaration, verdicts, control, confirm=confirm, duration_sec=spent)
        self._channel.tell(CheckFinished(result=result))
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        """Keep what set-up or the check raised; a tear-down's trouble changes no verdict."""
        attempt = item.stash[_ATTEMPT]
        if call.excinfo is not None and call.when != "teardown":
            attempt.error = attempt.error or call.excinfo.value

    def finished(self) -> None:
        """Tell that the run is over."""
        self._channel.tell(Finished())

    def _attempt(
        self,
        item: pytest.Item,
        declaration: CheckDeclaration,
        number: int,
        *,
        good_service: bool = False,
        alone: bool = False,
    ) -> Verdict:
        self._channel.tell(CheckStarted(check=declaration.id, attempt=number))
        assert isinstance(item, pytest.Function)
        fresh = pytest.Function.from_parent(item.parent, name=item.name, callobj=item.obj)
        attempt = fresh.stash[_ATTEMPT] = Attempt(declaration, number, good_service=good_service)
        wait = self._channel.request(
            "take_turn", timeout_sec=_TURN_TIMEOUT_SEC, loud=declaration.loud, alone=alone
        )
        asyncio.run(wait)
        began = time.monotonic()
        # whatever comes next may be another lane's, so nothing is kept standing for it
        reports: Sequence[pytest.TestReport] = runtestprotocol(fresh, log=False, nextitem=None)
        attempt.duration_sec = time.monotonic() - began
        if not declaration.loud:  # it has no need of it between attempts; a loud one waits long
            self._end_turn()
        for report in reports:
            with suppress(ValueError):  # a report that the terminal cannot print
                item.ihook.pytest_runtest_logreport(report=report)
        return attempt.judge()

    def _end_turn(self) -> None:
        asyncio.run(self._channel.request("end_turn"))


def _later(declaration: CheckDeclaration, *, lane: int) -> tuple[bool, bool, bool]:
    """Sorts checks so that lanes end together: what takes longest first.

    Loud checks wait for each other, so the first lane has them. A timing check that fails
    takes two attempts.
    """
    return declaration.loud is not (lane == 0), not declaration.long, not declaration.timing


def _declaration(item: pytest.Item) -> CheckDeclaration:
    declaration = declaration_of(getattr(item, "obj", None))
    if declaration is None:
        raise pytest.UsageError(f"{item.nodeid} is a test without @check")
    return declaration
