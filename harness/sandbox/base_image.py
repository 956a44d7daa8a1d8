"""The root file system under our images: a public Python image, or one made by debootstrap."""

from __future__ import annotations

import asyncio
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

import docker

from harness.errors import HarnessError, PrerequisiteError, SandboxUnavailableError
from harness.sandbox.engine import Engine
from harness.sandbox.file_lock import locked
from harness.sandbox.host_command import run
from harness.sandbox.protocol import Progress
from harness.sandbox.removal import remove_tree
from harness.settings import Settings

_REGISTRY_SEC = 8.0
_PULL_SEC = 1800.0
_BOOTSTRAP_SEC = 1200.0
_PACKAGES = (
    *("ca-certificates", "curl", "git", "less", "nano", "procps"),
    *("python3", "python3-pip", "python3-venv"),
)
_DROP = ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/man", "usr/share/locale")
_REPOSITORY = "hiring-harness/debootstrap"

NO_BASE = (
    "Give 'docker.public_image' an image your registry has, or run once as root on Debian or "
    "Ubuntu with debootstrap installed, or name ready images in 'docker.prebuilt'."
)


class AptSource(NamedTuple):
    """One of the machine's own package sources."""

    uri: str
    suite: str
    components: tuple[str, ...]


class BaseImages:
    """Finds or makes the root file system."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine = engine
        self._cache = settings.cache_dir / "base"
        self._choice = settings.docker.base
        self._public = settings.docker.public_image

    async def ensure(self, progress: Progress) -> str:
        """The image's id.

        Raises:
            PrerequisiteError: There is none and no way to get one.
        """
        wanted = []
        if self._choice != "debootstrap":
            wanted.append(self._public)
        if self._choice != "public":
            wanted.append(bootstrapped_reference())
        for reference in wanted:
            if (image := await self.present(reference)) is not None:
                return image
        if self._choice != "debootstrap" and await self.registry_answers():
            return await self.pulled(self._public, progress)
        if self._choice == "public":
            raise PrerequisiteError(
                f"No registry answers for the image '{self._public}'.",
                remedy=NO_BASE,
                slug="base-image",
            )
        return await self._bootstrapped(progress)

    async def present(self, reference: str) -> str | None:
        """The id of an image that the engine has; None when it has not."""
        try:
            answer = await self._engine.call(
                lambda api: api.inspect_image(reference),  # type: ignore[no-untyped-call]  # stub
                f"look for image '{reference}'",
            )
        except SandboxUnavailableError as error:
            if error.slug == "engine-unreachable":
                raise
            return None
        return str(answer["Id"])

    async def registry_answers(self) -> bool:
        """Whether the public image can be had; decided within seconds."""
        asking = self._engine.call(
            lambda api: api.inspect_distribution(self._public),  # type: ignore[no-untyped-call]  # stub
            f"ask for '{self._public}'",
        )
        try:
            await asyncio.wait_for(asking, _REGISTRY_SEC)
        except (HarnessError, TimeoutError):
            return False
        return True

    async def pulled(self, reference: str, progress: Progress) -> str:
        """Get an image from its registry; its id.

        Raises:
            SandboxUnavailableError: The registry does not have it or does not answer.
        """
        progress(f"Pulling {reference}")
        pulling = self._engine.call(lambda api: api.pull(reference), f"pull '{reference}'")
        await asyncio.wait_for(pulling, _PULL_SEC)
        image = await self.present(reference)
        assert image is not None, "the engine said that it pulled it"
        return image

    async def _bootstrapped(self, progress: Progress) -> str:
        key = _recipe_key()
        async with locked(self._cache / f"{key}.lock"):
            image = await self.present(f"{_REPOSITORY}:{key}")
            if image is not None:
                return image
            archive = self._cache / f"{key}.tar.gz"
            if not archive.exists():
                progress("Making the base image with debootstrap (about a minute)")
                await self._bootstrap(await asyncio.to_thread(apt_source), archive)
            progress("Importing the base image")
            await self._engine.call(
                lambda api: _import(api, archive, key), f"import {archive.name}"
            )
        image = await self.present(f"{_REPOSITORY}:{key}")
        assert image is not None
        return image

    async def _bootstrap(self, source: AptSource, archive: Path) -> None:
        if os.geteuid() != 0:
            raise PrerequisiteError(
                "A base image can be made with debootstrap as root only.",
                remedy=NO_BASE,
                slug="base-image",
            )
        debs = self._cache / "debs"
        debs.mkdir(parents=True, exist_ok=True)
        for stale in self._cache.glob("root-*"):
            await asyncio.to_thread(remove_tree, stale)
        root = Path(tempfile.mkdtemp(dir=self._cache, prefix="root-"))
        try:
            await _debootstrap(source, root, debs)
            await _pack(root, archive)
        finally:
            await asyncio.to_thread(remove_tree, root)


def apt_source() -> AptSource:
    """The machine's own source of its own release, as apt itself reads its configuration.

    Raises:
        PrerequisiteError: It has no apt, or no such source.
    """
    remedy, codename = NO_BASE, _codename()
    try:
        answer = subprocess.run(
            ["apt-get", "indextargets", "--format", "$(REPO_URI)|$(RELEASE)|$(COMPONENT)",
             "Identifier: Packages"],
            check=True, capture_output=True, text=True, timeout=30,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        raise PrerequisiteError(
            "This machine has no apt to make a base image from.", remedy=remedy, slug="base-image"
        ) from error
    rows = [line.split("|") for line in answer.stdout.splitlines() if line.count("|") == 2]  # noqa: PLR2004
    uris = [uri for uri, release, component in rows if (release, component) == (codename, "main")]
    if not uris:
        raise PrerequisiteError(
            f"apt's sources have no '{codename} main' to make a base image from.",
            remedy=remedy,
            slug="base-image",
        )
    parts = {part for uri, release, part in rows if (uri, release) == (uris[0], codename)}
    wanted = tuple(part for part in ("main", "universe") if part in parts)
    return AptSource(uris[0], codename, wanted)


def _codename() -> str:
    """The machine's own release, such as "bookworm"; empty where it says none."""
    try:
        return platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    except OSError:
        return ""


