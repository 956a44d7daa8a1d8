"""What a comparison found, as it is told."""

from __future__ import annotations

from dataclasses import dataclass

from harness.checks.differential.compare import Difference
from harness.checks.differential.program import Program
from harness.checks.measure import Measure
from harness.models.refactor_section import SHORTEST

MAX_SHOWN = 3


@dataclass(frozen=True)
class Divergence:
    """A program that tells the submission from the original, as short as could be found."""

    program: Program
    differences: tuple[Difference, ...]
    cut: bool = False
    """Time was over before every shorter program had been tried."""

    def __str__(self) -> str:
        """The calls as a numbered list, and what came of them."""
        steps = [f"{number}. {step}" for number, step in enumerate(self.program.steps, 1)]
        files = self.program.files
        given_ = [f"With {', '.join(files)}:"] if files else []
        found = [f"{item}." for item in self.differences[:MAX_SHOWN]]
        more = len(self.differences) - MAX_SHOWN
        rest = [f"And {more} more differences."] if more > 0 else []
        late = ["(There may be a shorter way: the time for looking was over.)"] if self.cut else []
        return "\n".join([*given_, *steps, *found, *rest, *late])


@dataclass(frozen=True)
class Comparison:
    """What was played, and the first difference if there is one."""

    cases: int
    calls: int
    own: int
    """Programs of the control in which the original differs from itself."""
    seconds: float
    divergence: Divergence | None

    def record(self, measure: Measure) -> None:
        """As measurements; the program that tells them apart is a note."""
        measure.info("programs played by both", self.cases)
        measure.info("calls in them", self.calls)
        measure.info("programs a second", round(self.cases / max(self.seconds, 0.001), 1))
        measure.info("programs in which the original differs from itself", self.own)
        measure("programs with another outcome", int(self.divergence is not None), equals=0)
        if self.divergence is not None:
            measure.info(SHORTEST, str(self.divergence))
            measure.note(str(self.divergence))
