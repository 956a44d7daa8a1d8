"""`python -m payments` takes every payment on, with 202, and never sees to one."""

from __future__ import annotations

import json
import os
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PAYMENTS: dict[str, dict[str, Any]] = {}
"""By key; they stay pending for ever."""


class Promises(BaseHTTPRequestHandler):
    """Reads come from our own books, where nothing has an outcome."""

    def do_GET(self) -> None:
        words = self.path.split("?")[0].strip("/").split("/")
        known = {payment["id"]: payment for payment in PAYMENTS.values()}
        if words[0] in ("readyz", "livez"):
            self._answer(200, {"status": "ok"})
        elif words == ["payments"]:
            self._answer(200, {"items": list(reversed(known.values())), "next_cursor": None})
        elif words[0] == "payments" and words[-1] in known:
            self._answer(200, known[words[-1]])
        elif words[0] == "merchants" and len(words) > 1:
            totals = dict.fromkeys(("captured_eur", "refunded_eur", "settled_eur"), 0)
            self._answer(200, {"merchant_id": words[1], **totals})
        else:
            self._answer(404, {"detail": "not found"})

    def do_POST(self) -> None:
        try:
            order = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
            key = self.headers["Idempotency-Key"]
            wanted = {name: order[name] for name in ("merchant_id", "amount", "currency")}
        except (ValueError, KeyError, TypeError):
            self._answer(422, {"detail": "invalid"})
            return
        payment = {"id": f"pay_{uuid.uuid4().hex[:24]}", "status": "pending", **wanted}
        self._answer(202, PAYMENTS.setdefault(key, payment))

    def _answer(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class Server(ThreadingHTTPServer):
    """Takes many connections at once."""

    request_queue_size = 256


if __name__ == "__main__":
    Server(("0.0.0.0", int(os.environ.get("PORT", "8000"))), Promises).serve_forever()
