from __future__ import annotations

from typing import Any

import httpx
import pytest
from fastapi import FastAPI


async def pay(client: httpx.AsyncClient, key: str, order: dict[str, Any]) -> httpx.Response:
    return await client.post("/payments", headers={"Idempotency-Key": key}, json=order)


async def test_payment_is_captured(
    client: httpx.AsyncClient, provider: FastAPI, order: dict[str, Any]
) -> None:
    response = await pay(client, "k1", order)

    assert response.status_code == 201
    payment = response.json()
    assert payment["status"] == "captured"
    assert payment["rate"] == "1.0417"
    assert payment["amount_eur"] == 1302
    assert provider.state.charges[payment["provider_charge_id"]]["amount"] == 1250
    assert (await client.get(f"/payments/{payment['id']}")).json() == payment


async def test_declined_card(client: httpx.AsyncClient, order: dict[str, Any]) -> None:
    response = await pay(client, "k1", order | {"card_token": "tok_declined"})

    assert response.status_code == 402
    assert response.json()["status"] == "declined"
    assert response.json()["provider_charge_id"] is None


async def test_same_key_gives_same_payment(
    client: httpx.AsyncClient, provider: FastAPI, order: dict[str, Any]
) -> None:
    first = await pay(client, "k1", order)
    second = await pay(client, "k1", order)

    assert second.json() == first.json()
    assert len(provider.state.charges) == 1


async def test_key_is_required(client: httpx.AsyncClient, order: dict[str, Any]) -> None:
    response = await client.post("/payments", json=order)

    assert response.status_code == 400


@pytest.mark.parametrize(
    "change",
    [
        {"amount": 0},
        {"amount": 1_000_001},
        {"amount": "1250"},
        {"currency": "SEK"},
        {"card_token": ""},
        {"customer_email": "ana"},
    ],
)
async def test_invalid_payment(
    client: httpx.AsyncClient, provider: FastAPI, order: dict[str, Any], change: dict[str, Any]
) -> None:
    response = await pay(client, "k1", order | change)

    assert response.status_code == 422
    assert provider.state.charges == {}


async def test_unknown_payment(client: httpx.AsyncClient) -> None:
    assert (await client.get("/payments/pay_nope")).status_code == 404


async def test_list_is_paged_newest_first(client: httpx.AsyncClient, order: dict[str, Any]) -> None:
    ids = [(await pay(client, f"k{n}", order)).json()["id"] for n in range(5)]
    await pay(client, "other", order | {"merchant_id": "m_florist"})

    seen: list[str] = []
    params: dict[str, str | int] = {"merchant_id": "m_bakery", "limit": 2}
    while True:
        page = (await client.get("/payments", params=params)).json()
        seen += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        params["cursor"] = page["next_cursor"]

    assert seen == ids[::-1]


async def test_refund_in_parts(client: httpx.AsyncClient, order: dict[str, Any]) -> None:
    payment = (await pay(client, "k1", order)).json()
    url = f"/payments/{payment['id']}/refunds"

    first = await client.post(url, json={"amount": 1000})
    too_much = await client.post(url, json={"amount": 251})
    rest = await client.post(url, json={"amount": 250})

    assert [first.status_code, too_much.status_code, rest.status_code] == [201, 409, 201]
    assert first.json()["payment_id"] == payment["id"]
    balance = (await client.get("/merchants/m_bakery/balance")).json()
    assert balance["refunded_eur"] == balance["captured_eur"] == 1302
