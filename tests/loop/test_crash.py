"""`kill -9` at any moment: the next command cleans up, goes on, and nothing recorded is lost."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from harness.models.event import Event, TerminalClosed
from harness.models.session import Session, SessionStatus
from harness.sandbox.backends import open_backend
from harness.settings import Settings
from harness.store import Store
from tests.loop.conftest import TOY

pytestmark = [pytest.mark.docker, pytest.mark.slow]

_PATIENCE_SEC = 120.0


class Installation:
    """The command line over one data folder, and a look behind it."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir

    def start(self, *argv: str) -> subprocess.Popen[bytes]:
        """A command of its own process group, so that it alone can be killed."""
        return subprocess.Popen(
            [sys.executable, "-c", "from harness.cli.main import main; main()", *argv],
            env={
                **os.environ,
                "HARNESS_DATA_DIR": str(self.data_dir),
                "HARNESS_TASK_PATHS": json.dumps([str(TOY.parent)]),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, *argv: str) -> str:
        """A command to its end; its output."""
        with self.start(*argv) as process:
            out, errors = process.communicate(timeout=_PATIENCE_SEC)
        assert process.returncode == 0, errors.decode()
        return out.decode()

    def opened(self) -> str:
        """A session's id."""
        return str(json.loads(self.run("session", "open", "--task", TOY.name, "--json"))["id"])

    def store(self) -> Store:
        """The store behind it."""
        return Store.open(Settings(data_dir=self.data_dir).sqlalchemy_url, self.data_dir)

    def session(self) -> Session | None:
        """The only session, when there is one."""
        with self.store() as store:
            return next(iter(store.sessions()), None)

    def events(self, kind: str) -> list[Event]:
        """The session's events of one kind."""
        session = self.session()
        if session is None:
            return []
        with self.store() as store:
            return list(store.events(session.id, kinds={kind}))

    async def objects(self) -> list[Any]:
        """Everything of this installation in the engine."""
        backend = open_backend(Settings(data_dir=self.data_dir))
        try:
            return list(await backend.objects())
        finally:
            await backend.close()

    async def has_grading(self) -> bool:
        """Whether the engine holds anything of a grading."""
        return any(obj.owner.startswith("g-") for obj in await self.objects())

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait for something that another process brings about."""
        async with asyncio.timeout(_PATIENCE_SEC):
            while not holds():  # noqa: ASYNC110  # another process's doing
                await asyncio.sleep(0.05)

    def kill_keeper(self) -> None:
        """`kill -9` the session's recorder."""
        session = self.session()
        if session is None:
            return
        with self.store() as store:
            holder = store.holder(session.id, "recorder")
        if holder is not None:
            os.kill(holder.process.pid, signal.SIGKILL)

    async def assert_nothing_left(self) -> None:
        """After ending and reaping, the engine has nothing of ours and the record is whole."""
        self.run("reap")
        session = self.session()
        assert session is not None
        if session.status is not SessionStatus.ENDED:
            self.run("session", "end", session.id)
        self.run("reap")
        assert await self.objects() == []
        self.run("session", "verify", session.id)


@pytest.fixture
async def installation(tmp_path: Path) -> AsyncIterator[Installation]:
    """A fresh one; whatever a failed test left is removed."""
    installation = Installation(tmp_path / "data")
    yield installation
    installation.kill_keeper()
    backend = open_backend(Settings(data_dir=installation.data_dir))
    for obj in sorted(await backend.objects(), key=lambda obj: obj.kind):
        await backend.remove_object(obj)
    await backend.close()


@pytest.mark.parametrize("made", ["network", "volume", "container"])
async def test_killed_while_opening(installation: Installation, made: str) -> None:
    """Whatever was made already, the next command removes it and ends the session."""

    def half_way() -> bool:
        session = installation.session()
        return session is not None and getattr(session, made) is not None

    process = installation.start("session", "open", "--task", TOY.name)
    await installation.until(half_way)
    process.kill()
    process.communicate()
    await installation.assert_nothing_left()


async def test_killed_while_working(installation: Installation) -> None:
    """The session goes on, the terminal's recording is kept, nothing runs on in the workspace."""
    session = installation.opened()
    process = installation.start(
        "session", "exec", "--yes", session, "--", "sh", "-c", "echo seen; touch ran; sleep 600"
    )
    await installation.until(lambda: bool(installation.events("terminal.opened")))
    assert process.stdout is not None
    assert await asyncio.to_thread(process.stdout.readline) == b"seen\n"
    process.kill()
    process.communicate()
    installation.kill_keeper()

    page = json.loads(installation.run("session", "show", session, "--json"))

    assert page["status"] == "running"
    assert page["recorder_at_work"]
    (closed,) = installation.events("terminal.closed")
    assert isinstance(closed.payload, TerminalClosed)
    assert closed.payload.truncated
    assert closed.payload.cast_sha256 is not None
    with installation.store() as store:
        assert b"seen" in store.blob(closed.payload.cast_sha256)
    out = installation.run("session", "exec", session, "--", "sh", "-c", "ls; pgrep sleep || true")
    assert "ran" in out.split()
    assert not any(word.isdigit() for word in out.split()), "the sleep died with its caller"
    await installation.assert_nothing_left()


async def test_killed_while_grading(installation: Installation) -> None:
    """The interrupted grading is our failure, its containers go, and grading again works."""
    session = installation.opened()
    installation.run("session", "exec", "--yes", session, "--", "true")
    process = installation.start("session", "submit", session)
    await installation.until(lambda: bool(installation.events("grading.started")))
    async with asyncio.timeout(_PATIENCE_SEC):
        while not await installation.has_grading():  # noqa: ASYNC110  # another process's doing
            await asyncio.sleep(0.05)
    process.kill()
    process.communicate()

    installation.run("reap")

    assert not await installation.has_grading()
    assert len(installation.events("grading.failed")) == 1
    graded = json.loads(installation.run("regrade", session, "--json"))
    assert {check["outcome"] for check in graded["checks"]} <= {"passed", "failed"}
    await installation.assert_nothing_left()


async def test_killed_while_reporting(installation: Installation, tmp_path: Path) -> None:
    """A report is whole or not there, and can be written again."""
    session = installation.opened()
    installation.run("session", "exec", "--yes", session, "--", "true")
    installation.run("session", "submit", session, "--no-grade")
    for _ in range(3):
        process = installation.start("report", session, "--out", str(tmp_path / "report"))
        await asyncio.sleep(0.4)  # somewhere in the middle; each place must be fine
        process.kill()
        process.communicate()
    for file in (tmp_path / "report").glob("scorecard.*"):
        assert file.stat().st_size > 0
    installation.run("report", session, "--out", str(tmp_path / "report"))
    json.loads((tmp_path / "report" / "scorecard.json").read_text())
    await installation.assert_nothing_left()
