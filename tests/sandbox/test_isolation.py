"""What a candidate may try from inside a container, each as a test of its own."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest

from harness.models.sandbox import ExecResult, ResourceLimits
from harness.sandbox.container import DockerSandbox
from harness.sandbox.docker import DockerBackend
from harness.sandbox.remote_files import PYTHON
from tests.sandbox.conftest import Bench, needs_root

pytestmark = pytest.mark.docker

MIB = 1024 * 1024


async def inside(box: DockerSandbox, code: str, *, timeout_sec: float = 20) -> ExecResult:
    """Run Python inside."""
    return await box.exec([PYTHON, "-I", "-c", code], timeout_sec=timeout_sec)


async def refused(box: DockerSandbox, attempt: str) -> str:
    """The name of the OSError with which the kernel answers to one Python expression."""
    code = f"""
import ctypes, os, signal, socket, time
libc = ctypes.CDLL(None, use_errno=True)
def call(function, *args):
    if function(*args) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
try:
    {attempt}
except OSError as error:
    import errno; print(errno.errorcode[error.errno])
else:
    print("allowed")
"""
    result = await inside(box, code)
    assert result.success, result.stderr
    return result.stdout.decode().strip()


async def status_of(box: DockerSandbox) -> dict[str, str]:
    """/proc/self/status of a process inside."""
    result = await box.exec(["cat", "/proc/self/status"], timeout_sec=20)
    rows = (line.split(":", 1) for line in result.stdout.decode().splitlines())
    return {name: value.strip() for name, value in rows}


async def reachable(box: DockerSandbox, addresses: list[tuple[str, int]]) -> list[str]:
    """Those of the addresses that accept a TCP connection from inside."""
    code = f"""
import json, socket
from concurrent.futures import ThreadPoolExecutor
def answers(address):
    try:
        socket.create_connection(address, timeout=1.5).close()
        return address[0]
    except OSError:
        return None
with ThreadPoolExecutor(64) as threads:
    print(json.dumps([host for host in threads.map(answers, {addresses!r}) if host]))
"""
    result = await inside(box, code, timeout_sec=60)
    assert result.success, result.stderr
    return json.loads(result.stdout)


# -- root and privileges -------------------------------------------------------------


async def test_is_not_root(shared_box: DockerSandbox) -> None:
    """Processes run as the candidate, in every one of the four user ids."""
    ids = (await status_of(shared_box))["Uid"].split()
    assert "0" not in ids
    assert len(set(ids)) == 1


@pytest.mark.parametrize("command", ["su -c id", "sudo -n id", "pkexec id", "newgrp root"])
async def test_cannot_become_root(shared_box: DockerSandbox, command: str) -> None:
    """No program gives another user."""
    result = await shared_box.exec(["sh", "-c", f"{command} </dev/null; id -u"], timeout_sec=20)
    assert result.stdout.splitlines()[-1] != b"0"
    assert b"uid=0" not in result.stdout


async def test_cannot_set_its_user_to_root(shared_box: DockerSandbox) -> None:
    """setuid(0) is refused."""
    assert await refused(shared_box, "os.setuid(0)") == "EPERM"


async def test_image_has_no_setuid_programs(shared_box: DockerSandbox) -> None:
    """Nothing in the image runs as its owner instead of its caller."""
    command = ["find", "/", "-xdev", "-perm", "/6000", "-type", "f"]
    result = await shared_box.exec(command, timeout_sec=60)
    assert result.stdout == b""


@needs_root
async def test_setuid_root_program_in_the_workspace_gains_nothing(docker_bench: Bench) -> None:
    """A set-user-id program of root's, put into the volume from outside, runs as its caller."""
    volume = await docker_bench.volume()
    box = await docker_bench.start(volume=volume)
    await box.exec(["cp", "/usr/bin/id", "/workspace/id"], timeout_sec=20)
    os.chown(f"{volume.path}/id", 0, 0)
    Path(volume.path, "id").chmod(0o4755)
    result = await box.exec(["/workspace/id", "-u"], timeout_sec=20)
    assert result.stdout.strip() != b"0"


