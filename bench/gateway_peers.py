"""The processes around the gateway in its bench: a provider, and what else stands before one.

Run as `python -m bench.gateway_peers provider|bare [URL]` it is the provider, or a pass-through
that looks at nothing (aiohttp on uvloop, as in the gateway).
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from pathlib import Path

import aiohttp
import uvloop
from aiohttp import web

KEY = "hk-bench"
THOUGHTFUL, AT_ONCE = "thoughtful", "at-once"
"""Models: what else a request has, LiteLLM may leave out."""
BIG_MB = 50
CHUNKS = 200
_PACE_SEC = 0.002
_THINK_SEC = 0.02
_LITELLM_START_SEC = 120.0


def _event(body: dict[str, object]) -> bytes:
    return f"event: {body['type']}\ndata: {json.dumps(body)}\n\n".encode()


_START = _event({"type": "message_start", "message": {"model": "m", "usage": {"input_tokens": 9}}})
_BLOCK = _event(
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
)
WORD = _event(
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "word "}}
)
_PAGE = WORD.replace(b"word ", b"x" * 65536)
_WHOLE = {
    "model": "m",
    "content": [{"type": "text", "text": "word " * 200}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 9, "output_tokens": 9},
}
_END = _event({"type": "message_delta", "delta": {}, "usage": {"output_tokens": 9}}) + _event(
    {"type": "message_stop"}
)


@asynccontextmanager
async def process(*arguments: str) -> AsyncIterator[tuple[int, int]]:
    """A Python process that says its port; its port and its id."""
    started = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert started.stdout is not None
        yield int(json.loads(await started.stdout.readline())["port"]), started.pid
    finally:
        started.terminate()
        await started.wait()


@asynccontextmanager
async def litellm(command: str, folder: Path, url: str) -> AsyncIterator[int]:
    """LiteLLM's proxy before the provider; its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    models = [
        {
            "model_name": model,
            "litellm_params": {"model": f"anthropic/{model}", "api_base": url, "api_key": KEY},
        }
        for model in (THOUGHTFUL, AT_ONCE)
    ]
    (folder / "litellm.yaml").write_text(json.dumps({"model_list": models}))
    where = ("--config", str(folder / "litellm.yaml"), "--host", "127.0.0.1", "--port", str(port))
    open_to_all = "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY"
    started = await asyncio.create_subprocess_exec(
        command,
        *where,
        env={**os.environ, open_to_all: "true", "LITELLM_LOCAL_MODEL_COST_MAP": "True"},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(_LITELLM_START_SEC), aiohttp.ClientSession() as client:
            while True:
                with suppress(aiohttp.ClientError):
                    async with client.get(f"http://127.0.0.1:{port}/health/liveliness") as reply:
                        if reply.status == HTTPStatus.OK:
                            break
                await asyncio.sleep(0.2)
        yield port
    finally:
        started.terminate()
        await started.wait()


async def _provide(request: web.BaseRequest) -> web.StreamResponse:
    """In one piece, or as a stream: of five words, of 200 chunks, or of 50 MB."""
    body = json.loads(await request.read())
    what = body.get("metadata", {}).get("bench", "")
    if body["model"] == THOUGHTFUL:
        await asyncio.sleep(_THINK_SEC)
    if not body["stream"]:
        return web.json_response(_WHOLE)
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    await response.write(_START + _BLOCK)
    for _ in range(BIG_MB * 16 if what == "big" else 0):
        await response.write(_PAGE)
    for _ in range(CHUNKS if what == "paced" else 5):
        await asyncio.sleep(_PACE_SEC)
        await response.write(WORD)
    await response.write(_END)
    return response


def _bare(url: str) -> Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]:
    """A pass-through that looks at nothing."""
    client: list[aiohttp.ClientSession] = []

    async def relay(request: web.BaseRequest) -> web.StreamResponse:
        if not client:
            client.append(aiohttp.ClientSession(auto_decompress=False))
        body = await request.read()
        async with client[0].post(url + request.path_qs, data=body) as upstream:
            reply = web.StreamResponse(status=upstream.status)
            reply.content_type = upstream.content_type
            await reply.prepare(request)
            async for chunk in upstream.content.iter_any():
                await reply.write(chunk)
            await reply.write_eof()
        return reply

    return relay


async def _listen(handle: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]) -> None:
    runner = web.ServerRunner(web.Server(handle, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(json.dumps({"port": runner.addresses[0][1]}), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(_listen(_provide if sys.argv[1] == "provider" else _bare(sys.argv[2])))
