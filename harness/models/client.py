"""A coding assistant's program that can be put into a workspace, and how it finds the gateway."""

from __future__ import annotations

from pydantic import Field

from harness.models.base import Model
from harness.models.exchange import WireFormat


class NodePackage(Model):
    """One package of the npm registry, pinned by what it holds."""

    name: str
    version: str
    integrity: str = Field(pattern=r"^sha512-[A-Za-z0-9+/]{86}==$")
    """Subresource integrity of the tarball, as the registry has it."""
    file: str = Field(pattern=r"^[a-z0-9-]+\.tgz$")
    """Its name in the build context."""

    @property
    def spec(self) -> str:
        """As npm takes it."""
        return f"{self.name}@{self.version}"


class Client(Model):
    """One folder of `sandboxes/assistants/`: `client.toml`, a Dockerfile, files for the home."""

    name: str
    """The folder's."""
    title: str
    """As its makers write it."""
    version: str
    command: str
    """What a candidate types."""
    format: WireFormat
    """What it speaks with the gateway."""
    arch: str | None = None
    """The one machine that its packages are for, such as "x86_64"; None for any."""
    memory_mb: int = Field(default=0, ge=0)
    """What it needs beside the task, in MiB."""
    packages: tuple[NodePackage, ...] = ()
    """What is taken from npm; Python packages stand in `requirements.txt`."""
    env: dict[str, str] = Field(default_factory=dict)
    """Variables in the workspace; `${url}` is the gateway's address, `${model}` the model."""
