"""The commands of a terminal, from the marks in its output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.models.recording import Command
from harness.recorder.osc133 import TEXT_LIMIT, Mark, Osc133Parser
from harness.recorder.sequences import strip_sequences
from harness.recorder.testruns import recognise

TAIL_BYTES = 64 * 1024
"""Kept of a command's output: the end, where summaries are."""

MAX_COMMANDS = 5000
"""Commands per terminal; a program can print marks without end. The recording goes on."""

_ECHO_BYTES = 4096


@dataclass(frozen=True)
class Finished:
    """A command that ended, with the end of what it printed."""

    command: Command
    output: bytes


class Tail:
    """The last bytes of a stream."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._data = bytearray()

    def add(self, data: bytes) -> None:
        """Append; what is too old goes."""
        self._data += data
        if len(self._data) > 2 * self._limit:
            del self._data[: -self._limit]

    def take(self) -> bytes:
        """What is kept; empty afterwards."""
        data, self._data = bytes(self._data[-self._limit :]), bytearray()
        return data


class CommandTracker:
    """Follows a shell's marks, or one command from its start to its end.

    Args:
        terminal: The terminal's id.
        argv_text: The one command that runs, when it is `exec` and not a shell.
        nonce: See `Osc133Parser`.
    """

    def __init__(
        self, terminal: str, *, argv_text: str | None = None, nonce: str | None = None
    ) -> None:
        self._terminal = terminal
        self._source: Literal["shell", "exec"] = "shell" if argv_text is None else "exec"
        self._parser = Osc133Parser(nonce)
        self._tail = Tail(TAIL_BYTES)
        self._echo = Tail(_ECHO_BYTES)
        self._text: str | None = None if argv_text is None else argv_text[:TEXT_LIMIT]
        self._started = 0.0
        self._editing = False
        self._count = 0

    def feed(self, at: float, data: bytes) -> list[Finished]:
        """Commands that ended in these bytes.

        Args:
            at: Seconds since the terminal opened.
            data: As the terminal was sent them.
        """
        if self._source == "exec":
            self._tail.add(data)
            return []
        finished: list[Finished] = []
        for part in self._parser.feed(data):
            if isinstance(part, Mark):
                finished += self._mark(at, part)
            elif self._text is not None:
                self._tail.add(part)
            elif self._editing:
                self._echo.add(part)
        return finished

    def finish(self, at: float, exit_code: int | None) -> list[Finished]:
        """The command that was still running when the terminal closed.

        Args:
            at: Seconds since the terminal opened.
            exit_code: Of the one command of an `exec`; a shell's own is not its command's.
        """
        return self._end(at, exit_code if self._source == "exec" else None)

    def _mark(self, at: float, mark: Mark) -> list[Finished]:
        ended = self._end(at, mark.exit_code if mark.kind == "done" else None)
        self._editing = mark.kind == "command"
        if mark.kind == "output":
            text = mark.text if mark.text is not None else strip_sequences(self._echo.take())
            self._text, self._started = text.strip()[:TEXT_LIMIT], at
        self._echo.take()
        return ended

    def _end(self, at: float, exit_code: int | None) -> list[Finished]:
        text, self._text = self._text, None
        output = self._tail.take()
        if not text or self._count >= MAX_COMMANDS:
            return []
        self._count += 1
        command = Command(
            terminal=self._terminal,
            text=text,
            exit_code=exit_code,
            started_sec=round(self._started, 6),
            ended_sec=round(max(at, self._started), 6),
            test_run=recognise(text, strip_sequences(output)),
            source=self._source,
        )
        return [Finished(command, output)]
