"""A session's assistant: the gateway's container, the workspace's way to it, its record.

The gateway has a volume of its own: its configuration with the providers' keys, the author's
script and its record lie there, and no workspace has it. The harness reads the record from the
host.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.content import SANDBOXES, content_dir
from harness.errors import SandboxError, SandboxUnavailableError
from harness.gateway.configuration import Bounds, GatewayConfig, SessionGrant, key_hash, written
from harness.loop import clients
from harness.loop.desk import Desk
from harness.loop.providers import SCRIPT, Answering
from harness.models.client import Client
from harness.models.event import AssistantOpened, RecordingFailed
from harness.models.sandbox import ImageBuild, Mount, ResourceLimits, SandboxSpec, SandboxStatus
from harness.models.session import Session
from harness.recorder.exchanges import ExchangeIntake
from harness.sandbox.protocol import Progress, SandboxEnvironment

PORT = 8080
ALIAS = "assistant"
"""Its name on the session's network."""
FOLDER = "/gateway"
_CONFIG = "config.json"
_VOLUME_MB = 512
_RECORD_BYTES = 448 * 1024 * 1024
_READY_SEC = 30.0
_STOP_SEC = 3.0


async def open_assistant(
    desk: Desk,
    session: Session,
    source: Answering,
    chosen: Sequence[Client],
    *,
    progress: Progress,
) -> AssistantOpened:
    """Start the gateway before what answers; the caller notes it in the record.

    Before a provider it gets a second network, with a way out; before a script it has none.

    Args:
        chosen: The clients in the workspace's image.

    Raises:
        SandboxError: Our machinery failed.
    """
    backend = desk.backend_named(session.backend)
    progress("Starting the assistant's gateway")
    image = await backend.ensure_image(
        ImageBuild(
            role="gateway", name="assistant", context=str(content_dir(SANDBOXES) / "gateway")
        ),
        progress=progress,
    )
    volume = await backend.create_volume(session.id, _VOLUME_MB)
    config = written(_configuration(desk, session, source))
    _furnish(Path(volume.path), {**source.files, _CONFIG: config})
    egress = None
    if source.kind == "provider":
        egress = (await backend.create_network(session.id, egress=True)).id
    gateway = await backend.start(
        SandboxSpec(
            owner=session.id,
            role="gateway",
            image=image,
            command=(
                *("python", "-m", "harness.gateway", "serve"),
                *(f"{FOLDER}/{_CONFIG}", f"{FOLDER}/record.jsonl"),
            ),
            env={"HOST": "0.0.0.0", "PORT": str(PORT), "HOME": "/tmp"},  # noqa: S104, S108 - inside its container
            workdir=FOLDER,
            network=session.network,
            egress=egress,
            aliases=(ALIAS,),
            mounts=(Mount(source=volume.path, target=FOLDER),),
            limits=ResourceLimits(memory_mb=512, pids=64),
        )
    )
    await _ready(gateway)
    return AssistantOpened(
        kind=source.kind,
        container=gateway.id,
        volume=volume.id,
        url=f"http://{gateway.address(PORT)}",
        script_sha256=desk.store.put_blob(source.files[SCRIPT]) if source.script else None,
        pitfalls=source.script.pitfalls if source.script else (),
        providers=source.hosts,
        models=source.models,
        budget=source.budget,
        clients={client.name: client.version for client in chosen},
        asks_for=dict(source.asks_for),
    )


def assistant_of(desk: Desk, session_id: str) -> AssistantOpened | None:
    """The session's assistant, as its record has it; None when it has none."""
    found = None
    for event in desk.store.events(session_id, kinds={"assistant.opened"}):
        if isinstance(event.payload, AssistantOpened):
            found = event.payload
    return found


