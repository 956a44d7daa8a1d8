"""Snapshots of hostile work trees, with a real git."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unidiff import PatchSet

from harness.errors import PrerequisiteError, RecordingError
from harness.recorder import diffs, plumbing, scan
from harness.recorder.shadow import ShadowRepository


@pytest.fixture
def tree(tmp_path):
    """A small work tree."""
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "app.py").write_text("one\ntwo\nthree\n")
    (folder / "tests").mkdir()
    (folder / "tests" / "test_app.py").write_text("def test(): pass\n")
    return folder


@pytest.fixture
def shadow(tmp_path, tree):
    """A shadow repository of it."""
    repository = ShadowRepository(tmp_path / "shadow.git", tree)
    yield repository
    repository.close()


def recorded(shadow, tmp_path, tree_id=None):
    """The recorded tree, restored."""
    dest = tmp_path / f"restored-{time.monotonic_ns()}"
    shadow.checkout(tree_id or shadow.tree_of(shadow.head()), dest)
    return dest


def paths(changes):
    """Path -> (kind, added, removed)."""
    return {change.path: (change.kind, change.added, change.removed) for change in changes}


def reasons(snapshot):
    """Path -> why it was skipped."""
    return {file.path: file.reason for file in snapshot.skipped}


def run_git(folder, *args):
    """The candidate's own git."""
    subprocess.run(
        ["git", "-c", "user.name=c", "-c", "user.email=c@example.org", *args],
        cwd=folder,
        check=True,
        capture_output=True,
    )


def test_first_snapshot_is_what_was_given(shadow):
    """The first snapshot has a tree but no parent and no changes: nobody made them."""
    first = shadow.snapshot()
    assert (first.parent, first.changes, first.skipped) == (None, (), ())
    assert shadow.head() == first.commit


def test_unchanged_tree_gives_nothing(shadow, tree):
    """Neither a second look nor a touched or rewritten but equal file is a snapshot."""
    shadow.snapshot()
    assert shadow.snapshot() is None
    (tree / "app.py").write_text("one\ntwo\nthree\n")
    assert shadow.snapshot() is None


def test_changes_carry_line_counts(shadow, tree):
    """Edited, new, deleted and renamed files come with lines added and removed."""
    (tree / "old.py").write_text("".join(f"line {number}\n" for number in range(30)))
    first = shadow.snapshot()
    (tree / "app.py").write_text("one\n2\nthree\nfour\n")
    (tree / "new.md").write_text("# Title\n")
    (tree / "tests" / "test_app.py").unlink()
    (tree / "old.py").rename(tree / "moved.py")
    second = shadow.snapshot()
    assert paths(second.changes) == {
        "app.py": ("modified", 2, 1),
        "new.md": ("added", 1, 0),
        "tests/test_app.py": ("deleted", 0, 1),
        "moved.py": ("renamed", 0, 0),
    }
    assert (second.added, second.removed, second.parent) == (3, 2, first.commit)
    assert {change.old_path for change in second.changes} == {None, "old.py"}


def test_edit_within_the_same_clock_tick_is_seen(shadow, tree):
    """A second write of equal length right after a snapshot is not missed."""
    shadow.snapshot()
    for number in range(20):
        (tree / "app.py").write_text(f"value {number:02}\n")
        assert shadow.snapshot() is not None


