"""Blips, hangs, duplicates, restarts: what docs/ promises for bad days."""

from __future__ import annotations

import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from conftest import Faults, eventually
from fastapi import FastAPI
from starlette.testclient import TestClient

from payments.app import create_app
from payments.config import Settings
from payments.store import _SCHEMA_1

CHARGE = ("POST", "/charges")


def pay(client: TestClient, key: str, order: dict[str, Any]) -> Any:
    return client.post("/payments", headers={"Idempotency-Key": key}, json=order)


def status(client: TestClient, payment_id: str) -> str:
    return str(client.get(f"/payments/{payment_id}").json()["status"])


def only(fault: Any, *, until: int = 10**9, call: tuple[str, str] = CHARGE) -> Any:
    return lambda method, path, n: fault if (method, path) == call and n <= until else None


@pytest.mark.parametrize("fault", [503, 429, "reset"])
def test_blip_stays_inside(
    client: TestClient, provider: FastAPI, provider_faults: Faults, order: dict[str, Any], fault: Any
) -> None:
    provider_faults.rule = only(fault, until=1)
    assert pay(client, "k1", order).status_code == 201
    assert len(provider.state.charges) == 1


@pytest.mark.parametrize("fault", ["lost", "drip"])
def test_charge_without_an_answer(
    client: TestClient, provider: FastAPI, provider_faults: Faults, order: dict[str, Any], fault: str
) -> None:
    provider_faults.rule = only(fault, until=1)
    started = time.monotonic()
    answer = pay(client, "k1", order)
    assert answer.status_code == 202 and time.monotonic() - started < 1
    assert answer.json()["rate"] is None and answer.json()["amount_eur"] is None
    eventually(lambda: status(client, answer.json()["id"]) == "captured")
    assert pay(client, "k1", order).status_code == 201
    assert len(provider.state.charges) == 1


def test_provider_hangs_and_the_late_charge_is_given_back(
    client: TestClient, provider: FastAPI, provider_faults: Faults, order: dict[str, Any]
) -> None:
    provider_faults.rule = lambda method, path, n: "lost" if "charges" in path else None
    answer = pay(client, "k1", order)
    assert answer.status_code == 202
    eventually(lambda: status(client, answer.json()["id"]) == "failed", 6)
    again = pay(client, "k1", order)
    assert (again.json()["id"], again.json()["status"]) == (answer.json()["id"], "failed")
    provider_faults.rule = lambda method, path, n: None
    eventually(lambda: provider.state.refunds, 12)
    assert len(provider.state.charges) == 1
    eventually(lambda: client.get(f"/payments/{answer.json()['id']}").json()["provider_charge_id"])
    assert status(client, answer.json()["id"]) == "failed"


def test_no_more_than_five_attempts(
    client: TestClient, provider_faults: Faults, order: dict[str, Any]
) -> None:
    provider_faults.rule = only(503)
    payment_id = pay(client, "k1", order).json()["id"]
    eventually(lambda: status(client, payment_id) == "failed", 6)
    assert provider_faults.calls.count(CHARGE) <= 5


def test_rejected_is_not_repeated(
    client: TestClient, provider_faults: Faults, order: dict[str, Any]
) -> None:
    provider_faults.rule = only(422)
    assert [pay(client, "k1", order).json()["status"] for _ in range(2)] == ["failed"] * 2
    assert provider_faults.calls.count(CHARGE) == 1


def test_retry_after_too_long_is_refused_without_a_trace(
    client: TestClient, provider_faults: Faults, order: dict[str, Any]
) -> None:
    provider_faults.retry_after = "60"
    provider_faults.rule = only(503, until=1)
    assert pay(client, "k1", order).status_code == 503
    assert client.get("/payments").json()["items"] == []
    assert pay(client, "k1", order).status_code == 201


def test_same_key_at_the_same_moment(
    client: TestClient, provider: FastAPI, order: dict[str, Any]
) -> None:
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: pay(client, "k1", order), range(12)))
    assert {a.status_code for a in answers} == {201}
    assert len({a.json()["id"] for a in answers}) == len(provider.state.charges) == 1


def test_same_key_other_body(
    client: TestClient, provider: FastAPI, order: dict[str, Any]
) -> None:
    pay(client, "k1", order)
    for change in ({"amount": 1}, {"card_token": "tok_other"}, {"description": None}):
        assert pay(client, "k1", order | change).status_code == 422
    assert len(provider.state.charges) == 1


def test_card_token_is_nowhere(
    client: TestClient,
    provider_faults: Faults,
    settings: Settings,
    order: dict[str, Any],
    caplog: Any,
) -> None:
    caplog.set_level("DEBUG", logger="payments")
    token = "tok_secret_4711"
    assert token not in pay(client, "k0", order | {"card_token": token, "amount": 0}).text
    assert token not in pay(client, "k0", order | {"card_token": [token]}).text
    provider_faults.rule = only("reset", until=1)
    assert pay(client, "k1", order | {"card_token": token}).status_code == 201
    assert token not in caplog.text
    files = lambda: b"".join(f.read_bytes() for f in settings.data_dir.iterdir())  # noqa: E731
    pay(client, "k2", order)
    eventually(lambda: token.encode() not in files(), 10)


