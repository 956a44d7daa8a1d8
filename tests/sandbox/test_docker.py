"""The docker backend: what it asks of the engine, and how the engine's failures read."""

from __future__ import annotations

import asyncio
import inspect
import os
import subprocess
from ipaddress import IPv4Network
from pathlib import Path

import docker.errors
import pytest
import requests
import requests.exceptions

from harness.errors import (
    HarnessError,
    PrerequisiteError,
    SandboxError,
    SandboxTimeoutError,
    SandboxUnavailableError,
)
from harness.models.sandbox import Mount, ResourceLimits, SandboxSpec, SandboxStatus
from harness.sandbox import container, engine, exec_stream, hardening, labels, networks, usage
from harness.sandbox.backends import open_backend
from harness.sandbox.docker import DockerBackend
from harness.sandbox.remote_files import PYTHON
from harness.sandbox.volumes import VolumeStore
from harness.settings import DockerSettings, Settings
from tests.sandbox.conftest import Bench, needs_root

USER = hardening.User(10001, 10001)

DOCKER_ERRORS = [
    found
    for _, found in inspect.getmembers(docker.errors, inspect.isclass)
    if issubclass(found, Exception)
]


# -- errors --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", DOCKER_ERRORS, ids=lambda kind: kind.__name__)
def test_every_docker_error_is_mapped_by_name(kind: type[Exception]) -> None:
    """No error of docker-py is left to a general rule by accident."""
    ours, slug, _ = engine.TRANSLATIONS[kind]
    assert issubclass(ours, HarnessError)
    assert slug


def test_docker_errors_reach_callers_as_ours_and_keep_their_cause() -> None:
    """What docker-py raises is chained to what the caller sees."""
    connected = engine.Engine()
    connected._api = docker.APIClient(version="1.41")

    def fail(_: docker.APIClient) -> None:
        raise docker.errors.NotFound("no such container")

    with pytest.raises(SandboxUnavailableError, match="find x") as caught:
        connected.call_now(fail, "find x")
    assert isinstance(caught.value.__cause__, docker.errors.NotFound)
    connected.close()


def test_a_full_disk_is_the_operators_turn() -> None:
    """The engine's 'no space left' is a prerequisite, whatever class it came in."""
    error = docker.errors.APIError("500", explanation="write /x: no space left on device")
    ours = engine.translated(error, "build image 'x'")
    assert isinstance(ours, PrerequisiteError)
    assert ours.slug == "disk-full"


def test_a_silent_engine_is_a_time_out_of_ours() -> None:
    """A read time-out of the transport says that the engine hangs."""
    ours = engine.translated(requests.exceptions.ReadTimeout("60"), "list containers")
    assert isinstance(ours, SandboxTimeoutError)


def dying(tries: int) -> tuple[engine.Engine, list[str]]:
    """An engine that cannot end a container at the first `tries` tries, and who was asked for."""
    asked: list[str] = []

    class Api(docker.APIClient):
        def __init__(self) -> None:
            self._general_configs: dict[str, object] = {}  # what closing one looks at

        def remove_container(self, container: str, **_: object) -> None:  # type: ignore[override]  # all it is asked
            asked.append(container)
            if len(asked) <= tries:
                raise docker.errors.APIError(
                    "500", explanation="tried to kill container, but did not receive an exit event"
                )

    connected = engine.Engine()
    connected._api = Api()
    return connected, asked


async def test_a_container_that_dies_slowly_is_removed_at_a_later_try() -> None:
    """A process in the middle of a write keeps its container for a while, not for ever."""
    connected, asked = dying(tries=2)
    await container.remove_container(connected, "c1")
    assert asked == ["c1"] * 3


async def test_a_container_that_never_dies_is_said() -> None:
    """After the last try the caller hears what the engine said."""
    connected, asked = dying(tries=1000)
    with pytest.raises(SandboxError, match=r"remove container 'c1'.*exit event"):
        await container.remove_container(connected, "c1")
    assert 1 < len(asked) < 10


