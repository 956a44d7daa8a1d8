"""What tests say about snapshots and recorded trees."""

from __future__ import annotations

import subprocess
import time


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
