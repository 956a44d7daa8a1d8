"""A running gateway: sockets, upstreams of our own, and a configuration that may change."""

from __future__ import annotations

import asyncio
import os
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
from aiohttp import web

from harness import __version__
from harness.errors import PrerequisiteError, UsageError
from harness.gateway.configuration import (
    Bounds,
    GatewayConfig,
    HttpUpstream,
    ReplayUpstream,
    ScriptedUpstream,
    Upstream,
    read_configuration,
)
from harness.gateway.gateway import Gateway
from harness.gateway.relay import Target
from harness.gateway.spool import Spool
from harness.gateway.upstreams.server import local_upstream
from harness.models.exchange import WireFormat

_READ_BYTES = 256 * 1024
_LOOK_EVERY_SEC = 0.5

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
"""Answers one request."""


@asynccontextmanager
async def listening(handle: Handler, host: str, port: int) -> AsyncIterator[int]:
    """Answer HTTP on a port while the block runs.

    Yields:
        The port; a free one for 0.

    Raises:
        PrerequisiteError: The port is taken, or the host is not ours.
    """
    server = web.Server(handle, handler_cancellation=True, access_log=None)
    runner = web.ServerRunner(server, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as exc:
            raise PrerequisiteError(
                f"The gateway cannot listen on {host}:{port}: {exc.strerror}.",
                remedy="Give another port, or 0 for a free one.",
                slug="gateway-port",
            ) from exc
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


class Running:
    """A gateway that answers."""

    def __init__(self, port: int, gateway: Gateway, local: Mapping[Upstream, Target]) -> None:
        self.port = port
        self._gateway = gateway
        self._local = local

    def renew(self, config: GatewayConfig) -> None:
        """Sessions, budgets, bounds and providers as they are now; upstreams of our own stay."""
        self._gateway.use(config, _targets(config, self._local))


@asynccontextmanager
async def running(config: GatewayConfig, spool_path: Path) -> AsyncIterator[Running]:
    """A gateway for as long as the block runs.

    Raises:
        PrerequisiteError: The port is taken.
        RecordingError: The spool cannot be read or written.
        TaskFormatError, UsageError: A script, a recording of an upstream or the file of
            authorities is not right.
    """
    async with AsyncExitStack() as stack:
        local: dict[Upstream, Target] = {}
        for upstream in config.upstreams.values():
            if not isinstance(upstream, HttpUpstream) and upstream not in local:
                local[upstream] = await stack.enter_async_context(_started(upstream))
        spool = Spool(spool_path, limit_bytes=config.bounds.spool_bytes, version=__version__)
        stack.callback(spool.close)
        client = await stack.enter_async_context(_client(config.bounds, _trust(config.ca_file)))
        gateway = Gateway(config, _targets(config, local), spool, client)
        port = await stack.enter_async_context(listening(gateway.handle, config.host, config.port))
        stack.callback(gateway.stop)
        yield Running(port, gateway, local)


async def serve(config_path: Path, spool_path: Path, *, ready: Callable[[int], None]) -> None:
    """Serve until cancelled; the configuration is taken anew when its file changes.

    Args:
        config_path: See `GatewayConfig`. A change of sessions, budgets and bounds counts at
            once; host, port and upstreams of our own stay as they were at the start.
        spool_path: Where the record goes.
        ready: Called with the port when calls are answered.
    """
    seen, config = _stamp(config_path), _as_placed(read_configuration(config_path))
    async with running(config, spool_path) as gateway:
        ready(gateway.port)
        while True:
            await asyncio.sleep(_LOOK_EVERY_SEC)
            now = _stamp(config_path)
            if now == seen:
                continue
            seen = now
            try:
                gateway.renew(read_configuration(config_path))
            except UsageError as exc:
                print(f"harness.gateway: the old one stays. {exc}", file=sys.stderr)  # noqa: T201 - stderr is for people


def _as_placed(config: GatewayConfig) -> GatewayConfig:
    """Host and port as the sandbox gives them in the environment, like any service's."""
    host, port = os.environ.get("HOST", ""), os.environ.get("PORT", "")
    return config.model_copy(
        update={"host": host or config.host, "port": int(port) if port.isdigit() else config.port}
    )


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        status = path.stat()
    except OSError:
        return (0, 0, 0)
    return (status.st_mtime_ns, status.st_size, status.st_ino)


@asynccontextmanager
async def _started(upstream: ScriptedUpstream | ReplayUpstream) -> AsyncIterator[Target]:
    """An upstream of our own, reachable from this container alone."""
    async with listening(local_upstream(upstream), "127.0.0.1", 0) as port:
        yield Target(f"http://127.0.0.1:{port}", ours=True)


def _targets(config: GatewayConfig, local: Mapping[Upstream, Target]) -> dict[WireFormat, Target]:
    """Where each format goes; an upstream of our own that was not started goes nowhere."""
    targets = {}
    for name, upstream in config.upstreams.items():
        if isinstance(upstream, HttpUpstream):
            targets[name] = http_target(upstream)
        elif upstream in local:
            targets[name] = local[upstream]
    return targets


def http_target(upstream: HttpUpstream) -> Target:
    """Where calls to a provider go."""
    return Target(
        base=str(upstream.base_url).rstrip("/"),
        key=upstream.key.get_secret_value(),
        headers=upstream.headers,
        ask_for_usage=upstream.ask_for_usage,
        proxy=str(upstream.proxy) if upstream.proxy else None,
    )


def _trust(ca_file: Path | None) -> ssl.SSLContext:
    """Who may vouch for an upstream: the system's authorities, and those of the file."""
    context = ssl.create_default_context()
    if ca_file is None:
        return context
    try:
        context.load_verify_locations(cafile=ca_file)
    except (OSError, ssl.SSLError) as exc:
        raise UsageError(
            f"The authorities in {ca_file} cannot be read: {exc.strerror or exc}.",
            remedy="Name a file of certificates in PEM form.",
            slug="gateway-configuration",
        ) from exc
    return context


def _client(bounds: Bounds, trust: ssl.SSLContext) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=60, ssl=trust),
        timeout=aiohttp.ClientTimeout(
            total=None, sock_connect=bounds.connect_sec, sock_read=bounds.idle_sec
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        read_bufsize=_READ_BYTES,
    )
