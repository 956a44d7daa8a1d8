"""Payments, refunds and replies in SQLite."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Any

from payments.models import Balance, Payment, PaymentStatus, Refund, Reply, utc_now

_SCHEMA = """
CREATE TABLE IF NOT EXISTS payments (
    seq                INTEGER PRIMARY KEY AUTOINCREMENT,
    id                 TEXT NOT NULL UNIQUE,
    merchant_id        TEXT NOT NULL,
    amount             INTEGER NOT NULL,
    currency           TEXT NOT NULL,
    amount_eur         INTEGER NOT NULL,
    rate               TEXT NOT NULL,
    status             TEXT NOT NULL,
    customer_email     TEXT NOT NULL,
    provider_charge_id TEXT,
    description        TEXT,
    created_at         TEXT NOT NULL,
    settled_at         TEXT,
    settlement_batch   TEXT
);
CREATE INDEX IF NOT EXISTS payments_by_merchant ON payments (merchant_id, seq);
CREATE INDEX IF NOT EXISTS payments_by_charge ON payments (provider_charge_id);

CREATE TABLE IF NOT EXISTS replies (
    key         TEXT PRIMARY KEY,
    payment_id  TEXT NOT NULL,
    status_code INTEGER NOT NULL,
    body        TEXT NOT NULL,
    created_at  TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS refunds (
    id                 TEXT PRIMARY KEY,
    payment_id         TEXT NOT NULL REFERENCES payments (id),
    amount             INTEGER NOT NULL,
    amount_eur         INTEGER NOT NULL,
    provider_refund_id TEXT NOT NULL,
    created_at         TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS refunds_by_payment ON refunds (payment_id);
"""


class Store:
    """One SQLite file; every method is its own transaction."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path)
        self._db.row_factory = sqlite3.Row
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def ping(self) -> None:
        """Raise `sqlite3.Error` if the file cannot be read."""
        self._db.execute("SELECT 1 FROM payments LIMIT 1").fetchone()

    # -- payments ----------------------------------------------------------------

    def insert_payment(self, payment: Payment) -> None:
        """Add a payment."""
        self._insert(
            "payments",
            id=payment.id,
            merchant_id=payment.merchant_id,
            amount=payment.amount,
            currency=payment.currency,
            amount_eur=payment.amount_eur,
            rate=str(payment.rate),
            status=payment.status.value,
            customer_email=payment.customer_email,
            provider_charge_id=payment.provider_charge_id,
            description=payment.description,
            created_at=payment.created_at,
        )

    def get_payment(self, payment_id: str) -> Payment | None:
        """The payment with this id, or None."""
        row = self._db.execute("SELECT * FROM payments WHERE id = ?", (payment_id,)).fetchone()
        return None if row is None else _payment(row)

    def list_payments(
        self, *, merchant_id: str | None, before: int | None, limit: int
    ) -> list[Payment]:
        """At most `limit` payments, newest first, from the one `before` this `seq` on."""
        where = ["1 = 1"]
        values: list[str | int] = []
        if merchant_id is not None:
            where.append("merchant_id = ?")
            values.append(merchant_id)
        if before is not None:
            where.append("seq < ?")
            values.append(before)
        rows = self._db.execute(
            f"SELECT * FROM payments WHERE {' AND '.join(where)} ORDER BY seq DESC LIMIT ?",
            (*values, limit),
        )
        return [_payment(row) for row in rows]

    # -- replies -----------------------------------------------------------------

    def find_reply(self, key: str) -> Reply | None:
        """What was answered to the payment with this key, or None."""
        row = self._db.execute(
            "SELECT status_code, body FROM replies WHERE key = ?", (key,)
        ).fetchone()
        if row is None:
            return None
        return Reply(status_code=row["status_code"], body=json.loads(row["body"]))

    def save_reply(self, key: str, payment_id: str, reply: Reply) -> None:
        """Keep an answer."""
        with self._db:
            self._db.execute(
                "INSERT OR REPLACE INTO replies VALUES (?, ?, ?, ?, ?)",
                (key, payment_id, reply.status_code, json.dumps(reply.body), utc_now()),
            )

    # -- refunds -----------------------------------------------------------------

    def insert_refund(self, refund: Refund) -> None:
        """Add a refund."""
        self._insert("refunds", **asdict(refund))

    def refunded(self, payment_id: str) -> int:
        """How much of a payment was given back, in minor units of its currency."""
        row = self._db.execute(
            "SELECT COALESCE(SUM(amount), 0) AS total FROM refunds WHERE payment_id = ?",
            (payment_id,),
        ).fetchone()
        return int(row["total"])

    # -- settlement and totals ---------------------------------------------------

    def mark_settled(self, charge_ids: Iterable[str], batch_id: str) -> None:
        """Note that the provider has settled these charges."""
        settled_at = utc_now()
        with self._db:
            self._db.executemany(
                """
                UPDATE payments SET settled_at = ?, settlement_batch = ?
                WHERE provider_charge_id = ? AND settled_at IS NULL
                """,
                [(settled_at, batch_id, charge_id) for charge_id in charge_ids],
            )

    def balance(self, merchant_id: str) -> Balance:
        """A merchant's totals; all zero if it has no payments."""
        totals = self._db.execute(
            """
            SELECT COALESCE(SUM(amount_eur), 0) AS captured,
                   COALESCE(SUM(CASE WHEN settled_at IS NOT NULL THEN amount_eur END), 0) AS settled
            FROM payments WHERE merchant_id = ? AND status = ?
            """,
            (merchant_id, PaymentStatus.CAPTURED.value),
        ).fetchone()
        refunds = self._db.execute(
            """
            SELECT COALESCE(SUM(refunds.amount_eur), 0) AS refunded
            FROM refunds JOIN payments ON payments.id = refunds.payment_id
            WHERE payments.merchant_id = ?
            """,
            (merchant_id,),
        ).fetchone()
        return Balance(
            merchant_id=merchant_id,
            captured_eur=totals["captured"],
            refunded_eur=refunds["refunded"],
            settled_eur=totals["settled"],
        )

    def _insert(self, table: str, **values: Any) -> None:
        columns = ", ".join(values)
        marks = ", ".join("?" for _ in values)
        with self._db:
            self._db.execute(
                f"INSERT INTO {table} ({columns}) VALUES ({marks})", tuple(values.values())
            )


def _payment(row: sqlite3.Row) -> Payment:
    return Payment(
        id=row["id"],
        merchant_id=row["merchant_id"],
        amount=row["amount"],
        currency=row["currency"],
        amount_eur=row["amount_eur"],
        rate=Decimal(row["rate"]),
        status=PaymentStatus(row["status"]),
        customer_email=row["customer_email"],
        created_at=row["created_at"],
        provider_charge_id=row["provider_charge_id"],
        description=row["description"],
        seq=row["seq"],
    )
