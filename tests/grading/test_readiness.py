"""Whether a service is ready, whatever it and its container say."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import SandboxError
from harness.grading.readiness import LISTENING, PROBE, hindrance
from harness.grading.sut import Sut
from harness.models.sandbox import ExecResult, SandboxSpec
from harness.models.task import SutSpec
from harness.testing.fake_sandbox import FakeBackend

from .conftest import Make

SPEC = SutSpec(command=("x",), port=8000, ready_path="/readyz", ready_timeout_sec=2)
DEEP = b"[" * 4096
QUIET = ExecResult(returncode=0)
REFUSED = ExecResult(returncode=0, stdout=b'"refused"')


async def hindered(
    tmp_path: Path,
    make: Make,
    looked: ExecResult,
    listening: ExecResult = QUIET,
    *,
    ended: int | None = None,
) -> str:
    """What is said to hinder a service that these answers are given about, or that has ended."""
    backend = FakeBackend(tmp_path / "fake")
    backend.answer(("python", "-I", "-c", PROBE), looked)
    backend.answer(("python", "-I", "-c", LISTENING), listening)
    service, grader = [
        await backend.start(SandboxSpec(owner="g-ready", role=role, image="x"))
        for role in ("sut", "grader")
    ]
    if ended is not None:
        service.finish(ended)
    volume = await backend.create_volume("g-ready", 1)
    found = await hindrance(Sut("service-1", make(), service, volume, SPEC.port), SPEC, grader)
    assert found is not None
    return found.message


async def test_a_look_that_had_to_be_ended(tmp_path: Path, make: Make) -> None:
    """A service that keeps the look going beyond its time has not answered."""
    killed = ExecResult(returncode=137, timed_out=True)
    message = await hindered(tmp_path, make, killed)
    assert message.endswith("it took the connection and sent no whole answer.")


async def test_a_look_that_broke(tmp_path: Path, make: Make) -> None:
    """A grader that cannot look is our failure."""
    with pytest.raises(SandboxError, match="could not look"):
        await hindered(tmp_path, make, ExecResult(returncode=1))


async def test_one_that_was_killed(tmp_path: Path, make: Make) -> None:
    """Where the engine has not seen the memory run out, that is still named."""
    message = await hindered(tmp_path, make, REFUSED, ended=137)
    assert message.startswith("The service was killed (exit code 137) before it was ready: ")
    assert "memory" in message


@pytest.mark.parametrize("said", [b"nonsense", DEEP, b"{}", b"[true, 0, 65536, []]"])
async def test_nonsense_of_the_service_s_container(tmp_path: Path, make: Make, said: bytes) -> None:
    """What the service's container says of its ports is left out when it makes no sense."""
    message = await hindered(tmp_path, make, REFUSED, ExecResult(returncode=0, stdout=said))
    assert message == "The service never listened on port 8000 within 2 s."


async def test_nonsense_of_the_grader(tmp_path: Path, make: Make) -> None:
    """However deep it is, it is our failure."""
    deep = ExecResult(returncode=0, stdout=DEEP)
    with pytest.raises(SandboxError, match="could not look"):
        await hindered(tmp_path, make, deep, deep)
