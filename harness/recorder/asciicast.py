"""A terminal's recording in asciicast v2: a header line, then one JSON list per event.

Absolute times join directly with other events, the file only ever grows, and every
player reads it. Output only: what is typed shows when the terminal echoes it, so
passwords do not.

Source: asciinema's asciicast v2 specification.
"""

from __future__ import annotations

import codecs
import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from harness.errors import RecordingError
from harness.models.sandbox import TerminalSize

MAX_BYTES = 64 * 1024 * 1024
"""Size at which a recording stops, with a marker that says so."""

LIMIT_REACHED = "recording limit reached"
"""Label of that marker."""

Code = Literal["o", "r", "m"]
"""Output, resize, marker."""


@dataclass(frozen=True)
class CastEvent:
    """One event of a recording."""

    at: float
    """Seconds since the terminal opened."""
    code: str
    """A `Code`; other writers' files have more."""
    data: str


@dataclass(frozen=True)
class CastHeader:
    """The first line."""

    size: TerminalSize
    timestamp: int
    """Unix seconds when the terminal opened."""
    ours: dict[str, Any] = field(default_factory=dict)
    """Our own key `harness`; players ignore it."""


class CastWriter:
    """Appends to one recording; every event is one write, so a killed harness loses none.

    It holds an flock on the file while it lives, which tells a running recording from one
    that a dead harness left.

    Args:
        path: A new file.
        header: Its first line.
        max_bytes: Events beyond are dropped, after a marker.

    Raises:
        RecordingError: The file cannot be made.
    """

    def __init__(self, path: Path, header: CastHeader, *, max_bytes: int = MAX_BYTES) -> None:
        self.path = path
        self.full = False
        self._max_bytes = max_bytes
        self._written = 0
        self._torn = False
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(
                path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600
            )
        except OSError as exc:
            raise _failed(path, exc) from exc
        fcntl.flock(self._file, fcntl.LOCK_EX)
        self._line(
            {
                "version": 2,
                "width": header.size.cols,
                "height": header.size.rows,
                "timestamp": header.timestamp,
                "harness": header.ours,
            }
        )

    def output(self, at: float, data: bytes) -> None:
        """Keep what the terminal was sent; a character cut between two calls stays whole.

        Raises:
            RecordingError: It cannot be written.
        """
        text = self._decoder.decode(data)
        if text:
            self._event(at, "o", text)

    def resize(self, at: float, size: TerminalSize) -> None:
        """Keep the terminal's new size."""
        self._event(at, "r", f"{size.cols}x{size.rows}")

    def close(self, at: float) -> None:
        """Write what is left and let go of the file. Idempotent."""
        if self._file < 0:
            return
        try:
            rest = self._decoder.decode(b"", final=True)
            if rest:
                self._event(at, "o", rest)
        finally:
            os.close(self._file)
            self._file = -1

    def _event(self, at: float, code: Code, data: str) -> None:
        if self.full:
            return
        if self._written + len(data) > self._max_bytes:
            self.full = True
            code, data = "m", LIMIT_REACHED
        self._line([round(at, 6), code, data])

    def _line(self, value: object) -> None:
        line = json.dumps(value, separators=(",", ":")).encode() + b"\n"
        if self._torn:
            line = b"\n" + line
        self._torn = True
        try:
            while line:
                written = os.write(self._file, line)
                self._written += written
                line = line[written:]
        except OSError as exc:
            raise _failed(self.path, exc) from exc
        self._torn = False


def read_cast(lines: Iterable[bytes]) -> tuple[CastHeader, Iterator[CastEvent]]:
    """Read a recording from its lines (an open binary file, or one blob's).

    Lines that a killed or failing writer left unfinished are ignored.

    Raises:
        RecordingError: It has no asciicast v2 header.
    """
    source = iter(lines)
    try:
        header = json.loads(next(source))
        size = TerminalSize(cols=header["width"], rows=header["height"])
        version = header["version"]
    except (StopIteration, ValueError, KeyError, TypeError) as exc:
        raise _not_a_cast() from exc
    if version != 2:  # noqa: PLR2004  # asciicast v2
        raise _not_a_cast()
    ours = header.get("harness")
    return (
        CastHeader(size, int(header.get("timestamp") or 0), ours if isinstance(ours, dict) else {}),
        _events(source),
    )


def _events(lines: Iterator[bytes]) -> Iterator[CastEvent]:
    for line in lines:
        try:
            at, code, data = json.loads(line)
            event = CastEvent(float(at), str(code), str(data))
        except (ValueError, TypeError):
            continue
        yield event


def _not_a_cast() -> RecordingError:
    return RecordingError(
        "This is not a terminal recording in asciicast v2.",
        remedy="Check the record: `harness session verify`.",
        slug="recording-terminal",
    )


def _failed(path: Path, exc: OSError) -> RecordingError:
    return RecordingError(
        f"The terminal's recording {path} cannot be written: {exc.strerror}.",
        remedy="Look at the disk's free space and the folder's permissions.",
        slug="recording-terminal",
    )
