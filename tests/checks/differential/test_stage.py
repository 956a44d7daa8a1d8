"""What a stage answers when programs share a process, and what one of them may do to the rest."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from harness.checks.differential import Call, Program
from harness.checks.differential.link import Stage, Target
from tests.checks.differential.conftest import Stand

SHOP = """
import os
import time

CALLS = []

def same(value):
    CALLS.append(value)
    return value

def calls():
    return len(CALLS)

def slow(value):
    time.sleep(0.2)
    return value

def odd(value):
    {does}
    return value
"""
FORGED = """import os, struct
    for number in range(3, 40):
        try:
            os.write(number, {frames})
        except OSError:
            pass"""


def one(name: str, *args: object) -> Program:
    """A program of one call."""
    return Program((Call(f"shop:{name}", *args),))


class Stages:
    """Stages on agents of their own; closed by the fixture."""

    def __init__(self, stand: Stand) -> None:
        self._stand = stand
        self.open: list[Stage] = []

    def __call__(self, does: str = "pass") -> Stage:
        standing = self._stand(SHOP.format(does=does))
        stage = Stage(standing.address, standing.token, Target(("shop",)))
        self.open.append(stage)
        return stage


@pytest.fixture
def stages(stand: Stand) -> Iterator[Stages]:
    """Makes a stage; `does` is the body of `odd`."""
    made = Stages(stand)
    yield made
    for stage in made.open:
        stage.close()


def told(stage: Stage, *programs: Program, **how: object) -> list[object]:
    """Of each program that was answered: the value of its first call, or why there is none."""
    stage.begin(programs, **{"within_sec": 30.0, **how})  # type: ignore[arg-type]
    found: list[object] = []
    for answer in stage.end():
        played = answer.played
        found.append(played.end or played.outcomes[0]["value"])
    return found


def test_company_and_apart(stages: Stages) -> None:
    """Programs of a request share a process, unless each is to have its own; requests never do."""
    stage = stages()
    programs = (one("same", 1), one("calls"), one("same", 2), one("calls"))
    assert told(stage, *programs) == [1, 1, 2, 2]
    assert told(stage, *programs, apart=True) == [1, 0, 2, 0]
    assert told(stage, one("calls")) == [0]


ODD = {
    "exits": ("import os; os._exit(7)", "exit code 7"),
    "closes everything": ("import os; os.closerange(0, 200)", "ended"),
    "kills its group": ("import os; os.killpg(0, 9)", "ended early"),
    "hangs": ("while True: pass", "hangs (no end within 1 s)"),
    "floods": ("return ['x' * 9999] * 999", "floods"),
    "kills the stage": ("time.sleep(0.3); os.kill(os.getppid(), 9)", "lost its process"),
}
"""What `odd` does, and why its program comes to no end."""


@pytest.mark.slow
@pytest.mark.parametrize("name", ODD)
def test_one_that_comes_to_no_end(stages: Stages, name: str) -> None:
    """It has no answer, those before it have theirs, and the next request is played."""
    does, why = ODD[name]
    stage = stages(does)
    before = (one("same", 1), one("slow", 2))
    *good, end = told(stage, *before, one("odd", 3), one("same", 4), limit_sec=1.0)
    assert why in str(end)
    assert good == [1, 2]
    assert told(stage, one("same", 4), one("same", 5)) == [4, 5]


def test_late_programs_are_not_begun(stages: Stages) -> None:
    """When time is over the rest has no answers; there is one in any case."""
    programs = [one("slow", number) for number in range(10)]
    for apart in (False, True):
        answers = told(stages(), *programs, within_sec=0.3, apart=apart)
        assert 1 <= len(answers) < 10
        assert answers == list(range(len(answers)))


@pytest.mark.slow
@pytest.mark.parametrize(
    "frames",
    [
        "(struct.pack('>I', 2 | 1 << 31) + b'{}') * 500",
        "(struct.pack('>I', 1 << 31)) * 500",
        "struct.pack('>I', 0x7FFFFFFF) + b'x' * 999",
        "(struct.pack('>I', 9 | 1 << 31) + b'],[],\"\\\\n[[') * 9",
        "b'\\\\n[]' * 99",
        "(struct.pack('>I', 4000 | 1 << 31) + b'[' * 4000) * 9",
    ],
)
def test_forged_frames(stages: Stages, frames: str) -> None:
    """They are believed of nobody but the module that wrote them, and end with its process."""
    stage = stages(FORGED.format(frames=frames))
    began = time.monotonic()
    programs = (one("same", 1), one("odd", 2), one("same", 3))
    stage.begin(programs, limit_sec=1.0, within_sec=5.0)
    answers = stage.end()
    assert 1 <= len(answers) <= len(programs)
    for answer in answers:
        assert isinstance(answer.played.outcomes, tuple)
    assert time.monotonic() - began < 25
    assert told(stage, one("same", 4)) == [4]