def test_old_modification_time_does_not_hide_an_edit(shadow, tree):
    """Setting the modification time back after an edit hides nothing."""
    status = (tree / "app.py").stat()
    shadow.snapshot()
    (tree / "app.py").write_text("one\nTWO\nthree\n")
    os.utime(tree / "app.py", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert "app.py" in paths(shadow.snapshot().changes)


def test_full_snapshot_reads_every_file(shadow, tree, monkeypatch):
    """A full snapshot finds an edit even when file status looks unchanged."""
    shadow.snapshot()
    (tree / "app.py").write_text("ONE\ntwo\nthree\n")
    status = (tree / "app.py").stat()
    shadow._root.files["app.py"].signature = (  # as a mapped store would leave it
        status.st_ctime_ns,
        status.st_ino,
        status.st_size,
        status.st_mode,
    )
    assert shadow.snapshot() is None
    assert "app.py" in paths(shadow.snapshot(full=True).changes)


def test_restored_tree_is_equal_byte_by_byte(shadow, tree, tmp_path):
    """What is restored has the same bytes, links and executable bits."""
    (tree / "run.sh").write_text("#!/bin/sh\r\n")
    (tree / "run.sh").chmod(0o755)
    (tree / "data.bin").write_bytes(bytes(range(256)))
    (tree / "link").symlink_to("../outside")
    (tree / ".gitattributes").write_text("* text eol=lf ident working-tree-encoding=UTF-16\n")
    (tree / "ident.txt").write_text("$Id$\r\n")
    shadow.snapshot()
    dest = recorded(shadow, tmp_path)
    assert (dest / "run.sh").read_bytes() == b"#!/bin/sh\r\n"
    assert (dest / "run.sh").stat().st_mode & 0o111
    assert (dest / "data.bin").read_bytes() == bytes(range(256))
    assert (dest / "link").readlink().as_posix() == "../outside"
    assert (dest / "ident.txt").read_bytes() == b"$Id$\r\n"
    with pytest.raises(RecordingError, match="not empty"):
        shadow.checkout(shadow.tree_of(shadow.head()), dest)


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


def test_attributes_run_nothing_and_hide_nothing(shadow, tree, tmp_path, monkeypatch):
    """Filters, diff drivers and `-diff` in attributes and the candidate's config have no effect."""
    run_git(tree, "init", "-q")
    trap = tmp_path / "trapped"
    for key in ("filter.x.clean", "filter.x.smudge", "diff.x.command", "diff.x.textconv"):
        run_git(tree, "config", key, f"touch {trap}; cat")
    run_git(tree, "config", "core.fsmonitor", f"touch {trap}")
    (tree / ".gitattributes").write_text("*.py filter=x diff=x -text\n*.md -diff\n")
    first = shadow.snapshot()
    (tree / "app.py").write_text("changed\n")
    (tree / "doc.md").write_text("words\n")
    second = shadow.snapshot()
    assert paths(second.changes) == {"app.py": ("modified", 1, 3), "doc.md": ("added", 1, 0)}
    assert "+words" in shadow.patch(first.tree, second.tree, "doc.md")[0]
    assert "+changed" in shadow.patch(first.tree, second.tree, "app.py")[0]
    recorded(shadow, tmp_path)
    assert not trap.exists()


def test_hooks_of_the_candidate_never_run(shadow, tree, tmp_path):
    """Hooks in the workspace's .git do nothing to a snapshot."""
    run_git(tree, "init", "-q")
    trap = tmp_path / "trapped"
    for hook in ("reference-transaction", "post-index-change", "pre-commit", "post-commit"):
        path = tree / ".git" / "hooks" / hook
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\ntouch {trap}\n")
        path.chmod(0o755)
    shadow.snapshot()
    assert not trap.exists()


def test_inherited_git_variables_are_overridden(tmp_path, tree, monkeypatch):
    """A harness started from a git hook still writes into its own repository."""
    elsewhere = tmp_path / "elsewhere"
    for name in ("GIT_DIR", "GIT_OBJECT_DIRECTORY", "GIT_INDEX_FILE", "GIT_WORK_TREE"):
        monkeypatch.setenv(name, str(elsewhere))
    trap = tmp_path / "trapped"
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", f"touch {trap}")
    shadow = ShadowRepository(tmp_path / "shadow.git", tree)
    first = shadow.snapshot()
    (tree / "app.py").write_text("x\n")
    second = shadow.snapshot()
    assert "+x" in shadow.patch(first.tree, second.tree, "app.py")[0]
    assert not elsewhere.exists()
    assert not trap.exists()
    shadow.close()


def test_candidate_rewriting_history_changes_nothing(shadow, tree):
    """The candidate's commit, reset and removal of .git are invisible to the record."""
    run_git(tree, "init", "-q")
    run_git(tree, "add", "-A")
    run_git(tree, "commit", "-qm", "x")
    shadow.snapshot()
    shutil.rmtree(tree / ".git")
    assert shadow.snapshot() is None


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


def test_names_that_look_like_git_data_on_other_systems(shadow, tree, tmp_path):
    """`.GIT` and `git~1` are ordinary folders here."""
    for name in (".GIT", "git~1", ".git\u200c"):
        (tree / name).mkdir()
        (tree / name / "config").write_text(name)
    shadow.snapshot()
    dest = recorded(shadow, tmp_path)
    assert (dest / ".GIT" / "config").read_text() == ".GIT"
    assert (dest / "git~1" / "config").read_text() == "git~1"


def test_huge_files_are_listed_not_stored(tmp_path, tree):
    """A file above the limit is skipped with its size, and nobody 'deleted' it."""
    shadow = ShadowRepository(tmp_path / "s.git", tree, max_file_bytes=1000)
    shadow.snapshot()
    (tree / "app.py").write_bytes(b"x" * 1001)
    os.truncate(os.open(tree / "sparse", os.O_CREAT | os.O_WRONLY), 1 << 40)
    second = shadow.snapshot()
    assert {(file.path, file.reason, file.size) for file in second.skipped} == {
        ("app.py", "too-large", 1001),
        ("sparse", "too-large", 1 << 40),
    }
    assert second.changes == ()
    assert shadow.snapshot() is None
    shadow.close()


def test_binary_files_have_no_line_counts(shadow, tree):
    """A binary file is a change without lines."""
    shadow.snapshot()
    (tree / "image.png").write_bytes(bytes(range(256)) * 10)
    (change,) = shadow.snapshot().changes
    assert (change.kind, change.binary, change.added) == ("added", True, 0)


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


def test_budget_keeps_room_for_small_files(tmp_path, tree):
    """Random megabytes fill nine tenths of the budget and no more; small edits still count."""
    shadow = ShadowRepository(tmp_path / "s.git", tree, max_total_bytes=2_000_000)
    shadow.snapshot()
    for _ in range(8):
        (tree / "noise").write_bytes(os.urandom(500_000))
        last = shadow.snapshot()
        if last is not None and last.skipped:
            break
    assert reasons(last) == {"noise": "over-budget"}
    (tree / "app.py").write_text("still recorded\n")
    assert "app.py" in paths(shadow.snapshot().changes)
    used = sum(path.stat().st_size for path in (tmp_path / "s.git").rglob("*") if path.is_file())
    assert used < 2_000_000
    shadow.close()


def test_too_many_files_are_counted(tmp_path, tree):
    """Above the limit of entries new ones are skipped, and long lists are cut and counted."""
    shadow = ShadowRepository(tmp_path / "s.git", tree, max_entries=13, max_listed=3)
    shadow.snapshot()
    for number in range(30):
        (tree / f"f{number}").write_text("x")
    second = shadow.snapshot()
    assert (len(second.changes), second.more_changes) == (3, 7)
    assert (len(second.skipped), second.more_skipped) == (3, 17)
    shadow.close()


def test_too_many_folders_are_skipped(tmp_path, tree):
    """Folders count too: each costs the record an object."""
    shadow = ShadowRepository(tmp_path / "s.git", tree, max_entries=5)
    shadow.snapshot()
    for name in ("a", "b"):
        (tree / name).mkdir()
        (tree / name / "x").write_text("x")
    second = shadow.snapshot()
    assert len(second.changes) == 1
    assert set(reasons(second).values()) == {"over-budget"}
    shadow.close()


def test_budget_counts_what_trees_cost(tmp_path, tree):
    """Tiny edits deep in the tree use up the budget by their folders' objects."""
    deep = tree.joinpath(*["d"] * 90)
    deep.mkdir(parents=True)
    shadow = ShadowRepository(tmp_path / "s.git", tree, max_total_bytes=2_000_000)
    shadow.snapshot()
    for number in range(20):
        (deep / "tiny").write_text(f"{number}")
        shadow.snapshot()
    used = sum(path.stat().st_blocks for path in (tmp_path / "s.git").rglob("*")) * 512
    assert used < 2_600_000
    shadow.close()


@pytest.mark.slow
def test_hundred_thousand_files(tmp_path):
    """A tree of 100,000 files is recorded, and one change in it is found."""
    tree = tmp_path / "big"
    for folder in range(200):
        (tree / f"d{folder}").mkdir(parents=True)
        for number in range(500):
            (tree / f"d{folder}" / f"f{number}").write_text(f"{folder} {number}\n")
    shadow = ShadowRepository(tmp_path / "s.git", tree)
    shadow.snapshot()
    (tree / "d7" / "f7").write_text("changed\n")
    assert set(paths(shadow.snapshot().changes)) == {"d7/f7"}
    shadow.close()


def test_locks_left_by_a_killed_git_are_cleared(tmp_path, tree):
    """Stale lock and temporary files do not stop the next recorder."""
    shadow = ShadowRepository(tmp_path / "s.git", tree)
    first = shadow.snapshot()
    shadow.close()
    for name in ("index.lock", "refs/heads/record.lock", "objects/pack/tmp_pack_x", "HEAD.lock"):
        path = tmp_path / "s.git" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    (tree / "app.py").write_text("x\n")
    again = ShadowRepository(tmp_path / "s.git", tree)
    assert again.snapshot().parent == first.commit
    assert not list((tmp_path / "s.git").rglob("tmp_*"))
    again.close()


def test_killed_in_mid_snapshot(tmp_path):
    """Kill -9 at any moment leaves a repository that the next recorder goes on with."""
    tree = tmp_path / "work"
    tree.mkdir()
    code = (
        "import sys, itertools\n"
        "from pathlib import Path\n"
        "from harness.recorder.shadow import ShadowRepository\n"
        "s = ShadowRepository(Path(sys.argv[1]), Path(sys.argv[2]))\n"
        "for n in itertools.count():\n"
        "    [(Path(sys.argv[2]) / f'f{i}').write_text(f'{n} {i}') for i in range(90)]\n"
        "    s.snapshot()\n"
        "    print(n, flush=True)\n"
    )
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / "s.git"), str(tree)], stdout=subprocess.PIPE
        )
        process.stdout.readline()
        process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        process.communicate()
        shadow = ShadowRepository(tmp_path / "s.git", tree)
        shadow.snapshot()
        assert len(list(recorded(shadow, tmp_path).iterdir())) == 90
        shadow.close()
    checked = subprocess.run(
        ["git", "fsck", "--strict"], cwd=tmp_path / "s.git", capture_output=True, check=False
    )
    assert checked.returncode == 0, checked.stderr


