"""The kill matrix as one self-contained HTML page: why a committee can trust the checks."""

from __future__ import annotations

from harness.models.proof import KillMatrix
from harness.reporting.templates import environment, policy, style

_PAGE = "matrix.html.j2"


def matrix_page(matrix: KillMatrix) -> str:
    """Submissions down, checks across, what follows from it, and what falls short."""
    killers = {
        check: [row for row in matrix.rows if row.outcomes.get(check) in ("failed", "partial")]
        for check in matrix.checks
    }
    return (
        environment()
        .get_template(_PAGE)
        .render(matrix=matrix, killers=killers, style=style(), policy=policy())
    )
