"""The fake sandbox: honest where it says so, scripted elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from harness.errors import SandboxUnavailableError
from harness.models.sandbox import (
    ExecResult,
    SandboxSpec,
    SandboxState,
    SandboxStatus,
    TerminalSize,
)
from harness.sandbox.protocol import SandboxBackend, SandboxEnvironment
from harness.testing.fake_sandbox import CAPABILITIES, FakeBackend, FakeCall
from harness.testing.sandbox_selfcheck import SelfCheck, Subject, checks

SPEC = SandboxSpec(owner="o", role="workspace", image="fake")


@pytest.fixture
def backend(tmp_path: Path) -> FakeBackend:
    """A fake with a folder of its own."""
    return FakeBackend(tmp_path)


@pytest.mark.parametrize("check", checks(CAPABILITIES), ids=lambda check: check.name)
async def test_keeps_its_promises(backend: FakeBackend, check: SelfCheck) -> None:
    """What it does not script behaves as on the real backends."""
    await check(
        Subject(backend=backend, image="fake", capabilities=CAPABILITIES, reopen=lambda: backend)
    )


async def test_speaks_the_protocol(backend: FakeBackend) -> None:
    """It can stand wherever a backend is asked for."""
    as_backend: SandboxBackend = backend
    box: SandboxEnvironment = await as_backend.start(SPEC)
    assert box.address(80) == f"{box.id}:80"


@pytest.mark.parametrize(("role", "network"), [("workspace", "n"), ("gateway", None)])
def test_a_way_out_is_for_a_gateway_alone(role: str, network: str | None) -> None:
    """No other sandbox can be asked for one, nor a gateway without its private side."""
    with pytest.raises(ValidationError, match="gets no way out"):
        SandboxSpec.model_validate(
            {"owner": "s", "role": role, "image": "i", "network": network, "egress": "out"}
        )


async def test_commands_give_what_was_scripted(backend: FakeBackend) -> None:
    """The latest script whose words the command begins with answers; others are missing."""
    backend.answer(("git",), ExecResult(returncode=0, stdout=b"any"))
    backend.answer(("git", "status"), ExecResult(returncode=2, stderr=b"bad"))
    box = await backend.start(SPEC)
    assert (await box.exec(["git", "log"], timeout_sec=1)).stdout == b"any"
    assert (await box.exec(["git", "status", "-s"], timeout_sec=1)).returncode == 2
    assert (await box.exec(["make"], timeout_sec=1)).returncode == 127
    assert [call.argv[0] for call in box.calls] == ["git", "git", "make"]


async def test_scripts_see_the_call(backend: FakeBackend) -> None:
    """A function gets input, environment and the sandbox whose files it may look at."""

    def shout(call: FakeCall) -> ExecResult:
        return ExecResult(returncode=0, stdout=call.stdin.upper() + call.env["END"].encode())

    backend.answer(("shout",), shout)
    box = await backend.start(SPEC)
    result = await box.exec(["shout"], timeout_sec=1, stdin=b"hey", env={"END": "!"})
    assert result.stdout == b"HEY!"


async def test_streams_and_terminals(backend: FakeBackend) -> None:
    """An opened process takes input and size, and its output comes in chunks, once."""
    backend.answer(("sh",), lambda call: ExecResult(returncode=3, stdout=call.stdin, stderr=b"e"))
    box = await backend.start(SPEC)
    process = await box.open(["sh"], terminal=TerminalSize(cols=10, rows=5))
    await process.send(b"a")
    await process.send(b"b")
    await process.resize(TerminalSize(cols=20, rows=5))
    chunks = [(chunk.stream, chunk.data) async for chunk in process.output()]
    assert chunks == [("stdout", b"ab"), ("stderr", b"e")]
    assert await process.wait() == ExecResult(returncode=3)
    assert process.sizes == [TerminalSize(cols=20, rows=5)]
    with pytest.raises(RuntimeError):
        process.output()


async def test_output_limits_hold(backend: FakeBackend) -> None:
    """More than was asked for is cut and said to be."""
    backend.answer(("big",), ExecResult(returncode=0, stdout=b"x" * 8, stderr=b"y" * 8))
    box = await backend.start(SPEC)
    result = await box.exec(["big"], timeout_sec=1, output_limit=10)
    assert (len(result.stdout), len(result.stderr), result.truncated) == (8, 2, True)


async def test_a_killed_process_says_so(backend: FakeBackend) -> None:
    """`kill` before an answer gives 137 and the script is never asked."""
    box = await backend.start(SPEC)
    process = await box.open(["sleep"])
    await process.kill()
    assert (await process.wait()).returncode == 137
    assert box.calls == []


async def test_a_test_can_end_or_lose_it(backend: FakeBackend) -> None:
    """Its end, its log and its loss are the test's to say."""
    box = await backend.start(SPEC)
    box.write_log(b"last words")
    box.finish(137, oom_killed=True)
    assert await box.logs(max_bytes=5) == b"words"
    assert await box.state() == SandboxState(
        status=SandboxStatus.EXITED, exit_code=137, oom_killed=True
    )
    box.vanish()
    with pytest.raises(SandboxUnavailableError):
        await box.logs()
