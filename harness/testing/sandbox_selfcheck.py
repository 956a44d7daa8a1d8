"""What the sandbox Protocol promises, as checks that run on every implementation.

    @pytest.mark.parametrize("check", checks(CAPABILITIES), ids=lambda check: check.name)
    async def test_keeps_its_promises(subject: Subject, check: SelfCheck) -> None:
        await check(subject)

Source: one contract, every implementation: inspect_ai `util/_sandbox/self_check.py`.
"""

from __future__ import annotations

from collections.abc import Set
from typing import get_args

from harness.testing import sandbox_check_lifetime, sandbox_check_processes
from harness.testing.sandbox_subject import CHECKS, Capability, SelfCheck, Subject

__all__ = ["CHECKS", "EVERYTHING", "Capability", "SelfCheck", "Subject", "checks"]

EVERYTHING: frozenset[Capability] = frozenset(get_args(Capability))
"""What a real backend promises."""

PARTS = (sandbox_check_processes, sandbox_check_lifetime)
"""Importing them registers their checks."""


def checks(capabilities: Set[Capability] = EVERYTHING) -> list[SelfCheck]:
    """The checks that an implementation with these capabilities must pass."""
    return [check for check in CHECKS if check.group in capabilities]
