"""Folders of bounded size on the host.

As root each is an ext4 file system in a sparse file, `<id>.img`, mounted at `<id>/`;
without root a plain folder, and `Volume.enforced` says that nothing bounds it.

There is no register that a crash could leave half-written: the id itself,
`<owner>.<size>m.<random>`, says whose it is and how big, and what lies in the
folder (or is mounted in it) is all there is.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
import sys
from pathlib import Path

from harness.errors import PrerequisiteError, SandboxError, SandboxUnavailableError
from harness.models.sandbox import SandboxObject, Volume
from harness.sandbox.labels import checked_owner
from harness.sandbox.removal import remove_tree

_ID = re.compile(r"(?P<owner>[A-Za-z0-9_-]+)\.(?P<size>\d+)m\.[0-9a-f]{8}")
_BYTES_PER_INODE = 8192
"""A 2 GiB volume then holds 262,144 files."""
_COMMAND_TIMEOUT_SEC = 60.0
_CAP_SYS_ADMIN = 21


def can_enforce() -> bool:
    """Whether this process may mount file systems of its own."""
    if sys.platform != "linux" or os.geteuid() != 0 or not Path("/dev/loop-control").exists():
        return False
    if not all(shutil.which(tool) for tool in ("mkfs.ext4", "mount", "umount")):
        return False
    status = Path("/proc/self/status").read_text("ascii")
    effective = int(re.findall(r"^CapEff:\s*([0-9a-f]+)", status, re.MULTILINE)[0], 16)
    return bool(effective >> _CAP_SYS_ADMIN & 1)


class VolumeStore:
    """The volumes below one folder. Every method blocks; callers use a thread."""

    def __init__(self, root: Path, *, uid: int, gid: int, enforced: bool | None = None) -> None:
        self.root = root
        self.uid = uid
        self.gid = gid
        self.enforced = can_enforce() if enforced is None else enforced

    def create(self, owner: str, size_mb: int) -> Volume:
        """An empty volume; about 30 ms.

        Raises:
            PrerequisiteError: The disk is full or a file system cannot be mounted.
        """
        volume_id = f"{checked_owner(owner)}.{size_mb}m.{secrets.token_hex(4)}"
        self.root.mkdir(parents=True, exist_ok=True, mode=0o711)
        try:
            if self.enforced:
                self._format(self._image(volume_id), size_mb)
                self._mount(volume_id)
            else:
                self._folder(volume_id).mkdir(mode=0o755)
        except BaseException:
            self.remove(volume_id)
            raise
        return self._described(volume_id)

    def get(self, volume_id: str) -> Volume:
        """A volume made earlier, mounted again when it is not.

        Raises:
            SandboxUnavailableError: It is gone.
        """
        folder, image = self._folder(volume_id), self._image(volume_id)
        if image.exists():
            if not folder.is_mount():
                self._mount(volume_id)
        elif not folder.is_dir():
            raise SandboxUnavailableError(
                f"Volume '{volume_id}' is gone from {self.root}.", slug="volume-gone"
            )
        return self._described(volume_id)

    def remove(self, volume_id: str) -> None:
        """Unmount and delete it, whatever state it is in. Idempotent."""
        folder, image = self._folder(volume_id), self._image(volume_id)
        while folder.is_mount():
            # Lazily: a snapshot being taken must not keep a finished session's disk.
            try:
                _run("umount", "--lazy", str(folder))
            except PrerequisiteError:
                if folder.is_mount():  # otherwise somebody else's removal was quicker
                    raise
        image.unlink(missing_ok=True)
        remove_tree(folder)

    def objects(self) -> list[SandboxObject]:
        """Every volume, whole or half-made, mounted or not."""
        if not self.root.is_dir():
            return []
        names = {entry.name.removesuffix(".img"): entry for entry in self.root.iterdir()}
        return [
            SandboxObject(
                kind="volume",
                id=name,
                owner=match["owner"],
                created_at=_modified(entry),
            )
            for name, entry in sorted(names.items())
            if (match := _ID.fullmatch(name))
        ]

    def _format(self, image: Path, size_mb: int) -> None:
        with image.open("xb") as file:
            file.truncate(size_mb * 1024 * 1024)
        image.chmod(0o600)
        _run(
            *(
                "mkfs.ext4",
                "-q",
                "-F",
                "-m",
                "0",
                "-b",
                "4096",
                "-i",
                str(_BYTES_PER_INODE),
                "-J",
                "size=4",
            ),
            *("-E", "lazy_itable_init=1,lazy_journal_init=1,nodiscard"),
            str(image),
        )

    def _mount(self, volume_id: str) -> None:
        folder = self._folder(volume_id)
        folder.mkdir(exist_ok=True, mode=0o755)
        options = "loop,nosuid,nodev,noatime"
        _run("mount", "-t", "ext4", "-o", options, str(self._image(volume_id)), str(folder))
        lost = folder / "lost+found"
        if lost.is_dir() and not lost.is_symlink() and lost.stat().st_uid == 0:
            lost.rmdir()  # an empty folder is promised; e2fsck makes it again when it needs it
            os.chown(folder, self.uid, self.gid)

    def _described(self, volume_id: str) -> Volume:
        match = _checked(volume_id)
        return Volume(
            id=volume_id,
            owner=match["owner"],
            path=str(self._folder(volume_id)),
            size_mb=int(match["size"]),
            enforced=self._image(volume_id).exists(),
        )

    def _folder(self, volume_id: str) -> Path:
        return self.root / _checked(volume_id)[0]

    def _image(self, volume_id: str) -> Path:
        return self.root / f"{_checked(volume_id)[0]}.img"


def _checked(volume_id: str) -> re.Match[str]:
    """The id's parts; an id is part of a path, so nothing else may pass."""
    match = _ID.fullmatch(volume_id)
    if match is None:
        raise SandboxUnavailableError(
            f"'{volume_id[:80]}' is not a volume's id.", slug="volume-gone"
        )
    return match


def _modified(entry: Path) -> float:
    try:
        return entry.lstat().st_mtime
    except FileNotFoundError:
        return 0.0


def _run(*argv: str) -> None:
    try:
        subprocess.run(
            argv, check=True, capture_output=True, stdin=subprocess.DEVNULL,
            timeout=_COMMAND_TIMEOUT_SEC,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise SandboxError(f"'{argv[0]}' did not finish: {error}.", slug="volume") from error
    except subprocess.CalledProcessError as error:
        said = " ".join(error.stderr.decode(errors="replace").split())
        raise PrerequisiteError(
            f"A volume could not be prepared: '{' '.join(argv)}' said: {said}.",
            remedy="Check free space and loop devices with 'harness doctor'.",
            slug="volume",
        ) from error
