"""Where evidence is on the page: references of raters and of the rubric, resolved to anchors.

A reference that leads nowhere stays text; nothing a candidate or a rater wrote becomes an address.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from harness.models.scorecard import FileDiff, Scorecard
from harness.reporting.patch import Hunk, hunks
from harness.reporting.visible import one_line

_PLAIN_ID = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*")
_TEST_FILE = re.compile(r"(^|/)tests?(/|$)|(^|/)(test_[^/]*|[^/]*_test)\.\w+$|conftest\.py$")
_MOST = 6
"""Files listed for one kind of artefact."""
_MOST_MOMENTS = 12
_ASKED_CHARS = 80
_NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True)
class Link:
    """Text, and the id of an element of the page if the text leads somewhere."""

    text: str
    target: str | None = None
    note: str = ""


class Links:
    """Everything on a page that can be pointed at."""

    def __init__(self, scorecard: Scorecard) -> None:
        self._scorecard = scorecard
        ids = [check.id for check in scorecard.checks]
        self.anchors = [_check_anchor(id_, n, ids) for n, id_ in enumerate(ids, 1)]
        self.checks = dict(zip(ids, self.anchors, strict=True))
        self.files = {diff.change.path: n for n, diff in enumerate(scorecard.diffs, 1)}
        self.hunks = [hunks(diff.patch) for diff in scorecard.diffs]
        self._events = {entry.event: f"at-{entry.event}" for entry in scorecard.timeline}
        self._events |= {burst.event: f"event-{burst.event}" for burst in scorecard.edits}
        self._events |= {moment.event: f"event-{moment.event}" for moment in scorecard.terminal}
        self._events |= {note.event: f"event-{note.event}" for note in scorecard.notes}
        if scorecard.assistant is not None:
            talk = scorecard.assistant.exchanges
            self._events |= {one.event: f"event-{one.event}" for one in talk}
        self._signals = {signal.id: n for n, signal in enumerate(scorecard.signals, 1)}

    def event(self, number: int) -> str | None:
        """The anchor of an event: its edits, terminal moment or note, else its timeline row."""
        return self._events.get(number)

    def signal(self, id_: str) -> str | None:
        """The anchor of a signal."""
        number = self._signals.get(id_)
        return None if number is None else f"signal-{number}"

    def reference(self, text: str) -> Link:
        """A rater's reference: `check:ID`, `event:N`, `file:PATH` or `file:PATH:LINE`."""
        kind, _, rest = text.partition(":")
        match kind:
            case "check":
                return Link(text, self.checks.get(rest))
            case "event" if _NUMBER.fullmatch(rest):
                return Link(text, self.event(int(rest)))
            case "file":
                return Link(text, self._file(rest))
            case _:
                return Link(text)

    def _file(self, rest: str) -> str | None:
        """A file's anchor, or the hunk that holds the line after the last colon."""
        path, _, line = rest.rpartition(":")
        if rest in self.files or not _NUMBER.fullmatch(line):
            number = self.files.get(rest)
            return None if number is None else f"diff-{number}"
        number = self.files.get(path)
        if number is None:
            return None
        for place, hunk in enumerate(self.hunks[number - 1], 1):
            if hunk.holds(int(line)):
                return f"diff-{number}-h{place}"
        return f"diff-{number}"

    def artefacts(self, names: Sequence[str]) -> list[tuple[str, list[Link]]]:
        """What there is to read for each artefact that a rubric names, biggest first."""
        return [(name, self._artefact(name)) for name in names]

    def _artefact(self, name: str) -> list[Link]:
        match name:
            case "diff":
                return self._changes(lambda _: True)
            case "tests":
                return self._changes(lambda path: _TEST_FILE.search(path) is not None)
            case "terminal":
                runs = [m for m in self._scorecard.terminal if m.command.test_run is not None]
                return [
                    Link(f"#{m.event}", f"event-{m.event}", m.command.text)
                    for m in runs[:_MOST_MOMENTS]
                ]
            case "notes":
                return [
                    Link(f"#{note.event}", f"event-{note.event}", f"by {note.by}")
                    for note in self._scorecard.notes[:_MOST_MOMENTS]
                ]
            case "exchanges":
                talk = self._scorecard.assistant.exchanges if self._scorecard.assistant else ()
                return [
                    Link(f"#{one.event}", f"event-{one.event}", one_line(one.prompt, _ASKED_CHARS))
                    for one in talk
                    if one.by_person
                ][:_MOST_MOMENTS]
            case pattern:
                return self._changes(lambda path: _matches(path, pattern))

    def _changes(self, wanted: Callable[[str], bool]) -> list[Link]:
        chosen = [diff for diff in self._scorecard.diffs if wanted(diff.change.path)]
        chosen.sort(key=lambda diff: -(diff.change.added + diff.change.removed))
        return [self._change(diff) for diff in chosen[:_MOST]]

    def _change(self, diff: FileDiff) -> Link:
        """The file's biggest hunk, or the file where there is none."""
        number = self.files[diff.change.path]
        target = f"diff-{number}"
        places = list(enumerate(self.hunks[number - 1], 1))
        if places:
            place, _ = max(places, key=_size)
            target += f"-h{place}"
        lines = f"+{diff.change.added} \u2212{diff.change.removed}"
        return Link(diff.change.path, target, lines)


def _check_anchor(id_: str, number: int, ids: Sequence[str]) -> str:
    """The element id of a check: its own id where that is plain and unique, else its place."""
    plain = _PLAIN_ID.fullmatch(id_) is not None and ids.count(id_) == 1
    return f"check-{id_}" if plain else f"nth-check-{number}"


def _size(place: tuple[int, Hunk]) -> int:
    return place[1].changed


def _matches(path: str, pattern: str) -> bool:
    """Whether a path or its last part is what the rubric names."""
    return fnmatchcase(path, pattern) or fnmatchcase(PurePosixPath(path).name, pattern)
