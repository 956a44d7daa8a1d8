"""Hostile work trees: odd, huge, deep, locked, and torn apart while they are read."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from harness.recorder import scan

from .trees import paths, reasons, recorded, run_git


def test_ignore_files_change_nothing(shadow, tree):
    """A .gitignore that ignores everything, itself included, hides nothing."""
    shadow.snapshot()
    (tree / ".gitignore").write_text("*\n")
    (tree / "secret.py").write_text("x\n")
    assert set(paths(shadow.snapshot().changes)) == {".gitignore", "secret.py"}


def test_own_excludes_are_left_out(shadow, tree):
    """Folders that tools fill are not recorded; files of such a name are."""
    shadow.snapshot()
    for name in scan.EXCLUDED_FOLDERS - {".venv"}:
        (tree / "pkg" / name).mkdir(parents=True)
        (tree / "pkg" / name / "x").write_text("x")
    (tree / ".venv").write_text("a file\n")
    assert set(paths(shadow.snapshot().changes)) == {".venv"}


def test_nested_repositories_are_recorded_as_files(shadow, tree):
    """Files of a repository inside the workspace are in the record, its git data is not."""
    shadow.snapshot()
    inner = tree / "vendor" / "inner"
    inner.mkdir(parents=True)
    (inner / "code.py").write_text("hidden?\n")
    run_git(inner, "init", "-q")
    run_git(inner, "add", "-A")
    run_git(inner, "commit", "-qm", "x")
    (tree / "gitfile").mkdir()
    (tree / "gitfile" / ".git").write_text("gitdir: ../vendor/inner/.git\n")
    (tree / "gitfile" / "more.py").write_text("x\n")
    assert set(paths(shadow.snapshot().changes)) == {"vendor/inner/code.py", "gitfile/more.py"}


def test_links_are_recorded_never_followed(shadow, tree, tmp_path):
    """Links out of the tree, to folders, to themselves and to nowhere are just links."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "host-secret").write_text("secret\n")
    (tree / "out").symlink_to(outside)
    (tree / "file").symlink_to(outside / "host-secret")
    (tree / "self").symlink_to("self")
    (tree / "loop").symlink_to(".")
    shadow.snapshot()
    dest = recorded(shadow, tmp_path)
    assert (dest / "out").readlink() == outside
    assert (dest / "file").readlink() == outside / "host-secret"
    assert {path.name for path in dest.rglob("*")} >= {"self", "loop"}
    assert b"secret\n" not in b"".join(
        path.read_bytes() for path in dest.rglob("*") if path.is_file() and not path.is_symlink()
    )


def test_type_changes(shadow, tree):
    """A file that becomes a link, a folder that becomes a file, and back, are followed."""
    shadow.snapshot()
    (tree / "app.py").unlink()
    (tree / "app.py").symlink_to("tests")
    shutil.rmtree(tree / "tests")
    (tree / "tests").write_text("now a file\n")
    kinds = {change.path: change.kind for change in shadow.snapshot().changes}
    assert kinds["app.py"] == "type-changed"
    assert kinds["tests"] == "added"
    (tree / "tests").unlink()
    (tree / "tests").mkdir()
    (tree / "tests" / "a").write_text("x")
    assert {change.path for change in shadow.snapshot().changes} == {"tests", "tests/a"}


