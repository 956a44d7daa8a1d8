"""A provider and a mailer on real sockets that can be told to have a bad day.

`rule` is asked for each call, `rule(method, path, body, n)` with n = how many calls of this
kind there were before; it returns what to do instead of a good answer:

    ("status", 503, {"Retry-After": "1"})   answer this, nothing is carried out
    "reset", "reset_after"                  close the connection before or after carrying it out
    "hang", "hang_after"                    no answer before `release` is set
    "drip", "garbage", "huge"               carried out, with an answer that is no use
    ("slow", 1.5)                           a good answer, after this many seconds
"""

from __future__ import annotations

import json
import re
import socket
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Rule = Callable[[str, str, dict[str, Any], int], Any]


class Fake(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, port: int = 0, latency: float = 0.0, at_a_time: int = 10) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.latency = latency
        self.slots = threading.Semaphore(at_a_time)
        self.lock = threading.Lock()
        self.rule: Rule = lambda *_: None
        self.release = threading.Event()
        self.calls: list[tuple[float, str, str, dict[str, Any]]] = []
        self.at_once = self.most_at_once = 0
        self.charges: dict[str, dict[str, Any]] = {}
        self.refunds: dict[str, dict[str, Any]] = {}
        self.settled: Counter[str] = Counter()
        self.by_key: dict[str, tuple[int, Any]] = {}
        self.rates = {"USD": "0.9184", "GBP": "1.1652", "CHF": "1.0417", "JPY": "0.6135"}
        self.messages: list[dict[str, str]] = []
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def sent(self, prefix: str) -> Counter[str]:
        """How often each payment (or refund) was sent."""
        return Counter(b["reference"] for _, m, p, b in self.calls if m == "POST" and p == prefix)

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass

    def answer(self, method: str, path: str, body: dict[str, Any], key: str) -> tuple[int, Any]:
        with self.lock:
            if key and key in self.by_key:
                return self.by_key[key]
            status, answer = self._carry_out(method, path, body)
            if key:
                self.by_key[key] = (status, answer)
            return status, answer

    def _carry_out(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        url = urlsplit(path)
        if (method, url.path) == ("POST", "/charges"):
            if body["card_token"] == "tok_declined":
                return 402, {"error": "card_declined"}
            charge = {"charge_id": f"ch_{uuid.uuid4().hex[:16]}", "status": "captured"}
            charge |= {k: body[k] for k in ("reference", "amount", "currency")}
            self.charges[charge["charge_id"]] = charge
            return 201, charge
        if (method, url.path) == ("GET", "/charges"):
            reference = parse_qs(url.query)["reference"][0]
            return 200, {
                "charges": [c for c in self.charges.values() if c["reference"] == reference]
            }
        if (method, url.path) == ("POST", "/refunds"):
            if body["charge_id"] not in self.charges:
                return 404, {"error": "unknown_charge"}
            refund = {"refund_id": f"re_{uuid.uuid4().hex[:16]}"}
            refund |= {k: body[k] for k in ("charge_id", "amount")}
            self.refunds[refund["refund_id"]] = refund
            return 201, refund
        if (method, url.path) == ("POST", "/settlements"):
            if any(c not in self.charges for c in body["charge_ids"]):
                return 404, {"error": "unknown_charge"}
            self.settled.update(body["charge_ids"])
            return 200, {"batch_id": "ba_1", "settled": body["charge_ids"]}
        if found := re.fullmatch(r"/rates/([A-Z]{3})", url.path):
            if found[1] not in self.rates:
                return 404, {"error": "unknown_currency"}
            return 200, {
                "currency": found[1],
                "rate": self.rates[found[1]],
                "published_at": "2026-09-14T17:00:00.000Z",
            }
        if (method, url.path) == ("POST", "/messages"):
            self.messages.append(body)
            return 202, {"status": "accepted"}
        return 404, {"error": "what?"}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Fake

    def do_GET(self) -> None:
        self._handle()

    do_POST = do_GET

    def log_message(self, *args: Any) -> None:
        pass

    def _handle(self) -> None:
        fake = self.server
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else {}
        with fake.lock:
            path = self.path.split("?")[0]
            before = sum(1 for _, m, p, _ in fake.calls if (m, p) == (self.command, path))
            fake.calls.append((time.monotonic(), self.command, path, body))
            fake.at_once += 1
            fake.most_at_once = max(fake.most_at_once, fake.at_once)
        try:
            self._act(fake.rule(self.command, path, body, before), body)
        finally:
            with fake.lock:
                fake.at_once -= 1

    def _act(self, action: Any, body: dict[str, Any]) -> None:
        fake = self.server
        kind, *rest = action if isinstance(action, tuple) else (action,)
        if kind == "hang":
            fake.release.wait(60)
            return self._cut()
        if kind == "reset":
            return self._cut()
        if kind == "status":
            return self._send(rest[0], {"error": "not now"}, rest[1] if len(rest) > 1 else {})
        with fake.slots:
            time.sleep(rest[0] if kind == "slow" else fake.latency)
        status, answer = fake.answer(
            self.command, self.path, body, self.headers.get("Idempotency-Key", "")
        )
        if kind == "hang_after":
            fake.release.wait(60)
            return self._cut()
        if kind == "reset_after":
            return self._cut()
        if kind == "garbage":
            return self._send_bytes(status, b'{"charge_id": ')
        if kind == "huge":
            return self._send_bytes(status, b" " * 3_000_000)
        if kind == "drip":
            self.send_response(status)
            self.send_header("Content-Length", "100000")
            self.end_headers()
            for _ in range(100):
                self.wfile.write(b" ")
                if fake.release.wait(0.3):
                    break
            return self._cut()
        self._send(status, answer, {})

    def _send(self, status: int, body: Any, headers: dict[str, str]) -> None:
        self._send_bytes(status, json.dumps(body).encode(), headers)

    def _send_bytes(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _cut(self) -> None:
        self.close_connection = True
        linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()
