"""What a crash left behind: found and put right at every start that uses an engine."""

from __future__ import annotations

import time
from collections.abc import Iterable

from harness.errors import HarnessError
from harness.loop import keeper
from harness.loop.desk import Desk
from harness.loop.opening import clear_away
from harness.models.event import (
    GradingFailed,
    GradingFinished,
    GradingStarted,
    RecordingFailed,
    SessionEnded,
)
from harness.models.sandbox import SandboxObject, UnneededImage
from harness.models.session import Session, SessionStatus
from harness.models.task import Task
from harness.recorder.session_terminal import recover
from harness.sandbox.docker import DockerBackend
from harness.sandbox.image_reaper import find_unneeded, remove_unneeded
from harness.sandbox.reaper import reap

_HOLDS_OBJECTS = (
    SessionStatus.OPEN,
    SessionStatus.RUNNING,
    SessionStatus.PAUSED,
    SessionStatus.SUBMITTED,
)
_AT_WORK = (SessionStatus.OPEN, SessionStatus.RUNNING)


async def reconcile(desk: Desk) -> list[SandboxObject]:
    """Finish what a killed harness began; returns the engine's objects that were removed.

    Half-opened sessions are ended, interrupted gradings are marked as our failure,
    recordings cut short are kept, recorders of sessions at work run again, and
    whatever nobody owns any more is removed.
    """
    for session in desk.store.sessions():
        if session.backend != desk.settings.backend:
            continue
        await _reconcile_session(desk, session)
    return await sweep(desk)


async def sweep(desk: Desk, *, dry_run: bool = False) -> list[SandboxObject]:
    """Remove (or only list) every object of ours that belongs to nobody alive."""
    return await reap(desk.backend, live_owners(desk), dry_run=dry_run)


async def sweep_images(
    desk: Desk, tasks: Iterable[Task], *, dry_run: bool = False
) -> list[UnneededImage]:
    """Remove (or only list) built images that no task, session or container needs.

    Args:
        tasks: Every task that is known; of others the newest images stay.
    """
    backend = desk.backend
    if not isinstance(backend, DockerBackend):
        return []
    found = await find_unneeded(
        backend.engine,
        backend.images,
        [task.image(role) for task in tasks for role in ("workspace", "grader")],
        {one.image or "" for one in desk.store.sessions() if one.status is not SessionStatus.ENDED},
        now=time.time(),
    )
    return found if dry_run else await remove_unneeded(backend.engine, found)


def live_owners(desk: Desk) -> set[str]:
    """Sessions whose objects are in use; a grading's are while its process lives."""
    return {
        session.id
        for session in desk.store.sessions()
        if session.status in _HOLDS_OBJECTS or desk.store.holder(session.id, "opening") is not None
    }


async def _reconcile_session(desk: Desk, session: Session) -> None:
    store = desk.store
    if session.status is SessionStatus.OPENING and store.holder(session.id, "opening") is None:
        await clear_away(desk, session)
        store.record(
            session.id,
            SessionEnded(by="harness", reason="opening was interrupted"),
            status=SessionStatus.ENDED,
        )
        return
    recover(store, session.id, desk.session_dir(session.id))
    _mark_interrupted_gradings(desk, session.id)
    if session.status in _AT_WORK:
        try:
            await keeper.ensure(desk, session.id)
        except HarnessError as error:
            store.append(session.id, RecordingFailed(part="snapshots", message=str(error)))


def _mark_interrupted_gradings(desk: Desk, session_id: str) -> None:
    kinds = ("grading.started", "grading.finished", "grading.failed")
    unfinished: list[str] = []
    for event in desk.store.events(session_id, kinds=kinds):
        match event.payload:
            case GradingStarted(grading=grading):
                unfinished.append(grading)
            case GradingFinished(grading=done):
                unfinished.remove(done.id)
            case GradingFailed(grading=grading):
                unfinished.remove(grading)
            case _:
                pass
    if desk.store.holder(session_id, "grading") is None:
        for grading in unfinished:
            desk.store.append(
                session_id, GradingFailed(grading=grading, message="the harness was interrupted")
            )
