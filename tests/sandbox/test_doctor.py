"""What `harness doctor` looks at, and what it says when something is wrong."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from harness.sandbox import doctor
from harness.settings import DockerSettings, Settings


def by_name(findings: list[doctor.Finding]) -> dict[str, doctor.Finding]:
    """Findings by their names, of which none comes twice."""
    found = {finding.name: finding for finding in findings}
    assert len(found) == len(findings)
    return found


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings with a data folder that does not exist yet."""
    return Settings(data_dir=tmp_path / "not" / "yet")


def at(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    """Point the harness at an engine's socket."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")


def test_no_engine_at_all(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The socket is not there; the rest of the machine is looked at all the same."""
    at(monkeypatch, tmp_path / "none.sock")
    found = by_name(doctor.examine(settings))
    assert "no engine is running" in found["engine"].detail
    assert "DOCKER_HOST" in found["engine"].remedy
    assert {"python", "git", "disk-data", "volumes"} <= found.keys()
    assert "subnets" not in found


def test_a_stale_engine(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A socket that nobody serves any more is told from a missing one."""
    path = tmp_path / "stale.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
    at(monkeypatch, path)
    finding = by_name(doctor.examine(settings))["engine"]
    assert not finding.ok
    assert "nobody answers" in finding.detail
    assert "restart" in finding.remedy.lower()


def test_a_hanging_engine(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that accepts and says nothing is reported within the time given."""
    path = tmp_path / "hang.sock"
    monkeypatch.setattr(doctor, "_ANSWER_SEC", 0.3)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        at(monkeypatch, path)
        finding = by_name(doctor.examine(settings))["engine"]
    assert "engine hangs" in finding.detail


def test_a_senseless_docker_host(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A finding, not an exception."""
    monkeypatch.setenv("DOCKER_HOST", "gopher://x:y:z")
    assert not by_name(doctor.examine(settings))["engine"].ok


def test_the_process_backend_needs_no_engine(settings: Settings) -> None:
    """Only what it uses is looked at."""
    plain = settings.model_copy(update={"backend": "process"})
    assert set(by_name(doctor.examine(plain))) == {"python", "git", "disk-data"}


@pytest.mark.parametrize(
    ("version", "ok"), [("19.03.1", False), ("20.10.24+dfsg1", True), ("28.0", True)]
)
def test_old_engines_are_refused(version: str, ok: bool) -> None:
    """The bridge option that shuts the host out came with 20.10's generation."""
    assert doctor.engine_version(version).ok is ok


def test_missing_kernel_limits_are_named() -> None:
    """An engine without swap accounting cannot hold memory to its limit."""
    info = {"CgroupVersion": "2", "MemoryLimit": True, "PidsLimit": True, "CpuCfsQuota": True}
    finding = doctor.limits(info)
    assert not finding.ok
    assert finding.detail == "cgroup v2; not limited: swap"
    assert doctor.limits({**info, "SwapLimit": True}).ok


def test_a_copying_storage_driver_is_pointed_out() -> None:
    """It works, but slowly and at great cost of disk."""
    assert not doctor.storage({"Driver": "vfs"}).ok
    assert doctor.storage({"Driver": "overlay2"}).ok


def test_missing_git_is_a_finding(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With the package to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    finding = doctor.git()
    assert not finding.ok
    assert "apt-get install git" in finding.remedy


def test_a_full_disk_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Free space is measured where the folder will be."""
    monkeypatch.setattr(doctor, "_MIN_FREE_GIB", 10**9)
    assert not doctor.disk("disk-data", tmp_path / "later").ok


@pytest.mark.docker
def test_a_working_machine(settings: Settings, workspace_image: str) -> None:
    """With an engine and a base image nothing about the engine is missing."""
    found = by_name(doctor.examine(settings))
    for name in ("engine", "engine-version", "cgroup", "subnets", "base-image"):
        assert found[name].ok, found[name]


@pytest.mark.docker
def test_a_used_up_address_pool(tmp_path: Path) -> None:
    """Too few free networks are said before a session fails for want of one."""
    small = DockerSettings(subnet_pool="10.214.9.0/28", subnet_prefix=29)
    finding = by_name(doctor.examine(Settings(data_dir=tmp_path, docker=small)))["subnets"]
    assert not finding.ok
    assert finding.detail.startswith("2 free")


@pytest.mark.docker
def test_no_way_to_a_base_image(tmp_path: Path) -> None:
    """A public image that no registry has, and nothing else allowed."""
    none = DockerSettings(base="public", public_image="localhost:1/none:1")
    finding = by_name(doctor.examine(Settings(data_dir=tmp_path, docker=none)))["base-image"]
    assert not finding.ok
    assert "docker.public_image" in finding.remedy
