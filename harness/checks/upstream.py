"""A dependency's stand-in: a small HTTP/1.1 server that can misbehave on purpose.

A route's handler makes the answer (and has its effect); a behaviour decides
whether and how that answer goes out. Without a plan every call is answered.
Everything the service sends is hostile: heads, bodies and connections are capped.
"""

from __future__ import annotations

import asyncio
import inspect
import re
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from harness.checks.exchange import Answer, Call, Exchange, WatchedReader, reset_connection
from harness.checks.failure import ControlFailed
from harness.checks.wire import Head, WireError, read_body, read_head

MAX_CONNECTIONS = 2000
"""More than that at a time are reset at once."""
MAX_CALL_BYTES = 64 * 1024
"""A longer body is no call; its connection is closed."""
MAX_KEPT_BYTES = 256 * 1024 * 1024
"""What all calls of an attempt may take; a service that sends more is not listened to."""
_WAITING = 1024
"""Connections that may wait to be accepted."""
_AT_ONCE = 64
"""Connections accepted, and calls begun, in one go: a thousand would keep all else waiting."""
MAX_FIELDS = 100
"""More than that in a path's query are no call either."""
_CALL_BYTES = 1024
"""What a call takes beside its own bytes, roughly."""
_FIELD_BYTES = 150
"""The same for a header or a field of the query."""
_UNFOLDED = 30
"""How many times its size a body takes at most, read as JSON: as a list of empty objects."""
_IDLE_SEC = 75.0


Handler = Callable[..., Answer | Awaitable[Answer]]
"""Called with the `Call` and the path's parameters."""
Behaviour = Callable[[Exchange], Awaitable[None]]
"""Handles one call to its end; see `behaviours`."""
Planner = Callable[[Call], Behaviour | None]
"""Chooses the behaviour for a call; None answers it."""


@dataclass(frozen=True, slots=True)
class _Route:
    method: str
    pattern: re.Pattern[str]
    handler: Handler
    latency: float | None


