"""What a container uses, out of the engine's statistics and the host's /proc."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.models.sandbox import SandboxStats

_PROC = Path("/proc")
_CGROUPS = Path("/sys/fs/cgroup")
_NANO = 1e9


def usage(stats: Mapping[str, Any], fds: int | None) -> SandboxStats:
    """The engine's `GET /containers/{id}/stats` answer in our words.

    Source: Docker Engine API 1.41, ContainerStats; kernel `memory.stat`: `total_rss` on
    cgroup v1 and `anon` on v2 are memory that processes hold, without the page cache.
    """
    memory = (stats.get("memory_stats") or {}).get("stats") or {}
    cpu = (stats.get("cpu_stats") or {}).get("cpu_usage") or {}
    return SandboxStats(
        memory_bytes=memory.get("total_rss", memory.get("anon", 0)),
        pids=(stats.get("pids_stats") or {}).get("current", 0),
        fds=fds,
        cpu_sec=cpu.get("total_usage", 0) / _NANO,
    )


def open_descriptors(container_id: str, main_pid: int) -> int | None:
    """Open files of all processes of a container; None where this host cannot see them."""
    folder = control_group(container_id, main_pid)
    if folder is None:
        return None
    try:
        pids = (folder / "cgroup.procs").read_text("ascii").split()
        return sum(_descriptors(pid) for pid in pids)
    except OSError:
        return None  # no right to look, or the container has just ended


def control_group(container_id: str, main_pid: int) -> Path | None:
    """The container's control group folder, unless the engine runs on another machine."""
    try:
        lines = (_PROC / str(main_pid) / "cgroup").read_text("ascii").splitlines()
    except OSError:
        return None
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if container_id not in path:  # a process of ours that happens to have that number
            continue
        folder = _CGROUPS / controllers / path.lstrip("/")
        if controllers in ("", "pids") and folder.is_dir():
            return folder
    return None


def _descriptors(pid: str) -> int:
    try:
        return sum(1 for _ in (_PROC / pid / "fd").iterdir())
    except (FileNotFoundError, ProcessLookupError):
        return 0  # ended between the two looks
