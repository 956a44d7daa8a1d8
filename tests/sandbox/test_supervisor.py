"""The supervisor and its client where no ordinary caller goes."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import struct
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from harness.errors import SandboxTimeoutError, SandboxUnavailableError
from harness.models.sandbox import SandboxSpec
from harness.sandbox import supervised
from harness.sandbox.process import ProcessBackend
from harness.sandbox.process_sandbox import ProcessSandbox
from harness.sandbox.process_tree import kill_trees, marked
from harness.sandbox.supervised import PYTHON_FLAGS, SUPERVISOR_FILE, SupervisedProcess
from harness.sandbox.supervisor import frame, json_frame
from harness.testing.sandbox_check_processes import DAEMON, mark
from harness.testing.sandbox_subject import Reader, until

SUPERVISOR = [sys.executable, *PYTHON_FLAGS, str(SUPERVISOR_FILE)]
EXIT = {
    "returncode": 0,
    "timed_out": False,
    "oom_killed": False,
    "truncated": False,
    "duration_sec": 0.5,
    "left": 0,
}


class Scripted:
    """A transport whose other end says what a test wants."""

    def __init__(self, said: bytes) -> None:
        self.said = said
        self.heard = b""
        self.closed = False

    async def read(self, limit: int) -> bytes:
        piece, self.said = self.said[:limit], self.said[limit:]
        return piece

    async def write(self, data: bytes) -> None:
        self.heard += data

    async def close(self) -> None:
        self.closed = True

    async def terminate(self) -> None:
        self.closed = True


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[ProcessSandbox]:
    """A sandbox of the process backend, which runs the very script images carry."""
    backend = ProcessBackend(tmp_path / "data", tmp_path / "cache")
    box = await backend.start(SandboxSpec(owner="o", role="workspace", image=sys.prefix))
    yield box
    await box.remove()


def running(name: str) -> bool:
    """Whether a process with this mark as its last argument lives."""
    return bool(marked(name))


STARTED = json_frame(b"P", {"pid": 7})


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"", "went away"),
        (b"O\0\0", "went away"),
        (frame(b"Z"), "frame b'Z'"),
        (b"O" + struct.pack(">I", 1 << 31), "frame b'O' of 2147483648 bytes"),
        (frame(b"A", b"12"), "short count"),
        (frame(b"O", b"x" * 101), "more output than it was allowed"),
        (frame(b"X", b"{"), "bad JSON"),
        (frame(b"X", b"[]"), "bad JSON"),
        (json_frame(b"X", {}), "makes no sense"),
        (json_frame(b"X", EXIT | {"returncode": "0"}), "makes no sense"),
        (json_frame(b"X", EXIT | {"extra": 1}), "makes no sense"),
        (json_frame(b"X", EXIT | {"left": 3}), "3 processes of a command would not die"),
    ],
)
async def test_a_broken_stream_is_our_failure(said: bytes, why: str) -> None:
    """Whatever is wrong with the frames, it raises, says so, and lets go of the stream."""
    transport = Scripted(STARTED + said)
    process = await SupervisedProcess.start(transport, ["x"], where="Box", output_limit=100)
    with pytest.raises(SandboxUnavailableError, match="Box") as caught:
        await process.wait()
    assert why in str(caught.value)
    assert transport.closed


async def test_a_refused_start_is_our_failure() -> None:
    """When no process can be made, `start` raises with the reason."""
    transport = Scripted(json_frame(b"F", {"errno": 11, "message": "no new process: busy"}))
    with pytest.raises(SandboxUnavailableError, match="no new process: busy"):
        await SupervisedProcess.start(transport, ["x"], where="Box")
    assert transport.closed


@pytest.mark.parametrize(
    ("argv", "env"), [([], {}), ([""], {}), (["a\0b"], {}), (["a"], {"B": "\0"})]
)
async def test_nonsense_is_refused_before_anything_starts(
    argv: list[str], env: dict[str, str]
) -> None:
    """No program, or a NUL character, is the caller's mistake."""
    transport = Scripted(b"")
    with pytest.raises(ValueError, match="command"):
        await SupervisedProcess.start(transport, argv, where="Box", env=env)
    assert transport.heard == b""
    assert transport.closed


