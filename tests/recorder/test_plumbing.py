"""Our git beside the candidate's: nothing of theirs is run or heeded."""

from __future__ import annotations

import signal
import sys
import time

import pytest

from harness.errors import PrerequisiteError
from harness.recorder import plumbing
from harness.recorder.shadow import ShadowRepository

from .trees import paths, recorded, run_git


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
