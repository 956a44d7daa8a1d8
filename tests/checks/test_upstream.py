"""The stub as a server: framing, slots, its log of calls, and hostile clients."""

import asyncio
import gc
import json
import socket
import tracemalloc
from contextlib import ExitStack
from itertools import pairwise

import httpx
import pytest

from harness.checks import (
    Answer,
    Call,
    ControlFailed,
    Ledger,
    Upstream,
    hang_after_accept,
)
from harness.checks import (
    upstream as upstream_module,
)
from harness.checks.exchange import reset_connection


async def raw(upstream: Upstream, data: bytes) -> bytes:
    """Send bytes as they are; what comes back until the end of the connection."""
    host, port = upstream.address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(data)
    try:
        return await asyncio.wait_for(reader.read(), 2)
    except ConnectionError:
        return b""
    finally:
        writer.transport.abort()


async def test_one_connection_carries_several_calls(upstream: Upstream):
    """Keep-alive works with a real client."""
    address = f"http://{upstream.address}"
    async with httpx.AsyncClient(base_url=address) as client:
        for _ in range(3):
            await client.post("/orders/tea", json={"cups": 2})
    assert [call.json() for call in upstream.calls] == [{"cups": 2}] * 3
    assert [call.status for call in upstream.calls] == [201] * 3


async def test_a_chunked_body_is_read_to_its_end(upstream: Upstream):
    """Clients that stream are understood too."""

    async def body():
        yield b'{"cups"'
        yield b": 3}"

    async with httpx.AsyncClient() as client:
        await client.post(f"http://{upstream.address}/orders/tea?a=1&b=2", content=body())
    assert upstream.calls[0].json() == {"cups": 3}
    assert upstream.calls[0].query == {"a": "1", "b": "2"}


async def test_an_unknown_path_is_404(upstream: Upstream, client: httpx.AsyncClient):
    """So is the wrong method."""
    assert (await client.get("/orders/tea")).status_code == 404
    assert (await client.post("/nothing")).status_code == 404


async def test_slots_make_calls_wait_in_line(upstream: Upstream, client: httpx.AsyncClient):
    """Six calls of 50 ms in two slots take three turns, first come first served."""
    upstream.slots, upstream.latency = 2, 0.05
    began = asyncio.get_running_loop().time()
    await asyncio.gather(*(client.post(f"/orders/{n}") for n in range(6)))
    assert asyncio.get_running_loop().time() - began >= 0.15
    assert upstream.peak == 6
    starts = [call.started for call in upstream.calls]
    assert starts == sorted(starts)


async def test_a_caller_that_hangs_up_is_noted(upstream: Upstream, client: httpx.AsyncClient):
    """`gone` is set and the call no longer counts as open, though its work goes on."""
    upstream.latency = 0.7
    with pytest.raises(httpx.ReadTimeout):
        await client.post("/orders/tea")
    assert await upstream.until(lambda: upstream.open_calls == 0, timeout_sec=1)
    call = upstream.calls[0]
    assert call.gone is not None
    assert call.gone >= call.arrived


async def test_a_caller_that_resets_its_connection_is_noted(upstream: Upstream):
    """As one that ends it in order."""
    upstream.plan = lambda _: hang_after_accept
    host, port = upstream.address.split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /orders/tea HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
    assert await upstream.until(lambda: len(upstream.calls) == 1, timeout_sec=2)
    reset_connection(writer)
    assert await upstream.until(lambda: upstream.open_calls == 0, timeout_sec=2)


async def test_abandoned_work_still_has_its_effect(
    upstream: Upstream, client: httpx.AsyncClient, ledger: Ledger
):
    """A provider does not take the money back because nobody listens."""
    upstream.latency = 0.6
    with pytest.raises(httpx.ReadTimeout):
        await client.post("/orders/tea")
    assert await upstream.until(lambda: bool(ledger.find("order")), timeout_sec=2)


async def test_refusing_and_accepting_again(upstream: Upstream):
    """While it refuses nobody gets through; afterwards the same port answers."""
    url = f"http://{upstream.address}/orders/tea"
    await upstream.refuse()
    async with httpx.AsyncClient() as client:
        with pytest.raises(httpx.ConnectError):
            await client.post(url)
        await upstream.accept()
        assert (await client.post(url)).status_code == 201


@pytest.mark.parametrize(
    "data",
    [
        b"nonsense\r\n\r\n",
        b"GET //[ HTTP/1.1\r\n\r\n",
        b"POST /orders/tea HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
        b"POST /orders/tea HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /orders/tea HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /orders/tea HTTP/1.1\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"POST /orders/tea HTTP/1.1\r\nbroken\r\n\r\n",
        b"POST /orders/tea HTTP/1.1\r\n" + b"a:\r\n" * 201 + b"\r\n",
        b"POST /orders/tea?" + b"a=1&" * 101 + b" HTTP/1.1\r\n\r\n",
    ],
)
async def test_what_is_not_http_is_dropped(upstream: Upstream, data: bytes):
    """A service that sends nonsense, or too much, loses its connection and nothing else."""
    assert await raw(upstream, data) == b""
    assert upstream.calls == []


