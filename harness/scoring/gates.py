"""What must not ship: reported beside the numbers, never averaged into them."""

from __future__ import annotations

from collections.abc import Sequence

from harness.models.check import CheckOutcome, CheckResult
from harness.models.rubric import Gate, Rubric, named
from harness.models.scorecard import GateResult


def gate_results(rubric: Rubric, checks: Sequence[CheckResult]) -> tuple[GateResult, ...]:
    """Each gate of a rubric with what checks say about it.

    A gate is broken when one of its checks did not fully pass, unknown when none did that and one
    is missing or none was there, and held otherwise. Where the gate has a limit, only what they
    measured of it counts: a check may fail by something else. Advisory checks count for nothing.
    """
    return tuple(_result(gate, checks) for gate in rubric.gates)


def _result(gate: Gate, checks: Sequence[CheckResult]) -> GateResult:
    its = [
        check
        for check in checks
        if named(gate.checks, check.id, check.family) and not check.advisory
    ]
    held = {check.id: _held(gate, check) for check in its}
    broken_by = tuple(check for check, holds in held.items() if holds is False)
    missing = tuple(check for check, holds in held.items() if holds is None)
    unknown = missing or not its
    return GateResult(
        gate=gate,
        status="broken" if broken_by else "unknown" if unknown else "held",
        checks=tuple(held),
        broken_by=broken_by,
        missing=missing,
        highest=max((value for check in its for value in _values(gate, check)), default=None),
    )


def _held(gate: Gate, check: CheckResult) -> bool | None:
    """Whether a gate holds by one of its checks; None when that was not measured."""
    if check.outcome is CheckOutcome.INVALID:
        return None
    if gate.measured is None:
        return check.outcome is CheckOutcome.PASSED
    values = _values(gate, check)
    return max(values) <= gate.measured.at_most if values else None


def _values(gate: Gate, check: CheckResult) -> list[float]:
    """What a valid check measured of a gate's limit."""
    if gate.measured is None or check.outcome is CheckOutcome.INVALID:
        return []
    return [
        one.value
        for one in check.measurements
        if one.name == gate.measured.name and isinstance(one.value, int | float)
    ]
