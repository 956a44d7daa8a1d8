"""Systems under test: what is fresh, what survives, what is refused."""

from __future__ import annotations

import asyncio
import contextlib
import errno
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from harness.errors import SandboxError, TaskFormatError
from harness.grading import sut as module
from harness.grading.cleanup import sweep
from harness.grading.places import Layout, bindings, environment
from harness.grading.seal import seal
from harness.grading.sut import Sut, Suts, refill, replace_data, sut_spec
from harness.models.grader import Request
from harness.models.sandbox import ImageBuild, Volume
from harness.models.session import Submission
from harness.models.task import SutSpec, Task, UpstreamSpec
from harness.sandbox.protocol import SandboxBackend

from .conftest import Make

OWNER = "g-suts"


async def printed(suts: Suts, sut: Sut, text: str) -> None:
    """Wait until the service has printed something."""
    async with asyncio.timeout(30):
        while text not in (await ask(suts, sut, "logs"))["text"]:  # noqa: ASYNC110 - not our process
            await asyncio.sleep(0.05)


@pytest.fixture
async def suts(backend: SandboxBackend, toy: Task) -> AsyncIterator[Suts]:
    """The toy's systems under test on a network of their own."""
    build = ImageBuild(role="workspace", name=toy.name, context=str(toy.environment))
    image = await backend.ensure_image(build)
    network = await backend.create_network(OWNER)
    upstreams = bindings(toy.spec.interview.upstreams, contained=backend.isolates)
    yield Suts(backend, toy, upstreams, owner=OWNER, image=image, network=network.id)
    await sweep(backend, OWNER, print)


async def ask(suts: Suts, sut: Sut, verb: Any, **args: object) -> dict[str, Any]:
    """One verb."""
    return await suts.serve(Request(id=1, verb=verb, sut=sut.id, args=args))


async def test_only_the_data_folder_survives_a_restart(
    suts: Suts, make: Make, backend: SandboxBackend
) -> None:
    """After kill and restart the tree is what was handed in, and the data is what it was."""
    sut = await suts.start(make("print('up', flush=True)\nimport time; time.sleep(600)"), 1)
    await printed(suts, sut, "up")
    layout = Layout.of(sut.volume)
    (layout.data / "kept").write_text("x")
    (layout.repo / "service.py").write_text("raise SystemExit")
    deep = layout.repo
    for _ in range(1500 if backend.isolates else 50):
        deep = deep / "d"
        deep.mkdir()
    killed = await ask(suts, sut, "kill")
    assert (killed["status"], killed["exit_code"]) == ("exited", 137)
    assert (await ask(suts, sut, "restart"))["address"] == sut.address
    assert [path.name for path in layout.repo.iterdir()] == ["service.py"]
    assert (layout.data / "kept").read_text() == "x"
    assert (await ask(suts, sut, "state"))["status"] == "running"


async def test_stop_says_how_it_left(suts: Suts, make: Make) -> None:
    """A service that heeds SIGTERM leaves by itself; one that does not is killed."""
    heeds = await suts.start(make(), 1)
    ignores = await suts.start(
        make(
            "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
            "print('deaf', flush=True)\ntime.sleep(600)\n"
        ),
        1,
    )
    await printed(suts, ignores, "deaf")
    assert (await ask(suts, heeds, "stop", grace_sec=5))["killed"] is False
    stopped = await ask(suts, ignores, "stop", grace_sec=1)
    assert (stopped["killed"], stopped["exit_code"]) == (True, 137)
    assert 0.9 <= stopped["duration_sec"] <= 5


async def test_stop_of_one_that_dies_of_something_else(suts: Suts, make: Make) -> None:
    """A SIGKILL that the stop did not send is not counted as one that it had to send."""
    dies = await suts.start(
        make(
            "import os, signal, time\n"
            "signal.signal(signal.SIGTERM, lambda *_: os.kill(os.getpid(), signal.SIGKILL))\n"
            "print('up', flush=True)\ntime.sleep(600)\n"
        ),
        1,
    )
    await printed(suts, dies, "up")
    stopped = await ask(suts, dies, "stop", grace_sec=20)
    assert (stopped["killed"], stopped["exit_code"]) == (False, 137)


