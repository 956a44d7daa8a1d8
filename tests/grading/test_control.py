"""The first start of a grading, and the original beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import SandboxError
from harness.grading.control import Original, StartControl
from harness.grading.sut import Suts
from harness.models.sandbox import ExecResult, SandboxSpec
from harness.models.task import Task
from harness.testing.fake_sandbox import FakeBackend

from .conftest import Make

OWNER = "g-control"


@pytest.mark.parametrize("seen", [[], [b"503", b"503"]], ids=["submission", "original"])
async def test_what_cannot_be_looked_at_does_not_stay(
    tmp_path: Path, toy: Task, make: Make, seen: list[bytes]
) -> None:
    """A service that nobody is told of takes no room from those that come after it."""
    looks = iter(seen)
    backend = FakeBackend(tmp_path / "fake")
    backend.answer(("python",), lambda _: ExecResult(returncode=0, stdout=next(looks, b"")))
    grader = await backend.start(SandboxSpec(owner=OWNER, role="grader", image="x"))
    suts = Suts(backend, toy, (), owner=OWNER, image="x", network=None)
    with Original(toy) as original:
        control = StartControl(toy, original, lambda _: None)
        sut = await suts.start(make(), 1)
        with pytest.raises(SandboxError, match="could not look"):
            await control.watch(sut, suts, grader)
    assert next(looks, None) is None
    assert [left.id for left in await backend.objects()] == [grader.id]
