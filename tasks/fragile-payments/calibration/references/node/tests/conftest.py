"""The service as a process of its own, between a provider and a mailer that we can break."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest

from tests.stubs import Mailer, Provider

ROOT = Path(__file__).parent.parent
ORDER = {
    "merchant_id": "m_bakery",
    "amount": 1250,
    "currency": "CHF",
    "card_token": "tok_visa_secret",
    "customer_email": "ana@example.com",
    "description": "Order 1001",
}


def eventually(condition: Callable[[], Any], seconds: float = 6.0) -> Any:
    end = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < end, "it did not become true"
        time.sleep(0.03)
    return result


_used: set[int] = set()
_lock = threading.Lock()


def free_port() -> int:
    """A port for a service; of those in TEST_PORTS ("21000-21099"), if that is set."""
    low, high = (int(p) for p in os.environ.get("TEST_PORTS", "0-0").split("-"))
    with _lock:
        if len(_used) > (high - low) // 2:
            _used.clear()
        for port in range(low, high + 1):
            if port in _used:
                continue
            with socket.socket() as s:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    s.bind(("127.0.0.1", port))
                except OSError:
                    continue
                found = int(s.getsockname()[1])
            if port:
                _used.add(found)
            return found
    raise RuntimeError("no free port")
class Service:
    def __init__(self, data_dir: Path, provider: Provider, mailer: Mailer) -> None:
        self.data_dir = data_dir
        self.provider = provider
        self.mailer = mailer
        self.log_path = data_dir.parent / "service.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Service:
        port = free_port()
        env = os.environ | {
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "DATA_DIR": str(self.data_dir),
            "PROVIDER_URL": self.provider.url,
            "MAILER_URL": self.mailer.url,
            "SETTLEMENT_INTERVAL_MS": "300",
        }
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "payments"], cwd=ROOT, env=env, stdout=log, stderr=log
            )
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10)
        eventually(self._ready, 10)
        return self

    def _ready(self) -> bool:
        try:
            return self.http.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        assert self.process
        self.http.close()
        self.process.send_signal(how)
        return self.process.wait(15)

    def clean_up(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait(15)

    def kill(self) -> None:
        self.stop(signal.SIGKILL)

    @property
    def log(self) -> str:
        return self.log_path.read_text()

    def pay(self, key: str | None = "k1", **change: Any) -> httpx.Response:
        headers = {"Content-Type": "application/json"}
        if key is not None:
            headers["Idempotency-Key"] = key
        return self.http.post("/payments", headers=headers, content=json.dumps(ORDER | change))

    def pay_at_once(self, keys: list[str], **change: Any) -> list[httpx.Response]:
        with ThreadPoolExecutor(len(keys)) as pool:
            return list(pool.map(lambda key: self.pay(key, **change), keys))

    def get(self, payment_id: str) -> dict[str, Any]:
        payment: dict[str, Any] = self.http.get(f"/payments/{payment_id}").json()
        return payment

    def outcome(self, payment_id: str, seconds: float = 15.0) -> str:
        eventually(lambda: self.get(payment_id)["status"] != "pending", seconds)
        return str(self.get(payment_id)["status"])

    def balance(self) -> dict[str, Any]:
        balance: dict[str, Any] = self.http.get("/merchants/m_bakery/balance").json()
        return balance

    def check_books(self) -> None:
        """Finance's three lists."""
        items: list[dict[str, Any]] = []
        cursor: dict[str, str] = {}
        while True:
            page = self.http.get("/payments", params={"limit": 100, **cursor}).json()
            items += page["items"]
            if page["next_cursor"] is None:
                break
            cursor = {"cursor": page["next_cursor"]}
        captured = [p["provider_charge_id"] for p in items if p["status"] == "captured"]
        assert sorted(captured) == sorted(self.provider.charges)
        eventually(lambda: set(captured) == set(self.provider.settled))
        eventually(lambda: len(self.mailer.messages) >= len(captured))
        assert len(self.mailer.messages) == len(captured)


@pytest.fixture
def provider() -> Iterator[Provider]:
    stub = Provider()
    stub.start()
    yield stub
    stub.stop()


@pytest.fixture
def mailer() -> Iterator[Mailer]:
    stub = Mailer()
    stub.start()
    yield stub
    stub.stop()


@contextmanager
def running_service() -> Iterator[Service]:
    with TemporaryDirectory() as directory:
        provider, mailer = Provider(), Mailer()
        provider.start()
        mailer.start()
        service = Service(Path(directory) / "data", provider, mailer)
        try:
            yield service.start()
        finally:
            service.clean_up()
            provider.stop()
            mailer.stop()


@pytest.fixture
def service() -> Iterator[Service]:
    with running_service() as service:
        yield service