def workspace_env(desk: Desk, session: Session, opened: AssistantOpened | None) -> dict[str, str]:
    """What clients in the workspace need: where the assistant is, and the session's key.

    Source: the variables that each client was seen to read, `facts/assistant.md` section 2.
    """
    if opened is None:
        return {}
    key = _session_key(desk, session)
    openai = f"{opened.url}/v1"
    return {
        "HARNESS_ASSISTANT_URL": opened.url,
        "HARNESS_ASSISTANT_KEY": key,
        "ANTHROPIC_BASE_URL": opened.url,
        "ANTHROPIC_AUTH_TOKEN": key,
        "OPENAI_BASE_URL": openai,
        "OPENAI_API_BASE": openai,
        "OPENAI_API_KEY": key,
        "GOOGLE_GEMINI_BASE_URL": opened.url,
        "GEMINI_API_KEY": key,
        "HARNESS_ASSISTANT_MODEL": opened.asks_for.get("chat", ""),
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        **clients.environment(tuple(opened.clients), opened.url, opened.asks_for),
    }


async def intake(desk: Desk, session: Session) -> ExchangeIntake | None:
    """What takes the gateway's record into the session's; None without an assistant.

    Raises:
        SandboxUnavailableError: The gateway's volume is gone.
    """
    opened = assistant_of(desk, session.id)
    if opened is None:
        return None
    volume = await desk.backend_named(session.backend).volume(opened.volume)
    return ExchangeIntake(desk.store, session.id, Path(volume.path) / "record.jsonl")


async def ensure_running(desk: Desk, session: Session) -> None:
    """Start the gateway again when the machine restarted; its record goes on.

    Without it the candidate still gets to work; the record says that it was missing.
    """
    opened = assistant_of(desk, session.id)
    if opened is None:
        return
    backend = desk.backend_named(session.backend)
    try:
        gateway = await backend.attach(opened.container)
        if (await gateway.state()).status is SandboxStatus.EXITED:
            await backend.volume(opened.volume)
            await gateway.restart()
            await _ready(gateway)
    except SandboxError as error:
        message = f"the assistant does not answer: {error.message}"
        desk.store.append(session.id, RecordingFailed(part="assistant", message=message))


async def close(desk: Desk, session: Session) -> None:
    """Stop the gateway and take what it wrote to its end. Idempotent; never fails the session."""
    opened = assistant_of(desk, session.id)
    if opened is None:
        return
    try:
        gateway = await desk.backend_named(session.backend).attach(opened.container)
        if (await gateway.state()).status is not SandboxStatus.EXITED:
            await gateway.stop(grace_sec=_STOP_SEC)
        last = await intake(desk, session)
    except SandboxUnavailableError:
        return
    if last is not None:
        last.tick()


def _configuration(desk: Desk, session: Session, source: Answering) -> GatewayConfig:
    grant = SessionGrant(
        session=session.id,
        key_sha256=key_hash(_session_key(desk, session)),
        models=source.models,
        budget=source.budget,
    )
    return GatewayConfig(
        host="0.0.0.0",  # noqa: S104 - inside its container, on the session's network
        port=PORT,
        sessions=(grant,),
        upstreams=dict(source.upstreams),
        prices=dict(source.prices),
        ca_file=source.ca_file,
        bounds=Bounds(spool_bytes=_RECORD_BYTES),
    )


def _session_key(desk: Desk, session: Session) -> str:
    """The session's key: not to be guessed, and the same when its workspace is made again."""
    made = hmac.new(desk.secret(), f"assistant:{session.id}".encode(), hashlib.sha256)
    return f"hk-{made.hexdigest()}"


def _furnish(root: Path, files: Mapping[str, bytes]) -> None:
    """The volume's files, for the sandbox's user alone."""
    owner = root.stat()
    for name, content in files.items():
        path = root / name
        path.touch(mode=0o600)
        path.write_bytes(content)
        os.chown(path, owner.st_uid, owner.st_gid)


async def _ready(gateway: SandboxEnvironment) -> None:
    result = await gateway.exec(
        ["python", "-m", "harness.gateway", "ready", str(PORT)], timeout_sec=_READY_SEC
    )
    if not result.success:
        said = (await gateway.logs(max_bytes=4096)).decode(errors="replace").strip()
        raise SandboxError(
            f"The assistant's gateway did not come up: {said[-500:] or 'it printed nothing'}.",
            remedy="`harness doctor` looks at the machine; then open the session again.",
        )
