"""What this machine offers a sandbox, and what is missing, each with the way out."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.models.base import Model
from harness.sandbox.base_image import NO_BASE, apt_source, bootstrapped_reference
from harness.sandbox.engine import Engine, parse_version
from harness.sandbox.networks import docker_subnets, free_subnets, host_routes
from harness.sandbox.volumes import can_enforce
from harness.settings import Settings

_OLDEST_ENGINE = (20, 10)
_OLDEST_PYTHON = (3, 11)
_OLDEST_GIT = (2, 20)
_MIN_FREE_GIB = 5
_MIN_FREE_SUBNETS = 20
_ANSWER_SEC = 8.0
_GIB = 1024**3


class Finding(Model):
    """One thing looked at."""

    name: str
    """Such as "engine" or "disk-data"."""
    ok: bool
    detail: str
    """What was found."""
    remedy: str = ""
    """What the operator can do, when it is not ok."""


def examine(settings: Settings) -> list[Finding]:
    """Look at everything once; takes a second, at most `_ANSWER_SEC` for each silent peer."""
    findings = [python(), git(), disk("disk-data", settings.data_dir)]
    if settings.backend == "docker":
        findings.append(volumes())
        findings += engine_findings(settings)
    return findings


def python() -> Finding:
    """The interpreter that runs the harness."""
    found = sys.version_info[:2]
    return Finding(
        name="python",
        ok=found >= _OLDEST_PYTHON,
        detail=sys.version.split()[0],
        remedy="Install Python 3.11 or newer.",
    )


def git() -> Finding:
    """Git, which keeps the snapshots."""
    remedy = "Install git 2.20 or newer (apt-get install git)."
    try:
        answer = subprocess.run(
            ["git", "--version"], check=True, capture_output=True, text=True, timeout=_ANSWER_SEC
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError) as error:
        return Finding(name="git", ok=False, detail=f"does not run: {error}", remedy=remedy)
    version = parse_version(answer.removeprefix("git version "))
    return Finding(name="git", ok=version >= _OLDEST_GIT, detail=answer, remedy=remedy)


def disk(name: str, folder: Path) -> Finding:
    """Free space where `folder` is, or will be."""
    there = next(place for place in (folder, *folder.parents) if place.exists())
    free = shutil.disk_usage(there).free
    return Finding(
        name=name,
        ok=free >= _MIN_FREE_GIB * _GIB,
        detail=f"{free / _GIB:.1f} GiB free at {folder}",
        remedy=f"Free at least {_MIN_FREE_GIB} GiB, or move the folder to a larger disk.",
    )


def volumes() -> Finding:
    """Whether the kernel bounds how much a candidate can write."""
    enforced = can_enforce()
    why = "not root" if os.geteuid() != 0 else "no loop devices or mkfs.ext4"
    return Finding(
        name="volumes",
        ok=enforced,
        detail="bounded by the kernel" if enforced else f"not bounded ({why})",
        remedy="Run the harness as root on Linux with loop devices and e2fsprogs, or give "
        "'data_dir' a disk of its own: a candidate can fill it.",
    )


def engine_findings(settings: Settings) -> Iterator[Finding]:
    """The engine and what hangs on it; only the first when it does not answer."""
    engine = None
    try:
        engine = Engine(timeout_sec=_ANSWER_SEC)
        info = engine.call_now(lambda api: api.info(), "describe itself")
        yield Finding(name="engine", ok=True, detail=f"answers at {engine.address}")
        yield engine_version(str(info.get("ServerVersion", "")))
        yield limits(info)
        yield storage(info)
        root = Path(str(info.get("DockerRootDir") or "/var/lib/docker"))
        if root.exists():
            yield disk("disk-engine", root)
        yield subnets(engine, settings)
        yield base_image(engine, settings)
    except HarnessError as error:
        yield Finding(name="engine", ok=False, detail=error.message, remedy=error.remedy)
    finally:
        if engine is not None:
            engine.close()


def engine_version(text: str) -> Finding:
    """Older engines lack the bridge option that shuts the host out."""
    return Finding(
        name="engine-version",
        ok=parse_version(text) >= _OLDEST_ENGINE,
        detail=text,
        remedy="Install Docker Engine 20.10 or newer.",
    )


def limits(info: dict[str, Any]) -> Finding:
    """Whether the kernel can hold memory, swap, processes and CPU to their limits."""
    wanted = {"MemoryLimit": "memory", "SwapLimit": "swap", "PidsLimit": "processes",
              "CpuCfsQuota": "CPU"}  # fmt: skip
    missing = [word for key, word in wanted.items() if not info.get(key)]
    detail = f"cgroup v{info.get('CgroupVersion', '1')}"
    return Finding(
        name="cgroup",
        ok=not missing,
        detail=f"{detail}; not limited: {', '.join(missing)}" if missing else detail,
        remedy="Boot with 'cgroup_enable=memory swapaccount=1', or with cgroup v2.",
    )


def storage(info: dict[str, Any]) -> Finding:
    """Drivers that copy whole images for each container make sessions slow and large."""
    driver = str(info.get("Driver", ""))
    return Finding(
        name="storage-driver",
        ok=driver not in ("vfs", "devicemapper", "aufs"),
        detail=driver,
        remedy="Put the engine's root folder on ext4 or xfs so that it can use overlay2.",
    )


def subnets(engine: Engine, settings: Settings) -> Finding:
    """How many more private networks fit."""
    docker = settings.docker
    taken = docker_subnets(engine.call_now(lambda api: api.networks(), "list its networks"))
    pool = IPv4Network(docker.subnet_pool)
    free = len(free_subnets(pool, docker.subnet_prefix, [*taken, *host_routes()]))
    return Finding(
        name="subnets",
        ok=free >= _MIN_FREE_SUBNETS,
        detail=f"{free} free networks of /{docker.subnet_prefix} in {pool}",
        remedy="Run 'harness reap', or give 'docker.subnet_pool' a larger private range.",
    )


def base_image(engine: Engine, settings: Settings) -> Finding:
    """Whether images can be built: the base is there, or one of the ways to get it works."""
    docker = settings.docker
    ways = []
    if docker.prebuilt.keys() >= {"workspace", "grader"} or "base" in docker.prebuilt:
        return Finding(name="base-image", ok=True, detail="prebuilt images are configured")
    if docker.base != "debootstrap":
        if _has(engine, docker.public_image):
            return Finding(name="base-image", ok=True, detail=f"{docker.public_image} is here")
        ways.append(_registry(engine, docker.public_image))
    if docker.base != "public":
        if _has(engine, bootstrapped_reference()):
            return Finding(name="base-image", ok=True, detail="made by debootstrap, is here")
        ways.append(_bootstrap())
    way = next((way for way in ways if way), None)
    return Finding(
        name="base-image",
        ok=way is not None,
        detail=way or f"no registry answers for {docker.public_image}, and no other way is open",
        remedy=NO_BASE,
    )


def _has(engine: Engine, reference: str) -> bool:
    return bool(engine.call_now(lambda api: api.images(name=reference), "list its images"))


def _registry(engine: Engine, image: str) -> str | None:
    try:
        engine.call_now(
            lambda api: api.inspect_distribution(image),  # type: ignore[no-untyped-call]  # stub
            f"ask for '{image}'",
        )
    except HarnessError:
        return None
    return f"{image} can be pulled"


def _bootstrap() -> str | None:
    if os.geteuid() != 0 or shutil.which("debootstrap") is None:
        return None
    try:
        source = apt_source()
    except HarnessError:
        return None
    return f"debootstrap can make one from {source.uri}"
