"""A replay at a terminal: drawn with rich, driven by keys; or printed for a pager."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import aclosing

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from harness.cli.local_terminal import LocalTty
from harness.cli.present import console, printed, visible
from harness.cli.replay_player import Player, keys_of, lines_of
from harness.loop.replaying import Replay
from harness.models.replay import Moment
from harness.models.sandbox import TerminalSize
from harness.models.scorecard import TimelineEntry

LIST_ROWS = 7
_OTHER_ROWS = 6
"""Title, strip, rule, two lines of keys, and one for the cursor."""
_MARKS = {
    "edit": ("±", "cyan"),
    "command": ("$", "white"),
    "prompt": (">", "bold green"),
    "aside": (".", "dim"),
    "note": ("*", "magenta"),
    "clock": ("|", "blue"),
    "gap": ("?", "yellow"),
    "submit": ("#", "bold blue"),
}
_GREEN, _RED = ("+", "green"), ("x", "bold red")
_RANK = ".$|±+>*?#x"
"""Where several moments share a column of the strip, the one further right here is drawn."""
_HELP = (
    "←→ step   ↑↓ scroll   space play   +- speed   / search   n again   q quit",
    "next: p prompt  i pitfall  t failing test  e edit  c command  o note  (capitals: back)",
)


async def watch(replay: Replay, terminal: LocalTty, *, speed: float) -> None:
    """Show a replay until the person leaves it.

    Args:
        replay: With at least one moment.
        terminal: Its keys arrive one by one.
        speed: Seconds of the session in a second while it plays.
    """
    player = Player(replay, speed=speed)
    out = console()
    with Live(console=out, screen=True, auto_refresh=False) as live:
        async with aclosing(terminal.keys()) as typed:
            live.update(screen(player, out), refresh=True)
            async for event in _with_ticks(typed, player):
                for key in keys_of(event) if isinstance(event, bytes) else ():
                    player.press(key)
                if player.ended:
                    return
                live.update(screen(player, out), refresh=True)


async def _with_ticks(
    typed: AsyncIterator[bytes | TerminalSize], player: Player
) -> AsyncIterator[bytes | TerminalSize | None]:
    """What is typed, and None each time the replay has moved on by itself."""
    waiting = asyncio.ensure_future(anext(typed, b"q"))
    try:
        while True:
            done, _ = await asyncio.wait({waiting}, timeout=player.wait_sec)
            if done:
                event = waiting.result()
                waiting = asyncio.ensure_future(anext(typed, b"q"))
                yield event
            else:
                player.tick()
                yield None
    finally:
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)


def screen(player: Player, out: Console) -> Group:
    """What is on the terminal now, in as many lines as it has."""
    rows = max(out.height - LIST_ROWS - _OTHER_ROWS, 1)
    player.width = max(out.width - 1, 10)
    return Group(
        _title(player),
        _strip(player, max(out.width - 1, 10)),
        *_list(player),
        Text("─" * (out.width - 1), style="dim"),
        *_detail(player, rows),
        *_footer(player),
    )


def print_all(moments: Iterable[Moment], seconds: float) -> None:
    """Every moment with its detail, one after the other.

    Args:
        moments: Some of a replay's.
        seconds: The replay's length.
    """
    out = console()
    for moment in moments:
        mark, style = _mark(moment)
        head = f"[{style}]{mark}[/] {_share(moment, seconds)}  {printed(_told(moment))}"
        out.print(head, soft_wrap=True)
        for line in _lines(moment, max(out.width - 5, 10)):
            out.print(Text("    ").append_text(line), soft_wrap=True)


def _title(player: Player) -> Text:
    """Where in the replay it is."""
    state = f"playing {player.speed:g}x" if player.playing else "paused"
    place = f"{player.at + 1} of {len(player.replay)}"
    at = _share(player.moment, player.replay.seconds).strip()
    return _line(f"at {at} of the session   moment {place}   {state}", "bold")


def _strip(player: Player, width: int) -> Text:
    """The whole session in one line, the place in it reversed."""
    columns = [(" ", "")] * width
    seconds = player.replay.seconds or 1.0
    for moment in player.replay.outline:
        column = min(int(moment.start_sec / seconds * width), width - 1)
        if _RANK.find(_mark(moment)[0]) >= _RANK.find(columns[column][0]):
            columns[column] = _mark(moment)
    here = min(int(player.moment.start_sec / seconds * width), width - 1)
    columns[here] = (columns[here][0], "reverse")
    return Text.assemble(*columns, no_wrap=True)


def _list(player: Player) -> Iterator[Text]:
    """The moments around this one."""
    first = max(0, min(player.at - LIST_ROWS // 2, len(player.replay) - LIST_ROWS))
    for index in range(first, first + LIST_ROWS):
        if index >= len(player.replay):
            yield Text("")
            continue
        moment = player.replay.outline[index]
        mark, style = _mark(moment)
        line = Text(no_wrap=True, overflow="ellipsis")
        line.append(f" {_share(moment, player.replay.seconds)} ", style="dim")
        line.append(f"{mark} ", style=style)
        line.append(visible(_told(moment)), style="reverse" if index == player.at else "")
        yield line


def _detail(player: Player, rows: int) -> Iterator[Text]:
    lines = _lines(player.moment, player.width)
    shown = lines[player.scroll : player.scroll + rows]
    yield from shown
    yield from [Text("")] * (rows - len(shown))


def _lines(moment: Moment, width: int) -> list[Text]:
    """The detail line by line; changes in colours, hostile bytes made visible."""
    style = _STYLES.get(moment.kind)
    found = [_line(line, style(line) if style else "") for line in lines_of(moment, width)]
    if moment.truncated:
        found.append(_line("... cut here; the record has all of it", "dim"))
    return found


def _changed(line: str) -> str:
    if line.startswith(("diff ", "+++", "---", "index ")):
        return "bold"
    return {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")


def _said(line: str) -> str:
    return {">": "bold", "(": "dim"}.get(line[:1], "")


_STYLES: dict[str, Callable[[str], str]] = {
    "edit": _changed,
    "prompt": _said,
    "aside": _said,
}
"""How the lines of a detail look."""


def _footer(player: Player) -> Iterator[Text]:
    """What is typed or to be said, else the keys; always two lines."""
    said = player.message if player.typing is None else f"/{player.typing}"
    yield _line(said or _HELP[0], "bold" if said else "dim")
    yield _line(_HELP[1], "dim")


def _line(text: str, style: str) -> Text:
    return Text(visible(text), style=style, no_wrap=True, overflow="ellipsis")


def _mark(entry: TimelineEntry) -> tuple[str, str]:
    """A character and its style; colour is never the only difference."""
    if entry.ok is None or entry.kind not in ("command", "test"):
        return _MARKS.get(entry.kind, ("$", "white"))
    if entry.kind == "command":
        return ("$", "white" if entry.ok else "red")
    return _GREEN if entry.ok else _RED


def _share(entry: TimelineEntry, seconds: float) -> str:
    """When it was, as on the scorecard: how long a candidate was allowed is not to be seen."""
    return f"{100 * entry.start_sec / (seconds or 1.0):5.1f} %"


def _told(moment: TimelineEntry) -> str:
    counts = f" (+{moment.added} -{moment.removed})" if moment.kind == "edit" else ""
    return f"{moment.label}{counts}"
