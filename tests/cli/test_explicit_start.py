"""What a candidate is told before the clock runs."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from harness.cli.explicit_start import explicit_start
from harness.errors import UsageError
from harness.models.event import AssistantOpened
from harness.models.session import Session, SessionStatus
from harness.store import Store
from tests.cli.conftest import Harness, opened


def session(**more: Any) -> Session:
    """One that nobody has entered yet."""
    fields = {
        "id": "s", "task": "t", "task_digest": "d", "rubric": "r", "mode": "live",
        "candidate": "c", "minutes": 60, "backend": "docker", "status": "open",
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
    explicit_start(session(), opened, yes=True)
    heard = capsys.readouterr().err
    assert told in heard
    assert "it can be wrong" in heard
    assert "every exchange with it, word for word" in heard


def test_without_an_assistant_nothing_is_said_of_one(capsys: pytest.CaptureFixture[str]) -> None:
    """And who has started already is told nothing again."""
    explicit_start(session(), None, yes=True)
    assert "assistant" not in capsys.readouterr().err
    started = session(status="running", started_at=datetime(2026, 11, 21, tzinfo=UTC))
    explicit_start(started, None, yes=False)
    assert capsys.readouterr().err == ""


def test_nobody_to_ask(capsys: pytest.CaptureFixture[str]) -> None:
    """A script does not start a candidate's clock by the way; the error says who can."""
    with pytest.raises(UsageError, match="has not been started") as refused:
        explicit_start(session(), None, yes=False)
    assert "harness session enter s" in str(refused.value.remedy)
    assert "--yes" in str(refused.value.remedy)


@pytest.mark.parametrize(
    "argv",
    [("session", "exec", "{}", "--", "true"), ("review", "import", "{}", "58", "review.json")],
    ids=lambda argv: " ".join(argv[:2]),
)
def test_what_starts_the_clock_asks(
    harness: Harness,
    project: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    argv: tuple[str, ...],
) -> None:
    """Each other command that would start it refuses as well, and it has not started."""

    async def nothing(_: object) -> None:
        """Where an engine is, a crash's remains are put right first."""

    monkeypatch.setattr("harness.loop.recovery.reconcile", nothing)
    (project / "review.json").write_text('{"event": "APPROVE", "body": "", "comments": []}')
    one = opened(tmp_path / "data", task="review-rate-limiter", status=SessionStatus.OPEN)
    answer = harness(*(word.format(one) for word in argv))
    assert (answer.code, "has not been started" in answer.err) == (2, True)
    with Store.open(f"sqlite:///{tmp_path / 'data/harness.db'}", tmp_path / "data") as store:
        assert store.session(one).started_at is None
