"""The books and the outbox: payments, refunds, and the work that is still to be done.

Everything here is a function that runs in a transaction of `Database`. A change of a payment
and the work that follows from it are always in the same one, so there is no moment at which
a crash loses one of them.

A job is a row in `jobs`. Claiming it moves `due_at` behind the end of the lease and sets
`leased`; what was claimed by a process that died comes up again (see `recover`).

    charge, lookup   find the outcome of a pending payment
    refund           give money back; while it is there the amount is reserved
    settle           have a captured payment paid out
    receipt          mail its receipt
    reconcile        a payment ended as failed while in doubt: see whether there is a charge
    reverse          there is, so give it back
"""

from __future__ import annotations

import hashlib
import json
import logging
import sqlite3
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from payments.errors import KeyReused, PaymentNotFound, RefundNotPossible
from payments.models import Balance, Payment, PaymentRequest, PaymentStatus, Refund, utc_now
from payments.money import to_eur
from payments.provider import End, Result
from payments.steps import MAX_SENDS, Next, State, Step, after_charge, after_lookup, overdue

logger = logging.getLogger(__name__)

# The first three tables are as in version 1.14, plus what `_MORE_COLUMNS` adds.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS payments (
    seq                INTEGER PRIMARY KEY AUTOINCREMENT,
    id                 TEXT NOT NULL UNIQUE,
    merchant_id        TEXT NOT NULL,
    amount             INTEGER NOT NULL,
    currency           TEXT NOT NULL,
    amount_eur         INTEGER NOT NULL,  -- 0 as long as rate is ''
    rate               TEXT NOT NULL,     -- '' if not known (yet)
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

-- Answers of versions up to 1.14, read to know their keys.
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

