"""Programs are made and played, and the first one that tells the two apart is shrunk.

The corpus comes first, each program from a fresh import. Then Hypothesis makes programs from the
task's strategy, and both play them in company (see `screening.py`). When one differs alone, too,
Hypothesis makes the same programs again, up to that one, and shrinks it; each try is alone.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st

from harness.checks.differential.findings import Comparison, Divergence
from harness.checks.differential.pairing import Over, Pairing
from harness.checks.differential.program import Program
from harness.checks.differential.screening import Screening

Programs = st.SearchStrategy[Program]


class _Differs(Exception):  # noqa: N818 - a finding, not an error
    """Tells Hypothesis that a program found a difference."""


class Search:
    """One comparison, in a thread of its own.

    Args:
        pairing: Plays, compares and counts.
        seed: The same one makes the same programs.
        shrink_sec: No shorter program is tried later than that after one was found.
    """

    def __init__(self, pairing: Pairing, seed: str, shrink_sec: float) -> None:
        self._pairing = pairing
        self._seed = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8])
        self._shrink_sec = shrink_sec
        self._best: tuple[int, Divergence] | None = None
        self._latest: Divergence | None = None

    def run(self, programs: Programs | None, corpus: Sequence[Program], cases: int) -> Comparison:
        """Corpus first, then what Hypothesis makes; blocks.

        Raises:
            ControlFailed: The original was no measure, or the machine too slow.
            AssertionError: The submission was, by itself.
        """
        began = time.monotonic()
        with suppress(Over):
            self._play(corpus)
            if programs is not None:
                self._explore(programs, cases)
        found = self._latest or self._pairing.first
        if self._pairing.cut and self._best is not None:
            best = self._best[1]
            found = Divergence(best.program, best.differences, cut=True)
        return self._pairing.comparison(found, time.monotonic() - began)

    def _play(self, corpus: Sequence[Program]) -> None:
        screening = Screening(self._pairing, apart=True)
        for program in corpus:
            screening.add(program)
        screening.finish()

    def _explore(self, programs: Programs, cases: int) -> None:
        screening = Screening(self._pairing, apart=False)
        with suppress(Over):
            self._made(programs, cases, (Phase.generate,), screening.add)
            screening.finish()
        if self._pairing.first is not None:
            self._pairing.cut = False
            with suppress(_Differs):
                self._made(programs, cases, (Phase.generate, Phase.shrink), self._shrunk)

    def _made(
        self,
        programs: Programs,
        cases: int,
        phases: tuple[Phase, ...],
        take: Callable[[Program], None],
    ) -> None:
        """Hypothesis's run."""

        @seeded(self._seed)
        @settings(
            max_examples=cases,
            phases=phases,
            database=None,
            deadline=None,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
            verbosity=Verbosity.quiet,
        )
        @given(programs)
        def made(program: Program) -> None:
            take(program)

        made()

    def _shrunk(self, program: Program) -> None:
        """Raise for one that differs; nothing is played before the one that is known to."""
        if program.wire not in self._pairing.known:
            if self._best is None:
                return
            self._pairing.decide(program, *self._pairing.alone(program))
        found = self._pairing.known[program.wire]
        if found is None:
            return
        if self._best is None:
            self._pairing.until = time.monotonic() + self._shrink_sec
        if self._best is None or len(program.wire) < self._best[0]:
            self._best = (len(program.wire), found)
        self._latest = found
        raise _Differs
