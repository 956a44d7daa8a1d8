"""What a scorecard takes from a session's recordings."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from harness.loop.desk import open_desk
from harness.loop.recordings import Casts
from harness.loop.scorecards import build_scorecard
from harness.models.event import TerminalClosed, TerminalOpened
from harness.models.task import Task
from harness.settings import Settings
from tests.loop.talk import record_exchange
from tests.loop.watched import watched_session


async def test_the_way_to_the_submission_is_told_step_by_step(toy: Task, tmp_path: Path) -> None:
    """Edits close together are one step: from before the first of them to after the last."""
    session = watched_session(tmp_path, ticks=3)
    async with open_desk(Settings(data_dir=tmp_path, backend="process")) as desk:
        card = build_scorecard(desk, session, toy)
    (step,) = card.edits
    (diff,) = step.diffs
    assert step.event == next(entry.event for entry in card.timeline if entry.kind == "edit")
    assert (diff.change.path, diff.change.added, diff.change.removed) == ("app.py", 2, 0)
    assert "+new2" in diff.patch
    assert "new0" not in diff.patch
    assert [moment.output.splitlines()[-1] for moment in card.terminal] == [
        "=== 1 failed, 1 passed in 0.01s ==="
    ]


async def test_a_prompt_is_a_mark_in_the_terminal_that_was_open(tmp_path: Path) -> None:
    """At its time in that recording; what programs ask by themselves is none."""
    session = watched_session(tmp_path)
    async with open_desk(Settings(data_dir=tmp_path, backend="process")) as desk:
        began = list(desk.store.events(session))
        ends = [
            e.offset_sec for e in began if isinstance(e.payload, TerminalOpened | TerminalClosed)
        ]
        at = began[0].at + timedelta(seconds=sum(ends) / 2)
        record_exchange(desk.store, session, "x1", "why?", at=at)
        record_exchange(desk.store, session, "x2", "list", at=at, label="aux:models")
        record_exchange(desk.store, session, "x3", "later", at=at + timedelta(hours=1))
        (cast,) = Casts(desk, list(desk.store.events(session))).recordings()
    ((seconds, text),) = cast.prompts
    assert seconds == pytest.approx((ends[1] - ends[0]) / 2, abs=1e-4)
    assert text == "why?"
