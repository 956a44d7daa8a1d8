from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient


def pay(client: TestClient, key: str, order: dict[str, Any]) -> Any:
    return client.post("/payments", headers={"Idempotency-Key": key}, json=order)


def test_payment_is_captured(
    client: TestClient, provider: FastAPI, order: dict[str, Any]
) -> None:
    response = pay(client, "k1", order)

    assert response.status_code == 201
    payment = response.json()
    assert payment["status"] == "captured"
    assert payment["rate"] == "1.0417"
    assert payment["amount_eur"] == 1302
    assert provider.state.charges[payment["provider_charge_id"]]["amount"] == 1250
    assert (client.get(f"/payments/{payment['id']}")).json() == payment


def test_declined_card(client: TestClient, order: dict[str, Any]) -> None:
    response = pay(client, "k1", order | {"card_token": "tok_declined"})

    assert response.status_code == 402
    assert response.json()["status"] == "declined"
    assert response.json()["provider_charge_id"] is None


def test_same_key_gives_same_payment(
    client: TestClient, provider: FastAPI, order: dict[str, Any]
) -> None:
    first = pay(client, "k1", order)
    second = pay(client, "k1", order)

    assert second.json() == first.json()
    assert len(provider.state.charges) == 1


def test_key_is_required(client: TestClient, order: dict[str, Any]) -> None:
    response = client.post("/payments", json=order)

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
def test_invalid_payment(
    client: TestClient, provider: FastAPI, order: dict[str, Any], change: dict[str, Any]
) -> None:
    response = pay(client, "k1", order | change)

    assert response.status_code == 422
    assert provider.state.charges == {}


def test_unknown_payment(client: TestClient) -> None:
    assert (client.get("/payments/pay_nope")).status_code == 404


def test_list_is_paged_newest_first(client: TestClient, order: dict[str, Any]) -> None:
    ids = [(pay(client, f"k{n}", order)).json()["id"] for n in range(5)]
    pay(client, "other", order | {"merchant_id": "m_florist"})

    seen: list[str] = []
    params: dict[str, str | int] = {"merchant_id": "m_bakery", "limit": 2}
    while True:
        page = (client.get("/payments", params=params)).json()
        seen += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        params["cursor"] = page["next_cursor"]

    assert seen == ids[::-1]


def test_refund_in_parts(client: TestClient, order: dict[str, Any]) -> None:
    payment = (pay(client, "k1", order)).json()
    url = f"/payments/{payment['id']}/refunds"

    first = client.post(url, json={"amount": 1000})
    too_much = client.post(url, json={"amount": 251})
    rest = client.post(url, json={"amount": 250})

    assert [first.status_code, too_much.status_code, rest.status_code] == [201, 409, 201]
    assert first.json()["payment_id"] == payment["id"]
    balance = (client.get("/merchants/m_bakery/balance")).json()
    assert balance["refunded_eur"] == balance["captured_eur"] == 1302
