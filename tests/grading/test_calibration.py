"""Submissions whose truth is known are read and made as their author says."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.catalog.tasks import read_task
from harness.errors import TaskFormatError
from harness.grading.calibration import KnownSubmission, materialise, read_calibration
from harness.grading.seal import seal
from harness.models.task import Task

from .conftest import TOY


@pytest.fixture
def task(tmp_path: Path) -> Task:
    """A copy of the toy to break."""
    return read_task(Path(shutil.copytree(TOY, tmp_path / "toy-task")))


def known(task: Task, name: str) -> KnownSubmission:
    """One of the toy's."""
    return next(item for item in read_calibration(task).submission if item.name == name)


def test_the_original_is_what_a_candidate_gets(task: Task, tmp_path: Path) -> None:
    """A submission without a path is the task's repository."""
    made = materialise(task, known(task, "original"), tmp_path / "scratch").submission
    assert made.sha256 == seal(task.repo, tmp_path / "expected").sha256


def test_a_mutant_is_its_base_with_a_patch(task: Task, tmp_path: Path) -> None:
    """A patch is applied to a copy, and the base stays as it was."""
    base = task.calibration / "references/sturdy"
    before = (base / "service.py").read_text()
    made = materialise(task, known(task, "notes-in-memory"), tmp_path / "scratch").submission
    assert made.sha256 != seal(base, tmp_path / "expected").sha256
    assert "KEPT = []" in (tmp_path / "scratch/notes-in-memory/service.py").read_text()
    assert (base / "service.py").read_text() == before


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('kind = "mutant"', 'kind = "mutation"', "'original', 'reference', 'mutant'"),
        ('base = "references/sturdy"\n', "", "base and patch belong together"),
        ('fails = ["shutdown.keeps-notes"]\n', "", "names the checks that it must fail"),
        ('path = "references/sturdy"', 'fails = ["a.b"]', "give either path"),
        ('name = "silent"', 'name = "sturdy"', "names repeat"),
        ('about = "Exits at once."', 'abut = "x"', "submission.3.abut: unknown key"),
    ],
)
def test_malformed_calibration(task: Task, old: str, new: str, message: str) -> None:
    """A wrong entry is named with file and line."""
    path = task.calibration / "calibration.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(TaskFormatError) as caught:
        read_calibration(task)
    assert f"{path}:" in caught.value.message
    assert message in caught.value.message


def test_patch_that_does_not_apply(task: Task, tmp_path: Path) -> None:
    """A patch that its base has outgrown is named."""
    (task.calibration / "references/sturdy/service.py").write_text("changed\n")
    with pytest.raises(TaskFormatError, match="'notes-in-memory': its patch does not apply"):
        materialise(task, known(task, "notes-in-memory"), tmp_path / "scratch")


@pytest.mark.parametrize("path", ["references/absent", "../../../outside", "/etc"])
def test_tree_must_be_in_the_task(task: Task, tmp_path: Path, path: str) -> None:
    """A tree that is missing or elsewhere is refused."""
    (tmp_path.parent / "outside").mkdir(exist_ok=True)
    wrong = known(task, "sturdy").model_copy(update={"path": path})
    with pytest.raises(TaskFormatError, match="there is no folder"):
        materialise(task, wrong, tmp_path / "scratch")


def test_requirements_of_its_own(task: Task, tmp_path: Path) -> None:
    """A submission in another language gets an image with what its requirements name."""
    sturdy = known(task, "sturdy").model_copy(update={"own_requirements": True})
    (task.calibration / sturdy.path / "requirements.txt").write_text("something==1\n")
    made = materialise(task, sturdy, tmp_path / "scratch")
    assert (made.environment / "repo/requirements.txt").read_text() == "something==1\n"
    assert (made.environment / "repo/service.py").is_file()
    assert materialise(task, known(task, "original"), tmp_path).environment == task.environment
