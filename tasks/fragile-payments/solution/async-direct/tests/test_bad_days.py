from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from payments import store
from tests.conftest import Running
from tests.faults import FaultyTransport

Order = dict[str, Any]


async def pay(client: httpx.AsyncClient, key: str, order: Order) -> httpx.Response:
    return await client.post("/payments", headers={"Idempotency-Key": key}, json=order)


async def eventually(condition: Callable[[], bool], within: float = 8) -> None:
    async with asyncio.timeout(within):
        while not condition():
            await asyncio.sleep(0.02)


def rows(tmp_path: Path, sql: str) -> list[Any]:
    with sqlite3.connect(tmp_path / "payments.db") as db:
        return db.execute(sql).fetchall()


# -- one payment, one charge ---------------------------------------------------------


async def test_duplicates_at_the_same_moment(
    client: httpx.AsyncClient, provider: FastAPI, order: Order
) -> None:
    answers = await asyncio.gather(*(pay(client, "k1", order) for _ in range(8)))

    assert sorted(a.status_code for a in answers) == [201] + [409] * 7
    assert len(provider.state.charges) == 1


@pytest.mark.parametrize(
    "change", [{"amount": 1}, {"card_token": "tok_other"}, {"customer_email": "b@example.com"}]
)
async def test_key_with_another_body(
    client: httpx.AsyncClient, provider: FastAPI, order: Order, change: Order
) -> None:
    await pay(client, "k1", order)

    assert (await pay(client, "k1", order | change)).status_code == 422
    assert len(provider.state.charges) == 1


@pytest.mark.parametrize("fault", ["reset", "applied, reset", "503", "429"])
async def test_blip_stays_inside(
    client: httpx.AsyncClient,
    provider: FastAPI,
    to_provider: FaultyTransport,
    order: Order,
    fault: str,
) -> None:
    to_provider.once(fault)

    assert (await pay(client, "k1", order)).status_code == 201
    assert len(provider.state.charges) == 1


@pytest.mark.parametrize("fault", ["hang", "applied, hang", "drip"])
async def test_a_call_without_an_answer_is_repeated(
    client: httpx.AsyncClient,
    provider: FastAPI,
    to_provider: FaultyTransport,
    order: Order,
    fault: str,
) -> None:
    to_provider.once(fault)

    assert (await pay(client, "k1", order)).status_code == 201
    assert len(provider.state.charges) == 1


@pytest.mark.parametrize(
    ("fault", "status", "sends"), [("503", 503, 5), ("reset", 503, 5), ("422", 502, 1)]
)
async def test_terms(
    client: httpx.AsyncClient,
    to_provider: FaultyTransport,
    order: Order,
    fault: str,
    status: int,
    sends: int,
) -> None:
    to_provider.always(fault)

    assert (await pay(client, "k1", order)).status_code == status
    assert to_provider.count("POST", "/charges") == sends

    to_provider.good()
    assert (await pay(client, "k1", order)).status_code == 201


async def test_charged_without_an_answer(
    client: httpx.AsyncClient,
    provider: FastAPI,
    mailer: FastAPI,
    to_provider: FaultyTransport,
    order: Order,
) -> None:
    """The shop does not come back, and the books are right all the same."""
    to_provider.always("applied, reset")
    assert (await pay(client, "k1", order)).status_code == 503
    await eventually(lambda: len(mailer.state.messages) == 1)

    listed = (await client.get("/payments")).json()["items"]
    assert [p["provider_charge_id"] for p in listed] == list(provider.state.charges)
    again = await pay(client, "k1", order)
    assert (again.status_code, again.json()) == (201, listed[0])
    assert to_provider.count("POST", "/charges") <= 5


async def test_stuck_provider(
    client: httpx.AsyncClient, to_provider: FaultyTransport, order: Order
) -> None:
    to_provider.always("hang")
    started = time.monotonic()
    answers = await asyncio.gather(*(pay(client, f"k{n}", order) for n in range(60)))

    assert time.monotonic() - started < 3
    assert {a.status_code for a in answers} == {503, 504}
    to_provider.good()
    assert (await pay(client, "other", order)).status_code == 201


