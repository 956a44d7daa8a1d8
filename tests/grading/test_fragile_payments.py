"""The built-in service task on Docker: its exact checks tell the original from references."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.catalog.declarations import Declared, declarations
from harness.catalog.tasks import read_task
from harness.content import TASKS, content_dir
from harness.grading.calibration import materialise, read_calibration
from harness.grading.grading import grade
from harness.models.check import CheckOutcome
from harness.models.task import Task
from harness.sandbox.backends import open_backend
from harness.settings import Settings


def exact(task: Task) -> set[str]:
    """Checks that no wall-clock time decides; `harness task prove` proves the others."""
    found = (item for item in declarations(task.tests) if isinstance(item, Declared))
    return {item.id for item in found if not item.keywords.get("timing")}


@pytest.mark.docker
@pytest.mark.slow
@pytest.mark.parametrize("name", ["original", "async-direct", "durable-queue"])
async def test_exact_checks(name: str, tmp_path: Path) -> None:
    """The original fails those that it must and passes the rest; references pass them all."""
    task = read_task(content_dir(TASKS) / "fragile-payments")
    known = next(item for item in read_calibration(task).submission if item.name == name)
    backend = open_backend(Settings(data_dir=tmp_path / "data"))
    try:
        grading = await grade(
            materialise(task, known, tmp_path / "scratch").submission,
            task,
            backend,
            secret=b"0" * 32,
            only=tuple(exact(task)),
        )
        assert await backend.objects() == []
    finally:
        await backend.close()
    fallen = {check.id for check in grading.checks if check.outcome is not CheckOutcome.PASSED}
    assert fallen == exact(task) & set(known.fails)
    assert not [check.id for check in grading.checks if check.outcome is CheckOutcome.INVALID]
