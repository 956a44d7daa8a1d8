"""The service with the devstack behind it, all in one process."""

from __future__ import annotations

from collections.abc import AsyncIterator
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


@pytest.fixture
def provider() -> FastAPI:
    return create_provider()


@pytest.fixture
def mailer() -> FastAPI:
    return create_mailer()


@pytest.fixture
async def client(
    tmp_path: Path, provider: FastAPI, mailer: FastAPI
) -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings(data_dir=tmp_path, settlement_interval_sec=0.05)
    app = create_app(
        settings,
        provider_transport=httpx.ASGITransport(app=provider),
        mailer_transport=httpx.ASGITransport(app=mailer),
    )
    async with LifespanManager(app):
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://payments") as client:
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
