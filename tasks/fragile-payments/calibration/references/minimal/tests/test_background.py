from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
from fastapi import FastAPI


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.02)


async def get_balance(client: httpx.AsyncClient) -> dict[str, Any]:
    balance: dict[str, Any] = (await client.get("/merchants/m_bakery/balance")).json()
    return balance


async def test_captured_payment_is_settled(
    client: httpx.AsyncClient, provider: FastAPI, order: dict[str, Any]
) -> None:
    await client.post("/payments", headers={"Idempotency-Key": "k1"}, json=order)

    await eventually(lambda: len(provider.state.settled) == 1)
    async with asyncio.timeout(5):
        while (balance := await get_balance(client))["settled_eur"] == 0:
            await asyncio.sleep(0.02)
    assert balance == {
        "merchant_id": "m_bakery",
        "captured_eur": 1302,
        "refunded_eur": 0,
        "settled_eur": 1302,
    }


async def test_customer_gets_a_receipt(
    client: httpx.AsyncClient, mailer: FastAPI, order: dict[str, Any]
) -> None:
    await client.post("/payments", headers={"Idempotency-Key": "k1"}, json=order)

    await eventually(lambda: len(mailer.state.messages) == 1)
    message = mailer.state.messages[0]
    assert message["to"] == "ana@example.com"
    assert message["subject"] == "Your payment of 12.50 CHF"


async def test_rate_is_quoted(client: httpx.AsyncClient) -> None:
    assert (await client.get("/rates/USD")).json()["rate"] == "0.9184"
    assert (await client.get("/rates/EUR")).json()["rate"] == "1"
    assert (await client.get("/rates/XXX")).status_code == 404


async def test_probes(client: httpx.AsyncClient) -> None:
    assert (await client.get("/livez")).status_code == 200
    assert (await client.get("/readyz")).status_code == 200
