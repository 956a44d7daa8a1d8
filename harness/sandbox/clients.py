"""Assistants' programs for a workspace's image, as folders of `sandboxes/assistants/`.

Versions are pinned, by hashes, and everything is fetched on the host: a build asks no
registry. Which registries there are, the machine's own pip and npm know.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import tempfile
import tomllib
from pathlib import Path

from harness.content import SANDBOXES, content_dir
from harness.errors import ImageBuildError, UsageError
from harness.models.client import Client, NodePackage
from harness.sandbox.file_lock import locked
from harness.sandbox.host_command import run
from harness.sandbox.protocol import Progress

_FETCH_SEC = 900.0
_REMEDY = (
    "Check npm's configuration ('npm config get registry') and try again, or open the session "
    "without this client."
)
_CHUNK = 1024 * 1024


def clients_folder() -> Path:
    """Where each has a folder."""
    return content_dir(SANDBOXES) / "assistants"


def client_names() -> list[str]:
    """Those that can be chosen."""
    return sorted(path.parent.name for path in clients_folder().glob("*/client.toml"))


def read_client(name: str) -> Client:
    """A client by its name.

    Raises:
        UsageError: There is none of that name.
    """
    if name not in client_names():
        raise UsageError(
            f"There is no client '{name[:60]}' to put into a workspace.",
            remedy=f"There are: {', '.join(client_names())}.",
            slug="client-unknown",
        )
    text = (clients_folder() / name / "client.toml").read_text("utf-8")
    return Client.model_validate({"name": name, **tomllib.loads(text)})


def check_machine(client: Client, platforms: tuple[str, ...]) -> None:
    """See to it that a client's packages are for an image's machine.

    Args:
        platforms: Platform tags of the image's Python, such as "linux_x86_64".

    Raises:
        ImageBuildError: They are for another one.
    """
    if client.arch is None or any(tag.endswith(client.arch) for tag in platforms):
        return
    raise ImageBuildError(
        f"{client.title} {client.version} is packaged here for {client.arch}, and the image's "
        f"machine is {platforms[-1] if platforms else 'unknown'}.",
        remedy="Open the session without this client.",
    )


class NodePackages:
    """Tarballs from npm, fetched once and believed by their hash alone."""

    def __init__(self, cache_dir: Path) -> None:
        self._root = cache_dir / "npm"

    async def tarball(self, package: NodePackage, progress: Progress) -> Path:
        """A package's tarball.

        Raises:
            PrerequisiteError: There is no npm.
            ImageBuildError: It cannot be fetched, or is not what was pinned.
        """
        key = hashlib.sha256(package.integrity.encode()).hexdigest()[:16]
        path = self._root / f"{key}.tgz"
        async with locked(self._root / f"{key}.lock"):
            if not path.is_file():
                progress(f"Fetching {package.spec}")
                await self._fetch(package, path)
        return path

    async def _fetch(self, package: NodePackage, path: Path) -> None:
        for stale in self._root.glob(f"{path.stem}-*"):
            shutil.rmtree(stale, ignore_errors=True)  # of a fetch that was killed
        folder = Path(tempfile.mkdtemp(dir=self._root, prefix=f"{path.stem}-"))
        try:
            await run(
                [
                    *("npm", "pack", package.spec, "--ignore-scripts", "--silent"),
                    *("--pack-destination", str(folder)),
                ],
                what=f"fetch {package.spec}",
                remedy=_REMEDY,
                timeout_sec=_FETCH_SEC,
            )
            (made,) = folder.glob("*.tgz")
            found = integrity(made)
            if found != package.integrity:
                raise ImageBuildError(
                    f"What npm gave as {package.spec} is not what was pinned: {found} instead of "
                    f"{package.integrity}.",
                    remedy="Do not use it; ask who runs the registry, and upgrade the harness.",
                )
            made.rename(path)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def integrity(path: Path) -> str:
    """A file's subresource integrity, SHA-512.

    Source: W3C Subresource Integrity, as npm's lock files have it.
    """
    total = hashlib.sha512()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            total.update(chunk)
    return f"sha512-{base64.b64encode(total.digest()).decode()}"
