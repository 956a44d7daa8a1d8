"""What a sandbox is asked for and what it answers."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, Self

from pydantic import Field, model_validator

from harness.models.base import Model

Role = Literal["workspace", "sut", "grader", "gateway"]
"""What a container is for; part of its labels."""

Stream = Literal["stdout", "stderr"]
"""Which of a process's outputs a chunk came from; a terminal has only stdout."""


class ResourceLimits(Model):
    """Bounds of one sandbox; all of them are enforced by the kernel, not by good will."""

    cpus: float = Field(default=1.0, gt=0)
    """Cores, as a share of time."""
    memory_mb: int = Field(default=512, ge=16)
    """Memory, swap included, in MiB."""
    pids: int = Field(default=256, ge=8)
    """Processes and threads."""
    nofile: int = Field(default=4096, ge=64)
    """Open files per process."""
    tmp_mb: int = Field(default=128, ge=1)
    """Size of each tmpfs (/tmp, /run, home when it is not a mount), in MiB."""
    log_mb: int = Field(default=8, ge=1)
    """What the engine keeps of the main process's output, in MiB."""
    cpuset: str | None = None
    """Pinned cores, such as "1"; None lets the kernel choose."""


class Mount(Model):
    """A host folder seen inside the sandbox."""

    source: str
    """Absolute host path, below a `Volume.path` or read-only content of ours."""
    target: str
    """Absolute path inside."""
    read_only: bool = False


class SandboxSpec(Model):
    """One sandbox to start."""

    owner: str
    """The session or grading id this object belongs to; its label, and the reaper's key."""
    role: Role
    image: str
    """What `SandboxBackend.ensure_image` returned."""
    command: tuple[str, ...] | None = None
    """The main process; None idles, so that processes can be opened in it."""
    env: dict[str, str] = Field(default_factory=dict)
    workdir: str = "/workspace"
    network: str | None = None
    """A `Network.id`; None means no network at all."""
    egress: str | None = None
    """A second `Network.id`, one with a way out; for a gateway alone."""
    aliases: tuple[str, ...] = ()
    """Names under which peers on the network reach this sandbox."""
    hosts: dict[str, str] = Field(default_factory=dict)
    """Extra names -> addresses inside, such as {"provider": "127.0.0.1"}."""
    mounts: tuple[Mount, ...] = ()
    limits: ResourceLimits = ResourceLimits()

    @model_validator(mode="after")
    def _only_a_gateway_has_a_way_out(self) -> Self:
        if self.egress is not None and (self.role != "gateway" or self.network is None):
            raise ValueError(f"a {self.role} gets no way out, and a gateway has a private side")
        return self


class TerminalSize(Model):
    """Columns and rows of a terminal, in character cells."""

    cols: int = Field(default=80, ge=1, le=1000)
    rows: int = Field(default=24, ge=1, le=1000)


class OutputChunk(Model):
    """Bytes as they came out; never decoded here, since a candidate controls them."""

    stream: Stream
    data: bytes


class ExecResult(Model):
    """How one process in a sandbox ended.

    Source: names after inspect_ai `ExecResult`.
    """

    returncode: int
    """The exit status; 128 + n when signal n ended it."""
    stdout: bytes = b""
    stderr: bytes = b""
    duration_sec: float = 0.0
    timed_out: bool = False
    """The deadline passed and the whole process tree was killed."""
    oom_killed: bool = False
    """The kernel killed something in it for memory."""
    truncated: bool = False
    """More output came than was allowed; the rest was dropped."""

    @property
    def success(self) -> bool:
        """Ended by itself with status 0."""
        return self.returncode == 0 and not self.timed_out


class SandboxStatus(StrEnum):
    """What a sandbox's main process is doing."""

    RUNNING = "running"
    PAUSED = "paused"
    EXITED = "exited"
    GONE = "gone"


class SandboxState(Model):
    """The main process's state as the engine knows it."""

    status: SandboxStatus
    exit_code: int | None = None
    """The exit status; 128 + n when signal n ended it."""
    oom_killed: bool = False
    """The engine saw the kernel kill it for memory. A false says nothing beside exit code 137:
    an engine may hear of the end before it hears of the memory, or never hear of that (containerd
    issues 8893 and 12260; 2 of 60 on a busy machine)."""


class SandboxStats(Model):
    """Resource use read from outside the processes."""

    memory_bytes: int
    """Resident memory of all processes, page cache left out."""
    pids: int
    """Processes and threads."""
    fds: int | None = None
    """Open file descriptors of all processes, where readable."""
    cpu_sec: float = 0.0


class Network(Model):
    """Private: peers reach each other, nothing else, not the host either. Or a way out."""

    id: str
    owner: str


class Volume(Model):
    """A folder of bounded size on the host, mounted into sandboxes."""

    id: str
    owner: str
    path: str
    """Absolute host path of its root."""
    size_mb: int
    enforced: bool
    """True when the kernel bounds it; False when only a watchdog measures it."""


class SandboxObject(Model):
    """Anything a backend made that outlives a call, for the reaper."""

    kind: Literal["container", "network", "volume", "process"]
    id: str
    owner: str
    role: str = ""
    created_at: float = 0.0
    """Unix seconds."""


ImageRole = Literal["workspace", "grader", "gateway"]
"""What an image is for."""


class UnneededImage(Model):
    """A built image, or what a failed build left, that nobody needs any more."""

    id: str
    tags: tuple[str, ...] = ()
    """Its names; what a failed build left has none."""
    layers: tuple[str, ...] = ()
    """Ids of the nameless steps that go with it, highest first."""
    created_at: float
    """Unix seconds."""
    bytes: int
    """What its removal frees, layers included, after those listed before it."""


class ImageBuild(Model):
    """An image to be there: built once, cached by the hash of what goes into it."""

    role: ImageRole
    """`workspace` is also the system under test's image."""
    name: str
    """The task's name, for labels and messages."""
    context: str
    """Host folder: a task's `environment/` (workspace) or `tests/` (grader), or the gateway's
    own requirements."""
    timeout_sec: float = 600.0
    clients: tuple[str, ...] = ()
    """Assistants' programs that a workspace gets, as `sandboxes/assistants/` names them."""
