"""Each misbehaviour as a service's client sees it, and what it leaves in the ledger."""

import asyncio
import time

import httpx
import pytest

from harness.checks import (
    Attempts,
    Behaviour,
    Hold,
    Ledger,
    Upstream,
    apply_then_hang,
    drip,
    hang_after_accept,
    headers_then_stall,
    malformed_json,
    ok,
    oversize_body,
    reset,
    reset_mid_body,
    status,
)


@pytest.mark.parametrize(
    ("behaviour", "error", "effects"),
    [
        (hang_after_accept, httpx.ReadTimeout, 0),
        (apply_then_hang, httpx.ReadTimeout, 1),
        (headers_then_stall, httpx.ReadTimeout, 1),
        (reset, httpx.ReadError, 0),
        (reset_mid_body, (httpx.ReadError, httpx.RemoteProtocolError), 1),
    ],
)
async def test_a_call_that_gets_no_answer(
    *,
    upstream: Upstream,
    client: httpx.AsyncClient,
    ledger: Ledger,
    behaviour: Behaviour,
    error: type[Exception],
    effects: int,
):
    """Hangs time out, resets break off, and only those that say so have their effect."""
    upstream.plan = lambda _: behaviour
    with pytest.raises(error):
        await client.post("/orders/tea")
    assert len(ledger.find("order", name="tea")) == effects
    assert upstream.calls[0].answered is None


async def test_a_dripped_answer_outlives_a_timeout_per_read(
    upstream: Upstream, client: httpx.AsyncClient
):
    """Its bytes come often enough for httpx, so the whole takes longer than the timeout."""
    upstream.plan = lambda _: drip(0.02)
    began = time.monotonic()
    reply = await client.post("/orders/tea")
    assert reply.json()["name"] == "tea"
    assert time.monotonic() - began > 0.5


async def test_a_status_has_no_effect_and_says_when_to_come_back(
    upstream: Upstream, client: httpx.AsyncClient, ledger: Ledger
):
    """503 with Retry-After reaches the client, and nothing happened."""
    upstream.plan = lambda _: status(503, "busy", retry_after_sec=2)
    reply = await client.post("/orders/tea")
    assert (reply.status_code, reply.json()) == (503, {"error": "busy"})
    assert reply.headers["retry-after"] == "2"
    assert ledger.find("order") == []


async def test_malformed_json_is_no_json(
    upstream: Upstream, client: httpx.AsyncClient, ledger: Ledger
):
    """The status is right, the body is cut, and the effect is there."""
    upstream.plan = lambda _: malformed_json
    reply = await client.post("/orders/tea")
    assert reply.status_code == 201
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        reply.json()
    assert len(ledger.find("order")) == 1


async def test_an_oversize_body_is_as_large_as_it_says(
    upstream: Upstream, client: httpx.AsyncClient
):
    """A client that reads it all gets all of it."""
    upstream.plan = lambda _: oversize_body(1024 * 1024)
    reply = await client.post("/orders/tea")
    assert len(reply.content) == 1024 * 1024


async def test_attempts_go_wrong_in_turn_and_then_right(
    upstream: Upstream, client: httpx.AsyncClient
):
    """So "ok after two failures" is two behaviours and then the answer; the attempts are kept."""
    plan = Attempts(status(503), reset)
    upstream.plan = lambda _: plan
    assert (await client.post("/orders/tea")).status_code == 503
    with pytest.raises(httpx.ReadError):
        await client.post("/orders/tea")
    assert (await client.post("/orders/tea")).status_code == 201
    assert [call.number for call in plan.calls] == [0, 1, 2]


async def test_attempts_can_fail_for_ever(upstream: Upstream, client: httpx.AsyncClient):
    """`then` is what comes after the listed ones."""
    plan = Attempts(then=status(503))
    upstream.plan = lambda _: plan
    assert [(await client.post("/orders/tea")).status_code for _ in range(3)] == [503] * 3


async def test_a_barrier_holds_calls_until_it_is_released(
    upstream: Upstream, client: httpx.AsyncClient, ledger: Ledger
):
    """Two calls are inside at once with no effect yet; after release both are answered."""
    barrier = Hold()
    upstream.plan = lambda _: barrier
    first, second = (asyncio.create_task(client.post(f"/orders/{name}")) for name in ("a", "b"))
    assert await barrier.arrived(2, timeout_sec=2)
    assert (ledger.find("order"), first.done(), second.done()) == ([], False, False)
    assert not await barrier.arrived(3, timeout_sec=0.01)
    barrier.release()
    assert {(await task).status_code for task in (first, second)} == {201}
    assert (await client.post("/orders/later")).status_code == 201


async def test_a_barrier_can_hold_calls_whose_effect_is_there(
    upstream: Upstream, client: httpx.AsyncClient, ledger: Ledger
):
    """`applied` is the moment between the money moving and anybody hearing of it."""
    barrier = Hold(then=ok, applied=True)
    upstream.plan = lambda _: barrier
    with pytest.raises(httpx.ReadTimeout):
        await client.post("/orders/tea")
    assert len(ledger.find("order")) == 1
    barrier.release()
