"""Assistants' programs in a workspace: each edits a file for real, and is on the record."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.catalog.tasks import read_task
from harness.errors import ImageBuildError, PrerequisiteError
from harness.loop.attributing import attribution_of
from harness.loop.desk import Desk
from harness.loop.opening import open_session
from harness.loop.submitting import end, submit
from harness.models.exchange import Usage
from harness.models.rubric import Rubric
from harness.models.session import Session
from harness.models.task import Task

from .conftest import TOY
from .provider import BACKOFF, Provider
from .test_provider import configured, exchanges, said

pytestmark = [pytest.mark.docker, pytest.mark.parametrize("desk", ["docker"], indirect=True)]


@dataclass(frozen=True)
class Tried:
    """One prompt to one client that makes it write `backoff.py`."""

    client: str
    argv: tuple[str, ...]
    format: str
    labels: tuple[str, ...]
    """Of the exchanges that it takes."""
    origin: str
    """Of the lines that it wrote."""
    when: tuple[pytest.MarkDecorator, ...] = ()

    def __str__(self) -> str:
        return self.client


NOT_TO_BE_HAD = re.compile(r"Could not (fetch|download)")

RARELY = (pytest.mark.proof,)
"""The gate has not the time to fetch and build six programs; the proofs have."""

CLIENTS = [
    Tried(
        "llm",
        ("sh", "-c", "llm -x 'Show me the backoff as a whole file.' > backoff.py"),
        "chat",
        ("turn",),
        "assistant-reply",
    ),
    Tried(
        "claude-code",
        ("claude", "-p", "Please write the backoff.", "--permission-mode", "acceptEdits"),
        "anthropic",
        ("turn", "tool-round"),
        "assistant-tool",
    ),
    Tried(
        "codex",
        ("codex", "exec", "--skip-git-repo-check", "Please write the backoff."),
        "responses",
        ("turn", "tool-round"),
        "assistant-tool",
    ),
    Tried(
        "aider",
        (
            *("aider", "--yes-always", "--message", "Show me the backoff as a whole file."),
            "backoff.py",
        ),
        "chat",
        ("turn", "aux:commit", "aux:commit"),
        "assistant-reply",
    ),
    Tried(
        "opencode",
        ("opencode", "run", "Please write the backoff."),
        "chat",
        ("aux:title", "turn", "tool-round"),
        "assistant-tool",
        when=RARELY,
    ),
    Tried(
        "gemini-cli",
        ("gemini", "--yolo", "--skip-trust", "-p", "Please write the backoff."),
        "gemini",
        ("turn", "tool-round"),
        "assistant-tool",
        when=RARELY,
    ),
]


@pytest.fixture
def roomy(tmp_path: Path) -> Task:
    """The tiny task, with room for a program of some size."""
    folder = tmp_path / "client-task"
    shutil.copytree(TOY, folder)
    text = (folder / "task.toml").read_text(encoding="utf-8")
    (folder / "task.toml").write_text(
        text.replace("memory_mb = 64", "memory_mb = 512"), encoding="utf-8"
    )
    return read_task(folder)


async def with_client(desk: Desk, task: Task, rubric: Rubric, client: str) -> Session:
    """A session with a client; where none can be fetched the test says so, and in CI it fails."""
    try:
        return await open_session(
            desk, task, rubric, trusted=True, assistant="provider", clients=[client]
        )
    except (ImageBuildError, PrerequisiteError) as error:
        if "CI" in os.environ or not NOT_TO_BE_HAD.match(error.message):
            raise
        pytest.skip(error.message)  # no registry to be reached from here; the gate never skips


def as_told(form: str, usage: Usage) -> Usage:
    """What a format can say of a usage: Gemini has no word for writing to a cache."""
    if form != "gemini":
        return usage
    fresh = usage.fresh_in + usage.cache_write
    return usage.model_copy(update={"fresh_in": fresh, "cache_write": 0})


@pytest.mark.parametrize("tried", [pytest.param(one, marks=one.when) for one in CLIENTS], ids=str)
async def test_a_client_edits_a_file_and_is_on_the_record(
    desk: Desk, roomy: Task, rubric: Rubric, provider: Provider, tried: Tried
) -> None:
    """It finds the gateway by itself; usage, labels and the lines' origin are right."""
    configured(desk, port=provider.port)
    session = await with_client(desk, roomy, rubric, tried.client)
    printed = await said(desk, session, *tried.argv)
    written = await said(desk, session, "cat", "backoff.py")
    assert written.strip() == BACKOFF.strip(), printed
    assert "Failed to resolve" not in printed
    await submit(desk, session.id)
    recorded = exchanges(desk, session)
    assert sorted(one.label for one in recorded) == sorted(tried.labels), printed
    assert {one.format for one in recorded} == {tried.format}
    assert [one.usage for one in recorded] == [
        as_told(tried.format, usage) for usage in provider.usages
    ]
    assert all(one.outcome == "completed" for one in recorded)
    made = attribution_of(desk.store, session.id, desk.session_dir(session.id) / "shadow.git")
    assert made is not None
    (file,) = made.attribution.files
    assert file.path == "backoff.py"
    assert file.counts() == {tried.origin: len(BACKOFF.splitlines())}
    await end(desk, session.id, by="interviewer")
    assert await desk.backend.objects() == []