async def test_a_missing_engine_is_a_prerequisite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an engine the first call says what to do, without a traceback of docker's."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    backend = open_backend(Settings(data_dir=tmp_path))
    with pytest.raises(PrerequisiteError) as caught:
        await backend.objects()
    assert "DOCKER_HOST" in caught.value.remedy
    await backend.close()


def test_a_senseless_docker_host_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message quotes the variable and its value."""
    monkeypatch.setenv("DOCKER_HOST", "gopher://x:y:z")
    with pytest.raises(PrerequisiteError, match="gopher"):
        engine.Engine()


@pytest.mark.parametrize(
    ("text", "version"), [("20.10.24+dfsg1", (20, 10)), ("28.0.0-rc.1", (28, 0)), ("dev", (0, 0))]
)
def test_engine_versions_are_read(text: str, version: tuple[int, int]) -> None:
    """Distributions' suffixes do not matter."""
    assert engine.parse_version(text) == version


# -- what is asked of the engine -----------------------------------------------------


def spec(**more: object) -> SandboxSpec:
    """A small spec."""
    return SandboxSpec(owner="s1", role="workspace", image="sha256:1", **more)  # type: ignore[arg-type]


def test_container_request_is_hardened() -> None:
    """Each of the defaults of the design is in the request."""
    host = hardening.container_request(spec(), USER, "i1")["HostConfig"]
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert host["ReadonlyRootfs"] is True
    assert host["Memory"] == host["MemorySwap"] == 512 * 1024 * 1024
    assert host["NetworkMode"] == "none"
    assert host["IpcMode"] == "private"
    assert {"Privileged", "Binds", "Devices", "PidMode", "PublishAllPorts"} & host.keys() == set()
    assert {limit["Name"] for limit in host["Ulimits"]} == {"nofile", "fsize", "core"}


def test_a_mounted_home_is_no_tmpfs() -> None:
    """A mount takes the place of the file system in memory."""
    mounted = spec(mounts=(Mount(source="/v/home", target=hardening.HOME),))
    assert set(hardening.tmpfs(mounted, USER)) == {"/tmp", "/run"}


def test_every_container_carries_its_labels_and_spec() -> None:
    """From its first instant the reaper and `attach` know it."""
    wanted = spec(aliases=("sut",), limits=ResourceLimits(cpus=0.5))
    marks = hardening.container_request(wanted, USER, "i1")["Labels"]
    assert marks[labels.OWNER] == "s1"
    assert marks[labels.INSTALLATION] == "i1"
    assert SandboxSpec.model_validate_json(marks[labels.SPEC]) == wanted


@pytest.mark.parametrize("owner", ["", "a/b", "../x", "a.b", "-x", "x" * 64, "a b"])
def test_owners_that_could_be_more_than_a_name_are_refused(owner: str) -> None:
    """An owner becomes part of paths, labels and host names."""
    with pytest.raises(SandboxError):
        labels.checked_owner(owner)


def test_one_data_folder_is_one_installation(tmp_path: Path) -> None:
    """The id is made once and stays; another folder has another."""
    first = labels.installation_id(tmp_path / "a")
    assert labels.installation_id(tmp_path / "a") == first
    assert labels.installation_id(tmp_path / "b") != first
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["installation-id"]


@pytest.mark.parametrize(
    ("version", "option"),
    [((20, 10), "inhibit_ipv4"), ((27, 5), "inhibit_ipv4"), ((28, 0), "gateway_mode_ipv4")],
)
def test_networks_shut_the_host_out_on_every_engine(version: tuple[int, int], option: str) -> None:
    """Old engines by leaving the bridge without an address, new ones by isolation."""
    assert f"com.docker.network.bridge.{option}" in networks.closed_options(version)


def test_free_subnets_avoid_everything_taken() -> None:
    """What docker or a route uses, in part or whole, is not offered."""
    pool = IPv4Network("10.0.0.0/26")
    taken = [IPv4Network("10.0.0.8/30"), IPv4Network("10.0.0.32/27"), IPv4Network("192.168.0.0/16")]
    assert networks.free_subnets(pool, 28, taken) == [IPv4Network("10.0.0.16/28")]


