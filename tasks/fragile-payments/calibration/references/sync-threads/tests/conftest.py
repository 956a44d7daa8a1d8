"""The service in this process, with a provider and a mailer behind it that can be told to misbehave."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import Fake
from fastapi.testclient import TestClient

from payments.app import create_app
from payments.config import Settings


@pytest.fixture
def provider() -> Iterator[Fake]:
    fake = Fake()
    yield fake
    fake.release.set()
    fake.shutdown()
    fake.server_close()


@pytest.fixture
def mailer() -> Iterator[Fake]:
    fake = Fake(at_a_time=100)
    yield fake
    fake.release.set()
    fake.shutdown()
    fake.server_close()


@pytest.fixture
def settings(tmp_path: Path, provider: Fake, mailer: Fake) -> Settings:
    return Settings(
        data_dir=tmp_path,
        provider_url=provider.url,
        mailer_url=mailer.url,
        settlement_interval_sec=0.05,
        drain_sec=0.3,
    )


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(settings)) as client:
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


def eventually(condition: Callable[[], Any], within: float = 5.0) -> None:
    until = time.monotonic() + within
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)