def test_fifos_and_sockets_do_not_block(shadow, tree, monkeypatch):
    """Special files are listed as such, at once."""
    os.mkfifo(tree / "pipe")
    monkeypatch.chdir(tree)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        assert reasons(shadow.snapshot()) == {"pipe": "not-a-file", "socket": "not-a-file"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may make device files")
def test_devices_are_not_opened(shadow, tree):
    """A device file is listed as not a file."""
    os.mknod(tree / "null", 0o600 | 0o020000, os.makedev(1, 3))
    assert reasons(shadow.snapshot()) == {"null": "not-a-file"}


def test_odd_names(shadow, tree, tmp_path):
    """Newlines, undecodable bytes, dashes, quotes, globs and long names are just names."""
    names = [
        b"new\nline",
        b"\xff\xfe.py",
        b"-rf",
        b"--exec=touch",
        b'quote"back\\slash',
        b":(glob)**",
        b"*",
        b" lead and trail ",
        b"tab\there",
        b"\x1b[31mred",
        b"x" * 255,
    ]
    first = shadow.snapshot()
    for name in names:
        (tree / os.fsdecode(name)).write_bytes(b"content\n")
    second = shadow.snapshot()
    assert len(second.changes) == len(names)
    dest = recorded(shadow, tmp_path)
    assert set(names) <= {os.fsencode(path.name) for path in dest.iterdir()}
    for change in second.changes:
        patch, _ = shadow.patch(first.tree, second.tree, change.path)
        assert patch.count("+content") == 1
        assert shadow.read(second.tree, change.path) == b"content\n"
    assert second.model_dump_json()


def test_names_that_look_like_git_data_on_other_systems(shadow, tree, tmp_path):
    """`.GIT` and `git~1` are ordinary folders here."""
    for name in (".GIT", "git~1", ".git\u200c"):
        (tree / name).mkdir()
        (tree / name / "config").write_text(name)
    shadow.snapshot()
    dest = recorded(shadow, tmp_path)
    assert (dest / ".GIT" / "config").read_text() == ".GIT"
    assert (dest / "git~1" / "config").read_text() == "git~1"


def test_very_deep_folders_are_cut(shadow, tree):
    """Folders nested beyond the limit are listed, not followed."""
    shadow.snapshot()
    handle = os.open(tree, os.O_RDONLY)
    for _ in range(300):
        os.mkdir("deep" * 20, dir_fd=handle)
        handle, before = os.open("deep" * 20, os.O_RDONLY, dir_fd=handle), handle
        os.close(before)
    os.close(os.open("bottom", os.O_CREAT | os.O_WRONLY, dir_fd=handle))
    os.close(handle)
    assert set(reasons(shadow.snapshot()).values()) == {"over-budget"}


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user to be refused")
def test_unreadable_files_are_listed(tmp_path, tree):
    """As an ordinary user, files and folders without permission are skipped as unreadable."""
    (tree / "closed.py").write_text("x")
    (tree / "closed.py").chmod(0)
    (tree / "shut").mkdir()
    (tree / "shut").chmod(0)
    place = tmp_path / "as-nobody"
    place.mkdir()
    for folder in (place, *tmp_path.parents, tmp_path):
        if folder.stat().st_uid == 0 and folder != folder.parent and "pytest" in str(folder):
            folder.chmod(0o755)
    os.chown(place, 65534, 65534)
    code = (
        "import os, sys, git\n"
        "from pathlib import Path\n"
        "from harness.recorder.shadow import ShadowRepository\n"
        "os.setgid(65534); os.setuid(65534)\n"
        "s = ShadowRepository(Path(sys.argv[1]) / 's.git', Path(sys.argv[2])).snapshot()\n"
        "print(sorted((f.path, f.reason) for f in s.skipped))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(place), str(tree)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )
    assert done.stdout == "[('closed.py', 'unreadable'), ('shut/', 'unreadable')]\n", done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="root is not refused")
def test_root_records_what_the_candidate_locked(shadow, tree, tmp_path):
    """A mode without any permission hides nothing from a recorder that runs as root."""
    shadow.snapshot()
    (tree / "app.py").write_text("locked\n")
    (tree / "app.py").chmod(0)
    assert "app.py" in paths(shadow.snapshot().changes)


def test_files_vanishing_and_swapped_while_reading(shadow, tree, tmp_path):
    """A tree that is torn apart, with links swapped in, gives snapshots without host content."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "inner.py").write_text("HOST SECRET\n")
    (outside / "app.py").write_text("HOST SECRET\n")
    stop = threading.Event()

    def vandal():
        number = 0
        while not stop.is_set():
            number += 1
            folder = tree / "swap"
            folder.mkdir(exist_ok=True)
            (folder / "inner.py").write_text(f"{number}\n")
            shutil.rmtree(folder)
            folder.symlink_to(outside)
            folder.unlink()
            (tree / "app.py").unlink(missing_ok=True)
            (tree / "app.py").symlink_to(outside / "app.py")
            (tree / "app.py").unlink()
            os.mkfifo(tree / "app.py")
            (tree / "app.py").unlink()
            (tree / "app.py").write_text(f"{number}\n")

    thread = threading.Thread(target=vandal)
    thread.start()
    try:
        snapshots = [shot for _ in range(60) if (shot := shadow.snapshot()) is not None]
    finally:
        stop.set()
        thread.join()
    assert snapshots
    everything = subprocess.run(
        ["git", "cat-file", "--batch-all-objects", "--batch"],
        cwd=shadow.git_dir,
        capture_output=True,
        check=True,
    ).stdout
    assert b"HOST SECRET" not in everything
