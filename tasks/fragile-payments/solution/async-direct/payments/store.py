"""Payments, refunds, and what is still to be done about them, in SQLite.

Reads are small and happen at once. Writes go to a thread which commits together what arrived
together; whoever awaits a write goes on when it is on the disk.

The tables of version 1.14 are as they were, so that it can be rolled back to.
"""

from __future__ import annotations

import asyncio
import json
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from payments.errors import Busy, PaymentNotFound, RefundNotPossible
from payments.models import (
    Balance,
    Claim,
    Payment,
    PaymentRequest,
    PaymentStatus,
    Refund,
    RefundClaim,
    Reply,
    new_id,
    utc_now,
)
from payments.money import to_eur

T = TypeVar("T")

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
CREATE INDEX IF NOT EXISTS payments_unsettled ON payments (seq)
    WHERE status = 'captured' AND settled_at IS NULL;

-- What was answered to a key.
CREATE TABLE IF NOT EXISTS replies (
    key         TEXT PRIMARY KEY,
    payment_id  TEXT NOT NULL,
    status_code INTEGER NOT NULL,
    body        TEXT NOT NULL,
    created_at  TEXT NOT NULL
);

-- Written before a payment is sent for the first time. Without an outcome as long as
-- order_json is there; look_at (seconds since 1970) says when to look for a charge.
CREATE TABLE IF NOT EXISTS claims (
    key         TEXT PRIMARY KEY,
    payment_id  TEXT NOT NULL UNIQUE,
    fingerprint TEXT NOT NULL,
    order_json  TEXT,
    rate        TEXT NOT NULL,
    sent_at     REAL NOT NULL,
    look_at     REAL
);
CREATE INDEX IF NOT EXISTS claims_to_look_for ON claims (look_at) WHERE look_at IS NOT NULL;

