"""The laws that any session's score obeys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.models.check import CheckOutcome, CheckResult
from harness.models.rubric import Dimension, Level, Rating, Rubric
from harness.scoring import evidence_for, score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.models.scorecard import DimensionScore

DIMENSIONS = ("failures", "verification", "writing")
FAMILIES = ("timeouts", "retries", "regression", "cache")
LEVELS = tuple(Level(value=value, name=f"level {value}", anchor="seen") for value in range(1, 6))

weights = st.floats(min_value=0.01, max_value=100)
scores = st.floats(min_value=0, max_value=1)


@st.composite
def rubrics(draw: st.DrawFn) -> Rubric:
    """Three dimensions, any weights, any evidence map over the families."""
    cuts = sorted(draw(st.lists(st.floats(0.01, 1), min_size=4, max_size=4)))
    families = st.lists(st.sampled_from([f"{family}.*" for family in FAMILIES]), unique=True)
    return Rubric.model_validate(
        {
            "id": "any",
            "version": "1",
            "title": "Any",
            "role": "any",
            "target_level": "senior",
            "company_stage": "startup",
            "level_cuts": tuple(cuts),
            "dimensions": tuple(
                Dimension.model_validate(
                    {
                        "id": name,
                        "title": name,
                        "question": "?",
                        "weight": draw(weights),
                        "weight_rationale": "a test's",
                        "levels": LEVELS,
                        "evidence": {"checks": tuple(draw(families))},
                    }
                )
                for name in DIMENSIONS
            ),
        }
    )


@st.composite
def results(draw: st.DrawFn, *, invalid: bool = True) -> tuple[CheckResult, ...]:
    """Up to eight checks with different ids; some invalid unless asked otherwise."""
    count = draw(st.integers(0, 8))
    return tuple(draw(one_result(number, invalid=invalid)) for number in range(count))


@st.composite
def one_result(draw: st.DrawFn, number: int, *, invalid: bool = True) -> CheckResult:
    """One check; its outcome follows from its score."""
    family = draw(st.sampled_from(FAMILIES))
    is_invalid = invalid and draw(st.booleans())
    value = draw(scores)
    outcome = CheckOutcome.PASSED if value == 1 else CheckOutcome.PARTIAL
    return CheckResult.model_validate(
        {
            "id": f"{family}.n{number}",
            "family": family,
            "dimension": draw(st.sampled_from((*DIMENSIONS, "elsewhere"))),
            "weight": draw(weights),
            "shows": "something",
            "outcome": CheckOutcome.INVALID if is_invalid else outcome,
            "score": None if is_invalid else value,
        }
    )


ratings = st.lists(
    st.builds(
        Rating,
        rater=st.sampled_from(["ada", "ben", "cyd"]),
        dimension=st.sampled_from(DIMENSIONS),
        level=st.integers(1, 5),
        observation=st.just("seen"),
    ),
    max_size=8,
)


def by_id(dimensions: Sequence[DimensionScore]) -> dict[str, DimensionScore]:
    """Dimension scores by their dimension."""
    return {found.dimension.id: found for found in dimensions}


@settings(deadline=None)
@given(rubrics(), results(), ratings)
def test_everything_stays_in_its_bounds(
    rubric: Rubric, checks: tuple[CheckResult, ...], given_ratings: list[Rating]
) -> None:
    """Scores stay in [0, 1] and inside what the checks said, levels in [1, 5]; models hold."""
    dimensions, overall = score(rubric, checks, given_ratings)
    assert [d.dimension.id for d in dimensions] == list(DIMENSIONS)
    found = {check.id: check for check in checks}
    for dimension in dimensions:
        valid = [s for c in dimension.checks if (s := found[c].score) is not None]
        assert (dimension.check_score is None) == (not valid)
        assert (dimension.suggested_level is None) == (not valid)
        if dimension.check_score is not None:
            assert min(valid) <= dimension.check_score <= max(valid)
        levels = [rating.level for rating in dimension.ratings]
        assert (dimension.final_level is None) == (not levels)
        if dimension.final_level is not None:
            assert min(levels) <= dimension.final_level <= max(levels)
    suggested = [d.suggested_level for d in dimensions if d.suggested_level is not None]
    assert (overall.suggested is None) == (not suggested)
    if overall.suggested is not None:
        assert min(suggested) <= overall.suggested <= max(suggested)


@settings(deadline=None)
@given(rubrics(), results(), st.data())
def test_a_better_outcome_never_lowers_anything(
    rubric: Rubric, checks: tuple[CheckResult, ...], data: st.DataObject
) -> None:
    """Raising one valid check's score lowers no dimension, level or roll-up."""
    valid = [index for index, check in enumerate(checks) if check.score is not None]
    if not valid:
        return
    chosen = data.draw(st.sampled_from(valid))
    old = checks[chosen].score
    assert old is not None
    better = checks[chosen].model_copy(update={"score": data.draw(st.floats(old, 1))})
    before, overall_before = score(rubric, checks, ())
    improved = (*checks[:chosen], better, *checks[chosen + 1 :])
    after, overall_after = score(rubric, improved, ())
    for low, high in zip(before, after, strict=True):
        if low.check_score is not None and high.check_score is not None:
            assert high.check_score >= low.check_score - 1e-12
            assert (high.suggested_level or 0) >= (low.suggested_level or 0)
        assert high.coverage == low.coverage
    assert (overall_after.suggested or 0) >= (overall_before.suggested or 0) - 1e-12


