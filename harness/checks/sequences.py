"""Random sequences of what can happen to a service, and the shortest that breaks a promise.

Hypothesis makes up the sequences and shrinks the first one that breaks the invariant. It draws
a whole sequence before any of it happens, other than its own `RuleBasedStateMachine`, so that
each sequence is played once at most and both can stop when their time is over: with a real
service, a single sequence takes a second.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st

from harness.checks.machine import Rule, StateMachine, Step, rules_of
from harness.checks.measure import Measure

SEARCH_SEC = 8.0
"""How long to look for a sequence that breaks something."""
SHRINK_SEC = 12.0
"""How long to look for a shorter one, once there is one."""
COSTLY_SEQUENCES = 3
"""With a costly step; these are played first, since no other kind of check tries such orders."""
SEQUENCES = 16
"""Without one."""
FEWEST_SEQUENCES = 8
"""That many are played however long they take: a service that is slow to start is searched, too."""
STEPS = 8
"""At most, in one sequence."""
_DRAWN_FOR_ONE = 25
"""Not all that is drawn is new and worth its time."""
_SIMPLEST_AND_ONE = 2
"""Hypothesis begins with the simplest example, here nothing at all, and draws one then."""


@dataclass(frozen=True)
class Counterexample:
    """The shortest sequence found that breaks a promise."""

    steps: tuple[str, ...]
    broken: str
    """What did not hold then."""
    cut: bool
    """Time was over before every shorter sequence had been tried."""

    def __str__(self) -> str:
        """A numbered list of steps and what came of them, one a line."""
        steps = enumerate(self.steps, start=1)
        lines = [f"{number}. {step[:1].upper()}{step[1:]}." for number, step in steps]
        rest = " (There may be a shorter way: the time for looking was over.)" if self.cut else ""
        return "\n".join([*lines, f"Then: {self.broken}{rest}"])


@dataclass(frozen=True)
class Exploration:
    """What was tried, and what it found."""

    sequences: int
    steps: int
    counterexample: Counterexample | None

    def record(self, measure: Measure) -> None:
        """As measurements; the counterexample is a note."""
        found = self.counterexample
        measure.info("sequences tried", self.sequences)
        measure.info("steps in them", self.steps)
        measure("sequences that break a promise", int(found is not None), equals=0)
        if found is not None:
            measure.note(str(found))


async def explore(
    machine: Callable[..., StateMachine],
    *world: object,
    seed: str,
    sequences: int = SEQUENCES,
    costly_sequences: int = COSTLY_SEQUENCES,
    steps: int = STEPS,
    search_sec: float = SEARCH_SEC,
    shrink_sec: float = SHRINK_SEC,
) -> Exploration:
    """Play random sequences of a machine's rules until one breaks a promise.

    Args:
        machine: A subclass of `StateMachine`; called with `world` for each sequence.
        world: What it works on, such as the shop and the provider.
        seed: The check's; the same seed gives the same sequences.
        sequences: How many to play at most that have no costly step.
        costly_sequences: And how many with one, before these.
        steps: How many steps one may have.
        search_sec: No sequence begins later than that, unless one has been found or fewer than
            `FEWEST_SEQUENCES` have been played.
        shrink_sec: No shorter one begins later than that after the first was found.
    """
    counts = (sequences, costly_sequences)
    search = _Search(lambda: machine(*world), counts, steps, search_sec, shrink_sec)
    try:
        await asyncio.to_thread(search.run, seed)
    finally:
        search.over = True
    return search.explored()


_Plan = tuple[Step, ...]


@dataclass(frozen=True)
class _Outcome:
    steps: _Plan
    """Those that were taken."""
    broken: str
    """What did not hold after the last of them; empty for nothing."""


class _Broken(Exception):  # noqa: N818 - a finding, not an error
    """Tells Hypothesis that a sequence broke something."""


class _Enough(BaseException):
    """Ends Hypothesis's run; not an Exception, since those are what it looks for."""


