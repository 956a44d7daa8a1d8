"""The process backend: the Protocol's promises, and what is its own."""

from __future__ import annotations

import asyncio
import shutil
import sys
from pathlib import Path

import pytest

from harness.errors import ImageBuildError
from harness.models.sandbox import ImageBuild, Mount, SandboxSpec, SandboxStatus
from harness.sandbox.process import ProcessBackend
from harness.sandbox.process_image import satisfied
from harness.sandbox.process_record import PathMap
from harness.sandbox.process_tree import kill_trees, marked
from harness.testing.sandbox_selfcheck import EVERYTHING, SelfCheck, Subject, checks

SOURCE = """
from pathlib import Path
from harness.sandbox.process import ProcessBackend
backend = ProcessBackend(Path({data!r}), Path({cache!r}))
"""


@pytest.fixture
def subject(tmp_path: Path) -> Subject:
    """A process backend with folders of its own."""
    data, cache = tmp_path / "data", tmp_path / "cache"
    return Subject(
        backend=ProcessBackend(data, cache),
        image=sys.prefix,
        capabilities=EVERYTHING,
        reopen=lambda: ProcessBackend(data, cache),
        source=SOURCE.format(data=str(data), cache=str(cache)),
    )


@pytest.mark.parametrize("check", checks(), ids=lambda check: check.name)
async def test_keeps_its_promises(subject: Subject, check: SelfCheck) -> None:
    """It keeps every promise of the Protocol but isolation."""
    await check(subject)
    assert not list(await subject.backend.objects())


def test_says_that_it_isolates_nothing(subject: Subject) -> None:
    """The loop can refuse a candidate's session on it."""
    assert subject.backend.isolates is False


def test_paths_inside_become_host_paths() -> None:
    """Only what begins with a mount's target changes, and the longest target wins."""
    paths = PathMap(
        [
            Mount(source="/host/files", target="/workspace"),
            Mount(source="/host/deep", target="/workspace/deep"),
        ]
    )
    assert paths.host("/workspace") == "/host/files"
    assert paths.host("/workspace/a b") == "/host/files/a b"
    assert paths.host("/workspace/deep/x") == "/host/deep/x"
    assert paths.host("/workspaces/x") == "/workspaces/x"
    assert paths.host("--db=/workspace/x") == "--db=/workspace/x"
    assert (
        paths.host_list("/workspace:/usr/lib:/workspace/deep") == "/host/files:/usr/lib:/host/deep"
    )
    assert paths.host_list("http://workspace:80/workspace") == "http://workspace:80/workspace"


async def test_two_sandboxes_get_ports_of_their_own(subject: Subject) -> None:
    """Peers that both want port 8000 listen on different ports of the loopback."""
    spec = SandboxSpec(
        owner="o", role="sut", image=sys.prefix, env={"PORT": "8000", "HOST": "0.0.0.0"}
    )
    boxes = [await subject.backend.start(spec) for _ in range(2)]
    seen = [
        (await box.exec(["sh", "-c", "echo $HOST:$PORT"], timeout_sec=10)).stdout.decode().strip()
        for box in boxes
    ]
    for box in boxes:
        await box.remove()
    assert seen == [box.address(8000) for box in boxes]
    assert len(set(seen)) == 2
    assert boxes[0].address(9999) == "127.0.0.1:9999"


async def test_read_only_mounts_are_not_written(subject: Subject, tmp_path: Path) -> None:
    """`write_file` keeps off a read-only mount."""
    mount = Mount(source=str(tmp_path), target="/content", read_only=True)
    spec = SandboxSpec(owner="o", role="grader", image=sys.prefix, mounts=(mount,))
    box = await subject.backend.start(spec)
    with pytest.raises(PermissionError):
        await box.write_file("/content/x", b"")
    await box.remove()


async def test_half_made_things_can_be_reaped(subject: Subject, tmp_path: Path) -> None:
    """A folder without a record, left by a crash, is listed without owner and removed."""
    (tmp_path / "data/process/sandboxes/sut-0123").mkdir(parents=True)
    found = await subject.backend.objects()
    assert [(obj.kind, obj.id, obj.owner) for obj in found] == [("process", "sut-0123", "")]
    await subject.backend.remove_object(found[0])
    assert await subject.backend.objects() == []


async def test_a_lost_record_still_finds_the_processes(subject: Subject, tmp_path: Path) -> None:
    """Removing an object kills what carries its mark, even when its files are gone."""
    box = await subject.backend.start(SandboxSpec(owner="o", role="sut", image=sys.prefix))
    mark = f"harness-sandbox={box.id}"
    assert len(marked(mark)) == 1
    [obj] = await subject.backend.objects("o")
    shutil.rmtree(tmp_path / "data/process/sandboxes" / box.id)
    await subject.backend.remove_object(obj)
    assert marked(mark) == set()


async def test_a_killed_keeper_is_an_end_without_code(subject: Subject) -> None:
    """When somebody kills the keeper its main process dies too and the state says exited."""
    box = await subject.backend.start(SandboxSpec(owner="o", role="sut", image=sys.prefix))
    await asyncio.to_thread(kill_trees, marked(f"harness-sandbox={box.id}"))
    state = await box.state()
    assert (state.status, state.exit_code) == (SandboxStatus.EXITED, None)
    await box.restart()
    assert (await box.state()).status is SandboxStatus.RUNNING
    await box.remove()


def test_a_satisfied_environment_is_recognised() -> None:
    """Names and pins are compared with what is installed here."""
    assert satisfied("# a comment\npytest\npydantic>=2\n-i somewhere\n")
    assert not satisfied("pytest==0.0.1\n")
    assert not satisfied("no-such-distribution-of-ours\n")


async def test_graders_use_our_own_environment(subject: Subject, tmp_path: Path) -> None:
    """A grader whose requirements are here already needs nothing built."""
    (tmp_path / "requirements.txt").write_text("pytest\n")
    build = ImageBuild(role="grader", name="t", context=str(tmp_path))
    assert await subject.backend.ensure_image(build) == sys.prefix


async def test_workspace_environments_are_cached(subject: Subject, tmp_path: Path) -> None:
    """An environment is made once per content, and its programs come first on PATH."""
    (tmp_path / "task/repo").mkdir(parents=True)
    build = ImageBuild(role="workspace", name="t", context=str(tmp_path / "task"))
    lines: list[str] = []
    image = await subject.backend.ensure_image(build, progress=lines.append)
    assert await subject.backend.ensure_image(build, progress=lines.append) == image
    assert len(lines) == 1
    box = await subject.backend.start(SandboxSpec(owner="o", role="workspace", image=image))
    result = await box.exec(["python3", "-c", "import sys; print(sys.prefix)"], timeout_sec=10)
    await box.remove()
    assert result.stdout.decode().strip() == image


async def test_a_failed_build_tells_its_last_lines(subject: Subject, tmp_path: Path) -> None:
    """What cannot be installed is named, and nothing half-made is taken for complete."""
    (tmp_path / "task/repo").mkdir(parents=True)
    (tmp_path / "task/repo/requirements.txt").write_text("./no-such-folder\n")
    build = ImageBuild(role="workspace", name="odd-task", context=str(tmp_path / "task"))
    for _ in range(2):
        with pytest.raises(ImageBuildError, match=r"(?s)odd-task.*no-such-folder"):
            await subject.backend.ensure_image(build)
