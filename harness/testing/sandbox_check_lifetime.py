"""Promises about a sandbox itself: files, main process, life and death, the reaper's view."""

# Numbers of a check stand where they are compared.
# ruff: noqa: PLR2004

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time

import pytest

from harness.errors import OutputLimitExceededError, SandboxUnavailableError
from harness.models.sandbox import ResourceLimits, SandboxSpec, SandboxStatus
from harness.testing.sandbox_check_processes import DAEMON, mark
from harness.testing.sandbox_subject import (
    Reader,
    Subject,
    count_marked,
    new_owner,
    promise,
    run,
    sandbox,
    until,
    until_status,
)

# -- files -----------------------------------------------------------------------------


@promise("files")
async def files_come_back_as_written(subject: Subject) -> None:
    """Bytes written are read again; folders are made and a file is replaced."""
    async with sandbox(subject) as box:
        await box.write_file("/workspace/a/b/c.bin", bytes(range(256)))
        assert await box.read_file("/workspace/a/b/c.bin") == bytes(range(256))
        await box.write_file("/workspace/a/b/c.bin", b"")
        assert await box.read_file("/workspace/a/b/c.bin") == b""
        await box.write_file("/workspace/ünï 'x' $y", b"odd")
        assert await box.read_file("/workspace/ünï 'x' $y") == b"odd"


@promise("files")
async def file_errors_have_their_own_names(subject: Subject) -> None:
    """Missing, a folder, a folder in the way, not writable: each its own exception."""
    async with sandbox(subject) as box:
        await box.write_file("/workspace/folder/file", b"x")
        with pytest.raises(FileNotFoundError):
            await box.read_file("/workspace/missing")
        with pytest.raises(IsADirectoryError):
            await box.read_file("/workspace/folder")
        with pytest.raises(PermissionError):
            await box.write_file("/usr/harness-selfcheck", b"x")


@promise("files")
async def large_files_are_refused(subject: Subject) -> None:
    """A file over the limit is an error of its own, one of exactly the limit is read."""
    async with sandbox(subject) as box:
        await box.write_file("/workspace/file", b"x" * 5000)
        assert len(await box.read_file("/workspace/file", max_bytes=5000)) == 5000
        with pytest.raises(OutputLimitExceededError):
            await box.read_file("/workspace/file", max_bytes=4999)


@promise("exec")
async def files_and_commands_see_the_same(subject: Subject) -> None:
    """What a command writes is read, through a symbolic link too; a pipe does not block us."""
    async with sandbox(subject) as box:
        await run(box, "sh", "-c", "printf made > file; ln -s file link; mkfifo pipe")
        assert await box.read_file("/workspace/file") == b"made"
        assert await box.read_file("/workspace/link") == b"made"
        with pytest.raises(OSError, match="pipe"):
            await box.read_file("/workspace/pipe")


# -- the main process ------------------------------------------------------------------


def trap(action: str) -> tuple[str, ...]:
    """A main process that does `action` on SIGTERM."""
    return ("sh", "-c", f"trap '{action}' TERM; echo up; while :; do sleep 0.05; done")


async def up(box: object) -> None:
    """Wait until the main process said so."""

    async def said() -> bool:
        return b"up\n" in await box.logs()  # type: ignore[attr-defined]

    await until(said)


@promise("main")
async def stop_asks_first(subject: Subject) -> None:
    """SIGTERM comes first, and the exit code is the main process's own."""
    async with sandbox(subject, command=trap("echo bye; exit 5")) as box:
        await up(box)
        begin = time.monotonic()
        state = await box.stop(grace_sec=20)
        assert (state.status, state.exit_code) == (SandboxStatus.EXITED, 5)
        assert time.monotonic() - begin < 15
        assert b"bye" in await box.logs()


@promise("main")
async def stop_kills_what_does_not_listen(subject: Subject) -> None:
    """After the grace period it is SIGKILL, and nothing is left to stop again."""
    async with sandbox(subject, command=trap("")) as box:
        await up(box)
        begin = time.monotonic()
        state = await box.stop(grace_sec=1)
        assert (state.status, state.exit_code) == (SandboxStatus.EXITED, 137)
        assert 1 <= time.monotonic() - begin < 15
        assert await box.stop(grace_sec=1) == state


@promise("main")
async def its_own_end_is_seen(subject: Subject) -> None:
    """A main process that ends leaves its exit code and its last words."""
    async with sandbox(subject, command=("sh", "-c", "echo out; echo err >&2; exit 4")) as box:
        await until_status(box, SandboxStatus.EXITED)
        assert (await box.state()).exit_code == 4
        assert sorted((await box.logs()).split()) == [b"err", b"out"]
        assert await box.logs(max_bytes=2) == (await box.logs())[-2:]


