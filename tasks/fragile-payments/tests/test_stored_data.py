"""Does the service go on with a database of the version before it?"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from findings import Findings
from provider import Mailer, Provider
from shop import Order, Shop, decimal, flat

from harness.checks import Contract, Measure, Response, check

DUMP = Path(__file__).with_name("stored.sql")
"""Written by the original, see `calibration/stored.py`: payments of all kinds, two of them under
one key, some settled, some given back."""
PAGE = 3
LOOK_SEC = 0.1
TWICE_SEC = 1.0
"""How long to wait for second receipts after everything else."""


@check(
    id="regression.stored-data",
    family="regression",
    dimension="verification",
    weight=2,
    shows="What the version before has stored is all still there, keys and refunds included, and "
    "payments that it left unsettled get settled; nobody gets a second receipt for the others.",
    derived_from="It may hold a database written by the present version. [...] Every captured "
    "payment has one receipt. Late is all right, twice is not",
    control="The database was written by the original; the provider knows its charges and refunds.",
    long=True,
)
async def test_stored_data(
    shop: Shop, provider: Provider, mailer: Mailer, contract: Contract, measure: Measure
) -> None:
    """The service starts on the original's database and is asked for everything in it."""
    await shop.check_stub()
    books = Books(provider)
    await shop.sut.kill()
    await shop.sut.put_data({"payments.db": books.file()})
    await shop.sut.restart()
    until = time.monotonic() + contract["outage_recovery_sec"]
    found = Findings()
    for payment in books.payments:
        _same(found, payment, await shop.show(payment["id"]))
    for merchant in books.merchants:
        await _list(found, shop, books, merchant)
        await _balance(found, shop, books, merchant)
    await _keys(found, shop, provider, books)
    await _refunds(found, shop, provider, books)
    order = shop.order()
    payment = await shop.final(await shop.pay(order))
    found.holds("a new payment goes through", shop.captured(order, payment))
    unsettled = await _unsettled(found, shop, provider, books, until)
    await asyncio.sleep(TWICE_SEC)
    done = [row["customer_email"] for row in books.captured() if row["settled_at"]]
    again = sum(len(mailer.to(address)) for address in done)
    found.expect("receipts for payments of before that were settled then", again, 0)
    found.record(measure)
    measure(
        "captured payments of before that were not settled",
        unsettled,
        at_most=0,
        partly_at_most=len(books.payments),
    )


class Books:
    """What is stored, with charges and refunds that this run's provider knows."""

    def __init__(self, provider: Provider) -> None:
        sql = DUMP.read_text("utf-8")
        self._db = _loaded(sql)
        for row in self.captured():
            charge = provider.ledger.apply(
                "charge",
                prefix="ch_",
                reference=row["id"],
                amount=row["amount"],
                currency=row["currency"],
                token=f"tok_of_{row['id']}",
            )
            sql = sql.replace(row["provider_charge_id"], charge.id)
            for refund in self._rows("SELECT * FROM refunds WHERE payment_id = ?", row["id"]):
                effect = provider.ledger.apply(
                    "refund", prefix="re_", charge_id=charge.id, amount=refund["amount"]
                )
                sql = sql.replace(refund["provider_refund_id"], effect.id)
        self._db = _loaded(sql)
        with self._db:  # they were all of one customer
            self._db.execute("UPDATE payments SET customer_email = id || '@example.com'")
        self.payments = self._rows("SELECT * FROM payments ORDER BY seq DESC")
        """Newest first."""
        self.merchants = sorted({payment["merchant_id"] for payment in self.payments})

    def file(self) -> bytes:
        """As the service finds it."""
        return self._db.serialize()

    def captured(self, merchant: str = "%") -> list[dict[str, Any]]:
        """Payments that were charged."""
        where = "status = 'captured' AND merchant_id LIKE ?"
        return self._rows(f"SELECT * FROM payments WHERE {where}", merchant)

    def replies(self) -> list[dict[str, Any]]:
        """Each key with its payment and the status that was answered."""
        joined = "replies JOIN payments ON id = payment_id"
        return self._rows(f"SELECT key, status_code, payments.* FROM {joined}")

    def refunds(self, column: str, value: str) -> list[dict[str, Any]]:
        """Refunds of the payments whose column has this value."""
        joined = "refunds JOIN payments ON payments.id = payment_id"
        return self._rows(f"SELECT refunds.* FROM {joined} WHERE payments.{column} = ?", value)

    def _rows(self, sql: str, *values: object) -> list[dict[str, Any]]:
        return [dict(row) for row in self._db.execute(sql, values)]


def _loaded(sql: str) -> sqlite3.Connection:
    db = sqlite3.connect(":memory:")
    db.row_factory = sqlite3.Row
    db.executescript(sql)
    return db


