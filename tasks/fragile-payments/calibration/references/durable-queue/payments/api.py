"""HTTP routes. docs/api.md is what we have promised to the shops."""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
import sqlite3
import time
from typing import Annotated, Any, cast

from fastapi import APIRouter, Header, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from payments.charging import Charging
from payments.errors import KeyReused, PaymentNotFound, PaymentsError
from payments.models import PaymentRequest, PaymentStatus, RefundRequest
from payments.rates import Rates
from payments.refunds import Refunds
from payments.store import Store

logger = logging.getLogger(__name__)

router = APIRouter()

MAX_KEY_LENGTH = 255
MAX_BODY = 64 * 1024
DEFAULT_PAGE = 20
MAX_PAGE = 100

# A failed payment is told like one we see to: the shop looks at it and finds the outcome.
# 5xx would make it come back for ever, 402 would say that the bank had said no.
_STATUS_CODES = {
    PaymentStatus.CAPTURED: 201,
    PaymentStatus.PENDING: 202,
    PaymentStatus.DECLINED: 402,
    PaymentStatus.FAILED: 202,
}


class LimitBody:
    """Takes no more of a body than a valid one can have."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        size = 0

        async def limited() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > MAX_BODY:
                raise HTTPException(status_code=422, detail="body is too long")
            return message

        await self._app(scope, limited if scope["type"] == "http" else receive, send)


def _store(request: Request) -> Store:
    return cast(Store, request.app.state.store)


@router.post("/payments")
async def create_payment(
    request: Request,
    body: PaymentRequest,
    idempotency_key: Annotated[str | None, Header()] = None,
) -> JSONResponse:
    """Take a payment: wait a moment for the outcome, else leave it at 202."""
    key = (idempotency_key or "").strip()
    if not 1 <= len(key) <= MAX_KEY_LENGTH:
        raise HTTPException(status_code=400, detail="header Idempotency-Key is missing or too long")
    answered_by = time.monotonic() + request.app.state.settings.answer_wait_sec
    store, charging = _store(request), cast(Charging, request.app.state.charging)

    payment = await run_in_threadpool(charging.take, key, body)
    if payment is None:
        return _come_back("too many payments at the moment")
    if not body.is_for(payment):
        raise KeyReused("this Idempotency-Key was used with another body")
    if payment.status is PaymentStatus.PENDING:
        outcome = charging.outcome_of(payment.id)
        try:
            current = await run_in_threadpool(store.get_payment, payment.id)
            if current is not None and current.status is PaymentStatus.PENDING:
                left = max(0.0, answered_by - time.monotonic())
                done = await asyncio.wait([asyncio.wrap_future(outcome)], timeout=left)
                promised = bool(done[0]) or await run_in_threadpool(charging.promise, payment.id)
                current = await run_in_threadpool(store.get_payment, payment.id)
                if not promised:
                    current = None
        finally:
            charging.no_longer_wait(payment.id, outcome)
        if current is None:
            return _come_back("the provider is not available")
        payment = current
    return JSONResponse(payment.to_json(), status_code=_STATUS_CODES[payment.status])


def _come_back(detail: str) -> JSONResponse:
    return JSONResponse({"detail": detail}, status_code=503, headers={"Retry-After": "1"})


@router.get("/payments/{payment_id}")
def get_payment(request: Request, payment_id: str) -> dict[str, Any]:
    """Show one payment."""
    payment = _store(request).get_payment(payment_id)
    if payment is None:
        raise PaymentNotFound(f"no payment {payment_id}")
    return payment.to_json()


@router.get("/payments")
def list_payments(
    request: Request,
    merchant_id: Annotated[str | None, Query(min_length=1, max_length=64)] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = DEFAULT_PAGE,
    cursor: str | None = None,
) -> dict[str, Any]:
    """List payments, newest first."""
    before = None if cursor is None else _decode_cursor(cursor)
    found = _store(request).list_payments(merchant_id=merchant_id, before=before, limit=limit + 1)
    page = found[:limit]
    next_cursor = _encode_cursor(page[-1].seq) if len(found) > limit else None
    return {"items": [payment.to_json() for payment in page], "next_cursor": next_cursor}


@router.post("/payments/{payment_id}/refunds", status_code=201)
def create_refund(request: Request, payment_id: str, body: RefundRequest) -> dict[str, Any]:
    """Give back a payment, or a part of it."""
    refunds = cast(Refunds, request.app.state.refunds)
    return refunds.refund(payment_id, body.amount).to_json()


@router.get("/rates/{currency}")
async def get_rate(request: Request, currency: str) -> dict[str, Any]:
    """Quote the rate that a payment made now would get."""
    return cast(Rates, request.app.state.rates).quote(currency.upper()).to_json()


@router.get("/merchants/{merchant_id}/balance")
def get_balance(request: Request, merchant_id: str) -> dict[str, Any]:
    """Show a merchant's totals."""
    return _store(request).balance(merchant_id).to_json()


@router.get("/livez")
async def livez() -> dict[str, str]:
    """Whether the process runs."""
    return {"status": "ok"}


@router.get("/readyz")
def readyz(request: Request) -> JSONResponse:
    """Whether we can take traffic."""
    try:
        _store(request).ping()
    except sqlite3.Error as exc:
        logger.error("not ready: %s", exc)
        return JSONResponse({"detail": "database unavailable"}, status_code=503)
    if not cast(Charging, request.app.state.charging).is_ready():
        return JSONResponse({"detail": "stopping"}, status_code=503)
    return JSONResponse({"status": "ok"})


async def on_payments_error(request: Request, exc: Exception) -> JSONResponse:
    """Answer one of our own errors."""
    assert isinstance(exc, PaymentsError)
    if exc.status_code >= 500:
        logger.error("%s %s: %s", request.method, request.url.path, exc)
    headers = {"Retry-After": "1"} if exc.status_code == 503 else None
    return JSONResponse({"detail": str(exc)}, status_code=exc.status_code, headers=headers)


async def on_database_error(request: Request, exc: Exception) -> JSONResponse:
    """Answer when the books cannot be read or written."""
    logger.error("%s %s: %r", request.method, request.url.path, exc)
    return _come_back("database unavailable")


async def on_invalid_request(request: Request, exc: Exception) -> JSONResponse:
    """Say what is wrong, but not what came in: there may be a card token in it."""
    assert isinstance(exc, RequestValidationError)
    detail = [{name: error[name] for name in ("type", "loc", "msg")} for error in exc.errors()]
    return JSONResponse({"detail": detail}, status_code=422)


def _encode_cursor(seq: int) -> str:
    return base64.urlsafe_b64encode(str(seq).encode()).decode().rstrip("=")


def _decode_cursor(cursor: str) -> int:
    try:
        before = int(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not 0 <= before < 2**63:
            raise ValueError(before)
        return before
    except (binascii.Error, ValueError) as exc:
        raise HTTPException(status_code=422, detail="cursor is not one of ours") from exc
