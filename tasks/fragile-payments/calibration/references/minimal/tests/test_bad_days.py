"""What happens when the provider, the mailer or a shop has a bad day."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from asgi_lifespan import LifespanManager
from fastapi import FastAPI

from payments import app as payments_app
from payments import receipts as payments_receipts
from payments import service as payments_service
from payments.app import create_app
from payments.config import Settings

Start = Callable[[], AbstractAsyncContextManager[httpx.AsyncClient]]


class Body(httpx.AsyncByteStream):
    """An answer that was not read yet."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body


class Weather(httpx.AsyncBaseTransport):
    """Does to the next calls of a path what `plan` says, and passes the others on."""

    def __init__(self, upstream: FastAPI) -> None:
        self._upstream = httpx.ASGITransport(app=upstream)
        self.plan: dict[str, list[str]] = {}
        self.always: dict[str, str] = {}
        self.seen: list[tuple[float, str, str]] = []

    def count(self, call: str) -> int:
        return sum(f"{method} {path}" == call for _, method, path in self.seen)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        call = f"{request.method} {path}"
        self.seen.append((time.monotonic(), request.method, path))
        todo = self.plan.get(call)
        what = todo.pop(0) if todo else self.always.get(call, "fine")
        if what == "refused":
            raise httpx.ConnectError("refused")
        if what == "reset":
            raise httpx.ReadError("reset")
        if what == "hang":
            await asyncio.sleep(3600)
        if what.isdigit():
            return httpx.Response(int(what), stream=Body(b""))
        if what.startswith("wait"):
            return httpx.Response(503, headers={"Retry-After": what[4:]}, stream=Body(b""))
        answer = await self._upstream.handle_async_request(request)
        if what == "lost":
            raise httpx.ReadError("reset")
        if what == "taken, then hang":
            await asyncio.sleep(3600)
        if what == "garbage":
            return httpx.Response(201, stream=Body(b"<html>"))
        if what == "huge":
            return httpx.Response(201, stream=Body(b" " * 2_000_000))
        return answer


@pytest.fixture
def clearhaven(provider: FastAPI) -> Weather:
    return Weather(provider)


@pytest.fixture
def post_office(mailer: FastAPI) -> Weather:
    return Weather(mailer)


@pytest.fixture
def start(
    tmp_path: Path, clearhaven: Weather, post_office: Weather, monkeypatch: pytest.MonkeyPatch
) -> Start:
    monkeypatch.setattr(payments_service, "ANSWER_WITHIN_SEC", 0.6)
    monkeypatch.setattr(payments_service, "CHARGE_FOR_SEC", 0.9)
    monkeypatch.setattr(payments_service, "GIVE_UP_AFTER_SEC", 1.0)
    monkeypatch.setattr(payments_app, "PAYMENTS_GRACE_SEC", 0.1)
    monkeypatch.setattr(payments_app, "RECEIPTS_GRACE_SEC", 0.1)
    monkeypatch.setattr(payments_receipts, "MIN_RETRY_SEC", 0.1)

    @asynccontextmanager
    async def run() -> AsyncIterator[httpx.AsyncClient]:
        settings = Settings(data_dir=tmp_path, settlement_interval_sec=0.05)
        app = create_app(settings, provider_transport=clearhaven, mailer_transport=post_office)
        async with LifespanManager(app):
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url="http://payments") as client:
                yield client

    return run


async def pay(client: httpx.AsyncClient, key: str, order: dict[str, Any]) -> httpx.Response:
    return await client.post("/payments", headers={"Idempotency-Key": key}, json=order)


async def outcome(client: httpx.AsyncClient, payment_id: str) -> dict[str, Any]:
    async with asyncio.timeout(5):
        while True:
            payment: dict[str, Any] = (await client.get(f"/payments/{payment_id}")).json()
            if payment["status"] != "pending":
                return payment
            await asyncio.sleep(0.02)


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("blip", ["503", "429", "reset", "lost", "refused", "garbage", "huge"])
async def test_blip_is_not_noticed(
    start: Start, clearhaven: Weather, provider: FastAPI, order: dict[str, Any], blip: str
) -> None:
    clearhaven.plan["POST /charges"] = [blip]
    async with start() as client:
        response = await pay(client, "k1", order)

    assert response.status_code == 201
    assert list(provider.state.charges) == [response.json()["provider_charge_id"]]


async def test_retry_after_is_kept(start: Start, clearhaven: Weather, order: Any) -> None:
    clearhaven.plan["POST /charges"] = ["wait0.4"]
    async with start() as client:
        assert (await pay(client, "k1", order)).status_code == 201
    first, second = (at for at, _, path in clearhaven.seen if path == "/charges")
    assert second - first >= 0.4


async def test_retry_after_is_kept_when_it_is_too_long(
    start: Start, clearhaven: Weather, order: dict[str, Any]
) -> None:
    clearhaven.plan["POST /charges"] = ["wait20"]
    async with start() as client:
        first = await pay(client, "k1", order)
        second = await pay(client, "k1", order)

    assert [first.status_code, second.status_code] == [503, 503]
    assert first.headers["Retry-After"] == "20"
    assert clearhaven.count("POST /charges") == 1