async def test_commands_start_with_a_clean_slate(box: ProcessSandbox) -> None:
    """No signal is ignored or blocked, the process leads a session, undecodable bytes pass."""
    program = """
import os, sys
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(int(status["SigBlk"], 16), os.getsid(0) == os.getpid(), os.fsencode(sys.argv[1]))
"""
    result = await box.exec(["python3", "-c", program, "\udcff"], timeout_sec=10)
    assert result.stdout == b"0 True b'\\xff'\n"
    shell = await box.exec(["sh", "-c", "grep SigIgn /proc/self/status"], timeout_sec=10)
    ignored = int(shell.stdout.split()[1], 16)
    # 32 and 33 belong to the C library: whoever started us decides, nobody can reset them.
    assert [number for number in signal.valid_signals() if ignored >> (number - 1) & 1] == []


async def test_a_stopped_process_meets_its_deadline(box: ProcessSandbox) -> None:
    """A command that stops itself is killed all the same."""
    result = await box.exec(["sh", "-c", "kill -STOP $$"], timeout_sec=0.5)
    assert (result.timed_out, result.returncode) == (True, 137)


async def test_a_killed_supervisor_is_not_a_result(box: ProcessSandbox) -> None:
    """A command that kills its supervisor gives no result at all."""
    with pytest.raises(SandboxUnavailableError, match="killed the supervisor"):
        await box.exec(["sh", "-c", "kill -9 $PPID; sleep 30"], timeout_sec=20)


async def test_other_signals_do_not_reach_it(box: ProcessSandbox) -> None:
    """The supervisor is deaf to everything a command may send but KILL and STOP."""
    script = (
        "for s in HUP INT QUIT TERM USR1 USR2 ALRM PIPE SEGV TSTP; do kill -$s $PPID; done; echo ok"
    )
    result = await box.exec(["sh", "-c", script], timeout_sec=20)
    assert (result.returncode, result.stdout) == (0, b"ok\n")


