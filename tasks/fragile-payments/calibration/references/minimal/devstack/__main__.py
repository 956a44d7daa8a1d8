"""`python -m devstack` serves the provider on port 9100 and the mailer on port 9200."""

from __future__ import annotations

import asyncio
import contextlib
import os

import uvicorn
from fastapi import FastAPI

from devstack.mailer import create_mailer
from devstack.provider import create_provider


def _server(app: FastAPI, port: int) -> uvicorn.Server:
    host = os.environ.get("DEVSTACK_HOST", "127.0.0.1")
    return uvicorn.Server(uvicorn.Config(app, host=host, port=port, log_level="warning"))


async def main() -> None:
    """Serve both until told to stop."""
    latency_sec = float(os.environ.get("DEVSTACK_LATENCY_MS", "200")) / 1000
    provider = _server(create_provider(latency_sec), 9100)
    mailer = _server(create_mailer(latency_sec), 9200)
    print("provider on port 9100, mailer on port 9200; Ctrl+C to stop", flush=True)
    await asyncio.gather(provider.serve(), mailer.serve())


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
