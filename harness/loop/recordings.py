"""What a session's recordings hold: what terminals printed, how trees differ."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property

from harness.errors import StoreError
from harness.loop.desk import Desk
from harness.loop.exchanges import prompts
from harness.models.event import CommandRun, Event, TerminalClosed, TerminalOpened
from harness.models.reading import Screen
from harness.models.recording import Command
from harness.models.replay import TerminalCast
from harness.recorder.asciicast import read_cast
from harness.recorder.screens import screens
from harness.recorder.session_terminal import command_output
from harness.recorder.shadow import ShadowRepository
from harness.signals.story import talks

SCREEN_CHARS = 12_000_000
"""Of all terminals, looked through for what was read; somebody who reads leaves far fewer."""


class Casts:
    """The recordings of a session's terminals, for what single commands printed."""

    def __init__(self, desk: Desk, events: Sequence[Event]) -> None:
        self._desk = desk
        self._events = events
        closed = [e.payload for e in events if isinstance(e.payload, TerminalClosed)]
        self._truncated = {payload.terminal for payload in closed if payload.truncated}
        self._blobs = {payload.terminal: payload.cast_sha256 for payload in closed}

    def output(self, command: Command) -> str:
        """The last part of what it printed, sequences removed; candidate-controlled.

        Nothing when the recording is lost, which the scorecard's health section says.
        """
        return command_output(self._cast(self._blobs.get(command.terminal)), command)

    def screens(self) -> list[Screen]:
        """What stood on the terminals, in order; one whose recording is lost has nothing."""
        opened = {
            e.payload.terminal: e.offset_sec
            for e in self._events
            if isinstance(e.payload, TerminalOpened)
        }
        found: list[Screen] = []
        left = SCREEN_CHARS
        for event in self._events:
            if not isinstance(event.payload, TerminalClosed) or left < 0:
                continue
            cast = self._cast(event.payload.cast_sha256)
            if cast:
                seen = screens(cast, opened.get(event.payload.terminal, 0.0), event.offset_sec)
                found += seen
                left = SCREEN_CHARS - sum(len(screen.text) for screen in found)
        return sorted(found, key=lambda screen: screen.at_sec)

    def recordings(self) -> Iterator[TerminalCast]:
        """Every terminal that was recorded to its end, in the order they were opened."""
        for event in self._events:
            if isinstance(event.payload, TerminalOpened):
                terminal = event.payload.terminal
                if data := self._cast(self._blobs.get(terminal)):
                    yield TerminalCast(
                        start_sec=event.offset_sec,
                        recording=_playable(data),
                        commands=tuple(self._commands(terminal)),
                        prompts=tuple(self._prompts(terminal, event.offset_sec)),
                        truncated=terminal in self._truncated,
                    )

    def _commands(self, terminal: str) -> Iterator[tuple[float, str]]:
        for event in self._events:
            payload = event.payload
            if isinstance(payload, CommandRun) and payload.command.terminal == terminal:
                yield payload.command.started_sec, payload.command.text

    def _prompts(self, terminal: str, opened_at: float) -> Iterator[tuple[float, str]]:
        closed = (
            e.offset_sec
            for e in self._events
            if isinstance(e.payload, TerminalClosed) and e.payload.terminal == terminal
        )
        until = next(closed, float("inf"))
        for talk in talks(self._events):
            if talk.event in self._asked and opened_at <= talk.start <= until:
                yield talk.start - opened_at, self._asked[talk.event]

    @cached_property
    def _asked(self) -> dict[int, str]:
        return prompts(self._desk.store, self._events)

    def _cast(self, sha256: str | None) -> bytes:
        if sha256 is None:
            return b""
        try:
            return self._desk.store.blob(sha256)
        except StoreError:
            return b""


@contextmanager
def recorded_trees(desk: Desk, session_id: str) -> Iterator[ShadowRepository]:
    """The session's snapshots, for reading; its workspace may be long gone."""
    shadow = ShadowRepository.of(desk.session_dir(session_id) / "shadow.git")
    try:
        yield shadow
    finally:
        shadow.close()


def _playable(cast: bytes) -> str:
    """A recording with what a player needs and nothing of ours."""
    header, events = read_cast(cast.splitlines())
    size = {"width": header.size.cols, "height": header.size.rows}
    lines = [json.dumps({"version": 2, **size})]
    lines += [json.dumps([event.at, event.code, event.data]) for event in events]
    return "\n".join(lines) + "\n"