async def test_crash_after_the_charge(
    running: Running,
    provider: FastAPI,
    mailer: FastAPI,
    to_provider: FaultyTransport,
    order: Order,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the next process finds is a claim and nothing else."""

    async def crash(*args: Any) -> None:
        await asyncio.sleep(3600)

    monkeypatch.setattr("payments.app.DRAIN_SEC", 0.0)
    with monkeypatch.context() as patch:
        patch.setattr(store.Store, "finish", crash)
        async with running() as client:
            assert (await pay(client, "k1", order)).status_code == 504
    assert rows(tmp_path, "SELECT COUNT(*) FROM payments") == [(0,)]

    async with running() as client:
        await eventually(lambda: len(mailer.state.messages) == 1)
        await eventually(lambda: len(provider.state.settled) == 1)
        again = await pay(client, "k1", order)
    assert again.status_code == 201
    assert [again.json()["provider_charge_id"]] == list(provider.state.charges)
    assert to_provider.count("POST", "/charges") == 1


# -- peaks ---------------------------------------------------------------------------


async def test_the_rest_is_told_quickly(
    client: httpx.AsyncClient, provider: FastAPI, to_provider: FaultyTransport, order: Order
) -> None:
    class Slow(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await asyncio.sleep(0.2)
            return await inner.handle_async_request(request)

    inner, to_provider.transport = to_provider.transport, Slow()
    answers = await asyncio.gather(*(pay(client, f"k{n}", order) for n in range(80)))

    taken = [a for a in answers if a.status_code == 201]
    refused = [a for a in answers if a.status_code == 503]
    assert len(taken) == len(provider.state.charges) >= 36
    assert len(taken) + len(refused) == 80
    assert all(a.headers["Retry-After"] == "1" for a in refused)


# -- rates ---------------------------------------------------------------------------


async def test_rate_moves(client: httpx.AsyncClient, provider: FastAPI, order: Order) -> None:
    assert (await client.get("/rates/CHF")).json()["rate"] == "1.0417"
    transport = httpx.ASGITransport(app=provider)
    async with httpx.AsyncClient(transport=transport, base_url="http://provider") as clearhaven:
        await clearhaven.put("/rates/CHF", json={"rate": "1.0688"})
    await asyncio.sleep(3.2)

    assert (await client.get("/rates/CHF")).json()["rate"] == "1.0688"
    assert (await pay(client, "k1", order)).json()["amount_eur"] == 1336


async def test_old_rates_are_not_used(
    client: httpx.AsyncClient, to_provider: FaultyTransport, order: Order
) -> None:
    assert (await client.get("/rates/CHF")).status_code == 200
    to_provider.always("503", "/rates/CHF", "GET")
    before = to_provider.count("GET", "/rates/CHF")
    await asyncio.sleep(5)

    assert (await client.get("/rates/CHF")).status_code == 503
    assert (await pay(client, "k1", order)).status_code == 503
    assert (await pay(client, "k2", order | {"currency": "EUR"})).status_code == 201
    assert to_provider.count("GET", "/rates/CHF") - before <= 6


# -- refunds -------------------------------------------------------------------------


async def test_refunds_at_the_same_moment(
    client: httpx.AsyncClient, provider: FastAPI, order: Order
) -> None:
    url = f"/payments/{(await pay(client, 'k1', order)).json()['id']}/refunds"
    answers = await asyncio.gather(*(client.post(url, json={"amount": 500}) for _ in range(4)))

    assert sorted(a.status_code for a in answers) == [201, 201, 409, 409]
    assert len(provider.state.refunds) == 2


async def test_refund_without_an_answer(
    client: httpx.AsyncClient, provider: FastAPI, to_provider: FaultyTransport, order: Order
) -> None:
    url = f"/payments/{(await pay(client, 'k1', order)).json()['id']}/refunds"
    to_provider.always("applied, reset", "/refunds")
    assert (await client.post(url, json={"amount": 500})).status_code == 503
    to_provider.good()

    again = await client.post(url, json={"amount": 500})
    assert again.status_code == 201
    assert [again.json()["provider_refund_id"]] == list(provider.state.refunds)
    more = await client.post(url, json={"amount": 500})
    assert more.status_code == 201
    assert len(provider.state.refunds) == 2


# -- settlement and receipts ---------------------------------------------------------


async def test_one_bad_charge_does_not_hold_up_the_others(
    client: httpx.AsyncClient, provider: FastAPI, to_provider: FaultyTransport, order: Order
) -> None:
    to_provider.always("503", "/settlements")
    charges = [
        (await pay(client, f"k{n}", order)).json()["provider_charge_id"] for n in range(6)
    ]
    del provider.state.charges[charges[2]]
    to_provider.good()

    await eventually(lambda: len(provider.state.settled) == 5)
    calls = to_provider.count("POST", "/settlements")
    await asyncio.sleep(0.3)
    assert to_provider.count("POST", "/settlements") == calls


async def test_receipt_survives_a_mailer_that_is_down(
    running: Running, mailer: FastAPI, to_mailer: FaultyTransport, order: Order
) -> None:
    to_mailer.always("503", "/messages")
    async with running() as client:
        await pay(client, "k1", order)
        await eventually(lambda: to_mailer.count("POST", "/messages") >= 1)
    to_mailer.good()
    async with running():
        await eventually(lambda: len(mailer.state.messages) == 1)
        await asyncio.sleep(0.5)
    assert len(mailer.state.messages) == 1


# -- secrets -------------------------------------------------------------------------


async def test_card_token_is_nowhere(
    client: httpx.AsyncClient,
    to_provider: FaultyTransport,
    order: Order,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    token = "tok_8f14e45fceea167a"
    to_provider.once("reset")
    assert (await pay(client, "k1", order | {"card_token": token})).status_code == 201
    to_provider.always("422")
    assert token not in (await pay(client, "k2", order | {"card_token": token})).text
    assert token not in (await pay(client, "k3", {"card_token": token})).text

    assert token not in caplog.text
    for file in tmp_path.iterdir():
        assert token.encode() not in file.read_bytes()


@pytest.mark.parametrize("body", [b"", b"\xff", b"[" * 5000, b'{"a": 1e999', b"x" * 70000])
async def test_broken_body(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post("/payments", headers={"Idempotency-Key": "k1"}, content=body)

    assert answer.status_code == 422


# -- a database of version 1.14 ------------------------------------------------------

_OLD_TABLES = ("payments", "replies", "refunds")


async def test_old_database(
    running: Running, provider: FastAPI, mailer: FastAPI, order: Order, tmp_path: Path
) -> None:
    async with running() as client:
        payment = (await pay(client, "k1", order)).json()
        await client.post(f"/payments/{payment['id']}/refunds", json={"amount": 250})
        await eventually(lambda: len(mailer.state.messages) == 1)
    with sqlite3.connect(tmp_path / "payments.db") as db:
        tables = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (name,) in tables:
            if name not in (*_OLD_TABLES, "sqlite_sequence"):
                db.execute(f"DROP TABLE {name}")
        for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
            db.execute(f"DROP TRIGGER {name}")
        db.execute("UPDATE payments SET settled_at = NULL")
    provider.state.settled.clear()

    async with running() as client:
        assert (await pay(client, "k1", order)).json() == payment
        assert (await pay(client, "k1", order | {"amount": 1})).status_code == 422
        await eventually(lambda: len(provider.state.settled) == 1)
        await asyncio.sleep(0.5)
        balance = (await client.get("/merchants/m_bakery/balance")).json()
    assert balance == {
        "merchant_id": "m_bakery",
        "captured_eur": 1302,
        "refunded_eur": 260,
        "settled_eur": 1302,
    }
    assert len(mailer.state.messages) == 1
