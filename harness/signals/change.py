"""What was written: how much, where, tests, documents."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from harness.models.recording import FileChange
from harness.models.scorecard import Signal
from harness.signals.paths import is_document, is_test
from harness.signals.story import Edit, Story
from harness.signals.texts import count, one_line

_CHURN = (
    "Added up over all snapshots, so a line written and rewritten counts each time; a formatter "
    "or a generator writes many lines at once. More is not better."
)
_DECISIONS = "DECISIONS.md"
_NAMED = 3


def signals(story: Story) -> Iterator[Signal]:
    """Signals about what was written."""
    yield _size(story.edits)
    yield _files(story.edits)
    yield _tests(story.edits)
    yield _documents(story.edits)


def _size(edits: tuple[Edit, ...]) -> Signal:
    added, removed = _lines(edits, lambda _: True)
    net = added - removed
    return Signal(
        id="change.size",
        title="Size of the work",
        value=f"{count(added, 'line')} written, {removed} removed (net {net:+d})"
        if edits
        else "nothing was edited",
        explanation=_CHURN,
        events=tuple(edit.event for edit in edits),
    )


def _files(edits: tuple[Edit, ...]) -> Signal:
    touched: dict[str, int] = {}
    for change in _changes(edits):
        touched[change.path] = touched.get(change.path, 0) + change.added + change.removed
    most = sorted(touched, key=lambda path: (-touched[path], path))[:_NAMED]
    named = ", ".join(one_line(path, 80) for path in most)
    return Signal(
        id="change.files",
        title="Files touched",
        value=f"{count(len(touched), 'file')}, most of it in {named}" if touched else "none",
        explanation="Every path that changed in some snapshot, later removed ones too. Many "
        "files can mean a thorough change or a scattered one; the diff tells.",
        events=tuple(edit.event for edit in edits),
    )


def _tests(edits: tuple[Edit, ...]) -> Signal:
    added, removed = _lines(edits, is_test)
    files = {change.path for change in _changes(edits) if is_test(change.path)}
    return Signal(
        id="change.tests",
        title="Tests written",
        value=f"{count(added, 'line')} written, {removed} removed in {count(len(files), 'file')}"
        if files
        else "none",
        explanation="Lines in files that hold tests by their name (a tests folder, test_*.py, "
        f"*.test.ts and the like). It does not show what they assert. {_CHURN}",
        events=_where(edits, is_test),
    )


def _documents(edits: tuple[Edit, ...]) -> Signal:
    added, _ = _lines(edits, is_document)
    files = {change.path for change in _changes(edits) if is_document(change.path)}
    decisions = any(path.rpartition("/")[2] == _DECISIONS for path in files)
    value = f"{count(added, 'line')} in {count(len(files), 'file')}" if files else "none"
    if decisions:
        value += f", {_DECISIONS} among them"
    return Signal(
        id="change.documents",
        title="Documents written",
        value=value,
        explanation=f"Lines in Markdown and other documents. Read them: length is not quality. "
        f"{_CHURN}",
        events=_where(edits, is_document),
    )


def _changes(edits: tuple[Edit, ...]) -> Iterator[FileChange]:
    for edit in edits:
        yield from edit.changes


def _lines(edits: tuple[Edit, ...], wanted: Callable[[str], bool]) -> tuple[int, int]:
    """Lines added and removed in the files wanted."""
    changes = [change for change in _changes(edits) if wanted(change.path)]
    return sum(change.added for change in changes), sum(change.removed for change in changes)


def _where(edits: tuple[Edit, ...], wanted: Callable[[str], bool]) -> tuple[int, ...]:
    return tuple(e.event for e in edits if any(wanted(change.path) for change in e.changes))
