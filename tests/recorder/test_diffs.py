"""Changes between snapshots: kinds, line counts, patches."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unidiff import PatchSet

from harness.errors import RecordingError
from harness.recorder import diffs, plumbing
from harness.recorder.shadow import ShadowRepository

from .trees import paths


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


def test_binary_files_have_no_line_counts(shadow, tree):
    """A binary file is a change without lines."""
    shadow.snapshot()
    (tree / "image.png").write_bytes(bytes(range(256)) * 10)
    (change,) = shadow.snapshot().changes
    assert (change.kind, change.binary, change.added) == ("added", True, 0)


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


def test_diff_module_reads_type_letters():
    """Every letter that git gives for our options has a kind."""
    assert set(diffs._KINDS) == {b"AMDRT"[i : i + 1] for i in range(5)}
