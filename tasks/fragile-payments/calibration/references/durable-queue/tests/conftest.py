"""The service with the devstack behind it: real sockets, so deadlines and resets are real too."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI
from starlette.testclient import TestClient

from devstack.mailer import create_mailer
from devstack.provider import create_provider
from payments.app import create_app
from payments.config import Settings


class Faults:
    """Sits before an upstream. `rule(method, path, count)` says what to do with a call:

    None (let it pass), a status, "reset" (before the call is carried out), "lost" (carried
    out, answer never comes), "hang" (neither) or "drip" (a byte of the head now and then).
    """

    def __init__(self, app: Any) -> None:
        self.app = app
        self.rule: Callable[[str, str, int], Any] = lambda method, path, count: None
        self.calls: list[tuple[str, str]] = []
        self.retry_after = "0"

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        import asyncio

        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        call = (scope["method"], scope["path"])
        self.calls.append(call)
        fault = self.rule(*call, self.calls.count(call))
        if isinstance(fault, int):
            headers = [(b"retry-after", self.retry_after.encode())]
            await send({"type": "http.response.start", "status": fault, "headers": headers})
            await send({"type": "http.response.body", "body": b'{"error": "x"}'})
            return
        if fault == "reset":
            raise ConnectionResetError  # uvicorn answers 500: in doubt as well
        if fault == "hang":
            await asyncio.sleep(30)
        if fault == "lost":

            async def swallow(message: Any) -> None:
                await asyncio.sleep(30)

            return await self.app(scope, receive, swallow)
        if fault == "drip":
            await send({"type": "http.response.start", "status": 201, "headers": []})
            for _ in range(100):
                await send({"type": "http.response.body", "body": b" ", "more_body": True})
                await asyncio.sleep(0.2)
        await self.app(scope, receive, send)


@contextmanager
def serving(app: Any) -> Iterator[str]:
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=0)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{sock.getsockname()[1]}"
    server.should_exit = True
    thread.join(3)


def eventually(condition: Callable[[], Any], seconds: float = 5.0) -> Any:
    until = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < until, "did not happen"
        time.sleep(0.02)
    return result


@pytest.fixture
def provider() -> FastAPI:
    return create_provider(0.01)


@pytest.fixture
def mailer() -> FastAPI:
    return create_mailer()


@pytest.fixture
def provider_faults(provider: FastAPI) -> Faults:
    return Faults(provider)


@pytest.fixture
def mailer_faults(mailer: FastAPI) -> Faults:
    return Faults(mailer)


@pytest.fixture
def settings(
    tmp_path: Path, provider_faults: Faults, mailer_faults: Faults
) -> Iterator[Settings]:
    with serving(provider_faults) as provider_url, serving(mailer_faults) as mailer_url:
        yield Settings(
            data_dir=tmp_path,
            provider_url=provider_url,
            mailer_url=mailer_url,
            settlement_interval_sec=0.05,
            charge_timeout_sec=1.0,
            answer_wait_sec=0.6,
            payment_deadline_sec=4.0,
        )


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(settings)) as client:
        eventually(lambda: client.get("/rates/CHF").status_code == 200)
        yield client


@pytest.fixture
def order() -> dict[str, Any]:
    return {
        "merchant_id": "m_bakery",
        "amount": 1250,
        "currency": "CHF",
        "card_token": "tok_visa",
        "customer_email": "ana@example.com",
        "description": "Order 1001",
    }
