"""SQLite: the books, and everything that is still to be done.

One thread writes. It puts all changes that are waiting into one transaction, so the number
of payments per second does not hang on the time of an fsync. A change has returned when it
is on the disk. Reads use connections of their own and wait for nobody (WAL).
"""

from __future__ import annotations

import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from payments.errors import PaymentNotFound, RefundNotPossible
from payments.models import (
    Balance,
    Payment,
    PaymentRequest,
    PaymentStatus,
    Rate,
    Refund,
    new_id,
    utc_now,
)
from payments.money import to_eur

logger = logging.getLogger(__name__)

T = TypeVar("T")

READERS = 4
MAX_BATCH = 100
CHECKPOINT_SEC = 3.0
WRITE_TIMEOUT_SEC = 2.0

# The tables of version 1. A pending payment has rate '' and amount_eur 0.
_SCHEMA_1 = """
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

# work:    payments under way. The only place of the card token; gone with the outcome.
#          `sends` counts ahead: 1 says that it may have been sent once.
# doubts:  payments that are not captured although a charge may exist or still appear.
# receipt: due, sending, sent, doubt (we died while sending); NULL if none is to be sent.
#          Receipts of version 1 were sent or lost, nobody knows; they stay NULL.
# refunds: state open until the provider confirmed, `told` once the shop has had its answer.
_SCHEMA_2 = """
ALTER TABLE payments ADD COLUMN key TEXT;
ALTER TABLE payments ADD COLUMN fingerprint TEXT;
ALTER TABLE payments ADD COLUMN receipt TEXT;
ALTER TABLE payments ADD COLUMN receipt_at REAL;
ALTER TABLE refunds ADD COLUMN state TEXT NOT NULL DEFAULT 'done';
ALTER TABLE refunds ADD COLUMN told INTEGER NOT NULL DEFAULT 1;
ALTER TABLE refunds ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;
ALTER TABLE refunds ADD COLUMN next_try REAL;
CREATE TABLE work (
    payment_id TEXT PRIMARY KEY,
    card_token TEXT NOT NULL,
    sends      INTEGER NOT NULL,
    accepted   REAL NOT NULL
);
CREATE TABLE doubts (
    payment_id TEXT PRIMARY KEY,
    checks     INTEGER NOT NULL,
    next_check REAL NOT NULL
);
UPDATE payments SET key = replies.key FROM replies WHERE replies.payment_id = payments.id;
CREATE UNIQUE INDEX payments_by_key ON payments (key);
CREATE INDEX payments_unsettled ON payments (seq)
    WHERE status = 'captured' AND settled_at IS NULL;
