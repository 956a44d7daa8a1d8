"""A session watched again: its moments in order, each with what there was to see."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from harness.errors import RecordingError, StoreError, UsageError
from harness.loop.blindness import blinder, real_name
from harness.loop.desk import Desk
from harness.loop.exchanges import prompts, turn_of
from harness.loop.ratings import require_ratings
from harness.loop.recordings import Casts, recorded_trees
from harness.models.event import (
    CommandRun,
    ExchangeRecorded,
    NoteTaken,
    Payload,
    RecordingFailed,
    RecordingGap,
    SnapshotTaken,
)
from harness.models.recording import Snapshot
from harness.models.replay import Moment, TerminalCast
from harness.models.scorecard import FileDiff, TimelineEntry
from harness.recorder.shadow import ShadowRepository
from harness.reporting import playback
from harness.reporting.files import write_all
from harness.reporting.reading import entries_as_read
from harness.reporting.traces import names as named_in
from harness.signals import timeline
from harness.signals.said import spoken

_FILES = 40
"""Of one snapshot, with their patches."""
_PATCH_BYTES = 32 * 1024
"""Of one file's patch."""

TALK = ("prompt", "aside")
"""Kinds of moments in which an assistant was spoken to."""

Wanted = Callable[[Moment], bool]
Told = Callable[[str], str]


class Replay:
    """The moments of one session; what there was to see is read when it is asked for.

    Args:
        trees: The session's snapshots.
    """

    def __init__(self, desk: Desk, session_id: str, trees: ShadowRepository) -> None:
        events = list(desk.store.events(session_id))
        self._told: Told = str
        self._store = desk.store
        asked = prompts(desk.store, events)
        self._entries = entries_as_read(timeline(events, burst_gap_sec=None, asked=asked))
        self._payloads: dict[int, Payload] = {event.seq: event.payload for event in events}
        self._casts = Casts(desk, events)
        self._trees = trees
        self._seen: dict[int, tuple[str, bool]] = {}
        self._moments: dict[int, Moment] = {}

    def told_by(self, told: Told) -> Replay:
        """The same moments, with this applied to every text that somebody wrote.

        Nothing that was read already is read again.
        """
        other = copy.copy(self)
        other._told = told
        other._entries = tuple(
            entry.model_copy(update={"label": told(entry.label)}) for entry in self._entries
        )
        other._moments = {}
        return other

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, index: int) -> Moment:
        """A moment with its detail.

        Raises:
            IndexError: There is no such moment.
        """
        if index not in self._moments:
            entry = self._entries[index]
            detail, truncated = self._seen_at(entry.event)
            self._moments[index] = Moment(
                **entry.model_dump(),
                detail=self._told(detail),
                truncated=truncated,
                pitfalls=_pitfalls(self._payloads[entry.event]),
            )
        return self._moments[index]

    def __iter__(self) -> Iterator[Moment]:
        return (self[index] for index in range(len(self)))

    @property
    def outline(self) -> Sequence[TimelineEntry]:
        """The moments without what there was to see, which costs nothing to read."""
        return self._entries

    @property
    def seconds(self) -> float:
        """From the session's first event to the end of its last moment."""
        return max((entry.end_sec for entry in self._entries), default=0.0)

    @property
    def casts(self) -> tuple[TerminalCast, ...]:
        """The terminals' recordings, as they are: nothing in them is replaced."""
        return tuple(self._casts.recordings())

    def search(self, wanted: Wanted, start: int, *, step: int = 1) -> int | None:
        """The nearest moment after `start`, or before it with a step of -1, that is wanted.

        Args:
            wanted: Told apart by kind, outcome or words.
            start: An index; it is not looked at itself.
            step: 1 or -1.
        """
        index = start + step
        while 0 <= index < len(self):
            if wanted(self[index]):
                return index
            index += step
        return None

    def _seen_at(self, event: int) -> tuple[str, bool]:
        if event not in self._seen:
            try:
                self._seen[event] = self._detail(self._payloads[event])
            except (RecordingError, StoreError) as error:
                self._seen[event] = f"This cannot be read any more: {error.message}", False
        return self._seen[event]

    def _detail(self, payload: Payload) -> tuple[str, bool]:
        """What there was to see; of clock events nothing, since reasons are not for raters."""
        match payload:
            case SnapshotTaken(snapshot=snapshot):
                return self._patches(snapshot)
            case CommandRun(command=command):
                return self._casts.output(command), False
            case ExchangeRecorded(exchange=exchange):
                return spoken(exchange, turn_of(self._store, exchange))
            case NoteTaken(by=by, text=text):
                return f"{by}: {text}", False
            case RecordingGap(reason=text) | RecordingFailed(message=text):
                return text, False
            case _:
                return "", False

    def _patches(self, snapshot: Snapshot) -> tuple[str, bool]:
        assert snapshot.parent is not None, "the first of a chain is no moment"
        diffs = self._trees.file_diffs(
            snapshot.parent, snapshot.tree, max_bytes=_PATCH_BYTES, max_files=_FILES
        )
        hidden = len(snapshot.changes) + snapshot.more_changes > len(diffs)
        return "\n".join(_shown(diff) for diff in diffs), hidden or any(d.truncated for d in diffs)