def test_host_routes_are_read(tmp_path: Path) -> None:
    """The default route is no reason to avoid every subnet."""
    table = tmp_path / "route"
    table.write_text(
        "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n"
        "eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\n"
        "eth0\t0000A8C0\t00000000\t0001\t0\t0\t0\t0000FFFF\n"
    )
    assert networks.host_routes(table) == [IPv4Network("192.168.0.0/16")]


@pytest.mark.parametrize(
    "memory", [{"total_rss": 7, "total_cache": 9}, {"anon": 7, "file": 9, "inactive_file": 1}]
)
def test_memory_leaves_the_page_cache_out(memory: dict[str, int]) -> None:
    """On both versions of control groups."""
    stats = {
        "memory_stats": {"usage": 16, "stats": memory},
        "pids_stats": {"current": 3},
        "cpu_stats": {"cpu_usage": {"total_usage": 2_500_000_000}},
    }
    measured = usage.usage(stats, None)
    assert (measured.memory_bytes, measured.pids, measured.cpu_sec) == (7, 3, 2.5)


async def test_exec_streams_are_taken_apart() -> None:
    """Only standard output reaches the supervisor's client; the rest is kept for messages."""
    reader = asyncio.StreamReader()
    for stream, data in ((1, b"ab"), (2, b"trouble"), (1, b"cdef")):
        reader.feed_data(bytes([stream, 0, 0, 0]) + len(data).to_bytes(4, "big") + data)
    reader.feed_eof()
    stream = exec_stream.ExecStream(reader, None)  # type: ignore[arg-type]  # nothing is written
    assert [await stream.read(3) for _ in range(4)] == [b"ab", b"cde", b"f", b""]
    assert stream.complaint == "trouble"


# -- volumes -------------------------------------------------------------------------


def test_volumes_without_root_are_plain_folders(tmp_path: Path) -> None:
    """They say that nothing bounds them, are found again, and go."""
    store = VolumeStore(tmp_path, uid=os.getuid(), gid=os.getgid(), enforced=False)
    volume = store.create("s1", 10)
    assert (volume.enforced, volume.size_mb, volume.owner) == (False, 10, "s1")
    Path(volume.path, "file").write_text("x")
    assert store.get(volume.id) == volume
    assert [obj.id for obj in store.objects()] == [volume.id]
    store.remove(volume.id)
    store.remove(volume.id)
    assert store.objects() == []
    with pytest.raises(SandboxUnavailableError):
        store.get(volume.id)


@pytest.mark.parametrize("volume_id", ["../x", "a/b.1m.00000000", "s1", ".."])
def test_ids_that_are_no_volumes_are_refused(tmp_path: Path, volume_id: str) -> None:
    """An id never leads out of the folder."""
    store = VolumeStore(tmp_path, uid=1, gid=1, enforced=False)
    with pytest.raises(SandboxUnavailableError):
        store.remove(volume_id)


@needs_root
def test_volumes_are_mounted_again_after_a_restart_of_the_machine(tmp_path: Path) -> None:
    """Content is there again; nothing but the id is needed."""
    store = VolumeStore(tmp_path, uid=10001, gid=10001)
    if not store.enforced:
        pytest.skip("this machine mounts nothing")
    volume = store.create("s1", 16)
    try:
        assert list(Path(volume.path).iterdir()) == []
        assert Path(volume.path).stat().st_uid == 10001
        Path(volume.path, "work").write_text("mine")
        subprocess.run(["umount", volume.path], check=True)
        assert store.get(volume.id) == volume
        assert Path(volume.path, "work").read_text() == "mine"
    finally:
        store.remove(volume.id)
    assert list(tmp_path.iterdir()) == []
    assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text()


# -- on a real engine ----------------------------------------------------------------


