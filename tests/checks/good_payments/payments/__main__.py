# ruff: noqa: D103 - a toy
"""Payments as promised, by the shortest way: for proving that the checks accept it.

DESIGN=waiting answers 201 when the provider did, 409 while a key is under way, and sheds
early. DESIGN=queued answers 202 and lets workers do the rest; DESIGN=joining is `waiting`
whose duplicates wait for the first instead of being told 409. With FRAIL=1 it is not good: it
leaves as soon as a call fails.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import random
import sqlite3
import time
import uuid
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import httpx
import uvicorn
from fastapi import FastAPI, Header, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

DESIGN = os.environ.get("DESIGN", "waiting")
SLOTS, IN_LINE = 10, 15
BUDGET_SEC, ATTEMPT_SEC, ATTEMPTS = 2.6, 2.4, 4
RATE_TTL_SEC = 3.0
WORK_SEC = 12.0


class NotNowError(Exception):
    """Come back later."""

    def __init__(self, status: int = 503) -> None:
        self.status = status


class PaymentIn(BaseModel):
    merchant_id: str = Field(min_length=1, max_length=64)
    amount: Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
    currency: Literal["EUR", "USD", "GBP", "JPY", "CHF"]
    card_token: str = Field(min_length=1, max_length=128)
    customer_email: str = Field(max_length=254, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")
    description: str | None = Field(default=None, max_length=200)


class RefundIn(BaseModel):
    amount: Annotated[int, Field(strict=True, ge=1, le=1_000_000)]


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def eur(amount: int, rate: str) -> int:
    return int((amount * Decimal(rate)).quantize(Decimal(1), rounding=ROUND_HALF_UP))


class Books:
    """One row per payment: key, request, and the payment as it is shown."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.executescript(
            """PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;
            CREATE TABLE IF NOT EXISTS payment (seq INTEGER PRIMARY KEY, key TEXT UNIQUE,
              id TEXT UNIQUE, merchant TEXT, request TEXT, shown TEXT, status TEXT,
              settled INTEGER DEFAULT 0, mailed INTEGER DEFAULT 0);
            CREATE TABLE IF NOT EXISTS refund (id TEXT UNIQUE, payment TEXT, amount INTEGER,
              eur INTEGER DEFAULT 0, done INTEGER DEFAULT 0);"""
        )

    def claim(self, key: str, request: PaymentIn) -> dict[str, Any]:
        shown = {
            "id": f"pay_{uuid.uuid4().hex[:24]}",
            "status": "pending",
            **request.model_dump(include={"merchant_id", "amount", "currency", "description"}),
            "amount_eur": None,
            "rate": None,
            "provider_charge_id": None,
            "created_at": now(),
        }
        self.db.execute(
            "INSERT OR IGNORE INTO payment (key, id, merchant, request, shown, status) "
            "VALUES (?, ?, ?, ?, ?, 'pending')",
            (key, shown["id"], request.merchant_id, request.model_dump_json(), json.dumps(shown)),
        )
        row = self.db.execute("SELECT request, shown FROM payment WHERE key=?", (key,)).fetchone()
        if row[0] != request.model_dump_json():
            raise NotNowError(422)
        return json.loads(row[1])

    def refund(self, shown: dict[str, Any], amount: int, under_way: set[str]) -> str:
        """Held before it is sent; one that was told 50x is what the same amount means later."""
        mine = "SELECT id FROM refund WHERE payment=? AND amount=? AND done=0"
        for (id_,) in self.db.execute(mine, (shown["id"], amount)).fetchall():
            if id_ not in under_way:
                return str(id_)
        total = "SELECT COALESCE(SUM(amount), 0) FROM refund WHERE payment=?"
        (back,) = self.db.execute(total, (shown["id"],)).fetchone()
        if shown["status"] != "captured" or back + amount > shown["amount"]:
            raise NotNowError(409)
        id_ = f"ref_{uuid.uuid4().hex[:24]}"
        row = (id_, shown["id"], amount)
        self.db.execute("INSERT INTO refund (id, payment, amount) VALUES (?, ?, ?)", row)
        return id_

    def refunded(self, shown: dict[str, Any], id_: str, amount: int) -> None:
        sums = "SELECT COALESCE(SUM(amount), 0), COALESCE(SUM(eur), 0) FROM refund WHERE payment=?"
        back, back_eur = self.db.execute(f"{sums} AND done=1", (shown["id"],)).fetchone()
        part = eur(back + amount, shown["rate"]) - back_eur
        self.db.execute("UPDATE refund SET eur=?, done=1 WHERE id=?", (part, id_))

    def save(self, shown: dict[str, Any]) -> None:
        self.db.execute(
            "UPDATE payment SET shown=?, status=? WHERE id=?",
            (json.dumps(shown), shown["status"], shown["id"]),
        )

    def rows(self, what: str, where: str, *values: object) -> list[Any]:
        return self.db.execute(f"SELECT {what} FROM payment WHERE {where}", values).fetchall()


