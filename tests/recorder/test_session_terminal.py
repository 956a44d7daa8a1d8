"""Terminals of a session, from open to closed, through crashes."""

from __future__ import annotations

import asyncio
import errno
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import StoreError
from harness.models.event import CommandRun, RecordingFailed, TerminalClosed, TerminalOpened
from harness.models.recording import Command, TestRun
from harness.models.sandbox import TerminalSize
from harness.recorder import commands
from harness.recorder.asciicast import read_cast
from harness.recorder.session_terminal import (
    SessionTerminal,
    command_output,
    record_process,
    recordings,
    recover,
)

from .shells import SHELL


def of(store, session_id, kind):
    """Payloads of one kind in the session's record."""
    return [e.payload for e in store.events(session_id) if isinstance(e.payload, kind)]


class Typist:
    """Types the next line whenever the prompt is there."""

    def __init__(self, *keys):
        self._keys = list(keys)
        self._prompts = asyncio.Queue()
        self.shown = b""

    def sink(self, data):
        self.shown += data
        for _ in range(data.count(b"\x1b]133;B")):
            self._prompts.put_nowait(None)

    async def keys(self):
        while self._keys:
            await self._prompts.get()
            key = self._keys.pop(0)
            while isinstance(key, TerminalSize):
                yield key
                key = self._keys.pop(0)
            yield key
        await asyncio.Event().wait()


async def test_shell_session(store, session_id, tmp_path, process):
    """A shell's terminal gives opened, one event per command, closed, and a playable recording."""
    typist = Typist(
        b"echo hello\n",
        TerminalSize(cols=120, rows=40),
        b"printf '=== 1 failed, 2 passed in 0.1s ===\\n'; false # pytest\n",
        b"sh -c 'printf \"2 passed in 0.1s\\n\"'\n",
        b"exit 3\n",
    )
    shell = process(SHELL)
    result = await record_process(
        shell,
        store=store,
        session_id=session_id,
        session_dir=tmp_path / "s",
        size=TerminalSize(cols=100, rows=30),
        keys=typist.keys(),
        sink=typist.sink,
    )
    assert result.returncode == 3
    (opened,) = of(store, session_id, TerminalOpened)
    assert (opened.kind, opened.cols, opened.rows) == ("shell", 100, 30)
    ran = [payload.command for payload in of(store, session_id, CommandRun)]
    assert [(c.text.split()[0], c.exit_code) for c in ran] == [
        ("echo", 0),
        ("printf", 1),
        ("sh", 0),
        ("exit", None),
    ]
    assert ran[2].test_run == TestRun(runner="pytest", passed=2)
    (closed,) = of(store, session_id, TerminalClosed)
    assert (closed.exit_code, closed.truncated) == (3, False)
    cast = store.blob(closed.cast_sha256)
    assert command_output(cast, ran[0]) == "hello"
    _, events = read_cast(cast.split(b"\n"))
    events = list(events)
    assert "".join(e.data for e in events if e.code == "o").encode() == typist.shown
    assert [e.data for e in events if e.code == "r"] == ["120x40"]
    assert shell.sizes == [TerminalSize(cols=120, rows=40)]
    assert not list(recordings(tmp_path / "s").iterdir())


async def test_one_command(store, session_id, tmp_path, process):
    """`exec` is one command with its own exit code, recognised test run and output."""
    script = "echo out; echo err >&2; echo '3 passed in 0.2s'; exit 4"
    argv = ["sh", "-c", script]
    shown = []
    result = await record_process(
        process(argv, terminal=False),
        store=store,
        session_id=session_id,
        session_dir=tmp_path / "s",
        argv=argv,
        sink=shown.append,
    )
    assert result.returncode == 4
    (command,) = [p.command for p in of(store, session_id, CommandRun)]
    assert command.source == "exec"
    assert shlex.split(command.text) == argv
    assert (command.exit_code, command.test_run.passed) == (4, 3)
    assert b"".join(shown) == b"out\nerr\n3 passed in 0.2s\n"
    (closed,) = of(store, session_id, TerminalClosed)
    cast = store.blob(closed.cast_sha256)
    assert command_output(cast, command) == "out\nerr\n3 passed in 0.2s"
    assert command_output(cast, command, max_bytes=20) == "3 passed in 0.2s"
    assert command_output(b"", command) == ""


