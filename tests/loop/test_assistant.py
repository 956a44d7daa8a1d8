"""A session with an assistant: the workspace reaches it, the record has what was said."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from harness.catalog.tasks import read_task
from harness.errors import TaskFormatError
from harness.loop.assistant import assistant_of
from harness.loop.attributing import attribution_of
from harness.loop.desk import Desk
from harness.loop.opening import open_session
from harness.loop.scorecards import build_scorecard
from harness.loop.submitting import end, reopen, submit
from harness.loop.working import execute
from harness.models.event import ExchangeRecorded
from harness.models.exchange import Message
from harness.models.rubric import Rubric
from harness.models.task import Task

from .conftest import TOY

ASK = """
import json, os, urllib.request
body = json.dumps({"model": "any", "messages": [{"role": "user", "content": "How many retries?"}]})
request = urllib.request.Request(
    os.environ["OPENAI_BASE_URL"] + "/chat/completions",
    body.encode(),
    {"Authorization": "Bearer " + os.environ["OPENAI_API_KEY"]},
)
reply = json.load(urllib.request.urlopen(request))
print(reply["model"], reply["choices"][0]["message"]["content"])
"""


@pytest.fixture
def helped(tmp_path: Path) -> Task:
    """The tiny task with a scripted assistant."""
    folder = tmp_path / "helped-task"
    shutil.copytree(TOY, folder)
    script = {
        "turns": [
            {"id": "retry", "when": ["retries"], "says": ["Three."], "pitfalls": ["too-many"]}
        ],
        "otherwise": ["I do not know."],
        "pitfalls": [{"id": "too-many", "says": "No bound in time.", "better": "A deadline."}],
    }
    (folder / "assistant.yaml").write_text(yaml.safe_dump(script), encoding="utf-8")
    return read_task(folder)


async def asked(desk: Desk, session_id: str) -> str:
    """What a client in the workspace gets."""
    out: list[bytes] = []
    result = await execute(desk, session_id, ["python", "-c", ASK], sink=out.append, timeout_sec=60)
    assert result.returncode == 0, b"".join(out)
    return b"".join(out).decode()


async def test_what_the_candidate_asks_is_in_the_record(
    desk: Desk, helped: Task, rubric: Rubric
) -> None:
    """Ask from the workspace, submit, go on, ask again, end: both exchanges, once each."""
    session = await open_session(desk, helped, rubric, trusted=True, assistant="scripted")
    opened = assistant_of(desk, session.id)
    assert opened is not None
    assert [pitfall.id for pitfall in opened.pitfalls] == ["too-many"]
    answer = await asked(desk, session.id)
    assert "scripted-assistant I am a scripted assistant" in answer
    assert "Three." in answer
    chatted: list[bytes] = []
    program = ["bash", "-c", "~/.local/bin/harness-chat How many retries?"]
    await execute(desk, session.id, program, sink=chatted.append, timeout_sec=60)
    assert b"Three." in b"".join(chatted)
    await submit(desk, session.id)
    assert len(exchanges(desk, session.id)) == 2
    await reopen(desk, session.id, helped, by="interviewer", reason="one more thing")
    assert "Three." in await asked(desk, session.id)
    await end(desk, session.id, by="interviewer")
    said = [one for one in exchanges(desk, session.id) if one.exchange.label == "turn"]
    first, chat, second = said
    assert chat.exchange.client.user_agent == ""
    assert first.exchange.script is not None
    assert first.exchange.script.pitfalls == ("too-many",)
    assert (first.exchange.session, second.exchange.outcome) == (session.id, "completed")
    assert first.exchange.reply is not None
    reply = Message.model_validate_json(desk.store.blob(first.exchange.reply.sha256))
    assert reply.text.endswith("Three.")
    assert desk.store.verify(session.id).ok
    assert await desk.backend.objects() == []


async def test_a_gateway_that_stopped_is_started_again(
    desk: Desk, helped: Task, rubric: Rubric
) -> None:
    """After a restart of the machine the assistant answers, and its record goes on."""
    session = await open_session(desk, helped, rubric, trusted=True, assistant="scripted")
    opened = assistant_of(desk, session.id)
    assert opened is not None
    await asked(desk, session.id)
    gateway = await desk.backend.attach(opened.container)
    await gateway.kill()
    assert "Three." in await asked(desk, session.id)
    await end(desk, session.id, by="interviewer")
    assert [one.exchange.outcome for one in exchanges(desk, session.id)] == ["completed"] * 2


async def test_a_gateway_that_is_gone_keeps_nobody_from_work(
    desk: Desk, helped: Task, rubric: Rubric
) -> None:
    """The candidate gets in all the same; that the assistant was missing is on the record."""
    session = await open_session(desk, helped, rubric, trusted=True, assistant="scripted")
    opened = assistant_of(desk, session.id)
    assert opened is not None
    await (await desk.backend.attach(opened.container)).remove()
    result = await execute(desk, session.id, ["true"], timeout_sec=30)
    assert result.returncode == 0
    (failed,) = desk.store.events(session.id, kinds={"recording.failed"})
    assert "the assistant does not answer" in failed.payload.model_dump_json()
    await end(desk, session.id, by="interviewer")
    assert await desk.backend.objects() == []


async def test_without_being_asked_for_there_is_none(
    desk: Desk, helped: Task, rubric: Rubric
) -> None:
    """A task with a script still gives no assistant by itself, and no variables."""
    session = await open_session(desk, helped, rubric, trusted=True)
    out: list[bytes] = []
    await execute(desk, session.id, ["env"], sink=out.append, timeout_sec=30)
    assert b"HARNESS_ASSISTANT" not in b"".join(out)
    assert assistant_of(desk, session.id) is None
    await end(desk, session.id, by="interviewer")


async def test_a_task_without_a_script_has_no_scripted_assistant(
    desk: Desk, toy: Task, rubric: Rubric
) -> None:
    """The author's turn, before anything is made."""
    with pytest.raises(TaskFormatError, match="no scripted assistant"):
        await open_session(desk, toy, rubric, trusted=True, assistant="scripted")
    assert desk.store.sessions() == []


