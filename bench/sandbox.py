"""Starting and using a sandbox against the bare Docker SDK doing the same."""

from __future__ import annotations

import asyncio
import io
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import docker
from docker.models.containers import Container

from bench.measuring import Figure, compared, in_turns
from harness.models.sandbox import SandboxSpec
from harness.sandbox.docker import DockerBackend
from harness.sandbox.owners import process_owner
from harness.sandbox.protocol import SandboxBackend
from harness.settings import Settings

_ROUNDS = 9
_MANY = 20
_COMMAND = ["cat", "/etc/hostname"]
_FILE = "/etc/os-release"


async def measure() -> list[Figure]:
    """Start, exec, read a file, remove; then twenty of them side by side."""
    async with _backend() as (backend, image):
        owner = process_owner("bench")
        client = docker.from_env()

        async def ours() -> None:
            await _once(backend, owner, image)

        async def peer() -> None:
            await asyncio.to_thread(_once_bare, client, image)

        single = await in_turns(ours, peer, rounds=_ROUNDS)

        async def side_by_side() -> None:
            await asyncio.gather(*(_once(backend, owner, image) for _ in range(_MANY)))

        async def one_by_one() -> None:
            for _ in range(_MANY):
                await _once(backend, owner, image)

        many = await in_turns(side_by_side, one_by_one, rounds=3, warm_up=0)
        client.close()
    return [
        compared("sandbox start-exec-read-remove / bare Docker SDK", *single, aim=1.25),
        compared(f"{_MANY} sandboxes side by side / one by one", *many, aim=0.65),
    ]


@asynccontextmanager
async def _backend() -> AsyncIterator[tuple[SandboxBackend, str]]:
    with TemporaryDirectory(prefix="harness-bench-") as folder:
        backend = DockerBackend(Settings(data_dir=Path(folder)))
        try:
            yield backend, await backend.images.ensure_role("workspace")
        finally:
            await backend.close()


async def _once(backend: SandboxBackend, owner: str, image: str) -> None:
    sandbox = await backend.start(
        SandboxSpec(owner=owner, role="workspace", image=image, workdir="/")
    )
    try:
        result = await sandbox.exec(_COMMAND, timeout_sec=30)
        assert result.success, result
        assert await sandbox.read_file(_FILE)
    finally:
        await sandbox.remove()


def _once_bare(client: docker.DockerClient, image: str) -> None:
    container: Container = client.containers.run(
        image, ["sleep", "infinity"], detach=True, network_mode="none", init=True
    )
    try:
        code, _ = container.exec_run(_COMMAND)
        assert code == 0
        chunks, _ = container.get_archive(_FILE)
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
            assert archive.getmembers()
    finally:
        container.remove(force=True)
