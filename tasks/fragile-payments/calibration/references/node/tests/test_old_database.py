"""A database written by the version before 1.15."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

from tests.conftest import Service, eventually
from tests.stubs import Mailer, Provider

SCHEMA = """
CREATE TABLE payments (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, merchant_id TEXT NOT NULL,
    amount INTEGER NOT NULL, currency TEXT NOT NULL, amount_eur INTEGER NOT NULL,
    rate TEXT NOT NULL, status TEXT NOT NULL, customer_email TEXT NOT NULL,
    provider_charge_id TEXT, description TEXT, created_at TEXT NOT NULL,
    settled_at TEXT, settlement_batch TEXT
);
CREATE INDEX payments_by_merchant ON payments (merchant_id, seq);
CREATE INDEX payments_by_charge ON payments (provider_charge_id);
CREATE TABLE replies (
    key TEXT PRIMARY KEY, payment_id TEXT NOT NULL, status_code INTEGER NOT NULL,
    body TEXT NOT NULL, created_at TEXT NOT NULL
);
CREATE TABLE refunds (
    id TEXT PRIMARY KEY, payment_id TEXT NOT NULL REFERENCES payments (id),
    amount INTEGER NOT NULL, amount_eur INTEGER NOT NULL, provider_refund_id TEXT NOT NULL,
    created_at TEXT NOT NULL
);
CREATE INDEX refunds_by_payment ON refunds (payment_id);
"""


def test_it_is_continued(tmp_path: Path, provider: Provider, mailer: Mailer) -> None:
    data = tmp_path / "data"
    data.mkdir()
    db = sqlite3.connect(data / "payments.db")
    db.executescript(SCHEMA)
    at = "2026-09-14T17:03:22.418Z"
    for n, (status, charge, settled) in enumerate(
        [("captured", "ch_a", at), ("captured", "ch_b", None), ("declined", None, None)]
    ):
        db.execute(
            "INSERT INTO payments VALUES (NULL, ?, 'm_bakery', 1250, 'CHF', 1302, '1.0417', ?,"
            " 'ana@example.com', ?, 'Order 1001', ?, ?, NULL)",
            (f"pay_{n}", status, charge, at, settled),
        )
        body = {"id": f"pay_{n}", "status": status}
        code = 201 if charge else 402
        reply = (f"k{n}", f"pay_{n}", code, json.dumps(body), at)
        db.execute("INSERT INTO replies VALUES (?, ?, ?, ?, ?)", reply)
    db.execute("INSERT INTO refunds VALUES ('ref_0', 'pay_0', 250, 260, 're_0', ?)", (at,))
    db.commit()
    db.close()
    provider.charges = {c: {"charge_id": c, "reference": "?"} for c in ("ch_a", "ch_b")}

    service = Service(data, provider, mailer).start()
    try:
        assert service.balance() == {
            "merchant_id": "m_bakery", "captured_eur": 2604, "refunded_eur": 260,
            "settled_eur": 1302,
        }  # fmt: skip
        assert service.pay("k0").status_code == 201
        assert service.pay("k0").json()["id"] == "pay_0"
        assert service.pay("k2").status_code == 402
        assert service.pay("k0", amount=1251).status_code == 422
        assert service.http.post("/payments/pay_0/refunds", json={"amount": 1001}).status_code == 409
        assert service.http.post("/payments/pay_0/refunds", json={"amount": 1000}).status_code == 201
        assert service.balance()["refunded_eur"] == 1302
        assert service.pay("new").status_code == 201
        eventually(lambda: service.balance()["settled_eur"] == 3 * 1302)
        assert set(provider.settled) == {"ch_b", service.pay("new").json()["provider_charge_id"]}
        eventually(lambda: mailer.messages)
        assert len(mailer.messages) == 1  # those of the old ones are gone out
        service.stop()
        service.start()
        assert service.balance()["captured_eur"] == 3 * 1302
    finally:
        service.kill()
