"""One terminal while it is open: every byte into the recording, its marks into commands."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from harness.errors import RecordingError
from harness.models.recording import Command
from harness.models.sandbox import TerminalSize
from harness.recorder.asciicast import (
    MAX_BYTES,
    CastHeader,
    CastWriter,
    read_cast,
)
from harness.recorder.commands import CommandTracker, Finished

DEFAULT_SIZE = TerminalSize()


@dataclass(frozen=True)
class TerminalFacts:
    """What a recording says about itself in its header, enough to read its commands again."""

    terminal: str
    kind: Literal["shell", "exec"]
    argv_text: str | None = None
    """The command of an `exec`, as a shell would take it."""
    nonce: str | None = None
    """See `Osc133Parser`."""

    def tracker(self) -> CommandTracker:
        """A tracker for this terminal's bytes from their beginning."""
        return CommandTracker(self.terminal, argv_text=self.argv_text, nonce=self.nonce)

    @classmethod
    def of(cls, ours: dict[str, Any]) -> TerminalFacts:
        """From a recording's header; a foreign recording is an unmarked shell."""
        known = {name: ours[name] for name in cls.__dataclass_fields__ if name in ours}
        return cls(**{"terminal": "", "kind": "shell", **known})


class TerminalRecorder:
    """Records one terminal into a new asciicast file.

    Args:
        path: The recording.
        facts: Which terminal it is.
        size: Its size at the start.
        clock: Seconds, rising; the recording counts from the first call.
        timestamp: Unix seconds now.
        max_bytes: Size of the recording at which it stops.

    Raises:
        RecordingError: The file cannot be made.
    """

    def __init__(
        self,
        path: Path,
        facts: TerminalFacts,
        *,
        size: TerminalSize = DEFAULT_SIZE,
        clock: Callable[[], float] = time.monotonic,
        timestamp: float | None = None,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self.facts = facts
        self.failure: RecordingError | None = None
        """Why the last bytes are not in the recording."""
        self._clock = clock
        self._started = clock()
        self._tracker = facts.tracker()
        when = int(time.time() if timestamp is None else timestamp)
        self._cast = CastWriter(path, CastHeader(size, when, asdict(facts)), max_bytes=max_bytes)

    @property
    def elapsed(self) -> float:
        """Seconds since the terminal opened."""
        return self._clock() - self._started

    @property
    def full(self) -> bool:
        """The recording reached its size limit."""
        return self._cast.full

    def feed(self, data: bytes) -> list[Command]:
        """Keep what the terminal was sent; returns the commands that ended in it.

        A recording that cannot be written stops nothing: `failure` says so, and the next
        call tries again.
        """
        at = self.elapsed
        shown = data.replace(b"\n", b"\r\n") if self.facts.kind == "exec" else data
        with self._noting_failure():
            self._cast.output(at, shown)
        return [done.command for done in self._tracker.feed(at, data)]

    def resize(self, size: TerminalSize) -> None:
        """Keep the terminal's new size."""
        with self._noting_failure():
            self._cast.resize(self.elapsed, size)

    def close(self, exit_code: int | None) -> list[Command]:
        """End the recording; returns the command that was still running.

        Args:
            exit_code: How the terminal's process ended, None when it is not known.
        """
        at = self.elapsed
        with self._noting_failure():
            self._cast.close(at)
        return [done.command for done in self._tracker.finish(at, exit_code)]

    @contextmanager
    def _noting_failure(self) -> Iterator[None]:
        try:
            yield
        except RecordingError as error:
            self.failure = error
        else:
            self.failure = None


def replay(cast: bytes) -> tuple[TerminalFacts, list[Finished], float]:
    """Read a recording's commands again, as they were recognised when it was made.

    Returns:
        What it says about itself; its commands with the end of their output, one that was
        still running last; and the time of its last event in seconds.

    Raises:
        RecordingError: It is not a recording.
    """
    header, events = read_cast(cast.split(b"\n"))
    facts = TerminalFacts.of(header.ours)
    tracker = facts.tracker()
    finished: list[Finished] = []
    last = 0.0
    for event in events:
        last = event.at
        if event.code == "o":
            finished += tracker.feed(event.at, event.data.encode("utf-8", "replace"))
    return facts, finished + tracker.finish(last, None), last