@promise("main")
async def a_missing_program_is_an_exit(subject: Subject) -> None:
    """A main process that is not there ends with 127: evidence, not our failure."""
    async with sandbox(subject, command=("no-such-program",)) as box:
        await until_status(box, SandboxStatus.EXITED)
        assert (await box.state()).exit_code == 127


@promise("main")
async def logs_are_bounded(subject: Subject) -> None:
    """However much is printed, a bounded part is kept: the last one."""
    script = "head -c 6000000 /dev/zero | tr '\\0' x | fold -w 99; echo; echo the end; sleep 60"
    limits = ResourceLimits(log_mb=1)
    async with sandbox(subject, command=("sh", "-c", script), limits=limits) as box:

        async def printed() -> bool:
            return (await box.logs(max_bytes=100)).endswith(b"the end\n")

        await until(printed)
        assert len(await box.logs(max_bytes=5000)) == 5000
        assert len(await box.logs(max_bytes=1 << 30)) <= 2 * 1024 * 1024


@promise("main")
async def stats_are_measured(subject: Subject) -> None:
    """Memory held by the main process shows, and so do its descriptors."""
    program = """
import time
held, files = bytearray(b"x" * 60_000_000), [open("/dev/null") for _ in range(40)]
print("up", flush=True)
time.sleep(60)
"""
    async with sandbox(subject, command=("python3", "-c", program)) as box:
        await up(box)
        stats = await box.stats()
    assert stats.memory_bytes > 55_000_000
    assert 1 <= stats.pids < 20
    assert stats.fds is None or stats.fds >= 40
    assert stats.cpu_sec > 0


# -- life and death --------------------------------------------------------------------


@promise("lifecycle")
async def kill_and_restart_keep_the_volume(subject: Subject) -> None:
    """Through stop, kill and restart the files stay and the state is told."""
    async with sandbox(subject) as box:
        assert (await box.state()).status is SandboxStatus.RUNNING
        await box.write_file("/workspace/kept", b"1")
        killed = await box.kill()
        assert (killed.status, killed.exit_code) == (SandboxStatus.EXITED, 137)
        assert await box.kill() == killed
        await box.restart()
        assert (await box.state()).status is SandboxStatus.RUNNING
        assert await box.read_file("/workspace/kept") == b"1"
        assert (await box.stop(grace_sec=0.5)).status is SandboxStatus.EXITED
        await box.restart()
        assert (await box.state()).status is SandboxStatus.RUNNING


@promise("lifecycle")
async def pause_is_told(subject: Subject) -> None:
    """A paused sandbox says so and goes on afterwards."""
    async with sandbox(subject) as box:
        await box.pause()
        assert (await box.state()).status is SandboxStatus.PAUSED
        await box.unpause()
        assert (await box.state()).status is SandboxStatus.RUNNING


@promise("lifecycle")
async def a_paused_sandbox_can_be_removed(subject: Subject) -> None:
    """The reaper may meet a sandbox in any state."""
    async with sandbox(subject) as box:
        await box.pause()
        await box.remove()
        assert (await box.state()).status is SandboxStatus.GONE


@promise("lifecycle")
async def dead_sandboxes_refuse_commands(subject: Subject) -> None:
    """A command in a sandbox that is not running is our failure, never a result."""
    async with sandbox(subject) as box:
        await box.kill()
        with pytest.raises(SandboxUnavailableError):
            await run(box, "true")
        await box.remove()
        with pytest.raises(SandboxUnavailableError):
            await run(box, "true")


@promise("lifecycle")
async def removal_is_final_and_idempotent(subject: Subject) -> None:
    """A removed sandbox is gone, cannot be attached to, and may be removed again."""
    async with sandbox(subject) as box:
        await box.remove()
        assert (await box.state()).status is SandboxStatus.GONE
        await box.remove()
        with pytest.raises(SandboxUnavailableError):
            await subject.backend.attach(box.id)


@promise("lifecycle")
async def another_harness_can_attach(subject: Subject) -> None:
    """A sandbox is found again by its id alone, with the same spec, and works."""
    other = subject.reopen()
    try:
        async with sandbox(subject) as box:
            again = await other.attach(box.id)
            assert again.spec == box.spec
            assert again.address(8000) == box.address(8000)
            await again.write_file("/workspace/x", b"from the other")
            assert await box.read_file("/workspace/x") == b"from the other"
            await again.kill()
            assert (await box.state()).status is SandboxStatus.EXITED
    finally:
        await other.close()


@promise("trees")
async def a_sandboxs_death_is_not_a_result(subject: Subject) -> None:
    """A process whose sandbox is killed under it raises; nothing follows about the command."""
    async with sandbox(subject) as box:
        process = await box.open(["sh", "-c", "echo up; sleep 60"])
        await Reader(process).until(b"up")
        await box.kill()
        with pytest.raises(SandboxUnavailableError):
            await process.wait()


