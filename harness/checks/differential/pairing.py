"""The original and a submission on their stages: both play, and what they say is held together."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from harness.checks.differential.compare import Difference, Path, Terms, differences, unmasked
from harness.checks.differential.findings import Comparison, Divergence
from harness.checks.differential.link import ELSEWHERE, Answer, Played, Setting, Stage
from harness.checks.differential.program import Program
from harness.checks.failure import ControlFailed

MAX_OWN_DIFFERENCES = 0.2
"""A larger share of programs in which the original differs from itself is a check without sense."""
MIN_PLAYED = 0.5
"""Of the programs that were wanted; with fewer in the time, nothing is said."""


class Staging(Protocol):
    """Makes connections to the two."""

    def __call__(self, *, of_original: bool, setting: Setting | None = None) -> Stage:
        """One of them, not yet opened."""


class Over(BaseException):
    """Nothing more is to be played; not an Exception, since those are what Hypothesis looks for."""


@dataclass
class Pairing:
    """One comparison's plays and counts; blocking, for use in a thread.

    Args:
        staging: Makes connections.
        terms: What counts as a difference.
        until: No program is begun after that, on the monotonic clock.
        wanted: How many programs there should be.
    """

    staging: Staging
    terms: Terms
    until: float
    wanted: int
    over: bool = False
    """Set from outside: nobody waits for it any more."""
    cut: bool = False
    """Time was over before everything had been played."""
    cases: int = 0
    calls: int = 0
    controlled: int = 0
    own: int = 0
    waited: float = 0.0
    """Seconds for the submission, when the original had answered."""
    trouble: str = ""
    known: dict[bytes, Divergence | None] = field(default_factory=dict)
    """What is decided, by the program as it goes over the wire."""
    first: Divergence | None = None
    stages: list[Stage] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._original = self._stage(of_original=True)
        self._submission = self._stage(of_original=False)
        self._elsewhere = [self._stage(of_original=True, setting=one) for one in ELSEWHERE]

    def _stage(self, *, of_original: bool, setting: Setting | None = None) -> Stage:
        stage = self.staging(of_original=of_original, setting=setting)
        self.stages.append(stage)
        return stage

    # -- playing -------------------------------------------------------------------

    def in_time(self) -> bool:
        """Whether another program may be begun; if not, that is remembered."""
        self.cut = self.cut or self.over or time.monotonic() > self.until
        return not self.cut

    def begin(self, programs: Sequence[Program], *, apart: bool) -> None:
        """Send programs to both; `end` has what came of them."""
        within = max(0.0, self.until - time.monotonic())
        for stage in (self._original, self._submission):
            stage.begin(programs, within_sec=within, apart=apart)

    def end(self) -> list[tuple[Answer, Answer]]:
        """The original's answers and the submission's, as far as there are both; at least one."""
        ours = self._original.end()
        answered = time.monotonic()
        theirs = self._submission.end()
        self.waited += time.monotonic() - answered
        return list(zip(ours, theirs, strict=False))

    def alone(self, program: Program, *, late: bool = False) -> tuple[Played, Played]:
        """What comes of it from fresh imports on both sides.

        Raises:
            Over: The time is, unless it may be late.
        """
        if not late and not self.in_time():
            raise Over
        self.begin((program,), apart=True)
        ours, theirs = self.end()[0]
        return ours.played, theirs.played

    # -- deciding ------------------------------------------------------------------

    def differ(self, program: Program, ours: Played, theirs: Played) -> bool:
        """Whether there is any difference, masked or not."""
        return bool(ours.end or self._differences(program, ours, theirs))

    def agreed(self, program: Program) -> None:
        """Both said the same."""
        self.known[program.wire] = None
        self.cases += 1
        self.calls += len(program.steps)

    def forgotten(self, program: Program) -> None:
        """It has to be played again."""
        del self.known[program.wire]
        self.cases -= 1
        self.calls -= len(program.steps)

    def decide(self, program: Program, ours: Played, theirs: Played) -> Divergence | None:
        """What tells the two apart, from what came of it alone; counted until the first is found.

        Raises:
            Over: The original did not come to its end, so it is no measure.
        """
        if ours.end:
            self.trouble = f"The original {ours.end}, with: {Divergence(program, ())}"
            raise Over
        if self.first is None:
            self.agreed(program)
        found = self._differences(program, ours, theirs)
        if found:
            found = unmasked(found, self._mask(program, ours, self._elsewhere))
        divergence = Divergence(program, tuple(found)) if found else None
        self.known[program.wire] = divergence
        self.first = self.first or divergence
        return divergence

    def control(self, program: Program, ours: Played) -> None:
        """Whether the original does the same elsewhere."""
        self.controlled += 1
        self.own += bool(self._mask(program, ours, self._elsewhere[:1]))

    def _mask(self, program: Program, ours: Played, stages: Sequence[Stage]) -> set[Path]:
        """Where the original differs from itself under other circumstances."""
        mask: set[Path] = set()
        for stage in stages:
            again = stage.play(program)
            if again.end:
                self.trouble = f"The original {again.end}, elsewhere, with: {program.steps}"
                raise Over
            mask |= {item.path for item in self._differences(program, ours, again)}
        return mask

    def _differences(self, program: Program, ours: Played, theirs: Played) -> list[Difference]:
        """In each call until the first that differs, and in what was left behind."""
        for number, outcome in enumerate(ours.outcomes):
            where = _where(program, number)
            if number == len(theirs.outcomes):
                return [Difference((where,), "goes on", theirs.end)]
            if found := differences(outcome, theirs.outcomes[number], self.terms, (where,)):
                return found
        if theirs.end:
            return [Difference(("At the end",), "goes on", theirs.end)]
        return []

    # -- what came of it -----------------------------------------------------------

    def comparison(self, found: Divergence | None, seconds: float) -> Comparison:
        """All of it.

        Raises:
            ControlFailed: The original was no measure, or the machine too slow.
            AssertionError: The submission was, by itself.
        """
        if self.trouble:
            raise ControlFailed(self.trouble)
        if self.own > max(1.0, MAX_OWN_DIFFERENCES * self.controlled):
            raise ControlFailed(
                f"The original differs from itself in {self.own} of {self.controlled} programs."
            )
        if self.cut and self.first is None and self.cases < MIN_PLAYED * self.wanted:
            self._too_few(seconds)
        return Comparison(self.cases, self.calls, self.own, seconds, found)

    def _too_few(self, seconds: float) -> None:
        played = f"only {self.cases} of {self.wanted} programs were played in {seconds:.0f} s"
        waited = f"{self.waited:.0f} s of them the original had answered and the submission had not"
        if self.waited > seconds / 2:
            raise AssertionError(f"The submission is much slower: {played}, and for {waited}.")
        raise ControlFailed(f"The machine is too busy: {played}.")


def _where(program: Program, number: int) -> str:
    return f"Step {number + 1}, " if number < len(program.steps) else "In the end, "