async def test_stats_and_logs(suts: Suts, make: Make) -> None:
    """Resources are read from outside, and logs are cut to what was asked for."""
    sut = await suts.start(make("print('x' * 9000, flush=True)\nimport time; time.sleep(600)"), 1)
    await printed(suts, sut, "x" * 9000)
    stats = await ask(suts, sut, "stats")
    assert stats["memory_bytes"] > 1_000_000
    assert stats["pids"] >= 1
    assert len((await ask(suts, sut, "logs", max_bytes=100))["text"]) == 100


async def test_removed_is_gone(suts: Suts, make: Make, backend: SandboxBackend) -> None:
    """A removed one has no volume any more and answers to nothing."""
    sut = await suts.start(make(), 1)
    await ask(suts, sut, "remove")
    await suts.gone()
    assert not Path(sut.volume.path).exists()
    with pytest.raises(SandboxError, match="No system under test"):
        await ask(suts, sut, "state")


@pytest.mark.parametrize("backend", ["process"], indirect=True)
async def test_number_is_bounded(suts: Suts, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A check cannot fill the machine with systems under test."""
    monkeypatch.setattr(module, "MAX_SUTS", 1)
    submission: Submission = make()
    await suts.start(submission, 1)
    with pytest.raises(SandboxError, match="More than 1"):
        await suts.start(submission, 1)


def test_environment_keeps_names_in_containers() -> None:
    """In containers the service sees exactly what the brief says."""
    spec = SutSpec(command=("x",), port=1, env={"URL": "http://provider:9100"})
    upstreams = bindings((UpstreamSpec(host="provider", port=9100),), contained=True)
    assert environment(spec, upstreams) == spec.env
    assert upstreams[0].bind_port == 9100


def test_environment_without_containers() -> None:
    """Elsewhere every `host:port` of a dependency becomes its real place, and nothing else."""
    env = {
        "URL": "http://provider:9100/v1",
        "BOTH": "provider:9100,mail:25",
        "OTHER": "http://my-provider:9100 provider:91000 provider",
    }
    spec = SutSpec(command=("x",), port=1, env=env)
    wanted = (UpstreamSpec(host="provider", port=9100), UpstreamSpec(host="mail", port=25))
    provider, mail = upstreams = bindings(wanted, contained=False)
    assert environment(spec, upstreams) == {
        "URL": f"http://127.0.0.1:{provider.bind_port}/v1",
        "BOTH": f"127.0.0.1:{provider.bind_port},127.0.0.1:{mail.bind_port}",
        "OTHER": env["OTHER"],
    }
    assert provider.bind_port != mail.bind_port


def test_task_without_a_service(toy: Task) -> None:
    """A task that starts nothing cannot be graded, and says so to its author."""
    interview = toy.spec.interview.model_copy(update={"sut": None})
    task = toy.model_copy(update={"spec": toy.spec.model_copy(update={"interview": interview})})
    with pytest.raises(TaskFormatError, match=r"no \[interview.sut\]"):
        sut_spec(task)


async def test_put_data(suts: Suts, make: Make) -> None:
    """A stopped service's data folder gets just these files; a running one's is left alone."""
    service = "import os; print(sorted(os.listdir(os.environ['DATA_DIR'])), flush=True)\n"
    sut = await suts.start(make(service + "import time; time.sleep(600)"), 1)
    await printed(suts, sut, "[]")
    (Layout.of(sut.volume).data / "old").mkdir()
    content = b64encode(b"x").decode()
    with pytest.raises(SandboxError, match="not stopped"):
        await ask(suts, sut, "put_data", files={"books.db": content})
    await ask(suts, sut, "kill")
    with pytest.raises(ValueError, match="no plain file name"):
        await ask(suts, sut, "put_data", files={"../books.db": content})
    await ask(suts, sut, "put_data", files={"books.db": content})
    await ask(suts, sut, "restart")
    await printed(suts, sut, "['books.db']")


async def test_put_data_on_a_full_disk(suts: Suts, make: Make) -> None:
    """What a service has filled its tree with keeps nothing out of its data folder."""
    sut = await suts.start(make("import time; time.sleep(600)"), 1)
    await ask(suts, sut, "kill")
    layout = Layout.of(sut.volume)
    with contextlib.suppress(OSError):  # where the kernel bounds the volume
        (layout.repo / "filler").write_bytes(bytes(sut.volume.size_mb * module.MIB))
    books = bytes(module.MIB)
    await ask(suts, sut, "put_data", files={"books.db": b64encode(books).decode()})
    assert (layout.data / "books.db").read_bytes() == books
    assert list(layout.repo.iterdir()) == []
    await ask(suts, sut, "restart")
    assert [path.name for path in layout.repo.iterdir()] == ["service.py"]


@pytest.mark.parametrize("backend", ["process"], indirect=True)
async def test_data_that_cannot_be_written(suts: Suts, make: Make) -> None:
    """A disk that does not take the data is ours, and which service it was for is said."""
    sut = await suts.start(make("import time; time.sleep(600)"), 1)
    await ask(suts, sut, "kill")
    with pytest.raises(SandboxError, match=r"The data of service-1 could not be replaced: .*long"):
        await ask(suts, sut, "put_data", files={"x" * 300: ""})


def test_folders_shut_against_their_owner_are_emptied(as_nobody: Path) -> None:
    """Without root, a service cannot keep its folders from being made anew by shutting them."""
    handed_in = as_nobody / "handed-in"
    handed_in.mkdir()
    (handed_in / "service.py").touch()
    volume = Volume(id="v", owner=OWNER, path=str(as_nobody), size_mb=1, enforced=False)
    layout = Layout.of(volume)
    for folder in (layout.repo, layout.data):
        (folder / "shut" / "inner").mkdir(parents=True)
        (folder / "shut" / "inner" / "file").touch()
        for path in (folder / "shut" / "inner", folder / "shut", folder):
            path.chmod(0)
    refill(volume, seal(handed_in, as_nobody / "sealed"))
    assert [path.name for path in layout.repo.iterdir()] == ["service.py"]
    replace_data(volume, {"books.db": b"x"})
    assert [path.name for path in layout.data.iterdir()] == ["books.db"]


def test_a_shut_folder_with_nothing_in_it(as_nobody: Path) -> None:
    """An empty folder that may only be read takes what is put into it."""
    volume = Volume(id="v", owner=OWNER, path=str(as_nobody), size_mb=1, enforced=False)
    layout = Layout.of(volume)
    for folder in (layout.repo, layout.data):
        folder.mkdir(mode=0o500)
    replace_data(volume, {"books.db": b"x"})
    assert (layout.data / "books.db").read_bytes() == b"x"


@pytest.mark.parametrize("full", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
async def test_data_that_leaves_no_room(
    suts: Suts, make: Make, monkeypatch: pytest.MonkeyPatch, full: int
) -> None:
    """A service that fills its disk stays ended after a crash; another fault is ours."""
    sut = await suts.start(make("print('up', flush=True)\nimport time; time.sleep(600)"), 1)
    await printed(suts, sut, "up")
    await ask(suts, sut, "kill")

    def refill(*_: object) -> None:
        raise OSError(full, "no room")

    monkeypatch.setattr(module, "refill", refill)
    if full == errno.EIO:
        with pytest.raises(SandboxError, match="laid out again"):
            await ask(suts, sut, "restart")
    else:
        await ask(suts, sut, "restart")
        assert (await ask(suts, sut, "state"))["status"] == "exited"
