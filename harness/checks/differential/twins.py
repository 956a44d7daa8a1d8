"""The original and a submission side by side, and the first program that tells them apart.

Where the two differ, the original meets itself under other circumstances; what it does not keep
to itself is nobody's contract, and masked. How programs are made, played and shrunk: `search.py`.

Source: facts/checks.md section 5.1.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from hypothesis import strategies as st

from harness.checks.differential.compare import Terms
from harness.checks.differential.findings import Comparison
from harness.checks.differential.link import Setting, Stage, Target, closing
from harness.checks.differential.pairing import Pairing
from harness.checks.differential.program import Program
from harness.checks.differential.search import Search
from harness.checks.sut import Sut

CASES = 500
"""Programs for one check, unless it says otherwise."""
SEARCH_SEC = 60.0
SHRINK_SEC = 20.0


class Twins:
    """The two systems under test of a refactor; what a check asks for as `twins`.

    Args:
        original: Runs what the candidate was given.
        submission: Runs what was handed in.
        target: What both import.
    """

    def __init__(self, original: Sut, submission: Sut, target: Target) -> None:
        self.original = original
        self.submission = submission
        self._target = target

    async def compare(
        self,
        programs: st.SearchStrategy[Program] | None = None,
        *,
        seed: str,
        corpus: Sequence[Program] = (),
        cases: int = CASES,
        terms: Terms | None = None,
        search_sec: float = SEARCH_SEC,
        shrink_sec: float = SHRINK_SEC,
    ) -> Comparison:
        """Play the corpus and generated programs on both until one tells them apart.

        Args:
            programs: The task's strategy; None plays the corpus alone.
            seed: The check's; the same seed makes the same programs.
            corpus: Edge cases, played first.
            cases: How many programs to make.
            terms: What counts as a difference.
            search_sec: No program is begun later than that, unless a difference was found.
            shrink_sec: No shorter one is tried later than that after it was found.

        Raises:
            ControlFailed: The original cannot play them, or differs from itself too often.
        """
        wanted = len(corpus) + (cases if programs is not None else 0)
        until = time.monotonic() + search_sec
        pairing = Pairing(self.stage, terms or Terms(), until, wanted)
        search = Search(pairing, seed, shrink_sec)
        try:
            return await asyncio.to_thread(search.run, programs, corpus, cases)
        finally:
            pairing.over = True
            closing(pairing.stages)

    def stage(self, *, of_original: bool, setting: Setting | None = None) -> Stage:
        """A connection to one of the two, not yet opened; blocking."""
        sut = self.original if of_original else self.submission
        return Stage(sut.address, sut.token, self._target, setting or Setting())

    def bare_stage(self) -> Stage:
        """A connection beside the submission that does not import it; blocking."""
        sut = self.submission
        return Stage(sut.address, sut.token, Target((), self._target.path))
