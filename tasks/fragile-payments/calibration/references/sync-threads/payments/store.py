"""Our books, in SQLite.

Writing is done by one thread, which puts everything that waits into one transaction: a commit
has to reach the disk, and that is what takes the time. A method that writes returns when its
commit is on the disk. Reading goes through a few connections of its own and waits for nobody.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from payments.errors import PaymentNotFound, RefundNotPossible
from payments.models import Balance, Payment, PaymentStatus, Refund, utc_now
from payments.money import to_eur

logger = logging.getLogger(__name__)

T = TypeVar("T")

_VERSION = 1
_READERS = 4
_MAX_BATCH = 100
_SAME_REFUND_SEC = 23 * 3600
"""The provider knows our keys for 24 hours; after that, sending a refund again is a new refund."""
_UNKNOWN_RATE = "0"
"""In the column `rate` (NOT NULL since the pilot) as long as there is no rate."""

# As it has been since the pilot.
_PILOT = """
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
CREATE INDEX IF NOT EXISTS refunds_by_payment ON refunds (payment_id)
"""

# `accepted`: was answered with 202. `attempts`: how often it was sent since the shop last asked.
# `looks`: how often we still ask the provider whether there is a charge after all.
# `receipt`: due, sending, sent or unsure; NULL for everything older than this column.
# `replies` holds the keys of before; `keys` those since then.
_V1 = """
ALTER TABLE payments ADD COLUMN accepted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE payments ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE payments ADD COLUMN looks INTEGER NOT NULL DEFAULT 0;
ALTER TABLE payments ADD COLUMN receipt TEXT;
CREATE INDEX payments_pending ON payments (seq) WHERE status = 'pending';
CREATE INDEX payments_to_look_for ON payments (seq) WHERE looks > 0;
CREATE INDEX payments_unsettled ON payments (seq)
    WHERE status = 'captured' AND settled_at IS NULL;
CREATE INDEX payments_receipt_due ON payments (seq) WHERE receipt IN ('due', 'sending');
CREATE TABLE keys (
    key        TEXT PRIMARY KEY,
    payment_id TEXT NOT NULL UNIQUE,
    salt       BLOB NOT NULL,
    digest     BLOB NOT NULL
);
CREATE TABLE refund_requests (
    id         TEXT PRIMARY KEY,
    payment_id TEXT NOT NULL,
    amount     INTEGER NOT NULL,
    state      TEXT NOT NULL,
    attempts   INTEGER NOT NULL DEFAULT 0,
    told       TEXT NOT NULL,
    created_at TEXT NOT NULL
);
CREATE INDEX refund_requests_by_payment ON refund_requests (payment_id);
CREATE INDEX refund_requests_pending ON refund_requests (state) WHERE state = 'pending';
CREATE TABLE totals (
    merchant_id  TEXT PRIMARY KEY,
    captured_eur INTEGER NOT NULL DEFAULT 0,
    refunded_eur INTEGER NOT NULL DEFAULT 0,
    settled_eur  INTEGER NOT NULL DEFAULT 0
);
INSERT INTO totals (merchant_id, captured_eur, settled_eur)
    SELECT merchant_id, SUM(amount_eur),
           SUM(CASE WHEN settled_at IS NOT NULL THEN amount_eur ELSE 0 END)
    FROM payments WHERE status = 'captured' GROUP BY merchant_id;
INSERT INTO totals (merchant_id, refunded_eur)
    SELECT p.merchant_id, SUM(r.amount_eur)
    FROM refunds r JOIN payments p ON p.id = r.payment_id WHERE 1 GROUP BY p.merchant_id
    ON CONFLICT (merchant_id) DO UPDATE SET refunded_eur = excluded.refunded_eur
"""


@dataclass(frozen=True)
class Known:
    """What we know about a key: its payment, and the mark of the request's body."""

    payment: Payment
    accepted: bool
    looks: int
    salt: bytes | None
    digest: bytes | None


