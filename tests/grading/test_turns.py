"""Checks take turns on a machine."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from harness.grading import turns
from harness.grading.turns import Turn


@pytest.fixture(autouse=True)
def _own_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One with four places."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(turns, "PLACES", 4)
    monkeypatch.setattr(turns, "LOUD_PLACES", 3)


async def taken(*loud: bool) -> list[Turn]:
    """Turns that somebody has."""
    there = [Turn() for _ in loud]
    for turn, is_loud in zip(there, loud, strict=True):
        await asyncio.wait_for(turn.take(loud=is_loud), 5)
    return there


async def waiting(*, loud: bool) -> tuple[Turn, asyncio.Task[None]]:
    """A turn for which there is no room."""
    turn = Turn()
    task = asyncio.create_task(turn.take(loud=loud))
    done, _ = await asyncio.wait({task}, timeout=0.3)
    assert not done
    return turn, task


async def test_one_is_loud_at_a_time() -> None:
    """The second waits until the first has ended its turn, and a quiet one goes beside it."""
    first, _beside = await taken(True, False)
    second, task = await waiting(loud=True)
    first.end()
    await asyncio.wait_for(task, 5)
    second.end()


async def test_a_place_for_each_quiet_one() -> None:
    """When all are taken the next one waits for any of them."""
    there = await taken(False, False, False, False)
    _, task = await waiting(loud=False)
    there[2].end()
    await asyncio.wait_for(task, 5)


async def test_quiet_ones_do_not_keep_a_loud_one_out() -> None:
    """Who comes later stands in line behind it."""
    there = await taken(False, False)
    loud, its_turn = await waiting(loud=True)
    _, later = await waiting(loud=False)
    there[0].end()
    await asyncio.wait_for(its_turn, 5)
    assert not later.done()
    loud.end()
    await asyncio.wait_for(later, 5)


async def test_who_wants_to_be_alone_is() -> None:
    """It waits for the last one, and all wait for it."""
    there = await taken(False)
    alone = Turn()
    its_turn = asyncio.create_task(alone.take(loud=False, alone=True))
    done, _ = await asyncio.wait({its_turn}, timeout=0.3)
    assert not done
    there[0].end()
    await asyncio.wait_for(its_turn, 5)
    _, quiet = await waiting(loud=False)
    _, loud = await waiting(loud=True)
    alone.end()
    await asyncio.wait_for(asyncio.gather(quiet, loud), 5)


async def test_taking_and_ending_twice_is_once() -> None:
    """A grading that ends early may end its turn again."""
    (turn,) = await taken(True)
    await turn.take(loud=True)
    turn.end()
    turn.end()
    await taken(True)


@pytest.mark.parametrize("loud", [True, False])
async def test_giving_up_while_waiting_leaves_no_claim(loud: bool) -> None:
    """A cancelled grading does not keep the others waiting."""
    there = await taken(True, False)
    _, task = await waiting(loud=loud)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    for turn in there:
        turn.end()
    await taken(True, False)
