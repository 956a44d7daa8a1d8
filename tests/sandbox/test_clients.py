"""Assistants' programs: pinned by hashes, fetched on the host, believed by nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.errors import HarnessError, ImageBuildError, PrerequisiteError, UsageError
from harness.models.client import NodePackage
from harness.sandbox.clients import (
    NodePackages,
    check_machine,
    client_names,
    clients_folder,
    integrity,
    read_client,
)

TARBALL = b"what a registry holds"


def package(content: bytes = TARBALL, folder: Path | None = None) -> NodePackage:
    """A package whose tarball has this content."""
    assert folder is not None
    file = folder / "expected.tgz"
    file.write_bytes(content)
    return NodePackage(name="@co/tool", version="1.2.3", integrity=integrity(file), file="t.tgz")


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program called npm that does as its script says; first on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "npm"
    program.write_text(
        "#!/bin/sh\n"
        'echo "$@" >> "$(dirname "$0")/calls"\n'
        'for folder in "$@"; do :; done\n'
        f"printf '{TARBALL.decode()}' > \"$folder/co-tool-1.2.3.tgz\"\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return program


def test_integrity_is_what_npm_says() -> None:
    """The known value of an empty file."""
    assert integrity(Path("/dev/null")).startswith("sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdN")


async def test_a_package_is_fetched_once(npm: Path, tmp_path: Path) -> None:
    """By name and version, without running anything of it; then it is there."""
    packages, told = NodePackages(tmp_path / "cache"), list[str]()
    wanted = package(folder=tmp_path)
    first = await packages.tarball(wanted, told.append)
    assert await packages.tarball(wanted, told.append) == first
    assert first.read_bytes() == TARBALL
    assert told == ["Fetching @co/tool@1.2.3"]
    (call,) = (npm.parent / "calls").read_text().splitlines()
    assert call.startswith("pack @co/tool@1.2.3 --ignore-scripts")
    assert [path.name for path in first.parent.iterdir() if path.is_dir()] == []


async def test_another_content_is_refused_and_not_kept(npm: Path, tmp_path: Path) -> None:
    """A registry that gives something else gives nothing."""
    packages = NodePackages(tmp_path / "cache")
    wanted = package(b"something else", tmp_path)
    with pytest.raises(ImageBuildError, match="is not what was pinned"):
        await packages.tarball(wanted, lambda _: None)
    assert list((tmp_path / "cache/npm").glob("*.tgz")) == []


@pytest.mark.parametrize(
    ("script", "error", "told"),
    [
        ("#!/bin/sh\necho 'E404 no such package'\nexit 1\n", ImageBuildError, "E404 no such"),
        (None, PrerequisiteError, "'npm' is not installed"),
    ],
)
async def test_what_cannot_be_fetched_is_said(
    npm: Path, tmp_path: Path, script: str | None, error: type[HarnessError], told: str
) -> None:
    """With npm's own words, or that there is no npm; and with a way out."""
    if script is None:
        npm.unlink()
        npm.parent.joinpath("nothing").touch()
    else:
        npm.write_text(script)
    packages = NodePackages(tmp_path / "cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(npm.parent) if script is None else f"{npm.parent}:/bin")
        with pytest.raises(error, match=told) as caught:
            await packages.tarball(package(folder=tmp_path), lambda _: None)
    assert "npm config get registry" in (caught.value.remedy or "")


def test_an_unknown_client_is_told_with_those_that_there_are() -> None:
    """A typing error, or a path that leads elsewhere."""
    for name in ("claud", "../gateway", ""):
        with pytest.raises(UsageError, match="There is no client") as caught:
            read_client(name)
        assert "claude-code" in (caught.value.remedy or "")


def test_a_client_for_another_machine_is_refused() -> None:
    """Packages for one machine are not put on another; Python's are for any."""
    claude, llm = read_client("claude-code"), read_client("llm")
    check_machine(claude, ("manylinux_2_36_x86_64", "linux_x86_64"))
    check_machine(llm, ("linux_aarch64",))
    with pytest.raises(ImageBuildError, match="packaged here for x86_64, and the image's machine"):
        check_machine(claude, ("linux_aarch64",))


@pytest.mark.parametrize("name", client_names())
def test_a_client_is_pinned_and_asks_no_registry(name: str) -> None:
    """One version everywhere, a hash for all that is fetched, nothing fetched by a build."""
    client, folder = read_client(name), clients_folder() / name
    dockerfile = (folder / "Dockerfile").read_text("utf-8")
    requirements = folder / "requirements.txt"
    assert client.packages or requirements.is_file()
    if requirements.is_file():
        text = requirements.read_text("utf-8")
        pins = re.findall(r"^[a-zA-Z0-9._-]+==\S+", text, re.MULTILINE)
        assert len(pins) == len(re.findall(r"^[^ #\n]", text, re.MULTILINE))
        assert len(pins) == len(re.findall(r"^[^ #\n][^\n]*\\\n    --hash=", text, re.MULTILINE))
        assert any(pin.endswith(f"=={client.version}") for pin in pins)
        assert "--require-hashes" in dockerfile
        assert "--no-index" in dockerfile
    for one in client.packages:
        assert f"ADD {one.file} " in dockerfile
    if client.packages:
        assert client.packages[0].version.startswith(client.version)
    assert not re.search(r"https?://|apt-get|npm |curl|wget", dockerfile)
    assert f"/usr/local/bin/{client.command}" in dockerfile
    assert "USER 10001:10001" in dockerfile.splitlines()[-1]
