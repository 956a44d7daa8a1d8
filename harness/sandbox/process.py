"""The process backend: local processes for trusted code only.

It serves authors, tests and machines without Docker. It isolates nothing, so the loop
refuses a candidate's session on it. What differs from containers:

- A command, an environment value or a working directory that begins with a mount's
  target (such as /workspace) gets the host path instead; paths in the middle of an
  argument are left alone, and nothing stops a process from leaving its folders.
- Peers share the host's loopback. A spec with PORT in its environment gets a free port
  instead, HOST becomes 127.0.0.1, and `address()` says where it really listens.
  `aliases` and `hosts` cannot be resolved.
- Of the limits only open files and the log's size hold. The kernel counts processes
  per user here, so that limit would hit our own.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import socket
import time
from pathlib import Path
from typing import Any

from harness.errors import SandboxUnavailableError
from harness.models.base import Model
from harness.models.sandbox import ImageBuild, Network, SandboxObject, SandboxSpec, Volume
from harness.sandbox.process_image import ensure_environment
from harness.sandbox.process_record import Record, make_record, marker
from harness.sandbox.process_sandbox import ProcessSandbox
from harness.sandbox.process_tree import kill_trees, marked
from harness.sandbox.protocol import Progress
from harness.sandbox.removal import remove_tree

_ID = re.compile(r"^[a-z0-9-]{1,64}$")


class ProcessBackend:
    """A `SandboxBackend` on this machine, found again from files in the data folder.

    Args:
        data_dir: `process/` and `volumes/` in it are ours.
        cache_dir: Python environments; safe to delete.
    """

    name = "process"
    isolates = False

    def __init__(self, data_dir: Path, cache_dir: Path) -> None:
        self._sandboxes = data_dir / "process" / "sandboxes"
        self._networks = data_dir / "process" / "networks"
        self._volume_records = data_dir / "process" / "volumes"
        self._volumes = data_dir / "volumes"
        self._environments = cache_dir / "process-env"

    async def ensure_image(self, build: ImageBuild, *, progress: Progress | None = None) -> str:
        """A Python environment's folder; its `bin` goes first on PATH."""
        tell = progress or (lambda _line: None)
        return await asyncio.to_thread(ensure_environment, build, self._environments, tell)

    # -- networks: names only --------------------------------------------------------

    async def create_network(self, owner: str, *, egress: bool = False) -> Network:  # noqa: ARG002 - everything has a way out here
        network = Network(id=_new_id("net"), owner=owner)
        _save(self._networks, network.id, network)
        return network

    async def remove_network(self, network_id: str) -> None:
        _forget(self._networks, network_id)

    # -- volumes: plain folders ------------------------------------------------------

    async def create_volume(self, owner: str, size_mb: int) -> Volume:
        volume_id = _new_id("vol")
        path = self._volumes / volume_id
        volume = Volume(id=volume_id, owner=owner, path=str(path), size_mb=size_mb, enforced=False)
        _save(self._volume_records, volume_id, volume)  # first, so that a crash leaves a trace
        path.mkdir(parents=True)
        return volume

    async def volume(self, volume_id: str) -> Volume:
        found = _load(self._volume_records, volume_id)
        if found is None or not (self._volumes / volume_id).is_dir():
            raise SandboxUnavailableError(f"Volume {volume_id} is gone.")
        return Volume.model_validate(found)

    async def remove_volume(self, volume_id: str) -> None:
        if _load(self._volume_records, volume_id) is None:
            return
        await asyncio.to_thread(remove_tree, self._volumes / volume_id)
        _forget(self._volume_records, volume_id)

    # -- sandboxes -------------------------------------------------------------------

    async def start(self, spec: SandboxSpec) -> ProcessSandbox:
        sandbox_id = _new_id(spec.role)
        folder = self._sandboxes / sandbox_id
        record = make_record(sandbox_id, spec, folder, _free_port)
        for name in ("home", "tmp", "work"):
            (folder / name).mkdir(parents=True)
        (folder / "sandbox.json").write_text(record.model_dump_json())
        sandbox = ProcessSandbox(record, folder)
        try:
            await sandbox.launch()
        except BaseException:
            await sandbox.remove()
            raise
        return sandbox

    async def attach(self, sandbox_id: str) -> ProcessSandbox:
        folder = self._sandboxes / sandbox_id
        found = _read(folder / "sandbox.json") if _ID.match(sandbox_id) else None
        if found is None:
            raise SandboxUnavailableError(f"Sandbox {sandbox_id} is gone.")
        return ProcessSandbox(Record.model_validate(found), folder)

    async def objects(self, owner: str | None = None) -> list[SandboxObject]:
        """What our files say there is; half-made things have an empty owner."""
        found = [self._sandbox_object(folder) for folder in _children(self._sandboxes)]
        for kind, records in (("network", self._networks), ("volume", self._volume_records)):
            for path in _children(records):
                about = {"kind": kind, "id": path.stem, "created_at": _changed(path)}
                about["owner"] = (_read(path) or {}).get("owner", "")
                found.append(SandboxObject.model_validate(about))
        return [obj for obj in found if owner is None or obj.owner == owner]

    def _sandbox_object(self, folder: Path) -> SandboxObject:
        found = _read(folder / "sandbox.json") or {}
        spec = found.get("spec", {})
        return SandboxObject(
            kind="process",
            id=folder.name,
            owner=spec.get("owner", ""),
            role=spec.get("role", ""),
            created_at=found.get("created_at", _changed(folder)),
        )

    async def remove_object(self, obj: SandboxObject) -> None:
        if not _ID.match(obj.id):
            return
        if obj.kind == "network":
            await self.remove_network(obj.id)
        elif obj.kind == "volume":
            await self.remove_volume(obj.id)
        else:
            await self._remove_sandbox(obj.id)

    async def _remove_sandbox(self, sandbox_id: str) -> None:
        await asyncio.to_thread(lambda: kill_trees(marked(marker(sandbox_id))))
        await asyncio.to_thread(remove_tree, self._sandboxes / sandbox_id)

    async def close(self) -> None:
        """Nothing is held open; sandboxes stay."""


def _new_id(what: str) -> str:
    return f"{what}-{secrets.token_hex(8)}"


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _save(folder: Path, name: str, value: Model) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(value.model_dump_json())


def _load(folder: Path, name: str) -> dict[str, Any] | None:
    return _read(folder / f"{name}.json") if _ID.match(name) else None


def _forget(folder: Path, name: str) -> None:
    if _ID.match(name):
        (folder / f"{name}.json").unlink(missing_ok=True)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        value = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def _children(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return time.time()
