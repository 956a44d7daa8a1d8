"""What a container may do: the engine's request for one `SandboxSpec`, as a pure function.

Everything not allowed here is refused by the kernel; `tests/sandbox/test_isolation.py`
tries each from inside. The engine's default seccomp profile and masked paths stay.
"""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from harness.models.sandbox import Mount, ResourceLimits, SandboxSpec
from harness.sandbox import labels

SANDBOX_UID = 10001
"""`candidate` in our images."""
HOME = "/home/candidate"
MIB = 1024 * 1024

HOST_NAME = "host.docker.internal"
"""This machine, for a sandbox with a way out; Docker Desktop's name for it."""

_FILE_SIZE_LIMIT = 4 * 1024 * MIB
"""No single file grows beyond this, also where a volume is not bounded."""
_NOFILE_NAME, _FSIZE_NAME, _CORE_NAME = "nofile", "fsize", "core"
_OOM_SCORE = 500
"""When the whole machine runs out of memory, sandboxes go before the harness does."""
_LOG_FILES = 2

# PID 1 of a sandbox without a main process. It starts no process and waits for none, so
# neither `kill -9 -1` nor a full process table inside can end it, and bash reaps orphans.
# Its input is a pipe that the engine keeps open and nobody writes to.
_IDLE = ["/bin/bash", "-c", "trap 'exit 0' TERM; while read -r; do :; done"]


class User(NamedTuple):
    """The user that owns volumes and runs everything inside."""

    uid: int
    gid: int


def sandbox_user() -> User:
    """`candidate` when we are root; else ourselves, so that bind mounts stay readable to both."""
    if os.geteuid() == 0:
        return User(SANDBOX_UID, SANDBOX_UID)
    return User(os.geteuid(), os.getegid())


def container_request(spec: SandboxSpec, user: User, installation: str) -> dict[str, Any]:
    """The body of the engine's `POST /containers/create`.

    Source: Docker Engine API 1.41, operation ContainerCreate.
    """
    request: dict[str, Any] = {
        "Image": spec.image,
        "Hostname": spec.aliases[0] if spec.aliases else spec.role,
        "User": f"{user.uid}:{user.gid}",
        "WorkingDir": spec.workdir,
        "Env": [f"{name}={value}" for name, value in environment(spec).items()],
        "Labels": labels.labels(spec.owner, spec.role, installation)
        | {labels.SPEC: spec.model_dump_json(exclude_defaults=True)},
        "StopSignal": "SIGTERM",
        "HostConfig": host_config(spec, user),
    }
    if spec.command is None:
        request |= {"Entrypoint": _IDLE, "Cmd": [], "OpenStdin": True}
    else:
        request |= {"Entrypoint": [], "Cmd": list(spec.command)}
    if spec.network is not None:
        endpoint = {"Aliases": list(spec.aliases)}
        request["NetworkingConfig"] = {"EndpointsConfig": {spec.network: endpoint}}
    return request


def environment(spec: SandboxSpec) -> dict[str, str]:
    """The spec's variables on top of ours."""
    return {"HOME": HOME, "USER": "candidate", **spec.env}


def host_config(spec: SandboxSpec, user: User) -> dict[str, Any]:
    """Isolation and limits."""
    limits = spec.limits
    return {
        "NetworkMode": spec.network or "none",
        **(_name_resolution(spec) if spec.egress is None else _way_out(spec)),
        **_resources(limits),
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges:true"],
        "ReadonlyRootfs": True,
        "IpcMode": "private",
        "Init": spec.command is not None,
        "Tmpfs": tmpfs(spec, user),
        "Mounts": [_bind(mount) for mount in spec.mounts],
        "LogConfig": {
            "Type": "json-file",
            "Config": {
                "max-size": f"{max(1, limits.log_mb * 1024 // _LOG_FILES)}k",
                "max-file": str(_LOG_FILES),
            },
        },
    }


def tmpfs(spec: SandboxSpec, user: User) -> dict[str, str]:
    """The writable places in memory: sized, and counted against the sandbox's memory."""
    size = f"size={spec.limits.tmp_mb}m,nosuid,nodev"
    mine = f"uid={user.uid},gid={user.gid},mode=0700"
    places = {
        "/tmp": f"{size},exec,mode=1777",  # noqa: S108 - a place inside the sandbox
        "/run": f"{size},noexec,{mine}",
        HOME: f"{size},exec,{mine}",
    }
    mounted = {mount.target for mount in spec.mounts}
    return {place: options for place, options in places.items() if place not in mounted}


def _name_resolution(spec: SandboxSpec) -> dict[str, Any]:
    """Peers by name, and no question ever leaves the sandbox.

    The engine's resolver answers for peers and passes other names on to `Dns`, from
    inside the sandbox's own network namespace, where nobody listens on its loopback.
    Without `Dns` it would ask the host's resolver, on some engines from the host's namespace
    (CVE-2024-29018).

    Source: moby `libnetwork/sandbox_dns_unix.go`, "--dns 127.0.0.x config refers to the
    loopback in the container namespace".
    """
    return {
        "Dns": ["127.0.0.1"],
        "DnsSearch": ["."],
        "DnsOptions": ["timeout:1", "attempts:1"],
        "ExtraHosts": [f"{name}:{address}" for name, address in spec.hosts.items()],
    }


def _way_out(spec: SandboxSpec) -> dict[str, Any]:
    """Names as the engine resolves them, this machine's included; and no way through.

    A container forwards what its two networks send each other, unless it is told not to: the
    private side must not get a router.
    """
    return {
        "ExtraHosts": [
            *(f"{name}:{address}" for name, address in spec.hosts.items()),
            f"{HOST_NAME}:host-gateway",
        ],
        "Sysctls": {"net.ipv4.ip_forward": "0"},
    }


def _resources(limits: ResourceLimits) -> dict[str, Any]:
    memory = limits.memory_mb * MIB
    resources = {
        "Memory": memory,
        "MemorySwap": memory,  # memory and swap together: no swap
        "NanoCpus": int(limits.cpus * 1e9),
        "PidsLimit": limits.pids,
        "ShmSize": limits.tmp_mb * MIB,
        "OomScoreAdj": _OOM_SCORE,
        # No nproc: the kernel counts it per user over all sandboxes; PidsLimit bounds each.
        "Ulimits": [
            _ulimit(_NOFILE_NAME, limits.nofile),
            _ulimit(_FSIZE_NAME, _FILE_SIZE_LIMIT),
            _ulimit(_CORE_NAME, 0),
        ],
    }
    if limits.cpuset is not None:
        resources["CpusetCpus"] = limits.cpuset
    return resources


def _ulimit(name: str, value: int) -> dict[str, Any]:
    return {"Name": name, "Soft": value, "Hard": value}


def _bind(mount: Mount) -> dict[str, Any]:
    return {
        "Type": "bind",  # unlike `Binds`, it refuses a source that is not there
        "Source": mount.source,
        "Target": mount.target,
        "ReadOnly": mount.read_only,
        "BindOptions": {"Propagation": "rprivate"},
    }