CREATE INDEX payments_receipts ON payments (receipt_at) WHERE receipt = 'due';
CREATE INDEX payments_sending ON payments (seq) WHERE receipt = 'sending';
CREATE INDEX payments_totals ON payments (merchant_id, status, settled_at, amount_eur);
CREATE INDEX refunds_open ON refunds (next_try) WHERE state = 'open';
"""


@dataclass(frozen=True)
class Work:
    """A payment that was under way when the last process ended."""

    payment: Payment
    card_token: str
    sends: int
    accepted: float


class Store:
    """One SQLite file; every method is its own transaction."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = self._connect(path)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA secure_delete = ON")  # card tokens are overwritten
        self._migrate()
        self._readers: queue.SimpleQueue[sqlite3.Connection] = queue.SimpleQueue()
        for _ in range(READERS):
            self._readers.put(self._connect(path))
        self._changes: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None]
        self._changes = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write_all, name="writer", daemon=True)
        self._writer.start()

    @staticmethod
    def _connect(path: Path) -> sqlite3.Connection:
        db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=1.0)
        db.row_factory = sqlite3.Row
        return db

    def _migrate(self) -> None:
        if self._db.execute("PRAGMA user_version").fetchone()[0] >= 2:
            return
        self._db.executescript(f"BEGIN; {_SCHEMA_1} {_SCHEMA_2} PRAGMA user_version = 2; COMMIT;")

    def close(self) -> None:
        """Write what is waiting and close the file."""
        self._changes.put(None)
        self._writer.join(timeout=2)

    # -- writing -----------------------------------------------------------------

    def _write_all(self) -> None:
        last_checkpoint, dirty = time.monotonic(), False
        while True:
            try:
                batch = [self._changes.get(timeout=CHECKPOINT_SEC if dirty else None)]
                while len(batch) < MAX_BATCH and not self._changes.empty():
                    batch.append(self._changes.get())
            except queue.Empty:
                batch = []
            if batch:
                self._write([change for change in batch if change is not None])
                dirty = True
            closing = None in batch
            # Copies of deleted card tokens must not stay behind in the log.
            if dirty and (closing or time.monotonic() - last_checkpoint > CHECKPOINT_SEC):
                last_checkpoint, dirty = time.monotonic(), False
                try:
                    dirty = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] != 0
                except sqlite3.Error as exc:
                    dirty = True
                    logger.warning("checkpoint: %s", exc)
            if closing:
                self._db.close()
                return

    def _write(self, changes: list[tuple[Callable[[], Any], Future[Any]]]) -> None:
        results: list[tuple[Future[Any], Any, Exception | None]] = []
        try:
            self._db.execute("BEGIN IMMEDIATE")
            for change, future in changes:
                self._db.execute("SAVEPOINT one")
                try:
                    results.append((future, change(), None))
                except Exception as exc:
                    self._db.execute("ROLLBACK TO one")
                    results.append((future, None, exc))
                self._db.execute("RELEASE one")
            self._db.execute("COMMIT")
        except sqlite3.Error as exc:
            logger.error("database: %s", exc)
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            results = [(future, None, exc) for _, future in changes]
        for future, result, error in results:
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(result)

    def _later(self, change: Callable[[], T]) -> Future[T]:
        future: Future[T] = Future()
        self._changes.put((change, future))
        return future

    def _now(self, change: Callable[[], T]) -> T:
        try:
            return self._later(change).result(WRITE_TIMEOUT_SEC)
        except TimeoutError:
            raise sqlite3.OperationalError("the disk is too slow") from None

    @contextmanager
    def _reader(self) -> Iterator[sqlite3.Connection]:
        try:
            db = self._readers.get(timeout=2)
        except queue.Empty:
            raise sqlite3.OperationalError("too many reads") from None
        try:
            yield db
        finally:
            self._readers.put(db)

    def _rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        with self._reader() as db:
            return db.execute(sql, values).fetchall()

    def ping(self) -> None:
        """Raise `sqlite3.Error` if the file cannot be read, or nobody would write to it."""
        self._rows("SELECT 1 FROM payments LIMIT 1")
        if not self._writer.is_alive():
            raise sqlite3.OperationalError("not writing")

    # -- looking at payments -----------------------------------------------------

    def get_payment(self, payment_id: str) -> Payment | None:
        """The payment with this id, or None."""
        rows = self._rows("SELECT * FROM payments WHERE id = ?", payment_id)
        return _payment(rows[0]) if rows else None

    def find_payment(self, key: str) -> Payment | None:
        """The payment with this key, or None."""
        rows = self._rows("SELECT * FROM payments WHERE key = ?", key)
        return _payment(rows[0]) if rows else None

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
        rows = self._rows(
            f"SELECT * FROM payments WHERE {' AND '.join(where)} ORDER BY seq DESC LIMIT ?",
            *values,
            limit,
        )
        return [_payment(row) for row in rows]

    def balance(self, merchant_id: str) -> Balance:
        """A merchant's totals; all zero if it has no payments."""
        with self._reader() as db:
            captured, settled = db.execute(
                """
                SELECT COALESCE(SUM(amount_eur), 0),
                       COALESCE(SUM(CASE WHEN settled_at IS NOT NULL THEN amount_eur END), 0)
                FROM payments WHERE merchant_id = ? AND status = 'captured'
                """,
                (merchant_id,),
            ).fetchone()
            (refunded,) = db.execute(
                """
                SELECT COALESCE(SUM(refunds.amount_eur), 0)
                FROM refunds JOIN payments ON payments.id = refunds.payment_id
                WHERE payments.merchant_id = ? AND refunds.state = 'done'
                """,
                (merchant_id,),
            ).fetchone()
        return Balance(merchant_id, captured, refunded, settled)

    # -- taking payments ---------------------------------------------------------

    def claim(self, key: str, request: PaymentRequest) -> Future[tuple[Payment, bool]]:
        """Take a payment on; the earlier one and False if there is one with this key.

        Callbacks of the result run before any other change, whether somebody waits or not.
        """

        def change() -> tuple[Payment, bool]:
            row = self._db.execute("SELECT * FROM payments WHERE key = ?", (key,)).fetchone()
            if row is not None:
                return _payment(row), False
            payment_id = new_id("pay")
            row = self._db.execute(
                """
                INSERT INTO payments (id, merchant_id, amount, currency, amount_eur, rate, status,
                    customer_email, description, created_at, key, fingerprint)
                VALUES (?, ?, ?, ?, 0, '', 'pending', ?, ?, ?, ?, ?) RETURNING *
                """,
                (
                    payment_id,
                    request.merchant_id,
                    request.amount,
                    request.currency.value,
                    request.customer_email,
                    request.description,
                    utc_now(),
                    key,
                    request.fingerprint(payment_id),
                ),
            ).fetchone()
            self._db.execute(
                "INSERT INTO work VALUES (?, ?, 1, ?)", (payment_id, request.card_token, time.time())
            )
            return _payment(row), True

        return self._later(change)

    def unfinished(self) -> list[Work]:
        """Payments that are under way, oldest first."""
        rows = self._rows(
            "SELECT * FROM work JOIN payments ON payments.id = work.payment_id ORDER BY seq"
        )
        return [
            Work(_payment(row), row["card_token"], row["sends"], row["accepted"]) for row in rows
        ]

    def count_send(self, payment_id: str, sends: int) -> None:
        """Note that a payment is about to be sent for the `sends`th time."""
        self._now(
            lambda: self._db.execute(
                "UPDATE work SET sends = ? WHERE payment_id = ?", (sends, payment_id)
            )
        )

    def finish(
        self,
        payment_id: str,
        status: PaymentStatus,
        *,
        charge_id: str | None = None,
        rate: Rate | None = None,
        doubt: bool = False,
    ) -> bool:
        """Book the outcome; False if there was one already.

        `doubt` says that a charge may exist although the payment is not captured.
        """

        def change() -> bool:
            row = self._db.execute(
                "SELECT amount FROM payments WHERE id = ? AND status = 'pending'", (payment_id,)
            ).fetchone()
            self._db.execute("DELETE FROM work WHERE payment_id = ?", (payment_id,))
            if row is None:
                return False
            captured = status is PaymentStatus.CAPTURED
            self._db.execute(
                """
                UPDATE payments SET status = ?, provider_charge_id = ?, rate = ?, amount_eur = ?,
                    receipt = ?, receipt_at = ? WHERE id = ?
                """,
                (
                    status.value,
                    charge_id,
                    "" if rate is None else str(rate.value),
                    0 if rate is None else to_eur(row["amount"], rate.value),
                    "due" if captured else None,
                    time.time() if captured else None,
                    payment_id,
                ),
            )
            if doubt:
                self._db.execute(
                    "INSERT OR IGNORE INTO doubts VALUES (?, 0, ?)", (payment_id, time.time())
                )
            return True

        return self._now(change)

    def forget(self, payment_id: str) -> None:
        """Undo a claim: nothing was charged and the shop has not heard of it."""

        def change() -> None:
            self._db.execute("DELETE FROM work WHERE payment_id = ?", (payment_id,))
            self._db.execute(
                "DELETE FROM payments WHERE id = ? AND status = 'pending'", (payment_id,)
            )

        self._now(change)

    # -- charges in doubt --------------------------------------------------------

    def due_doubts(self) -> list[tuple[Payment, int]]:
        """Payments to look up again now, and how often we did."""
        rows = self._rows(
            """
            SELECT * FROM doubts JOIN payments ON payments.id = doubts.payment_id
            WHERE next_check <= ? ORDER BY next_check LIMIT 20
            """,
            time.time(),
        )
        return [(_payment(row), row["checks"]) for row in rows]

    def check_again(self, payment_id: str, checks: int, next_check: float) -> None:
        """Look again later."""
        self._now(
            lambda: self._db.execute(
                "UPDATE doubts SET checks = ?, next_check = ? WHERE payment_id = ?",
                (checks, next_check, payment_id),
            )
        )

    def end_doubt(self, payment_id: str, charge_id: str | None = None) -> None:
        """Stop looking; `charge_id` was found and given back."""

        def change() -> None:
            self._db.execute("DELETE FROM doubts WHERE payment_id = ?", (payment_id,))
            if charge_id is not None:
                self._db.execute(
                    "UPDATE payments SET provider_charge_id = ? WHERE id = ?",
                    (charge_id, payment_id),
                )

        self._now(change)

    # -- refunds -----------------------------------------------------------------

    def open_refund(
        self, payment_id: str, amount: int, begin: Callable[[str], bool]
    ) -> tuple[Refund, str, bool]:
        """Reserve a refund; returns it, the charge, and whether it was sent before.

        A shop that was told "not now" and asks again gets the refund it asked for before,
        which may have been carried out since, unless somebody is at it: `begin` is False then.
        """

        def change() -> tuple[Refund, str, bool]:
            payment = self._db.execute(
                "SELECT * FROM payments WHERE id = ?", (payment_id,)
            ).fetchone()
            if payment is None:
                raise PaymentNotFound(f"no payment {payment_id}")
            if payment["status"] != "captured":
                raise RefundNotPossible(f"payment {payment_id} is {payment['status']}")
            charge_id = payment["provider_charge_id"]
            refunds = self._db.execute(
                "SELECT * FROM refunds WHERE payment_id = ?", (payment_id,)
            ).fetchall()
            for row in refunds:
                if row["amount"] == amount and not row["told"] and begin(row["id"]):
                    if row["state"] == "done":
                        self._db.execute("UPDATE refunds SET told = 1 WHERE id = ?", (row["id"],))
                    return _refund(row), charge_id, True
            left = payment["amount"] - sum(row["amount"] for row in refunds)
            if amount > left:
                raise RefundNotPossible(f"{left} of payment {payment_id} can be refunded")
            row = self._db.execute(
                """
                INSERT INTO refunds (id, payment_id, amount, amount_eur, provider_refund_id,
                    created_at, state, told, next_try)
                VALUES (?, ?, ?, 0, '', ?, 'open', 0, ?) RETURNING *
                """,
                (new_id("ref"), payment_id, amount, utc_now(), time.time()),
            ).fetchone()
            begin(row["id"])
            return _refund(row), charge_id, False

        return self._now(change)

    def finish_refund(self, refund_id: str, provider_refund_id: str, *, told: bool) -> Refund:
        """Book a refund that the provider has carried out."""

        def change() -> Refund:
            row = self._db.execute(
                """
                SELECT refunds.*, payments.rate,
                    (SELECT COALESCE(SUM(amount), 0) FROM refunds AS others
                     WHERE others.payment_id = payments.id AND others.state = 'done') AS before
                FROM refunds JOIN payments ON payments.id = refunds.payment_id
                WHERE refunds.id = ?
                """,
                (refund_id,),
            ).fetchone()
            if row["state"] != "done":
                # Taken from the running total, so that parts add up to the whole in EUR too.
                rate, before = Decimal(row["rate"]), row["before"]
                amount_eur = to_eur(before + row["amount"], rate) - to_eur(before, rate)
                self._db.execute(
                    """
                    UPDATE refunds SET state = 'done', amount_eur = ?, provider_refund_id = ?
                    WHERE id = ?
                    """,
                    (amount_eur, provider_refund_id, refund_id),
                )
            if told:
                self._db.execute("UPDATE refunds SET told = 1 WHERE id = ?", (refund_id,))
            return Refund(refund_id, row["payment_id"], row["amount"], provider_refund_id, True)

        return self._now(change)

    def drop_refund(self, refund_id: str) -> None:
        """Forget a refund that was certainly not carried out."""
        self._now(
            lambda: self._db.execute(
                "DELETE FROM refunds WHERE id = ? AND state = 'open'", (refund_id,)
            )
        )

    def due_refunds(self) -> list[tuple[Refund, str]]:
        """Open refunds to try again now, with their charges."""
        rows = self._rows(
            """
            SELECT refunds.*, payments.provider_charge_id AS charge_id
            FROM refunds JOIN payments ON payments.id = refunds.payment_id
            WHERE state = 'open' AND next_try <= ? ORDER BY next_try LIMIT 20
            """,
            time.time(),
        )
        return [(_refund(row), row["charge_id"]) for row in rows]

    def retry_refund(self, refund_id: str, tries: int, next_try: float | None) -> None:
        """Try an open refund again later, or leave it to people (None)."""
        self._now(
            lambda: self._db.execute(
                "UPDATE refunds SET tries = ?, next_try = ? WHERE id = ?",
                (tries, next_try, refund_id),
            )
        )

    # -- settlement --------------------------------------------------------------

    def unsettled(self, limit: int) -> list[str]:
        """Charges that are to be settled, oldest first."""
        rows = self._rows(
            """
            SELECT provider_charge_id FROM payments INDEXED BY payments_unsettled
            WHERE status = 'captured' AND settled_at IS NULL AND provider_charge_id IS NOT NULL
            ORDER BY seq LIMIT ?
            """,
            limit,
        )
        return [row[0] for row in rows]

    def mark_settled(self, charge_ids: Iterable[str], batch_id: str) -> None:
        """Note that the provider has settled these charges."""
        values = [(utc_now(), batch_id, charge_id) for charge_id in charge_ids]
        self._now(
            lambda: self._db.executemany(
                """
                UPDATE payments SET settled_at = ?, settlement_batch = ?
                WHERE provider_charge_id = ? AND status = 'captured' AND settled_at IS NULL
                """,
                values,
            )
        )

    # -- receipts ----------------------------------------------------------------

    def take_receipt(self) -> Payment | None:
        """The next payment whose receipt is to be sent, noted as being sent."""
        due = "receipt = 'due' AND receipt_at <= ?"
        if not self._rows(f"SELECT 1 FROM payments WHERE {due} LIMIT 1", time.time()):
            return None

        def change() -> Payment | None:
            row = self._db.execute(
                f"""
                UPDATE payments SET receipt = 'sending' WHERE seq = (
                    SELECT seq FROM payments WHERE {due} ORDER BY receipt_at LIMIT 1
                ) RETURNING *
                """,
                (time.time(),),
            ).fetchone()
            return None if row is None else _payment(row)

        return self._now(change)

    def set_receipt(self, payment_id: str, state: str, at: float | None = None) -> None:
        """Note what became of a receipt."""
        self._now(
            lambda: self._db.execute(
                "UPDATE payments SET receipt = ?, receipt_at = ? WHERE id = ?",
                (state, at, payment_id),
            )
        )

    def sending_receipts(self) -> list[str]:
        """Payments whose receipt was being sent when the last process died."""
        return [row[0] for row in self._rows("SELECT id FROM payments WHERE receipt = 'sending'")]


def _payment(row: sqlite3.Row) -> Payment:
    known = row["rate"] != ""
    return Payment(
        id=row["id"],
        merchant_id=row["merchant_id"],
        amount=row["amount"],
        currency=row["currency"],
        amount_eur=row["amount_eur"] if known else None,
        rate=Decimal(row["rate"]) if known else None,
        status=PaymentStatus(row["status"]),
        customer_email=row["customer_email"],
        created_at=row["created_at"],
        provider_charge_id=row["provider_charge_id"],
        description=row["description"],
        fingerprint=row["fingerprint"],
        seq=row["seq"],
    )


def _refund(row: sqlite3.Row) -> Refund:
    return Refund(
        id=row["id"],
        payment_id=row["payment_id"],
        amount=row["amount"],
        provider_refund_id=row["provider_refund_id"],
        done=row["state"] == "done",
        tries=row["tries"],
    )
