"""A provider outside the sandbox, on this machine: it speaks every format, and counts."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from aiohttp import web

from harness.gateway.upstreams.reply import Conversation, Reply
from harness.gateway.upstreams.script import Script
from harness.gateway.upstreams.scripted import Scripted
from harness.gateway.upstreams.server import LocalUpstream
from harness.models.exchange import Usage

REAL_KEY = "sk-real-key-of-the-company"
MODEL = "stand-in-1"

BACKOFF = """def delays(first_sec, most):
    return [first_sec * 2**attempt for attempt in range(most)]
"""

SCRIPT: dict[str, Any] = {
    "turns": [
        {"id": "retry", "when": ["retries"], "says": ["Three."]},
        {
            "id": "show",
            "when": ["as a whole file"],
            "says": [f"Here it is.\n\nbackoff.py\n```\n{BACKOFF}```\n"],
        },
        {
            "id": "write",
            "when": ["backoff"],
            "says": ["I write it."],
            "writes": [{"path": "backoff.py", "content": BACKOFF}],
        },
    ],
    "otherwise": ["I do not know."],
}


class Provider:
    """What it was asked, and what it said that cost."""

    models = (MODEL,)

    def __init__(self, *, root: str = "/workspace") -> None:
        self.requests: list[web.BaseRequest] = []
        self.usages: list[Usage] = []
        self.port = 0
        self._author = Scripted(Script.model_validate(SCRIPT), root=root)
        self._spoken = LocalUpstream(self)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Keep a request, answer it."""
        self.requests.append(request)
        return await self._spoken.handle(request)

    def answer(self, conversation: Conversation) -> Reply:
        """The script's words; a usage that nobody could guess, another one each time."""
        n = len(self.usages) + 1
        counted = Usage(fresh_in=1000 + n, cache_read=200 + n, cache_write=30 + n, out=90 + n)
        self.usages.append(counted)
        return replace(self._author.answer(conversation), model=MODEL, usage=counted)


@asynccontextmanager
async def providing(*, tls: ssl.SSLContext | None = None) -> AsyncIterator[Provider]:
    """A provider on every address of this machine, while the block runs."""
    provider = Provider()
    runner = web.ServerRunner(web.Server(provider.handle, access_log=None), shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "0.0.0.0", 0, ssl_context=tls).start()
        provider.port = runner.addresses[0][1]
        yield provider
    finally:
        await runner.cleanup()


def company_authority(folder: Path, *names: str) -> tuple[Path, ssl.SSLContext]:
    """A company's own authority as a PEM file, and a server that it vouches for."""
    ca, ca_key, key, asked, cert = (
        folder / name for name in ("ca.pem", "ca.key", "server.key", "server.csr", "server.pem")
    )
    more = folder / "more.cnf"
    more.write_text("subjectAltName=" + ",".join(names) + "\n", encoding="utf-8")
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    commands = (
        ["req", "-x509", *new_key, "-keyout", ca_key, "-out", ca, "-days", "2", "-subj", "/CN=Co"],
        ["req", *new_key, "-keyout", key, "-out", asked, "-subj", "/CN=provider"],
        [
            *("x509", "-req", "-in", asked, "-CA", ca, "-CAkey", ca_key, "-CAcreateserial"),
            *("-out", cert, "-days", "2", "-extfile", more),
        ],
    )
    for command in commands:
        subprocess.run(["openssl", *command], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return ca, context
