"""Numbers as a person reads them, and a measurement against its threshold as a bar."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal

from harness.models.agreement import Estimate
from harness.models.check import Measurement

_THRESHOLD = re.compile(r"\s*(<=|>=|<|>|==|=|≤|≥)\s*(\d+(?:\.\d+)?)")
_MOST = 1e12
"""From here on, numbers are written with an exponent."""
_GROUPED = 1000


@dataclass(frozen=True)
class Bar:
    """Positions in percent of the bar's width."""

    value: float
    threshold: float
    """Where the allowed side begins or ends."""
    below: bool
    """Whether the allowed side is the lower one."""
    exact: bool
    """Whether only the threshold itself is allowed."""


def number(value: float | str | bool | None) -> str:
    """Three significant digits at most after the point, thousands apart; words for the rest."""
    if value is None:
        return "not measured"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return f"{value:,}" if abs(value) < _MOST else f"{Decimal(value):.3g}"
    if not math.isfinite(value):
        return "not a finite number"
    return f"{value:,.0f}" if _GROUPED <= abs(value) < _MOST else f"{value:.3g}"


def threshold(text: str) -> str:
    """A threshold with the signs that people read."""
    for typed, read in (("<=", "≤"), (">=", "≥"), ("==", "=")):
        text = text.replace(typed, read)
    return text


def level(value: float | None) -> str:
    """A level with at most one digit after the point; a dash when there is none."""
    return "–" if value is None else f"{value:.1f}".removesuffix(".0")  # noqa: RUF001 - a dash


def percent(share: float | None) -> str:
    """A share as whole percents; only exactly nothing and all read as 0 and 100 %."""
    if share is None:
        return "–"  # noqa: RUF001 - a dash
    whole = round(share * 100)
    if 0 < share < 1:
        whole = min(99, max(1, whole))
    return f"{whole} %"


def at_most(bound: float) -> str:
    """An upper bound as percents, rounded up to a tenth: what is said must hold.

    >>> at_most(0.0141)
    '1.5 %'
    """
    return f"{math.ceil(Decimal(str(bound)) * 1000) / 10:g} %"


def of_weights(share: float) -> str:
    """A share of all weights; only exactly all of them reads as "all"."""
    return "all" if share == 1 else f"{min(share, 0.999):.1%}".replace("%", " %")


def estimate(found: Estimate) -> str:
    """A statistic with its interval, or why it has none."""
    if found.value is None:
        return f"undefined: {found.reason}"
    ends = found.bootstrap or found.formula
    said = f"{found.value:.2f}" + (f" ({ends.low:.2f} to {ends.high:.2f})" if ends else "")
    return said.replace("-", "\u2212")


def bar(measurement: Measurement) -> Bar | None:
    """The drawn form of a measurement; None when it isn't a number against a number."""
    found = _THRESHOLD.match(measurement.threshold)
    value = measurement.value
    if found is None or isinstance(value, bool) or not isinstance(value, int | float):
        return None
    threshold = float(found[2])
    if not (0 <= value < _MOST and threshold < _MOST and (value or threshold)):
        return None
    whole = max(value, threshold) * 1.25
    return Bar(
        value=round(100 * value / whole, 1),
        threshold=round(100 * threshold / whole, 1),
        below=found[1] in ("<", "<=", "≤"),
        exact=found[1] in ("=", "=="),
    )
