"""The process as the platform runs it: started, stopped, killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import eventually
from fakes import Fake

Start = Callable[[], tuple[subprocess.Popen[bytes], httpx.Client]]


@pytest.fixture
def start(tmp_path: Path, provider: Fake, mailer: Fake) -> Iterator[Start]:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    env = os.environ | {
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "DATA_DIR": str(tmp_path),
        "PROVIDER_URL": provider.url,
        "MAILER_URL": mailer.url,
    }
    started = []

    def begin() -> tuple[subprocess.Popen[bytes], httpx.Client]:
        process = subprocess.Popen(
            [sys.executable, "-m", "payments"],
            env=env,
            cwd=Path(__file__).parent.parent,
            stdout=subprocess.DEVNULL,
        )
        client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=5, trust_env=False)
        started.append(process)

        def ready() -> bool:
            try:
                return client.get("/readyz").status_code == 200
            except httpx.TransportError:
                return False

        eventually(ready, within=15)
        return process, client

    yield begin
    for process in started:
        process.kill()
        process.wait()


def pay(client: httpx.Client, key: str, order: dict[str, Any]) -> httpx.Response | None:
    try:
        return client.post("/payments", headers={"Idempotency-Key": key}, json=order)
    except httpx.TransportError:
        return None


def test_killed_with_payments_under_way(
    start: Start, provider: Fake, mailer: Fake, order: dict[str, Any]
) -> None:
    order |= {"currency": "EUR"}
    process, client = start()
    hangs = {0: "hang", 1: "hang_after"}
    provider.rule = lambda m, p, b, n: hangs.get(n % 3) if (m, p) == ("POST", "/charges") else None
    with ThreadPoolExecutor(12) as pool:
        # Three wait so long that they are taken on (202), then nine more are cut off.
        first = list(pool.map(lambda n: pay(client, f"k{n}", order), range(3)))
        rest = [pool.submit(pay, client, f"k{n}", order) for n in range(3, 12)]
        time.sleep(0.4)
        process.kill()
    provider.rule = lambda *_: None
    provider.release.set()

    process, client = start()

    accepted = [a.json()["id"] for a in first if a is not None and a.status_code == 202]
    for payment_id in accepted:
        eventually(lambda: client.get(f"/payments/{payment_id}").json()["status"] == "captured", 10)
    assert rest
    for n in range(12):
        eventually(lambda: (a := pay(client, f"k{n}", order)) and a.status_code == 201)
    items = client.get("/payments", params={"limit": 100}).json()["items"]
    assert len(items) == 12
    assert {i["provider_charge_id"] for i in items} == set(provider.charges)
    assert max(provider.sent("/charges").values()) <= 5 + 5  # the shops came back
    eventually(lambda: set(provider.settled) == set(provider.charges))
    eventually(lambda: len(mailer.messages) == 12)
    assert len({m["body"] for m in mailer.messages}) == 12


def test_terminated_with_payments_under_way(
    start: Start, provider: Fake, order: dict[str, Any]
) -> None:
    process, client = start()
    provider.latency = 1.0
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(pay, client, f"k{n}", order) for n in range(8)]
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        statuses = [a.status_code if (a := f.result()) is not None else 0 for f in answers]
    assert statuses == [201] * 8
    assert process.wait(timeout=10) == 0
    assert len(provider.charges) == 8
