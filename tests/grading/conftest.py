"""A tiny task, submissions made from it, and every backend that can grade them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from harness.catalog.tasks import read_task
from harness.grading.seal import seal
from harness.models.session import Submission
from harness.models.task import Task
from harness.sandbox.backends import open_backend
from harness.sandbox.protocol import SandboxBackend
from harness.settings import Settings

TOY = Path(__file__).parent / "toy-task"
GOOD = (TOY / "calibration/references/sturdy/service.py").read_text()

collect_ignore = ["toy-task"]  # its hidden checks run in a grader, not here

Make = Callable[..., Submission]
"""Files by name -> a sealed submission."""


@pytest.fixture
def toy() -> Task:
    """The tiny task."""
    return read_task(TOY)


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Seals a folder with these files; `service` is service.py."""

    def make(service: str = GOOD, **files: str) -> Submission:
        folder = tmp_path / "handed-in"
        folder.mkdir(exist_ok=True)
        for name, text in {"service.py": service, **files}.items():
            (folder / name).write_text(text)
        return seal(folder, tmp_path / "sealed")

    return make


@pytest.fixture(params=["process", pytest.param("docker", marks=pytest.mark.docker)])
async def backend(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SandboxBackend]:
    """Each backend; afterwards nothing may be left in it."""
    opened = open_backend(Settings(data_dir=tmp_path / "data", backend=request.param))
    yield opened
    left = await opened.objects()
    for obj in left:
        await opened.remove_object(obj)
    await opened.close()
    assert left == []