@pytest.mark.docker
async def test_attach_after_a_crash_finds_sandbox_and_spec(docker_bench: Bench) -> None:
    """Another process needs the id alone."""
    box = await docker_bench.start(env={"A": "1"}, limits=ResourceLimits(memory_mb=100))
    again = DockerBackend(Settings(data_dir=docker_bench.backend.volumes.root.parent))
    found = await again.attach(box.id)
    assert found.spec == box.spec
    assert (await found.exec(["printenv", "A"], timeout_sec=20)).stdout == b"1\n"
    await again.close()


@pytest.mark.docker
async def test_attach_refuses_what_is_not_ours(docker_bench: Bench, tmp_path: Path) -> None:
    """Neither a missing container nor another installation's is handed out."""
    box = await docker_bench.start()
    other = DockerBackend(Settings(data_dir=tmp_path / "other"))
    for sandbox_id in (box.id, "0" * 64):
        with pytest.raises(SandboxUnavailableError):
            await other.attach(sandbox_id)
    assert await other.objects() == []
    await other.close()


@pytest.mark.docker
async def test_a_start_that_fails_leaves_nothing(docker_bench: Bench) -> None:
    """A mount without a source is refused by the engine; no container stays."""
    nowhere = Mount(source="/nonexistent/folder", target="/workspace")
    with pytest.raises(SandboxError, match="nonexistent"):
        await docker_bench.start(mounts=(nowhere,))
    assert await docker_bench.backend.objects() == []


@pytest.mark.docker
async def test_a_cancelled_start_leaves_nothing(docker_bench: Bench) -> None:
    """What the engine makes after we stopped waiting is taken away again."""
    starting = asyncio.create_task(docker_bench.start())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert await docker_bench.backend.objects() == []


@pytest.mark.docker
async def test_a_missing_program_is_an_exit_not_an_error(docker_bench: Bench) -> None:
    """A submission whose command does not exist is evidence: 127, and its log says why."""
    box = await docker_bench.start(command=("no-such-program",))
    await box._engine.call(lambda api: api.wait(box.id), "wait")
    state = await box.state()
    assert (state.status, state.exit_code) == (SandboxStatus.EXITED, 127)
    assert b"no-such-program" in await box.logs()


@pytest.mark.docker
async def test_an_exec_in_a_dead_sandbox_says_what_it_is(docker_bench: Bench) -> None:
    """The error is ours and names the state; it is no result about a candidate."""
    box = await docker_bench.start()
    await box.kill()
    with pytest.raises(SandboxUnavailableError, match="not running"):
        await box.exec(["true"], timeout_sec=20)
    await box.remove()
    assert (await box.state()).status is SandboxStatus.GONE
    await box.remove()


@pytest.mark.docker
async def test_volumes_survive_stop_kill_and_restart(docker_bench: Bench) -> None:
    """The main process comes back on the same files."""
    volume = await docker_bench.volume()
    box = await docker_bench.start(volume=volume)
    await box.write_file("/workspace/a/b", b"kept")
    assert (await box.stop(grace_sec=2)).status is SandboxStatus.EXITED
    await box.restart()
    assert await box.read_file("/workspace/a/b") == b"kept"
    assert (await box.kill()).exit_code == 137
    await box.restart()
    assert await box.read_file("/workspace/a/b") == b"kept"


@pytest.mark.docker
async def test_idling_sandbox_reaps_orphans_and_stops_at_once(docker_bench: Bench) -> None:
    """No zombies gather in a workspace, and SIGTERM ends it well before the grace does."""
    box = await docker_bench.start()
    await box.exec(["bash", "-c", "for i in {1..20}; do (setsid true &); done"], timeout_sec=20)
    count = await box.exec(["sh", "-c", "grep -l 'State:.Z' /proc/*/status"], timeout_sec=20)
    assert count.stdout == b""
    begin = asyncio.get_running_loop().time()
    state = await box.stop(grace_sec=30)
    assert asyncio.get_running_loop().time() - begin < 10
    assert state.exit_code == 0


