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
_AT_ONCE_BYTES = 64 * 1024
"""A reply in one piece up to that size is sent in one piece."""
_AT_ONCE_SEC = 0.005
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


class _Once:
    """Work that is done early where there is time; what it raises is told when it is needed."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work: Callable[[], None] | None = work
        self._problem: Exception | None = None

    def do(self) -> None:
        if self._work is None:
            return
        work, self._work = self._work, None
        try:
            work()
        except Exception as exc:  # noqa: BLE001 - raised by `require`
            self._problem = exc

    def require(self) -> None:
        self.do()
        if self._problem is not None:
            raise self._problem


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
            meanwhile: Work to do while the upstream thinks, or at the latest before the client
                has anything of the reply. Called once; a `Refused` from it is the answer.
            before_end: Called when all is known, before the client has the reply's end.

        Raises:
            Refused: The upstream did not answer, or `meanwhile` says so; nothing has been sent.
            ConnectionError, asyncio.CancelledError: The client is gone.
        """
        work = _Once(meanwhile)
        async with await self._answer(call, request, outward, work) as upstream:
            work.require()
            streamed = upstream.content_type == "text/event-stream"
            copy = call.copy = ReplyCopy(
                FORMATS[call.route.format], streamed=streamed, strip_usage=outward.strip_usage
            )
            encoded = upstream.headers.get("content-encoding", "identity") != "identity"
            copy.readable = call.route.operation == "generate" and not encoded
            call.script = script_marks(upstream.headers) if outward.target.ours else None
            self._fits(upstream.content_length or 0)
            call.status = upstream.status
            if not streamed and 0 < (upstream.content_length or 0) <= _AT_ONCE_BYTES:
                return await _at_once(call, request, upstream, copy, before_end)
            reply = _reply(request, upstream, copy)
            try:
                await self._pass(call, request, upstream, reply, copy)
            except _BrokeError as broke:
                if not call.answering:
                    raise Refused("upstream-broken", str(broke)) from broke
                call.end("cut", reason="upstream-broken", problem=str(broke))
                before_end()
                cut(request)
                return reply
            except (ConnectionError, asyncio.CancelledError):
                if copy.passed_on:  # there was nothing left to wait for
                    _judge(call, copy)
                raise
            _judge(call, copy)
            before_end()
            await _write(call, request, reply, b"")
            await reply.write_eof()
            return reply

    async def _answer(
        self,
        call: Call,
        request: web.BaseRequest,
        outward: Outward,
        work: _Once,
    ) -> aiohttp.ClientResponse:
        call.forwarded = True
        waiting = asyncio.get_running_loop().call_later(_AT_ONCE_SEC, work.do)
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
            work.do()  # the record of a call that came to nothing says what it asked, too

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
        request: web.BaseRequest,
        upstream: aiohttp.ClientResponse,
        reply: web.StreamResponse,
        copy: ReplyCopy,
    ) -> None:
        """Every chunk: first on its way, then read; the other way round where some is left out."""
        async for chunk in _chunks(upstream):
            if copy.strip_usage:
                await _write(call, request, reply, copy.feed(chunk))
            else:
                await _write(call, request, reply, chunk)
                copy.feed(chunk)
            if copy.bytes > self.bounds.reply_bytes:
                raise _BrokeError(f"The reply is larger than {self.bounds.reply_bytes} bytes.")
        await _write(call, request, reply, copy.end())

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


def _reply(
    request: web.BaseRequest, upstream: aiohttp.ClientResponse, copy: ReplyCopy
) -> web.StreamResponse:
    """The upstream's head; it goes out with the first bytes behind it, in one packet.

    That is what an aiohttp `Response` does; a `StreamResponse` sends its head by itself.
    """
    status, reason, headers = upstream.status, upstream.reason, downward(upstream.headers)
    length = None if copy.strip_usage else upstream.content_length
    if length is not None:
        headers["Content-Length"] = str(length)
        return web.Response(status=status, reason=reason, headers=headers)
    if request.version < aiohttp.HttpVersion11:  # it knows no chunks: the connection ends the reply
        return web.StreamResponse(status=status, reason=reason, headers=headers)
    reply = web.Response(status=status, reason=reason, headers=headers)
    reply.enable_chunked_encoding()
    return reply


async def _at_once(
    call: Call,
    request: web.BaseRequest,
    upstream: aiohttp.ClientResponse,
    copy: ReplyCopy,
    before_end: Callable[[], None],
) -> web.Response:
    """A short reply is read and recorded first: nothing of it can arrive and be unrecorded."""
    try:
        body = await upstream.read()
    except (aiohttp.ClientError, TimeoutError, OSError) as exc:
        raise Refused("upstream-broken", "The assistant's reply broke off.") from exc
    copy.feed(body)
    copy.end()
    _judge(call, copy)
    call.passed_on(len(body))
    before_end()
    call.answering = True
    reply = web.Response(
        status=upstream.status,
        reason=upstream.reason,
        headers=downward(upstream.headers),
        body=body,
    )
    await reply.prepare(request)
    await reply.write_eof()
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


async def _write(
    call: Call, request: web.BaseRequest, reply: web.StreamResponse, data: bytes
) -> None:
    """Bytes to the client, behind the head if they are the first."""
    if not call.answering:
        call.answering = True
        await reply.prepare(request)
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
