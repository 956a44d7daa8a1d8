"""Scores of sessions small enough to work out by hand."""

from __future__ import annotations

from math import fsum

import pytest

from harness.errors import RubricError
from harness.models.check import CheckOutcome, CheckResult
from harness.models.rubric import Rating
from harness.scoring import score
from harness.testing.scorecards import staff_backend_rubric

RUBRIC = staff_backend_rubric()
FAILURES, TRADEOFFS, VERIFICATION = (d.id for d in RUBRIC.dimensions[:3])


def check(
    id_: str, value: float | None, *, weight: float = 1.0, dimension: str = ""
) -> CheckResult:
    """A result; no value means that it is invalid."""
    outcome = CheckOutcome.INVALID if value is None else CheckOutcome.PARTIAL
    return CheckResult.model_validate(
        {
            "id": id_,
            "family": id_.split(".", maxsplit=1)[0],
            "dimension": dimension or FAILURES,
            "weight": weight,
            "shows": "something",
            "outcome": outcome,
            "score": value,
        }
    )


def rating(rater: str, level: int, dimension: str = TRADEOFFS) -> Rating:
    """A rating with a written observation."""
    return Rating(rater=rater, dimension=dimension, level=level, observation="saw it")


def test_a_weighted_mean_of_valid_checks_with_the_invalid_one_in_the_coverage() -> None:
    """(2 x 1 + 1 x 0.5) / 3, with 3 of 4 parts of the weight measured."""
    checks = [
        check("timeouts.hang", 1.0, weight=2),
        check("retries.bounded", 0.5),
        check("shutdown.drain", None),
    ]
    failures = score(RUBRIC, checks, ())[0][0]
    assert failures.checks == ("timeouts.hang", "retries.bounded", "shutdown.drain")
    assert failures.check_score == pytest.approx(2.5 / 3)
    assert failures.coverage == 0.75
    assert failures.suggested_level == 3


def test_an_advisory_check_is_listed_and_counts_for_nothing() -> None:
    """Neither its score nor its weight in the coverage."""
    shown = check("retries.spread", 0.0).model_copy(update={"advisory": "No sentence asks for it."})
    failures = score(RUBRIC, [check("timeouts.hang", 1.0), shown], ())[0][0]
    assert failures.checks == ("timeouts.hang", "retries.spread")
    assert (failures.check_score, failures.coverage) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("value", "level"),
    [(0.0, 1), (0.29, 1), (0.3, 2), (0.6, 3), (0.84, 3), (0.85, 4), (0.99, 4), (1.0, 5)],
)
def test_a_cut_belongs_to_the_higher_level(value: float, level: int) -> None:
    """A score that reaches a cut has the level above it."""
    assert score(RUBRIC, [check("timeouts.hang", value)], ())[0][0].suggested_level == level


def test_a_cut_is_reached_in_spite_of_binary_fractions() -> None:
    """Six of ten checks reach 0.6 although their sum falls a hair short of it."""
    weights = [0.35] * 10
    assert fsum(weights[:6]) / fsum(weights) < 0.6
    checks = [check(f"retries.n{n}", float(n < 6), weight=w) for n, w in enumerate(weights)]
    assert score(RUBRIC, checks, ())[0][0].suggested_level == 3


def test_nothing_known_is_none_and_never_zero() -> None:
    """A session without results and ratings has neither scores nor a roll-up."""
    dimensions, overall = score(RUBRIC, (), ())
    assert {d.check_score for d in dimensions} == {None}
    assert {d.final_level for d in dimensions} == {None}
    assert {d.coverage for d in dimensions} == {0.0}
    assert (overall.suggested, overall.rated) == (None, None)
    assert (overall.suggested_coverage, overall.rated_coverage) == (0.0, 0.0)


def test_only_invalid_checks_suggest_nothing() -> None:
    """Our own failure on every check leaves the dimension without a suggestion."""
    failures = score(RUBRIC, [check("timeouts.hang", None)], ())[0][0]
    assert (failures.check_score, failures.suggested_level, failures.coverage) == (None, None, 0.0)


def test_missing_dimensions_renormalise() -> None:
    """Two rated dimensions of six are a mean of two, covering a third of the weight."""
    ratings = [rating("ada", 4), rating("ada", 3, VERIFICATION)]
    overall = score(RUBRIC, (), ratings)[1]
    assert overall.rated == 3.5
    assert overall.rated_coverage == pytest.approx(1 / 3)


def test_the_latest_rating_of_each_rater_counts() -> None:
    """A rater who thinks again replaces their own level and nobody else's."""
    ratings = [rating("ben", 2), rating("ada", 5), rating("ben", 4)]
    tradeoffs = score(RUBRIC, (), ratings)[0][1]
    assert [(found.rater, found.level) for found in tradeoffs.ratings] == [("ada", 5), ("ben", 4)]
    assert tradeoffs.final_level == 4.5
    assert not tradeoffs.disagreement


def test_more_than_one_level_apart_is_a_disagreement() -> None:
    """Two and four ask for a third rater or a debrief; three and four do not."""
    assert score(RUBRIC, (), [rating("ada", 4), rating("ben", 2)])[0][1].disagreement
    assert not score(RUBRIC, (), [rating("ada", 4), rating("ben", 3)])[0][1].disagreement


def test_a_check_that_the_rubric_places_nowhere_falls_back_to_its_author() -> None:
    """`review.*` is in no evidence map of this rubric, so the declared dimension counts."""
    dimensions, _ = score(RUBRIC, [check("review.blockers", 1.0, dimension=TRADEOFFS)], ())
    assert dimensions[1].checks == ("review.blockers",)


def test_a_check_that_nobody_places_counts_for_nothing() -> None:
    """Neither the rubric nor the check's own dimension is of this rubric."""
    dimensions, overall = score(RUBRIC, [check("review.blockers", 1.0, dimension="taste")], ())
    assert [d.checks for d in dimensions] == [()] * 6
    assert overall.suggested is None


def test_a_rating_for_an_unknown_dimension_says_which_exist() -> None:
    """It is refused rather than dropped: a person's rating never disappears silently."""
    with pytest.raises(RubricError, match=r"'charm'.*failure-mode-instinct") as caught:
        score(RUBRIC, (), [rating("ada", 4, "charm")])
    assert caught.value.slug == "unknown-dimension"
