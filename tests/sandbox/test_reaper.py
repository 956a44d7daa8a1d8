"""Whatever a killed harness leaves in the engine is found and removed."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from harness.models.sandbox import SandboxObject
from harness.sandbox import volumes
from harness.sandbox.docker import DockerBackend
from harness.sandbox.reaper import reap, reconcile
from harness.settings import Settings
from tests.sandbox.conftest import Bench

pytestmark = pytest.mark.docker

WORK = """
import asyncio, sys
from pathlib import Path
from harness.models.sandbox import Mount, SandboxSpec
from harness.sandbox.docker import DockerBackend
from harness.settings import Settings

async def main():
    backend = DockerBackend(Settings(data_dir=Path(sys.argv[1])))
    await backend.objects()
    print("ready", flush=True)
    while True:
        network, volume = await asyncio.gather(
            backend.create_network("victim"), backend.create_volume("victim", 32)
        )
        mount = Mount(source=volume.path, target="/workspace")
        await backend.start(SandboxSpec(
            owner="victim", role="workspace", image=sys.argv[2], network=network.id, mounts=(mount,)
        ))

asyncio.run(main())
"""


async def kinds(backend: DockerBackend) -> list[str]:
    """The kinds of objects there are."""
    return sorted(obj.kind for obj in await backend.objects())


async def test_orphans_go_and_the_living_stay(docker_bench: Bench) -> None:
    """Objects of a session at work are untouched; a dry run only lists."""
    backend = docker_bench.backend
    for owner in ("alive", "dead"):
        network, volume = await docker_bench.network(owner), await docker_bench.volume(owner)
        await docker_bench.start(owner=owner, network=network.id, volume=volume)
    found = await reap(backend, {"alive"}, dry_run=True)
    assert [(obj.kind, obj.owner) for obj in found] == [
        ("container", "dead"), ("network", "dead"), ("volume", "dead")
    ]  # fmt: skip
    assert len(await backend.objects()) == 6
    assert await reap(backend, {"alive"}) == found
    assert {obj.owner for obj in await backend.objects()} == {"alive"}
    assert await reap(backend, {"alive"}) == []


async def test_another_installation_is_left_alone(docker_bench: Bench, tmp_path: Path) -> None:
    """Two installations share an engine without sweeping each other's sessions."""
    await docker_bench.start(owner="theirs")
    other = DockerBackend(Settings(data_dir=tmp_path / "other"))
    assert await reap(other, set()) == []
    assert await kinds(docker_bench.backend) == ["container"]
    await other.close()


async def test_half_made_volumes_are_found(docker_bench: Bench) -> None:
    """An image file without a mount, and a folder without an image, count as volumes."""
    root = docker_bench.backend.volumes.root
    root.mkdir(parents=True)
    (root / "dead.16m.00000001.img").write_bytes(b"not a file system yet")
    (root / "dead.16m.00000002").mkdir()
    found = await reconcile(docker_bench.backend, set())
    assert [(obj.kind, obj.id) for obj in found] == [
        ("volume", "dead.16m.00000001"), ("volume", "dead.16m.00000002")
    ]  # fmt: skip
    await reap(docker_bench.backend, set())
    assert list(root.iterdir()) == []


async def test_containers_that_never_started_are_found(docker_bench: Bench) -> None:
    """Created and not started is the state a kill between the two calls leaves."""
    backend = docker_bench.backend
    box = await docker_bench.start(owner="dead")
    request = backend.engine.call_now(lambda api: api.inspect_container(box.id), "look")["Config"]
    await backend.engine.call(
        lambda api: api.create_container_from_config(request, None), "make a second"
    )
    assert await kinds(backend) == ["container", "container"]
    await reap(backend, set())
    assert await kinds(backend) == []


async def test_removal_is_idempotent_when_two_reapers_meet(docker_bench: Bench) -> None:
    """The timer's sweep and a command's at the same time do not trip over each other."""
    network, volume = await docker_bench.network("dead"), await docker_bench.volume("dead")
    await docker_bench.start(owner="dead", network=network.id, volume=volume)
    await asyncio.gather(*(reap(docker_bench.backend, set()) for _ in range(3)))
    assert await kinds(docker_bench.backend) == []


async def test_a_volume_that_somebody_else_unmounts_first(
    docker_bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between our look and our command; it is removed all the same."""
    volume, run = await docker_bench.volume("dead"), volumes._run

    def beaten(*argv: str) -> None:
        run(*argv)
        run(*argv)

    monkeypatch.setattr(volumes, "_run", beaten)
    await docker_bench.backend.remove_volume(volume.id)
    assert not Path(volume.path).exists()


@pytest.mark.parametrize("after_sec", [0.0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.6])
async def test_kill_at_any_moment_leaves_nothing_after_a_sweep(
    docker_bench: Bench, after_sec: float
) -> None:
    """A harness killed while it makes networks, volumes and containers is swept to zero."""
    backend = docker_bench.backend
    data_dir = backend.volumes.root.parent
    victim = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", WORK, str(data_dir), docker_bench.image),
        stdout=asyncio.subprocess.PIPE,
    )
    assert victim.stdout
    assert await victim.stdout.readline() == b"ready\n"
    await asyncio.sleep(after_sec)  # the moment is the point
    victim.kill()
    await victim.wait()
    await _swept(backend)
    assert not list(backend.volumes.root.glob("*"))
    assert str(data_dir) not in Path("/proc/self/mountinfo").read_text()
    for backing in Path("/sys/block").glob("loop*/loop/backing_file"):
        assert str(data_dir) not in backing.read_text()


async def _swept(backend: DockerBackend) -> list[SandboxObject]:
    """Sweep until a sweep finds nothing: the engine may still finish what it was asked for."""
    quiet = 0
    async with asyncio.timeout(30):
        while quiet < 3:
            quiet = 0 if await reap(backend, set()) else quiet + 1
            await asyncio.sleep(0.1)
    return await backend.objects()
