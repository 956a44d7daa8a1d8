"""The arithmetic of a scorecard: weighted means that leave out what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import fsum

from harness.errors import RubricError
from harness.models.check import CheckOutcome, CheckResult
from harness.models.rubric import Dimension, Rating, Rubric
from harness.models.scorecard import DimensionScore, Overall
from harness.scoring.evidence import evidence_for

_DIGITS = 9
"""Scores are compared with cuts after rounding, so 0.1 + 0.6 reaches a cut at 0.7."""


def score(
    rubric: Rubric, checks: Sequence[CheckResult], ratings: Sequence[Rating]
) -> tuple[tuple[DimensionScore, ...], Overall]:
    """Score one session.

    What is missing is left out and shows as coverage; it is never a zero. Checks suggest a
    level, people rate: neither changes the other. Which check counts where: `evidence_for`.

    Args:
        rubric: The session's frozen rubric.
        checks: Results of one grading; those that are invalid or advisory count for nothing.
        ratings: In the order they were given; the latest of each rater and dimension counts.

    Returns:
        One score per dimension in the rubric's order, and the roll-up over them.

    Raises:
        RubricError: A rating is for a dimension that the rubric does not have.
    """
    _known_dimensions(rubric, ratings)
    evidence = evidence_for(rubric, checks)
    dimensions = tuple(
        _dimension_score(rubric, dimension, evidence[dimension.id], _latest(dimension.id, ratings))
        for dimension in rubric.dimensions
    )
    return dimensions, _overall(dimensions)


def suggested_level(rubric: Rubric, check_score: float | None) -> int | None:
    """The level that a check score in [0, 1] suggests; None without a score."""
    if check_score is None:
        return None
    return 1 + sum(round(check_score, _DIGITS) >= cut for cut in rubric.level_cuts)


def _known_dimensions(rubric: Rubric, ratings: Sequence[Rating]) -> None:
    known = [dimension.id for dimension in rubric.dimensions]
    for rating in ratings:
        if rating.dimension not in known:
            raise RubricError(
                f"Rubric '{rubric.id}' {rubric.version}: {rating.rater}'s rating is for the"
                f" dimension '{rating.dimension}', which it does not have.",
                remedy=f"Its dimensions: {', '.join(known)}.",
                slug="unknown-dimension",
            )


def _latest(dimension: str, ratings: Sequence[Rating]) -> tuple[Rating, ...]:
    """The latest rating of each rater for one dimension, by rater's name."""
    latest = {rating.rater: rating for rating in ratings if rating.dimension == dimension}
    return tuple(latest[rater] for rater in sorted(latest))


def _dimension_score(
    rubric: Rubric,
    dimension: Dimension,
    checks: Sequence[CheckResult],
    ratings: tuple[Rating, ...],
) -> DimensionScore:
    scored = [check for check in checks if not check.advisory]
    valid = [(c.weight, c.score) for c in scored if _counts(c) and c.score is not None]
    check_score = _weighted_mean(valid)
    levels = [rating.level for rating in ratings]
    return DimensionScore(
        dimension=dimension,
        checks=tuple(check.id for check in checks),
        check_score=check_score,
        suggested_level=suggested_level(rubric, check_score),
        coverage=_share((weight for weight, _ in valid), (check.weight for check in scored)),
        ratings=ratings,
        final_level=_weighted_mean([(1.0, level) for level in levels]),
        disagreement=bool(levels) and max(levels) - min(levels) > 1,
    )


def _counts(check: CheckResult) -> bool:
    return check.outcome is not CheckOutcome.INVALID and check.weight > 0


def _overall(dimensions: Sequence[DimensionScore]) -> Overall:
    suggested = [
        (d.dimension.weight, d.suggested_level) for d in dimensions if d.suggested_level is not None
    ]
    rated = [(d.dimension.weight, d.final_level) for d in dimensions if d.final_level is not None]
    weights = [d.dimension.weight for d in dimensions]
    return Overall(
        suggested=_weighted_mean(suggested),
        rated=_weighted_mean(rated),
        suggested_coverage=_share((weight for weight, _ in suggested), weights),
        rated_coverage=_share((weight for weight, _ in rated), weights),
    )


def _weighted_mean(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Sum of weight x value over sum of weight, inside the values' range; None without any."""
    if not pairs:
        return None
    mean = fsum(weight * value for weight, value in pairs) / fsum(weight for weight, _ in pairs)
    values = [value for _, value in pairs]
    # Rounding may step over the extremes by one unit in the last place.
    return min(max(mean, min(values)), max(values))


def _share(part: Iterable[float], whole: Iterable[float]) -> float:
    """The part's weight over the whole's, in [0, 1]; 0 when nothing weighs anything."""
    total = fsum(whole)
    return min(1.0, fsum(part) / total) if total > 0 else 0.0
