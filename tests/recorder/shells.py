"""A real bash in a real terminal, as a sandbox process."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
from collections.abc import AsyncIterator
from pathlib import Path

import harness.recorder
from harness.models.sandbox import ExecResult, OutputChunk, TerminalSize

INTEGRATION = Path(harness.recorder.__file__).parent / "shell_integration.bash"
SHELL = ("bash", "--rcfile", str(INTEGRATION), "-i")


def _as_a_login_does() -> None:
    """Own the terminal; take Ctrl-C, also where whoever runs the tests was told to ignore it."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class LocalProcess:
    """A process of this machine with a `SandboxProcess`'s face; with a terminal or with pipes."""

    def __init__(self, argv, *, home, env=None, terminal=True):
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "TERM": "xterm",
            "LC_ALL": "C.UTF-8",
            **(env or {}),
        }
        if terminal:
            self._handle, theirs = pty.openpty()
            self._process = subprocess.Popen(
                argv,
                stdin=theirs,
                stdout=theirs,
                stderr=theirs,
                env=environment,
                cwd=home,
                start_new_session=True,
                preexec_fn=_as_a_login_does,  # noqa: PLW1509  # two calls
            )
            os.close(theirs)
        else:
            ours, theirs = os.pipe()
            self._handle = ours
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=theirs,
                stderr=theirs,
                env=environment,
                cwd=home,
                start_new_session=True,
            )
            os.close(theirs)
        self.sizes = []
        self.killed = False

    def close(self):
        """Leave nothing behind."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    async def send(self, data):
        os.write(self._handle, data)

    async def close_stdin(self):
        pass

    async def resize(self, size: TerminalSize):
        self.sizes.append(size)
        fcntl.ioctl(
            self._handle, termios.TIOCSWINSZ, struct.pack("HHHH", size.rows, size.cols, 0, 0)
        )

    async def output(self) -> AsyncIterator[OutputChunk]:
        while data := await asyncio.to_thread(self._read):
            yield OutputChunk(stream="stdout", data=data)

    def _read(self):
        try:
            return os.read(self._handle, 65536)
        except OSError as error:
            if error.errno == errno.EIO:  # the terminal's other side is closed
                return b""
            raise

    async def wait(self):
        code = await asyncio.to_thread(self._process.wait)
        return ExecResult(returncode=code if code >= 0 else 128 - code)

    async def kill(self):
        self.killed = True
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
