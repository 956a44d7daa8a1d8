"""The docker backend keeps every promise of the sandbox Protocol."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from harness.sandbox.docker import DockerBackend
from harness.settings import Settings
from harness.testing.sandbox_selfcheck import EVERYTHING, SelfCheck, Subject, checks
from tests.sandbox.conftest import Bench

pytestmark = pytest.mark.docker

OPEN = """
from pathlib import Path
from harness.sandbox.docker import DockerBackend
from harness.settings import Settings
backend = DockerBackend(Settings(data_dir=Path({data_dir!r})))
"""


@pytest.fixture
async def subject(docker_bench: Bench) -> AsyncIterator[Subject]:
    """The docker backend, to be opened again as often as a check likes."""
    data_dir = docker_bench.backend.volumes.root.parent
    opened: list[DockerBackend] = []

    def reopen() -> DockerBackend:
        opened.append(DockerBackend(Settings(data_dir=data_dir)))
        return opened[-1]

    yield Subject(
        backend=docker_bench.backend,
        image=docker_bench.image,
        capabilities=EVERYTHING,
        reopen=reopen,
        source=OPEN.format(data_dir=str(data_dir)),
    )
    for backend in opened:
        await backend.close()


@pytest.mark.parametrize("check", checks(EVERYTHING), ids=lambda check: check.name)
async def test_docker_keeps_its_promises(subject: Subject, check: SelfCheck) -> None:
    """Each check of the shared suite passes on real containers."""
    await check(subject)
