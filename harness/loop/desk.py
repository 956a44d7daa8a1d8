"""What every command needs on its desk: settings, the store, the engine, one secret."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from harness.errors import StoreError, UsageError
from harness.models.session import Session
from harness.recorder.shadow import ShadowRepository
from harness.sandbox.backends import open_backend
from harness.sandbox.protocol import SandboxBackend
from harness.settings import Settings
from harness.store import Store


class Desk:
    """Settings, store and backends of one run of the harness."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self.settings = settings
        self.store = store
        self._backends: dict[str, SandboxBackend] = {}

    @property
    def backend(self) -> SandboxBackend:
        """The backend that the settings name; opened when first asked for."""
        return self.backend_named(self.settings.backend)

    def backend_named(self, name: str) -> SandboxBackend:
        """A backend by name, for sessions opened under other settings.

        Raises:
            PrerequisiteError: Its engine is not there.
        """
        if name not in self._backends:
            settings = self.settings.model_copy(update={"backend": name})
            self._backends[name] = open_backend(settings)
        return self._backends[name]

    def session_dir(self, session_id: str) -> Path:
        """Where a session keeps its shadow repository, casts and reports."""
        return self.settings.data_dir / "sessions" / session_id

    async def shadow(self, session: Session) -> ShadowRepository:
        """The session's shadow repository over its workspace; made when it is not there."""
        assert session.volume is not None, "a session has its volume before its first snapshot"
        volume = await self.backend_named(session.backend).volume(session.volume)
        tree = Path(volume.path) / "repo"
        owner = tree.stat()
        git_dir = self.session_dir(session.id) / "shadow.git"
        git_dir.mkdir(parents=True, exist_ok=True)
        return ShadowRepository(git_dir, tree, uid=owner.st_uid, gid=owner.st_gid)

    @contextmanager
    def claimed(self, session_id: str, purpose: str) -> Iterator[None]:
        """Be the one process that does `purpose` for a session.

        Raises:
            UsageError: Another process is at it.
        """
        lease = self.store.claim(session_id, purpose)
        if lease is None:
            raise UsageError(
                f"Another process is at the {purpose} of session {session_id} already.",
                remedy="Wait until it is done.",
                slug="session-busy",
            )
        try:
            yield
        finally:
            self.store.release(lease)

    def secret(self) -> bytes:
        """This installation's secret, from which grading seeds are derived; 32 bytes."""
        path = self.settings.data_dir / "secret"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            secret = path.read_bytes()
            if len(secret) != _SECRET_BYTES:
                raise StoreError(
                    f"The file {path} holds {len(secret)} bytes instead of {_SECRET_BYTES}.",
                    remedy="Restore it from a backup; deleting it changes the seeds of regradings.",
                    slug="secret",
                ) from None
            return secret
        secret = secrets.token_bytes(_SECRET_BYTES)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secret)
            file.flush()
            os.fsync(file.fileno())
        return secret

    async def close(self) -> None:
        """Let go of engines; what runs in them stays."""
        for backend in self._backends.values():
            await backend.close()


_SECRET_BYTES = 32


@asynccontextmanager
async def open_desk(settings: Settings) -> AsyncIterator[Desk]:
    """A desk over the settings' store, closed at the end."""
    with Store.open(settings.sqlalchemy_url, settings.data_dir) as store:
        desk = Desk(settings, store)
        try:
            yield desk
        finally:
            await desk.close()
