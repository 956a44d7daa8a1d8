"""A transport that puts bad days between the service and the devstack."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx

Fault = Callable[[httpx.Request], str | None]


class FaultyTransport(httpx.AsyncBaseTransport):
    """Asks `fault` what is to happen to a request.

    `reset` and `applied, reset`: the connection breaks before or after the call is carried out.
    `hang` and `applied, hang`: the same, without an answer. `drip`: the answer takes forever.
    A number such as `503` is the answer. None is a good day.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self.transport = transport
        self.fault: Fault = lambda request: None
        self.requests: list[httpx.Request] = []

    def count(self, method: str, path: str) -> int:
        return sum(r.method == method and r.url.path == path for r in self.requests)

    def once(self, fault: str, path: str = "/charges", times: int = 1) -> None:
        """The next calls to `path` get `fault`."""
        left = [fault] * times

        def next_fault(request: httpx.Request) -> str | None:
            return left.pop() if left and request.url.path == path else None

        self.fault = next_fault

    def always(self, fault: str, path: str = "/charges", method: str = "POST") -> None:
        """From now on calls to `path` get `fault`."""
        here = (method, path)
        self.fault = lambda r: fault if (r.method, r.url.path) == here else None

    def good(self) -> None:
        self.fault = lambda request: None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        fault = self.fault(request) or ""
        if fault.isdigit():
            return httpx.Response(int(fault), json={"error": "fault"}, headers={"Retry-After": "0"})
        if fault == "reset":
            raise httpx.ReadError("reset")
        if fault == "hang":
            await asyncio.sleep(3600)
        response = await self.transport.handle_async_request(request)
        if fault == "applied, reset":
            raise httpx.RemoteProtocolError("reset")
        if fault == "applied, hang":
            await asyncio.sleep(3600)
        if fault == "drip":
            return httpx.Response(response.status_code, stream=_Drip())
        return response


class _Drip(httpx.AsyncByteStream):
    async def __aiter__(self):  # type: ignore[no-untyped-def]
        while True:
            yield b" "
            await asyncio.sleep(0.05)