class _Search:
    """One run of Hypothesis in a thread of its own; sequences are played on the event loop."""

    def __init__(
        self,
        machine: Callable[[], StateMachine],
        counts: tuple[int, int],
        steps: int,
        search_sec: float,
        shrink_sec: float,
    ) -> None:
        self.over = False
        self._machine = machine
        self._shrink_sec = shrink_sec
        rules = rules_of(type(machine()))
        cheap = [each for each in rules if not each.costly]
        self._phases = [(False, _plans(cheap, steps), counts[0])]
        if len(cheap) < len(rules):
            self._phases.insert(0, (True, _plans(rules, steps), counts[1]))
        self._until = time.monotonic() + search_sec
        self._loop = asyncio.get_running_loop()
        self._costly = False
        """Whether sequences with a costly step are being looked for."""
        self._played: dict[str, _Outcome] = {}
        self._shortest: _Outcome | None = None
        """Of those that broke something, as all of these."""
        self._latest: _Outcome | None = None
        """Once Hypothesis is through, the simplest by its own measure."""
        self._cut = False
        self._error: Exception | None = None

    def run(self, seed: str) -> None:
        """Search and shrink; blocks.

        Hypothesis is asked for one random example at a time: left to itself it varies what it
        had before, which is worth it only with more examples than there is time for.
        """
        number = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8])
        with suppress(_Broken, _Enough):
            for costly, plans, count in self._phases:
                self._costly = costly
                enough = len(self._played) + count
                for drawn in range(count * _DRAWN_FOR_ONE):
                    if len(self._played) < enough:
                        self._try_one(number + drawn, plans)

    def _try_one(self, number: int, plans: st.SearchStrategy[_Plan]) -> None:
        @seeded(number)
        @settings(
            max_examples=_SIMPLEST_AND_ONE,
            phases=(Phase.generate, Phase.shrink),
            database=None,
            deadline=None,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
            verbosity=Verbosity.quiet,
        )
        @given(plans)
        def sequence(plan: _Plan) -> None:
            broken = self._outcome(plan)
            if broken:
                raise _Broken(broken)

        sequence()

    def explored(self) -> Exploration:
        """What came of it; raises what a step raised before anything was found."""
        if self._error is not None and self._shortest is None:
            raise self._error
        best = self._shortest if self._cut else self._latest
        found = None
        if best is not None:
            found = Counterexample(tuple(map(str, best.steps)), best.broken, self._cut)
        steps = sum(len(outcome.steps) for outcome in self._played.values())
        return Exploration(len(self._played), steps, found)

    def _outcome(self, plan: _Plan) -> str:
        """What a sequence breaks; what was played before is not played again."""
        if repr(plan) not in self._played:
            if not plan or (self._shortest is None and not self._worth_it(plan)):
                return ""
            self._played[repr(plan)] = self._on_the_loop(plan)
        outcome = self._played[repr(plan)]
        if outcome.broken:
            if self._shortest is None:
                self._until = time.monotonic() + self._shrink_sec
            if self._shortest is None or len(outcome.steps) < len(self._shortest.steps):
                self._shortest = outcome
            self._latest = outcome
        return outcome.broken

    def _on_the_loop(self, plan: _Plan) -> _Outcome:
        enough = self._shortest is not None or len(self._played) >= FEWEST_SEQUENCES
        if self.over or (enough and time.monotonic() > self._until):
            self._cut = True
            raise _Enough
        try:
            return asyncio.run_coroutine_threadsafe(self._play(plan), self._loop).result()
        except Exception as exc:
            self._error, self._cut = exc, True
            raise _Enough from exc

    def _worth_it(self, plan: _Plan) -> bool:
        """A costly step shows something only when something comes after it."""
        costly = any(step.rule.costly for step in plan)
        return costly is self._costly and not plan[-1].rule.costly

    async def _play(self, plan: _Plan) -> _Outcome:
        machine, taken = self._machine(), list[Step]()
        try:
            try:
                for step in plan:
                    taken.append(step)
                    if await step.rule.body(machine, **step.arguments) is False:
                        taken.pop()
                    await machine.invariant()
            finally:
                await machine.heal()
            await machine.settle()
            await machine.invariant()
        except AssertionError as exc:
            words = str(exc).partition("\n")[0]  # pytest adds values in further lines
            return _Outcome(tuple(taken), words or "An assertion without words failed.")
        return _Outcome(tuple(taken), "")


def _plans(rules: list[Rule], steps: int) -> st.SearchStrategy[_Plan]:
    """As many steps as there may be, each of which can be shrunk to none.

    A list of any length would be a short one most of the time, and most of those find nothing.
    """
    step = st.one_of(st.none(), *(each.steps() for each in rules))
    return st.lists(step, min_size=steps, max_size=steps).map(_as_plan)


def _as_plan(drawn: list[Step | None]) -> _Plan:
    """Without what was shrunk to none, and with the first costly step only."""
    kept = [step for step in drawn if step is not None]
    costly = [step for step in kept if step.rule.costly]
    return tuple(step for step in kept if not step.rule.costly or step is costly[0])