@pytest.mark.parametrize(("answer", "status", "sent"), [("422", 502, 1), ("503", 503, 5)])
async def test_terms_are_kept_and_the_shop_may_come_back(
    start: Start,
    clearhaven: Weather,
    order: dict[str, Any],
    answer: str,
    status: int,
    sent: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(payments_service, "ANSWER_WITHIN_SEC", 2.5)
    monkeypatch.setattr(payments_service, "CHARGE_FOR_SEC", 8.0)
    clearhaven.always["POST /charges"] = answer
    async with start() as client:
        assert (await pay(client, "k1", order)).status_code == status
        assert clearhaven.count("POST /charges") == sent
        clearhaven.always.clear()
        other = await pay(client, "k1", order | {"amount": 1})
        assert other.status_code == 422
        assert (await pay(client, "k1", order)).status_code == 201


async def test_hanging_provider_that_took_the_money(
    start: Start, clearhaven: Weather, provider: FastAPI, order: dict[str, Any]
) -> None:
    clearhaven.always["POST /charges"] = "taken, then hang"
    async with start() as client:
        response = await pay(client, "k1", order)
        assert response.status_code == 202
        assert response.json()["status"] == "pending"
        again = await pay(client, "k1", order)
        assert again.json()["id"] == response.json()["id"]
        payment = await outcome(client, response.json()["id"])
        assert payment["status"] == "captured"
        assert list(provider.state.charges) == [payment["provider_charge_id"]]
        await eventually(lambda: len(provider.state.settled) == 1)


async def test_hanging_provider_that_did_not(
    start: Start, clearhaven: Weather, provider: FastAPI, order: dict[str, Any]
) -> None:
    clearhaven.always["POST /charges"] = "hang"
    async with start() as client:
        response = await pay(client, "k1", order)
        assert response.status_code == 202
        assert (await outcome(client, response.json()["id"]))["status"] == "failed"
        clearhaven.always.clear()
        again = await pay(client, "k1", order)
        assert again.status_code == 201
        assert again.json()["id"] == response.json()["id"]
    assert len(provider.state.charges) == 1


async def test_charge_that_comes_to_light_after_we_gave_up(
    start: Start, clearhaven: Weather, order: dict[str, Any]
) -> None:
    clearhaven.plan["POST /charges"] = ["taken, then hang"]
    clearhaven.always["GET /charges"] = "503"
    async with start() as client:
        payment_id = (await pay(client, "k1", order)).json()["id"]
        assert (await outcome(client, payment_id))["status"] == "failed"
        clearhaven.always.clear()
        assert (await pay(client, "k1", order)).json()["id"] == payment_id
        assert (await outcome(client, payment_id))["status"] == "captured"


async def test_copies_at_the_same_moment(
    start: Start, clearhaven: Weather, provider: FastAPI, order: dict[str, Any]
) -> None:
    async with start() as client:
        responses = await asyncio.gather(
            *(pay(client, "k1", order) for _ in range(20)),
            pay(client, "k1", order | {"card_token": "tok_other"}),
        )
    assert [r.status_code for r in responses] == [201] * 20 + [422]
    assert len({r.json()["id"] for r in responses[:20]}) == 1
    assert len(provider.state.charges) == 1
    assert clearhaven.count("GET /rates/CHF") == 1


@pytest.mark.parametrize(("what", "status"), [("taken, then hang", "captured"), ("hang", "failed")])
async def test_restart_in_the_middle(
    start: Start, clearhaven: Weather, order: dict[str, Any], what: str, status: str
) -> None:
    clearhaven.plan["POST /charges"] = [what]
    async with start() as client:
        payment_id = (await pay(client, "k1", order)).json()["id"]
    async with start() as client:
        assert (await outcome(client, payment_id))["status"] == status
        again = await pay(client, "k1", order)
        assert (again.status_code, again.json()["id"]) == (201, payment_id)


async def test_what_is_left_is_settled_and_mailed_after_a_restart(
    start: Start, clearhaven: Weather, post_office: Weather, provider: Any, mailer: Any, order: Any
) -> None:
    clearhaven.always["POST /settlements"] = "503"
    post_office.always["POST /messages"] = "refused"
    async with start() as client:
        await asyncio.gather(*(pay(client, f"k{n}", order) for n in range(5)))
    clearhaven.always.clear()
    post_office.always.clear()
    async with start():
        await eventually(lambda: len(provider.state.settled) == len(mailer.state.messages) == 5)
    async with start():
        await asyncio.sleep(0.5)
    assert len(mailer.state.messages) == 5


async def test_charge_that_cannot_be_settled_does_not_stop_the_others(
    start: Start, provider: FastAPI, tmp_path: Path, order: dict[str, Any]
) -> None:
    async with start() as client:
        payments = [(await pay(client, f"k{n}", order)).json() for n in range(4)]
        await eventually(lambda: len(provider.state.settled) == 4)
    provider.state.settled.clear()
    unknown = payments[1]["provider_charge_id"]
    del provider.state.charges[unknown]
    with sqlite3.connect(tmp_path / "payments.db") as db:
        db.execute("UPDATE payments SET settled_at = NULL")
    async with start():
        await eventually(lambda: len(provider.state.settled) == 3)


async def test_refunds_never_exceed_the_payment(
    start: Start, clearhaven: Weather, provider: FastAPI, order: dict[str, Any]
) -> None:
    async with start() as client:
        url = f"/payments/{(await pay(client, 'k1', order)).json()['id']}/refunds"
        answers = await asyncio.gather(*(client.post(url, json={"amount": 500}) for _ in range(5)))
        assert sorted(r.status_code for r in answers) == [201, 201, 409, 409, 409]

        clearhaven.plan["POST /refunds"] = ["taken, then hang"]
        in_doubt = asyncio.create_task(client.post(url, json={"amount": 250}))
        assert (await in_doubt).status_code in (201, 503)
        again = await client.post(url, json={"amount": 250})
        assert again.status_code in (201, 409)
        balance = (await client.get("/merchants/m_bakery/balance")).json()
        assert balance["refunded_eur"] == balance["captured_eur"] == 1302
    assert sum(r["amount"] for r in provider.state.refunds.values()) == 1250


async def test_rate_follows_the_provider(
    start: Start, clearhaven: Weather, provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("payments.rates.REFRESH_AFTER_SEC", 0.1)
    async with start() as client, httpx.AsyncClient(
        transport=httpx.ASGITransport(app=provider), base_url="http://provider"
    ) as publisher:
        clearhaven.plan["GET /rates/CHF"] = ["503"]
        assert (await client.get("/rates/CHF")).json()["rate"] == "1.0417"
        await publisher.put("/rates/CHF", json={"rate": "1.0688"})
        async with asyncio.timeout(5):
            while (await client.get("/rates/CHF")).json()["rate"] != "1.0688":
                await asyncio.sleep(0.01)
        starts = [at for at, _, path in clearhaven.seen if path == "/rates/CHF"]
        assert all(b - a >= 0.99 for a, b in zip(starts, starts[1:], strict=False))
        assert (await client.get("/rates/..%2Fcharges")).status_code == 404


async def test_card_token_is_nowhere(
    start: Start, tmp_path: Path, mailer: Any, order: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", logger="payments")
    order = order | {"card_token": "tok_s3cr3t"}
    async with start() as client:
        answers = [
            await pay(client, "k1", order),
            await pay(client, "k2", order | {"amount": 0}),
            await pay(client, "k3", {"card_token": "tok_s3cr3t"}),
            await pay(client, "k4", order | {"card_token": "tok_s3cr3t" * 20}),
            await pay(client, "k5", order | {"merchant_id": None}),
        ]
        await eventually(lambda: len(mailer.state.messages) == 1)
        files = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert [r.status_code for r in answers] == [201, 422, 422, 422, 422]
    assert b"tok_s3cr3t" not in files
    everything = [r.text for r in answers] + [caplog.text, str(mailer.state.messages)]
    assert not any("tok_s3cr3t" in text for text in everything)
    assert answers[0].json()["id"] in caplog.text


async def test_database_of_the_first_version(
    start: Start, tmp_path: Path, provider: Any, mailer: Any, order: dict[str, Any]
) -> None:
    with sqlite3.connect(tmp_path / "payments.db") as db:
        db.executescript((Path(__file__).parent / "first_version.sql").read_text())
    provider.state.charges["ch_old"] = {"charge_id": "ch_old", "reference": "pay_old"}
    async with start() as client:
        again = await pay(client, "old", order)
        assert (again.status_code, again.json()["id"]) == (201, "pay_old")
        assert (await pay(client, "old", order | {"amount": 1})).status_code == 422
        await eventually(lambda: "ch_old" in provider.state.settled)
        await asyncio.sleep(0.3)
    assert mailer.state.messages == []


async def test_overload(
    start: Start, clearhaven: Weather, order: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("payments.provider.PATIENCE_SEC", 0.2)
    async with start() as client:
        await pay(client, "first", order)
        clearhaven.always["POST /charges"] = "hang"
        began = time.monotonic()
        tasks = [asyncio.create_task(pay(client, f"k{n}", order)) for n in range(100)]
        answers = await asyncio.gather(*tasks)
        assert time.monotonic() - began < 2
        told = [r.status_code for r in answers]
        assert (told.count(202), told.count(503)) == (9, 91)
        assert clearhaven.count("POST /charges") == 10
        assert (await client.get("/payments")).status_code == 200


async def test_odd_requests(start: Start, order: dict[str, Any]) -> None:
    async with start() as client:
        far = await client.get("/payments", params={"cursor": "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5"})
        assert far.status_code == 200
        headers = {"Idempotency-Key": "k1", "Content-Type": "application/json"}
        for body in (b"\xff\xfe", b"{", b'{"merchant_id": "\\ud800"}'):
            answer = await client.post("/payments", headers=headers, content=body)
            assert answer.status_code == 422
