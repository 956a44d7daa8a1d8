"""What the recorder saw: trees, file changes, terminals, commands, test runs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from harness.models.base import Model

ChangeKind = Literal["added", "modified", "deleted", "renamed", "type-changed"]
"""What happened to a path between two snapshots."""


class FileChange(Model):
    """One path's difference between two snapshots."""

    path: str
    """As git reports it, undecodable bytes escaped; candidate-controlled."""
    kind: ChangeKind
    added: int = 0
    """Lines; 0 for binary files."""
    removed: int = 0
    binary: bool = False
    old_path: str | None = None


class SkippedFile(Model):
    """A path that is in the workspace but whose bytes are not in the record, and why."""

    path: str
    reason: Literal["too-large", "unreadable", "not-a-file", "over-budget"]
    size: int = 0


class Snapshot(Model):
    """The workspace's tree at one moment, in the shadow repository."""

    tree: str
    """Git tree id, hex."""
    commit: str
    parent: str | None = None
    changes: tuple[FileChange, ...] = ()
    skipped: tuple[SkippedFile, ...] = ()
    more_changes: int = 0
    """Changed paths beyond those listed; a list in an event is bounded."""
    more_skipped: int = 0
    """Skipped paths beyond those listed."""

    @property
    def added(self) -> int:
        """Lines added over all files."""
        return sum(change.added for change in self.changes)

    @property
    def removed(self) -> int:
        """Lines removed over all files."""
        return sum(change.removed for change in self.changes)


class TestRun(Model):
    """A test run recognised in a command's output."""

    __test__ = False  # not a pytest class

    runner: str
    """Such as "pytest", "unittest", "node"."""
    passed: int = 0
    failed: int = 0
    errors: int = 0
    skipped: int = 0

    @property
    def green(self) -> bool:
        """Something passed and nothing failed."""
        return self.passed > 0 and not (self.failed or self.errors)


class Command(Model):
    """One command at a terminal or through `session exec`."""

    terminal: str
    """Id of the terminal (its recording's id)."""
    text: str
    """As typed; candidate-controlled, capped."""
    exit_code: int | None = None
    """None when it was still running when the terminal closed."""
    started_sec: float = Field(ge=0)
    """Seconds since the terminal opened."""
    ended_sec: float = Field(ge=0)
    test_run: TestRun | None = None
    source: Literal["shell", "exec"] = "shell"
    """`shell` marks come from inside (OSC 133) and could be forged; `exec` is ours."""
