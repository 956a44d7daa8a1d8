"""Programs in company find what they find alone, and what they leave behind decides nothing."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st

from harness.checks.differential import Call, Comparison, Program, Twins, search
from harness.checks.differential.screening import Screening
from harness.checks.failure import ControlFailed
from tests.checks.differential.conftest import Pair

PLAIN = """
import os
import time

def twice(number):
    return number * 2
"""
COUNTING = """
CALLS = []

def twice(number):
    CALLS.append(number)
    {does}
    return number * 2
"""
NUMBERS = st.integers(0, 9999).map(lambda number: Program((Call("shop:twice", number),)))
"""Rarely large ones: a fifth is above 4000, one in forty above 9000."""
SETTING = """
RATE = {}

def rate(value):
    RATE["rate"] = value

def twice(number):
    return number * RATE.get("rate", 2)
"""
SETTINGS = st.builds(
    lambda rate, number: Program(
        (*([Call("shop:rate", rate)] if rate else []), Call("shop:twice", number))
    ),
    st.sampled_from([3, 4, 5, 6, 7, 8, 9, 0]),
    st.integers(1, 9999),
)


async def compared(twins: Twins, cases: int = 150, **more: object) -> Comparison:
    """With random numbers."""
    return await twins.compare(NUMBERS, seed="s", cases=cases, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "does",
    [
        "number += len(CALLS) - 1",
        "if len(CALLS) > 3: import os; os._exit(7)",
        "if len(CALLS) > 1: raise KeyError(number)",
    ],
    ids=["counts", "exits", "raises"],
)
async def test_what_is_left_to_the_next_decides_nothing(pair: Pair, does: str) -> None:
    """A module that does otherwise in company, and alone what the original does, is right."""
    found = await compared(pair(PLAIN, COUNTING.format(does=does)))
    assert found.divergence is None, str(found.divergence)
    assert found.cases == found.calls
    assert found.cases > 140
    assert found.own == 0


async def test_an_original_that_leaves_something(pair: Pair) -> None:
    """Its programs are played apart then, so that nothing is hidden by what others have set."""
    other = SETTING.replace('RATE.get("rate", 2)', '(RATE.get("rate") or (2 + (number > 2000)))')
    same = await pair(SETTING, SETTING).compare(SETTINGS, seed="s", cases=120)
    assert same.divergence is None
    assert same.cases > 100
    found = await pair(SETTING, other).compare(SETTINGS, seed="s", cases=400)
    assert str(found.divergence).startswith("1. twice(2001)\nStep 1, result")


async def test_a_difference_of_a_fresh_process(pair: Pair) -> None:
    """What only the first call in a process does is found: some programs are always first."""
    first = COUNTING.format(does="number += len(CALLS) == 1 and number > 4000")
    found = await compared(pair(PLAIN, first), 500)
    assert str(found.divergence).startswith("1. twice(4001)\nStep 1, result")


async def test_company_finds_what_is_found_apart(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same shortest program, after the same number of others."""
    twins = pair(PLAIN, PLAIN.replace("number * 2", "number * 2 + (number > 9000)"))
    company = await compared(twins, 500)
    assert company.divergence is not None
    monkeypatch.setattr(search, "Screening", lambda pairing, apart: Screening(pairing, apart=True))
    apart = await compared(twins, 500)
    assert str(company.divergence) == str(apart.divergence)
    assert (company.cases, company.calls) == (apart.cases, apart.calls)
    assert str(company.divergence).startswith("1. twice(9001)\nStep 1, result: original 18002")


HOSTILE = {
    "exits": ("import os; os._exit(7)", "exit code 7"),
    "hangs": ("while True: pass", "no end within"),
    "floods": ("return ['x' * 9999] * 999", "floods"),
    "forges": (
        """import os, struct
        for fd in range(3, 40):
            try:
                os.write(fd, (struct.pack(">I", 14 | 1 << 31) + b'{"value": 9.0}') * 300)
            except OSError:
                pass""",
        "Step 1",
    ),
    "equals everything": ("return type('Any', (), {'__eq__': lambda a, b: True})()", "a Any"),
}
"""What the module does with few numbers, in the middle of others, and what is told."""


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_in_the_middle(pair: Pair, name: str) -> None:
    """It fails with a reason and the program that shows it; the original's answers are its own."""
    does, tells = HOSTILE[name]
    does = f"if number % 16 == 9:\n        {does}"
    found = await compared(pair(PLAIN, COUNTING.format(does=does)), 300, shrink_sec=8.0)
    assert found.divergence is not None
    assert tells in str(found.divergence)
    assert found.divergence.program.steps[0].args[0] % 16 == 9  # type: ignore[operator]


async def test_forged_agreement_is_the_modules_own(pair: Pair) -> None:
    """Whoever writes answers for later programs has said them, and nobody else has."""
    forged = """import os, struct
    for fd in range(3, 40):
        try:
            os.write(fd, (struct.pack(">I", 1 << 31)) * 200)
        except OSError:
            pass"""
    found = await compared(pair(PLAIN, COUNTING.format(does=forged)))
    assert "answer" in str(found.divergence) or "Step 1" in str(found.divergence)
    with pytest.raises(ControlFailed):
        await compared(pair("raise SystemExit", COUNTING.format(does=forged)))


async def test_a_submission_that_is_much_slower(pair: Pair) -> None:
    """Time that only the submission takes is told as its own."""
    slow = PLAIN.replace("return", "time.sleep(0.4)\n    return")
    with pytest.raises(AssertionError, match="much slower"):
        await compared(pair(PLAIN, slow), search_sec=3.0)


async def test_the_control_is_played(pair: Pair) -> None:
    """An original that differs from itself elsewhere is no measure, in company as alone."""
    elsewhere = PLAIN.replace("number * 2", "number * 2 + (time.tzname[0] != 'UTC')")
    with pytest.raises(ControlFailed, match="differs from itself in"):
        await compared(pair(elsewhere, elsewhere))
