"""Many programs on both sides at once, of which only those that differ alone, too, count.

A fork for each program costs more than most programs, so programs are played in company: one
after another in the same process, while the next ones are made. What the two agree on in company
is taken as agreed. Nothing else is: a program that differs, or comes to no end, is played again
alone, from a fresh import on both sides, and that decides. So what one program leaves to the next
never tells a submission from the original.

It could hide that they differ, though: a cache that is filled, a default that was set. Therefore
one program in five, and the last of each flight, is played again alone, too. When either side, in
one of those or in one that differed, does in company what it does not do alone, its state lasts
from program to program: all that was agreed in company is forgotten then, and everything is played
apart, each program in a process of its own. The corpus always is. What may stay unseen is a
difference that only a fresh process shows, in fewer programs than one in some dozens, of a module
whose state shows in nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.checks.differential.link import Answer, Played
from harness.checks.differential.pairing import Over, Pairing
from harness.checks.differential.program import Program

SMALLEST = 8
COMPANY = 100
"""Programs in a flight: first few, as what differs often is found at once, then twice as many."""
ALONE_EVERY = 5
"""One program in so many is played again alone, whatever came of it in company."""
CONTROL_EVERY = 20
"""One program in so many is also played by the original elsewhere, as the control."""


class Screening:
    """Takes programs one at a time and plays them when there are enough.

    Args:
        pairing: Plays, compares and counts.
        apart: Each from a fresh import from the beginning on.
    """

    def __init__(self, pairing: Pairing, *, apart: bool) -> None:
        self._pairing = pairing
        self._apart = apart
        self._size = SMALLEST
        self._seen: set[bytes] = set()
        self._waiting: list[Program] = []
        self._agreed: list[Program] = []
        """In company."""
        self._flight: _Flight | None = None

    def add(self, program: Program) -> None:
        """Another one; what was played before is not played again.

        Raises:
            Over: A difference was found, or time is over, or the original is no measure.
        """
        if program.wire in self._seen or program.wire in self._pairing.known:
            return
        self._seen.add(program.wire)
        self._waiting.append(program)
        if len(self._waiting) >= self._size:
            self._turn()

    def finish(self) -> None:
        """Play what waits.

        Raises:
            Over: As above.
        """
        while self._waiting or self._flight is not None:
            self._turn()

    def _turn(self) -> None:
        """Judge what has been played, and send the next ones off."""
        landed, self._flight = self._flight, None
        if landed is not None:
            played = landed.land()
            self._waiting[:0] = landed.programs[len(played) :]
            (self._decide if landed.apart else self._sift)(played)
        if not self._waiting:
            return
        if not self._pairing.in_time():
            raise Over
        self._flight = _Flight(self._pairing, self._waiting[: self._size], apart=self._apart)
        del self._waiting[: self._size]
        self._size = min(2 * self._size, COMPANY)

    def _decide(self, played: Sequence[_Played]) -> None:
        """Each was alone."""
        for number, (program, ours, theirs) in enumerate(played, 1):
            if self._pairing.decide(program, ours.played, theirs.played):
                raise Over
            if number == len(played) or number % CONTROL_EVERY == 0:
                self._pairing.control(program, ours.played)

    def _sift(self, played: Sequence[_Played]) -> None:
        """Each is agreed, or played again alone."""
        for number, (program, ours, theirs) in enumerate(played, 1):
            chosen = number == len(played) or number % ALONE_EVERY == 0
            same = self._same(program, ours, theirs)
            if same and not chosen:
                self._pairing.agreed(program)
                self._agreed.append(program)
                continue
            alone = self._pairing.alone(program, late=not same)
            if self._pairing.decide(program, *alone):
                raise Over
            if self._lasting(program, alone, (ours, theirs)):
                self._part([one for one, *_ in played[number:]])
                return
            if number == len(played) or number % CONTROL_EVERY == 0:
                self._pairing.control(program, alone[0])

    def _same(self, program: Program, ours: Answer, theirs: Answer) -> bool:
        if ours == theirs and not ours.end:
            return True  # to the last byte, which is quick to see
        return not self._pairing.differ(program, ours.played, theirs.played)

    def _lasting(
        self, program: Program, alone: Sequence[Played], company: Sequence[Answer]
    ) -> bool:
        """Whether either side did otherwise in company."""
        return any(
            self._pairing.differ(program, one, other.played)
            for one, other in zip(alone, company, strict=True)
        )

    def _part(self, rest: Sequence[Program]) -> None:
        """What was agreed in company is worth nothing."""
        self._apart = True
        for program in self._agreed:
            self._pairing.forgotten(program)
        self._waiting[:0] = [*self._agreed, *rest]
        self._agreed = []


_Played = tuple[Program, Answer, Answer]


class _Flight:
    """Programs that both play at this moment."""

    def __init__(self, pairing: Pairing, programs: Sequence[Program], *, apart: bool) -> None:
        self.programs = programs
        self.apart = apart or len(programs) == 1
        self._pairing = pairing
        pairing.begin(programs, apart=self.apart)

    def land(self) -> list[_Played]:
        """Wait for the answers; the last programs may have none."""
        answers = self._pairing.end()
        return [(program, *pair) for program, pair in zip(self.programs, answers, strict=False)]