@dataclass(frozen=True)
class Unfinished:
    """A payment that had no outcome when the process ended."""

    key: str
    payment: Payment
    accepted: bool
    attempts: int


@dataclass(frozen=True)
class RefundRequest:
    """A refund that was asked for; `refund` is it once it was carried out."""

    id: str
    payment_id: str
    amount: int
    attempts: int
    refund: Refund | None = None


class _Write:
    def __init__(self, work: Callable[[sqlite3.Connection], Any]) -> None:
        self.work = work
        self.done = threading.Event()
        self.result: Any = None
        self.error: BaseException | None = None


class Store:
    """One SQLite file; every method is its own transaction."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._db = self._connect()
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._migrate()
        self._readers: queue.LifoQueue[sqlite3.Connection] = queue.LifoQueue()
        for _ in range(_READERS):
            reader = self._connect()
            reader.execute("PRAGMA query_only = ON")
            self._readers.put(reader)
        self._writes: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write_all, name="store", daemon=True)
        self._writer.start()

    def close(self) -> None:
        """Finish writing and close the file."""
        self._writes.put(None)
        self._writer.join(timeout=2)
        if self._writer.is_alive():
            return
        for _ in range(_READERS):
            with contextlib.suppress(queue.Empty):
                self._readers.get(timeout=0.5).close()
        self._db.close()

    def ping(self) -> None:
        """Raise `sqlite3.Error` if the file cannot be read or nobody writes."""
        if not self._writer.is_alive():
            raise sqlite3.OperationalError("the writer has ended")
        with self._reading() as db:
            db.execute("SELECT 1 FROM payments LIMIT 1").fetchone()

    # -- taking a payment ----------------------------------------------------------

    def find_key(self, key: str) -> Known | None:
        """The payment that a key names, or None."""
        with self._reading() as db:
            row = db.execute("SELECT * FROM keys WHERE key = ?", (key,)).fetchone()
            if row is None:
                row = db.execute(
                    "SELECT payment_id, NULL AS salt, NULL AS digest FROM replies WHERE key = ?",
                    (key,),
                ).fetchone()
            if row is None:
                return None
            payment = db.execute(
                "SELECT * FROM payments WHERE id = ?", (row["payment_id"],)
            ).fetchone()
        if payment is None:
            return None
        return Known(
            payment=_payment(payment),
            accepted=bool(payment["accepted"]),
            looks=payment["looks"],
            salt=row["salt"],
            digest=row["digest"],
        )

    def begin(
        self, key: str, salt: bytes, digest: bytes, payment: Payment, *, attempts: int
    ) -> None:
        """Note a payment before it is sent for the first time, or again after it was aborted."""
        amount_eur, rate = _columns(payment)

        def work(db: sqlite3.Connection) -> None:
            again = db.execute(
                """
                UPDATE payments SET status = 'pending', accepted = 0, attempts = ?, rate = ?,
                    amount_eur = ?, created_at = ?, seq = (SELECT MAX(seq) + 1 FROM payments)
                WHERE id = ? AND status = 'aborted'
                """,
                (attempts, rate, amount_eur, payment.created_at, payment.id),
            )
            if again.rowcount:
                return
            _insert(db, "keys", key=key, payment_id=payment.id, salt=salt, digest=digest)
            _insert(
                db,
                "payments",
                id=payment.id,
                merchant_id=payment.merchant_id,
                amount=payment.amount,
                currency=payment.currency,
                amount_eur=amount_eur,
                rate=rate,
                status=PaymentStatus.PENDING.value,
                customer_email=payment.customer_email,
                description=payment.description,
                created_at=payment.created_at,
                attempts=attempts,
            )

        self._write(work)

    def attempt(self, payment_id: str, number: int, payment: Payment) -> None:
        """Note that a payment is about to be sent again, and with which rate."""
        amount_eur, rate = _columns(payment)
        self._write(
            lambda db: db.execute(
                "UPDATE payments SET attempts = ?, rate = ?, amount_eur = ? WHERE id = ?",
                (number, rate, amount_eur, payment_id),
            )
        )

    def accept(self, payment_id: str, *, timeout: float) -> None:
        """Note that a payment is about to be answered with 202."""
        self._write(
            lambda db: db.execute(
                "UPDATE payments SET accepted = 1 WHERE id = ? AND status = 'pending'",
                (payment_id,),
            ),
            timeout=timeout,
        )

    def capture(self, payment_id: str, charge_id: str) -> Payment:
        """Book a charge. A second time changes nothing."""

        def work(db: sqlite3.Connection) -> Payment:
            booked = db.execute(
                """
                UPDATE payments SET status = 'captured', provider_charge_id = ?, looks = 0,
                    receipt = 'due'
                WHERE id = ? AND status <> 'captured'
                """,
                (charge_id, payment_id),
            )
            row = db.execute("SELECT * FROM payments WHERE id = ?", (payment_id,)).fetchone()
            if booked.rowcount:
                _add(db, row["merchant_id"], "captured_eur", row["amount_eur"])
            return _payment(row)

        return self._write(work)

    def close_payment(self, payment_id: str, status: PaymentStatus, *, looks: int = 0) -> Payment:
        """Note that a payment has ended without a charge."""

        def work(db: sqlite3.Connection) -> Payment:
            db.execute(
                "UPDATE payments SET status = ?, looks = ? WHERE id = ? AND status = 'pending'",
                (status.value, looks, payment_id),
            )
            row = db.execute("SELECT * FROM payments WHERE id = ?", (payment_id,)).fetchone()
            return _payment(row)

        return self._write(work)

    def looked(self, payment_id: str) -> None:
        """Note that the provider was asked for a charge of this payment, and has none."""
        self._write(
            lambda db: db.execute(
                "UPDATE payments SET looks = looks - 1 WHERE id = ? AND looks > 0", (payment_id,)
            )
        )

    def looks_left(self, payment_id: str) -> int:
        """How often the provider is still to be asked whether there is a charge after all."""
        with self._reading() as db:
            row = db.execute(
                "SELECT looks FROM payments WHERE id = ? AND status IN ('aborted', 'failed')",
                (payment_id,),
            ).fetchone()
        return int(row["looks"]) if row else 0

    def to_look_for(self) -> list[str]:
        """Payments of which the provider may have a charge although we ended them without."""
        with self._reading() as db:
            rows = db.execute("SELECT id FROM payments WHERE looks > 0").fetchall()
        return [row["id"] for row in rows]

    def unfinished(self) -> list[Unfinished]:
        """Payments without an outcome."""
        with self._reading() as db:
            rows = db.execute(
                """
                SELECT p.*, k.key FROM payments p JOIN keys k ON k.payment_id = p.id
                WHERE p.status = 'pending' ORDER BY p.seq
                """
            ).fetchall()
        return [
            Unfinished(row["key"], _payment(row), bool(row["accepted"]), row["attempts"])
            for row in rows
        ]

    # -- looking at payments -------------------------------------------------------

    def get_payment(self, payment_id: str) -> Payment | None:
        """The payment with this id, or None."""
        with self._reading() as db:
            row = db.execute(
                "SELECT * FROM payments WHERE id = ? AND status <> 'aborted'", (payment_id,)
            ).fetchone()
        return None if row is None else _payment(row)

    def list_payments(
        self, *, merchant_id: str | None, before: int | None, limit: int
    ) -> list[Payment]:
        """At most `limit` payments, newest first, from the one `before` this `seq` on."""
        where = ["status <> 'aborted'"]
        values: list[str | int] = []
        if merchant_id is not None:
            where.append("merchant_id = ?")
            values.append(merchant_id)
        if before is not None:
            where.append("seq < ?")
            values.append(before)
        with self._reading() as db:
            rows = db.execute(
                f"SELECT * FROM payments WHERE {' AND '.join(where)} ORDER BY seq DESC LIMIT ?",
                (*values, limit),
            ).fetchall()
        return [_payment(row) for row in rows]

    def balance(self, merchant_id: str) -> Balance:
        """A merchant's totals; all zero if it has no payments."""
        with self._reading() as db:
            row = db.execute(
                "SELECT * FROM totals WHERE merchant_id = ?", (merchant_id,)
            ).fetchone()
        return Balance(**dict(row)) if row else Balance(merchant_id, 0, 0, 0)

    # -- refunds -------------------------------------------------------------------
    #
    # A request holds its amount from before it is sent until it is known not to have been
    # carried out. `told` is what its shop knows: 'waiting' for an answer, 'yes', or 'no'.

    def ask_refund(self, refund_id: str, payment_id: str, amount: int) -> RefundRequest:
        """Hold an amount for a refund.

        If an earlier request for the same amount was answered with "not now" (or not at all) but
        may have been carried out, then this is the shop coming back for it: it is the same refund.

        Raises:
            PaymentNotFound: There is no such payment.
            RefundNotPossible: It was not captured, or less than `amount` is left of it.
        """

        def work(db: sqlite3.Connection) -> RefundRequest:
            payment = db.execute(
                "SELECT * FROM payments WHERE id = ? AND status <> 'aborted'", (payment_id,)
            ).fetchone()
            if payment is None:
                raise PaymentNotFound(f"no payment {payment_id}")
            if payment["status"] != PaymentStatus.CAPTURED or not payment["provider_charge_id"]:
                raise RefundNotPossible(f"payment {payment_id} is {payment['status']}")
            earlier = db.execute(
                """
                SELECT * FROM refund_requests
                WHERE payment_id = ? AND amount = ? AND told = 'no' AND created_at > ?
                    AND state IN ('pending', 'done')
                ORDER BY state, rowid LIMIT 1
                """,
                (payment_id, amount, utc_now(-_SAME_REFUND_SEC)),
            ).fetchone()
            if earlier is not None:
                db.execute(
                    "UPDATE refund_requests SET attempts = 0, told = ? WHERE id = ?",
                    ("yes" if earlier["state"] == "done" else "waiting", earlier["id"]),
                )
                row = db.execute("SELECT * FROM refunds WHERE id = ?", (earlier["id"],)).fetchone()
                refund = Refund(**dict(row)) if row else None
                return RefundRequest(earlier["id"], payment_id, amount, 0, refund)
            left = (
                payment["amount"]
                - _sum(db, "SELECT SUM(amount) FROM refunds WHERE payment_id = ?", payment_id)
                - _sum(
                    db,
                    "SELECT SUM(amount) FROM refund_requests"
                    " WHERE payment_id = ? AND state = 'pending'",
                    payment_id,
                )
            )
            if amount > left:
                raise RefundNotPossible(f"{left} of payment {payment_id} can be refunded")
            _insert(
                db,
                "refund_requests",
                id=refund_id,
                payment_id=payment_id,
                amount=amount,
                state="pending",
                told="waiting",
                created_at=utc_now(),
            )
            return RefundRequest(refund_id, payment_id, amount, 0)

        return self._write(work, timeout=2.0)

    def refund_attempt(self, refund_id: str, number: int) -> None:
        """Note that a refund is about to be sent."""
        self._write(
            lambda db: db.execute(
                "UPDATE refund_requests SET attempts = ? WHERE id = ?", (number, refund_id)
            )
        )

    def book_refund(self, refund_id: str, provider_refund_id: str, *, told: bool) -> Refund:
        """Book a refund that was carried out."""

        def work(db: sqlite3.Connection) -> Refund:
            row = db.execute("SELECT * FROM refunds WHERE id = ?", (refund_id,)).fetchone()
            if row is not None:
                return Refund(**dict(row))
            request = db.execute(
                "SELECT * FROM refund_requests WHERE id = ?", (refund_id,)
            ).fetchone()
            payment = db.execute(
                "SELECT * FROM payments WHERE id = ?", (request["payment_id"],)
            ).fetchone()
            before = _sum(
                db, "SELECT SUM(amount) FROM refunds WHERE payment_id = ?", payment["id"]
            )
            # Taken from the running total, so that parts add up to the whole in EUR too.
            rate = Decimal(payment["rate"])
            amount_eur = to_eur(before + request["amount"], rate) - to_eur(before, rate)
            refund = Refund(
                id=refund_id,
                payment_id=payment["id"],
                amount=request["amount"],
                amount_eur=amount_eur,
                provider_refund_id=provider_refund_id,
                created_at=utc_now(),
            )
            _insert(db, "refunds", **asdict(refund))
            db.execute(
                "UPDATE refund_requests SET state = 'done', told = ? WHERE id = ?",
                ("yes" if told else "no", refund_id),
            )
            _add(db, payment["merchant_id"], "refunded_eur", amount_eur)
            return refund

        return self._write(work)

    def release_refund(self, refund_id: str) -> None:
        """Note that a refund was not carried out."""
        self._write(
            lambda db: db.execute(
                "UPDATE refund_requests SET state = 'released', told = 'no'"
                " WHERE id = ? AND state = 'pending'",
                (refund_id,),
            )
        )

    def refund_untold(self, refund_id: str) -> None:
        """Note that the shop was told to come back for a refund."""
        self._write(
            lambda db: db.execute(
                "UPDATE refund_requests SET told = 'no' WHERE id = ?", (refund_id,)
            ),
            timeout=1.0,
        )

    def unfinished_refunds(self) -> list[RefundRequest]:
        """Refunds of which we do not know whether they were carried out; called at start."""

        def work(db: sqlite3.Connection) -> list[RefundRequest]:
            db.execute("UPDATE refund_requests SET told = 'no' WHERE told = 'waiting'")
            rows = db.execute(
                "SELECT * FROM refund_requests WHERE state = 'pending' AND created_at > ?",
                (utc_now(-_SAME_REFUND_SEC),),
            ).fetchall()
            return [
                RefundRequest(row["id"], row["payment_id"], row["amount"], row["attempts"])
                for row in rows
            ]

        return self._write(work)

    # -- settlement ----------------------------------------------------------------

    def unsettled(self, *, after: int, limit: int) -> list[tuple[int, str]]:
        """Captured charges that were not paid out yet: `seq` and id of the charge."""
        with self._reading() as db:
            rows = db.execute(
                """
                SELECT seq, provider_charge_id FROM payments
                WHERE status = 'captured' AND settled_at IS NULL AND seq > ?
                    AND provider_charge_id IS NOT NULL
                ORDER BY seq LIMIT ?
                """,
                (after, limit),
            ).fetchall()
        return [(row["seq"], row["provider_charge_id"]) for row in rows]

    def mark_settled(self, charge_ids: Iterable[str], batch_id: str) -> None:
        """Note that the provider has settled these charges."""
        settled_at = utc_now()

        def work(db: sqlite3.Connection) -> None:
            for charge_id in charge_ids:
                rows = db.execute(
                    """
                    UPDATE payments SET settled_at = ?, settlement_batch = ?
                    WHERE provider_charge_id = ? AND status = 'captured' AND settled_at IS NULL
                    RETURNING merchant_id, amount_eur
                    """,
                    (settled_at, batch_id, charge_id),
                ).fetchall()
                for row in rows:
                    _add(db, row["merchant_id"], "settled_eur", row["amount_eur"])

        self._write(work)

    # -- receipts ------------------------------------------------------------------

    def receipts_due(self, *, limit: int) -> list[Payment]:
        """Captured payments whose receipt has to be sent, oldest first."""
        with self._reading() as db:
            rows = db.execute(
                "SELECT * FROM payments WHERE receipt = 'due' ORDER BY seq LIMIT ?", (limit,)
            ).fetchall()
        return [_payment(row) for row in rows]

    def set_receipt(self, payment_id: str, state: str) -> None:
        """Note how far a receipt is: 'due', 'sending', 'sent' or 'unsure'."""
        self._write(
            lambda db: db.execute(
                "UPDATE payments SET receipt = ? WHERE id = ?", (state, payment_id)
            )
        )

    def interrupted_receipts(self) -> list[str]:
        """Receipts that were on their way when the process ended, now 'unsure'; at start."""
        return self._write(
            lambda db: [
                row["id"]
                for row in db.execute(
                    "UPDATE payments SET receipt = 'unsure' WHERE receipt = 'sending' RETURNING id"
                ).fetchall()
            ]
        )

    # -- connections and threads ---------------------------------------------------

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(
            self._path, timeout=5.0, isolation_level=None, check_same_thread=False
        )
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA cache_size = -2000")
        return db

    def _migrate(self) -> None:
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version >= _VERSION:
            return
        self._db.execute("BEGIN IMMEDIATE")
        try:
            for statement in (_PILOT + ";" + _V1).split(";"):
                self._db.execute(statement)
            self._db.execute(f"PRAGMA user_version = {_VERSION}")
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        logger.info("the database is now of version %d", _VERSION)

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        try:
            db = self._readers.get(timeout=2.0)
        except queue.Empty as exc:
            raise sqlite3.OperationalError("no connection is free") from exc
        try:
            yield db
        finally:
            self._readers.put(db)

    def _write(self, work: Callable[[sqlite3.Connection], T], timeout: float | None = None) -> T:
        write = _Write(work)
        self._writes.put(write)
        if not write.done.wait(timeout):
            raise sqlite3.OperationalError("the database takes too long")
        if write.error is not None:
            raise write.error
        return write.result  # type: ignore[no-any-return]

    def _write_all(self) -> None:
        stop = False
        while not stop:
            batch: list[_Write] = []
            item = self._writes.get()
            with contextlib.suppress(queue.Empty):
                while item is not None and len(batch) < _MAX_BATCH:
                    batch.append(item)
                    item = self._writes.get_nowait()
                stop = item is None
                if item is not None:
                    batch.append(item)
            if batch:
                self._commit(batch)

    def _commit(self, batch: list[_Write]) -> None:
        db = self._db
        try:
            db.execute("BEGIN IMMEDIATE")
            for write in batch:
                db.execute("SAVEPOINT one")
                try:
                    write.result = write.work(db)
                except Exception as exc:
                    write.error = exc
                    db.execute("ROLLBACK TO one")
                db.execute("RELEASE one")
            db.execute("COMMIT")
        except BaseException as exc:
            logger.error("nothing could be written: %s", exc)
            with contextlib.suppress(sqlite3.Error):
                db.execute("ROLLBACK")
            for write in batch:
                write.error = exc
        finally:
            for write in batch:
                write.done.set()


def _insert(db: sqlite3.Connection, table: str, **values: Any) -> None:
    columns = ", ".join(values)
    marks = ", ".join("?" for _ in values)
    db.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", tuple(values.values()))


def _add(db: sqlite3.Connection, merchant_id: str, column: str, amount_eur: int) -> None:
    db.execute(
        f"""
        INSERT INTO totals (merchant_id, {column}) VALUES (?, ?)
        ON CONFLICT (merchant_id) DO UPDATE SET {column} = {column} + excluded.{column}
        """,
        (merchant_id, amount_eur),
    )


def _sum(db: sqlite3.Connection, query: str, *values: Any) -> int:
    return int(db.execute(query, values).fetchone()[0] or 0)


def _columns(payment: Payment) -> tuple[int, str]:
    return payment.amount_eur or 0, _UNKNOWN_RATE if payment.rate is None else str(payment.rate)


def _payment(row: sqlite3.Row) -> Payment:
    known = row["rate"] != _UNKNOWN_RATE
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
        seq=row["seq"],
    )
