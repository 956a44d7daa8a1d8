"""What the documents promise for days on which things go wrong."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import Moody, Start
from fastapi import FastAPI

from payments import db as db_module

CHARGE = ("POST", "/charges")
FIND = ("GET", "/charges")
REFUND = ("POST", "/refunds")
MAIL = ("POST", "/messages")


async def pay(client: httpx.AsyncClient, key: str, order: dict[str, Any]) -> httpx.Response:
    return await client.post("/payments", headers={"Idempotency-Key": key}, json=order)


async def eventually(condition: Callable[[], bool], seconds: float = 5) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


async def outcome(client: httpx.AsyncClient, payment_id: str) -> dict[str, Any]:
    async with asyncio.timeout(5):
        while True:
            payment: dict[str, Any] = (await client.get(f"/payments/{payment_id}")).json()
            if payment["status"] != "pending":
                return payment
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    "mood", ["reset", "lost", 503, 429, 500, b"{nonsense", b"[1]", b"x" * 10**6]
)
async def test_little_things_stay_inside(
    client: httpx.AsyncClient, provider: FastAPI, moody: Moody, order: dict[str, Any], mood: Any
) -> None:
    moody.moods[CHARGE] = [mood]
    response = await pay(client, "k1", order)

    assert response.status_code == 201
    assert len(provider.state.charges) == 1


async def test_copies_at_the_same_time(
    client: httpx.AsyncClient, provider: FastAPI, order: dict[str, Any]
) -> None:
    responses = await asyncio.gather(*(pay(client, "k1", order) for _ in range(20)))

    assert {r.status_code for r in responses} == {201}
    assert len({r.json()["id"] for r in responses}) == 1
    assert len(provider.state.charges) == 1


@pytest.mark.parametrize(
    "change", [{"amount": 1251}, {"card_token": "tok_other"}, {"description": None}]
)
async def test_key_with_another_body(
    client: httpx.AsyncClient, provider: FastAPI, order: dict[str, Any], change: dict[str, Any]
) -> None:
    await pay(client, "k1", order)

    assert (await pay(client, "k1", order | change)).status_code == 422
    assert len(provider.state.charges) == 1


async def test_wrong_request_is_not_repeated(
    client: httpx.AsyncClient, moody: Moody, order: dict[str, Any]
) -> None:
    moody.moods[CHARGE] = [422]
    first, second = await pay(client, "k1", order), await pay(client, "k1", order)

    assert [first.status_code, second.status_code] == [502, 502]
    assert first.json()["id"] == second.json()["id"]
    assert moody.count(*CHARGE) == 1


async def test_shop_comes_back_after_503(
    start: Start, provider: FastAPI, moody: Moody, order: dict[str, Any]
) -> None:
    async with start(answer_sec=0.4) as client:
        moody.moods[CHARGE] = [503] * 3
        first = await pay(client, "k1", order)
        moody.moods[CHARGE] = []
        second = await pay(client, "k1", order)

    assert first.status_code == 503
    assert first.headers["Retry-After"]
    assert second.status_code == 201
    assert len(provider.state.charges) == 1


async def test_slow_provider_is_202_and_then_an_outcome(
    start: Start, provider: FastAPI, moody: Moody, order: dict[str, Any]
) -> None:
    async with start(answer_sec=0.3) as client:
        moody.moods[CHARGE] = ["hang"]
        response = await pay(client, "k1", order)

        assert response.status_code == 202
        payment = response.json()
        assert payment["status"] == "pending"
        assert payment["rate"] is payment["amount_eur"] is payment["provider_charge_id"] is None
        assert (await outcome(client, payment["id"]))["status"] == "captured"
        assert (await pay(client, "k1", order)).status_code == 201
    assert len(provider.state.charges) == 1


async def test_no_answer_until_the_outcome_is_due(
    start: Start, provider: FastAPI, moody: Moody, order: dict[str, Any]
) -> None:
    async with start(answer_sec=0.2, outcome_sec=0.4) as client:
        moody.moods[CHARGE] = ["lost"] * 5
        moody.moods[FIND] = [503] * 2
        payment_id = (await pay(client, "k1", order)).json()["id"]

        assert (await outcome(client, payment_id))["status"] == "failed"
        # It is final, and the charge that comes to light later is given back.
        await eventually(lambda: len(provider.state.refunds) == 1)
        assert (await client.get(f"/payments/{payment_id}")).json()["status"] == "failed"
        assert (await pay(client, "k1", order)).json()["id"] == payment_id
    assert len(provider.state.charges) == 1


@pytest.mark.parametrize("mood", ["hang", "lost"])
async def test_restart_in_the_middle(
    start: Start, provider: FastAPI, mailer: FastAPI, moody: Moody, order: dict[str, Any], mood: str
) -> None:
    async with start(leave_sec=0.0) as client:
        moody.moods[CHARGE] = [mood] * 5
        request = asyncio.create_task(pay(client, "k1", order))
        await eventually(lambda: moody.count(*CHARGE) > 0)
    request.cancel()
    moody.moods.clear()

    async with start() as client:
        assert (await pay(client, "k1", order)).status_code == 201
        await eventually(lambda: len(provider.state.settled) == len(mailer.state.messages) == 1)
    assert len(provider.state.charges) == 1


async def test_mailer_is_away_for_a_while(
    client: httpx.AsyncClient, mailer: FastAPI, moody_mailer: Moody, order: dict[str, Any]
) -> None:
    moody_mailer.moods[MAIL] = [503, 500]
    for n in range(3):
        await pay(client, f"k{n}", order)

    await eventually(lambda: len(mailer.state.messages) == 3)
    await asyncio.sleep(0.3)
    assert len(mailer.state.messages) == 3


async def test_receipt_that_is_sent_again_as_we_leave_is_heard_of(
    start: Start, mailer: FastAPI, moody_mailer: Moody, order: dict[str, Any]
) -> None:
    async with start() as client:
        moody_mailer.moods[MAIL] = [503, "slow"]
        await pay(client, "k1", order)
        await eventually(lambda: moody_mailer.count(*MAIL) == 2)

    async with start():
        await asyncio.sleep(0.3)
    assert len(mailer.state.messages) == 1


async def test_receipt_in_doubt_is_not_sent_twice(
    client: httpx.AsyncClient, mailer: FastAPI, moody_mailer: Moody, order: dict[str, Any]
) -> None:
    moody_mailer.moods[MAIL] = ["lost"]
    await pay(client, "k1", order)

    await asyncio.sleep(0.8)
    assert len(mailer.state.messages) == 1


async def test_one_bad_charge_does_not_hold_up_settlement(
    client: httpx.AsyncClient, provider: FastAPI, order: dict[str, Any]
) -> None:
    await pay(client, "k0", order)
    provider.state.charges.clear()  # they do not know it any more
    payments = [(await pay(client, f"k{n}", order)).json() for n in range(1, 5)]

    wanted = {p["provider_charge_id"] for p in payments}
    await eventually(lambda: wanted <= set(provider.state.settled))


async def test_refunds_at_the_same_time(
    client: httpx.AsyncClient, provider: FastAPI, order: dict[str, Any]
) -> None:
    url = f"/payments/{(await pay(client, 'k1', order)).json()['id']}/refunds"
    responses = await asyncio.gather(*(client.post(url, json={"amount": 400}) for _ in range(6)))

    assert sorted(r.status_code for r in responses) == [201] * 3 + [409] * 3
    assert sum(r["amount"] for r in provider.state.refunds.values()) == 1200


async def test_shop_comes_back_for_a_refund(
    start: Start, provider: FastAPI, moody: Moody, order: dict[str, Any]
) -> None:
    async with start(answer_sec=0.3) as client:
        url = f"/payments/{(await pay(client, 'k1', order)).json()['id']}/refunds"
        moody.moods[REFUND] = ["lost", "lost"]
        first = await client.post(url, json={"amount": 400})
        again = await client.post(url, json={"amount": 400})
        another = await client.post(url, json={"amount": 400})

    assert [first.status_code, again.status_code, another.status_code] == [504, 201, 201]
    assert again.json()["id"] != another.json()["id"]
    assert len(provider.state.refunds) == 2


async def test_tokens_are_not_told_and_forgotten(
    start: Start,
    moody: Moody,
    mailer: FastAPI,
    tmp_path: Path,
    order: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(db_module, "_CHECKPOINT_SEC", 0.05)
    caplog.set_level(logging.DEBUG)
    secret = "tok_secret_4242"
    async with start() as client:
        moody.moods[CHARGE] = ["reset", 503]
        answers = [
            await pay(client, "k1", order | {"card_token": secret}),
            await pay(client, "k2", order | {"card_token": secret, "amount": 0}),
            await pay(client, "k3", order | {"card_token": secret * 20}),
            await client.post(
                "/payments", headers={"Idempotency-Key": "k4"}, content=f'{{"card_token":"{secret}'
            ),
        ]
        await eventually(lambda: len(mailer.state.messages) == 1)
        await asyncio.sleep(0.3)
        files = b"".join(path.read_bytes() for path in tmp_path.iterdir())

    assert [a.status_code for a in answers] == [201, 422, 422, 422]
    assert secret.encode() not in files
    assert secret not in caplog.text
    assert secret not in str(mailer.state.messages) + "".join(a.text for a in answers)


async def test_database_of_the_version_before(
    start: Start, provider: FastAPI, mailer: FastAPI, tmp_path: Path, order: dict[str, Any]
) -> None:
    provider.state.charges["ch_old"] = {"reference": "pay_old", "charge_id": "ch_old"}
    old = sqlite3.connect(tmp_path / "payments.db")
    old.executescript(
        """
        CREATE TABLE payments (
            seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
            merchant_id TEXT NOT NULL, amount INTEGER NOT NULL, currency TEXT NOT NULL,
            amount_eur INTEGER NOT NULL, rate TEXT NOT NULL, status TEXT NOT NULL,
            customer_email TEXT NOT NULL, provider_charge_id TEXT, description TEXT,
            created_at TEXT NOT NULL, settled_at TEXT, settlement_batch TEXT);
        CREATE TABLE replies (key TEXT PRIMARY KEY, payment_id TEXT NOT NULL,
            status_code INTEGER NOT NULL, body TEXT NOT NULL, created_at TEXT NOT NULL);
        CREATE TABLE refunds (id TEXT PRIMARY KEY, payment_id TEXT NOT NULL,
            amount INTEGER NOT NULL, amount_eur INTEGER NOT NULL,
            provider_refund_id TEXT NOT NULL, created_at TEXT NOT NULL);
        INSERT INTO payments VALUES (7, 'pay_old', 'm_bakery', 1250, 'CHF', 1302, '1.0417',
            'captured', 'ana@example.com', 'ch_old', 'Order 1001', '2026-10-01T10:00:00.000Z',
            NULL, NULL);
        INSERT INTO refunds VALUES ('ref_old', 'pay_old', 1000, 1042, 're_old', '2026-10-01');
        INSERT INTO replies VALUES ('k-old', 'pay_old', 201, '{}', '2026-10-01');
        """
    )
    old.close()

    async with start() as client:
        again = await pay(client, "k-old", order)
        reused = await pay(client, "k-old", order | {"amount": 1})
        await eventually(lambda: "ch_old" in provider.state.settled)
        refunds = [
            await client.post("/payments/pay_old/refunds", json={"amount": amount})
            for amount in (251,)
        ]
        await pay(client, "k-new", order)
        listed = (await client.get("/payments")).json()["items"]

    assert (again.status_code, again.json()["id"], reused.status_code) == (201, "pay_old", 422)
    assert refunds[0].status_code == 409
    assert len(provider.state.charges) == 2
    assert [p["rate"] for p in listed] == ["1.0417", "1.0417"]
    assert len(mailer.state.messages) == 1  # not for the old one: nobody knows if it was sent


async def test_too_many_are_turned_away_at_once(
    start: Start, provider: FastAPI, moody: Moody, order: dict[str, Any]
) -> None:
    async with start(answer_sec=0.5, leave_sec=0.5) as client:
        moody.moods[CHARGE] = ["hang"] * 500
        responses = await asyncio.gather(*(pay(client, f"k{n}", order) for n in range(150)))

    # Nine were sent; the others were told to come back, most of them at once.
    assert sum(r.status_code == 202 for r in responses) <= 10
    assert sum(r.status_code == 503 for r in responses) >= 140
    assert sum(r.text.count("too many") for r in responses) > 50


async def test_rate_follows_the_provider(
    client: httpx.AsyncClient, moody: Moody, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("payments.rates.REFRESH_AFTER_SEC", 0.1)
    monkeypatch.setattr("payments.rates.LOOKUPS_PER_SEC", 10.0)
    quotes = []
    for n in range(20):
        if n == 10:
            moody.moods["GET", "/rates/USD"] = ["hang", 503]
        quotes.append((await client.get("/rates/USD")).status_code)
        await asyncio.sleep(0.02)

    assert set(quotes) == {200}
    assert moody.count("GET", "/rates/USD") <= 6


@pytest.mark.parametrize("cursor", ["%ff", "abc", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5", "LTE"])
async def test_foreign_cursor(client: httpx.AsyncClient, cursor: str) -> None:
    assert (await client.get(f"/payments?cursor={cursor}")).status_code == 422
