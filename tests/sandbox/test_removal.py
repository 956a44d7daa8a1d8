"""What a candidate made of a folder cannot keep it from going."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import SandboxError
from harness.models.sandbox import SandboxSpec
from harness.sandbox.process import ProcessBackend
from harness.sandbox.removal import remove_tree
from harness.sandbox.volumes import VolumeStore
from tests.conftest import NOBODY
from tests.sandbox.conftest import needs_root


def dig(folder: Path) -> None:
    """Make folders in each other, deeper than Python's stack and a process's descriptors."""
    script = "import os\nfor _ in range(3000): os.mkdir('d'); os.chdir('d')"
    subprocess.run([sys.executable, "-c", script], cwd=folder, check=True)


def test_a_volume_deeper_than_pythons_stack_is_removed(tmp_path: Path) -> None:
    """A docker volume without a file system of its own goes whole."""
    store = VolumeStore(tmp_path, uid=os.getuid(), gid=os.getgid(), enforced=False)
    volume = store.create("s1", 10)
    dig(Path(volume.path))
    store.remove(volume.id)
    assert list(tmp_path.iterdir()) == []


async def test_a_process_volume_deeper_than_pythons_stack_is_removed(tmp_path: Path) -> None:
    """The process backend's volume goes whole, and only then is it forgotten."""
    backend = ProcessBackend(tmp_path / "data", tmp_path / "cache")
    volume = await backend.create_volume("s1", 10)
    dig(Path(volume.path))
    await backend.remove_volume(volume.id)
    assert not Path(volume.path).exists()
    assert await backend.objects() == []


async def test_a_process_sandbox_deeper_than_pythons_stack_is_removed(tmp_path: Path) -> None:
    """What a sandbox left in its home and its temporary folder goes too."""
    backend = ProcessBackend(tmp_path / "data", tmp_path / "cache")
    spec = SandboxSpec(owner="s1", role="workspace", image=sys.prefix)
    removed, reaped = [await backend.start(spec) for _ in range(2)]
    for box in (removed, reaped):
        dig(tmp_path / "data/process/sandboxes" / box.id / "tmp")
    await removed.remove()
    [left] = await backend.objects()
    await backend.remove_object(left)
    assert list((tmp_path / "data/process/sandboxes").iterdir()) == []


def test_folders_shut_against_their_owner_are_removed(as_nobody: Path) -> None:
    """Without root, a folder without permissions is opened first."""
    inner = as_nobody / "tree" / "a" / "b"
    inner.mkdir(parents=True)
    (inner / "file").touch()
    inner.chmod(0)
    inner.parent.chmod(0)
    remove_tree(as_nobody / "tree")
    assert list(as_nobody.iterdir()) == []


def test_links_are_not_followed(tmp_path: Path) -> None:
    """What a link leads to stays, also when the folder itself is one."""
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").touch()
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "link").symlink_to(tmp_path / "kept")
    (tmp_path / "alias").symlink_to(tmp_path / "kept")
    remove_tree(tmp_path / "tree")
    remove_tree(tmp_path / "alias")
    remove_tree(tmp_path / "never was")
    assert [path.name for path in tmp_path.rglob("*")] == ["kept", "file"]


@needs_root
def test_what_stays_is_said(as_nobody: Path) -> None:
    """Somebody else's folder is not ours to remove, and nobody is told that it is gone."""
    os.seteuid(0)
    (as_nobody / "tree").mkdir()
    (as_nobody / "tree" / "file").touch()
    os.seteuid(NOBODY)
    with pytest.raises(SandboxError, match=r"(?s)tree could not be removed.*not permitted|denied"):
        remove_tree(as_nobody / "tree")
    assert (as_nobody / "tree" / "file").exists()
