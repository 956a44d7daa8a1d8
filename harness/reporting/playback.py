"""The terminals of a session as one page that plays them; the only page of ours with a script.

The player is asciinema-player, kept in `reports/vendor/`. Recordings lie in the page as JSON that
no element can end and nothing executes; the policy allows the two scripts by their hashes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from harness.models.replay import Moment, TerminalCast
from harness.reporting.templates import asset, environment, policy, style
from harness.reporting.visible import head, one_line, visible

_PAGE = "playback.html.j2"
_VENDOR = "vendor/asciinema-player/asciinema-player"
MAX_BYTES = 12_000_000
"""Of all recordings on one page; later ones are left out."""
TALK_CHARS = 20_000
"""Of one exchange with an assistant."""
MOST_TALK = 400
"""Exchanges on one page; later ones are left out."""
_LABEL_CHARS = 80


@dataclass(frozen=True)
class _Shown:
    cast: TerminalCast
    anchor: str
    title: str
    share: float
    data: Markup


@dataclass(frozen=True)
class _Talk:
    moment: Moment
    share: float
    text: str
    left_out: int


def playback(
    candidate: str, casts: Sequence[TerminalCast], *, seconds: float, talk: Sequence[Moment] = ()
) -> str:
    """The page.

    Args:
        candidate: Whose terminals they are.
        casts: In the order in which they were opened.
        seconds: The session's length, for telling when each was opened.
        talk: What an assistant was asked and answered, by time.
    """
    kept = _first(casts)
    player, starter = asset(f"{_VENDOR}.min.js"), asset("playback.js")
    player_style = asset(f"{_VENDOR}.css")
    return (
        environment()
        .get_template(_PAGE)
        .render(
            candidate=candidate,
            terminals=[_shown(number, cast, seconds) for number, cast in enumerate(kept, 1)],
            left_out=len(casts) - len(kept),
            talk=[_talk(moment, seconds) for moment in talk[:MOST_TALK]],
            talk_left_out=max(0, len(talk) - MOST_TALK),
            style=style(),
            player_style=player_style,
            player=player,
            starter=starter,
            policy=policy(styles=[player_style], scripts=[player, starter]),
        )
    )


def _first(casts: Sequence[TerminalCast]) -> list[TerminalCast]:
    kept: list[TerminalCast] = []
    room = MAX_BYTES
    for cast in casts:
        room -= len(cast.recording)
        if room < 0:
            break
        kept.append(cast)
    return kept


def _shown(number: int, cast: TerminalCast, seconds: float) -> _Shown:
    said = [*cast.commands, *((at, f"asked: {text}") for at, text in cast.prompts)]
    labels = [[at, visible(one_line(text, _LABEL_CHARS))] for at, text in sorted(said)]
    return _Shown(
        cast=cast,
        anchor=f"terminal-{number}",
        title=f"Terminal {number}",
        share=cast.start_sec / seconds if seconds else 0.0,
        data=_inert({"recording": cast.recording, "markers": labels}),
    )


def _talk(moment: Moment, seconds: float) -> _Talk:
    text, left_out = head(moment.detail, TALK_CHARS)
    return _Talk(moment, moment.start_sec / seconds if seconds else 0.0, text, left_out)


def _inert(value: object) -> Markup:
    """JSON that ends no script element, opens no comment and is ASCII."""
    text = json.dumps(value, ensure_ascii=True)
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)  # noqa: S704 - the signs that HTML knows are escaped above