def test_pending_payment_is_resumed(
    settings: Settings, provider: FastAPI, provider_faults: Faults, order: dict[str, Any]
) -> None:
    """A stop in the middle of a charge that was carried out, and one that was not."""
    from dataclasses import replace

    for fault in ("lost", "hang"):
        provider.state.charges.clear()
        with TestClient(create_app(replace(settings, drain_sec=0.1))) as client:
            eventually(lambda: client.get("/rates/CHF").status_code == 200)  # noqa: B023
            provider_faults.rule = only(fault)
            payment_id = pay(client, fault, order).json()["id"]
        provider_faults.rule = lambda method, path, n: None
        with TestClient(create_app(settings)) as client:
            eventually(lambda: status(client, payment_id) == "captured")  # noqa: B023
            assert pay(client, fault, order).json()["id"] == payment_id
        assert len(provider.state.charges) == 1


def test_more_than_fits_is_refused_quickly(
    client: TestClient, provider: FastAPI, provider_faults: Faults, order: dict[str, Any]
) -> None:
    provider_faults.rule = only("hang")
    with ThreadPoolExecutor(30) as pool:
        held = list(pool.map(lambda n: pay(client, f"h{n}", order), range(30)))
    assert {a.status_code for a in held} <= {202, 503}
    time.sleep(0.5)
    started = time.monotonic()
    assert pay(client, "more", order).status_code == 503
    assert time.monotonic() - started < 0.3
    assert client.get("/merchants/m_bakery/balance").status_code == 200


def test_refunds_never_exceed_the_payment(
    client: TestClient, provider: FastAPI, order: dict[str, Any]
) -> None:
    url = f"/payments/{pay(client, 'k1', order).json()['id']}/refunds"
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: client.post(url, json={"amount": 500}), range(6)))
    assert sorted(a.status_code for a in answers) == [201, 201, 409, 409, 409, 409]
    assert sum(r["amount"] for r in provider.state.refunds.values()) == 1000


def test_refund_without_an_answer_is_made_once(
    client: TestClient, provider: FastAPI, provider_faults: Faults, order: dict[str, Any]
) -> None:
    url = f"/payments/{pay(client, 'k1', order).json()['id']}/refunds"
    provider_faults.rule = only("lost", call=("POST", "/refunds"), until=1)
    assert client.post(url, json={"amount": 250}).status_code == 504
    time.sleep(3)  # the background has finished it meanwhile
    assert client.post(url, json={"amount": 250}).status_code == 201
    assert len(provider.state.refunds) == 1
    assert client.post(url, json={"amount": 250}).status_code == 201
    assert len(provider.state.refunds) == 2


def test_database_of_version_1(
    settings: Settings, provider: FastAPI, mailer: FastAPI, tmp_path: Path, order: dict[str, Any]
) -> None:
    db = sqlite3.connect(tmp_path / "payments.db")
    db.executescript(_SCHEMA_1)
    db.execute(
        """INSERT INTO payments VALUES (1, 'pay_old', 'm_bakery', 1250, 'CHF', 1302, '1.0417',
        'captured', 'ana@example.com', 'ch_old', 'Order 1001', '2026-09-14T17:03:22.418Z', NULL, NULL)"""
    )
    db.execute("INSERT INTO replies VALUES ('k_old', 'pay_old', 201, '{}', 'x')")
    db.commit()
    db.close()
    provider.state.charges["ch_old"] = {"charge_id": "ch_old", "amount": 1250, "reference": "x"}
    for _ in range(2):
        with TestClient(create_app(settings)) as client:
            answer = pay(client, "k_old", order)
            assert answer.status_code == 201 and answer.json()["id"] == "pay_old"
            assert pay(client, "k_old", order | {"amount": 1}).status_code == 422
            eventually(lambda: "ch_old" in provider.state.settled)
            balance = client.get("/merchants/m_bakery/balance").json()
            assert balance["captured_eur"] == 1302
    assert len(provider.state.charges) == 1 and mailer.state.messages == []


def test_odd_input(client: TestClient, order: dict[str, Any]) -> None:
    headers = {"Idempotency-Key": "k", "Content-Type": "application/json"}
    for body in (b'{"merchant_id": "\\ud800"}', b"{", b"[" + b"1," * 70_000 + b"1]"):
        assert client.post("/payments", headers=headers, content=body).status_code == 422
    assert client.get("/payments?cursor=OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk").status_code == 422
    assert threading.active_count() < 200
