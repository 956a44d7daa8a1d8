"""The end of work: seal the tree, go on after all, or clear away."""

from __future__ import annotations

from pathlib import Path

from harness.errors import SandboxUnavailableError
from harness.grading.seal import seal
from harness.loop import assistant, keeper
from harness.loop.clock import now, require
from harness.loop.desk import Desk
from harness.loop.opening import clear_away
from harness.loop.workspace import workspace_spec
from harness.models.event import (
    SessionEnded,
    SessionReopened,
    SessionSubmitted,
    SnapshotTaken,
)
from harness.models.session import Session, SessionStatus, Submission
from harness.models.task import Task
from harness.recorder.recorder import SessionRecorder
from harness.sandbox.clients import read_client


async def submit(desk: Desk, session_id: str) -> Submission:
    """Freeze the workspace, take the last snapshot, seal the tree, let the container go.

    The volume stays until `end`, so that the session can be reopened.

    Raises:
        UsageError: There is nothing to submit, or it is submitted already.
        SubmissionError: The tree cannot be sealed; the session stays open.
    """
    session = desk.store.session(session_id)
    require(session, SessionStatus.RUNNING, SessionStatus.PAUSED, doing="submitted")
    backend = desk.backend_named(session.backend)
    await keeper.stop(desk, session_id)
    await _freeze(desk, session)
    SessionRecorder(desk.store, session_id, await desk.shadow(session)).tick(cause="submit")
    if (exchanges := await assistant.intake(desk, session)) is not None:
        exchanges.tick()
    assert session.volume is not None
    volume = await backend.volume(session.volume)
    try:
        submission = seal(Path(volume.path) / "repo", desk.session_dir(session_id) / "sealed")
    except BaseException:
        await _thaw(desk, session)
        raise
    desk.store.put_blob(Path(submission.path))
    used = session.elapsed_sec(now())
    desk.store.record(
        session_id,
        SessionSubmitted(
            submission_sha256=submission.sha256,
            tree=_last_tree(desk, session_id),
            files=submission.files,
            bytes=submission.bytes,
            used_sec=used,
            skipped=submission.skipped,
        ),
        status=SessionStatus.SUBMITTED,
        used_sec=used,
        running_since=None,
        submission_sha256=submission.sha256,
    )
    await _remove_container(desk, session)
    return submission


async def reopen(desk: Desk, session_id: str, task: Task, *, by: str, reason: str) -> Session:
    """Let work go on after a submission; the earlier submission and its grading stay.

    Raises:
        UsageError: It is not submitted.
    """
    session = desk.store.session(session_id)
    require(session, SessionStatus.SUBMITTED, doing="reopened")
    backend = desk.backend_named(session.backend)
    assert session.volume is not None
    volume = await backend.volume(session.volume)
    opened = assistant.assistant_of(desk, session_id)
    more = assistant.workspace_env(desk, session, opened)
    memory = sum(read_client(name).memory_mb for name in (opened.clients if opened else ()))
    workspace = await backend.start(
        workspace_spec(session, task, volume, more, more_memory_mb=memory)
    )
    desk.store.record(
        session_id,
        SessionReopened(by=by, reason=reason),
        status=SessionStatus.RUNNING,
        running_since=now(),
        container=workspace.id,
    )
    await keeper.ensure(desk, session_id)
    return desk.store.session(session_id)


async def end(desk: Desk, session_id: str, *, by: str, reason: str = "") -> None:
    """Clear everything of the session from the engine; its record stays. Idempotent."""
    session = desk.store.session(session_id)
    if session.status is SessionStatus.ENDED:
        return
    await keeper.stop(desk, session_id)
    await assistant.close(desk, session)
    await clear_away(desk, session)
    desk.store.record(
        session_id,
        SessionEnded(by=by, reason=reason),
        status=SessionStatus.ENDED,
        used_sec=session.elapsed_sec(now()),
        running_since=None,
        container=None,
        network=None,
        volume=None,
    )


def _last_tree(desk: Desk, session_id: str) -> str:
    trees = [
        event.payload.snapshot.tree
        for event in desk.store.events(session_id, kinds={"snapshot"})
        if isinstance(event.payload, SnapshotTaken)
    ]
    return trees[-1]


async def _freeze(desk: Desk, session: Session) -> None:
    """Nothing may change while the tree is read; a dead workspace cannot change it either."""
    assert session.container is not None
    try:
        workspace = await desk.backend_named(session.backend).attach(session.container)
        await workspace.pause()
    except SandboxUnavailableError:
        return


async def _thaw(desk: Desk, session: Session) -> None:
    assert session.container is not None
    workspace = await desk.backend_named(session.backend).attach(session.container)
    await workspace.unpause()
    await keeper.ensure(desk, session.id)


async def _remove_container(desk: Desk, session: Session) -> None:
    assert session.container is not None
    try:
        workspace = await desk.backend_named(session.backend).attach(session.container)
    except SandboxUnavailableError:
        return
    await workspace.remove()
    desk.store.update_session(session.id, container=None)
