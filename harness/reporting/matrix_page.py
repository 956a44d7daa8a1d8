"""The kill matrix as one self-contained HTML page: why a committee can trust the checks."""

from __future__ import annotations

from harness.models.proof import KILLS, KillMatrix
from harness.reporting.templates import environment, policy, style

_PAGE = "matrix.html.j2"


def matrix_page(matrix: KillMatrix) -> str:
    """Submissions down, checks across, what follows from it, and what falls short."""
    killed = {
        check: [row for row in matrix.rows if row.outcomes.get(check) in KILLS]
        for check in matrix.checks
    }
    found = {
        check: [row for row in rows if check in row.must_fail] for check, rows in killed.items()
    }
    places = {row.name: place for place, row in enumerate(matrix.rows, start=1)}
    return (
        environment()
        .get_template(_PAGE)
        .render(
            matrix=matrix,
            killed=killed,
            found=found,
            places=places,
            style=style(),
            policy=policy(),
        )
    )
