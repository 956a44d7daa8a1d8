"""Loud checks take turns."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from harness.grading.turns import Turn


@pytest.fixture(autouse=True)
def _own_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the machine's."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


async def test_one_has_the_turn_at_a_time() -> None:
    """The second waits until the first has ended its own."""
    first, second = Turn(), Turn()
    await first.take()
    waiting = asyncio.create_task(second.take())
    done, _ = await asyncio.wait({waiting}, timeout=0.3)
    assert not done
    first.end()
    await asyncio.wait_for(waiting, 5)
    second.end()


async def test_taking_and_ending_twice_is_once() -> None:
    """A grading that ends early may end its turn again."""
    turn = Turn()
    await turn.take()
    await turn.take()
    turn.end()
    turn.end()
    await asyncio.wait_for(Turn().take(), 5)


async def test_giving_up_while_waiting_leaves_no_claim() -> None:
    """A cancelled grading does not keep the others waiting."""
    first, second = Turn(), Turn()
    await first.take()
    waiting = asyncio.create_task(second.take())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    first.end()
    await asyncio.wait_for(Turn().take(), 5)