@pytest.mark.parametrize("kind", ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"])
async def test_has_no_capability(shared_box: DockerSandbox, kind: str) -> None:
    """Every capability set is empty, the bounding set included."""
    assert int((await status_of(shared_box))[kind], 16) == 0


async def test_cannot_gain_privileges(shared_box: DockerSandbox) -> None:
    """no_new_privs is set, and the engine's seccomp filter is on."""
    status = await status_of(shared_box)
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")


async def test_cannot_make_a_user_namespace(shared_box: DockerSandbox) -> None:
    """unshare(CLONE_NEWUSER), the usual first step out, is refused."""
    assert await refused(shared_box, "call(libc.unshare, 0x10000000)") == "EPERM"


async def test_main_process_is_confined_like_the_others(docker_bench: Bench) -> None:
    """What holds for opened processes holds for a system under test."""
    box = await docker_bench.start(command=("cat", "/proc/self/status"))
    await _ended(box)
    rows = dict(line.split(":", 1) for line in (await box.logs()).decode().splitlines())
    assert int(rows["CapBnd"], 16) == 0
    assert rows["NoNewPrivs"].strip() == "1"
    assert "0" not in rows["Uid"].split()


# -- file system and devices ---------------------------------------------------------


@pytest.mark.parametrize(
    "place",
    ["/etc/passwd", "/usr/bin/x", "/opt/venv/x", "/opt/harness/supervisor.py", "/x", "/var/x",
     "/sys/x", "/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/root/x",
     "/sys/fs/cgroup/memory/x", "/dev/x", "/etc/resolv.conf", "/etc/hosts"],
)  # fmt: skip
async def test_cannot_write_outside_its_places(shared_box: DockerSandbox, place: str) -> None:
    """The root file system, the kernel's files and the devices folder take no writes."""
    answer = await refused(shared_box, f"open({place!r}, 'w')")
    assert answer in {"EROFS", "EACCES", "EPERM", "ENOENT"}


@pytest.mark.parametrize("place", ["/workspace", "/tmp", "/run", "/home/candidate", "/dev/shm"])
async def test_can_write_its_own_places(shared_box: DockerSandbox, place: str) -> None:
    """The workspace, home and temporary folders take writes."""
    assert await refused(shared_box, f"open({place!r} + '/x', 'w')") == "allowed"


async def test_sees_no_engine_socket(shared_box: DockerSandbox) -> None:
    """No socket of Docker or containerd is anywhere in the file system."""
    command = ["find", "/", "-xdev", "-type", "s"]
    assert (await shared_box.exec(command, timeout_sec=60)).stdout == b""
    assert await refused(shared_box, "os.stat('/var/run/docker.sock')") == "ENOENT"


async def test_cannot_mount(shared_box: DockerSandbox) -> None:
    """mount(2) is refused."""
    attempt = "call(libc.mount, b'none', b'/tmp', b'tmpfs', 0, None)"
    assert await refused(shared_box, attempt) == "EPERM"


async def test_cannot_make_device_nodes(shared_box: DockerSandbox) -> None:
    """No door to the host's disk can be made, and none is there."""
    assert await refused(shared_box, "os.mknod('/tmp/disk', 0o060666, os.makedev(8, 0))") == "EPERM"
    command = ["find", "/dev", "-xdev", "-type", "b"]
    assert (await shared_box.exec(command, timeout_sec=20)).stdout == b""


@needs_root
async def test_device_node_in_the_workspace_does_not_open(docker_bench: Bench) -> None:
    """A device node put into the volume from outside is no device inside."""
    volume = await docker_bench.volume()
    os.mknod(f"{volume.path}/zero", 0o020666, os.makedev(1, 5))
    box = await docker_bench.start(volume=volume)
    assert await refused(box, "open('/workspace/zero', 'rb')") == "EACCES"


async def test_cannot_change_kernel_settings(shared_box: DockerSandbox) -> None:
    """/proc/sys is read-only."""
    for setting in ("kernel/hostname", "net/ipv4/ip_forward", "net/ipv6/conf/all/disable_ipv6"):
        assert await refused(shared_box, f"open('/proc/sys/{setting}', 'w')") in {"EROFS", "EACCES"}


async def test_cannot_change_the_clock(shared_box: DockerSandbox) -> None:
    """Setting the time is refused by system call and by `date`."""
    assert await refused(shared_box, "time.clock_settime(time.CLOCK_REALTIME, 0)") == "EPERM"
    assert not (await shared_box.exec(["date", "-s", "2000-01-01"], timeout_sec=20)).success


# -- network -------------------------------------------------------------------------


@contextlib.contextmanager
def host_listener() -> Iterator[int]:
    """A TCP listener on every address of this machine; its port."""
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        yield server.getsockname()[1]


def host_addresses() -> list[str]:
    """Every IPv4 and IPv6 address of this machine; link-local ones as seen through eth0."""
    rows = json.loads(subprocess.run(["ip", "-j", "addr"], check=True, capture_output=True).stdout)
    found = []
    for row in rows:
        for info in row["addr_info"]:
            local = info["local"]
            found.append(f"{local}%eth0" if local.startswith("fe80") else local)
    return found


def gateways(backend: DockerBackend, network_id: str) -> list[str]:
    """Every address of the network's subnet where a bridge could sit."""
    config = backend.engine.call_now(lambda api: api.inspect_network(network_id), "look")["IPAM"]
    subnet = ip_network(config["Config"][0]["Subnet"])
    return [str(address) for address in subnet.hosts()]


async def test_host_answers_on_none_of_its_addresses(docker_bench: Bench) -> None:
    """A listener on 0.0.0.0 and :: of the host is out of reach at each of its addresses.

    The would-be gateway and the rest of the subnet are tried too. Known trap: on a merely
    internal network the host answers at the bridge's address.
    """
    network = await docker_bench.network()
    box = await docker_bench.start(network=network.id, aliases=("me",))
    with host_listener() as port:
        assert _connects("127.0.0.1", port), "the listener itself works"
        tried = [*host_addresses(), *gateways(docker_bench.backend, network.id), "172.17.0.1"]
        loopback = [address for address in tried if address in ("127.0.0.1", "::1")]
        assert len(tried) > len(loopback) + 4
        assert await reachable(box, [(address, port) for address in tried]) == []


async def test_the_probe_would_see_the_host_on_a_merely_internal_network(
    docker_bench: Bench,
) -> None:
    """Positive control of the test above: without our bridge option the same probe finds it."""
    backend = docker_bench.backend
    own = await docker_bench.network()
    marks = backend.engine.call_now(lambda api: api.inspect_network(own.id), "look")["Labels"]
    plain = await backend.engine.call(
        lambda api: api.create_network(
            f"hh-control-{secrets.token_hex(4)}", driver="bridge", internal=True, labels=marks
        ),
        "make a control network",
    )
    box = await docker_bench.start(network=plain["Id"])
    with host_listener() as port:
        gateway = gateways(backend, plain["Id"])[0]
        assert await reachable(box, [(gateway, port)]) == [gateway]


def _connects(host: str, port: int) -> bool:
    with socket.create_connection((host, port), timeout=2):
        return True


async def test_no_address_outside_is_reachable(shared_box: DockerSandbox) -> None:
    """Public, private and metadata addresses never connect, over IPv4 and IPv6.

    Nor does this machine's own resolver, which is outside but near.
    """
    resolvers = Path("/etc/resolv.conf").read_text("ascii").split("nameserver ")[1:]
    near = [(entry.split()[0], 53) for entry in resolvers]
    far = [("1.1.1.1", 443), ("10.0.0.1", 80), ("169.254.169.254", 80), ("2001:db8::1", 443)]
    assert await reachable(shared_box, [*near, *far]) == []


async def test_no_network_at_all_without_one(docker_bench: Bench) -> None:
    """A sandbox whose spec names no network has only its loopback."""
    box = await docker_bench.start()
    result = await box.exec(["ls", "/sys/class/net"], timeout_sec=20)
    assert result.stdout.split() == [b"lo"]


async def test_names_outside_do_not_resolve_and_fail_fast(shared_box: DockerSandbox) -> None:
    """Looking up a name outside fails within two seconds."""
    code = """
import socket, time
begin = time.monotonic()
try: socket.getaddrinfo("example.com", 80); print("resolved")
except socket.gaierror: print("none" if time.monotonic() - begin < 2.0 else "slow")
"""
    assert (await inside(shared_box, code)).stdout.strip() == b"none"


@needs_root
async def test_no_dns_question_leaves_the_sandbox(shared_box: DockerSandbox) -> None:
    """A name looked up inside is on no wire of the host, so names carry nothing out either."""
    secret = f"x{secrets.token_hex(8)}"
    code = f"""
import socket
for name in ("{secret}.example.com", "{secret}"):
    try: socket.getaddrinfo(name, 80)
    except socket.gaierror: pass
"""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as wire:
        wire.setblocking(False)
        await inside(shared_box, code)
        seen = _drained(wire)
        assert not any(secret.encode() in packet for packet in seen)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.sendto(secret.encode(), ("127.0.0.1", 9))
        assert any(secret.encode() in packet for packet in _drained(wire)), "the wire is heard"


def _drained(wire: socket.socket) -> list[bytes]:
    packets = []
    with contextlib.suppress(BlockingIOError):
        while True:
            packets.append(wire.recv(65535))
    return packets


async def test_peers_on_one_network_reach_each_other_by_name(docker_bench: Bench) -> None:
    """What is allowed works: sut and grader meet by alias."""
    network = await docker_bench.network()
    serve = ("python", "-m", "http.server", "8000", "--directory", "/etc")
    sut = await docker_bench.start(network=network.id, aliases=("sut",), command=serve)
    peer = await docker_bench.start(network=network.id)
    await _until_reachable(peer, "sut", 8000)
    assert sut.address(8000) == "sut:8000"
    result = await inside(
        peer, "import urllib.request as u; print(u.urlopen('http://sut:8000/hostname').read())"
    )
    assert result.stdout.strip() == b"b'sut\\n'"


async def test_another_sessions_sandbox_is_out_of_reach(docker_bench: Bench) -> None:
    """Neither by address nor by any of its names; control: a peer of its own reaches it."""
    theirs, mine = await docker_bench.network("theirs"), await docker_bench.network("mine")
    serve = ("python", "-m", "http.server", "8000", "--directory", "/etc")
    victim = await docker_bench.start(
        owner="theirs", network=theirs.id, aliases=("sut",), command=serve
    )
    peer = await docker_bench.start(owner="theirs", network=theirs.id)
    attacker = await docker_bench.start(owner="mine", network=mine.id)
    await _until_reachable(peer, "sut", 8000)
    seen = docker_bench.backend.engine.call_now(lambda api: api.inspect_container(victim.id), "x")
    address = next(iter(seen["NetworkSettings"]["Networks"].values()))["IPAddress"]
    names = [address, "sut", victim.id[:12], seen["Name"].lstrip("/")]
    assert await reachable(attacker, [(name, 8000) for name in names]) == []
    assert address in await reachable(peer, [(address, 8000)])


async def _until_reachable(box: DockerSandbox, host: str, port: int) -> None:
    code = f"""
import socket
while True:
    try: socket.create_connection(({host!r}, {port}), timeout=1).close(); break
    except OSError: pass
"""
    assert (await inside(box, code)).success


async def test_cannot_make_raw_sockets(shared_box: DockerSandbox) -> None:
    """Neither raw IP nor packet sockets: no forged addresses, no listening in."""
    raw = "socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)"
    packet = "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)"
    assert await refused(shared_box, raw) == "EPERM"
    assert await refused(shared_box, packet) == "EPERM"


# -- other processes -----------------------------------------------------------------


async def test_sees_only_its_own_processes(docker_bench: Bench) -> None:
    """Neither the host's processes nor another sandbox's are in /proc."""
    mark = secrets.token_hex(8)
    await docker_bench.start(owner="other", command=("sleep", "3600", mark))
    box = await docker_bench.start()
    code = """
import glob
for path in glob.glob("/proc/[0-9]*/cmdline"):
    print(open(path, "rb").read())
"""
    seen = (await inside(box, code)).stdout
    assert mark.encode() not in seen
    assert b"dockerd" not in seen
    assert b"pytest" not in seen
    assert 2 <= len(seen.splitlines()) <= 4, "PID 1, the supervisor, and this"


async def test_cannot_signal_the_harness(docker_bench: Bench) -> None:
    """The harness's process does not exist inside, and killing everything spares it."""
    box = await docker_bench.start()
    assert await refused(box, f"os.kill({os.getpid()}, 9)") == "ESRCH"
    with contextlib.suppress(ConnectionError):  # it kills its own supervisor too, maybe at once
        await (await box.open(["sh", "-c", "kill -9 -1"], timeout_sec=20)).wait()
    assert (await box.state()).status == "running"
    assert (await box.exec(["echo", "alive"], timeout_sec=20)).stdout == b"alive\n"


# -- exhaustion ----------------------------------------------------------------------


async def test_fork_bomb_is_bounded_and_swept(docker_bench: Bench) -> None:
    """It stays within its limit, others work meanwhile, and afterwards it is gone."""
    limits = ResourceLimits(pids=64, cpus=0.5)
    bombed = await docker_bench.start(limits=limits)
    other = await docker_bench.start(owner="other")
    bomb = "import os\nprint('go', flush=True)\nwhile True:\n try: os.fork()\n except OSError: pass"
    process = await bombed.open([PYTHON, "-c", bomb], timeout_sec=4)
    async for chunk in process.output():
        assert b"go" in chunk.data
        break
    assert (await other.exec(["echo", "fine"], timeout_sec=20)).stdout == b"fine\n"
    assert (await bombed.stats()).pids <= limits.pids + 8  # the engine's own, while it starts one
    assert (await process.wait()).timed_out
    assert (await bombed.exec(["echo", "back"], timeout_sec=20)).stdout == b"back\n"
    assert (await bombed.stats()).pids <= 2


async def test_memory_bomb_is_told_from_a_time_out(docker_bench: Bench) -> None:
    """A process that eats all memory ends as killed for memory; the sandbox lives on."""
    box = await docker_bench.start(limits=ResourceLimits(memory_mb=64))
    result = await inside(box, "x = bytearray(512 * 1024 * 1024)", timeout_sec=60)
    assert (result.oom_killed, result.timed_out, result.returncode) == (True, False, 137)
    assert (await box.exec(["echo", "alive"], timeout_sec=20)).stdout == b"alive\n"


async def test_main_process_killed_for_memory_says_so(docker_bench: Bench) -> None:
    """The state tells it from an ordinary exit; the engine may miss it once, not five times."""
    eat = ("python", "-c", "x = bytearray(512 * 1024 * 1024)")
    for _ in range(5):
        box = await docker_bench.start(command=eat, limits=ResourceLimits(memory_mb=64))
        state = await _ended(box)
        assert state.exit_code == 137
        if state.oom_killed:
            break
    else:
        pytest.fail("five containers ran out of memory, and none says so")
    calm = await docker_bench.start(command=("sh", "-c", "exit 3"))
    state = await _ended(calm)
    assert (state.oom_killed, state.exit_code) == (False, 3)


async def _ended(box: DockerSandbox):
    await box._engine.call(lambda api: api.wait(box.id, timeout=60), "wait")
    return await box.state()


@needs_root
async def test_disk_fill_through_files_ends_at_the_volumes_size(docker_bench: Bench) -> None:
    """ENOSPC inside, and the host loses no more than the volume's size."""
    volume = await docker_bench.volume(size_mb=64)
    box = await docker_bench.start(volume=volume)
    result = await box.exec(["dd", "if=/dev/zero", "of=/workspace/big", "bs=1M"], timeout_sec=60)
    assert b"No space left on device" in result.stderr
    assert Path(volume.path, "big").stat().st_size < 64 * MIB
    image = Path(volume.path).with_name(f"{volume.id}.img")
    assert image.stat().st_blocks * 512 <= 64 * MIB
    assert (await box.exec(["rm", "/workspace/big"], timeout_sec=20)).success


@pytest.mark.parametrize("place", ["/tmp", "/home/candidate", "/run", "/dev/shm"])
async def test_memory_file_systems_are_bounded(docker_bench: Bench, place: str) -> None:
    """Each temporary place holds its size and no more."""
    box = await docker_bench.start(limits=ResourceLimits(tmp_mb=8, memory_mb=256))
    code = f"""
import os
try:
    with open({place!r} + "/big", "wb") as file:
        while True: file.write(bytes(1 << 20)); file.flush()
except OSError as error: print(error.errno, os.path.getsize({place!r} + "/big") >> 20)
"""
    assert (await inside(box, code)).stdout.split() == [b"28", b"8"]


@needs_root
async def test_disk_fill_through_the_main_processs_output_is_capped(docker_bench: Bench) -> None:
    """The engine keeps no more of it than the limit, whatever is written."""
    write = "for i in range(40): print('x' * (1 << 20), flush=True)"
    box = await docker_bench.start(command=("python", "-c", write), limits=ResourceLimits(log_mb=2))
    await _ended(box)
    seen = docker_bench.backend.engine.call_now(lambda api: api.inspect_container(box.id), "look")
    kept = sum(path.stat().st_size for path in Path(seen["LogPath"]).parent.glob("*-json.log*"))
    assert 0 < kept <= 3 * MIB
    assert len(await box.logs(max_bytes=1000)) == 1000


async def test_output_of_a_process_is_cut_at_its_limit(shared_box: DockerSandbox) -> None:
    """Gigabytes on standard output cost the harness no more than the limit."""
    result = await shared_box.exec(
        ["head", "-c", str(64 * MIB), "/dev/zero"], timeout_sec=60, output_limit=MIB
    )
    assert (len(result.stdout), result.truncated, result.returncode) == (MIB, True, 0)


@needs_root
async def test_a_hundred_thousand_files_fit_and_go(docker_bench: Bench) -> None:
    """A 2 GiB volume takes 100,000 small files, and removing it removes them."""
    volume = await docker_bench.volume(size_mb=2048)
    box = await docker_bench.start(volume=volume)
    code = """
import os
for folder in range(100):
    os.mkdir(f"/workspace/{folder}")
    for n in range(1000):
        with open(f"/workspace/{folder}/{n}", "wb", 0) as file: file.write(b"x")
"""
    result = await inside(box, code, timeout_sec=120)
    assert result.success, result.stderr
    await box.remove()
    await docker_bench.backend.remove_volume(volume.id)
    assert not Path(volume.path).exists()


async def test_open_files_are_bounded(docker_bench: Bench) -> None:
    """A process runs out of descriptors at its limit."""
    box = await docker_bench.start(limits=ResourceLimits(nofile=64))
    assert await refused(box, "[os.dup(0) for _ in range(100)]") == "EMFILE"


@needs_root
async def test_a_full_volume_leaves_its_neighbours_alone(docker_bench: Bench) -> None:
    """A neighbour's volume still takes writes when one is full."""
    full, other = await docker_bench.volume(size_mb=16), await docker_bench.volume(size_mb=16)
    box = await docker_bench.start(volume=full)
    await box.exec(["dd", "if=/dev/zero", "of=/workspace/big", "bs=1M"], timeout_sec=60)
    assert shutil.disk_usage(full.path).free < MIB
    Path(other.path, "fine").write_bytes(bytes(MIB))
