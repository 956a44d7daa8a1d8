"""The demo's script fits the task that it plays on."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from harness.catalog.tasks import read_task
from harness.content import TASKS, content_dir
from harness.errors import TaskFormatError
from harness.loop.demo import DEMO_TASK, read_script


def test_every_edit_of_the_script_applies(tmp_path: Path) -> None:
    """In order, on the repository as a candidate gets it."""
    task = read_task(content_dir(TASKS) / DEMO_TASK)
    tree = tmp_path / "tree"
    shutil.copytree(task.repo, tree)
    subprocess.run(["git", "init", "-q", "."], cwd=tree, check=True)
    edits = [step.edit for step in read_script(task.path / "demo/script.toml").step if step.edit]
    assert len(edits) >= 4, "a believable candidate edits in steps"
    for edit in edits:
        subprocess.run(["git", "apply", str(task.path / "demo" / edit)], cwd=tree, check=True)


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