CREATE TABLE IF NOT EXISTS refunds (
    id                 TEXT PRIMARY KEY,
    payment_id         TEXT NOT NULL REFERENCES payments (id),
    amount             INTEGER NOT NULL,
    amount_eur         INTEGER NOT NULL,
    provider_refund_id TEXT NOT NULL,
    created_at         TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS refunds_by_payment ON refunds (payment_id);

-- Written before a refund is sent, deleted when the shop knows of it. `busy`: a request is at
-- it. `open`: it may have been carried out. `repeating`: we are finding out. `untold`: it was
-- carried out, but the shop does not know.
CREATE TABLE IF NOT EXISTS refund_claims (
    id         TEXT PRIMARY KEY,
    payment_id TEXT NOT NULL,
    amount     INTEGER NOT NULL,
    state      TEXT NOT NULL,
    sends      INTEGER NOT NULL,
    retry_at   REAL,
    created_at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS refund_claims_by_payment ON refund_claims (payment_id);

-- Receipts that have not been taken by the mailer. `due`, `sending`, or `unknown` if it may
-- have been taken but we were not told.
CREATE TABLE IF NOT EXISTS outbox (
    payment_id TEXT PRIMARY KEY,
    state      TEXT NOT NULL,
    due_at     REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS outbox_by_state ON outbox (state, due_at);

-- Charges that the provider would not settle; left alone until then.
CREATE TABLE IF NOT EXISTS settlement_parked (
    charge_id TEXT PRIMARY KEY,
    until     REAL NOT NULL
);
"""

# Kept up by triggers, so that no code can forget it, an older version's neither.
_TOTALS = """
BEGIN IMMEDIATE;
CREATE TABLE merchant_totals (
    merchant_id  TEXT PRIMARY KEY,
    captured_eur INTEGER NOT NULL,
    refunded_eur INTEGER NOT NULL DEFAULT 0,
    settled_eur  INTEGER NOT NULL DEFAULT 0
);
INSERT INTO merchant_totals
    SELECT merchant_id, SUM(amount_eur), 0,
           SUM(CASE WHEN settled_at IS NULL THEN 0 ELSE amount_eur END)
    FROM payments WHERE status = 'captured' GROUP BY merchant_id;
UPDATE merchant_totals SET refunded_eur = given_back.total FROM (
    SELECT p.merchant_id, SUM(r.amount_eur) AS total
    FROM refunds r JOIN payments p ON p.id = r.payment_id GROUP BY p.merchant_id
) AS given_back WHERE given_back.merchant_id = merchant_totals.merchant_id;
CREATE TRIGGER totals_captured AFTER INSERT ON payments WHEN NEW.status = 'captured' BEGIN
    INSERT INTO merchant_totals (merchant_id, captured_eur)
        VALUES (NEW.merchant_id, NEW.amount_eur)
        ON CONFLICT (merchant_id) DO UPDATE SET captured_eur = captured_eur + NEW.amount_eur;
END;
CREATE TRIGGER totals_settled AFTER UPDATE OF settled_at ON payments
    WHEN NEW.status = 'captured' AND OLD.settled_at IS NULL AND NEW.settled_at IS NOT NULL BEGIN
    UPDATE merchant_totals SET settled_eur = settled_eur + NEW.amount_eur
        WHERE merchant_id = NEW.merchant_id;
END;
CREATE TRIGGER totals_refunded AFTER INSERT ON refunds BEGIN
    UPDATE merchant_totals SET refunded_eur = refunded_eur + NEW.amount_eur
        WHERE merchant_id = (SELECT merchant_id FROM payments WHERE id = NEW.payment_id);
END;
COMMIT;
"""

REFUND_KEY_SEC = 23 * 3600
"""For how long a refund can be repeated safely: the provider knows its key for 24 hours."""


class Store:
    """One SQLite file; every method is its own transaction."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        writer = _connect(path)
        writer.execute("PRAGMA journal_mode = WAL")
        writer.executescript(_SCHEMA)
        known = "SELECT 1 FROM sqlite_master WHERE name = 'merchant_totals'"
        if writer.execute(known).fetchone() is None:
            writer.executescript(_TOTALS)
        # What was under way when the last process ended.
        now = time.time()
        writer.execute("UPDATE claims SET look_at = ? WHERE look_at IS NOT NULL", (now,))
        writer.execute(
            "UPDATE refund_claims SET state = 'open', retry_at = ? "
            "WHERE state IN ('busy', 'repeating')",
            (now,),
        )
        self._db = _connect(path)
        self._writer = _Writer(writer)

    def close(self) -> None:
        """Write what is still to be written and close the file."""
        self._writer.close()
        self._db.close()

    async def ping(self) -> None:
        """Raise `sqlite3.Error` or `TimeoutError` if the file cannot be read and written."""
        self._db.execute("SELECT 1 FROM payments LIMIT 1").fetchone()
        async with asyncio.timeout(1):
            await self._writer.run(lambda db: None)

    # -- payments ----------------------------------------------------------------

    def get_payment(self, payment_id: str) -> Payment | None:
        """The payment with this id, or None."""
        return _get_payment(self._db, payment_id)

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

    def find_reply(self, key: str) -> Reply | None:
        """What was answered to the payment with this key, or None."""
        return _find_reply(self._db, key)

    def find_claim(self, key: str) -> Claim | None:
        """The claim of this key, or None."""
        row = self._db.execute("SELECT * FROM claims WHERE key = ?", (key,)).fetchone()
        return None if row is None else _claim(row)

    async def claim(
        self, key: str, request: PaymentRequest, rate: Decimal, *, look_at: float
    ) -> Claim | None:
        """Note that the payment with this key is about to be sent; None if it has an outcome."""
        order = request.model_dump(mode="json", exclude={"card_token"})

        def write(db: sqlite3.Connection) -> Claim | None:
            payment_id = new_id("pay")
            row = db.execute(
                """
                INSERT INTO claims VALUES (?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (key) DO UPDATE SET rate = excluded.rate,
                    sent_at = excluded.sent_at, look_at = excluded.look_at
                    WHERE order_json IS NOT NULL
                RETURNING *
                """,
                (
                    key,
                    payment_id,
                    request.fingerprint(payment_id),
                    json.dumps(order),
                    f"{rate:f}",
                    time.time(),
                    look_at,
                ),
            ).fetchone()
            return None if row is None else _claim(row)

        return await self._writer.run(write)

    async def reschedule(self, claim: Claim, look_at: float | None) -> None:
        """Look for the charge then, or not at all; nothing if the claim has moved on."""
        await self._writer.run(
            lambda db: db.execute(
                "UPDATE claims SET look_at = ? WHERE key = ? AND look_at IS ? AND sent_at = ?",
                (look_at, claim.key, claim.look_at, claim.sent_at),
            )
        )

    def claims_to_look_for(self, limit: int) -> list[Claim]:
        """Claims of which it is time to ask the provider for a charge."""
        rows = self._db.execute(
            "SELECT * FROM claims WHERE look_at <= ? ORDER BY look_at LIMIT ?",
            (time.time(), limit),
        )
        return [_claim(row) for row in rows]

    async def finish(self, claim: Claim, charge_id: str | None) -> Reply:
        """Book the outcome, declined without a `charge_id`; the reply is the one to give."""

        def write(db: sqlite3.Connection) -> Reply:
            earlier = _find_reply(db, claim.key)
            if earlier is not None:
                return earlier
            order = claim.order
            assert order is not None
            payment = Payment(
                id=claim.payment_id,
                merchant_id=order["merchant_id"],
                amount=order["amount"],
                currency=order["currency"],
                amount_eur=to_eur(order["amount"], claim.rate),
                rate=claim.rate,
                status=PaymentStatus.CAPTURED if charge_id else PaymentStatus.DECLINED,
                customer_email=order["customer_email"],
                created_at=utc_now(),
                provider_charge_id=charge_id,
                description=order["description"],
            )
            reply = Reply(status_code=201 if charge_id else 402, body=payment.to_json())
            _insert(db, "payments", **_columns(payment))
            _insert(
                db,
                "replies",
                key=claim.key,
                payment_id=payment.id,
                status_code=reply.status_code,
                body=json.dumps(reply.body),
                created_at=payment.created_at,
            )
            db.execute(
                "UPDATE claims SET order_json = NULL, look_at = NULL WHERE key = ?", (claim.key,)
            )
            if charge_id:
                _insert(db, "outbox", payment_id=payment.id, state="due", due_at=0)
            return reply

        return await self._writer.run(write)

    # -- refunds -----------------------------------------------------------------

    async def claim_refund(self, payment_id: str, amount: int) -> RefundClaim:
        """Set `amount` of a captured payment aside to be given back.

        Comes back with an earlier one of the same amount if its shop was not told how it went.

        Raises:
            PaymentNotFound: There is no such payment.
            RefundNotPossible: It was not captured, or less than `amount` is left of it.
            Busy: That earlier one is being looked after.
        """

        def write(db: sqlite3.Connection) -> RefundClaim:
            payment = _get_payment(db, payment_id)
            if payment is None:
                raise PaymentNotFound(f"no payment {payment_id}")
            if payment.provider_charge_id is None:
                raise RefundNotPossible(f"payment {payment_id} is {payment.status}")
            now = time.time()
            if db.execute(
                "SELECT 1 FROM refund_claims WHERE payment_id = ? AND amount = ? "
                "AND state = 'repeating'",
                (payment_id, amount),
            ).fetchone():
                raise Busy("the earlier refund is still under way, please come back")
            row = db.execute(
                """
                UPDATE refund_claims
                SET state = IIF(state = 'open', 'busy', state), sends = sends + 1
                WHERE id = (
                    SELECT id FROM refund_claims
                    WHERE payment_id = ? AND amount = ? AND created_at > ?
                    AND state IN ('open', 'untold')
                    ORDER BY created_at LIMIT 1
                ) RETURNING *
                """,
                (payment_id, amount, now - REFUND_KEY_SEC),
            ).fetchone()
            if row is not None:
                refund = _get_refund(db, row["id"])
                return replace(_refund_claim(row, payment), refund=refund)
            left = payment.amount - _sum(db, "refunds", payment_id)
            left -= _sum(db, "refund_claims", payment_id, "AND state <> 'untold'")
            if amount > left:
                raise RefundNotPossible(f"{left} of payment {payment_id} can be refunded")
            row = db.execute(
                "INSERT INTO refund_claims VALUES (?, ?, ?, 'busy', 0, NULL, ?) RETURNING *",
                (new_id("ref"), payment_id, amount, now),
            ).fetchone()
            return _refund_claim(row, payment)

        return await self._writer.run(write)

    async def take_open_refunds(self, limit: int) -> list[RefundClaim]:
        """Refunds that it is time to repeat, because they may not have been carried out."""

        def write(db: sqlite3.Connection) -> list[RefundClaim]:
            rows = db.execute(
                """
                UPDATE refund_claims SET state = 'repeating', sends = sends + 1 WHERE id IN (
                    SELECT id FROM refund_claims WHERE state = 'open' AND retry_at <= ? LIMIT ?
                ) RETURNING *
                """,
                (time.time(), limit),
            ).fetchall()
            return [_refund_claim(row, _get_payment(db, row["payment_id"])) for row in rows]

        return await self._writer.run(write)

    async def finish_refund(self, claim: RefundClaim, provider_refund_id: str) -> Refund:
        """Book a refund; `told` is still to be called."""

        def write(db: sqlite3.Connection) -> Refund:
            earlier = _get_refund(db, claim.id)
            if earlier is not None:
                return earlier
            payment = _get_payment(db, claim.payment_id)
            assert payment is not None
            before = _sum(db, "refunds", payment.id)
            # From the running total, so that parts add up to the whole in EUR too.
            amount_eur = to_eur(before + claim.amount, payment.rate) - to_eur(before, payment.rate)
            refund = Refund(
                id=claim.id,
                payment_id=payment.id,
                amount=claim.amount,
                amount_eur=amount_eur,
                provider_refund_id=provider_refund_id,
                created_at=utc_now(),
            )
            _insert(db, "refunds", **asdict(refund))
            db.execute("UPDATE refund_claims SET state = 'untold' WHERE id = ?", (claim.id,))
            return refund

        return await self._writer.run(write)

    async def leave_refund_open(self, claim: RefundClaim, retry_at: float | None) -> None:
        """Note that a refund may have been carried out; its amount stays set aside."""
        await self._writer.run(
            lambda db: db.execute(
                "UPDATE refund_claims SET state = 'open', retry_at = ? WHERE id = ?",
                (retry_at, claim.id),
            )
        )

    async def drop_refund(self, refund_id: str) -> None:
        """Forget the claim: the refund was not carried out, or the shop knows that it was."""
        await self._writer.run(
            lambda db: db.execute("DELETE FROM refund_claims WHERE id = ?", (refund_id,))
        )

    # -- receipts ----------------------------------------------------------------

    def receipts_due(self, limit: int) -> list[Payment]:
        """Payments whose receipt is to be sent now."""
        rows = self._db.execute(
            """
            SELECT payments.* FROM outbox JOIN payments ON payments.id = outbox.payment_id
            WHERE outbox.state = 'due' AND outbox.due_at <= ? ORDER BY outbox.due_at LIMIT ?
            """,
            (time.time(), limit),
        )
        return [_payment(row) for row in rows]

    async def receipt_leaves(self, payment_id: str) -> None:
        """It is being handed to the mailer right now."""
        await self._writer.run(
            lambda db: db.execute(
                "UPDATE outbox SET state = 'sending' WHERE payment_id = ?", (payment_id,)
            )
        )

    async def receipt_sent(self, payment_id: str) -> None:
        """The mailer has it."""
        await self._writer.run(
            lambda db: db.execute("DELETE FROM outbox WHERE payment_id = ?", (payment_id,))
        )

    async def receipt_not_sent(self, payment_id: str, *, due_at: float) -> None:
        """The mailer does not have it; try again then."""
        await self._writer.run(
            lambda db: db.execute(
                "UPDATE outbox SET state = 'due', due_at = ? WHERE payment_id = ?",
                (due_at, payment_id),
            )
        )

    async def receipts_unknown(self) -> list[str]:
        """Payments whose receipt was being sent when the last process ended."""

        def write(db: sqlite3.Connection) -> list[str]:
            rows = db.execute(
                "UPDATE outbox SET state = 'unknown' WHERE state = 'sending' RETURNING payment_id"
            ).fetchall()
            return [row["payment_id"] for row in rows]

        return await self._writer.run(write)

    # -- settlement and totals ---------------------------------------------------

    def unsettled(self, limit: int) -> list[str]:
        """Charges to be settled, the oldest first."""
        rows = self._db.execute(
            """
            SELECT provider_charge_id FROM payments
            WHERE status = 'captured' AND settled_at IS NULL AND NOT EXISTS (
                SELECT 1 FROM settlement_parked
                WHERE charge_id = provider_charge_id AND until > ?
            ) ORDER BY seq LIMIT ?
            """,
            (time.time(), limit),
        )
        return [row["provider_charge_id"] for row in rows]

    async def mark_settled(self, charge_ids: Iterable[str], batch_id: str) -> None:
        """Note that the provider has settled these charges."""
        settled_at = utc_now()
        values = [(settled_at, batch_id, charge_id) for charge_id in charge_ids]
        await self._writer.run(
            lambda db: db.executemany(
                """
                UPDATE payments SET settled_at = ?, settlement_batch = ?
                WHERE provider_charge_id = ? AND settled_at IS NULL
                """,
                values,
            )
        )

    async def park_settlement(self, charge_ids: Iterable[str], until: float) -> None:
        """Note that the provider did not settle these charges: not again before then."""
        values = [(charge_id, until) for charge_id in charge_ids]
        await self._writer.run(
            lambda db: db.executemany(
                "INSERT OR REPLACE INTO settlement_parked VALUES (?, ?)", values
            )
        )

    def balance(self, merchant_id: str) -> Balance:
        """A merchant's totals; all zero if it has no payments."""
        row = self._db.execute(
            "SELECT * FROM merchant_totals WHERE merchant_id = ?", (merchant_id,)
        ).fetchone()
        return Balance(merchant_id, 0, 0, 0) if row is None else Balance(*row)


class _Writer:
    """Carries out writes in a thread of its own, one transaction for all that are waiting."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="store-writer", daemon=True)
        self._thread.start()

    async def run(self, write: Callable[[sqlite3.Connection], T]) -> T:
        """Carry out `write`; back when it is committed."""
        loop = asyncio.get_running_loop()
        job = _Job(write, loop.create_future(), loop)
        self._jobs.put(job)
        result: T = await job.future
        return result

    def close(self) -> None:
        self._jobs.put(None)
        self._thread.join(timeout=3)
        if not self._thread.is_alive():
            self._db.close()

    def _work(self) -> None:
        closing = False
        while not closing:
            jobs = [self._jobs.get()]
            while not self._jobs.empty():
                jobs.append(self._jobs.get())
            closing = None in jobs
            self._commit([job for job in jobs if job is not None])

    def _commit(self, jobs: list[_Job]) -> None:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            for job in jobs:
                self._db.execute("SAVEPOINT job")
                try:
                    job.result, job.error = job.write(self._db), None
                except Exception as exc:
                    job.error = exc
                    self._db.execute("ROLLBACK TO job")
                self._db.execute("RELEASE job")
            self._db.execute("COMMIT")
        except Exception as exc:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            for job in jobs:
                job.error = exc
        for job in jobs:
            try:
                job.loop.call_soon_threadsafe(job.deliver)
            except RuntimeError:  # The loop is closed, nobody waits any more.
                pass


class _Job:
    def __init__(
        self,
        write: Callable[[sqlite3.Connection], Any],
        future: asyncio.Future[Any],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.write = write
        self.future = future
        self.loop = loop
        self.result: Any = None
        self.error: Exception | None = None

    def deliver(self) -> None:
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=2.0, isolation_level=None, check_same_thread=False)
    db.row_factory = sqlite3.Row
    db.execute("PRAGMA synchronous = FULL")
    return db


def _insert(db: sqlite3.Connection, table: str, **values: Any) -> None:
    columns = ", ".join(values)
    marks = ", ".join("?" for _ in values)
    db.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", tuple(values.values()))


def _sum(db: sqlite3.Connection, table: str, payment_id: str, where: str = "") -> int:
    sql = f"SELECT COALESCE(SUM(amount), 0) FROM {table} WHERE payment_id = ? {where}"
    return int(db.execute(sql, (payment_id,)).fetchone()[0])


def _find_reply(db: sqlite3.Connection, key: str) -> Reply | None:
    row = db.execute("SELECT status_code, body FROM replies WHERE key = ?", (key,)).fetchone()
    if row is None:
        return None
    return Reply(status_code=row["status_code"], body=json.loads(row["body"]))


def _claim(row: sqlite3.Row) -> Claim:
    return Claim(
        key=row["key"],
        payment_id=row["payment_id"],
        fingerprint=row["fingerprint"],
        order=None if row["order_json"] is None else json.loads(row["order_json"]),
        rate=Decimal(row["rate"]),
        sent_at=row["sent_at"],
        look_at=row["look_at"],
    )


def _refund_claim(row: sqlite3.Row, payment: Payment | None) -> RefundClaim:
    assert payment is not None and payment.provider_charge_id is not None
    return RefundClaim(
        id=row["id"],
        payment_id=row["payment_id"],
        charge_id=payment.provider_charge_id,
        amount=row["amount"],
        sends=row["sends"],
        age_sec=time.time() - row["created_at"],
    )


def _get_refund(db: sqlite3.Connection, refund_id: str) -> Refund | None:
    row = db.execute("SELECT * FROM refunds WHERE id = ?", (refund_id,)).fetchone()
    return None if row is None else Refund(**row)


def _get_payment(db: sqlite3.Connection, payment_id: str) -> Payment | None:
    row = db.execute("SELECT * FROM payments WHERE id = ?", (payment_id,)).fetchone()
    return None if row is None else _payment(row)


def _columns(payment: Payment) -> dict[str, Any]:
    columns = asdict(payment) | {"rate": f"{payment.rate:f}", "status": payment.status.value}
    del columns["seq"]
    return columns


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