def test_broken_repository_is_set_aside(shadow, tree, tmp_path):
    """A repository whose head is lost says so; set aside, recording starts anew beside it."""
    first = shadow.snapshot()
    shutil.rmtree(shadow.git_dir / "objects")
    (tree / "app.py").write_text("x\n")
    again = ShadowRepository(shadow.git_dir, tree)
    with pytest.raises(RecordingError, match="shadow repository"):
        again.snapshot()
    broken = again.set_aside()
    assert (broken / plumbing.REF).read_text().strip() == first.commit
    assert again.snapshot().parent is None
    again.close()


def test_two_recorders_take_turns(tmp_path, tree):
    """Another process's snapshot is taken as the parent, and nothing is recorded twice."""
    one = ShadowRepository(tmp_path / "s.git", tree)
    two = ShadowRepository(tmp_path / "s.git", tree)
    one.snapshot()
    (tree / "app.py").write_text("x\n")
    second = two.snapshot()
    assert one.snapshot() is None
    (tree / "app.py").write_text("y\n")
    assert one.snapshot().parent == second.commit
    one.close()
    two.close()


def test_rewind_records_again(shadow, tree):
    """A snapshot that did not get into the record is found again after a rewind."""
    first = shadow.snapshot()
    (tree / "app.py").write_text("x\n")
    lost = shadow.snapshot()
    shadow.rewind(first.commit)
    found = shadow.snapshot()
    assert (found.tree, found.parent, found.changes) == (lost.tree, first.commit, lost.changes)


