"""A folder goes with everything in it, whatever a candidate made of it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from harness.errors import SandboxError

_TIMEOUT_SEC = 600.0


def remove_tree(folder: Path) -> None:
    """Delete a folder that nobody writes to any more; links and mounts are not followed.

    Programs of the system do it rather than shutil: a tree may be deeper than Python's stack
    and than the descriptors that we may open. Without root, folders may also be shut against
    their owner, who are we; these are opened first. Blocks; idempotent.

    Raises:
        SandboxError: Something of it stays; says what.
    """
    remove = ("rm", "-rf", "--one-file-system", "--", str(folder))
    done = _run(*remove)
    if done.returncode:
        _run("chmod", "-R", "u+rwx", "--", str(folder))
        done = _run(*remove)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise SandboxError(
            f"Folder {folder} could not be removed: {said[0][:500] if said else 'no reason given'}",
            remedy="Remove it by hand, and repeat.",
            slug="volume",
        )


def _run(*argv: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            argv, check=False, capture_output=True, stdin=subprocess.DEVNULL, timeout=_TIMEOUT_SEC
        )
    except subprocess.TimeoutExpired as error:
        raise SandboxError(f"'{argv[0]}' did not finish: {error}.", slug="volume") from error
