"""Payments, their keys, and refunds in SQLite."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Iterable
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Any

from payments.models import Balance, Payment, PaymentStatus, Refund, utc_now

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

# What the first version did not have. NULL is right for everything that it wrote.
_NEW_COLUMNS = {
    "payments": ("check_at", "receipt_due"),
    "replies": ("fingerprint",),
}
_NEW_INDEXES = """
CREATE INDEX IF NOT EXISTS payments_unsettled ON payments (seq)
    WHERE status = 'captured' AND settled_at IS NULL;
CREATE INDEX IF NOT EXISTS payments_to_check ON payments (check_at) WHERE check_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS payments_receipt_due ON payments (receipt_due)
    WHERE receipt_due IS NOT NULL;
CREATE INDEX IF NOT EXISTS payments_totals
    ON payments (merchant_id, status, settled_at, amount_eur);
"""


class Store:
    """One SQLite file; every method but `flush` is its own transaction."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path)
        self._db.row_factory = sqlite3.Row
        # People read the file while we write. A commit survives the end of our process but not
        # that of the machine; where it has to, wait for `flush`. A disk may take its time.
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_SCHEMA)
        for table, columns in _NEW_COLUMNS.items():
            present = {row["name"] for row in self._db.execute(f"PRAGMA table_info({table})")}
            for column in columns:
                if column not in present:
                    self._db.execute(f"ALTER TABLE {table} ADD COLUMN {column} TEXT")
        self._db.executescript(_NEW_INDEXES)
        with self._db:  # What was under way when the last process ended has nobody else now.
            self._db.execute(
                "UPDATE payments SET check_at = ? WHERE status = 'pending'", (utc_now(),)
            )

        self._wal = os.open(f"{path}-wal", os.O_RDONLY | os.O_CREAT)
        self._flushing = asyncio.Lock()
        self._flushed = 0

    def close(self) -> None:
        """Close the file."""
        os.close(self._wal)
        self._db.close()

    async def flush(self) -> None:
        """Return when what was written so far is on the disk; those who wait share one sync."""
        written = self._db.total_changes
        async with self._flushing:
            if self._flushed < written:
                upto = self._db.total_changes
                await asyncio.to_thread(os.fsync, self._wal)
                self._flushed = upto

    def ping(self) -> None:
        """Raise `sqlite3.Error` if the file cannot be read."""
        self._db.execute("SELECT 1 FROM payments LIMIT 1").fetchone()

    # -- payments ----------------------------------------------------------------

    def begin_payment(self, payment: Payment, key: str, fingerprint: str) -> None:
        """Add a payment under its key, or take up one again that had failed."""
        with self._db:
            self._insert(
                "payments",
                """
                ON CONFLICT (id) DO UPDATE SET
                    amount_eur = excluded.amount_eur, rate = excluded.rate,
                    status = excluded.status, created_at = excluded.created_at,
                    check_at = excluded.check_at
                """,
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
                check_at=payment.check_at,
            )
            self._insert(
                "replies",
                "ON CONFLICT (key) DO NOTHING",
                key=key,
                payment_id=payment.id,
                status_code=0,
                body="",
                created_at=payment.created_at,
                fingerprint=fingerprint,
            )

    def finish_payment(
        self, payment_id: str, status: PaymentStatus, charge_id: str | None = None
    ) -> bool:
        """Book the outcome, and the receipt if there is one to send; False if it has one."""
        receipt_due = utc_now() if status is PaymentStatus.CAPTURED else None
        with self._db:
            done = self._db.execute(
                """
                UPDATE payments
                SET status = ?, provider_charge_id = ?, check_at = NULL, receipt_due = ?
                WHERE id = ? AND status IN ('pending', 'failed')
                """,
                (status.value, charge_id, receipt_due, payment_id),
            )
        return done.rowcount == 1

    def check_later(
        self, payment: Payment, check_at: str | None, status: PaymentStatus = PaymentStatus.PENDING
    ) -> bool:
        """Note when to ask for the payment again; False if it has moved on in the meantime."""
        with self._db:
            done = self._db.execute(
                """
                UPDATE payments SET status = ?, check_at = ?
                WHERE id = ? AND check_at = ? AND status IN ('pending', 'failed')
                """,
                (status.value, check_at, payment.id, payment.check_at),
            )
        return done.rowcount == 1

    def to_check(self, *, limit: int) -> list[Payment]:
        """Payments of which we should ask the provider now what became of them."""
        rows = self._db.execute(
            """
            SELECT * FROM payments WHERE check_at <= ?
            ORDER BY status = 'pending' DESC, check_at LIMIT ?
            """,
            (utc_now(), limit),
        )
        return [_payment(row) for row in rows]

    def any_pending(self) -> bool:
        """Whether there is a payment without an outcome."""
        row = self._db.execute(
            "SELECT 1 FROM payments WHERE check_at IS NOT NULL AND status = 'pending' LIMIT 1"
        ).fetchone()
        return row is not None

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

    # -- keys --------------------------------------------------------------------

    def find_key(self, key: str) -> tuple[Payment, str | None] | None:
        """The payment with this key and the fingerprint of its request, or None."""
        row = self._db.execute(
            """
            SELECT payments.*, replies.fingerprint
            FROM replies JOIN payments ON payments.id = replies.payment_id WHERE replies.key = ?
            """,
            (key,),
        ).fetchone()
        return None if row is None else (_payment(row), row["fingerprint"])

    # -- refunds -----------------------------------------------------------------

    def insert_refund(self, refund: Refund) -> None:
        """Add a refund; while it is not known to be done it has no `provider_refund_id`."""
        with self._db:
            self._insert("refunds", **asdict(refund))

    def finish_refund(self, refund: Refund) -> None:
        """Note that the provider has carried it out."""
        with self._db:
            self._db.execute(
                "UPDATE refunds SET provider_refund_id = ?, amount_eur = ? WHERE id = ?",
                (refund.provider_refund_id, refund.amount_eur, refund.id),
            )

    def delete_refund(self, refund_id: str) -> None:
        """Take back a refund that the provider has not carried out."""
        with self._db:
            self._db.execute("DELETE FROM refunds WHERE id = ?", (refund_id,))

    def open_refunds(self, payment_id: str, amount: int) -> list[Refund]:
        """Refunds of this amount which the provider may or may not have carried out."""
        rows = self._db.execute(
            """
            SELECT * FROM refunds
            WHERE payment_id = ? AND amount = ? AND provider_refund_id = '' ORDER BY created_at
            """,
            (payment_id, amount),
        )
        return [Refund(**row) for row in rows]

    def refunded(self, payment_id: str, *, done: bool = False) -> int:
        """How much of a payment was given back, in minor units of its currency.

        With what we have asked for but do not know to be done, unless only `done` is meant.
        """
        row = self._db.execute(
            """
            SELECT COALESCE(SUM(amount), 0) AS total FROM refunds
            WHERE payment_id = ? AND (provider_refund_id != '' OR NOT ?)
            """,
            (payment_id, done),
        ).fetchone()
        return int(row["total"])

    # -- receipts ----------------------------------------------------------------

    def due_receipts(self, *, limit: int) -> list[Payment]:
        """Payments of which a receipt is to be sent now."""
        rows = self._db.execute(
            "SELECT * FROM payments WHERE receipt_due <= ? ORDER BY receipt_due LIMIT ?",
            (utc_now(), limit),
        )
        return [_payment(row) for row in rows]

    def set_receipt_due(self, payment: Payment, due: str | None) -> None:
        """Note when to send a receipt; None if there is none to send."""
        with self._db:
            self._db.execute(
                "UPDATE payments SET receipt_due = ? WHERE id = ?", (due, payment.id)
            )

    # -- settlement and totals ---------------------------------------------------

    def unsettled(self, *, after: int, limit: int) -> list[tuple[int, str]]:
        """`seq` and charge of captured payments that were not settled, from `after` on."""
        rows = self._db.execute(
            """
            SELECT seq, provider_charge_id FROM payments
            WHERE status = 'captured' AND settled_at IS NULL AND seq > ? ORDER BY seq LIMIT ?
            """,
            (after, limit),
        )
        return [(row["seq"], row["provider_charge_id"]) for row in rows]

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

    def _insert(self, table: str, on_conflict: str = "", **values: Any) -> None:
        columns = ", ".join(values)
        marks = ", ".join("?" for _ in values)
        self._db.execute(
            f"INSERT INTO {table} ({columns}) VALUES ({marks}) {on_conflict}",
            tuple(values.values()),
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
        check_at=row["check_at"],
    )
