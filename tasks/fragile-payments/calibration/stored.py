"""Writes `tests/stored.sql`: a database as the original leaves it when its machine is lost.

Run once, in the root of the checkout; the file is kept, since times and ids differ with each run::

    python tasks/fragile-payments/calibration/stored.py > tasks/fragile-payments/tests/stored.sql
"""

# ruff: noqa: T201 - the dump goes to standard output

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import sys
import tempfile
from pathlib import Path
from typing import Any

TASK = Path(__file__).parents[1]
sys.path.insert(0, str(TASK / "tests"))

from provider import Mailer, Provider  # noqa: E402 - found by the line above

from harness.checks import Upstream, fetch  # noqa: E402

PORT = 18431
SETTLED_AFTER_SEC = 4.0
"""The original settles every 3 seconds."""


async def main() -> None:
    """Some payments and refunds, a settlement, some more payments, and SIGKILL."""
    upstreams = Upstream("provider"), Upstream("mailer")
    for upstream in upstreams:
        await upstream.open()
    provider = Provider(upstreams[0], random.Random(1002), slots=10)
    Mailer(upstreams[1])
    with tempfile.TemporaryDirectory() as folder:
        urls = [f"http://{upstream.address}" for upstream in upstreams]
        names = ("HOST", "PORT", "DATA_DIR", "PROVIDER_URL", "MAILER_URL")
        values = ("127.0.0.1", str(PORT), folder, *urls)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "payments"),
            cwd=TASK / "environment" / "repo",
            env=os.environ | dict(zip(names, values, strict=True)),
            stdout=sys.stderr,
        )
        while (await _send("GET", "/readyz")).status != 200:  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.1)
        await _business(provider)
        process.kill()
        await process.wait()
        with sqlite3.connect(Path(folder) / "payments.db") as db:
            print(
                "-- A database as the original leaves it when its machine is lost; written by "
                "calibration/stored.py."
            )
            print("\n".join(db.iterdump()))


async def _business(provider: Provider) -> None:
    whole = await _pay("bread-1", "m_bakery", 1250, "CHF", "Order 1001")
    part = await _pay("bread-2", "m_bakery", 90_000, "GBP", 'O\'Neill "Café" №2; -- 50%')
    await _pay("bread-3", "m_bakery", 1, "JPY", None)
    provider.declined.add("tok_declined")
    await _pay("bread-4", "m_bakery", 777, "USD", "Order 1004", token="tok_declined")
    await _pay("book-1 a/b?c", "m_books", 500_000, "USD", "x" * 200)
    for payment, amount in ((whole, 250), (whole, 1000), (part, 30_001), (part, 20_000)):
        await _send("POST", f"/payments/{payment}/refunds", {"amount": amount})
    # 2026-09-19: two requests with one key, both under way
    barrier = provider.hold("tok_twice")
    twice = [
        asyncio.create_task(_pay("book-2", "m_books", 1999, "EUR", "Twice", token="tok_twice"))
        for _ in range(2)
    ]
    await barrier.arrived(2, timeout_sec=5)
    barrier.release()
    await asyncio.gather(*twice)
    await asyncio.sleep(SETTLED_AFTER_SEC)
    for number in range(3):
        await _pay(f"bread-{5 + number}", "m_bakery", 333 + number, "CHF", f"Late {number}")
    await _pay("book-3", "m_books", 4999, "GBP", "Late")
    late = await _pay("book-4", "m_books", 2500, "EUR", None)
    await _send("POST", f"/payments/{late}/refunds", {"amount": 500})


async def _pay(
    key: str,
    merchant: str,
    amount: int,
    currency: str,
    description: str | None,
    *,
    token: str = "tok_visa",
) -> object:
    body: dict[str, Any] = {
        "merchant_id": merchant,
        "amount": amount,
        "currency": currency,
        "card_token": token,
        "customer_email": "ana@example.com",
    }
    if description is not None:
        body["description"] = description
    return (await _send("POST", "/payments", body, key=key)).object().get("id")


async def _send(method: str, path: str, body: object = None, *, key: str = "") -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return await fetch(f"127.0.0.1:{PORT}", method, path, body=body, headers=headers)


asyncio.run(main())
