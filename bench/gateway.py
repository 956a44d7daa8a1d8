"""The recording gateway against a bare pass-through that records nothing.

Four processes: a provider of ours, the gateway, the bare pass-through (aiohttp on uvloop,
both as in the gateway), and this one as the client. The request is of a coding client's
size: 25 tools and a conversation, about 100 kB. Direct calls, calls through the bare one and
calls through ours take turns; what each of the two adds over the direct calls is compared:
for a reply in one piece, to the first byte of a stream, and to the end of a stream whose
eight events come 2 ms apart, as an assistant's words do. (Events that come all at once are
merged by the bare one, which relays whatever its buffer has; the gateway keeps them apart.)

The provider thinks for 20 ms, a tenth of what a quick one takes: the gateway reads the request
meanwhile. What it adds before one that answers at once is told, too, without an aim.

Where LITELLM names the command of an installed LiteLLM proxy, it takes its turns, too. It is no
dependency: `pip install 'litellm[proxy]'` into an environment of its own.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp

from bench.gateway_peers import (
    AT_ONCE,
    BIG_MB,
    CHUNKS,
    KEY,
    THOUGHTFUL,
    WORD,
    litellm,
    process,
)
from bench.measuring import Figure, spread
from harness.gateway.configuration import (
    Bounds,
    GatewayConfig,
    HttpUpstream,
    SessionGrant,
    key_hash,
    written,
)

_ROUNDS = 100
_WARM_UP = 15
_CLIENT = {"Authorization": f"Bearer {KEY}", "anthropic-version": "2023-06-01"}
_WITHOUT_UVLOOP = "import sys; sys.modules['uvloop'] = None; "
_SERVE = "from harness.gateway.__main__ import main; sys.exit(main(sys.argv[1:]))"


def _request(last: str) -> dict[str, object]:
    """A coding client's request in its tenth round."""
    schema = {
        "type": "object",
        "properties": {"path": {"type": "string", "description": "d" * 900}},
    }
    tools = [
        {"name": f"Tool{n}", "description": "what it does " * 120, "input_schema": schema}
        for n in range(25)
    ]
    messages: list[dict[str, object]] = []
    for number in range(10):
        messages += [
            {"role": "user", "content": [{"type": "text", "text": f"{number} " + "please " * 250}]},
            {"role": "assistant", "content": [{"type": "text", "text": "certainly " * 180}]},
        ]
    messages.append({"role": "user", "content": last})
    system = [{"type": "text", "text": "you are careful " * 900}]
    return {
        "model": "m",
        "max_tokens": 100,
        "stream": True,
        "system": system,
        "tools": tools,
        "messages": messages,
    }