async def test_long_output_keeps_its_end(store, session_id, tmp_path, process):
    """Of a command that prints without end the last part is shown, where summaries are."""
    argv = ["sh", "-c", "seq 1 200000; echo '1 passed in 9.9s'"]
    await record_process(
        process(argv, terminal=False),
        store=store,
        session_id=session_id,
        session_dir=tmp_path / "s",
        argv=argv,
    )
    (command,) = [p.command for p in of(store, session_id, CommandRun)]
    (closed,) = of(store, session_id, TerminalClosed)
    output = command_output(store.blob(closed.cast_sha256), command)
    assert output.endswith("200000\n1 passed in 9.9s")
    assert len(output) <= 16 * 1024
    assert command.test_run.passed == 1


async def test_without_a_record_nobody_enters(store, session_id, tmp_path, process, monkeypatch):
    """When the store refuses the terminal, its process is killed and nothing is left."""
    shell = process(SHELL)
    monkeypatch.setattr(store, "append", refuse)
    with pytest.raises(StoreError):
        await record_process(shell, store=store, session_id=session_id, session_dir=tmp_path / "s")
    assert shell.killed
    assert not list(recordings(tmp_path / "s").iterdir())


def refuse(*args, **options):
    """A store that is not there."""
    raise StoreError("database is locked")


async def test_cancelled_recording_is_kept(store, session_id, tmp_path, process):
    """When the harness is interrupted, the process is killed and the recording closed."""
    shell = process(SHELL)
    ready = asyncio.Event()
    task = asyncio.create_task(
        record_process(
            shell,
            store=store,
            session_id=session_id,
            session_dir=tmp_path / "s",
            keys=Typist().keys(),
            sink=lambda _: ready.set(),
        )
    )
    await ready.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert shell.killed
    (closed,) = of(store, session_id, TerminalClosed)
    assert closed.exit_code is None


def test_store_outage_delays_events(store, session_id, tmp_path, monkeypatch):
    """Commands that the store could not take are stored when it is back, with the failure."""
    terminal = SessionTerminal(store, session_id, tmp_path / "s")
    with monkeypatch.context() as patch:
        patch.setattr(store, "append", refuse)
        terminal.feed(b"\x1b]133;C;cmdline_url=one\x07\x1b]133;D;0\x07")
        terminal.feed(b"\x1b]133;C;cmdline_url=two\x07\x1b]133;D;0\x07")
        assert of(store, session_id, CommandRun) == []
    terminal.close(0)
    assert [p.command.text for p in of(store, session_id, CommandRun)] == ["one", "two"]
    assert [p.part for p in of(store, session_id, RecordingFailed)] == ["store"]
    assert len(of(store, session_id, TerminalClosed)) == 1


def test_store_outage_to_the_end_is_recovered(store, session_id, tmp_path, monkeypatch):
    """A terminal that closed while the store was away is put into the record later."""
    terminal = SessionTerminal(store, session_id, tmp_path / "s")
    with monkeypatch.context() as patch:
        patch.setattr(store, "append", refuse)
        terminal.feed(b"\x1b]133;C;cmdline_url=one\x07shown\x1b]133;D;0\x07")
        terminal.close(0)
    assert len(recover(store, session_id, tmp_path / "s")) == 1
    (command,) = [p.command for p in of(store, session_id, CommandRun)]
    (closed,) = of(store, session_id, TerminalClosed)
    assert command_output(store.blob(closed.cast_sha256), command) == "shown"


