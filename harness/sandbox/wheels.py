"""Wheels for an image, downloaded on the host: a build then needs no package registry.

The host's own pip configuration says where from.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from harness.sandbox.file_lock import locked
from harness.sandbox.host_command import run
from harness.sandbox.protocol import Progress

_DOWNLOAD_SEC = 600.0
_REMEDY = (
    "Pin versions that have wheels for the image's Python, and check pip's configuration "
    "('pip config list')."
)


class PythonTarget(NamedTuple):
    """The Python of an image, as pip names it."""

    version: str
    """Such as "3.11"."""
    platforms: tuple[str, ...]
    """Platform tags it takes, most specific first."""


class Wheels:
    """Folders of wheels, cached by what was asked for."""

    def __init__(self, cache_dir: Path) -> None:
        self._root = cache_dir / "wheels"

    async def folder(
        self, requirements: Path, target: PythonTarget, name: str, progress: Progress
    ) -> Path:
        """A folder with the wheels of a requirements file, their requirements included.

        Raises:
            ImageBuildError: pip found no wheel for one of them; with its last lines.
        """
        asked = json.dumps([requirements.read_text("utf-8"), *target], ensure_ascii=True)
        key = hashlib.sha256(asked.encode()).hexdigest()[:16]
        folder = self._root / key
        if folder.is_dir():
            return folder
        async with locked(self._root / f"{key}.lock"):
            if not folder.is_dir():
                progress(f"Downloading the wheels of {name}")
                await self._download(requirements, target, name, folder)
        return folder

    async def _download(
        self, requirements: Path, target: PythonTarget, name: str, folder: Path
    ) -> None:
        for stale in self._root.glob(f"{folder.name}-*"):
            shutil.rmtree(stale, ignore_errors=True)  # of a download that was killed
        fresh = Path(tempfile.mkdtemp(dir=self._root, prefix=f"{folder.name}-"))
        try:
            await run(
                [
                    *_pip(),
                    *("download", "--quiet", "--no-input", "--only-binary=:all:"),
                    *("--disable-pip-version-check", "--dest", str(fresh)),
                    *("--python-version", target.version, "--implementation", "cp"),
                    *(f"--platform={tag}" for tag in target.platforms),
                    *("--requirement", str(requirements)),
                ],
                what=f"download the wheels of {name}",
                remedy=_REMEDY,
                timeout_sec=_DOWNLOAD_SEC,
            )
            fresh.chmod(0o755)
            fresh.rename(folder)
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise


def _pip() -> list[str]:
    """Our own environment's pip, or the one on PATH where it has none (as uv makes them)."""
    try:
        import pip  # noqa: F401, PLC0415 - only asked whether it is there
    except ImportError:
        return ["pip"]
    return [sys.executable, "-m", "pip"]
