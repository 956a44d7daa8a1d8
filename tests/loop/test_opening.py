"""Opening leaves a workspace, or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import PrerequisiteError, SandboxError
from harness.loop.desk import Desk, open_desk
from harness.loop.opening import open_session
from harness.models.rubric import Rubric
from harness.models.session import SessionStatus
from harness.models.task import Task
from harness.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The backend without isolation."""
    return Settings(data_dir=tmp_path / "data", backend="process")


async def test_no_candidate_on_a_backend_without_isolation(
    settings: Settings, toy: Task, rubric: Rubric
) -> None:
    """The process backend refuses, before anything is made."""
    async with open_desk(settings) as desk:
        with pytest.raises(PrerequisiteError, match="without isolation"):
            await open_session(desk, toy, rubric)
        assert desk.store.sessions() == []


async def test_a_failed_opening_leaves_nothing_running(
    settings: Settings, toy: Task, rubric: Rubric, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine fails half-way: the objects go, the session is ended and says why."""
    async with open_desk(settings) as desk:

        async def broken(*_: object, **__: object) -> None:
            raise SandboxError("The engine broke.")

        monkeypatch.setattr(type(desk.backend), "start", broken)
        with pytest.raises(SandboxError, match="The engine broke"):
            await open_session(desk, toy, rubric, trusted=True)
        (session,) = desk.store.sessions()
        assert session.status is SessionStatus.ENDED
        (event,) = desk.store.events(session.id)
        assert "The engine broke" in event.payload.model_dump_json()
        assert await desk.backend.objects() == []
        _assert_verified(desk, session.id)


def _assert_verified(desk: Desk, session_id: str) -> None:
    assert desk.store.verify(session_id).ok