def test_full_disk_is_told_at_once(store, session_id, tmp_path, monkeypatch):
    """When the recording cannot be written the session says so, once, and work goes on."""
    terminal = SessionTerminal(store, session_id, tmp_path / "s")
    real = os.write

    def full(handle, data):
        if data.startswith((b"[", b"\n[")):
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(handle, data)

    monkeypatch.setattr(os, "write", full)
    terminal.feed(b"lost")
    terminal.feed(b"lost too")
    (failed,) = of(store, session_id, RecordingFailed)
    assert failed.part == "terminal"
    assert "No space left" in failed.message
    monkeypatch.undo()
    terminal.close(0)
    (closed,) = of(store, session_id, TerminalClosed)
    assert closed.truncated


def test_killed_harness_loses_no_recording(store, session_id, tmp_path):
    """After kill -9 in mid-command the recording, its commands and the running one are kept."""
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from harness.store import Store\n"
        "from harness.recorder.session_terminal import SessionTerminal\n"
        "root = Path(sys.argv[1])\n"
        "store = Store.open(f'sqlite:///{root}/harness.db', root / 'data')\n"
        "t = SessionTerminal(store, sys.argv[2], root / 's')\n"
        "t.feed(b'\\x1b]133;C;cmdline_url=first\\x07one\\x1b]133;D;0\\x07')\n"
        "t.feed(b'\\x1b]133;C;cmdline_url=second\\x07two \\xc3')\n"
        "print('ready', flush=True)\n"
        "sys.stdin.read()\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path), session_id],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )
    assert child.stdout.readline() == b"ready\n"
    assert recover(store, session_id, tmp_path / "s") == []
    child.send_signal(signal.SIGKILL)
    child.communicate()
    (path,) = recordings(tmp_path / "s").iterdir()
    with path.open("ab") as file:
        file.write(b'[9.0,"o","half a li')
    assert recover(store, session_id, tmp_path / "s") == [path.stem]
    assert recover(store, session_id, tmp_path / "s") == []
    ran = [p.command for p in of(store, session_id, CommandRun)]
    assert [(c.text, c.exit_code) for c in ran] == [("first", 0), ("second", None)]
    (closed,) = of(store, session_id, TerminalClosed)
    assert (closed.exit_code, closed.truncated) == (None, True)
    assert command_output(store.blob(closed.cast_sha256), ran[1]) == "two"
    assert not path.exists()


def test_lost_recording_is_closed_without_one(store, session_id, tmp_path):
    """A terminal whose file is gone is closed, and the record shows that nothing was kept."""
    terminal = SessionTerminal(store, session_id, tmp_path / "s")
    (path,) = recordings(tmp_path / "s").iterdir()
    path.unlink()
    assert recover(store, session_id, tmp_path / "s") == [path.stem]
    (closed,) = of(store, session_id, TerminalClosed)
    assert (closed.cast_sha256, closed.truncated) == (None, True)
    del terminal


def test_file_left_after_closing_is_only_removed(store, session_id, tmp_path):
    """A harness killed between the last event and the clean-up closes nothing twice."""
    terminal = SessionTerminal(store, session_id, tmp_path / "s")
    (path,) = recordings(tmp_path / "s").iterdir()
    kept = path.read_bytes()
    terminal.close(0)
    path.write_bytes(kept)
    assert recover(store, session_id, tmp_path / "s") == []
    assert not path.exists()
    assert len(of(store, session_id, TerminalClosed)) == 1


def test_forged_marks_stay_bounded(store, session_id, tmp_path):
    """A program that prints marks without end fills neither record nor memory."""
    terminal = SessionTerminal(store, session_id, tmp_path / "s")
    terminal._recorder._tracker._count = commands.MAX_COMMANDS - 2
    terminal.feed(b"\x1b]133;C;cmdline_url=x\x07\x1b]133;D;0\x07" * 1000)
    terminal.close(0)
    assert len(of(store, session_id, CommandRun)) == 2


def test_command_without_recording():
    """Output of a command that the recording does not have is empty."""
    command = Command(terminal="t", text="x", started_sec=0, ended_sec=1)
    cast = b'{"version":2,"width":80,"height":24}\n[0.1,"o","text"]\n'
    assert command_output(cast, command) == ""
