"""HTTP routes. docs/api.md is what we have promised to the shops."""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
import sqlite3
from typing import Annotated, Any, TypeVar, cast

from fastapi import APIRouter, Header, HTTPException, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ValidationError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from payments import store
from payments.db import Database
from payments.errors import PaymentNotFound, PaymentsError
from payments.models import PaymentRequest, RefundRequest
from payments.rates import Rates
from payments.service import PaymentService

logger = logging.getLogger(__name__)

router = APIRouter()

M = TypeVar("M", bound=BaseModel)

MAX_KEY_LENGTH = 255
MAX_BODY = 64 * 1024
MAX_SEQ = 2**63 - 1
DEFAULT_PAGE = 20
MAX_PAGE = 100
QUOTE_WAIT_SEC = 2.3


def _service(request: Request) -> PaymentService:
    return cast(PaymentService, request.app.state.service)


def _db(request: Request) -> Database:
    return cast(Database, request.app.state.db)


def _rates(request: Request) -> Rates:
    return cast(Rates, request.app.state.rates)


async def _body(request: Request, model: type[M]) -> M:
    """The body of a request, or a 422 that repeats nothing of it: there may be a card token."""
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > MAX_BODY:
            raise HTTPException(status_code=422, detail="the body is too large")
    try:
        return model.model_validate_json(bytes(raw))
    except ValidationError as exc:
        errors = [
            {"type": error["type"], "loc": ["body", *error["loc"]], "msg": error["msg"]}
            for error in exc.errors(include_url=False, include_context=False, include_input=False)
        ]
    raise HTTPException(status_code=422, detail=errors)


@router.post("/payments")
async def create_payment(
    request: Request, idempotency_key: Annotated[str | None, Header()] = None
) -> JSONResponse:
    """Take a payment."""
    key = (idempotency_key or "").strip()
    if not 1 <= len(key) <= MAX_KEY_LENGTH:
        raise HTTPException(status_code=400, detail="header Idempotency-Key is missing or too long")
    reply = await _service(request).take(key, await _body(request, PaymentRequest))
    return JSONResponse(
        reply.body, status_code=reply.status_code, headers=_retry_after(reply.retry_after)
    )


@router.get("/payments/{payment_id}")
async def get_payment(request: Request, payment_id: str) -> dict[str, Any]:
    """Show one payment."""
    payment = await _db(request).read(store.get_payment, payment_id)
    if payment is None:
        raise PaymentNotFound("no such payment")
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
    found = await _db(request).read(
        store.list_payments, merchant_id=merchant_id, before=before, limit=limit + 1
    )
    page = found[:limit]
    next_cursor = _encode_cursor(page[-1].seq) if len(found) > limit else None
    return {"items": [payment.to_json() for payment in page], "next_cursor": next_cursor}


@router.post("/payments/{payment_id}/refunds", status_code=201)
async def create_refund(request: Request, payment_id: str) -> dict[str, Any]:
    """Give back a payment, or a part of it."""
    body = await _body(request, RefundRequest)
    refund = await _service(request).refund(payment_id, body.amount)
    return refund.to_json()


@router.get("/rates/{currency}")
async def get_rate(request: Request, currency: str) -> dict[str, Any]:
    """Quote the rate that a payment made now would get."""
    rate = await _rates(request).get(currency.upper(), wait=QUOTE_WAIT_SEC)
    return rate.to_json()


@router.get("/merchants/{merchant_id}/balance")
async def get_balance(request: Request, merchant_id: str) -> dict[str, Any]:
    """Show a merchant's totals."""
    return (await _db(request).read(store.balance, merchant_id)).to_json()


@router.get("/livez")
async def livez() -> dict[str, str]:
    """Whether the process runs."""
    return {"status": "ok"}


@router.get("/readyz")
async def readyz(request: Request) -> JSONResponse:
    """Whether we can take traffic."""
    if _service(request).leaving:
        return JSONResponse({"detail": "leaving"}, status_code=503)
    try:
        async with asyncio.timeout(1.0):
            await _db(request).write(store.ping)
    except (sqlite3.Error, TimeoutError) as exc:
        logger.error("not ready: %s", type(exc).__name__)
        return JSONResponse({"detail": "database unavailable"}, status_code=503)
    return JSONResponse({"status": "ok"})


async def on_payments_error(request: Request, exc: Exception) -> JSONResponse:
    """Answer one of our own errors."""
    assert isinstance(exc, PaymentsError)
    return JSONResponse(
        {"detail": str(exc)}, status_code=exc.status_code, headers=_retry_after(exc.retry_after)
    )


async def on_database_error(request: Request, exc: Exception) -> JSONResponse:
    """The books cannot be read or written."""
    logger.error("%s: database: %s", request.method, exc)
    return JSONResponse({"detail": "not possible now"}, status_code=503, headers=_retry_after(1))


class InTime:
    """Whatever happens, an answer within 3 seconds; and not more at a time than we can bear."""

    LIMIT_SEC = 2.85
    AT_A_TIME = 600

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._requests = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._requests >= self.AT_A_TIME:
            await _error(503, "too many requests")(scope, receive, send)
            return
        started = False

        async def noting_send(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        self._requests += 1
        try:
            async with asyncio.timeout(self.LIMIT_SEC):
                await self._app(scope, receive, noting_send)
        except TimeoutError:
            logger.error("%s took too long", scope["method"])
            if not started:
                await _error(504, "not known yet, please come back")(scope, receive, send)
        finally:
            self._requests -= 1


def _error(status_code: int, detail: str) -> JSONResponse:
    return JSONResponse({"detail": detail}, status_code=status_code, headers=_retry_after(1))


def _retry_after(seconds: int | None) -> dict[str, str]:
    return {} if seconds is None else {"Retry-After": str(seconds)}


def _encode_cursor(seq: int) -> str:
    return base64.urlsafe_b64encode(str(seq).encode()).decode().rstrip("=")


def _decode_cursor(cursor: str) -> int:
    try:
        seq = int(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError) as exc:
        raise HTTPException(status_code=422, detail="cursor is not one of ours") from exc
    if not 0 <= seq <= MAX_SEQ:
        raise HTTPException(status_code=422, detail="cursor is not one of ours")
    return seq