class Provider:
    """Clearhaven within limits: a slot each, attempts bounded in number and total time."""

    def __init__(self) -> None:
        limits = httpx.Limits(max_connections=40)
        self.http = httpx.AsyncClient(base_url=os.environ["PROVIDER_URL"], limits=limits)
        self.slots = asyncio.Semaphore(SLOTS)
        self.rates: dict[str, tuple[float, dict[str, Any]]] = {}
        self.locks: dict[str, asyncio.Lock] = {}

    async def call(self, method: str, path: str, key: str = "", json: Any = None) -> httpx.Response:
        headers = {"Idempotency-Key": key} if key else {}
        for attempt in range(ATTEMPTS):
            wait = random.uniform(0.5, 1) * 0.1 * 2**attempt
            try:
                async with self.slots, asyncio.timeout(ATTEMPT_SEC):
                    reply = await self.http.request(method, path, json=json, headers=headers)
                if reply.status_code not in (429, 503):
                    return reply
                wait = max(wait, float(reply.headers.get("Retry-After", 0)))
            except (httpx.HTTPError, TimeoutError):
                if "FRAIL" in os.environ:
                    os._exit(0)
            await asyncio.sleep(wait)
        raise NotNowError

    async def charge(self, body: dict[str, Any]) -> tuple[int, str | None]:
        """Status, and the id of the charge, looked up if the answer made no sense."""
        reply = await self.call("POST", "/charges", body["reference"], body)
        if not reply.is_success:
            return reply.status_code, None
        with suppress(ValueError, KeyError, TypeError):
            charge_id = reply.json()["charge_id"]
            if isinstance(charge_id, str):
                return 201, charge_id
        found = await self.call("GET", f"/charges?reference={body['reference']}")
        with suppress(ValueError, LookupError, TypeError):
            return 201, str(found.json()["charges"][0]["charge_id"])
        raise NotNowError

    async def rate(self, currency: str) -> dict[str, Any]:
        if currency == "EUR":
            return {"currency": "EUR", "rate": "1", "as_of": now()}
        async with self.locks.setdefault(currency, asyncio.Lock()):
            at, known = self.rates.get(currency, (-99.0, {}))
            if time.monotonic() - at < RATE_TTL_SEC:
                return known
            asked = time.monotonic()
            reply = await self.call("GET", f"/rates/{currency}")
            if reply.status_code != 200:
                raise NotNowError(404 if reply.status_code == 404 else 502)
            body = reply.json()
            known = {name: body[name] for name in ("currency", "rate")}
            known["as_of"] = body["published_at"]
            self.rates[currency] = (asked, known)
            return known