async def measure() -> list[Figure]:
    """Latency, first byte, chunks, memory, and whether uvloop pays."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        provider, _ = await stack.enter_async_context(
            process("-m", "bench.gateway_peers", "provider")
        )
        url = f"http://127.0.0.1:{provider}"
        bare, _ = await stack.enter_async_context(process("-m", "bench.gateway_peers", "bare", url))
        ours, running = await stack.enter_async_context(_gateway(folder / "a", url))
        slower, _ = await stack.enter_async_context(_gateway(folder / "b", url, _WITHOUT_UVLOOP))
        client = await stack.enter_async_context(aiohttp.ClientSession(headers=_CLIENT))
        ports = {"direct": provider, "bare": bare, "ours": ours, "asyncio": slower}
        if command := os.environ.get("LITELLM"):
            ports["litellm"] = await stack.enter_async_context(litellm(command, folder, url))
        times = await _in_turns(client, ports)
        return [
            *_all_added(times[THOUGHTFUL], "", 1.5),
            *(_beside_litellm(times[THOUGHTFUL]) if "litellm" in ports else []),
            *_all_added(times[AT_ONCE], ", answered at once", None),
            _loops(times[THOUGHTFUL]),
            await _chunks(client, ours),
            await _memory(client, ours, running),
        ]


@asynccontextmanager
async def _gateway(folder: Path, url: str, before: str = "") -> AsyncIterator[tuple[int, int]]:
    """A gateway before the provider."""
    folder.mkdir()
    config = GatewayConfig(
        sessions=(SessionGrant(session="bench", key_sha256=key_hash(KEY)),),
        upstreams={"anthropic": HttpUpstream.model_validate({"base_url": f"{url}/v1"})},
        bounds=Bounds(),
    )
    (folder / "config.json").write_bytes(written(config))
    where = (str(folder / "config.json"), str(folder / "spool"))
    async with process("-c", f"import sys; {before}{_SERVE}", "serve", *where) as started:
        yield started


async def _call(client: aiohttp.ClientSession, port: int, body: bytes) -> tuple[float, float]:
    """Seconds to the first byte, and to the end."""
    before = time.perf_counter()
    async with client.post(f"http://127.0.0.1:{port}/v1/messages", data=body) as reply:
        await reply.content.readany()
        first = time.perf_counter()
        await reply.read()
        assert reply.status == 200, await reply.text()
    return first - before, time.perf_counter() - before


Times = dict[str, dict[str, list[float]]]
"""Seconds of each call, by way and kind."""


async def _in_turns(client: aiohttp.ClientSession, ports: dict[str, int]) -> dict[str, Times]:
    """By how the provider answers."""
    taken: dict[str, Times] = {
        how: {way: {"whole": [], "first": [], "end": []} for way in ports}
        for how in (THOUGHTFUL, AT_ONCE)
    }
    ways = list(ports.items())
    for number in range(_WARM_UP + _ROUNDS):
        turn = number % len(ways)
        for how, times in taken.items():
            asked = _request(f"step {number}") | {"model": how}
            stream, whole = (
                json.dumps(asked | {"stream": flag}).encode() for flag in (True, False)
            )
            for way, port in ways[turn:] + ways[:turn]:
                _, total = await _call(client, port, whole)
                first, end = await _call(client, port, stream)
                if number >= _WARM_UP:
                    times[way]["whole"].append(total)
                    times[way]["first"].append(first)
                    times[way]["end"].append(end)
    return taken


def _all_added(times: Times, when: str, aim: float | None) -> list[Figure]:
    return [
        _added(
            f"added to a reply in one piece{when} / by a bare pass-through", times, "whole", aim
        ),
        _added(f"added to a stream's first byte{when} / by a bare one", times, "first", aim),
        _added(f"added to a stream's end{when} / by a bare one", times, "end", aim),
    ]


def _beside_litellm(times: Times) -> list[Figure]:
    return [
        _added("added to a reply in one piece / by LiteLLM", times, "whole", 0.1, "litellm"),
        _added("added to a stream's first byte / by LiteLLM", times, "first", 0.1, "litellm"),
    ]


def _added(name: str, times: Times, kind: str, aim: float | None, peer: str = "bare") -> Figure:
    """What ours adds over a direct call, against what the peer adds."""
    direct = statistics.median(times["direct"][kind])
    ours, theirs = times["ours"][kind], times[peer][kind]
    added = (statistics.median(ours) - direct) / (statistics.median(theirs) - direct)
    return Figure(
        name, spread(ours), f"{spread(theirs)}; direct {direct * 1000:.1f} ms", added, aim
    )


def _loops(times: Times) -> Figure:
    ours, other = times["ours"]["whole"], times["asyncio"]["whole"]
    ratio = statistics.median(ours) / statistics.median(other)
    return Figure("a call on uvloop / on asyncio's loop", spread(ours), spread(other), ratio, 1.0)


async def _chunks(client: aiohttp.ClientSession, port: int) -> Figure:
    """How many of a stream's chunks arrive by themselves, 2 ms apart."""
    url = f"http://127.0.0.1:{port}/v1/messages"
    body = {"model": "m", "stream": True, "messages": [], "metadata": {"bench": "paced"}}
    async with client.post(url, json=body) as reply:
        seen = [chunk async for chunk, _ in reply.content.iter_chunks() if chunk == WORD]
    return Figure(
        f"chunks of {CHUNKS} relayed each by itself",
        str(len(seen)),
        str(CHUNKS),
        len(seen) / CHUNKS,
        1.0,
        "at least",
    )


async def _memory(client: aiohttp.ClientSession, port: int, process: int) -> Figure:
    """How far the gateway's peak memory rises while a big reply goes through."""
    url = f"http://127.0.0.1:{port}/v1/messages"
    body = {"model": "m", "stream": True, "messages": [], "metadata": {"bench": "big"}}
    before = _peak_mb(process)
    async with client.post(url, json=body) as reply:
        size = 0
        async for chunk in reply.content.iter_any():
            size += len(chunk)
    assert size >= BIG_MB * 1024 * 1024
    rise = _peak_mb(process) - before
    return Figure(
        f"memory for a reply of {BIG_MB} MB, MB more", f"{rise:.1f}", f"{BIG_MB}", rise, 24
    )


def _peak_mb(process: int) -> float:
    status = Path(f"/proc/{process}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024
