"""A provider and a mailer on real sockets, with good days and bad days.

`stub.faults["POST /charges"]` is a list of what happens to the next calls, one each;
`stub.always["POST /charges"]` is what happens to every call while it is set. Faults:

    "reset"         the connection breaks before anything is done
    "reset-after"   ... after it was done
    "hang"          nothing is done and nothing is answered (until `stub.release()`)
    "hang-after"    it is done, but not answered
    "drip"          it is done, and the answer comes a byte at a time
    "garbage"       it is done, and the answer is not JSON
    "huge"          it is done, and the answer never ends
    503, (503, 2)   that status, with that many seconds in Retry-After
"""

from __future__ import annotations

import itertools
import json
import socket
import struct
import threading
import time
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

_ids = itertools.count(1)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Broken connections are what this is about."""


class Stub:
    def __init__(self) -> None:
        self.latency = 0.0
        self.faults: dict[str, list[Any]] = defaultdict(list)
        self.always: dict[str, Any] = {}
        self.calls: list[tuple[float, str, Any, dict[str, str]]] = []
        self.lock = threading.Lock()
        self.active = self.most_active = 0
        self.places: threading.Semaphore | None = None
        self._released = threading.Event()
        self._server: Server | None = None
        self.port = 0

    # -- for tests ---------------------------------------------------------------

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def count(self, call: str) -> int:
        return sum(1 for _, name, _, _ in self.calls if name == call)

    def release(self) -> None:
        """Let go of the calls that hang."""
        self._released.set()
        self._released = threading.Event()

    def start(self, port: int = 0) -> Stub:
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                stub.serve(self)

            do_POST = do_GET

            def log_message(self, *args: Any) -> None:
                pass

        self._server = Server(("127.0.0.1", port or self.port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def stop(self) -> None:
        self.release()
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    # -- serving -----------------------------------------------------------------

    def serve(self, http: BaseHTTPRequestHandler) -> None:
        split = urlsplit(http.path)
        raw = http.rfile.read(int(http.headers.get("Content-Length") or 0))
        body = json.loads(raw) if raw else {k: v[0] for k, v in parse_qs(split.query).items()}
        if self._server is None:
            return self._reset(http)
        name = f"{http.command} /{split.path.split('/')[1]}"
        headers = {k.lower(): v for k, v in http.headers.items()}
        with self.lock:
            self.calls.append((time.monotonic(), name, body, headers))
            self.active += 1
            self.most_active = max(self.most_active, self.active)
            fault = self.faults[name].pop(0) if self.faults[name] else self.always.get(name)
        try:
            if self.places:
                with self.places:
                    self._serve(http, name, split.path, body, headers, fault)
            else:
                self._serve(http, name, split.path, body, headers, fault)
        finally:
            with self.lock:
                self.active -= 1

    def _serve(
        self, http: Any, name: str, path: str, body: Any, headers: dict[str, str], fault: Any
    ) -> None:
        time.sleep(self.latency)
        if callable(fault):
            fault = fault()
        if fault == "reset":
            return self._reset(http)
        if fault == "hang":
            self._released.wait(60)
            return self._reset(http)
        if isinstance(fault, int):
            return self._answer(http, fault, {"error": "not_now"})
        if isinstance(fault, tuple):
            return self._answer(http, fault[0], {"error": "x"}, {"Retry-After": str(fault[1])})
        with self.lock:
            status, answer = self.handle(name, path, body, headers)
        if fault == "reset-after":
            return self._reset(http)
        if fault == "hang-after":
            self._released.wait(60)
            return self._reset(http)
        if fault == "garbage":
            return self._raw(http, status, b"<html>" + json.dumps(body).encode())
        if fault in ("drip", "huge"):
            http.send_response(status)
            http.send_header("Content-Length", str(10**9))
            http.end_headers()
            for _ in range(600 if fault == "drip" else 100):
                http.wfile.write(b" " if fault == "drip" else b" " * 65536)
                if fault == "drip":
                    time.sleep(0.1)
            return self._reset(http)
        self._answer(http, status, answer)

    def _answer(self, http: Any, status: int, body: Any, headers: dict[str, str] = {}) -> None:
        self._raw(http, status, json.dumps(body).encode(), headers)

    def _raw(self, http: Any, status: int, body: bytes, headers: dict[str, str] = {}) -> None:
        http.send_response(status)
        http.send_header("Content-Length", str(len(body)))
        for key, value in headers.items():
            http.send_header(key, value)
        http.end_headers()
        http.wfile.write(body)

    def _reset(self, http: Any) -> None:
        http.close_connection = True
        http.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        http.connection.close()

    def handle(
        self, name: str, path: str, body: Any, headers: dict[str, str]
    ) -> tuple[int, dict[str, Any]]:
        raise NotImplementedError


class Provider(Stub):
    def __init__(self) -> None:
        super().__init__()
        self.charges: dict[str, dict[str, Any]] = {}
        self.refunds: dict[str, dict[str, Any]] = {}
        self.settled: dict[str, int] = defaultdict(int)
        self.answers: dict[Any, tuple[int, dict[str, Any]]] = {}
        self.rates = {"USD": "0.9184", "GBP": "1.1652", "CHF": "1.0417", "JPY": "0.6135"}

    def handle(
        self, name: str, path: str, body: Any, headers: dict[str, str]
    ) -> tuple[int, dict[str, Any]]:
        key = headers.get("idempotency-key")
        if key and (name, key) in self.answers:
            return self.answers[name, key]
        status, answer = self._handle(name, path, body)
        if key:
            self.answers[name, key] = (status, answer)
        return status, answer

    def _handle(self, name: str, path: str, body: Any) -> tuple[int, dict[str, Any]]:
        if name == "POST /charges":
            if body["card_token"] == "tok_declined":
                return 402, {"error": "card_declined"}
            charge = {
                "charge_id": f"ch_{next(_ids):016x}",
                "reference": body["reference"],
                "amount": body["amount"],
                "currency": body["currency"],
                "status": "captured",
            }
            self.charges[charge["charge_id"]] = charge
            return 201, charge
        if name == "GET /charges":
            found = [c for c in self.charges.values() if c["reference"] == body["reference"]]
            return 200, {"charges": found}
        if name == "POST /refunds":
            charge = self.charges.get(body["charge_id"])
            if charge is None:
                return 404, {"error": "unknown_charge"}
            refund = {"refund_id": f"re_{next(_ids):016x}", **body}
            self.refunds[refund["refund_id"]] = refund
            return 201, refund
        if name == "GET /rates":
            rate = self.rates.get(path.rsplit("/", 1)[1])
            if rate is None:
                return 404, {"error": "unknown_currency"}
            at = "2026-09-14T17:00:00.000Z"
            return 200, {"currency": path[-3:], "rate": rate, "published_at": at}
        if name == "POST /settlements":
            if any(charge not in self.charges for charge in body["charge_ids"]):
                return 404, {"error": "unknown_charge"}
            for charge in body["charge_ids"]:
                self.settled[charge] += 1
            return 200, {"batch_id": f"ba_{next(_ids)}", "settled": body["charge_ids"]}
        return 404, {"error": "unknown"}


class Mailer(Stub):
    def __init__(self) -> None:
        super().__init__()
        self.messages: list[dict[str, str]] = []

    def handle(
        self, name: str, path: str, body: Any, headers: dict[str, str]
    ) -> tuple[int, dict[str, Any]]:
        self.messages.append(body)
        return 202, {"status": "accepted"}
