"""The service with the devstack behind it, all in one process."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from asgi_lifespan import LifespanManager
from fastapi import FastAPI

from devstack.mailer import create_mailer
from devstack.provider import create_provider
from payments import db
from payments.app import create_app
from payments.config import Settings

logging.getLogger("payments").setLevel(logging.DEBUG)

Start = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


class Moody(httpx.AsyncBaseTransport):
    """An upstream with moods: `moods` has what the next calls of a path meet.

    A status code, "reset" before or "lost" after the call was carried out, "slow", "hang", or
    bytes as the body of the answer to a call that was carried out.
    """

    def __init__(self, app: FastAPI) -> None:
        self._inner = httpx.ASGITransport(app=app)
        self.moods: dict[tuple[str, str], list[Any]] = {}
        self.calls: list[tuple[str, str]] = []

    def count(self, method: str, path: str) -> int:
        return self.calls.count((method, path))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        call = (request.method, request.url.path)
        self.calls.append(call)
        moods = self.moods.get(call)
        mood = moods.pop(0) if moods else None
        if mood == "hang":
            await asyncio.sleep(3600)
        if mood == "slow":
            await asyncio.sleep(0.3)
        if mood == "reset":
            raise httpx.ReadError("reset")
        if isinstance(mood, int):
            return httpx.Response(mood, json={"error": "moody"}, request=request)
        response = await self._inner.handle_async_request(request)
        if mood == "lost":
            raise httpx.ReadError("reset")
        if isinstance(mood, bytes):
            return httpx.Response(201, content=mood, request=request)
        return response


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    pragmas = [p for p in db._PRAGMAS if "synchronous" not in p]
    monkeypatch.setattr(db, "_PRAGMAS", [*pragmas, "synchronous=OFF"])


@pytest.fixture
def provider() -> FastAPI:
    return create_provider()


@pytest.fixture
def mailer() -> FastAPI:
    return create_mailer()


@pytest.fixture
def moody(provider: FastAPI) -> Moody:
    return Moody(provider)


@pytest.fixture
def moody_mailer(mailer: FastAPI) -> Moody:
    return Moody(mailer)


@pytest.fixture
def start(tmp_path: Path, moody: Moody, moody_mailer: Moody) -> Start:
    """Starts the service on the same database, as often as you like."""

    @asynccontextmanager
    async def run(**changes: Any) -> AsyncIterator[httpx.AsyncClient]:
        settings = Settings(data_dir=tmp_path, settlement_interval_sec=0.05, **changes)
        app = create_app(settings, provider_transport=moody, mailer_transport=moody_mailer)
        async with LifespanManager(app, startup_timeout=20, shutdown_timeout=20):
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url="http://payments") as client:
                yield client

    return run


@pytest.fixture
async def client(start: Start) -> AsyncIterator[httpx.AsyncClient]:
    async with start() as client:
        yield client


@pytest.fixture
def order() -> dict[str, Any]:
    return {
        "merchant_id": "m_bakery",
        "amount": 1250,
        "currency": "CHF",
        "card_token": "tok_visa",
        "customer_email": "ana@example.com",
        "description": "Order 1001",
    }