class Upstream:
    """One dependency. Opened and closed by the kit; a task adds routes and a plan."""

    def __init__(self, host: str, *, latency: float = 0.0, slots: int | None = None) -> None:
        self.host = host
        """Its name in the brief."""
        self.latency = latency
        """Seconds that each call's work takes, unless its route says otherwise."""
        self.slots = slots
        """Calls worked on at a time; more wait in line, first come first served."""
        self.plan: Planner = lambda _: None
        self.calls: list[Call] = []
        """Every call, in order of arrival."""
        self.errors: list[Exception] = []
        """What handlers and behaviours raised: the check is broken, not the submission."""
        self.open_calls = 0
        """Calls that arrived and are neither answered nor given up."""
        self.peak = 0
        """The highest `open_calls` so far."""
        self._routes: list[_Route] = []
        self._at_work: asyncio.Semaphore | None = None
        self._door = asyncio.Semaphore(_AT_ONCE)
        self._server: asyncio.Server | None = None
        self._binding = ("", 0)
        self._connections: set[asyncio.Task[None]] = set()
        self._kept_bytes = 0
        self._left: set[int] = set()
        self._watchers: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []

    @property
    def address(self) -> str:
        """`host:port` at which the grader itself reaches it."""
        host, port = self._binding
        return f"{'127.0.0.1' if host in ('', '0.0.0.0') else host}:{port}"  # noqa: S104 - only compared

    def route(
        self, method: str, path: str, handler: Handler, *, latency: float | None = None
    ) -> None:
        """Answer calls to a path such as "/rates/{currency}" with `handler(call, currency=...)`."""
        pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))
        self._routes.append(_Route(method, pattern, handler, latency))

    async def open(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Begin to listen; port 0 takes a free one.

        Raises:
            ControlFailed: The port is taken.
        """
        loop = asyncio.get_running_loop()
        try:
            listener = socket.create_server((host, port))
            self._server = await loop.create_server(self._protocol, sock=listener, backlog=_AT_ONCE)
            listener.listen(_WAITING)  # the loop's one `backlog` means both
        except OSError as exc:
            raise ControlFailed(
                f"Upstream '{self.host}' cannot listen on {host}:{port}: {exc}"
            ) from exc
        self._binding = (host, self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening and drop every connection."""
        await self.refuse()
        if self._connections:
            await asyncio.wait(self._connections)

    async def refuse(self) -> None:
        """Refuse new connections and reset the present ones, until `accept`."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for connection in self._connections:
            connection.cancel()
        await asyncio.sleep(0)

    async def accept(self) -> None:
        """Listen again on the same port after `refuse`."""
        await self.open(*self._binding)

    async def until(self, condition: Callable[[], bool], *, timeout_sec: float) -> bool:
        """Wait until a condition on the calls holds; False when it did not in time."""
        if condition():
            return True
        event: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._watchers.append((condition, event))
        done, _ = await asyncio.wait([event], timeout=timeout_sec)
        self._watchers = [item for item in self._watchers if item[1] is not event]
        return bool(done)

    def notify(self) -> None:
        """Look at the conditions that someone waits for."""
        for condition, event in self._watchers:
            if not event.done() and condition():
                event.set_result(None)

    async def work(self, call: Call) -> Answer:
        """Wait for a slot, take the route's time, and let its handler answer."""
        route, parameters = self._match(call)
        if route is None:
            return Answer(404, {"error": "not_found"})
        async with self._slot():
            call.started = time.monotonic()
            await asyncio.sleep(self.latency if route.latency is None else route.latency)
            made = route.handler(call, **parameters)
            answer = await made if inspect.isawaitable(made) else made
        self.notify()
        return answer

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        if self.slots is None:
            yield
            return
        if self._at_work is None:
            self._at_work = asyncio.Semaphore(self.slots)
        async with self._at_work:
            yield

    def _match(self, call: Call) -> tuple[_Route | None, dict[str, str]]:
        for route in self._routes:
            found = route.pattern.fullmatch(call.path)
            if found is not None and route.method == call.method:
                return route, {name: unquote(value) for name, value in found.groupdict().items()}
        return None, {}

    def _protocol(self) -> asyncio.StreamReaderProtocol:
        reader = WatchedReader()

        def connected(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)
            task.add_done_callback(lambda _: writer.close())  # also if it never came to run

        return asyncio.StreamReaderProtocol(reader, connected)

    async def _serve(self, reader: WatchedReader, writer: asyncio.StreamWriter) -> None:
        try:
            if len(self._connections) <= MAX_CONNECTIONS:
                while await self._serve_one(reader, writer):
                    pass
        except (WireError, TimeoutError, ConnectionError):
            pass  # the service's business: it hung up, dawdled or did not speak HTTP
        except asyncio.CancelledError:
            reset_connection(writer)
        except Exception as exc:  # noqa: BLE001 - kept, and makes the check invalid
            self.errors.append(exc)

    async def _serve_one(self, reader: WatchedReader, writer: asyncio.StreamWriter) -> bool:
        async with asyncio.timeout(_IDLE_SEC):
            head = await read_head(reader)
            if head is None:
                return False
            if head.headers.get("expect", "").lower() == "100-continue":
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            body = await read_body(reader, head.headers, limit=MAX_CALL_BYTES)
            async with self._door:  # what is there already would be served without a pause
                await asyncio.sleep(0)
        self._keep(head, body)
        call = self._arrive(head, body)
        exchange = Exchange(call, lambda: self.work(call), reader, writer)
        gone = asyncio.get_running_loop().create_task(self._watch(call, reader))
        try:
            behaviour = self.plan(call)
            await (behaviour(exchange) if behaviour else exchange.send(await exchange.answer()))
        finally:
            gone.cancel()
            self._leave(call)
        return exchange.complete and head.headers.get("connection", "").lower() != "close"

    def _keep(self, head: Head, body: bytes) -> None:
        text = len(head.start) + sum(len(name) + len(value) for name, value in head.headers.items())
        fields = len(head.headers) + head.start.count("&")
        self._kept_bytes += _CALL_BYTES + text + _FIELD_BYTES * fields + _UNFOLDED * len(body)
        if self._kept_bytes > MAX_KEPT_BYTES:
            raise WireError(f"more than {MAX_KEPT_BYTES} bytes of calls")

    def _arrive(self, head: Head, body: bytes) -> Call:
        words = head.words
        try:
            url = urlsplit(words[1])
            fields = parse_qs(url.query, max_num_fields=MAX_FIELDS)
        except ValueError as exc:
            raise WireError(f"not a path: {words[1][:80]!r}") from exc
        query = {name: values[-1] for name, values in fields.items()}
        call = Call(
            len(self.calls), words[0], url.path, query, head.headers, body, time.monotonic()
        )
        self.calls.append(call)
        self.open_calls += 1
        self.peak = max(self.peak, self.open_calls)
        self.notify()
        return call

    async def _watch(self, call: Call, reader: WatchedReader) -> None:
        """Note when the caller hangs up; the work goes on, as it would at a real provider."""
        await reader.ended.wait()
        call.gone = time.monotonic()
        self._leave(call)

    def _leave(self, call: Call) -> None:
        if call.number not in self._left:
            self._left.add(call.number)
            self.open_calls -= 1
            self.notify()
