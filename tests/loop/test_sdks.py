"""The official Python SDKs in a workspace's container, which reaches the gateway and no more."""

from __future__ import annotations

import json
import shutil
from importlib.metadata import version
from pathlib import Path

import pytest

from harness.catalog.tasks import read_task
from harness.loop.desk import Desk
from harness.loop.opening import open_session
from harness.loop.submitting import end
from harness.models.exchange import Message
from harness.models.rubric import Rubric
from harness.models.task import Task

from . import sdk_calls
from .conftest import TOY
from .provider import Provider
from .test_provider import configured, exchanges, said

pytestmark = [pytest.mark.docker, pytest.mark.parametrize("desk", ["docker"], indirect=True)]

MANNERS = ["plain", "streamed", "tool", "tool-result"]


@pytest.fixture
def with_sdks(tmp_path: Path) -> Task:
    """The tiny task, its image with both SDKs at the versions that we have locked."""
    folder = tmp_path / "sdk-task"
    shutil.copytree(TOY, folder)
    pinned = "".join(f"{name}=={version(name)}\n" for name in ("anthropic", "openai"))
    (folder / "environment/repo/requirements.txt").write_text(pinned, encoding="utf-8")
    return read_task(folder)


async def test_official_sdks_work_and_are_on_the_record(
    desk: Desk, with_sdks: Task, rubric: Rubric, provider: Provider
) -> None:
    """Plain, streamed and tools in three formats: the record has the words and the usage."""
    configured(desk, port=provider.port)
    session = await open_session(desk, with_sdks, rubric, trusted=True, assistant="provider")
    source = Path(sdk_calls.__file__).read_text(encoding="utf-8")
    printed = await said(desk, session, "python", "-c", source)
    seen = json.loads(printed.splitlines()[-1])
    await end(desk, session.id, by="interviewer")
    recorded = exchanges(desk, session)
    formats = [form for form in ("anthropic", "responses", "chat") for _ in MANNERS]
    assert [one.format for one in recorded] == formats
    assert [(form, manner) for form, manner, *_ in seen] == list(
        zip(formats, MANNERS * 3, strict=True)
    )
    assert [one.outcome for one in recorded] == ["completed"] * 12
    assert [one.usage for one in recorded] == provider.usages
    assert [one.stream for one in recorded] == [manner == "streamed" for manner in MANNERS] * 3
    labels = ["turn", "turn", "turn", "tool-round"] * 3
    assert [one.label for one in recorded] == labels
    for one, (_, manner, words, given, out) in zip(recorded, seen, strict=True):
        assert one.reply is not None
        assert one.usage is not None
        reply = Message.model_validate_json(desk.store.blob(one.reply.sha256))
        whole = reply.text + "".join(getattr(part, "arguments", "") for part in reply.parts)
        assert words
        assert words.strip() in whole.replace("\\n", "\n")
        unseen = (one.format, manner) == ("chat", "streamed")
        assert (given, out) == (
            (0, 0) if unseen else (one.usage.total - one.usage.out, one.usage.out)
        )
    assert desk.store.verify(session.id).ok
