"""From a template to a workspace that waits for its candidate."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from harness import __version__
from harness.errors import HarnessError, PrerequisiteError, UsageError
from harness.loop import keeper
from harness.loop.assistant import open_assistant, workspace_env
from harness.loop.blindness import made_pseudonym
from harness.loop.clients import chosen, home_files
from harness.loop.clock import now
from harness.loop.desk import Desk
from harness.loop.providers import Answering, answering
from harness.loop.workspace import fill_home, make_history, seed, workspace_spec
from harness.models.client import Client
from harness.models.event import SessionEnded, SessionOpened, SnapshotTaken
from harness.models.exchange import AssistantKind
from harness.models.identity import Identity
from harness.models.rubric import Rubric
from harness.models.session import Session, SessionMode, SessionStatus
from harness.models.task import Task
from harness.sandbox.protocol import Progress

_ID_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # no letters that look like digits


def new_id(prefix: str = "") -> str:
    """A short id that sorts by day and is safe in file names and labels."""
    tail = "".join(secrets.choice(_ID_ALPHABET) for _ in range(6))
    return f"{prefix}{now():%y%m%d}-{tail}"


async def open_session(
    desk: Desk,
    task: Task,
    rubric: Rubric,
    *,
    mode: SessionMode = "take-home",
    minutes: float | None = None,
    candidate: str = "",
    loop: str | None = None,
    identity: Identity | None = None,
    trusted: bool = False,
    assistant: AssistantKind | None = None,
    clients: Sequence[str] | None = None,
    progress: Progress = lambda _: None,
) -> Session:
    """Open a session: image, network, volume, container, first snapshot, recorder.

    Args:
        minutes: The time box; the task's own by default.
        candidate: A pseudonym; one is made from the id by default.
        identity: Who the candidate is, so that reports can keep it to themselves; it is kept
            beside the record.
        trusted: The "candidate" is our own code (the demo), so a backend without
            isolation will do.
        assistant: What answers the candidate's assistant; None gives them none.
        clients: Assistants' programs that the workspace gets; the settings' by default.

    Raises:
        PrerequisiteError: The backend cannot hold untrusted code.
        TaskFormatError: The task has no scripted assistant, and one was asked for.
        UsageError: A provider was asked for, and none is configured; or a client that nothing
            would answer.
        SandboxError: Our machinery failed; nothing of the session stays running.
    """
    backend = desk.backend
    if not (backend.isolates or trusted):
        raise PrerequisiteError(
            f"The '{backend.name}' backend runs code on this machine without isolation, "
            "so it refuses a candidate's session.",
            remedy="Use the docker backend (`harness doctor` says what it needs).",
            slug="backend-does-not-isolate",
        )
    if minutes is not None and minutes <= 0:
        raise UsageError(f"A session needs more than {minutes:g} minutes.")
    source = answering(assistant, task, desk.settings.assistant) if assistant else None
    if clients is None:
        clients = desk.settings.assistant.clients if source else ()
    brought = chosen(clients, source, isolates=backend.isolates)
    progress("Preparing the workspace image")
    build = task.image("workspace").model_copy(
        update={"clients": tuple(client.name for client in brought)}
    )
    image = await backend.ensure_image(build, progress=progress)
    session_id = new_id()
    session = Session(
        id=session_id,
        task=task.name,
        task_digest=task.digest,
        rubric=rubric.id,
        mode=mode,
        candidate=candidate or made_pseudonym(session_id),
        loop=loop,
        minutes=minutes or task.spec.interview.minutes,
        backend=backend.name,
        created_at=now(),
        image=image,
    )
    desk.store.create_session(session)
    desk.store.put_identity(session_id, identity or Identity())
    with desk.claimed(session_id, "opening"):
        try:
            await _furnish(desk, session, task, rubric, source, brought=brought, progress=progress)
        except BaseException as error:
            await clear_away(desk, session)
            reason = str(error) if isinstance(error, HarnessError) else type(error).__name__
            desk.store.record(
                session_id,
                SessionEnded(by="harness", reason=f"opening did not finish: {reason}"),
                status=SessionStatus.ENDED,
            )
            raise
    await keeper.ensure(desk, session_id)
    return desk.store.session(session_id)


async def _furnish(
    desk: Desk,
    session: Session,
    task: Task,
    rubric: Rubric,
    source: Answering | None,
    *,
    brought: Sequence[Client],
    progress: Progress,
) -> None:
    backend = desk.backend_named(session.backend)
    progress("Making the private network and the volume")
    network = await backend.create_network(session.id)
    volume = await backend.create_volume(session.id, task.spec.environment.storage_mb)
    session = desk.store.update_session(session.id, network=network.id, volume=volume.id)
    seed(volume, task, chat=source is not None and "chat" in source.upstreams)
    opened = None
    if source is not None:
        opened = await open_assistant(desk, session, source, brought, progress=progress)
        fill_home(volume, home_files(tuple(opened.clients), opened.url, opened.asks_for))
    progress("Starting the workspace")
    more = workspace_env(desk, session, opened)
    memory = sum(client.memory_mb for client in brought)
    workspace = await backend.start(
        workspace_spec(session, task, volume, more, more_memory_mb=memory)
    )
    session = desk.store.update_session(session.id, container=workspace.id)
    await make_history(workspace, task)
    shadow = await desk.shadow(session)
    first = shadow.snapshot()
    assert first is not None, "an empty shadow repository always has something new"
    desk.store.record(
        session.id,
        SessionOpened(
            task=task.name,
            task_version=task.spec.task.version,
            task_digest=task.digest,
            rubric=rubric,
            mode=session.mode,
            minutes=session.minutes,
            candidate=session.candidate,
            backend=backend.name,
            image=session.image or "",
            harness_version=__version__,
            base_tree=first.tree,
        ),
        status=SessionStatus.OPEN,
    )
    if opened is not None:
        desk.store.append(session.id, opened)
    desk.store.append(
        session.id,
        SnapshotTaken(snapshot=first.model_copy(update={"changes": ()}), cause="open"),
    )


async def clear_away(desk: Desk, session: Session) -> None:
    """Remove everything of a session from the engine; the store keeps its record."""
    backend = desk.backend_named(session.backend)
    await keeper.stop(desk, session.id)
    for kind in ("container", "process", "network", "volume"):
        for obj in await backend.objects(session.id):
            if obj.kind == kind:
                await backend.remove_object(obj)