CREATE TABLE IF NOT EXISTS payment_keys (
    key         TEXT PRIMARY KEY,
    payment_id  TEXT NOT NULL,
    fingerprint TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS jobs (
    id         INTEGER PRIMARY KEY,
    kind       TEXT NOT NULL,
    ref        TEXT NOT NULL,           -- payment, refund or charge that it is about
    payment_id TEXT NOT NULL,
    amount     INTEGER,
    charge_id  TEXT,
    card_token TEXT,                    -- gone with the job, or earlier
    rate       TEXT,                    -- of the last send
    created    REAL NOT NULL,
    due_at     REAL NOT NULL,
    leased     INTEGER NOT NULL DEFAULT 0,
    parked     INTEGER NOT NULL DEFAULT 0,  -- nothing more that we can do: for a person
    sends      INTEGER NOT NULL DEFAULT 0,
    tries      INTEGER NOT NULL DEFAULT 0,
    doubt      INTEGER NOT NULL DEFAULT 0,  -- a send may have been carried out
    sent_at    REAL NOT NULL DEFAULT 0,
    note       TEXT,
    UNIQUE (kind, ref)
);
CREATE INDEX IF NOT EXISTS jobs_due ON jobs (kind, parked, due_at);
CREATE INDEX IF NOT EXISTS jobs_by_payment ON jobs (payment_id);
"""

_MORE_COLUMNS = {
    "payments": {
        "promised_at": "REAL",
        "decided_at": "REAL",
        "reason": "TEXT",
        "receipt_sent_at": "TEXT",
    },
    "refunds": {"told": "INTEGER NOT NULL DEFAULT 1"},
}

_MORE_INDEXES = """
CREATE INDEX IF NOT EXISTS payments_totals
    ON payments (merchant_id, status, settled_at, amount_eur);
CREATE INDEX IF NOT EXISTS payments_unsettled
    ON payments (seq) WHERE status = 'captured' AND settled_at IS NULL;
"""

FRONT = ("charge", "lookup", "refund")
"""Kinds of jobs that somebody may be waiting for."""

LEASE_SEC = 30.0
GRACE_SEC = 4.0
"""What a payment in doubt gets at least after a start, to be looked up."""
REPEAT_AFTER_REJECTION_SEC = 5.0
REFUND_KEY_SEC = 23 * 3600.0
"""The provider knows an idempotency key for 24 hours."""


@dataclass(frozen=True)
class Job:
    """A job as it was claimed, with what is needed of its payment."""

    id: int
    kind: str
    ref: str
    payment_id: str
    amount: int
    currency: str
    charge_id: str | None
    card_token: str | None
    rate: str | None
    sends: int
    tries: int
    doubt_before: bool
    due_by: float | None
    created: float

    def __repr__(self) -> str:
        return f"<Job {self.kind} {self.ref}>"


@dataclass(frozen=True)
class Claimed:
    """What was claimed, and when to look again."""

    jobs: list[Job]
    next_due: float | None
    no_rate: set[str]


def prepare(db: sqlite3.Connection) -> None:
    """Create what is missing; a database of version 1.14 is fine."""
    for statement in _SCHEMA.split(";"):
        db.execute(statement)
    for table, columns in _MORE_COLUMNS.items():
        there = {row["name"] for row in db.execute(f"PRAGMA table_info({table})")}
        for name, kind in columns.items():
            if name not in there:
                db.execute(f"ALTER TABLE {table} ADD COLUMN {name} {kind}")
    for statement in _MORE_INDEXES.split(";"):
        db.execute(statement)


def recover(db: sqlite3.Connection, now: float, outcome_sec: float) -> list[str]:
    """Take over from the process before; returns what is under way."""
    lost = db.execute("SELECT ref FROM jobs WHERE kind = 'receipt' AND leased AND NOT parked")
    for row in lost.fetchall():
        # The mailer was being told when we died. It has no way to find out and does not look
        # for duplicates; most probably it has the message.
        logger.error("receipt for %s may not have been sent: stopped meanwhile", row["ref"])
    db.execute(
        "UPDATE jobs SET parked = 1, note = 'stopped while it was sent'"
        " WHERE kind = 'receipt' AND leased AND NOT parked"
    )
    # A charge in doubt is looked up first: its idempotency key may have expired.
    db.execute("UPDATE jobs SET kind = 'lookup', tries = 0 WHERE kind = 'charge' AND doubt")
    db.execute("UPDATE jobs SET leased = 0, due_at = ? WHERE leased AND NOT parked", (now,))
    # Its time may have run out while we were away; look before it ends as failed.
    db.execute(
        "UPDATE payments SET promised_at = MAX(promised_at, ?) WHERE promised_at IS NOT NULL"
        " AND id IN (SELECT ref FROM jobs WHERE kind = 'lookup' AND NOT parked)",
        (now - outcome_sec + GRACE_SEC,),
    )
    db.execute(
        """
        INSERT OR IGNORE INTO jobs (kind, ref, payment_id, charge_id, created, due_at)
        SELECT 'settle', id, id, provider_charge_id, :now, :now FROM payments
        WHERE status = 'captured' AND settled_at IS NULL AND provider_charge_id IS NOT NULL
        """,
        {"now": now},
    )
    rows = db.execute(
        "SELECT ref FROM jobs WHERE kind IN ('charge', 'lookup', 'refund') AND NOT parked"
    )
    return [row["ref"] for row in rows]


def ping(db: sqlite3.Connection) -> None:
    """Raise `sqlite3.Error` if the books cannot be read."""
    db.execute("SELECT 1 FROM payments LIMIT 1").fetchone()


# -- looking at payments ---------------------------------------------------------


def get_payment(db: sqlite3.Connection, payment_id: str) -> Payment | None:
    """The payment with this id, or None."""
    row = db.execute("SELECT * FROM payments WHERE id = ?", (payment_id,)).fetchone()
    return None if row is None else _payment(row)


def list_payments(
    db: sqlite3.Connection, *, merchant_id: str | None, before: int | None, limit: int
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
    rows = db.execute(
        f"SELECT * FROM payments WHERE {' AND '.join(where)} ORDER BY seq DESC LIMIT ?",
        (*values, limit),
    )
    return [_payment(row) for row in rows]


def balance(db: sqlite3.Connection, merchant_id: str) -> Balance:
    """A merchant's totals; all zero if it has no payments."""
    totals = db.execute(
        """
        SELECT COALESCE(SUM(amount_eur), 0) AS captured,
               COALESCE(SUM(CASE WHEN settled_at IS NOT NULL THEN amount_eur END), 0) AS settled
        FROM payments WHERE merchant_id = ? AND status = 'captured'
        """,
        (merchant_id,),
    ).fetchone()
    refunds = db.execute(
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


# -- taking payments -------------------------------------------------------------


def find_key(db: sqlite3.Connection, key: str, request: PaymentRequest) -> Payment | None:
    """The payment that a key names, or None.

    Raises:
        KeyReused: It names a payment, but another one than `request`.
    """
    row = db.execute(
        "SELECT payment_id, fingerprint FROM payment_keys WHERE key = ?", (key,)
    ).fetchone()
    if row is not None:
        same = row["fingerprint"] == _fingerprint(row["payment_id"], request)
        payment = get_payment(db, row["payment_id"])
    else:
        row = db.execute("SELECT payment_id FROM replies WHERE key = ?", (key,)).fetchone()
        payment = None if row is None else get_payment(db, row["payment_id"])
        if payment is None:
            return None
        # Version 1.14 did not note the token, so it cannot be compared.
        same = (
            payment.merchant_id == request.merchant_id
            and payment.amount == request.amount
            and payment.currency == request.currency.value
            and payment.customer_email == request.customer_email
            and payment.description == request.description
        )
    if not same:
        raise KeyReused("this key was used for a payment with another body")
    return payment


def accept(
    db: sqlite3.Connection, key: str, request: PaymentRequest, payment_id: str, now: float
) -> Payment:
    """The payment that a key names: a new one if there is none, or one that did not come about.

    `payment_id` is for a new one. The charge is then in the outbox.
    """
    payment = find_key(db, key, request)
    if payment is not None and not can_repeat(payment, now):
        return payment
    if payment is None:
        db.execute(
            """
            INSERT INTO payments (id, merchant_id, amount, currency, amount_eur, rate, status,
                                  customer_email, description, created_at)
            VALUES (?, ?, ?, ?, 0, '', 'pending', ?, ?, ?)
            """,
            (
                payment_id,
                request.merchant_id,
                request.amount,
                request.currency.value,
                request.customer_email,
                request.description,
                utc_now(),
            ),
        )
        db.execute(
            "INSERT INTO payment_keys VALUES (?, ?, ?)",
            (key, payment_id, _fingerprint(payment_id, request)),
        )
    else:
        payment_id = payment.id
        db.execute(
            "UPDATE payments SET status = 'pending', reason = NULL, decided_at = NULL,"
            " rate = '', amount_eur = 0 WHERE id = ?",
            (payment_id,),
        )
    _add_job(db, "charge", payment_id, payment_id, now, card_token=request.card_token)
    accepted = get_payment(db, payment_id)
    assert accepted is not None
    return accepted


def can_repeat(payment: Payment, now: float) -> bool:
    """Whether a payment begins anew when the shop comes back for it."""
    if not payment.retryable:
        return False
    return (
        payment.reason != "rejected" or now > (payment.decided_at or 0) + REPEAT_AFTER_REJECTION_SEC
    )


def promise(db: sqlite3.Connection, payment_id: str, now: float) -> Payment:
    """Note that we answer 202.

    A payment that certainly was not carried out and has no good prospects ends here instead:
    it was never sent, or turned away more than once. The shop may come back for it, which is
    better for it than an outcome `failed`.
    """
    payment = get_payment(db, payment_id)
    assert payment is not None
    if not payment.pending:
        return payment
    hopeful = db.execute(
        "SELECT 1 FROM jobs WHERE ref = ? AND (leased OR doubt OR sends = 1)"
        " AND kind IN ('charge', 'lookup')",
        (payment_id,),
    ).fetchone()
    if hopeful is None and not payment.promised:
        return _finish(db, payment, PaymentStatus.FAILED, now, reason="unavailable")
    db.execute(
        "UPDATE payments SET promised_at = COALESCE(promised_at, ?) WHERE id = ?",
        (now, payment_id),
    )
    promised = get_payment(db, payment_id)
    assert promised is not None
    return promised


# -- the outbox: payments and refunds --------------------------------------------


def claim_front(
    db: sqlite3.Connection,
    count: int,
    now: float,
    rates: Mapping[str, str],
    outcome_sec: float,
) -> Claimed:
    """Up to `count` jobs that somebody may wait for; they are sent right after this.

    A charge gets one of `rates`; without one it stays where it is.
    """
    rows = db.execute(
        """
        SELECT jobs.*, payments.currency, payments.promised_at, payments.amount AS whole
        FROM jobs JOIN payments ON payments.id = jobs.payment_id
        WHERE jobs.kind IN ('charge', 'lookup', 'refund') AND parked = 0 AND due_at <= ?
        ORDER BY jobs.id LIMIT 150
        """,
        (now,),
    ).fetchall()
    jobs: list[Job] = []
    no_rate: set[str] = set()
    for row in rows:
        if len(jobs) == count:
            break
        rate = row["rate"]
        if row["kind"] == "charge":
            rate = rates.get(row["currency"])
            if rate is None:
                no_rate.add(row["currency"])
                continue
        sending = row["kind"] != "lookup"
        # Noted before it is sent: should we die now, it counts and is in doubt.
        db.execute(
            "UPDATE jobs SET leased = 1, due_at = ?, rate = ?, sends = sends + ?,"
            " doubt = MAX(doubt, ?), sent_at = CASE WHEN ? THEN ? ELSE sent_at END WHERE id = ?",
            (now + LEASE_SEC, rate, sending, sending, sending, now, row["id"]),
        )
        promised_at = row["promised_at"] if row["kind"] != "refund" else None
        jobs.append(
            Job(
                id=row["id"],
                kind=row["kind"],
                ref=row["ref"],
                payment_id=row["payment_id"],
                amount=row["amount"] or row["whole"],
                currency=row["currency"],
                charge_id=row["charge_id"],
                card_token=row["card_token"],
                rate=rate,
                sends=row["sends"] + sending,
                tries=row["tries"],
                doubt_before=bool(row["doubt"]),
                due_by=None if promised_at is None else promised_at + outcome_sec,
                created=row["created"],
            )
        )
    return Claimed(jobs, _next_due(db, FRONT), no_rate)


def charge_ended(
    db: sqlite3.Connection, job: Job, result: Result, now: float, outcome_sec: float
) -> Payment | None:
    """Book how a charge or a look-up ended; returns the payment if it has its outcome."""
    row = db.execute("SELECT * FROM jobs WHERE id = ? AND leased", (job.id,)).fetchone()
    payment = get_payment(db, job.payment_id)
    if row is None or payment is None or not payment.pending:
        return payment
    not_sent = job.kind == "charge" and result.end is End.NOT_SENT
    state = _state(db, row, now, outcome_sec, doubt=job.doubt_before)
    if job.kind == "charge":
        step = after_charge(state, result)
        charge_ids = [result.value] if result.end is End.DONE else []
    else:
        step = after_lookup(state, result)
        charge_ids = result.value if result.end is End.DONE else []
    if step.next in (Next.CHARGE, Next.LOOKUP):
        db.execute(
            "UPDATE jobs SET leased = 0, kind = ?, due_at = ?, doubt = ?, sends = ?,"
            " tries = CASE WHEN kind = ? THEN tries + 1 ELSE 0 END, note = ? WHERE id = ?",
            (
                step.next.value,
                step.at,
                step.doubt,
                MAX_SENDS if step.no_more_sends else row["sends"] - not_sent,
                step.next.value,
                result.note,
                job.id,
            ),
        )
        return None
    if step.next is Next.CAPTURED:
        for extra in charge_ids[1:]:  # one payment, one charge
            logger.error("payment %s has a second charge %s, giving it back", payment.id, extra)
            _add_job(db, "reverse", extra, payment.id, now, amount=payment.amount, charge_id=extra)
        return _finish(
            db, payment, PaymentStatus.CAPTURED, now, charge_id=charge_ids[0], rate=row["rate"]
        )
    if step.next is Next.DECLINED:
        return _finish(db, payment, PaymentStatus.DECLINED, now, rate=row["rate"])
    return _fail(db, payment, step, now)


def expire(db: sqlite3.Connection, now: float, outcome_sec: float) -> list[Payment]:
    """End the payments whose time is up."""
    rows = db.execute(
        "SELECT * FROM jobs WHERE kind IN ('charge', 'lookup') AND NOT leased"
    ).fetchall()
    ended = []
    for row in rows:
        state = _state(db, row, now, outcome_sec, doubt=bool(row["doubt"]))
        payment = get_payment(db, row["payment_id"])
        if payment is not None and payment.pending and overdue(state):
            reason = "no answer" if state.doubt else "unavailable"
            step = Step(Next.FAILED, doubt=state.doubt, reason=reason)
            ended.append(_fail(db, payment, step, now))
    return ended


def _state(
    db: sqlite3.Connection, row: sqlite3.Row, now: float, outcome_sec: float, *, doubt: bool
) -> State:
    promised_at = db.execute(
        "SELECT promised_at FROM payments WHERE id = ?", (row["payment_id"],)
    ).fetchone()["promised_at"]
    return State(
        now=now,
        created=row["created"],
        sends=row["sends"],
        doubt=doubt,
        tries=row["tries"],
        sent_at=row["sent_at"],
        due_by=None if promised_at is None else promised_at + outcome_sec,
    )


def _fail(db: sqlite3.Connection, payment: Payment, step: Step, now: float) -> Payment:
    if step.doubt:
        logger.error("payment %s ends as failed without an answer, will be checked", payment.id)
        _add_job(db, "reconcile", payment.id, payment.id, now, delay=1.0)
    return _finish(db, payment, PaymentStatus.FAILED, now, reason=step.reason)


def _finish(
    db: sqlite3.Connection,
    payment: Payment,
    status: PaymentStatus,
    now: float,
    *,
    charge_id: str | None = None,
    rate: str | None = None,
    reason: str | None = None,
) -> Payment:
    """Book an outcome; forget the card; put what follows into the outbox."""
    db.execute(
        "UPDATE payments SET status = ?, provider_charge_id = ?, rate = ?, amount_eur = ?,"
        " reason = ?, decided_at = ? WHERE id = ? AND status = 'pending'",
        (
            status.value,
            charge_id,
            rate or "",
            to_eur(payment.amount, Decimal(rate)) if rate else 0,
            reason,
            now,
            payment.id,
        ),
    )
    db.execute("DELETE FROM jobs WHERE ref = ? AND kind IN ('charge', 'lookup')", (payment.id,))
    if status is PaymentStatus.CAPTURED:
        _add_job(db, "settle", payment.id, payment.id, now, charge_id=charge_id)
        _add_job(db, "receipt", payment.id, payment.id, now)
    finished = get_payment(db, payment.id)
    assert finished is not None
    return finished


# -- giving money back -----------------------------------------------------------


def accept_refund(
    db: sqlite3.Connection,
    payment_id: str,
    amount: int,
    refund_id: str,
    now: float,
    waited_for: set[str],
) -> str | Refund:
    """The id of a refund that is now in the outbox, or one that is done already.

    `waited_for` are the refunds that a request waits for; this one is added.

    A refund has no key. So when a shop comes back after a 5xx, it gets the refund of that
    amount whose end nobody was told, if there is one, instead of a second one.

    Raises:
        PaymentNotFound: There is no such payment.
        RefundNotPossible: It was not captured, or less than `amount` is left of it.
    """
    payment = get_payment(db, payment_id)
    if payment is None:
        raise PaymentNotFound("no such payment")
    if payment.status is not PaymentStatus.CAPTURED or payment.provider_charge_id is None:
        raise RefundNotPossible(f"the payment is {payment.status}")

    untold = db.execute(
        "SELECT * FROM refunds WHERE payment_id = ? AND amount = ? AND NOT told LIMIT 1",
        (payment_id, amount),
    ).fetchone()
    if untold is not None and untold["id"] not in waited_for:
        db.execute("UPDATE refunds SET told = 1 WHERE id = ?", (untold["id"],))
        return _refund(untold)

    unfinished = db.execute(
        "SELECT * FROM jobs WHERE payment_id = ? AND kind = 'refund'", (payment_id,)
    ).fetchall()
    for row in unfinished:
        if row["amount"] == amount and row["ref"] not in waited_for and now < _key_ends(row):
            if row["parked"]:
                db.execute(
                    "UPDATE jobs SET parked = 0, sends = 0, tries = 0, due_at = ? WHERE id = ?",
                    (now, row["id"]),
                )
            elif not row["leased"]:
                db.execute("UPDATE jobs SET due_at = MIN(due_at, ?) WHERE id = ?", (now, row["id"]))
            waited_for.add(row["ref"])
            return str(row["ref"])

    left = payment.amount - _refunded(db, payment_id) - sum(row["amount"] for row in unfinished)
    if amount > left:
        raise RefundNotPossible(f"{left} can be refunded")
    _add_job(
        db,
        "refund",
        refund_id,
        payment_id,
        now,
        amount=amount,
        charge_id=payment.provider_charge_id,
    )
    waited_for.add(refund_id)
    return refund_id


def refund_ended(
    db: sqlite3.Connection, job: Job, result: Result, now: float, *, told: bool
) -> Refund | End | None:
    """Book how a refund ended; None if it is not over."""
    row = db.execute("SELECT * FROM jobs WHERE id = ? AND leased", (job.id,)).fetchone()
    payment = get_payment(db, job.payment_id)
    if row is None or payment is None:
        return None
    if result.end is End.DONE:
        assert payment.rate is not None
        before = _refunded(db, payment.id)
        # Taken from the running total, so that parts add up to the whole in EUR too.
        amount_eur = to_eur(before + job.amount, payment.rate) - to_eur(before, payment.rate)
        db.execute(
            "INSERT INTO refunds (id, payment_id, amount, amount_eur, provider_refund_id,"
            " created_at, told) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (job.ref, payment.id, job.amount, amount_eur, result.value, utc_now(), told),
        )
        db.execute("DELETE FROM jobs WHERE id = ?", (job.id,))
        return _refund(db.execute("SELECT * FROM refunds WHERE id = ?", (job.ref,)).fetchone())

    carried_out = result.end not in (End.WRONG, End.DECLINED, End.NOT_NOW, End.NOT_SENT)
    doubt = job.doubt_before or carried_out
    sends = job.sends - (result.end is End.NOT_SENT)
    over = result.end in (End.WRONG, End.DECLINED) or sends >= MAX_SENDS
    if over and not doubt:
        db.execute("DELETE FROM jobs WHERE id = ?", (job.id,))
        return End.WRONG if result.end in (End.WRONG, End.DECLINED) else result.end
    if over:
        logger.error("refund %s of payment %s is in doubt, needs a look", job.ref, payment.id)
    pause = max((0.1, 0.4, 1.5, 20.0)[min(job.tries, 3)], result.retry_after)
    db.execute(
        "UPDATE jobs SET leased = 0, due_at = ?, doubt = ?, sends = ?, tries = tries + 1,"
        " parked = ?, note = ? WHERE id = ?",
        (now + pause, doubt, sends, over, result.note, job.id),
    )
    return None


def give_up_refund(db: sqlite3.Connection, refund_id: str) -> Refund | bool:
    """Nobody waits any longer: take it out of the outbox if it certainly was not carried out.

    Returns the refund if it is done after all, or whether it was taken out.
    """
    row = db.execute("SELECT * FROM refunds WHERE id = ?", (refund_id,)).fetchone()
    if row is not None:
        db.execute("UPDATE refunds SET told = 1 WHERE id = ?", (refund_id,))
        return _refund(row)
    db.execute(
        "DELETE FROM jobs WHERE kind = 'refund' AND ref = ? AND NOT doubt AND NOT leased",
        (refund_id,),
    )
    left = db.execute(
        "SELECT 1 FROM jobs WHERE kind = 'refund' AND ref = ?", (refund_id,)
    ).fetchone()
    return left is None


# -- the outbox: settlement, receipts and the rest ------------------------------


def claim(
    db: sqlite3.Connection, kinds: Collection[str], count: int, now: float, lease_sec: float
) -> Claimed:
    """Up to `count` due jobs of these kinds."""
    marks = ", ".join("?" for _ in kinds)
    rows = db.execute(
        f"""
        SELECT jobs.*, payments.currency, payments.amount AS whole
        FROM jobs JOIN payments ON payments.id = jobs.payment_id
        WHERE kind IN ({marks}) AND parked = 0 AND due_at <= ?
          AND NOT (kind = 'receipt' AND leased)  -- it may have been sent
        ORDER BY due_at LIMIT ?
        """,
        (*kinds, now, count),
    ).fetchall()
    jobs = []
    for row in rows:
        db.execute(
            "UPDATE jobs SET leased = 1, due_at = ?, sends = sends + 1 WHERE id = ?",
            (now + lease_sec, row["id"]),
        )
        jobs.append(
            Job(
                id=row["id"],
                kind=row["kind"],
                ref=row["ref"],
                payment_id=row["payment_id"],
                amount=row["amount"] or row["whole"],
                currency=row["currency"],
                charge_id=row["charge_id"],
                card_token=None,
                rate=None,
                sends=row["sends"] + 1,
                tries=row["tries"],
                doubt_before=bool(row["doubt"]),
                due_by=None,
                created=row["created"],
            )
        )
    return Claimed(jobs, _next_due(db, kinds), set())


def postpone(db: sqlite3.Connection, jobs: Iterable[Job], due_at: float, note: str) -> None:
    """Try again later."""
    db.executemany(
        "UPDATE jobs SET leased = 0, tries = tries + 1, due_at = ?, note = ? WHERE id = ?",
        [(due_at, note, job.id) for job in jobs],
    )


def park(db: sqlite3.Connection, job: Job, note: str) -> None:
    """Leave it to a person."""
    db.execute("UPDATE jobs SET leased = 0, parked = 1, note = ? WHERE id = ?", (note, job.id))


def settled(
    db: sqlite3.Connection, jobs: Iterable[Job], charge_ids: Collection[str], batch_id: str
) -> list[Job]:
    """Book what was paid out; returns the jobs that were not."""
    settled_at = utc_now()
    rest = []
    done = set(charge_ids)
    for job in jobs:
        if job.charge_id not in done:
            rest.append(job)
            continue
        db.execute(
            "UPDATE payments SET settled_at = ?, settlement_batch = ?"
            " WHERE id = ? AND settled_at IS NULL",
            (settled_at, batch_id, job.payment_id),
        )
        db.execute("DELETE FROM jobs WHERE id = ?", (job.id,))
    return rest


def receipt_sent(db: sqlite3.Connection, job: Job) -> None:
    """Book that the mailer has it."""
    db.execute("UPDATE payments SET receipt_sent_at = ? WHERE id = ?", (utc_now(), job.payment_id))
    db.execute("DELETE FROM jobs WHERE id = ?", (job.id,))


def reconciled(
    db: sqlite3.Connection, job: Job, charge_ids: Collection[str], now: float, *, last: bool
) -> None:
    """Book what was found of a payment that ended as failed; `last` if we look no more."""
    for charge_id in charge_ids:
        db.execute(
            "UPDATE payments SET provider_charge_id = ?, reason = 'charged late, given back'"
            " WHERE id = ?",
            (charge_id, job.payment_id),
        )
        _add_job(
            db, "reverse", charge_id, job.payment_id, now, amount=job.amount, charge_id=charge_id
        )
    if charge_ids or last:
        db.execute("DELETE FROM jobs WHERE id = ?", (job.id,))


def done(db: sqlite3.Connection, job: Job) -> None:
    """It is done."""
    db.execute("DELETE FROM jobs WHERE id = ?", (job.id,))


def unfinished(db: sqlite3.Connection, *, mail: bool) -> int:
    """How many jobs should not wait for the next start."""
    row = db.execute(
        """
        SELECT COUNT(*) AS n FROM jobs WHERE parked = 0 AND (
            kind IN ('charge', 'lookup') OR (kind = 'refund' AND tries < 3)
            OR (leased AND kind != 'receipt')
            OR (kind = 'settle' AND tries = 0)
            OR (kind = 'receipt' AND tries = 0 AND (leased OR ?)))
        """,
        (mail,),
    ).fetchone()
    return int(row["n"])


# -- details ---------------------------------------------------------------------


def _add_job(
    db: sqlite3.Connection,
    kind: str,
    ref: str,
    payment_id: str,
    now: float,
    *,
    delay: float = 0.0,
    amount: int | None = None,
    charge_id: str | None = None,
    card_token: str | None = None,
) -> None:
    db.execute(
        "INSERT OR IGNORE INTO jobs"
        " (kind, ref, payment_id, amount, charge_id, card_token, created, due_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (kind, ref, payment_id, amount, charge_id, card_token, now, now + delay),
    )


def _next_due(db: sqlite3.Connection, kinds: Collection[str]) -> float | None:
    marks = ", ".join("?" for _ in kinds)
    row = db.execute(
        f"SELECT MIN(due_at) AS at FROM jobs WHERE kind IN ({marks}) AND parked = 0 AND NOT leased",
        tuple(kinds),
    ).fetchone()
    return None if row["at"] is None else float(row["at"])


def _refunded(db: sqlite3.Connection, payment_id: str) -> int:
    row = db.execute(
        "SELECT COALESCE(SUM(amount), 0) AS total FROM refunds WHERE payment_id = ?",
        (payment_id,),
    ).fetchone()
    return int(row["total"])


def _key_ends(row: sqlite3.Row) -> float:
    return float(row["created"]) + REFUND_KEY_SEC


def _fingerprint(payment_id: str, request: PaymentRequest) -> str:
    """Tells two bodies apart; salted, since there is a card token in it."""
    body = json.dumps(request.model_dump(mode="json"), sort_keys=True)
    return hashlib.sha256(f"{payment_id}\n{body}".encode()).hexdigest()


def _payment(row: sqlite3.Row) -> Payment:
    known = bool(row["rate"])
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
        promised=row["promised_at"] is not None,
        reason=row["reason"],
        decided_at=row["decided_at"],
    )


def _refund(row: sqlite3.Row) -> Refund:
    return Refund(
        id=row["id"],
        payment_id=row["payment_id"],
        amount=row["amount"],
        amount_eur=row["amount_eur"],
        provider_refund_id=row["provider_refund_id"],
        created_at=row["created_at"],
    )