@pytest.mark.docker
async def test_deleted_working_directory_does_not_lock_anyone_out(docker_bench: Bench) -> None:
    """A command elsewhere still runs after the candidate removed the workspace's folder."""
    box = await docker_bench.start(workdir="/tmp/work")
    await box.exec(["rmdir", "/tmp/work"], timeout_sec=20, cwd="/")
    result = await box.exec(["pwd"], timeout_sec=20, cwd="/tmp")
    assert result.stdout == b"/tmp\n"


@pytest.mark.docker
async def test_a_harness_without_root_runs_sandboxes_as_itself(docker_bench: Bench) -> None:
    """An id that the image does not know works: home, git and Python are all there."""
    docker_bench.backend.user = hardening.User(12345, 12345)
    box = await docker_bench.start(workdir=hardening.HOME)
    script = "id -u && git init -q x && cd x && touch a && git add a && python -c 'print(1)'"
    result = await box.exec(["sh", "-ec", script], timeout_sec=20)
    assert result.stdout == b"12345\n1\n", result.stderr


def test_sandboxes_run_as_us_or_as_the_candidate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Root never enters a sandbox; anybody else owns what their sandboxes write."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert hardening.sandbox_user() == (10001, 10001)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os, "getegid", lambda: 100)
    assert hardening.sandbox_user() == (1000, 100)


@pytest.mark.docker
@needs_root
async def test_stats_see_memory_files_and_processes(docker_bench: Bench) -> None:
    """They grow with what the processes hold, not with what they read from disk."""
    box = await docker_bench.start()
    before = await box.stats()
    hold = "import sys; x = bytearray(30 << 20); f = [open('/dev/null') for _ in range(50)];"
    process = await box.open([PYTHON, "-c", hold + "print('on', flush=True); sys.stdin.read()"])
    async for _ in process.output():
        break
    during = await box.stats()
    await process.kill()
    assert during.memory_bytes - before.memory_bytes >= 30 << 20
    assert during.pids >= before.pids + 2
    assert before.fds is not None
    assert during.fds is not None
    assert during.fds >= before.fds + 50
    assert during.cpu_sec > before.cpu_sec


@pytest.mark.docker
async def test_files_are_read_as_the_sandbox_sees_them(docker_bench: Bench) -> None:
    """A link is followed inside; what is no regular file, or hidden, is refused."""
    box = await docker_bench.start(volume=await docker_bench.volume())
    await box.exec(
        ["sh", "-c", "ln -s /etc/hostname /workspace/link; mkfifo /workspace/fifo"], timeout_sec=20
    )
    assert await box.read_file("/workspace/link") == b"workspace\n"
    with pytest.raises(IsADirectoryError):
        await box.read_file("/workspace")
    with pytest.raises(FileNotFoundError):
        await box.read_file("/workspace/none")
    with pytest.raises(FileNotFoundError):
        await box.read_file("/workspace/fifo")
    with pytest.raises(PermissionError):
        await box.write_file("/etc/x", b"")


@pytest.mark.docker
async def test_subnets_are_small_and_their_end_is_said(tmp_path: Path) -> None:
    """Sixteen networks fit a /24 of /28s; the next says what to do. Concurrent makers agree."""
    settings = Settings(
        data_dir=tmp_path, docker=DockerSettings(subnet_pool="10.214.7.0/27", subnet_prefix=29)
    )
    backend = DockerBackend(settings)
    try:
        made = await asyncio.gather(*(backend.create_network("s1") for _ in range(4)))
        assert len({network.id for network in made}) == 4
        with pytest.raises(PrerequisiteError, match="No free /29") as caught:
            await backend.create_network("s1")
        assert "harness reap" in caught.value.remedy
    finally:
        for obj in await backend.objects():
            await backend.remove_object(obj)
        assert await backend.objects() == []
        await backend.close()


@pytest.mark.docker
async def test_a_network_in_use_is_removed_all_the_same(docker_bench: Bench) -> None:
    """The reaper is not kept from it by a container that hangs on it."""
    network = await docker_bench.network()
    await docker_bench.start(network=network.id)
    await docker_bench.backend.remove_network(network.id)
    await docker_bench.backend.remove_network(network.id)
    assert [obj.kind for obj in await docker_bench.backend.objects()] == ["container"]
