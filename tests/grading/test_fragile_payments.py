"""The built-in service task on Docker: its exact checks tell the original from a reference."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.catalog.tasks import read_task
from harness.content import TASKS, content_dir
from harness.grading.grading import grade
from harness.grading.seal import seal
from harness.sandbox.backends import open_backend
from harness.settings import Settings

EXACT = (
    "idempotency.sequential",
    "idempotency.concurrent",
    "idempotency.distinct-keys",
    "retries.permanent",
    "regression.payments",
    "regression.refunds",
    "regression.reads",
    "regression.validation",
)
"""No wall-clock time decides these; `harness task prove` proves the others."""

ORIGINAL_FAILS = {"idempotency.concurrent", "retries.permanent"}


@pytest.mark.docker
@pytest.mark.slow
@pytest.mark.parametrize(
    ("tree", "fails"),
    [
        ("environment/repo", ORIGINAL_FAILS),
        ("solution/async-direct", set()),
        ("calibration/references/durable-queue", set()),
    ],
)
async def test_exact_checks(tree: str, fails: set[str], tmp_path: Path) -> None:
    """The original fails two of them and passes the rest; both references pass them all."""
    task = read_task(content_dir(TASKS) / "fragile-payments")
    backend = open_backend(Settings(data_dir=tmp_path / "data"))
    try:
        grading = await grade(
            seal(task.path / tree, tmp_path / "sealed"),
            task,
            backend,
            secret=b"0" * 32,
            only=EXACT,
        )
        assert await backend.objects() == []
    finally:
        await backend.close()
    outcomes = {check.id: check.outcome.value for check in grading.checks}
    assert outcomes == {id_: "failed" if id_ in fails else "passed" for id_ in outcomes}
    assert set(outcomes) == set(EXACT)
