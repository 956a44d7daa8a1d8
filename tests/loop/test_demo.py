"""The demo's script fits the task that it plays on."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from harness.catalog.tasks import read_task
from harness.content import TASKS, content_dir
from harness.errors import TaskFormatError
from harness.gateway.upstreams.reply import Conversation
from harness.gateway.upstreams.script import read_script as read_assistant
from harness.gateway.upstreams.scripted import Scripted
from harness.loop.demo import DEMO_TASK, read_script
from harness.models.exchange import Message, TextPart
from harness.models.task import Task


def played(task: Task, folder: Path) -> Path:
    """The repository as a candidate gets it, committed, with every edit of the script on it."""
    tree = folder / "tree"
    shutil.copytree(task.repo, tree)
    for command in (
        ["init", "-q", "."],
        ["add", "-A"],
        ["-c", "user.name=a", "-c", "user.email=a@b.invalid", "commit", "-qm", "given"],
    ):
        subprocess.run(["git", *command], cwd=tree, check=True)
    edits = [step.edit for step in read_script(task.path / "demo/script.toml").step if step.edit]
    assert len(edits) >= 4, "a believable candidate edits in steps"
    for edit in edits:
        subprocess.run(["git", "apply", str(task.path / "demo" / edit)], cwd=tree, check=True)
    return tree


def test_every_edit_of_the_script_applies(tmp_path: Path) -> None:
    """In order, on the repository as a candidate gets it; no patch is left over."""
    task = read_task(content_dir(TASKS) / DEMO_TASK)
    played(task, tmp_path)
    named = {step.edit for step in read_script(task.path / "demo/script.toml").step if step.edit}
    assert named == {path.name for path in (task.path / "demo").glob("*.patch")}


@pytest.mark.parametrize("text", ["step = 3", "[[step]]\nshout = 'ls'", "[[step"])
def test_a_malformed_script_is_the_authors_turn(text: str, tmp_path: Path) -> None:
    """The error names the file."""
    script = tmp_path / "script.toml"
    script.write_text(text)
    with pytest.raises(TaskFormatError, match=r"script\.toml"):
        read_script(script)


def test_a_task_without_a_script_says_so(tmp_path: Path) -> None:
    """No traceback, but what to do."""
    with pytest.raises(TaskFormatError, match="demo"):
        read_script(tmp_path / "demo" / "script.toml")


def test_the_assistant_offers_what_the_candidate_takes_over(tmp_path: Path) -> None:
    """Each question gets an answer, two of them a pitfall; the code that is taken is in them."""
    task = read_task(content_dir(TASKS) / DEMO_TASK)
    script = read_script(task.path / "demo/script.toml")
    assistant = Scripted(read_assistant(task.assistant))
    said, pitfalls = "", []
    for step in script.step:
        if step.ask:
            prompt = Message(role="user", parts=(TextPart(text=step.ask),))
            reply = assistant.answer(Conversation([prompt], tools=None, label="turn"))
            assert reply.marks.turn != "otherwise", step.ask
            said += "".join(part.text for part in reply.parts if isinstance(part, TextPart))
            pitfalls += reply.marks.pitfalls
    assert pitfalls == ["timeout-is-no-deadline", "rates-too-old"]
    offered = {line.strip() for line in said.splitlines()}
    for name in ("1-a-time-limit", "9-test-as-suggested"):
        patch = (task.path / "demo" / f"{name}.patch").read_text()
        added = {line[1:].strip() for line in patch.splitlines() if line.startswith("+")}
        assert {line for line in added if not line.startswith("++")} <= offered


def test_one_pitfall_is_shipped_and_one_is_caught(tmp_path: Path) -> None:
    """By the signs that the task's author declared, in the code that is handed in."""
    task = read_task(content_dir(TASKS) / DEMO_TASK)
    tree = played(task, tmp_path)
    diff = subprocess.run(
        ["git", "diff", "-U0", "HEAD", "--", "payments"],
        cwd=tree, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    added = [line[1:] for line in diff.splitlines() if line.startswith("+")]
    shipped = [
        pitfall.id
        for pitfall in read_assistant(task.assistant).pitfalls
        if any(re.search(sign, line) for sign in pitfall.signs for line in added)
        and not any(re.search(cure, line) for cure in pitfall.cures for line in added)
    ]
    assert shipped == ["timeout-is-no-deadline"]
