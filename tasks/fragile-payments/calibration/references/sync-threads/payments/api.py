"""HTTP routes. docs/api.md is what we have promised to the shops.

Routes are plain functions, which the framework runs on its pool of threads. The pool is larger
than the number of requests that can be waiting for the provider (see `engine.MAX_WAITING` and
`rates.MAX_WAITING`), so there are always threads for what comes from our own books.
"""

from __future__ import annotations

import base64
import binascii
import logging
import math
import sqlite3
import time
from typing import Annotated, Any, cast

from fastapi import APIRouter, Header, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from payments.engine import Engine
from payments.errors import PaymentNotFound, PaymentsError
from payments.models import PaymentRequest, RefundRequest
from payments.rates import Rates
from payments.service import PaymentService
from payments.store import Store

logger = logging.getLogger(__name__)

router = APIRouter()

ANSWER_SEC = 2.5
"""When an answer leaves us at the latest; promised are 3 seconds."""

MAX_BODY = 64 * 1024
MAX_KEY_LENGTH = 255
DEFAULT_PAGE = 20
MAX_PAGE = 100
_MAX_SEQ = 2**63 - 1


class Arrivals:
    """Notes when a request was complete, and takes no bodies that are far too long."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length = 0
        scope["answer_by"] = time.monotonic() + ANSWER_SEC

        async def receive_some() -> Message:
            nonlocal length
            message = await receive()
            if message["type"] == "http.request":
                length += len(message.get("body", b""))
                if length > MAX_BODY:
                    raise HTTPException(status_code=422, detail="the body is too long")
                if not message.get("more_body"):
                    scope["answer_by"] = time.monotonic() + ANSWER_SEC
            return message

        await self._app(scope, receive_some, send)


def _service(request: Request) -> PaymentService:
    return cast(PaymentService, request.app.state.service)


def _store(request: Request) -> Store:
    return cast(Store, request.app.state.store)


def _rates(request: Request) -> Rates:
    return cast(Rates, request.app.state.rates)


def _answer_by(request: Request) -> float:
    return cast(float, request.scope["answer_by"])


@router.post("/payments")
def create_payment(
    request: Request,
    body: PaymentRequest,
    idempotency_key: Annotated[str | None, Header()] = None,
) -> JSONResponse:
    """Take a payment."""
    key = (idempotency_key or "").strip()
    if not 1 <= len(key) <= MAX_KEY_LENGTH:
        raise HTTPException(status_code=400, detail="header Idempotency-Key is missing or too long")
    reply = _service(request).take(key, body, _answer_by(request))
    return JSONResponse(reply.body, status_code=reply.status_code)


@router.get("/payments/{payment_id}")
def get_payment(request: Request, payment_id: str) -> JSONResponse:
    """Show one payment."""
    payment = _store(request).get_payment(payment_id)
    if payment is None:
        raise PaymentNotFound(f"no payment {payment_id[:64]}")
    return JSONResponse(payment.to_json())


@router.get("/payments")
def list_payments(
    request: Request,
    merchant_id: Annotated[str | None, Query(min_length=1, max_length=64)] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = DEFAULT_PAGE,
    cursor: str | None = None,
) -> JSONResponse:
    """List payments, newest first."""
    before = None if cursor is None else _decode_cursor(cursor)
    found = _store(request).list_payments(merchant_id=merchant_id, before=before, limit=limit + 1)
    page = found[:limit]
    next_cursor = _encode_cursor(page[-1].seq) if len(found) > limit else None
    items = [payment.to_json() for payment in page]
    return JSONResponse({"items": items, "next_cursor": next_cursor})


@router.post("/payments/{payment_id}/refunds")
def create_refund(request: Request, payment_id: str, body: RefundRequest) -> JSONResponse:
    """Give back a payment, or a part of it."""
    refund = _service(request).refund(payment_id, body.amount, _answer_by(request))
    return JSONResponse(refund.to_json(), status_code=201)


@router.get("/rates/{currency}")
def get_rate(request: Request, currency: str) -> JSONResponse:
    """Quote the rate that a payment made now would get."""
    rate = _rates(request).wait(currency.upper(), _answer_by(request))
    return JSONResponse(rate.to_json())


@router.get("/merchants/{merchant_id}/balance")
def get_balance(request: Request, merchant_id: str) -> JSONResponse:
    """Show a merchant's totals."""
    return JSONResponse(_store(request).balance(merchant_id).to_json())


@router.get("/livez")
async def livez() -> dict[str, str]:
    """Whether the process runs."""
    return {"status": "ok"}


@router.get("/readyz")
def readyz(request: Request) -> JSONResponse:
    """Whether we can take traffic. The provider's bad days do not count: reading still works."""
    if cast(Engine, request.app.state.engine).stopping:
        return JSONResponse({"detail": "shutting down"}, status_code=503)
    try:
        _store(request).ping()
    except sqlite3.Error as exc:
        logger.error("not ready: %s", exc)
        return JSONResponse({"detail": "database unavailable"}, status_code=503)
    return JSONResponse({"status": "ok"})


def on_payments_error(request: Request, exc: Exception) -> JSONResponse:
    """Answer one of our own errors."""
    assert isinstance(exc, PaymentsError)
    headers = {}
    if exc.status_code >= 500:
        logger.warning("%s %s: %d, %s", request.method, _route(request), exc.status_code, exc)
        if exc.retry_after is not None:
            headers["Retry-After"] = str(math.ceil(exc.retry_after))
    return JSONResponse({"detail": str(exc)}, status_code=exc.status_code, headers=headers)


def on_invalid_request(request: Request, exc: Exception) -> JSONResponse:
    """Say what is wrong with a request, but not what was in it: there is a card token."""
    assert isinstance(exc, RequestValidationError)
    detail = [{k: error[k] for k in ("type", "loc", "msg")} for error in exc.errors()]
    return JSONResponse({"detail": detail}, status_code=422)


def on_http_error(request: Request, exc: Exception) -> JSONResponse:
    """Answer what the framework found wrong, or what we raised in a route."""
    assert isinstance(exc, StarletteHTTPException)
    # The framework's answer to JSON that is too deep, say. For us it is a body that is not valid.
    unreadable = exc.status_code == 400 and exc.detail == "There was an error parsing the body"
    status = 422 if unreadable else exc.status_code
    return JSONResponse({"detail": exc.detail}, status_code=status, headers=exc.headers)


def on_unexpected_error(request: Request, exc: Exception) -> JSONResponse:
    """Answer a mistake of ours. The framework logs it."""
    status = 503 if isinstance(exc, sqlite3.Error) else 500
    return JSONResponse({"detail": "something went wrong here"}, status_code=status)


def _route(request: Request) -> str:
    route = request.scope.get("route")
    return getattr(route, "path", "?")


def _encode_cursor(seq: int) -> str:
    return base64.urlsafe_b64encode(str(seq).encode()).decode().rstrip("=")


def _decode_cursor(cursor: str) -> int:
    try:
        seq = int(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not 0 <= seq <= _MAX_SEQ:
            raise ValueError("out of range")
        return seq
    except (binascii.Error, ValueError) as exc:
        raise HTTPException(status_code=422, detail="cursor is not one of ours") from exc
