"""Numbers against thresholds."""

import pytest

from harness.checks import Measure


def test_a_met_threshold_says_so():
    """Value, unit and threshold are kept as a person reads them."""
    measure = Measure()
    assert measure("reply", 1.23456, unit="s", at_most=3.25)
    (taken,) = measure.taken
    assert (taken.value, taken.unit, taken.threshold, taken.met) == (1.2346, "s", "<= 3.25", True)
    assert measure.score == 1


@pytest.mark.parametrize(
    ("value", "score"),
    [(3.0, 1.0), (3.25, 1.0), (3.3, 0.5), (6.0, 0.5), (6.1, 0.0)],
)
def test_a_wider_bound_gives_partial_credit(value: float, score: float):
    """Within the threshold all, within the wider bound half, beyond nothing."""
    measure = Measure()
    measure("reply", value, at_most=3.25, partly_at_most=6)
    assert measure.score == score


def test_the_worst_measurement_decides():
    """Half for one and nothing for another is nothing."""
    measure = Measure()
    measure("a", 5, at_least=10, partly_at_least=5)
    assert measure.score == 0.5
    measure("b", 2, equals=1)
    assert measure.score == 0
    assert [item.met for item in measure.taken] == [False, False]


def test_facts_and_information():
    """A fact must hold; information never decides and does not count as judged."""
    measure = Measure()
    measure.info("replies", "201 x 4")
    assert not measure.judged
    assert measure.true("alive", True)
    assert not measure.true("well", False)
    assert (measure.judged, measure.score) == (True, 0)


def test_a_number_without_threshold_is_a_mistake():
    """The author meant `info`."""
    with pytest.raises(TypeError, match="no threshold"):
        Measure()("reply", 1)


def test_sentences_tell_what_was_missed_or_what_was_kept():
    """Missed ones alone when there are any, notes last."""
    measure = Measure()
    measure("a", 1, at_most=2)
    measure.note("By the way.")
    assert list(measure.sentences()) == ["a: 1 (<= 2).", "By the way."]
    measure("b", 3.14159, unit="s", at_most=2)
    assert list(measure.sentences()) == ["b: 3.142 s, should be <= 2.", "By the way."]
