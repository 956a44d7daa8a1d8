"""The docker backend: hardened containers, private networks, bounded volumes."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

import docker

from harness.errors import SandboxUnavailableError
from harness.models.sandbox import ImageBuild, Network, SandboxObject, SandboxSpec, Volume
from harness.sandbox import labels
from harness.sandbox.container import DockerSandbox, remove_container
from harness.sandbox.engine import Engine
from harness.sandbox.hardening import container_request, sandbox_user
from harness.sandbox.images import Images
from harness.sandbox.networks import Networks
from harness.sandbox.protocol import Progress
from harness.sandbox.volumes import VolumeStore
from harness.settings import Settings


class DockerBackend:
    """A `SandboxBackend` on one Docker engine; nothing is connected before the first call."""

    def __init__(self, settings: Settings) -> None:
        self.engine = Engine()
        self.installation = labels.installation_id(settings.data_dir)
        self.user = sandbox_user()
        self.images = Images(self.engine, settings)
        self.networks = Networks(
            self.engine,
            self.installation,
            settings.docker.subnet_pool,
            settings.docker.subnet_prefix,
        )
        self.volumes = VolumeStore(
            settings.data_dir / "volumes", uid=self.user.uid, gid=self.user.gid
        )

    @property
    def name(self) -> str:
        return "docker"

    @property
    def isolates(self) -> bool:
        return True

    async def ensure_image(self, build: ImageBuild, *, progress: Progress | None = None) -> str:
        return await self.images.ensure(build, progress)

    async def create_network(self, owner: str, *, egress: bool = False) -> Network:
        return await self.networks.create(owner, egress=egress)

    async def remove_network(self, network_id: str) -> None:
        await self.networks.remove(network_id)

    async def create_volume(self, owner: str, size_mb: int) -> Volume:
        return await asyncio.to_thread(self.volumes.create, owner, size_mb)

    async def volume(self, volume_id: str) -> Volume:
        return await asyncio.to_thread(self.volumes.get, volume_id)

    async def remove_volume(self, volume_id: str) -> None:
        await asyncio.to_thread(self.volumes.remove, volume_id)

    async def start(self, spec: SandboxSpec) -> DockerSandbox:
        name = f"hh-{spec.role}-{secrets.token_hex(6)}"
        request = container_request(spec, self.user, self.installation)
        making = asyncio.ensure_future(
            self.engine.call(
                lambda api: _create_and_start(api, name, request, spec.egress),
                f"start a {spec.role} for '{spec.owner}'",
            )
        )
        try:
            container_id = await asyncio.shield(making)
        except asyncio.CancelledError:
            # The engine's call cannot be called back; what it makes is taken away again.
            await asyncio.wait([making])
            await remove_container(self.engine, name)
            raise
        return DockerSandbox(self.engine, container_id, spec)

    async def attach(self, sandbox_id: str) -> DockerSandbox:
        answer = await self.engine.call(
            lambda api: api.inspect_container(sandbox_id), f"find container '{sandbox_id[:12]}'"
        )
        marks = answer["Config"].get("Labels") or {}
        if marks.get(labels.INSTALLATION) != self.installation:
            raise SandboxUnavailableError(f"Container '{sandbox_id[:12]}' is not one of ours.")
        spec = SandboxSpec.model_validate_json(marks[labels.SPEC])
        return DockerSandbox(self.engine, str(answer["Id"]), spec)

    async def objects(self, owner: str | None = None) -> list[SandboxObject]:
        wanted = [f"{labels.INSTALLATION}={self.installation}"]
        if owner is not None:
            wanted.append(f"{labels.OWNER}={owner}")
        filters = {"label": wanted}
        containers = await self.engine.call(
            lambda api: api.containers(all=True, filters=filters), "list containers"
        )
        networks = await self.engine.call(
            lambda api: api.networks(filters=filters), "list networks"
        )
        volumes = await asyncio.to_thread(self.volumes.objects)
        return [
            *(_described("container", row) for row in containers),
            *(_described("network", row) for row in networks),
            *(volume for volume in volumes if owner in (None, volume.owner)),
        ]

    async def remove_object(self, obj: SandboxObject) -> None:
        match obj.kind:
            case "container":
                await remove_container(self.engine, obj.id)
            case "network":
                await self.remove_network(obj.id)
            case "volume":
                await self.remove_volume(obj.id)
            case "process":
                pass  # another backend's

    async def close(self) -> None:
        self.engine.close()


def _create_and_start(
    api: docker.APIClient, name: str, request: dict[str, Any], egress: str | None
) -> str:
    container_id = str(
        api.create_container_from_config(request, name)["Id"]  # type: ignore[no-untyped-call]  # stub
    )
    try:
        if egress is not None:  # up to API 1.43 a container is created on one network only
            api.connect_container_to_network(container_id, egress)
        api.start(container_id)
    except BaseException:
        api.remove_container(container_id, v=True, force=True)
        raise
    return container_id


def _described(kind: Any, row: dict[str, Any]) -> SandboxObject:  # noqa: ANN401 - a literal
    marks = row["Labels"]
    return SandboxObject(
        kind=kind,
        id=row["Id"],
        owner=marks[labels.OWNER],
        role=marks[labels.ROLE],
        created_at=float(marks[labels.CREATED]),
    )
