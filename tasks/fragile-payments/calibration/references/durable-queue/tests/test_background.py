from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from starlette.testclient import TestClient

from conftest import Faults, eventually


def get_balance(client: TestClient) -> dict[str, Any]:
    balance: dict[str, Any] = (client.get("/merchants/m_bakery/balance")).json()
    return balance


def test_captured_payment_is_settled(
    client: TestClient, provider: FastAPI, order: dict[str, Any]
) -> None:
    client.post("/payments", headers={"Idempotency-Key": "k1"}, json=order)

    eventually(lambda: len(provider.state.settled) == 1)
    eventually(lambda: get_balance(client)["settled_eur"])
    assert get_balance(client) == {
        "merchant_id": "m_bakery",
        "captured_eur": 1302,
        "refunded_eur": 0,
        "settled_eur": 1302,
    }


def test_customer_gets_a_receipt(
    client: TestClient, mailer: FastAPI, order: dict[str, Any]
) -> None:
    client.post("/payments", headers={"Idempotency-Key": "k1"}, json=order)

    eventually(lambda: len(mailer.state.messages) == 1)
    message = mailer.state.messages[0]
    assert message["to"] == "ana@example.com"
    assert message["subject"] == "Your payment of 12.50 CHF"


def test_rate_is_quoted(client: TestClient) -> None:
    assert (client.get("/rates/USD")).json()["rate"] == "0.9184"
    assert (client.get("/rates/EUR")).json()["rate"] == "1"
    assert (client.get("/rates/XXX")).status_code == 404


def test_probes(client: TestClient) -> None:
    assert (client.get("/livez")).status_code == 200
    assert (client.get("/readyz")).status_code == 200


def test_mailer_down_for_a_while(
    client: TestClient, mailer: FastAPI, mailer_faults: Faults, order: dict[str, Any]
) -> None:
    mailer_faults.rule = lambda method, path, count: 503 if count < 3 else None
    client.post("/payments", headers={"Idempotency-Key": "k1"}, json=order)
    eventually(lambda: mailer.state.messages, 12)
    assert len(mailer.state.messages) == 1


def test_one_bad_charge_does_not_hold_up_the_settlement(
    client: TestClient, provider: FastAPI, order: dict[str, Any]
) -> None:
    first = client.post("/payments", headers={"Idempotency-Key": "k1"}, json=order).json()
    del provider.state.charges[first["provider_charge_id"]]
    for n in range(3):
        client.post("/payments", headers={"Idempotency-Key": f"o{n}"}, json=order)
    eventually(lambda: get_balance(client)["settled_eur"] >= 3 * 1302)


def test_rate_change_is_quoted_in_time(client: TestClient, settings: Any) -> None:
    import httpx

    httpx.put(f"{settings.provider_url}/rates/CHF", json={"rate": "1.0688"})
    eventually(lambda: client.get("/rates/CHF").json()["rate"] == "1.0688", 5)