def _same(found: Findings, stored: dict[str, Any], reply: Response) -> None:
    """The payment is as it was, however its rate and its time are written now."""
    shown, id_ = flat(reply), stored["id"]
    names = ["id", "status", "merchant_id", "amount", "currency", "description"]
    if stored["status"] == "captured":
        names += ["amount_eur", "provider_charge_id"]
        found.expect(f"rate of {id_}", decimal(shown.get("rate")), decimal(stored["rate"]))
    for name in names:
        found.expect(f"{name} of {id_}", shown.get(name), stored[name])
    found.expect(f"created_at of {id_}", _moment(shown), _moment(stored))


def _moment(payment: dict[str, Any]) -> datetime | None:
    try:
        return datetime.fromisoformat(str(payment.get("created_at")))
    except ValueError:
        return None


async def _list(found: Findings, shop: Shop, books: Books, merchant: str) -> None:
    seen: list[object] = []
    cursor: object = ""
    while isinstance(cursor, str) and len(seen) <= len(books.payments):
        following = f"&cursor={quote(cursor, safe='')}" if cursor else ""
        reply = await shop.sut.get(f"/payments?merchant_id={merchant}&limit={PAGE}{following}")
        items = reply.object().get("items")
        items = items if isinstance(items, list) else []
        page = [item.get("id") for item in items if isinstance(item, dict)]
        seen += page
        cursor = reply.object().get("next_cursor") if page else None
    wanted = [payment["id"] for payment in books.payments if payment["merchant_id"] == merchant]
    found.expect(f"list of {merchant}, newest first", seen, wanted)


async def _balance(found: Findings, shop: Shop, books: Books, merchant: str) -> None:
    balance = (await shop.sut.get(f"/merchants/{merchant}/balance")).object()
    wanted = {
        "captured_eur": books.captured(merchant),
        "refunded_eur": books.refunds("merchant_id", merchant),
    }
    for name, rows in wanted.items():
        total = sum(row["amount_eur"] for row in rows)
        found.expect(f"{name} of {merchant}", balance.get(name), total)


async def _keys(found: Findings, shop: Shop, provider: Provider, books: Books) -> None:
    """Each key is sent again, as by a shop that has not heard us the first time."""
    for stored in books.replies():
        fields = ("merchant_id", "amount", "currency", "customer_email", "description")
        order = Order(stored["key"], shop.order(**{name: stored[name] for name in fields}).body)
        reply = await shop.pay(order)
        found.expect(f"answer to key {order.key}", reply.status, stored["status_code"])
        found.expect(f"payment of key {order.key}", flat(reply).get("id"), stored["id"])
        found.expect(f"charges sent for key {order.key}", len(provider.attempts(order.token)), 0)


async def _refunds(found: Findings, shop: Shop, provider: Provider, books: Books) -> None:
    """One more than is left of a payment is too much, and what is left can be given back."""
    for stored in books.payments:
        path = f"/payments/{stored['id']}/refunds"
        back = sum(refund["amount"] for refund in books.refunds("id", stored["id"]))
        left = stored["amount"] - back if stored["status"] == "captured" else 0
        reply = await shop.sut.post(path, {"amount": left + 1})
        found.expect(f"one too much back of {stored['id']}", reply.status, 409)
        if back and left:
            reply = await shop.sut.post(path, {"amount": left})
            found.expect(f"the rest back of {stored['id']}", reply.status, 201)
            effects = provider.ledger.find("refund", charge_id=stored["provider_charge_id"])
            total = sum(effect.facts["amount"] for effect in effects)
            found.expect("given back at the provider in all", total, stored["amount"])


async def _unsettled(
    found: Findings, shop: Shop, provider: Provider, books: Books, until: float
) -> int:
    """How many captured payments nobody has settled; when none, the balances say so soon."""
    waiting = [row["provider_charge_id"] for row in books.captured() if not row["settled_at"]]
    await provider.upstream.until(
        lambda: all(map(provider.settlements, waiting)),
        timeout_sec=max(0.0, until - time.monotonic()),
    )
    if not all(map(provider.settlements, waiting)):
        return [provider.settlements(id_) for id_ in waiting].count(0)
    for merchant in books.merchants:
        total = sum(row["amount_eur"] for row in books.captured(merchant))
        while True:
            balance = await shop.sut.get(f"/merchants/{merchant}/balance")
            settled = balance.object().get("settled_eur")
            if settled == total or time.monotonic() > until:
                break
            await asyncio.sleep(LOOK_SEC)
        found.expect(f"settled_eur of {merchant} in the end", settled, total)
    return 0
