"""What happens when the provider or the mailer misbehaves."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from conftest import eventually
from fakes import Fake
from fastapi.testclient import TestClient

from payments import attempts, payment_job
from payments.app import create_app
from payments.config import Settings


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything a few times faster, so that a test takes no seconds."""
    monkeypatch.setattr("payments.api.ANSWER_SEC", 0.8)
    for module in (attempts, payment_job, __import__("payments.refund_job").refund_job):
        monkeypatch.setattr(module, "ATTEMPT_SEC", (0.5, 0.6, 1.0, 1.0, 1.0))
    monkeypatch.setattr(payment_job, "SEND_SEC", 2.0)
    monkeypatch.setattr(payment_job, "SETTLED_SEC", 2.5)
    monkeypatch.setattr(payment_job, "LOOK_SEC", 0.5)
    monkeypatch.setattr(payment_job, "LATE_LOOKS", (0.5, 0.3, 0.2))


@pytest.fixture
def euro(order: dict[str, Any]) -> dict[str, Any]:
    return order | {"currency": "EUR", "card_token": "tok_secret"}


def pay(client: TestClient, key: str, order: dict[str, Any]) -> Any:
    begun = time.monotonic()
    response = client.post("/payments", headers={"Idempotency-Key": key}, json=order)
    assert time.monotonic() - begun < 1.3
    assert "tok_secret" not in response.text
    return response


def charges_only(rule: Any) -> Any:
    """Apply a rule to `POST /charges`."""
    return lambda m, p, b, n: rule(n) if (m, p) == ("POST", "/charges") else None


@pytest.mark.parametrize(
    "blip",
    [
        ("status", 503),
        ("status", 429, {"Retry-After": "0.3"}),
        ("status", 503, {"Retry-After": "soon"}),
        ("status", 500),
        "reset",
        "reset_after",
        "hang",
        "hang_after",
        "garbage",
        "huge",
        "drip",
    ],
)
def test_shop_does_not_notice_a_blip(
    client: TestClient, provider: Fake, euro: dict[str, Any], blip: Any
) -> None:
    provider.rule = charges_only(lambda n: blip if n == 0 else None)

    response = pay(client, "k1", euro)

    assert response.status_code == 201
    assert list(provider.charges) == [response.json()["provider_charge_id"]]
    assert provider.sent("/charges").most_common() == [(response.json()["id"], 2)]


def test_retry_after_is_kept(client: TestClient, provider: Fake, euro: dict[str, Any]) -> None:
    provider.rule = charges_only(lambda n: ("status", 429, {"Retry-After": "1"}) if not n else None)

    response = pay(client, "k1", euro)

    assert response.status_code == 202
    assert [response.json()[k] for k in ("status", "rate", "amount_eur")] == ["pending", None, None]
    url = f"/payments/{response.json()['id']}"
    eventually(lambda: client.get(url).json()["status"] == "captured")
    first, second = (t for t, m, p, _ in provider.calls if (m, p) == ("POST", "/charges"))
    assert second - first >= 1.0
    assert pay(client, "k1", euro).status_code == 201


@pytest.mark.parametrize("status", [400, 404, 422])
def test_wrong_request_is_not_repeated(
    client: TestClient, provider: Fake, euro: dict[str, Any], status: int
) -> None:
    provider.rule = charges_only(lambda n: ("status", status))

    assert pay(client, "k1", euro).status_code == 502
    assert provider.sent("/charges").total() == 1
    assert client.get("/payments").json()["items"] == []


def test_at_most_five_attempts(client: TestClient, provider: Fake, euro: dict[str, Any]) -> None:
    provider.rule = charges_only(lambda n: ("status", 503))

    assert pay(client, "k1", euro).status_code in (503, 504)
    time.sleep(0.5)
    assert provider.sent("/charges").total() <= 5
    provider.rule = lambda *_: None
    assert pay(client, "k1", euro).status_code == 201
    assert len(provider.sent("/charges")) == 1  # it is the same payment


