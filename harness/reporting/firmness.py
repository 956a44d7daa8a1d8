"""How firm the numbers are, in sentences: intervals, contributions, other weights, gates."""

from __future__ import annotations

from harness.models.scorecard import DimensionScore, GateResult, Overall, RollUp, Scorecard
from harness.reporting.numbers import level, number


def between(made: RollUp | None) -> str:
    """The interval of a roll-up in two words; empty without one."""
    if made is None or made.interval is None:
        return ""
    return f"between {level(made.interval.low)} and {level(made.interval.high)}"


def reach(score: DimensionScore) -> str:
    """What so few checks leave open; empty when they leave nothing open."""
    if score.suggested_range is None:
        return ""
    low, high = score.suggested_range
    if low == high:
        return "Other checks of this kind would hardly change that."
    return f"Other checks of this kind might put it anywhere from {low} to {high}."


def adds(card: Scorecard, score: DimensionScore) -> str:
    """What a dimension adds to the roll-ups; empty when it is in neither."""
    parts = [
        f"{number(part.points)} of the {word} {level(made.value)}"
        for made, word in (
            (card.overall.suggested_from, "suggested"),
            (card.overall.rated_from, "rated"),
        )
        if made is not None
        for part in made.parts
        if part.dimension == score.dimension.id
    ]
    return f"It makes {' and '.join(parts)}." if parts else ""


def what_if(overall: Overall) -> str:
    """How far other weights would move the roll-ups; empty when there is none."""
    stays = [
        f"the {word} {level(made.value)} {_moves(made)}"
        for made, word in ((overall.suggested_from, "suggested"), (overall.rated_from, "rated"))
        if made is not None
    ]
    if not stays:
        return ""
    low, high = number(1 - overall.weight_spread), number(1 + overall.weight_spread)
    return f"With each weight anywhere from {low} to {high} times its own, {' and '.join(stays)}."


def _moves(made: RollUp) -> str:
    low, high = level(made.weight_interval.low), level(made.weight_interval.high)
    return "stays as it is" if low == high else f"stays between {low} and {high}"


def gate_sentence(found: GateResult) -> str:
    """What checks say about a gate."""
    count, limit = len(found.checks), found.gate.measured
    its = "its one check" if count == 1 else f"all {count} of its checks"
    if not found.checks:
        return "Not known: none of its checks was run."
    if limit is None:
        return {
            "held": f"Held: {its} passed.",
            "broken": "Broken: not every check of it passed.",
            "unknown": "Not known: a check of it could not be measured.",
        }[found.status]
    if found.status == "unknown" or found.highest is None:
        return f"Not known: a check of it did not come to measure {limit.name}."
    told = f"{limit.name}: {number(found.highest)} (at most {number(limit.at_most)})"
    return f"Held: {told}, in {its}." if found.status == "held" else f"Broken: {told}."
