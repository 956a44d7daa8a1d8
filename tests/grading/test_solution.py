"""The built-in task's solution is one of its references, and every known submission can be made."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from harness.catalog.tasks import read_task
from harness.content import TASKS, content_dir
from harness.grading.calibration import materialise, read_calibration
from harness.grading.seal import seal
from harness.models.task import Task


@pytest.fixture
def task() -> Task:
    """The built-in service task."""
    return read_task(content_dir(TASKS) / "fragile-payments")


@pytest.mark.parametrize("start", ["repository", "nothing"])
def test_solving_makes_a_reference(task: Task, tmp_path: Path, start: str) -> None:
    """As Harbor runs it: `solution/` alone, from the working directory, whatever is there."""
    solution = shutil.copytree(task.path / "solution", tmp_path / "solution")
    work = tmp_path / "work"
    if start == "repository":
        shutil.copytree(task.repo, work)
    else:
        work.mkdir()
    subprocess.run(["sh", str(solution / "solve.sh")], cwd=work, check=True)
    known = {one.name: one for one in read_calibration(task).submission}
    assert known["async-direct"].kind == "reference"
    reference = materialise(task, known["async-direct"], tmp_path / "scratch").submission
    assert seal(work, tmp_path / "sealed").sha256 == reference.sha256


def test_every_known_submission_can_be_made(task: Task, tmp_path: Path) -> None:
    """Each tree is there, each patch applies, and no two are the same."""
    known = read_calibration(task).submission
    made = {materialise(task, one, tmp_path / one.name).submission.sha256 for one in known}
    assert len(made) == len(known)