# -- what a reaper sees ----------------------------------------------------------------


@promise("objects")
async def everything_is_listed_and_removable(subject: Subject) -> None:
    """Sandbox, network and volume show up under their owner and can be removed twice."""
    backend, owner = subject.backend, new_owner()
    network = await backend.create_network(owner)
    volume = await backend.create_volume(owner, 16)
    spec = SandboxSpec(owner=owner, role="sut", image=subject.image, network=network.id)
    box = await backend.start(spec)
    found = await backend.objects(owner)
    everything = {obj.id for obj in await backend.objects()}
    for _ in range(2):
        for obj in sorted(found, key=lambda obj: obj.kind in ("network", "volume")):
            await backend.remove_object(obj)
    assert {obj.id for obj in found} == {network.id, volume.id, box.id} <= everything
    assert {obj.owner for obj in found} == {owner}
    assert next(obj.role for obj in found if obj.id == box.id) == "sut"
    assert all(abs(obj.created_at - time.time()) < 300 for obj in found)
    assert await backend.objects(owner) == []
    assert (await box.state()).status is SandboxStatus.GONE


@promise("objects")
async def volumes_are_found_until_removed(subject: Subject) -> None:
    """A volume is empty, found by id, and gone after its removal, which may be repeated."""
    backend = subject.backend
    volume = await backend.create_volume(new_owner(), 16)
    assert os.listdir(volume.path) == []  # noqa: PTH208 - of a folder of ours
    assert await backend.volume(volume.id) == volume
    await backend.remove_volume(volume.id)
    await backend.remove_volume(volume.id)
    with pytest.raises(SandboxUnavailableError):
        await backend.volume(volume.id)


@promise("objects")
async def networks_can_be_removed_twice(subject: Subject) -> None:
    """Removing a network is idempotent."""
    network = await subject.backend.create_network(new_owner())
    await subject.backend.remove_network(network.id)
    await subject.backend.remove_network(network.id)


# -- peers -----------------------------------------------------------------------------


@promise("network")
async def peers_reach_each_other(subject: Subject) -> None:
    """A sandbox on the same network reaches a service at `address`."""
    serve = 'exec python3 -m http.server "$PORT" --bind "$HOST"'
    fetch = "import sys, urllib.request as u; print(u.urlopen(sys.argv[1], timeout=5).status)"
    owner = new_owner()
    network = await subject.backend.create_network(owner)
    try:
        async with (
            sandbox(
                subject,
                command=("sh", "-c", serve),
                env={"PORT": "8000", "HOST": "0.0.0.0"},  # noqa: S104 - inside its own network
                network=network.id,
                aliases=("app",),
            ) as server,
            sandbox(subject, network=network.id) as client,
        ):
            url = f"http://{server.address(8000)}/"

            async def answers() -> bool:
                return (await run(client, "python3", "-c", fetch, url)).stdout == b"200\n"

            await until(answers)
    finally:
        await subject.backend.remove_network(network.id)


# -- the harness dies ------------------------------------------------------------------

_HARNESS = """
import asyncio, sys
from harness.models.sandbox import SandboxSpec, TerminalSize
{source}
async def main():
    spec = SandboxSpec(owner={owner!r}, role="workspace", image={image!r})
    box = await backend.start(spec)
    for terminal in (None, TerminalSize()):
        process = await box.open(["python3", "-c", {daemon!r}, {name!r}], terminal=terminal)
        async for chunk in process.output():
            if b"ready" in chunk.data:
                break
        keep.append(process)
    print(box.id, flush=True)
    await asyncio.Event().wait()
keep = []
asyncio.run(main())
"""


@promise("crash")
async def a_killed_harness_leaves_no_process(subject: Subject) -> None:
    """After `kill -9` of the harness its commands' trees go; the sandbox stays and is found."""
    name, owner = mark(), new_owner()
    daemon = DAEMON.format(seconds=600)
    program = _HARNESS.format(
        source=subject.source, owner=owner, image=subject.image, daemon=daemon, name=name
    )
    harness = await asyncio.create_subprocess_exec(
        sys.executable, "-", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert harness.stdin
        assert harness.stdout
        harness.stdin.write(program.encode())
        harness.stdin.write_eof()
        box_id = (await harness.stdout.readline()).decode().strip()
        assert box_id, "the harness to be killed did not start"
        box = await subject.backend.attach(box_id)
        assert await count_marked(box, name) == 4
        os.kill(harness.pid, signal.SIGKILL)

        async def gone() -> bool:
            return await count_marked(box, name) == 0

        await until(gone)
        assert (await box.state()).status is SandboxStatus.RUNNING
    finally:
        if harness.returncode is None:
            harness.kill()
        await harness.communicate()
        for obj in await subject.backend.objects(owner):
            await subject.backend.remove_object(obj)