def exchanges(desk: Desk, session_id: str) -> list[ExchangeRecorded]:
    """Those in the record."""
    events = desk.store.events(session_id, kinds={"exchange"})
    return [event.payload for event in events if isinstance(event.payload, ExchangeRecorded)]


TAKEN = """
import json, os, re, urllib.request
body = json.dumps({"model": "any", "messages": [{"role": "user", "content": "How many retries?"}]})
request = urllib.request.Request(
    os.environ["OPENAI_BASE_URL"] + "/chat/completions",
    body.encode(),
    {"Authorization": "Bearer " + os.environ["OPENAI_API_KEY"]},
)
reply = json.load(urllib.request.urlopen(request))["choices"][0]["message"]["content"]
open("retries.py", "w").write(re.search("```\\n(.*?)```", reply, re.DOTALL)[1])
"""


async def test_lines_taken_from_the_assistant_are_on_the_scorecard(
    desk: Desk, helped: Task, rubric: Rubric
) -> None:
    """Ask, take the answer's code, submit: its lines, their exchange and the pitfall are told."""
    code = "def attempts_left(budget):\n    return budget.maximum - budget.attempts_made\n"
    script = yaml.safe_load(helped.assistant.read_text(encoding="utf-8"))
    script["turns"][0]["says"] = [f"Three.\n\n```\n{code}```\n"]
    script["pitfalls"][0]["signs"] = ["attempts_made"]
    helped.assistant.write_text(yaml.safe_dump(script), encoding="utf-8")
    session = await open_session(desk, helped, rubric, trusted=True, assistant="scripted")
    result = await execute(
        desk, session.id, ["python", "-c", TAKEN], sink=lambda _: None, timeout_sec=60
    )
    assert result.returncode == 0
    await submit(desk, session.id)
    git_dir = desk.session_dir(session.id) / "shadow.git"
    made = attribution_of(desk.store, session.id, git_dir)
    assert made is not None
    (file,) = [file for file in made.attribution.files if file.path == "retries.py"]
    assert file.counts() == {"assistant-reply": 2}
    card = build_scorecard(desk, session.id, helped)
    told = {signal.id: signal.value for signal in card.signals}
    assert told["assistant.use"].startswith("1 prompt, 1 exchange")
    assert told["assistant.lines"].startswith("2 suggested, 2 landed, 2 there as suggested")
    assert told["assistant.pitfalls"] == "1 of 1 pitfall met; caught: none; shipped: too-many"
    await end(desk, session.id, by="interviewer")
