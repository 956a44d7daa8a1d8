"""Snapshots of a work tree: what is new, whose turn it is, and what outlasts a crash."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys

import pytest

from harness.errors import RecordingError
from harness.recorder import plumbing
from harness.recorder.shadow import ShadowRepository

from .trees import paths, recorded, run_git


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


def test_candidate_rewriting_history_changes_nothing(shadow, tree):
    """The candidate's commit, reset and removal of .git are invisible to the record."""
    run_git(tree, "init", "-q")
    run_git(tree, "add", "-A")
    run_git(tree, "commit", "-qm", "x")
    shadow.snapshot()
    shutil.rmtree(tree / ".git")
    assert shadow.snapshot() is None


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


def test_reading_needs_no_workspace(shadow, tree, tmp_path):
    """A finished session's snapshots are read after its workspace is gone."""
    first = shadow.snapshot()
    shutil.rmtree(tree)
    with pytest.raises(RecordingError, match="no shadow repository"):
        ShadowRepository.of(tmp_path / "nothing.git")
    reader = ShadowRepository.of(shadow.git_dir)
    assert reader.read(first.tree, "app.py") == b"one\ntwo\nthree\n"
    reader.close()


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