@pytest.mark.parametrize(("bad", "outcome"), [("hang_after", "captured"), ("hang", "failed")])
def test_hanging_for_long_is_decided_by_looking(
    client: TestClient, provider: Fake, euro: dict[str, Any], bad: str, outcome: str
) -> None:
    provider.rule = charges_only(lambda n: bad)

    response = pay(client, "k1", euro)

    assert response.status_code == 202
    url = f"/payments/{response.json()['id']}"
    assert client.get(url).json()["status"] == "pending"
    assert pay(client, "k1", euro).status_code == 202
    eventually(lambda: client.get(url).json()["status"] != "pending")
    assert client.get(url).json()["status"] == outcome
    assert provider.sent("/charges").total() <= 5
    assert len(provider.charges) == (outcome == "captured")


def test_charge_that_turns_up_late_is_booked(
    client: TestClient, provider: Fake, euro: dict[str, Any]
) -> None:
    provider.rule = charges_only(lambda n: "hang")
    payment_id = pay(client, "k1", euro).json()["id"]
    url = f"/payments/{payment_id}"
    eventually(lambda: client.get(url).json()["status"] == "failed")

    provider.answer("POST", "/charges", euro | {"reference": payment_id}, payment_id)

    eventually(lambda: client.get(url).json()["status"] == "captured")
    eventually(lambda: provider.settled.total() == 1)


