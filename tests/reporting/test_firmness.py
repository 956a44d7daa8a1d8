"""Intervals, contributions, other weights and gates in sentences."""

from __future__ import annotations

import pytest

from harness.models.rubric import Gate, Limit
from harness.models.scorecard import GateResult, Overall
from harness.reporting import html, markdown
from harness.reporting.firmness import adds, between, gate_sentence, reach, what_if
from harness.scoring import score
from harness.testing.scorecards import middling_scorecard, staff_backend_rubric

CARD = middling_scorecard()


def gate(status: str, *checks: str, **more: object) -> GateResult:
    """A gate's result on some checks."""
    subject = Gate(id="g", title="<b>No</b> double charge", rationale="Money.", checks=("a.b",))
    return GateResult.model_validate({"gate": subject, "status": status, "checks": checks, **more})


def counted(status: str, *checks: str, highest: int | None) -> GateResult:
    """The same of a gate with a limit."""
    found = gate(status, *checks, highest=highest)
    limited = found.gate.model_copy(update={"measured": Limit(name="most charges", at_most=1)})
    return found.model_copy(update={"gate": limited})


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (gate("held", "a.b"), "Held: its one check passed."),
        (gate("held", "a.b", "a.c"), "Held: all 2 of its checks passed."),
        (gate("broken", "a.b"), "Broken: not every check of it passed."),
        (gate("unknown", "a.b"), "Not known: a check of it could not be measured."),
        (gate("unknown"), "Not known: none of its checks was run."),
        (
            counted("held", "a.b", "a.c", highest=1),
            "Held: most charges: 1 (at most 1), in all 2 of its checks.",
        ),
        (counted("broken", "a.b", highest=3), "Broken: most charges: 3 (at most 1)."),
        (
            counted("unknown", "a.b", highest=None),
            "Not known: a check of it did not come to measure most charges.",
        ),
    ],
)
def test_a_gate_is_told_in_one_sentence(found: GateResult, said: str):
    """Held, broken and not known are never mixed up."""
    assert gate_sentence(found) == said


def test_a_dimension_says_what_it_makes_of_both_numbers():
    """Failure modes are one of two suggested and one of three rated dimensions."""
    assert (
        adds(CARD, CARD.dimensions[0]) == "It makes 1.5 of the suggested 3.5 and 1 of the rated 3."
    )
    assert adds(CARD, CARD.dimensions[3]) == ""


def test_a_level_says_what_few_checks_leave_open():
    """Twelve checks leave less open than one; none leave nothing to say."""
    assert reach(CARD.dimensions[0]).endswith("anywhere from 2 to 4.")
    assert reach(CARD.dimensions[1]) == ""


def test_other_weights_are_told_for_each_number_there_is():
    """Nothing known, nothing said."""
    assert what_if(CARD.overall) == (
        "With each weight anywhere from 0.5 to 1.5 times its own, the suggested 3.5 stays between"
        " 3.2 and 3.8 and the rated 3 stays as it is."
    )
    nothing: Overall = score(staff_backend_rubric(), (), ())[1]
    assert what_if(nothing) == between(nothing.suggested_from) == ""


def test_a_rubrics_gate_cannot_write_html():
    """Its title is text on the page and in Markdown, like all that a rubric says."""
    card = CARD.model_copy(update={"gates": (gate("unknown"),)})
    assert "<b>No</b>" not in html(card)
    assert "&lt;b&gt;No&lt;/b&gt; double charge" in html(card)
    assert "<b>No</b>" not in markdown(card)
