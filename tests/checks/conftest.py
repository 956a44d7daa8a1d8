"""What the kit's tests share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from harness.checks import Answer, Call, Ledger, Upstream


@pytest.fixture
def ledger() -> Ledger:
    """An empty one."""
    return Ledger()


@pytest.fixture
async def upstream(ledger: Ledger) -> AsyncIterator[Upstream]:
    """A shop that takes orders; `/orders/{name}` has an effect."""
    stub = Upstream("orders")

    def take(call: Call, name: str) -> Answer:
        key = call.headers.get("idempotency-key", "")
        effect = ledger.apply("order", prefix="or_", key=key, name=name)
        return Answer(201, {"id": effect.id, "name": name})

    stub.route("POST", "/orders/{name}", take)
    await stub.open()
    yield stub
    await stub.close()
    assert stub.errors == []


@pytest.fixture
async def client(upstream: Upstream) -> AsyncIterator[httpx.AsyncClient]:
    """A client as a service would use it, with a second for each read."""
    async with httpx.AsyncClient(base_url=f"http://{upstream.address}", timeout=0.5) as client:
        yield client