def test_replaced_workspace_is_our_failure(shadow, tree):
    """An unmounted workspace is an error of ours, not a candidate deleting everything."""
    shadow.snapshot()
    tree.rename(tree.with_name("elsewhere"))
    with pytest.raises(RecordingError, match="cannot be read"):
        shadow.snapshot()
    tree.mkdir()
    with pytest.raises(RecordingError, match="replaced"):
        shadow.snapshot()


def test_identity_and_dates_are_fixed(tmp_path, tree):
    """The same tree at the same time gives the same commit, whoever runs the harness."""
    ids = set()
    for name in ("a.git", "b.git"):
        shadow = ShadowRepository(tmp_path / name, tree, clock=lambda: 1_700_000_000.0)
        ids.add(shadow.snapshot().commit)
        shadow.close()
    assert len(ids) == 1


def test_bundle_can_be_cloned(shadow, tree, tmp_path):
    """The export holds every snapshot and plain git reads it."""
    shadow.snapshot()
    (tree / "app.py").write_text("x\n")
    last = shadow.snapshot()
    shadow.bundle(tmp_path / "record.bundle")
    subprocess.run(
        ["git", "clone", "-q", "-b", "record", tmp_path / "record.bundle", tmp_path / "clone"],
        check=True,
        capture_output=True,
    )
    log = subprocess.run(
        ["git", "log", "--format=%H %an"], cwd=tmp_path / "clone", capture_output=True, check=True
    ).stdout.decode()
    assert log.splitlines()[0] == f"{last.commit} recorder"
    assert len(log.splitlines()) == 2


