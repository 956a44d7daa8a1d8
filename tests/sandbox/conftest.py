"""A real engine for tests, with everything they make removed again."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from harness.models.sandbox import Mount, Network, SandboxSpec, Volume
from harness.sandbox.container import DockerSandbox
from harness.sandbox.docker import DockerBackend
from harness.settings import Settings

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="looks at the host as root")


async def clear_away(backend: DockerBackend) -> None:
    """Remove everything of this installation, which is one test's own."""
    for kind in ("container", "network", "volume"):
        for obj in await backend.objects():
            if obj.kind == kind:
                await backend.remove_object(obj)


@pytest.fixture(scope="session")
def workspace_image(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The workspace image without any task, from the user's own cache."""

    async def ensure() -> str:
        backend = DockerBackend(Settings(data_dir=tmp_path_factory.mktemp("image")))
        try:
            return await backend.images.ensure_role("workspace")
        finally:
            await backend.close()

    return asyncio.run(ensure())


@pytest.fixture
async def docker_backend(tmp_path: Path) -> AsyncIterator[DockerBackend]:
    """A docker backend of its own installation."""
    backend = DockerBackend(Settings(data_dir=tmp_path / "data"))
    try:
        yield backend
    finally:
        await clear_away(backend)
        await backend.close()


class Bench:
    """A backend, an image, and short ways to a sandbox."""

    def __init__(self, backend: DockerBackend, image: str) -> None:
        self.backend = backend
        self.image = image

    async def network(self, owner: str = "test") -> Network:
        return await self.backend.create_network(owner)

    async def volume(self, owner: str = "test", size_mb: int = 64) -> Volume:
        return await self.backend.create_volume(owner, size_mb)

    async def start(
        self, *, owner: str = "test", volume: Volume | None = None, **more: object
    ) -> DockerSandbox:
        mounts = (Mount(source=volume.path, target="/workspace"),) if volume else ()
        fields = {"role": "workspace", "image": self.image, "mounts": mounts, **more}
        return await self.backend.start(SandboxSpec(owner=owner, **fields))  # type: ignore[arg-type]


@pytest.fixture
def docker_bench(docker_backend: DockerBackend, workspace_image: str) -> Bench:
    """For tests that make their own sandboxes."""
    return Bench(docker_backend, workspace_image)


@pytest.fixture(scope="module")
def shared_box(
    tmp_path_factory: pytest.TempPathFactory, workspace_image: str
) -> Iterator[DockerSandbox]:
    """One sandbox with network and workspace, for tests that only try things inside it."""
    backend = DockerBackend(Settings(data_dir=tmp_path_factory.mktemp("shared") / "data"))
    bench = Bench(backend, workspace_image)

    async def make() -> DockerSandbox:
        network = await bench.network()
        return await bench.start(volume=await bench.volume(), network=network.id)

    async def end() -> None:
        await clear_away(backend)
        await backend.close()

    try:
        yield asyncio.run(make())
    finally:
        asyncio.run(end())
