"""A service of one file."""

import json
import os
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

NOTES = Path(os.environ["DATA_DIR"]) / "notes.json"


def notes():
    """What was noted."""
    return json.loads(NOTES.read_text()) if NOTES.exists() else []


def price():
    """Status and body of the provider's price, or 503."""
    try:
        return fetched()
    except OSError:
        return 503, {"detail": "no price now"}


def fetched():
    """Ask the provider."""
    with urllib.request.urlopen(os.environ["PROVIDER_URL"] + "/price", timeout=2) as reply:
        return 200, json.load(reply)


class Handler(BaseHTTPRequestHandler):
    """All of the service."""

    def do_GET(self):
        url = urlsplit(self.path)
        if url.path == "/readyz":
            self.answer(200, {})
        elif url.path == "/hello":
            self.answer(200, {"hello": parse_qs(url.query)["name"][0]})
        elif url.path == "/price":
            self.answer(*price())
        elif url.path == "/notes":
            self.answer(200, notes())
        else:
            self.answer(404, {})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        NOTES.write_text(json.dumps([*notes(), json.loads(body)]))
        self.answer(201, {})

    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


if __name__ == "__main__":
    ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler).serve_forever()
