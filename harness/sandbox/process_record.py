"""What is kept of a process-backend sandbox, and how its paths map to the host's."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from harness.models.base import Model
from harness.models.sandbox import Mount, SandboxSpec


class Record(Model):
    """What is kept of a sandbox, so that it can be found after a crash."""

    id: str
    spec: SandboxSpec
    created_at: float
    ports: dict[int, int]
    """The spec's port -> the port it really got on the loopback."""
    env: dict[str, str]
    """The whole environment of its processes."""
    log_bytes: int
    nofile: int
    main: dict[str, Any]
    """The main process's start request, as in `supervisor.py`."""


class PathMap:
    """Inside paths to host paths, longest target first."""

    def __init__(self, mounts: Sequence[Mount]) -> None:
        self._mounts = sorted(mounts, key=lambda mount: -len(mount.target))

    def mount(self, path: str) -> Mount | None:
        """The mount a path inside lies on."""
        for mount in self._mounts:
            if path == mount.target or path.startswith(mount.target.rstrip("/") + "/"):
                return mount
        return None

    def host(self, text: str) -> str:
        """`text` with the target it begins with replaced; other text as it is."""
        mount = self.mount(text)
        return text if mount is None else mount.source + text[len(mount.target.rstrip("/")) :]

    def host_list(self, text: str) -> str:
        """Each part of a colon-separated value, as in PATH."""
        return ":".join(self.host(part) for part in text.split(":"))


def path_map(spec: SandboxSpec, folder: Path) -> PathMap:
    """The spec's mounts, and folders of our own for /tmp and the working directory."""
    mounts = list(spec.mounts)
    for target, name in (("/tmp", "tmp"), (spec.workdir, "work")):  # noqa: S108 - a path inside
        if PathMap(mounts).mount(target) is None:
            mounts.append(Mount(source=str(folder / name), target=target))
    return PathMap(mounts)


def marker(sandbox_id: str) -> str:
    """The last argument of every process of ours in a sandbox."""
    return f"harness-sandbox={sandbox_id}"


def make_record(
    sandbox_id: str, spec: SandboxSpec, folder: Path, port: Callable[[], int]
) -> Record:
    """Everything a sandbox needs to be started, now or again; `port` gives a free port."""
    paths = path_map(spec, folder)
    ports: dict[int, int] = {}
    given = dict(spec.env)
    if given.get("PORT", "").isdigit():
        ports[int(given["PORT"])] = port()
        given["PORT"] = str(ports[int(given["PORT"])])
    if "HOST" in given:
        given["HOST"] = "127.0.0.1"
    env = {
        "PATH": f"{spec.image}/bin:{os.environ.get('PATH', os.defpath)}",
        "VIRTUAL_ENV": spec.image,
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "LANG": "C.UTF-8",
        **{name: paths.host_list(value) for name, value in given.items()},
    }
    command = spec.command or ("sleep", "infinity")
    main: dict[str, Any] = {
        "argv": [paths.host(arg) for arg in command],
        "cwd": paths.host(spec.workdir),
        "env": {},
        "terminal": None,
    }
    return Record(
        id=sandbox_id,
        spec=spec,
        created_at=time.time(),
        ports=ports,
        env=env,
        log_bytes=spec.limits.log_mb * 1024 * 1024,
        nofile=spec.limits.nofile,
        main=main,
    )
