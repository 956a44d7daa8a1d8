"""What an upstream can do to a call, good and bad.

Each is a `Behaviour`: it handles one call to its end. "Effect" is what the
route's handler does to the ledger; each behaviour says whether it happens.

Source: fault set after toxiproxy's toxics and `facts/checks.md` section 1.
"""

from __future__ import annotations

import asyncio

from harness.checks.exchange import Answer, Call, Exchange
from harness.checks.upstream import Behaviour

_FLUSH_SEC = 0.05
"""Time for bytes to reach the caller before a reset throws away what is under way."""


async def ok(exchange: Exchange) -> None:
    """Effect, then the whole answer."""
    await exchange.send(await exchange.answer())


async def hang_after_accept(exchange: Exchange) -> None:
    """No effect and no answer, until the caller hangs up."""
    await exchange.until_gone()


async def apply_then_hang(exchange: Exchange) -> None:
    """Effect, but no answer, until the caller hangs up."""
    await exchange.answer()
    await exchange.until_gone()


async def headers_then_stall(exchange: Exchange) -> None:
    """Effect and the answer's headers, but no body, until the caller hangs up."""
    head, _ = (await exchange.answer()).encode()
    await exchange.write(head)
    await exchange.until_gone()


def drip(interval_sec: float = 0.4) -> Behaviour:
    """Effect, then the body one byte at a time: a timeout per read never fires."""

    async def behave(exchange: Exchange) -> None:
        answer = await exchange.answer()
        head, body = answer.encode()
        await exchange.write(head)
        for byte in body:
            if exchange.gone:
                return
            await exchange.write(bytes([byte]))
            await asyncio.sleep(interval_sec)
        exchange.answered(answer)

    return behave


async def reset(exchange: Exchange) -> None:
    """No effect; the connection is reset instead of an answer."""
    exchange.reset()


async def reset_mid_body(exchange: Exchange) -> None:
    """Effect, then a reset in the middle of the answer."""
    head, body = (await exchange.answer()).encode()
    await exchange.write(head + body[: len(body) // 2])
    await asyncio.sleep(_FLUSH_SEC)
    exchange.reset()


def status(code: int, error: str = "", *, retry_after_sec: float | None = None) -> Behaviour:
    """No effect; this status, and a Retry-After if given."""
    headers = {} if retry_after_sec is None else {"Retry-After": f"{retry_after_sec:g}"}
    answer = Answer(code, {"error": error or f"status_{code}"}, headers)

    async def behave(exchange: Exchange) -> None:
        await exchange.send(answer)

    return behave


async def malformed_json(exchange: Exchange) -> None:
    """Effect, then a body that is no JSON."""
    answer = await exchange.answer()
    _, body = answer.encode()
    await exchange.send(Answer(answer.status, body[: len(body) // 2]))


def oversize_body(size_bytes: int = 64 * 1024 * 1024) -> Behaviour:
    """Effect, then a body that does not fit into the service's memory twice."""

    async def behave(exchange: Exchange) -> None:
        code = (await exchange.answer()).status
        head = f"HTTP/1.1 {code} -\r\nContent-Type: application/json\r\n"
        await exchange.write(f"{head}Content-Length: {size_bytes}\r\n\r\n".encode())
        block = b" " * 65536
        for _ in range(0, size_bytes, len(block)):
            if exchange.gone:
                break
            await exchange.write(block)
            await asyncio.sleep(0)  # a caller that reads as fast as this would have us to itself

    return behave


class Attempts:
    """A behaviour for each attempt at one thing; after the last one, `then`.

    `Attempts(status(503))` is "ok after one failure"; `Attempts(then=status(503))`
    fails for ever.
    """

    def __init__(self, *behaviours: Behaviour, then: Behaviour = ok) -> None:
        self._left = list(behaviours)
        self._then = then
        self.calls: list[Call] = []
        """The attempts so far."""

    async def __call__(self, exchange: Exchange) -> None:
        self.calls.append(exchange.call)
        await (self._left.pop(0) if self._left else self._then)(exchange)


class Hold:
    """A barrier: calls wait here until `release`, then get `then`.

    Makes a race happen instead of hoping for it.
    """

    def __init__(self, *, then: Behaviour = ok, applied: bool = False) -> None:
        self._then = then
        self._applied = applied
        self._released = asyncio.Event()
        self._arrival = asyncio.Condition()
        self.waiting = 0
        """Calls that have arrived here, released ones included."""

    async def __call__(self, exchange: Exchange) -> None:
        if self._applied:
            await exchange.answer()
        self.waiting += 1
        async with self._arrival:
            self._arrival.notify_all()
        await self._released.wait()
        await self._then(exchange)

    async def arrived(self, calls: int, *, timeout_sec: float) -> bool:
        """Wait until this many calls are here; False when they were not in time."""
        try:
            async with asyncio.timeout(timeout_sec), self._arrival:
                await self._arrival.wait_for(lambda: self.waiting >= calls)
        except TimeoutError:
            return False
        return True

    def release(self) -> None:
        """Let them all go on, and later ones through at once."""
        self._released.set()
