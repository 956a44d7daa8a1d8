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
    _delete(folder, "removed", "rm", "-rf", "--one-file-system", "--", str(folder))


def empty_folder(folder: Path) -> None:
    """Delete everything in a folder as `remove_tree` does; it stays itself, open to its owner.

    Raises:
        SandboxError: Something in it stays; says what.
    """
    _run("chmod", "u+rwx", "--", str(folder))
    _delete(folder, "emptied", "find", str(folder), "-xdev", "-mindepth", "1", "-delete")


def _delete(folder: Path, outcome: str, *argv: str) -> None:
    done = _run(*argv)
    if done.returncode:
        _run("chmod", "-R", "u+rwx", "--", str(folder))
        done = _run(*argv)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        reason = said[0][:500] if said else "no reason given"
        raise SandboxError(
            f"Folder {folder} could not be {outcome}: {reason}",
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