@settings(deadline=None)
@given(rubrics(), results(), st.integers(-6, 6), st.integers(-6, 6))
def test_the_scale_of_weights_does_not_matter(
    rubric: Rubric, checks: tuple[CheckResult, ...], by_check: int, by_dimension: int
) -> None:
    """Only the ratio of weights counts, among checks and among dimensions."""
    # Powers of two, so that scaling itself rounds nothing.
    scaled_checks = [c.model_copy(update={"weight": c.weight * 2.0**by_check}) for c in checks]
    scaled = rubric.model_copy(
        update={
            "dimensions": tuple(
                d.model_copy(update={"weight": d.weight * 2.0**by_dimension})
                for d in rubric.dimensions
            )
        }
    )
    before, overall_before = score(rubric, checks, ())
    after, overall_after = score(scaled, scaled_checks, ())
    assert [(d.check_score, d.suggested_level, d.coverage) for d in before] == [
        (d.check_score, d.suggested_level, d.coverage) for d in after
    ]
    assert overall_before == overall_after


@settings(deadline=None)
@given(rubrics(), results(), st.data())
def test_the_order_of_checks_does_not_matter(
    rubric: Rubric, checks: tuple[CheckResult, ...], data: st.DataObject
) -> None:
    """Any order of the same results gives the same numbers, to the last bit."""
    shuffled = data.draw(st.permutations(checks))
    before, overall_before = score(rubric, checks, ())
    after, overall_after = score(rubric, shuffled, ())
    assert overall_before == overall_after
    for one, other in zip(before, after, strict=True):
        assert one.model_copy(update={"checks": ()}) == other.model_copy(update={"checks": ()})
        assert sorted(one.checks) == sorted(other.checks)


@settings(deadline=None)
@given(rubrics(), results(), ratings, st.data())
def test_the_order_of_raters_does_not_matter(
    rubric: Rubric,
    checks: tuple[CheckResult, ...],
    given_ratings: list[Rating],
    data: st.DataObject,
) -> None:
    """Whoever rated first, the scorecard is the same; only a rater's own order counts."""
    raters = data.draw(st.permutations(["ada", "ben", "cyd"]))
    regrouped = sorted(given_ratings, key=lambda rating: raters.index(rating.rater))
    assert score(rubric, checks, given_ratings) == score(rubric, checks, regrouped)


@settings(deadline=None)
@given(rubrics(), results())
def test_an_invalid_check_is_as_if_absent_except_for_coverage(
    rubric: Rubric, checks: tuple[CheckResult, ...]
) -> None:
    """Our failure is never evidence: dropping invalid checks changes coverage and nothing else."""
    valid = [check for check in checks if check.outcome is not CheckOutcome.INVALID]
    with_invalid, overall_with = score(rubric, checks, ())
    without, overall_without = score(rubric, valid, ())
    assert overall_with == overall_without
    for one, other in zip(with_invalid, without, strict=True):
        assert one.check_score == other.check_score
        assert one.suggested_level == other.suggested_level
        assert one.coverage <= other.coverage
        if len(one.checks) > len(other.checks):
            assert one.coverage < 1


@settings(deadline=None)
@given(rubrics(), results(), one_result(99, invalid=False))
def test_one_more_perfect_check_never_lowers_a_dimension(
    rubric: Rubric, checks: tuple[CheckResult, ...], extra: CheckResult
) -> None:
    """Adding a check that passed fully lowers no dimension's score, level or coverage."""
    perfect = extra.model_copy(update={"score": 1.0, "outcome": CheckOutcome.PASSED})
    before, _ = score(rubric, checks, ())
    after, _ = score(rubric, (*checks, perfect), ())
    for low, high in zip(before, after, strict=True):
        if low.check_score is not None and high.check_score is not None:
            assert high.check_score >= low.check_score - 1e-12
            assert (high.suggested_level or 0) >= (low.suggested_level or 0)
        assert high.coverage >= low.coverage - 1e-12


@settings(deadline=None)
@given(rubrics(), results(), ratings)
def test_checks_and_ratings_do_not_touch_each_other(
    rubric: Rubric, checks: tuple[CheckResult, ...], given_ratings: list[Rating]
) -> None:
    """A rating moves no suggestion, a check moves no rating."""
    both, overall = score(rubric, checks, given_ratings)
    only_checks, overall_checks = score(rubric, checks, ())
    only_ratings, overall_ratings = score(rubric, (), given_ratings)
    assert [d.suggested_level for d in both] == [d.suggested_level for d in only_checks]
    assert [d.final_level for d in both] == [d.final_level for d in only_ratings]
    assert overall.suggested == overall_checks.suggested
    assert overall.rated == overall_ratings.rated


@settings(deadline=None)
@given(rubrics(), results())
def test_a_check_that_the_rubric_names_ignores_its_own_dimension(
    rubric: Rubric, checks: tuple[CheckResult, ...]
) -> None:
    """The rubric wins; the check's dimension counts only where the rubric is silent."""
    mapped = evidence_for(rubric, checks)
    for check in checks:
        named = {d.id for d in rubric.dimensions if f"{check.family}.*" in d.evidence.checks}
        found = {dimension for dimension, its in mapped.items() if check in its}
        assert found == (named or {check.dimension} & set(DIMENSIONS))


@pytest.mark.parametrize("scale", [3.0, 0.1, 7.3])
@settings(deadline=None)
@given(checks=results(), rubric=rubrics())
def test_any_other_scale_changes_nothing_a_person_would_see(
    rubric: Rubric, checks: tuple[CheckResult, ...], scale: float
) -> None:
    """Scales that round move a score by less than anybody prints."""
    scaled = [check.model_copy(update={"weight": check.weight * scale}) for check in checks]
    before, after = by_id(score(rubric, checks, ())[0]), by_id(score(rubric, scaled, ())[0])
    for name in DIMENSIONS:
        assert after[name].check_score == pytest.approx(before[name].check_score)
        assert after[name].coverage == pytest.approx(before[name].coverage)