def bootstrapped_reference() -> str:
    """The tag of the image that debootstrap makes on this machine."""
    return f"{_REPOSITORY}:{_recipe_key()}"


def _recipe_key() -> str:
    recipe = repr((_PACKAGES, _DROP, platform.machine()))
    return f"{_codename() or 'none'}-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"


async def _debootstrap(source: AptSource, root: Path, debs: Path) -> None:
    await run(
        [
            # In a mount namespace of its own, so that a kill leaves none of its mounts behind.
            *("unshare", "--mount", "debootstrap", "--variant=minbase"),
            f"--include={','.join(_PACKAGES)}",
            f"--components={','.join(source.components)}",
            f"--cache-dir={debs}",
            *(source.suite, str(root), source.uri),
        ],
        what=f"make a base image of {source.suite} with debootstrap",
        remedy="Install debootstrap ('apt-get install debootstrap') and check apt's sources.",
        timeout_sec=_BOOTSTRAP_SEC,
        env=_apt_proxy(),
    )


async def _pack(root: Path, archive: Path) -> None:
    for name in _DROP:
        folder = root / name
        if folder.is_dir():
            shutil.rmtree(folder)
            folder.mkdir()
    for listing in (root / "etc/apt/sources.list", root / "etc/resolv.conf", root / "etc/hostname"):
        listing.unlink(missing_ok=True)
    fresh = archive.with_suffix(".part")
    await run(
        [
            *("tar", "--create", "--one-file-system", "--numeric-owner", "--directory", str(root)),
            *("--use-compress-program=gzip -1", "--file", str(fresh), "."),
        ],
        what="pack the base image",
        remedy="Check free space in the cache folder.",
        timeout_sec=_BOOTSTRAP_SEC,
    )
    fresh.rename(archive)


def _apt_proxy() -> dict[str, str]:
    """For wget, with which debootstrap downloads: it does not read apt's proxy setting."""
    answer = subprocess.run(
        ["apt-config", "shell", "proxy", "Acquire::http::Proxy"],
        check=False, capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    value = answer.stdout.strip().removeprefix("proxy=").strip("'")
    return {"http_proxy": value} if value else {}


def _import(api: docker.APIClient, archive: Path, tag: str) -> None:
    api.import_image_from_file(str(archive), repository=_REPOSITORY, tag=tag)