async def test_a_frozen_supervisor_is_our_timeout(
    box: ProcessSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the supervisor does not report, our own deadline raises and nothing is left."""
    monkeypatch.setattr(supervised, "EXEC_GRACE_SEC", 0.5)
    name = mark()
    script = "kill -STOP $PPID; exec python3 -c 'import time; time.sleep(60)' " + name
    with pytest.raises(SandboxTimeoutError):
        await box.exec(["sh", "-c", script], timeout_sec=0.5)
    assert not running(name)


async def test_a_cancelled_exec_leaves_nothing(box: ProcessSandbox) -> None:
    """Cancelling the caller kills the command's tree before it returns."""
    name = mark()
    task = asyncio.create_task(
        box.exec(["python3", "-c", DAEMON.format(seconds=60), name], timeout_sec=60)
    )

    async def both_run() -> bool:
        return len(marked(name)) == 2

    await until(both_run)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not running(name)


async def test_leaving_the_output_early_does_not_block_the_end(box: ProcessSandbox) -> None:
    """Who stops reading can still wait for the exit."""
    process = await box.open(["sh", "-c", "head -c 5000000 /dev/zero; exit 3"])
    async for _ in process.output():
        break
    assert (await process.wait()).returncode == 3


async def test_unread_output_is_not_hoarded(box: ProcessSandbox) -> None:
    """Ten minutes of `yes` cost no more memory than its pipes hold."""
    process = await box.open(["yes"], output_limit=1 << 40)
    [supervisor] = marked(f"harness-sandbox={box.id}") - {box._run().keeper[0]}

    def written() -> str:
        return Path(f"/proc/{supervisor}/io").read_text().split("wchar: ")[1].split()[0]

    before = ""

    async def stuck() -> bool:
        nonlocal before
        last, before = before, written()
        return last == before and int(before) > 1_000_000

    await until(stuck)
    resident = int(Path(f"/proc/{supervisor}/statm").read_text().split()[1]) * 4096
    await process.kill()
    assert resident < 40_000_000


def start_raw(argv: list[str], **start: object) -> subprocess.Popen[bytes]:
    """A supervisor whose pipes the test holds itself."""
    request = {"argv": argv, "cwd": None, "env": {}, "timeout_sec": None, "terminal": None}
    process = subprocess.Popen(
        SUPERVISOR, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )
    assert process.stdin
    process.stdin.write(json_frame(b"S", request | {"output_limit": 1000} | start))
    process.stdin.flush()
    return process


@pytest.mark.parametrize("terminal", [None, {"cols": 80, "rows": 24}])
async def test_a_lost_caller_is_a_hang_up(tmp_path: Path, terminal: object) -> None:
    """When the caller's pipe breaks the tree gets SIGHUP, then dies, and so does it."""
    name, noted = mark(), tmp_path / "noted"
    program = DAEMON.format(seconds=0) + (
        "signal.signal(signal.SIGHUP, lambda *_: open(sys.argv[1], 'w').close())\n"
        "print('ready', flush=True)\n"
        "while True: time.sleep(60)\n"
    )
    process = start_raw([sys.executable, "-c", program, str(noted), name], terminal=terminal)
    assert process.stdin
    assert process.stdout

    async def both_run() -> bool:
        return len(marked(name)) == 2

    await until(both_run)
    seen = b""
    while b"ready" not in seen.replace(b"daemon ready", b""):
        seen += os.read(process.stdout.fileno(), 1000)
    process.stdin.close()
    await asyncio.to_thread(process.wait, 20)
    process.stdout.close()
    assert noted.exists()
    assert not running(name)


async def test_a_reader_that_is_gone_ends_it() -> None:
    """When nobody can read what comes out, the command is not kept running."""
    name = mark()
    program = "import time\nwhile True: print('x' * 1000, flush=True); time.sleep(0.01)"
    process = start_raw([sys.executable, "-c", program, name], output_limit=1 << 30)
    assert process.stdin
    assert process.stdout
    os.read(process.stdout.fileno(), 10)
    process.stdout.close()
    await asyncio.to_thread(process.wait, 20)
    process.stdin.close()
    assert not running(name)


def test_nonsense_from_the_caller_ends_it() -> None:
    """A supervisor that hears anything but its protocol just ends."""
    http = b"GET / HTTP/1.0\r\n\r\n"
    done = subprocess.run(SUPERVISOR, input=http, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", b"")


@pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("setpriv"), reason="drops root's powers with setpriv"
)
def test_a_command_cannot_reach_into_it() -> None:
    """Same user, no powers: its descriptors and memory are closed, a plain process's are not."""
    program = """
import os, subprocess, sys
def tries(pid):
    for path in (f"/proc/{pid}/fd/1", f"/proc/{pid}/mem", f"/proc/{pid}/environ"):
        try:
            os.close(os.open(path, os.O_RDWR if path.endswith("1") else os.O_RDONLY))
            yield "open"
        except PermissionError:
            yield "refused"
with subprocess.Popen(["sleep", "9"], stdout=subprocess.PIPE) as plain:
    os.write(1, " ".join([*tries(os.getppid()), *tries(plain.pid)]).encode())
    plain.kill()
"""
    powerless = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"]
    request = {
        "argv": [sys.executable, "-c", program],
        "cwd": None,
        "env": {},
        "timeout_sec": 20,
        "terminal": None,
        "output_limit": 1000,
    }
    with subprocess.Popen(
        [*powerless, *SUPERVISOR], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(json_frame(b"S", request))
        process.stdin.flush()
        said = process.stdout.read()
    assert b"refused refused refused open open open" in said


async def test_trees_are_killed_from_outside_too(box: ProcessSandbox) -> None:
    """`kill_trees` leaves neither root nor descendant, and may be repeated."""
    name = mark()
    process = await box.open(["python3", "-c", DAEMON.format(seconds=60), name])
    await Reader(process).until(b"daemon ready")
    for _ in range(2):
        await asyncio.to_thread(kill_trees, marked(name))
        assert not running(name)
    assert (await process.wait()).returncode == 137
