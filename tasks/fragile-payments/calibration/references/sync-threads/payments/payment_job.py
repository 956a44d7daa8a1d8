"""One payment on its way through the provider.

The rules, all of which come from docs/:

- It is in the books before it is sent, and every attempt is counted there.
- It is sent with its id as the provider's `Idempotency-Key`, at most 5 times, and only as long as
  the shop waits or has been told 202. Never after an answer that says that it is wrong.
- If nobody knows whether an attempt was carried out, the provider is asked for a charge before
  the payment ends without one, and some more times after that.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from payments.attempts import ATTEMPT_SEC, MAX_ATTEMPTS, Errand, Outcome
from payments.engine import Engine, Health, Job
from payments.errors import (
    NotCompleted,
    NotNow,
    Rejected,
    StillUnderWay,
    Unclear,
    UnknownCurrency,
    UpstreamError,
)
from payments.models import Payment, PaymentRequest, PaymentStatus, Reply, new_id, reply, utc_now
from payments.money import to_eur
from payments.provider import ProviderClient
from payments.rates import Rates
from payments.receipts import ReceiptSender
from payments.store import Known, Store, Unfinished
from payments.vault import Vault

logger = logging.getLogger(__name__)

SEND_SEC = 10.5
"""No attempt begins later than this after the request. Leaves time to look for a charge."""
SETTLED_SEC = 11.5
"""And none takes longer than until then."""
LOOK_SEC = 2.0
LATE_LOOKS = (600.0, 60.0, 10.0)
"""Seconds until the last look for a charge, the one before, and so on; see `LateLook`."""


@dataclass(frozen=True)
class Tools:
    """What jobs work with."""

    store: Store
    vault: Vault
    provider: ProviderClient
    engine: Engine
    health: Health
    rates: Rates
    receipts: ReceiptSender


class PaymentJob(Errand):
    """Takes the money for one payment, or finds out whether it was taken."""

    def __init__(
        self,
        tools: Tools,
        key: str,
        payment: Payment,
        token: str | None,
        *,
        salt: bytes = b"",
        digest: bytes = b"",
        on_end: Callable[[PaymentJob], None],
    ) -> None:
        super().__init__()
        self.key = key
        self._tools = tools
        self._payment = payment
        self._token = token
        self._salt = salt
        self._digest = digest
        self._on_end = on_end
        self._stored = False
        self._accepted = False
        self._look = False
        self._looks_failed = 0
        self._rejected = False
        self._charge_id: str | None = None
        self._begun = time.monotonic()

    @classmethod
    def of_request(
        cls, tools: Tools, key: str, request: PaymentRequest, on_end: Callable[[PaymentJob], None]
    ) -> PaymentJob:
        """A payment that a shop asks for."""
        payment = Payment(
            id=new_id("pay"),
            merchant_id=request.merchant_id,
            amount=request.amount,
            currency=request.currency.value,
            amount_eur=None,
            rate=None,
            status=PaymentStatus.PENDING,
            customer_email=request.customer_email,
            created_at=utc_now(),
            description=request.description,
        )
        salt = os.urandom(16)
        mark = digest(request, salt)
        return cls(
            tools, key, payment, request.card_token, salt=salt, digest=mark, on_end=on_end
        )

    @classmethod
    def of_unfinished(
        cls, tools: Tools, found: Unfinished, on_end: Callable[[PaymentJob], None]
    ) -> PaymentJob:
        """A payment that was under way when the process ended."""
        token = tools.vault.get(found.payment.id) if found.accepted else None
        job = cls(tools, found.key, found.payment, token, on_end=on_end)
        job.back = job._stored = job._in_doubt = job._look = True
        job._accepted = found.accepted
        job._gone = not found.accepted
        job._attempts = found.attempts
        return job

    def come_back(self, known: Known) -> None:
        """The shop has asked for this payment before, and it has no outcome yet."""
        self._payment = replace(
            known.payment, status=PaymentStatus.PENDING, created_at=self._payment.created_at
        )
        self._stored = known.payment.status is PaymentStatus.PENDING
        self._in_doubt = self._look = self._stored or known.looks > 0

    def answer_copy(self, request: PaymentRequest) -> Outcome:
        """The answer to another request with the same key."""
        with self._cond:
            if isinstance(self._outcome, Reply):
                return self._outcome
            if self._accepted:
                return reply(self._payment)
        return StillUnderWay("the first request with this key is still under way")

    def is_same(self, request: PaymentRequest) -> bool:
        """Whether a request is for this very payment."""
        return same_request(request, self._payment, self._salt, self._digest)

    # -- the engine's side -----------------------------------------------------------

    def _advance(self) -> float | None:
        tools, now = self._tools, time.monotonic()
        if self._charge_id is not None:
            return self._captured(self._charge_id)
        if not self._stored:
            if self._gone:
                return self._without_charge()
            if not self._set_rate():
                return now + 0.05
            self._attempts = 0 if self._look else 1
            tools.store.begin(
                self.key, self._salt, self._digest, self._payment, attempts=self._attempts
            )
            self._stored = True
            if not self._look:
                return self._send()
        if self._look or (self._in_doubt and not self._may_send()):
            return self._look_for_charge()
        if not self._may_send():
            return self._without_charge()
        if not self._set_rate():
            return now + 0.05
        self._attempts += 1
        tools.store.attempt(self._payment.id, self._attempts, self._payment)
        return self._send()

    def _may_send(self) -> bool:
        return (
            self._token is not None
            and not self._gone
            and not self._rejected
            and self._attempts < MAX_ATTEMPTS
            and time.monotonic() < self._begun + SEND_SEC
        )

    def _set_rate(self) -> bool:
        try:
            rate = self._tools.rates.current(self._payment.currency)
        except UnknownCurrency:
            rate = None
        if rate is None:
            return False
        self._payment = replace(
            self._payment, rate=rate.value, amount_eur=to_eur(self._payment.amount, rate.value)
        )
        return True

    def _send(self) -> float | None:
        payment = self._payment
        if self._token is None or not self._may_begin():
            self._attempts -= 1
            return time.monotonic()
        limit = min(
            ATTEMPT_SEC[self._attempts - 1], self._begun + SETTLED_SEC - time.monotonic()
        )
        try:
            charge_id = self._tools.provider.charge(
                reference=payment.id,
                amount=payment.amount,
                currency=payment.currency,
                card_token=self._token,
                limit=limit,
            )
        except Rejected as exc:
            logger.error("payment %s was rejected: %s", payment.id, exc)
            self._rejected = True
            return time.monotonic()
        except (NotNow, Unclear) as exc:
            due = self._attempt_failed(exc, in_doubt=isinstance(exc, Unclear))
            logger.warning("payment %s, attempt %d: %s", payment.id, self._attempts, exc)
            if due > self._begun + SEND_SEC or self._attempts == MAX_ATTEMPTS:
                self._token = None
                # A moment later, in case it is just about to be carried out.
                return time.monotonic() + (0.3 if self._in_doubt else 0.0)
            return due
        if charge_id is None:
            return self._declined()
        return self._captured(charge_id)

    def _look_for_charge(self) -> float | None:
        try:
            charge_id = self._tools.provider.find_charge(self._payment.id, limit=LOOK_SEC)
        except UpstreamError as exc:
            self._looks_failed += 1
            if self._looks_failed in (3, 10, 100):
                logger.error("payment %s has no outcome yet: %s", self._payment.id, exc)
            pause = min(0.25 * 2 ** min(self._looks_failed, 10), 5.0)
            return time.monotonic() + max(pause, exc.retry_after or 0.0)
        if charge_id is not None:
            return self._captured(charge_id)
        self._look = False
        return time.monotonic() if self._may_send() else self._without_charge()

    def _captured(self, charge_id: str) -> None:
        self._charge_id = charge_id  # booked later if the disk is full now
        payment = self._tools.store.capture(self._payment.id, charge_id)
        self._tools.receipts.notify()
        self._finish(payment)

    def _declined(self) -> None:
        payment = self._tools.store.close_payment(self._payment.id, PaymentStatus.DECLINED)
        self._finish(payment)

    def _without_charge(self) -> None:
        with self._cond:  # so that nobody promises it to the shop in between
            status = PaymentStatus.FAILED if self._accepted else PaymentStatus.ABORTED
            looks = len(LATE_LOOKS) if self._in_doubt else 0
            payment = self._payment
            if self._stored:
                payment = self._tools.store.close_payment(payment.id, status, looks=looks)
            if looks:
                self._tools.engine.submit(
                    LateLook(self._tools, payment.id), time.monotonic() + LATE_LOOKS[-1]
                )
            if status is PaymentStatus.FAILED:
                self._finish(payment)
                return
            self._log(status)
            if self._rejected:
                self._end(NotCompleted(502, "the provider does not accept this payment"))
            else:
                self._end(
                    NotCompleted(503, "the provider does not answer", self._retry_after or 1.0)
                )

    def _finish(self, payment: Payment) -> None:
        self._payment = payment
        self._log(payment.status)
        self._end(reply(payment))

    def _log(self, status: PaymentStatus) -> None:
        logger.info("payment %s of %r is %s", self._payment.id, self._payment.merchant_id, status)

    def _forget(self) -> None:
        self._token = None
        if self._accepted:
            self._tools.vault.drop(self._payment.id)
        self._on_end(self)

    # -- the request's side ----------------------------------------------------------

    def _time_is_up(self) -> Outcome:
        if self._stored and (self._sending or self._in_doubt):
            if not self._tools.health.down and self._accept():
                return reply(replace(self._payment, status=PaymentStatus.PENDING))
            # The provider does not answer anybody, so we cannot promise an outcome in time.
            self._gone = True
            return NotCompleted(504, "not known yet, please come back", retry_after=3)
        if 1 <= self._attempts <= 2 and self._token and not self._tools.health.down:
            # A blip that takes a little longer. The shop need not notice.
            if self._accept():
                return reply(replace(self._payment, status=PaymentStatus.PENDING))
        self._gone = True
        if not self._stepping:
            self._tools.engine.submit(self)  # to end it
        return NotCompleted(503, "the provider does not answer", self._retry_after or 1.0)

    def _accept(self) -> bool:
        """Make sure that the payment is finished even if we are killed."""
        try:
            if self._token is not None:
                self._tools.vault.put(self._payment.id, self._token)
            self._tools.store.accept(self._payment.id, timeout=0.3)
        except Exception:
            logger.exception("payment %s could not be taken on", self._payment.id)
            self._tools.vault.drop(self._payment.id)
            return False
        self._accepted = self.back = True
        logger.info("payment %s of %r goes on", self._payment.id, self._payment.merchant_id)
        return True


class LateLook(Job):
    """Looks for the charge of a payment that ended without one although nobody was sure.

    A call that we have given up may wait in line at the provider and be carried out after all.
    Then the money was taken, and the books have to say so.
    """

    back = True

    def __init__(self, tools: Tools, payment_id: str) -> None:
        self._tools = tools
        self._payment_id = payment_id

    def step(self) -> float | None:
        store, payment_id = self._tools.store, self._payment_id
        if not store.looks_left(payment_id):
            return None
        try:
            charge_id = self._tools.provider.find_charge(payment_id, limit=LOOK_SEC)
        except UpstreamError:
            return time.monotonic() + 10.0
        if charge_id is not None:
            store.capture(payment_id, charge_id)
            self._tools.receipts.notify()
            logger.error("payment %s was charged late, it is captured now", payment_id)
            return None
        store.looked(payment_id)
        left = store.looks_left(payment_id)
        return time.monotonic() + LATE_LOOKS[left - 1] if left else None


def digest(request: PaymentRequest, salt: bytes) -> bytes:
    """A mark of a request's body by which a copy is known. The body cannot be read from it."""
    body = json.dumps(
        [
            request.merchant_id,
            request.amount,
            request.currency.value,
            request.card_token,
            request.customer_email,
            request.description,
        ]
    )
    return hashlib.blake2b(body.encode(), key=salt, digest_size=32).digest()


def same_request(
    request: PaymentRequest, payment: Payment, salt: bytes | None, mark: bytes | None
) -> bool:
    """Whether a request has the body with which a payment was made."""
    if salt and mark:
        return hmac.compare_digest(digest(request, salt), mark)
    # From before we kept a mark: everything but the card is in the books.
    return (
        payment.merchant_id == request.merchant_id
        and payment.amount == request.amount
        and payment.currency == request.currency.value
        and payment.customer_email == request.customer_email
        and payment.description == request.description
    )
