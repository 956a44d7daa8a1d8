"""Stand-in for Clearhaven. See docs/provider-api.md."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from fastapi import FastAPI, Header, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

DECLINED_TOKENS = ("tok_declined", "tok_expired")


class ChargeBody(BaseModel):
    reference: str = Field(min_length=1)
    amount: int = Field(ge=1)
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    card_token: str = Field(min_length=1)


class RefundBody(BaseModel):
    charge_id: str
    amount: int = Field(ge=1)
    reference: str


class SettlementBody(BaseModel):
    charge_ids: list[str] = Field(min_length=1, max_length=500)


class RateBody(BaseModel):
    rate: Decimal


def _id(prefix: str) -> str:
    return f"{prefix}_{uuid.uuid4().hex[:16]}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def create_provider(latency_sec: float = 0.0) -> FastAPI:
    """A provider of its own, with no charges yet."""
    app = FastAPI(title="devstack provider", openapi_url=None)
    charges: dict[str, dict[str, Any]] = {}
    refunds: dict[str, dict[str, Any]] = {}
    settled: dict[str, str] = {}
    answers: dict[tuple[str, str], JSONResponse] = {}
    rates = {
        currency: {"currency": currency, "rate": rate, "published_at": _now()}
        for currency, rate in {
            "EUR": "1",
            "USD": "0.9184",
            "GBP": "1.1652",
            "CHF": "1.0417",
            "JPY": "0.6135",
        }.items()
    }
    app.state.charges = charges
    app.state.refunds = refunds
    app.state.settled = settled

    @app.middleware("http")
    async def take_some_time(request: Request, call_next: Any) -> Any:
        await asyncio.sleep(latency_sec)
        return await call_next(request)

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, exc: HTTPException) -> JSONResponse:
        return JSONResponse({"error": exc.detail}, status_code=exc.status_code)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, exc: RequestValidationError) -> JSONResponse:
        return JSONResponse({"error": "invalid_request"}, status_code=422)

    @app.post("/charges")
    async def create_charge(
        body: ChargeBody, idempotency_key: str | None = Header(None)
    ) -> JSONResponse:
        earlier = answers.get(("charge", idempotency_key or ""))
        if earlier is not None:
            return earlier
        if body.currency not in rates:
            raise HTTPException(422, "unknown_currency")
        if body.card_token in DECLINED_TOKENS:
            answer = JSONResponse({"error": "card_declined"}, status_code=402)
        else:
            charge: dict[str, Any] = {
                "charge_id": _id("ch"),
                "reference": body.reference,
                "amount": body.amount,
                "currency": body.currency,
                "status": "captured",
            }
            charges[charge["charge_id"]] = charge
            answer = JSONResponse(charge, status_code=201)
        if idempotency_key:
            answers["charge", idempotency_key] = answer
        return answer

    @app.get("/charges")
    async def find_charges(reference: str) -> dict[str, Any]:
        return {"charges": [c for c in charges.values() if c["reference"] == reference]}

    @app.post("/refunds")
    async def create_refund(
        body: RefundBody, idempotency_key: str | None = Header(None)
    ) -> JSONResponse:
        earlier = answers.get(("refund", idempotency_key or ""))
        if earlier is not None:
            return earlier
        charge = charges.get(body.charge_id)
        if charge is None:
            raise HTTPException(404, "unknown_charge")
        given_back = sum(r["amount"] for r in refunds.values() if r["charge_id"] == body.charge_id)
        if given_back + body.amount > charge["amount"]:
            raise HTTPException(422, "amount_too_large")
        refund: dict[str, Any] = {
            "refund_id": _id("re"),
            "charge_id": body.charge_id,
            "amount": body.amount,
        }
        refunds[refund["refund_id"]] = refund
        answer = JSONResponse(refund, status_code=201)
        if idempotency_key:
            answers["refund", idempotency_key] = answer
        return answer

    @app.get("/rates/{currency}")
    async def get_rate(currency: str) -> dict[str, Any]:
        if currency not in rates:
            raise HTTPException(404, "unknown_currency")
        return rates[currency]

    @app.put("/rates/{currency}")
    async def publish_rate(currency: str, body: RateBody) -> dict[str, Any]:
        """Only here, not at Clearhaven: publish another rate by hand."""
        rates[currency] = {
            "currency": currency,
            "rate": str(body.rate),
            "published_at": _now(),
        }
        return rates[currency]

    @app.post("/settlements")
    async def settle(body: SettlementBody) -> dict[str, Any]:
        if any(charge_id not in charges for charge_id in body.charge_ids):
            raise HTTPException(404, "unknown_charge")
        batch_id = _id("ba")
        for charge_id in body.charge_ids:
            settled.setdefault(charge_id, batch_id)
        return {"batch_id": batch_id, "settled": body.charge_ids}

    return app
