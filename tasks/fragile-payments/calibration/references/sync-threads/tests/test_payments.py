"""docs/api.md on a good day."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from conftest import eventually
from fakes import Fake
from fastapi.testclient import TestClient


def pay(client: TestClient, key: str, order: dict[str, Any]) -> Any:
    return client.post("/payments", headers={"Idempotency-Key": key}, json=order)


def test_payment_is_captured(client: TestClient, provider: Fake, order: dict[str, Any]) -> None:
    response = pay(client, "k1", order)

    assert response.status_code == 201
    payment = response.json()
    assert payment["status"] == "captured"
    assert payment["rate"] == "1.0417"
    assert payment["amount_eur"] == 1302
    assert provider.charges[payment["provider_charge_id"]]["amount"] == 1250
    assert client.get(f"/payments/{payment['id']}").json() == payment


def test_declined_card_is_final(client: TestClient, provider: Fake, order: dict[str, Any]) -> None:
    response = pay(client, "k1", order | {"card_token": "tok_declined"})

    assert response.status_code == 402
    assert response.json()["status"] == "declined"
    assert response.json()["provider_charge_id"] is None
    again = pay(client, "k1", order | {"card_token": "tok_declined"})
    assert (again.status_code, again.json()) == (402, response.json())
    assert pay(client, "k1", order).status_code == 422
    assert provider.charges == {}


def test_same_key_is_the_same_payment(
    client: TestClient, provider: Fake, order: dict[str, Any]
) -> None:
    first = pay(client, "k1", order)
    with ThreadPoolExecutor(10) as pool:
        copies = list(pool.map(lambda _: pay(client, "k1", order), range(10)))

    assert {(c.status_code, c.text) for c in copies} == {(201, first.text)}
    assert len(provider.charges) == 1


def test_copies_at_the_same_moment(
    client: TestClient, provider: Fake, order: dict[str, Any]
) -> None:
    provider.latency = 0.2
    with ThreadPoolExecutor(20) as pool:
        copies = list(pool.map(lambda _: pay(client, "k1", order), range(20)))

    assert {c.status_code for c in copies} == {201, 409}
    assert len({c.json()["id"] for c in copies if c.status_code == 201}) == 1
    assert len(provider.charges) == 1
    assert provider.sent("/charges").most_common(1)[0][1] == 1


@pytest.mark.parametrize(
    "change",
    [{"amount": 1251}, {"card_token": "tok_other"}, {"merchant_id": "m_x"}, {"description": None}],
)
def test_same_key_with_another_body(
    client: TestClient, provider: Fake, order: dict[str, Any], change: dict[str, Any]
) -> None:
    pay(client, "k1", order)

    assert 400 <= pay(client, "k1", order | change).status_code < 500
    assert len(provider.charges) == 1


def test_different_keys_are_different_payments(
    client: TestClient, provider: Fake, order: dict[str, Any]
) -> None:
    assert pay(client, "k1", order).json()["id"] != pay(client, "k2", order).json()["id"]
    assert len(provider.charges) == 2


def test_key_is_required(client: TestClient, order: dict[str, Any]) -> None:
    assert client.post("/payments", json=order).status_code == 400
    assert pay(client, "x" * 255, order).status_code == 201
    assert pay(client, "x" * 256, order).status_code == 400


@pytest.mark.parametrize(
    "change",
    [
        {"amount": 0},
        {"amount": 1_000_001},
        {"amount": "1250"},
        {"amount": True},
        {"currency": "SEK"},
        {"card_token": ""},
        {"customer_email": "ana"},
        {"merchant_id": None},
        {"description": "x" * 100_000},
    ],
)
def test_invalid_payment(
    client: TestClient, provider: Fake, order: dict[str, Any], change: dict[str, Any]
) -> None:
    response = pay(client, "k1", order | {"card_token": "tok_secret"} | change)

    assert response.status_code == 422
    assert "tok_secret" not in response.text
    assert provider.calls == []


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"\xff\xfe", b"[" * 50_000, b"9" * 10_000],
    ids=["empty", "cut", "list", "not UTF-8", "deep", "large number"],
)
def test_body_that_is_not_json(client: TestClient, body: bytes) -> None:
    headers = {"Idempotency-Key": "k1", "Content-Type": "application/json"}
    assert client.post("/payments", headers=headers, content=body).status_code == 422


def test_unknown_payment(client: TestClient) -> None:
    assert client.get("/payments/pay_nope").status_code == 404
    assert client.post("/payments/pay_nope/refunds", json={"amount": 1}).status_code == 404


def test_list_is_paged_newest_first(client: TestClient, order: dict[str, Any]) -> None:
    ids = [pay(client, f"k{n}", order).json()["id"] for n in range(5)]
    pay(client, "other", order | {"merchant_id": "m_florist"})

    seen: list[str] = []
    params: dict[str, str | int] = {"merchant_id": "m_bakery", "limit": 2}
    while True:
        page = client.get("/payments", params=params).json()
        seen += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        params["cursor"] = page["next_cursor"]

    assert seen == ids[::-1]
    for cursor in ("!", "abc", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5"):
        assert client.get("/payments", params={"cursor": cursor}).status_code == 422


def test_refund_in_parts(client: TestClient, order: dict[str, Any]) -> None:
    payment = pay(client, "k1", order).json()
    url = f"/payments/{payment['id']}/refunds"

    first = client.post(url, json={"amount": 1000})
    too_much = client.post(url, json={"amount": 251})
    rest = client.post(url, json={"amount": 250})

    assert [first.status_code, too_much.status_code, rest.status_code] == [201, 409, 201]
    assert first.json()["payment_id"] == payment["id"]
    balance = client.get("/merchants/m_bakery/balance").json()
    assert balance["refunded_eur"] == balance["captured_eur"] == 1302


def test_refunds_at_the_same_moment(
    client: TestClient, provider: Fake, order: dict[str, Any]
) -> None:
    url = f"/payments/{pay(client, 'k1', order).json()['id']}/refunds"
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: client.post(url, json={"amount": 500}), range(10)))

    assert sorted(a.status_code for a in answers) == [201] * 2 + [409] * 8
    assert sum(r["amount"] for r in provider.refunds.values()) == 1000


def test_balance_settlement_and_receipt(
    client: TestClient, provider: Fake, mailer: Fake, order: dict[str, Any]
) -> None:
    pay(client, "k1", order)

    def balance() -> Any:
        return client.get("/merchants/m_bakery/balance").json()

    eventually(lambda: balance()["settled_eur"] == 1302)
    assert balance() == {
        "merchant_id": "m_bakery",
        "captured_eur": 1302,
        "refunded_eur": 0,
        "settled_eur": 1302,
    }
    eventually(lambda: len(mailer.messages) == 1)
    assert mailer.messages[0]["to"] == "ana@example.com"
    assert mailer.messages[0]["subject"] == "Your payment of 12.50 CHF"
    assert client.get("/merchants/m_nobody/balance").json()["captured_eur"] == 0


def test_rates(client: TestClient, provider: Fake) -> None:
    assert client.get("/rates/USD").json()["rate"] == "0.9184"
    assert client.get("/rates/EUR").json()["rate"] == "1"
    assert client.get("/rates/XXX").status_code == 404
    for _ in range(20):
        client.get("/rates/USD")
    assert len(provider.calls) == 1


def test_probes(client: TestClient) -> None:
    assert client.get("/livez").status_code == 200
    assert client.get("/readyz").status_code == 200
