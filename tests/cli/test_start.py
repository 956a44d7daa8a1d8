"""What a candidate is told before the clock runs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from harness.cli.sessions import _tell_before_start
from harness.models.event import AssistantOpened
from harness.models.session import Session


def session(**more: Any) -> Session:
    """One that nobody has entered yet."""
    fields = {
        "id": "s", "task": "t", "task_digest": "d", "rubric": "r", "mode": "live",
        "candidate": "c", "minutes": 60, "backend": "docker",
        "created_at": datetime(2026, 11, 21, tzinfo=UTC), **more,
    }  # fmt: skip
    return Session.model_validate(fields)


@pytest.mark.parametrize(
    ("kind", "told"), [("scripted", "a script written for this task"), ("provider", "a model")]
)
def test_an_assistant_is_told_of(kind: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What answers, that it can be wrong, and that what is said to it is recorded."""
    opened = AssistantOpened.model_validate(
        {"kind": kind, "container": "c", "volume": "v", "url": "http://assistant:8080"}
    )
    _tell_before_start(session(), opened, yes=True)
    heard = capsys.readouterr().err
    assert told in heard
    assert "it can be wrong" in heard
    assert "every exchange with it, word for word" in heard


def test_without_an_assistant_nothing_is_said_of_one(capsys: pytest.CaptureFixture[str]) -> None:
    """And who has started already is told nothing again."""
    _tell_before_start(session(), None, yes=True)
    assert "assistant" not in capsys.readouterr().err
    started = session(started_at=datetime(2026, 11, 21, tzinfo=UTC))
    _tell_before_start(started, None, yes=False)
    assert capsys.readouterr().err == ""
