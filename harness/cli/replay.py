"""`harness session replay`: watch a session again, or search what was said and done in it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.at_desk import at_desk
from harness.cli.sessions import AsJson, SessionId

if TYPE_CHECKING:
    from harness.loop.desk import Desk


def replay(
    context: typer.Context,
    session: SessionId,
    search: Annotated[str, typer.Option(help="Print only moments that hold these words.")] = "",
    plain: Annotated[
        bool, typer.Option("--plain", help="Print it for a pager, also at a terminal.")
    ] = False,
    speed: Annotated[
        float, typer.Option(min=0.1, max=1000, help="Seconds of the session in one, as it plays.")
    ] = 8.0,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder for a page that plays the terminals."),
    ] = None,
    names: Annotated[
        bool, typer.Option("--names", help="Tell who the candidate is, once ratings are in.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Edits, commands, test runs, prompts and notes in order; step, jump, search, play."""
    from harness.cli.local_terminal import keyed_terminal
    from harness.cli.present import console, printed, show_json
    from harness.cli.replay_screen import print_all, watch
    from harness.loop.replaying import replay as open_replay
    from harness.loop.replaying import says, write_playback

    async def work(desk: Desk) -> None:
        found = desk.store.find_session(session)
        if out is not None:
            console().print(printed(write_playback(desk, found.id, out, names=names)))
            return
        with open_replay(desk, found.id, names=names) as recorded:
            moments = filter(says(search), recorded)
            if as_json:
                show_json([moment.model_dump(mode="json") for moment in moments])
            elif plain or search or not (sys.stdin.isatty() and sys.stdout.isatty()):
                print_all(moments, recorded.seconds)
            else:
                with keyed_terminal() as terminal:
                    await watch(recorded, terminal, speed=speed)

    at_desk(context, work, engine=False)
