"""Random sequences: they find a planted bug, shrink it, keep to their time and their seed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from hypothesis import strategies as st

from harness.checks import (
    Answer,
    Call,
    Measure,
    StateMachine,
    SutNotReady,
    Upstream,
    explore,
    fetch,
    rule,
)
from harness.checks.sequences import FEWEST_SEQUENCES


class Till:
    """A tiny service that takes payments over HTTP and remembers their keys, unless told not to."""

    def __init__(self, *, forgets: bool) -> None:
        self.server = Upstream("till")
        self.server.route("POST", "/payments/{key}", self._pay)
        self.charges: list[str] = []
        self._forgets = forgets
        self._known: set[str] = set()

    def restart(self) -> None:
        """Start again; what was only in memory is gone."""
        if self._forgets:
            self._known.clear()

    def _pay(self, _: Call, key: str) -> Answer:
        if key not in self._known:
            self._known.add(key)
            self.charges.append(key)
        return Answer(201, {"key": key})


class Buyer(StateMachine):
    """Pays with two keys of its own."""

    made = 0

    def __init__(self, till: Till, log: list[str]) -> None:
        Buyer.made += 1
        self._till = till
        self._keys = {name: f"{name}{Buyer.made}" for name in "AB"}
        self._log = log

    @rule("somebody looks at {page}", page=st.sampled_from(["prices", "hours"]))
    async def look(self, page: str) -> None:
        self._log.append(f"look {page}")

    @rule("somebody says nothing")
    async def nothing(self) -> bool:
        return False

    @rule("the shop sends payment {key}", key=st.sampled_from("AB"))
    async def pay(self, key: str) -> None:
        self._log.append(f"pay {key}")
        await fetch(self._till.server.address, "POST", f"/payments/{self._keys[key]}")

    @rule("the machine is lost, and another one starts", costly=True)
    async def crash(self) -> None:
        self._log.append("crash")
        self._till.restart()

    async def invariant(self) -> None:
        for name, key in self._keys.items():
            assert self._till.charges.count(key) <= 1, f"Payment {name} was charged twice."


@pytest.fixture
async def open_till() -> AsyncIterator[Callable[..., Awaitable[Till]]]:
    """Opens a till that forgets its keys with a restart, or one that does not."""
    tills: list[Till] = []

    async def opened(*, forgets: bool) -> Till:
        till = Till(forgets=forgets)
        await till.server.open()
        tills.append(till)
        return till

    yield opened
    for till in tills:
        await till.server.close()


async def test_a_planted_bug_is_found_and_its_counterexample_is_minimal(open_till):
    """Three steps are needed, and no more are left."""
    till = await open_till(forgets=True)
    found = (await explore(Buyer, till, [], seed="1", costly_sequences=20)).counterexample
    assert found is not None
    assert str(found) == (
        "1. The shop sends payment A.\n"
        "2. The machine is lost, and another one starts.\n"
        "3. The shop sends payment A.\n"
        "Then: Payment A was charged twice."
    )


async def test_a_good_service_is_left_in_peace(open_till):
    """Nothing is found, and the exploration says how much it tried."""
    till = await open_till(forgets=False)
    explored = await explore(Buyer, till, [], seed="1", sequences=20)
    assert explored.counterexample is None
    assert explored.sequences == 20 + 3
    assert explored.steps > explored.sequences


async def test_the_same_seed_plays_the_same_sequences(open_till):
    """A candidate's regrade meets what the first grading met; another candidate does not."""
    till = await open_till(forgets=False)
    logs: list[list[str]] = []
    for seed in ("1", "1", "2"):
        logs.append([])
        await explore(Buyer, till, logs[-1], seed=seed, sequences=15)
    assert logs[0] == logs[1] != logs[2]


async def test_no_sequence_is_played_twice_and_costly_steps_are_few(open_till):
    """With a real service each sequence takes a second, and a restart several."""
    till = await open_till(forgets=False)
    log: list[str] = []
    await explore(Buyer, till, log, seed="3", sequences=30, costly_sequences=5)
    assert log.count("crash") == 5


class Slow(Buyer):
    """Each payment takes a while."""

    async def invariant(self) -> None:
        await asyncio.sleep(0.05)
        await super().invariant()


async def test_the_search_ends_with_its_time(open_till):
    """Whatever is left of its sequences."""
    till = await open_till(forgets=False)
    explored = await explore(Slow, till, [], seed="1", sequences=1000, search_sec=0.5)
    assert explored.sequences < 50, "each takes a twentieth of a second and more"
    assert explored.counterexample is None


async def test_a_slow_service_is_searched_as_well(open_till):
    """A few sequences are played, whatever the time they take."""
    till = await open_till(forgets=False)
    explored = await explore(Slow, till, [], seed="1", search_sec=0)
    assert explored.sequences == FEWEST_SEQUENCES


async def test_shrinking_that_was_cut_short_says_so(open_till):
    """The counterexample is true all the same."""
    till = await open_till(forgets=True)
    found = (
        await explore(Slow, till, [], seed="1", costly_sequences=20, shrink_sec=0)
    ).counterexample
    assert found is not None
    assert found.cut
    assert "the time for looking was over" in str(found)
    assert found.broken.endswith("was charged twice.")


class Hurt(Buyer):
    """Its bad times are over only when it is healed."""

    async def heal(self) -> None:
        self._log.append("heal")

    async def settle(self) -> None:
        self._log.append("settle")


async def test_the_service_is_healed_however_a_sequence_went(open_till):
    """So that what breaks one sequence does not break the next."""
    log: list[str] = []
    await explore(Hurt, await open_till(forgets=True), log, seed="1", costly_sequences=20)
    assert log.count("heal") > log.count("settle") > 0
    log = []
    await explore(Hurt, await open_till(forgets=False), log, seed="1", costly_sequences=20)
    assert log.count("heal") == log.count("settle") > 0


class Broken(Buyer):
    """The service does not come up again."""

    @rule("the service ends")
    async def end(self) -> None:
        raise SutNotReady("The service ended before it was ready.")


async def test_steps_that_did_nothing_are_not_told(open_till):
    """Even where there was no time to shrink them away."""
    till = await open_till(forgets=True)
    explored = await asyncio.gather(
        *(explore(Buyer, till, [], seed=str(seed), shrink_sec=0) for seed in range(5))
    )
    texts = [str(each.counterexample) for each in explored if each.counterexample]
    assert texts
    assert not [text for text in texts if "says nothing" in text]


async def test_what_is_no_broken_promise_comes_out_as_it_is(open_till):
    """A service that does not start again, or a channel that is gone, is not a counterexample."""
    with pytest.raises(SutNotReady):
        await explore(Broken, await open_till(forgets=False), [], seed="1")


async def test_a_counterexample_goes_into_the_summary(open_till):
    """The interviewer reads the steps in words."""
    measure = Measure()
    (await explore(Buyer, await open_till(forgets=True), [], seed="1", costly_sequences=20)).record(
        measure
    )
    assert measure.score == 0
    text = " ".join(measure.sentences())
    assert "sequences that break a promise: 1, should be = 0." in text
    assert "1. The shop sends payment A.\n2. The machine is lost" in text
