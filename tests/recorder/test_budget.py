"""What a tree may cost the record: files, folders, bytes, and what is listed instead."""

from __future__ import annotations

import os

import pytest

from harness.recorder.shadow import ShadowRepository

from .trees import paths, reasons


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