def says(words: str) -> Wanted:
    """Moments that hold some words anywhere: names, commands, output, changes, talk, notes.

    Args:
        words: Looked for as they stand, capitals and small letters alike.
    """
    needle = words.casefold()
    return lambda moment: needle in f"{moment.label}\n{moment.detail}".casefold()


@contextmanager
def replay(desk: Desk, session_id: str, *, names: bool = False) -> Iterator[Replay]:
    """Open a session's recordings for watching.

    Args:
        names: Tell who the candidate is; otherwise a pseudonym stands for them everywhere.

    Raises:
        UsageError: Nothing has happened in it yet, or names are asked for before all ratings
            are in.
        SessionNotFoundError: There is none.
    """
    session = desk.store.session(session_id)
    if session.started_at is None:
        raise UsageError(
            f"Nobody has worked in session {session_id} yet.",
            remedy="Replay it when the candidate has started.",
            slug="session-state",
        )
    if names:
        require_ratings(desk, [session], doing="A replay with names")
    with recorded_trees(desk, session_id) as trees:
        recorded = Replay(desk, session_id, trees)
        if not names:
            recorded = recorded.told_by(blinder(desk, session, named=_named(recorded)).text)
        yield recorded


def write_playback(desk: Desk, session_id: str, dest: Path, *, names: bool) -> Path:
    """Write `terminals.html`, which plays what was on the screen.

    Args:
        dest: A folder; made if missing.
        names: Has to be asked for. A name that is typed comes letter by letter, so there is no
            such page with a pseudonym.

    Raises:
        UsageError: Without names, or before all ratings are in.
        PrerequisiteError: The folder cannot be written to.
    """
    if not names:
        raise UsageError(
            "Terminals are played as they were, so the page may tell who the candidate is.",
            remedy="Add --names once all ratings are in; without a page a pseudonym is shown.",
            slug="playback-names",
        )
    with replay(desk, session_id, names=True) as recorded:
        name = real_name(desk, desk.store.session(session_id))
        talk = [recorded[at] for at, one in enumerate(recorded.outline) if one.kind in TALK]
        page = playback(name, recorded.casts, seconds=recorded.seconds, talk=talk)
    return write_all(dest, "terminals", {"html": page.encode()})["html"]


def _named(recorded: Replay) -> tuple[str, ...]:
    """Whole names of people that stand somewhere in it, such as in a commit."""
    texts = (text for moment in recorded for text in (moment.label, moment.detail))
    return tuple(sorted({name for text in texts for name in named_in(text)}))


def _pitfalls(payload: Payload) -> tuple[str, ...]:
    if isinstance(payload, ExchangeRecorded) and payload.exchange.script:
        return payload.exchange.script.pitfalls
    return ()


def _shown(diff: FileDiff) -> str:
    change = diff.change
    if change.binary:
        return f"{change.kind} {change.path} (binary)\n"
    return diff.patch or f"{change.kind} {change.path}\n"