def test_reading_needs_no_workspace(shadow, tree, tmp_path):
    """A finished session's snapshots are read after its workspace is gone."""
    first = shadow.snapshot()
    shutil.rmtree(tree)
    with pytest.raises(RecordingError, match="no shadow repository"):
        ShadowRepository.of(tmp_path / "nothing.git")
    reader = ShadowRepository.of(shadow.git_dir)
    assert reader.read(first.tree, "app.py") == b"one\ntwo\nthree\n"
    reader.close()


def test_renamed_files_show_their_edits_only(shadow, tree):
    """The patch of a moved and edited file starts from its old name."""
    (tree / "old.py").write_text("".join(f"line {number}\n" for number in range(30)))
    first = shadow.snapshot()
    (tree / "old.py").unlink()
    (tree / "new.py").write_text("".join(f"line {number}\n" for number in range(31)))
    (diff,) = shadow.file_diffs(first.tree, shadow.snapshot().tree)
    assert (diff.change.kind, diff.change.old_path) == ("renamed", "old.py")
    assert [line for line in diff.patch.splitlines() if line.startswith("+line")] == ["+line 30"]


def test_patches_are_cut_at_a_line(shadow, tree):
    """A large patch is cut at the end of a line and says so."""
    first = shadow.snapshot()
    (tree / "app.py").write_text("".join(f"{number}\n" for number in range(10_000)))
    second = shadow.snapshot()
    (diff,) = shadow.file_diffs(first.tree, second.tree, max_bytes=1000)
    assert diff.truncated
    assert diff.patch.endswith("\n")
    assert len(diff.patch) <= 1000


TEXTS = st.lists(
    st.sampled_from(["a\n", "b\n", "  c\n", "--- x\n", "+++ y\n", "@@ -1 +1 @@\n", "d"])
)


@settings(max_examples=30, deadline=None)
@given(st.lists(TEXTS, min_size=2, max_size=4))
def test_counts_and_patches_agree(tmp_path_factory, versions):
    """Lines added and removed are those of the patch, as an independent parser counts them."""
    folder = tmp_path_factory.mktemp("pair")
    tree = folder / "work"
    tree.mkdir()
    shadow = ShadowRepository(folder / "s.git", tree)
    before = shadow.snapshot()
    for text in versions:
        (tree / "f.txt").write_text("".join(text))
        after = shadow.snapshot()
        if after is None:
            continue
        (change,) = after.changes
        (diff,) = shadow.file_diffs(before.tree, after.tree)
        parsed = PatchSet(diff.patch)
        assert (parsed.added, parsed.removed) == (change.added, change.removed)
        before = after
    shadow.close()


def test_slow_diff_leaves_counts_out(shadow, tree, monkeypatch):
    """When git cannot count lines in time the change is still recorded."""
    shadow.snapshot()
    real = plumbing.Plumbing.run

    def slow(self, *args, **options):
        if "--numstat" in args:
            raise RecordingError("too slow")
        return real(self, *args, **options)

    monkeypatch.setattr(plumbing.Plumbing, "run", slow)
    (tree / "app.py").write_text("x\n")
    (change,) = shadow.snapshot().changes
    assert (change.path, change.added, change.binary) == ("app.py", 0, True)


def test_only_ids_are_revisions(shadow):
    """Options and revision expressions are refused where an id belongs."""
    for text in ("--output=/tmp/x", "HEAD~1", "record"):
        with pytest.raises(RecordingError, match="not the id"):
            shadow.diff(text, text)


def test_without_git_the_operator_is_told(monkeypatch):
    """A machine without git gives a prerequisite error with the way out."""
    monkeypatch.setitem(sys.modules, "git", None)
    with pytest.raises(PrerequisiteError, match="apt-get install git"):
        plumbing.load_gitpython()


def test_git_that_hangs_is_killed(shadow):
    """A git command that does not end is killed at its deadline."""
    started = time.monotonic()
    with shadow._git.start("cat-file", "--batch", stdin=True, timeout_sec=0.2) as process:
        assert process.wait() == -signal.SIGKILL
    assert time.monotonic() - started < 5


def test_diff_module_reads_type_letters():
    """Every letter that git gives for our options has a kind."""
    assert set(diffs._KINDS) == {b"AMDRT"[i : i + 1] for i in range(5)}