def test_token_is_kept_only_as_long_as_needed(
    client: TestClient,
    provider: Fake,
    euro: dict[str, Any],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def on_disk() -> bool:
        return any(b"tok_secret" in f.read_bytes() for f in tmp_path.rglob("*") if f.is_file())

    caplog.set_level(logging.DEBUG)
    provider.rule = charges_only(lambda n: "hang" if n < 2 else None)
    url = f"/payments/{pay(client, 'k1', euro).json()['id']}"
    assert on_disk()
    eventually(lambda: client.get(url).json()["status"] == "captured")
    eventually(lambda: not on_disk())
    assert "tok_secret" not in caplog.text
    assert "ana@example.com" not in caplog.text


def test_provider_away(client: TestClient, provider: Fake, euro: dict[str, Any]) -> None:
    """Everybody gets an answer, reading works, and afterwards the books are right."""
    provider.rule = lambda m, p, b, n: "hang" if n % 2 else "hang_after"
    with ThreadPoolExecutor(60) as pool:
        answers = list(pool.map(lambda n: pay(client, f"k{n}", euro), range(60)))
        assert {a.status_code for a in answers} <= {202, 503, 504}
        assert client.get("/payments").status_code == 200
        provider.rule = lambda *_: None
        provider.release.set()
        for n in range(60):
            while pay(client, f"k{n}", euro).status_code != 201:
                time.sleep(0.05)
    items = client.get("/payments", params={"limit": 100}).json()["items"]
    assert {i["provider_charge_id"] for i in items} == set(provider.charges)
    assert len(items) == 60
    assert max(provider.sent("/charges").values()) <= 5


def test_rate_is_followed(
    client: TestClient, provider: Fake, order: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("payments.rates.REFRESH_SEC", 1.0)
    assert pay(client, "k1", order).json()["rate"] == "1.0417"
    provider.rates["CHF"] = "1.0688"
    time.sleep(1.2)
    assert pay(client, "k2", order).json()["rate"] == "1.0688"

    provider.rule = lambda m, p, b, n: ("status", 503) if "rates" in p else None
    monkeypatch.setattr("payments.rates.FRESH_SEC", 0.5)
    time.sleep(0.6)
    assert pay(client, "k3", order).status_code == 503
    assert client.get("/rates/CHF").status_code == 503
    asked = [t for t, _, p, _ in provider.calls if p == "/rates/CHF"]
    assert all(b - a > 0.95 for a, b in zip(asked, asked[1:], strict=False))


def test_refund_of_unknown_outcome_is_the_same_refund_later(
    client: TestClient, provider: Fake, euro: dict[str, Any]
) -> None:
    url = f"/payments/{pay(client, 'k1', euro).json()['id']}/refunds"
    provider.rule = lambda m, p, b, n: "hang_after" if p == "/refunds" else None

    assert client.post(url, json={"amount": 1000}).status_code == 504
    assert client.post(url, json={"amount": 251}).status_code == 409  # 1000 are held
    provider.rule = lambda *_: None
    provider.release.set()
    eventually(lambda: client.get("/merchants/m_bakery/balance").json()["refunded_eur"] == 1000)
    again = client.post(url, json={"amount": 1000})

    assert again.status_code == 201
    assert list(provider.refunds) == [again.json()["provider_refund_id"]]


def test_refund_that_was_not_carried_out_is_released(
    client: TestClient, provider: Fake, euro: dict[str, Any]
) -> None:
    url = f"/payments/{pay(client, 'k1', euro).json()['id']}/refunds"
    provider.rule = lambda m, p, b, n: ("status", 422) if p == "/refunds" else None
    assert client.post(url, json={"amount": 1250}).status_code == 502
    provider.rule = lambda *_: None
    assert client.post(url, json={"amount": 1250}).status_code == 201
    assert len(provider.refunds) == 1


def test_one_bad_charge_does_not_hold_up_the_settlement(
    client: TestClient, provider: Fake, euro: dict[str, Any]
) -> None:
    provider.rule = lambda m, p, b, n: ("status", 503) if p == "/settlements" else None
    bad = pay(client, "k0", euro).json()["provider_charge_id"]
    for n in range(1, 6):
        pay(client, f"k{n}", euro)
    del provider.charges[bad]  # the whole batch is a 404 now
    provider.rule = lambda *_: None
    eventually(lambda: set(provider.settled) == set(provider.charges))


def test_mailer_that_comes_and_goes(
    client: TestClient, mailer: Fake, euro: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("payments.receipts.MAX_PAUSE_SEC", 0.2)
    mailer.rule = lambda m, p, b, n: ("status", 503) if n < 4 else ("slow", 0.3)
    for n in range(4):
        assert pay(client, f"k{n}", euro).status_code == 201
    eventually(lambda: len(mailer.messages) == 4)
    time.sleep(0.3)
    assert len({m["body"] for m in mailer.messages}) == len(mailer.messages) == 4


@pytest.fixture
def old_database(settings: Settings) -> Iterator[None]:
    import json
    import sqlite3

    from payments.store import _PILOT

    with sqlite3.connect(settings.database_path) as db:
        db.executescript(_PILOT)
        for n, settled in ((1, "2026-01-01T00:00:00.000Z"), (2, None)):
            payment = {
                "id": f"pay_{n}",
                "merchant_id": "m_bakery",
                "amount": 1250,
                "currency": "CHF",
                "amount_eur": 1302,
                "rate": "1.0417",
                "status": "captured",
                "provider_charge_id": f"ch_{n}",
                "description": "Order 1001",
                "created_at": "2026-01-01T00:00:00.000Z",
            }
            row = payment | {"customer_email": "ana@example.com", "settled_at": settled}
            marks = ",".join("?" * len(row))
            db.execute(
                f"INSERT INTO payments ({','.join(row)}) VALUES ({marks})", tuple(row.values())
            )
            db.execute(
                "INSERT INTO replies VALUES (?, ?, 201, ?, '')",
                (f"k{n}", f"pay_{n}", json.dumps(payment)),
            )
        db.execute("INSERT INTO refunds VALUES ('ref_1', 'pay_1', 250, 260, 're_1', '')")
    db.close()
    yield


def test_database_of_the_version_before(
    old_database: None, settings: Settings, provider: Fake, mailer: Fake, order: dict[str, Any]
) -> None:
    for n in (1, 2):
        provider.charges[f"ch_{n}"] = {"charge_id": f"ch_{n}", "reference": f"pay_{n}"}
    for _ in range(2):
        with TestClient(create_app(settings)) as client:
            again = pay(client, "k1", order)
            assert (again.status_code, again.json()["id"]) == (201, "pay_1")
            assert pay(client, "k1", order | {"amount": 1}).status_code == 422
            eventually(lambda: provider.settled == {"ch_2": 1})
            eventually(
                lambda: client.get("/merchants/m_bakery/balance").json()
                == {
                    "merchant_id": "m_bakery",
                    "captured_eur": 2604,
                    "refunded_eur": 260,
                    "settled_eur": 2604,
                }
            )
            url = "/payments/pay_1/refunds"
            assert client.post(url, json={"amount": 1001}).status_code == 409
    assert mailer.messages == []
    assert provider.sent("/charges").total() == 0
