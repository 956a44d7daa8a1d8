"""The service with the devstack behind it, all in one process."""

from __future__ import annotations

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
from payments.app import create_app
from payments.config import Settings
from tests.faults import FaultyTransport


@pytest.fixture
def provider() -> FastAPI:
    return create_provider()


@pytest.fixture
def mailer() -> FastAPI:
    return create_mailer()


@pytest.fixture
def to_provider(provider: FastAPI) -> FaultyTransport:
    return FaultyTransport(httpx.ASGITransport(app=provider))


@pytest.fixture
def to_mailer(mailer: FastAPI) -> FaultyTransport:
    return FaultyTransport(httpx.ASGITransport(app=mailer))


Running = Callable[[], AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
def running(
    tmp_path: Path, to_provider: FaultyTransport, to_mailer: FaultyTransport
) -> Running:
    """Starts the service, again and again on the same data if need be."""

    @asynccontextmanager
    async def run() -> AsyncIterator[httpx.AsyncClient]:
        settings = Settings(data_dir=tmp_path, settlement_interval_sec=0.05)
        app = create_app(settings, provider_transport=to_provider, mailer_transport=to_mailer)
        async with LifespanManager(app, shutdown_timeout=10):
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url="http://payments") as client:
                yield client

    return run


@pytest.fixture
async def client(running: Running) -> AsyncIterator[httpx.AsyncClient]:
    async with running() as client:
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
