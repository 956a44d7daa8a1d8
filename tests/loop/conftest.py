"""A desk over each backend, and a tiny task to hold interviews on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from harness.catalog.rubrics import RubricCatalog
from harness.catalog.tasks import read_task
from harness.loop.desk import Desk, open_desk
from harness.loop.opening import clear_away
from harness.models.rubric import Rubric
from harness.models.task import Task
from harness.settings import Settings

from .provider import Provider, providing

TOY = Path(__file__).parents[1] / "grading" / "toy-task"


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    """A provider on this machine."""
    async with providing() as provider:
        yield provider


@pytest.fixture
def toy() -> Task:
    """A service of one file."""
    return read_task(TOY)


@pytest.fixture
def rubric() -> Rubric:
    """The built-in one."""
    return RubricCatalog(Settings()).find_rubric("staff-backend")


@pytest.fixture(params=["process", pytest.param("docker", marks=pytest.mark.docker)])
async def desk(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Desk]:
    """A desk in a folder of its own; afterwards nothing of it may run or lie in the engine."""
    settings = Settings(
        data_dir=tmp_path / "data", backend=request.param, snapshot_interval_sec=0.5
    )
    async with open_desk(settings) as desk:
        yield desk
        for session in desk.store.sessions():
            await clear_away(desk, session)
        assert await desk.backend.objects() == []