async def test_connections_are_capped(upstream: Upstream, monkeypatch: pytest.MonkeyPatch):
    """A flood is turned away instead of using up the grader."""
    monkeypatch.setattr(upstream_module, "MAX_CONNECTIONS", 1)
    upstream.plan = lambda _: hang_after_accept
    request = b"POST /orders/tea HTTP/1.1\r\nContent-Length: 0\r\n\r\n"
    hanging = asyncio.create_task(raw(upstream, request))
    assert await upstream.until(lambda: len(upstream.calls) == 1, timeout_sec=2)
    assert await raw(upstream, request) == b""
    assert len(upstream.calls) == 1
    hanging.cancel()


async def test_a_storm_of_connections_is_let_in_bit_by_bit(monkeypatch: pytest.MonkeyPatch):
    """None is turned away, and the grader turns to other things in between."""
    accepted = 0
    made = Upstream._protocol

    def counted(upstream: Upstream) -> asyncio.StreamReaderProtocol:
        nonlocal accepted
        accepted += 1
        return made(upstream)

    monkeypatch.setattr(Upstream, "_protocol", counted)
    upstream, storm = Upstream("stub"), 300
    await upstream.open()
    host, port = upstream.address.split(":")
    with ExitStack() as open_ones:
        for _ in range(storm):  # the loop stands meanwhile, so all of them wait to be accepted
            connection = socket.create_connection((host, int(port)), timeout=5)
            open_ones.enter_context(connection)
        turns = [0]
        while turns[-1] < storm:
            await asyncio.sleep(0)
            turns.append(accepted)
    await upstream.close()
    assert max(later - sooner for sooner, later in pairwise(turns)) <= 64


@pytest.mark.parametrize(("connections", "each"), [(1, 400), (200, 4)])
async def test_calls_in_a_row_take_turns_with_everything_else(connections: int, each: int):
    """However they come, no more than so many are begun in one go."""
    upstream = Upstream("stub")
    await upstream.open()
    host, port = upstream.address.split(":")
    with ExitStack() as open_ones:
        for _ in range(connections):
            connection = socket.create_connection((host, int(port)), timeout=5)
            open_ones.enter_context(connection)
            connection.sendall(b"GET /nowhere HTTP/1.1\r\n\r\n" * each)
        turns = [0]
        while turns[-1] < connections * each:
            await asyncio.sleep(0)
            turns.append(len(upstream.calls))
    await upstream.close()
    assert max(later - sooner for sooner, later in pairwise(turns)) <= 64


async def test_a_body_that_is_no_call_is_not_read(upstream: Upstream):
    """A service that sends megabytes must not fill the grader."""
    size = upstream_module.MAX_CALL_BYTES + 1
    head = f"POST /orders/tea HTTP/1.1\r\nContent-Length: {size}\r\n\r\n".encode()
    assert await raw(upstream, head + b" " * size) == b""
    assert upstream.calls == []


async def test_calls_are_kept_up_to_a_bound(
    upstream: Upstream, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
):
    """Beyond it a service is not listened to any more, and the grader lives."""
    monkeypatch.setattr(upstream_module, "MAX_KEPT_BYTES", 500_000)
    assert (await client.post("/orders/tea", content=b" " * 15_000)).status_code == 201
    with pytest.raises(httpx.TransportError):
        await client.post("/orders/tea", content=b" " * 15_000)
    assert len(upstream.calls) == 1


MANY_HEADERS = "GET / HTTP/1.1\r\n" + "".join(f"h{n}:\r\n" for n in range(199))
MANY_FIELDS = "GET /?" + "".join(f"q{n}=1&" for n in range(99)) + " HTTP/1.1\r\n"
LONG_LIST = "[" + "{}," * 19_999 + "1]"


@pytest.mark.parametrize(
    ("head", "body", "calls"),
    [
        (MANY_HEADERS, "", 300),
        (MANY_FIELDS, "", 300),
        (f"POST / HTTP/1.1\r\nContent-Length: {len(LONG_LIST)}\r\n", LONG_LIST, 30),
    ],
    ids=["headers", "query", "body"],
)
async def test_what_calls_are_charged_is_what_they_take(head: str, body: str, calls: int):
    """However small its parts are: they are what takes the memory."""
    upstream, read = Upstream("stub"), list[object]()

    def kept(call: Call) -> None:
        read.append(json.loads(call.body) if call.body else None)

    upstream.plan = kept
    await upstream.open()
    tracemalloc.start()
    for _ in range(calls):
        await raw(upstream, f"{head}Connection: close\r\n\r\n{body}".encode())
    gc.collect()
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    await upstream.close()
    assert len(upstream.calls) == calls
    assert taken <= upstream._kept_bytes


async def test_a_broken_handler_is_kept_for_the_verdict():
    """What a handler raises is ours, not the service's."""
    stub = Upstream("broken")
    stub.route("GET", "/", lambda _: 1 / 0)
    await stub.open()
    async with httpx.AsyncClient() as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get(f"http://{stub.address}/")
    await stub.close()
    assert [type(error) for error in stub.errors] == [ZeroDivisionError]


async def test_a_taken_port_is_a_failed_control(upstream: Upstream):
    """Not a finding about anybody."""
    other = Upstream("other")
    with pytest.raises(ControlFailed, match="cannot listen"):
        await other.open("127.0.0.1", int(upstream.address.split(":")[1]))


async def test_until_gives_up(upstream: Upstream):
    """Waiting is bounded."""
    assert not await upstream.until(lambda: False, timeout_sec=0.01)


def test_an_answer_of_bytes_goes_out_as_it_is():
    """JSON otherwise."""
    assert Answer(200, b"raw").encode()[1] == b"raw"
    assert Answer(200, {"a": 1}).encode()[1] == b'{"a": 1}'
