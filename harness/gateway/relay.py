"""The relay: a request goes on, and the reply's bytes come back as they are.

A reply is passed on chunk by chunk, as the upstream cut it, and read beside. The record
is written before the client has the end of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web
from yarl import URL

from harness.gateway.call import Call
from harness.gateway.configuration import Bounds
from harness.gateway.copying import ReplyCopy
from harness.gateway.formats import FORMATS
from harness.gateway.headers import downward, script_marks, upward
from harness.gateway.refusal import Refused

_OURS = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
"""aiohttp would add these by itself; a client's own are passed on, or none."""
_BAD = 400
_AT_ONCE_SEC = 0.001
"""An upstream that takes longer leaves time to work on the record meanwhile: the request is on
its way by then, and no provider answers sooner."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where calls of a format go."""

    base: str
    """URL without a slash at its end."""
    key: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    ask_for_usage: bool = True
    proxy: str | None = None
    ours: bool = False
    """One of our own upstreams, whose marks on an answer count."""


@dataclass(frozen=True, slots=True)
class Outward:
    """What goes to the upstream."""

    target: Target
    body: bytes
    strip_usage: bool
    """Usage was asked for on our own behalf."""


class _BrokeError(Exception):
    """The upstream failed while its reply was under way."""


class Relay:
    """Passes calls on. The client is its owner's to close."""

    def __init__(self, client: aiohttp.ClientSession, bounds: Bounds) -> None:
        self._client = client
        self.bounds = bounds

    async def forward(
        self,
        call: Call,
        request: web.BaseRequest,
        outward: Outward,
        *,
        meanwhile: Callable[[], None],
        before_end: Callable[[], None],
    ) -> web.StreamResponse:
        """Pass a call on and its reply back.

        Args:
            call: Gets what became of it.
            request: The client's.
            outward: What goes to the upstream.
            meanwhile: Work to do while the upstream thinks, or when the client has the first
                chunk; may be called more than once, or never, and raises nothing.
            before_end: Called when all is known, before the client has the reply's end.

        Raises:
            Refused: The upstream did not answer, and the client has nothing yet.
            ConnectionError, asyncio.CancelledError: The client is gone.
        """
        async with await self._answer(call, request, outward, meanwhile) as upstream:
            streamed = upstream.content_type == "text/event-stream"
            copy = call.copy = ReplyCopy(
                FORMATS[call.route.format], streamed=streamed, strip_usage=outward.strip_usage
            )
            encoded = upstream.headers.get("content-encoding", "identity") != "identity"
            copy.readable = call.route.operation == "generate" and not encoded
            call.script = script_marks(upstream.headers) if outward.target.ours else None
            self._fits(upstream.content_length or 0)
            call.status = upstream.status
            reply = await _begun(request, upstream, copy)
            try:
                await self._pass(call, upstream, reply, copy, meanwhile)
            except _BrokeError as broke:
                call.end("cut", reason="upstream-broken", problem=str(broke))
                before_end()
                cut(request)
                return reply
            _judge(call, copy)
            before_end()
            await reply.write_eof()
            return reply

    async def _answer(
        self,
        call: Call,
        request: web.BaseRequest,
        outward: Outward,
        meanwhile: Callable[[], None],
    ) -> aiohttp.ClientResponse:
        call.forwarded = True
        waiting = asyncio.get_running_loop().call_later(_AT_ONCE_SEC, meanwhile)
        try:
            return await self._ask(call, request, outward)
        except TimeoutError as exc:
            raise Refused("upstream-slow", "The assistant did not answer in time.") from exc
        except aiohttp.ClientConnectorError as exc:
            raise Refused("upstream-down", "The assistant cannot be reached.") from exc
        except aiohttp.ClientError as exc:
            raise Refused("upstream-broken", "The assistant's answer is no HTTP.") from exc
        finally:
            waiting.cancel()

    async def _ask(
        self, call: Call, request: web.BaseRequest, outward: Outward
    ) -> aiohttp.ClientResponse:
        target = outward.target
        return await self._client.request(
            call.method,
            URL(target.base + call.route.rest + _query(request), encoded=True),
            headers=upward(request.headers, call.route.format, target.key, target.headers),
            data=outward.body or None,
            allow_redirects=False,
            proxy=target.proxy,
            skip_auto_headers=_OURS,
        )

    async def _pass(
        self,
        call: Call,
        upstream: aiohttp.ClientResponse,
        reply: web.StreamResponse,
        copy: ReplyCopy,
        meanwhile: Callable[[], None],
    ) -> None:
        """Every chunk: first on its way, then read; the other way round where some is left out."""
        first = True
        async for chunk in _chunks(upstream):
            if copy.strip_usage:
                await _write(call, reply, copy.feed(chunk))
            else:
                await _write(call, reply, chunk)
                copy.feed(chunk)
            if first and copy.streamed:
                await asyncio.sleep(0)  # uvloop sends at the end of its turn: let it, then work
            first = False
            meanwhile()
            if copy.bytes > self.bounds.reply_bytes:
                raise _BrokeError(f"The reply is larger than {self.bounds.reply_bytes} bytes.")
        await _write(call, reply, copy.end())

    def _fits(self, length: int) -> None:
        if length > self.bounds.reply_bytes:
            raise Refused(
                "reply-too-large",
                f"The assistant's reply has {length} bytes; at most "
                f"{self.bounds.reply_bytes} are passed on.",
            )


def cut(request: web.BaseRequest) -> None:
    """Close the client's connection without the end that HTTP has, so that it knows."""
    if request.transport is not None:
        request.transport.close()


def _query(request: web.BaseRequest) -> str:
    """The query as it came, without a key in it."""
    raw = request.raw_path.partition("?")[2]
    kept = [pair for pair in raw.split("&") if pair and not pair.startswith("key=")]
    return "?" + "&".join(kept) if kept else ""


async def _begun(
    request: web.BaseRequest, upstream: aiohttp.ClientResponse, copy: ReplyCopy
) -> web.StreamResponse:
    reply = web.StreamResponse(
        status=upstream.status, reason=upstream.reason, headers=downward(upstream.headers)
    )
    if upstream.content_length is not None and not copy.strip_usage:
        reply.content_length = upstream.content_length
    await reply.prepare(request)
    return reply


async def _chunks(upstream: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """Chunks as the upstream cut them, or as they come where it cut none."""
    try:
        async for chunk, _ in upstream.content.iter_chunks():
            if chunk:
                yield chunk
    except (aiohttp.ClientError, TimeoutError, OSError) as exc:
        if rest := _left(upstream.content):
            yield rest
        raise _BrokeError(f"The assistant's reply broke off: {type(exc).__name__}.") from exc


def _left(content: aiohttp.StreamReader) -> bytes:
    """What had come before the connection broke and was not read yet.

    aiohttp has no public way to it: once a stream has its error, every read raises, also
    while there are bytes in the buffer.
    """
    return content._read_nowait(-1)


async def _write(call: Call, reply: web.StreamResponse, data: bytes) -> None:
    if data:
        await reply.write(data)
        call.passed_on(len(data))


def _judge(call: Call, copy: ReplyCopy) -> None:
    """What a reply that came to its end amounts to."""
    if call.status is not None and call.status >= _BAD:
        call.end("failed", reason="upstream-error", problem=copy.error())
    elif copy.reader.problem:
        call.end("failed", reason="upstream-error", problem=copy.reader.problem)
    elif copy.cut:
        call.end("cut", reason="no-end", problem="The reply ended before its format's end.")
    else:
        call.end("completed")