class Service:
    def __init__(self) -> None:
        self.books = Books(Path(os.environ["DATA_DIR"]) / "toy.db")
        self.provider = Provider()
        self.mailer = httpx.AsyncClient(base_url=os.environ["MAILER_URL"], timeout=600.0)
        self.under_way: dict[str, asyncio.Task[dict[str, Any]]] = {}
        self.refunding: set[str] = set()
        self.background: set[asyncio.Task[Any]] = set()

    async def take(self, key: str, request: PaymentIn) -> dict[str, Any]:
        known = self.books.rows("request, shown", "key=?", key)
        running = self.under_way.get(key)
        fresh = not known or json.loads(known[0][1])["status"] == "pending"
        if fresh and running is None and len(self.under_way) >= SLOTS + IN_LINE:
            raise NotNowError
        shown = self.books.claim(key, request)
        if shown["status"] == "failed":
            raise NotNowError(502)
        if shown["status"] != "pending":
            return shown
        if running is None:
            running = asyncio.create_task(self.see_to(key, shown, request))
            self.under_way[key] = running
            running.add_done_callback(lambda _: self.under_way.pop(key))
            running.add_done_callback(lambda task: task.cancelled() or task.exception())
        elif DESIGN == "waiting":
            raise NotNowError(409)
        if DESIGN == "queued":
            return shown
        try:
            async with asyncio.timeout(BUDGET_SEC):
                return await asyncio.shield(running)
        except TimeoutError:
            raise NotNowError(504) from None

    async def see_to(self, key: str, shown: dict[str, Any], request: PaymentIn) -> dict[str, Any]:
        async with asyncio.timeout(WORK_SEC if DESIGN == "queued" else BUDGET_SEC):
            rate = (await self.provider.rate(request.currency))["rate"]
            charge = {"reference": shown["id"], "card_token": request.card_token}
            charge |= {"amount": request.amount, "currency": request.currency}
            try:
                status, charge_id = await self.provider.charge(charge)
            except NotNowError:
                if DESIGN == "queued":
                    self.books.save(shown | {"status": "failed"})
                raise
        shown = shown | {"rate": rate, "amount_eur": eur(request.amount, rate)}
        if status == 201:
            shown |= {"status": "captured", "provider_charge_id": charge_id}
        else:
            shown |= {"status": "declined" if status == 402 else "failed"}
        self.books.save(shown)
        if shown["status"] == "failed":
            raise NotNowError(502)
        return shown

    def later(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self.background.add(task)
        task.add_done_callback(self.background.discard)

    async def mail(self) -> None:
        """Messages that did not leave are sent again; others may have been taken."""
        while True:
            for id_, request in self.books.rows("id, request", "status='captured' AND mailed=0"):
                mail = {"to": json.loads(request)["customer_email"], "subject": "Receipt"}
                # noted before it leaves: whoever stops or kills us meanwhile, it may be taken
                self.books.db.execute("UPDATE payment SET mailed=1 WHERE id=?", (id_,))
                try:
                    mail |= {"body": f"Payment {id_}"}
                    taken = (await self.mailer.post("/messages", json=mail)).status_code == 202
                except httpx.ConnectError:
                    taken = False
                if not taken:
                    self.books.db.execute("UPDATE payment SET mailed=0 WHERE id=?", (id_,))
                    break
            await asyncio.sleep(0.3)

    async def settle(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            rows = self.books.rows("id, shown", "status='captured' AND settled=0 LIMIT 200")
            ids = {json.loads(shown)["provider_charge_id"]: id_ for id_, shown in rows}
            if not ids:
                continue
            try:
                reply = await self.provider.call(
                    "POST", "/settlements", json={"charge_ids": list(ids)}
                )
            except NotNowError:
                continue
            for charge in reply.json()["settled"]:
                self.books.db.execute("UPDATE payment SET settled=1 WHERE id=?", (ids[charge],))

    def resume(self) -> None:
        if DESIGN == "queued":
            for key, shown, raw in self.books.rows("key, shown, request", "status='pending'"):
                request = PaymentIn.model_validate_json(raw)
                task = asyncio.create_task(self.see_to(key, json.loads(shown), request))
                self.under_way[key] = task
                task.add_done_callback(lambda _, key=key: self.under_way.pop(key))


@asynccontextmanager
async def lifespan(app: FastAPI) -> Any:
    service = app.state.service = Service()
    service.resume()
    service.later(service.settle())
    service.later(service.mail())
    yield
    await asyncio.gather(*service.under_way.values(), return_exceptions=True)
    service.books.db.close()


app = FastAPI(lifespan=lifespan)


@app.exception_handler(NotNowError)
async def not_now(_: Request, exc: NotNowError) -> JSONResponse:
    return JSONResponse({"detail": "not now"}, exc.status, headers={"Retry-After": "1"})


@app.exception_handler(TimeoutError)
async def too_slow(_: Request, __: TimeoutError) -> JSONResponse:
    return JSONResponse({"detail": "not now"}, 504)


@app.exception_handler(RequestValidationError)
async def not_valid(_: Request, exc: RequestValidationError) -> JSONResponse:
    """Without what was sent: there is a card token in it."""
    return JSONResponse({"detail": [{"loc": e["loc"], "msg": e["msg"]} for e in exc.errors()]}, 422)


@app.post("/payments")
async def pay(body: PaymentIn, idempotency_key: Annotated[str | None, Header()] = None) -> Any:
    key = (idempotency_key or "").strip()
    if not 1 <= len(key) <= 255:
        return JSONResponse({"detail": "Idempotency-Key"}, 400)
    shown = await app.state.service.take(key, body)
    return JSONResponse(shown, {"captured": 201, "declined": 402, "pending": 202}[shown["status"]])


@app.get("/payments/{payment_id}")
async def show(payment_id: str) -> Any:
    rows = app.state.service.books.rows("shown", "id=?", payment_id)
    return json.loads(rows[0][0]) if rows else JSONResponse({"detail": "unknown"}, 404)


@app.get("/payments")
async def listing(
    merchant_id: str | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: str | None = None,
) -> Any:
    before = int(base64.urlsafe_b64decode(cursor)) if cursor else 1 << 60
    where = "seq < ? AND (? IS NULL OR merchant = ?) ORDER BY seq DESC LIMIT ?"
    rows = app.state.service.books.rows(
        "seq, shown", where, before, merchant_id, merchant_id, limit + 1
    )
    page = rows[:limit]
    following = base64.urlsafe_b64encode(str(page[-1][0]).encode()).decode() if page else None
    items = [json.loads(shown) for _, shown in page]
    return {"items": items, "next_cursor": following if len(rows) > limit else None}


@app.post("/payments/{payment_id}/refunds")
async def refund(payment_id: str, body: RefundIn) -> Any:
    service: Service = app.state.service
    rows = service.books.rows("shown", "id=?", payment_id)
    if not rows:
        return JSONResponse({"detail": "unknown"}, 404)
    shown = json.loads(rows[0][0])
    id_ = service.books.refund(shown, body.amount, service.refunding)
    sent = {"charge_id": shown["provider_charge_id"], "amount": body.amount, "reference": id_}
    service.refunding.add(id_)
    try:
        async with asyncio.timeout(BUDGET_SEC):
            reply = await service.provider.call("POST", "/refunds", id_, sent)
    finally:
        service.refunding.discard(id_)
    service.books.refunded(shown, id_, body.amount)
    made = {"id": id_, "payment_id": payment_id, "amount": body.amount}
    return JSONResponse(made | {"provider_refund_id": reply.json()["refund_id"]}, 201)


@app.get("/rates/{currency}")
async def rate(currency: str) -> Any:
    async with asyncio.timeout(BUDGET_SEC):
        return await app.state.service.provider.rate(currency.upper())


@app.get("/merchants/{merchant}/balance")
async def balance(merchant: str) -> Any:
    service: Service = app.state.service
    rows = service.books.rows("id, shown, settled", "merchant=? AND status='captured'", merchant)
    found = [(id_, json.loads(shown)["amount_eur"], settled) for id_, shown, settled in rows]
    total = "SELECT COALESCE(SUM(eur), 0) FROM refund WHERE payment=?"
    back = sum(service.books.db.execute(total, (id_,)).fetchone()[0] for id_, _, _ in found)
    return {
        "merchant_id": merchant,
        "captured_eur": sum(amount for _, amount, _ in found),
        "refunded_eur": back,
        "settled_eur": sum(amount for _, amount, settled in found if settled),
    }


@app.get("/livez")
@app.get("/readyz")
async def probe() -> Any:
    return {"status": "ok"}


if __name__ == "__main__":
    uvicorn.run(
        app,
        host=os.environ["HOST"],
        port=int(os.environ["PORT"]),
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=8,
    )
