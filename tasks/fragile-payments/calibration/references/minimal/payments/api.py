"""HTTP routes. docs/api.md is what we have promised to the shops."""

from __future__ import annotations

import base64
import binascii
import logging
import math
import sqlite3
from typing import Annotated, Any, cast

from fastapi import APIRouter, Header, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from payments.errors import PaymentNotFound, PaymentsError, UpstreamError
from payments.models import PaymentRequest, RefundRequest
from payments.rates import RateCache
from payments.service import PaymentService
from payments.store import Store

logger = logging.getLogger(__name__)

router = APIRouter()

MAX_KEY_LENGTH = 255
KEY_MISSING = "header Idempotency-Key is missing or too long"
DEFAULT_PAGE = 20
MAX_PAGE = 100


def _service(request: Request) -> PaymentService:
    return cast(PaymentService, request.app.state.service)


def _store(request: Request) -> Store:
    return cast(Store, request.app.state.store)


def _rates(request: Request) -> RateCache:
    return cast(RateCache, request.app.state.rates)


@router.post("/payments")
async def create_payment(
    request: Request,
    body: PaymentRequest,
    idempotency_key: Annotated[str | None, Header()] = None,
) -> JSONResponse:
    """Take a payment."""
    key = (idempotency_key or "").strip()
    if not 1 <= len(key) <= MAX_KEY_LENGTH:
        raise HTTPException(status_code=400, detail=KEY_MISSING)
    reply = await _service(request).take(key, body)
    return JSONResponse(reply.body, status_code=reply.status_code)


@router.get("/payments/{payment_id}")
async def get_payment(request: Request, payment_id: str) -> dict[str, Any]:
    """Show one payment."""
    payment = _store(request).get_payment(payment_id)
    if payment is None:
        raise PaymentNotFound(f"no payment {payment_id}")
    return payment.to_json()


@router.get("/payments")
async def list_payments(
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
async def create_refund(request: Request, payment_id: str, body: RefundRequest) -> dict[str, Any]:
    """Give back a payment, or a part of it."""
    refund = await _service(request).refund(payment_id, body.amount)
    return refund.to_json()


@router.get("/rates/{currency}")
async def get_rate(request: Request, currency: str) -> dict[str, Any]:
    """Quote the rate that a payment made now would get."""
    rate = await _rates(request).get(currency.upper())
    return rate.to_json()


@router.get("/merchants/{merchant_id}/balance")
async def get_balance(request: Request, merchant_id: str) -> dict[str, Any]:
    """Show a merchant's totals."""
    return _store(request).balance(merchant_id).to_json()


@router.get("/livez")
async def livez() -> dict[str, str]:
    """Whether the process runs."""
    return {"status": "ok"}


@router.get("/readyz")
async def readyz(request: Request) -> JSONResponse:
    """Whether we can take traffic."""
    try:
        _store(request).ping()
    except sqlite3.Error as exc:
        logger.error("not ready: %s", exc)
        return JSONResponse({"detail": "database unavailable"}, status_code=503)
    return JSONResponse({"status": "ok"})


async def on_payments_error(request: Request, exc: Exception) -> JSONResponse:
    """Answer one of our own errors."""
    assert isinstance(exc, PaymentsError)
    headers = {}
    if exc.status_code >= 500:
        logger.error("%s %s: %s", request.method, request.url.path, exc)
    if exc.status_code == 503 and isinstance(exc, UpstreamError):
        headers = {"Retry-After": str(math.ceil(exc.retry_after or 1))}
    return JSONResponse({"detail": str(exc)}, status_code=exc.status_code, headers=headers)


async def on_other_error(request: Request, exc: Exception) -> JSONResponse:
    """Answer what nobody thought of, such as a full disk; the server logs it."""
    return JSONResponse({"detail": "internal error"}, status_code=503)


async def on_invalid_request(request: Request, exc: Exception) -> JSONResponse:
    """Answer a body that is not valid, without its values: there is a card token in it."""
    assert isinstance(exc, RequestValidationError)
    detail = [{name: error[name] for name in ("type", "loc", "msg")} for error in exc.errors()]
    return JSONResponse({"detail": detail}, status_code=422)


async def on_bad_request(request: Request, exc: Exception) -> JSONResponse:
    """Answer 422 where the framework has 400, for a body that cannot even be decoded."""
    assert isinstance(exc, HTTPException)
    status_code = 400 if exc.detail == KEY_MISSING else 422
    return JSONResponse({"detail": exc.detail}, status_code=status_code)


def _encode_cursor(seq: int) -> str:
    return base64.urlsafe_b64encode(str(seq).encode()).decode().rstrip("=")


def _decode_cursor(cursor: str) -> int:
    try:
        seq = int(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return min(max(seq, 0), 2**63 - 1)
    except (binascii.Error, ValueError) as exc:
        raise HTTPException(status_code=422, detail="cursor is not one of ours") from exc
