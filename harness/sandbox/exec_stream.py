"""The two byte streams of a `docker exec`, as asyncio streams.

docker-py would hand out a blocking socket, and lose what came with the reply's header.
So this speaks the few lines of HTTP itself, over the same address the SDK uses.

Source: Docker Engine API 1.41, operations ExecStart and ContainerAttach ("Hijacking",
"Stream format": 1 byte stream, 3 zero bytes, 4 bytes length, payload).
"""

from __future__ import annotations

import asyncio
import json
import ssl
import struct
from contextlib import suppress
from urllib.parse import urlsplit

import docker

from harness.errors import PrerequisiteError, SandboxUnavailableError

_STDOUT = 1
_MAX_HEAD = 64 * 1024
_MAX_COMPLAINT = 2048
_SWITCHING = b" 101 "


class ExecStream:
    """A started exec: a `Transport` of `supervised.py`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._left_in_frame = 0
        self._complaint = bytearray()

    @property
    def complaint(self) -> str:
        """What came on standard error: the engine's or interpreter's own words."""
        return " ".join(self._complaint.decode(errors="replace").split())

    async def read(self, limit: int) -> bytes:
        """Standard output, empty at its end."""
        while self._left_in_frame == 0:
            try:
                stream, size = struct.unpack(">B3xI", await self._reader.readexactly(8))
            except asyncio.IncompleteReadError:
                return b""
            if stream == _STDOUT:
                self._left_in_frame = size
            else:
                await self._keep_complaint(size)
        data = await self._reader.read(min(limit, self._left_in_frame))
        self._left_in_frame -= len(data)
        return data

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def close(self) -> None:
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()

    async def terminate(self) -> None:
        self._writer.transport.abort()

    async def _keep_complaint(self, size: int) -> None:
        while size > 0:
            data = await self._reader.read(min(size, _MAX_HEAD))
            if not data:
                return
            size -= len(data)
            self._complaint += data[: _MAX_COMPLAINT - len(self._complaint)]


async def start_exec(api: docker.APIClient, address: str, exec_id: str) -> ExecStream:
    """Start an exec that was created with its three streams attached.

    Args:
        api: Knows the API's version and the TLS settings.
        address: The engine's, as `docker.utils.parse_host` writes it.
        exec_id: From `api.exec_create`.

    Raises:
        SandboxUnavailableError: The engine refused.
    """
    reader, writer = await _connect(api, address)
    try:
        writer.write(_request(f"/v{api.api_version}/exec/{exec_id}/start"))
        head = await reader.readuntil(b"\r\n\r\n")
        if _SWITCHING in head.split(b"\r\n", 1)[0]:
            return ExecStream(reader, writer)
        refusal = (await reader.read(_MAX_HEAD)).decode(errors="replace").strip()
    except (OSError, asyncio.IncompleteReadError) as error:
        writer.transport.abort()
        raise SandboxUnavailableError(
            f"The engine broke off while starting a process: {error!r}."
        ) from error
    except BaseException:
        writer.transport.abort()
        raise
    writer.transport.abort()
    raise SandboxUnavailableError(f"The engine did not start a process: {refusal}")


async def _connect(
    api: docker.APIClient, address: str
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    url = urlsplit(address)
    try:
        if url.scheme == "http+unix":
            return await asyncio.open_unix_connection(url.path, limit=_MAX_HEAD)
        if url.scheme in ("http", "https"):
            tls = _tls(api) if url.scheme == "https" else None
            return await asyncio.open_connection(url.hostname, url.port, ssl=tls, limit=_MAX_HEAD)
    except OSError as error:
        raise SandboxUnavailableError(
            f"The engine at {address} does not answer: {error}.", slug="engine-unreachable"
        ) from error
    raise PrerequisiteError(
        f"An engine at {url.scheme}:// cannot stream processes.",
        remedy="Set DOCKER_HOST to a unix:// or tcp:// address.",
        slug="engine-config",
    )


def _tls(api: docker.APIClient) -> ssl.SSLContext:
    authority = api.verify if isinstance(api.verify, str) else None
    context = ssl.create_default_context(cafile=authority)
    if isinstance(api.cert, tuple):
        context.load_cert_chain(*api.cert)
    return context


def _request(path: str) -> bytes:
    body = json.dumps({"Detach": False, "Tty": False}).encode()
    lines = (
        f"POST {path} HTTP/1.1",
        "Host: docker",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Connection: Upgrade",
        "Upgrade: tcp",
    )
    return "\r\n".join(lines).encode("ascii") + b"\r\n\r\n" + body
