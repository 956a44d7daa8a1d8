"""`python -m payments` is ready, and answers 503 to everything else."""

from __future__ import annotations

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BODY = b'{"detail": "not now"}'


class NotNow(BaseHTTPRequestHandler):
    """Always in time, always in a form that docs/api.md has."""

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(200 if self.path in ("/readyz", "/livez") else 503)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    do_POST = do_GET


class Server(ThreadingHTTPServer):
    """Takes many connections at once."""

    request_queue_size = 256


if __name__ == "__main__":
    Server(("0.0.0.0", int(os.environ.get("PORT", "8000"))), NotNow).serve_forever()
