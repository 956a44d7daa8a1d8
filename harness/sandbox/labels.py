"""How we recognise what is ours: labels on everything, one id for each installation."""

from __future__ import annotations

import os
import re
import secrets
import time
from pathlib import Path

from harness import __version__
from harness.errors import SandboxError
from harness.models.sandbox import Role

_PREFIX = "hiring-harness"
OWNER = f"{_PREFIX}.owner"
"""The session or grading id."""
ROLE = f"{_PREFIX}.role"
CREATED = f"{_PREFIX}.created"
"""Unix seconds."""
VERSION = f"{_PREFIX}.version"
"""Of the harness that made it."""
BASE = f"{_PREFIX}.base"
"""Of an image: the id of the image that it was built on."""
INSTALLATION = f"{_PREFIX}.installation"
"""Whose reaper may remove it: two installations on one engine leave each other alone."""
SPEC = f"{_PREFIX}.spec"
"""The `SandboxSpec` as JSON, so that a container can be attached to after a crash."""

_OWNER_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")


def checked_owner(owner: str) -> str:
    """The owner, when it can stand in labels, file names and host names.

    Raises:
        SandboxError: It has other characters than letters, digits, `_` and `-`, or over 63.
    """
    if not _OWNER_PATTERN.fullmatch(owner):
        raise SandboxError(
            f"'{owner[:80]}' cannot own a sandbox: letters, digits, '_' and '-' only, at most 63."
        )
    return owner


def labels(owner: str, role: Role | str, installation: str) -> dict[str, str]:
    """What every object of ours carries from its first instant."""
    return {
        OWNER: checked_owner(owner),
        ROLE: role,
        CREATED: f"{time.time():.3f}",
        VERSION: __version__,
        INSTALLATION: installation,
    }


def installation_id(data_dir: Path) -> str:
    """The id kept in `data_dir`, made at first use."""
    path = data_dir / "installation-id"
    try:
        return path.read_text("ascii").strip()
    except FileNotFoundError:
        pass
    data_dir.mkdir(parents=True, exist_ok=True)
    fresh = data_dir / f".installation-id.{os.getpid()}.{secrets.token_hex(4)}"
    fresh.write_text(secrets.token_hex(8) + "\n", "ascii")
    try:
        path.hardlink_to(fresh)  # two first starts agree on one id, written whole
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    return path.read_text("ascii").strip()
