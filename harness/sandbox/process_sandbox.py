"""One sandbox of the process backend: local processes that believe in the paths inside."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from harness.errors import SandboxUnavailableError
from harness.models.base import Model
from harness.models.sandbox import (
    ExecResult,
    SandboxSpec,
    SandboxState,
    SandboxStats,
    SandboxStatus,
    TerminalSize,
)
from harness.sandbox.process_files import MountedFiles
from harness.sandbox.process_record import Record, marker, path_map
from harness.sandbox.process_tree import alive, kill_trees, marked, measure, send_all
from harness.sandbox.protocol import DEFAULT_OUTPUT_LIMIT
from harness.sandbox.removal import remove_tree
from harness.sandbox.supervised import (
    PYTHON_FLAGS,
    SUPERVISOR_FILE,
    SupervisedProcess,
    run_to_end,
)
from harness.sandbox.supervisor import signal_all

KEEPER_FILE = Path(__file__).with_name("keeper.py")
_KEEPER_SEC = 15.0
_CLOSE_SEC = 15.0
_POLL_SEC = 0.02


class PipeTransport:
    """A supervisor started as our own child."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, record: Record) -> PipeTransport:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, *PYTHON_FLAGS, str(SUPERVISOR_FILE), marker(record.id)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=record.env,
            start_new_session=True,
        )
        with suppress(ProcessLookupError):
            limit_files(process.pid, record.spec.limits.nofile)
        return cls(process)

    async def read(self, limit: int) -> bytes:
        assert self._process.stdout
        return await self._process.stdout.read(limit)

    async def write(self, data: bytes) -> None:
        assert self._process.stdin
        self._process.stdin.write(data)
        await self._process.stdin.drain()

    async def close(self) -> None:
        """The supervisor sees the end of its input and ends its tree and itself."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        with suppress(OSError):
            await self._process.stdin.wait_closed()
        try:
            async with asyncio.timeout(_CLOSE_SEC):
                while await self._process.stdout.read(64 * 1024):
                    pass
                await self._process.wait()
        except TimeoutError:
            await self.terminate()

    async def terminate(self) -> None:
        if self._process.returncode is None:
            await asyncio.to_thread(kill_trees, {self._process.pid})


def limit_files(pid: int, count: int) -> None:
    """Bound a process's open files, as far as we may."""
    hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY:
        count = min(count, hard)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (count, count))


class Run(Model):
    """`run.json`: the processes that run, each as (pid, start time)."""

    keeper: tuple[int, int | None]
    main: tuple[int, int | None]


class Exit(Model):
    """`exit.json`: how the main process ended."""

    exit_code: int | None
    oom_killed: bool


class ProcessSandbox:
    """A `SandboxEnvironment` of local processes; nothing isolates them."""

    def __init__(self, record: Record, folder: Path) -> None:
        self._record = record
        self._folder = folder
        self._paths = path_map(record.spec, folder)
        self._files = MountedFiles(self._paths, record.spec.workdir)
        self._marker = marker(record.id)

    @property
    def id(self) -> str:
        return self._record.id

    @property
    def spec(self) -> SandboxSpec:
        return self._record.spec

    @property
    def _where(self) -> str:
        return f"Sandbox {self.id[:20]}"

    # -- processes -----------------------------------------------------------------

    async def open(
        self,
        argv: Sequence[str],
        *,
        timeout_sec: float | None = None,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        terminal: TerminalSize | None = None,
        output_limit: int = DEFAULT_OUTPUT_LIMIT,
    ) -> SupervisedProcess:
        await self._need(SandboxStatus.RUNNING)
        return await SupervisedProcess.start(
            await PipeTransport.start(self._record),
            [self._paths.host(arg) for arg in argv],
            where=self._where,
            timeout_sec=timeout_sec,
            cwd=self._paths.host(cwd or self.spec.workdir),
            env={name: self._paths.host_list(value) for name, value in (env or {}).items()},
            terminal=terminal,
            output_limit=output_limit,
        )

    async def exec(
        self,
        argv: Sequence[str],
        *,
        timeout_sec: float,
        stdin: bytes = b"",
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        output_limit: int = DEFAULT_OUTPUT_LIMIT,
    ) -> ExecResult:
        opening = self.open(
            argv, timeout_sec=timeout_sec, cwd=cwd, env=env, output_limit=output_limit
        )
        return await run_to_end(opening, timeout_sec=timeout_sec, stdin=stdin, where=self._where)

    # -- files ---------------------------------------------------------------------

    async def read_file(self, path: str, *, max_bytes: int = 10 * 1024 * 1024) -> bytes:
        await self._need()
        return await asyncio.to_thread(self._files.read, path, max_bytes)

    async def write_file(self, path: str, data: bytes) -> None:
        await self._need()
        await asyncio.to_thread(self._files.write, path, data)

    # -- the main process ----------------------------------------------------------

    async def launch(self) -> None:
        """Start the keeper, which starts the main process; returns when it runs."""
        for name in ("run.json", "exit.json", "paused"):
            (self._folder / name).unlink(missing_ok=True)
        keeper = await asyncio.create_subprocess_exec(
            *(sys.executable, *PYTHON_FLAGS, str(KEEPER_FILE), str(self._folder), self._marker),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env=self._record.env,
            cwd="/",
        )
        await keeper.wait()
        if self._run() is None and self._exit() is None:
            raise SandboxUnavailableError(
                f"{self._where}: its keeper did not start.",
                remedy=f"Look whether {self._folder} is writable and the disk has room.",
            )

    async def state(self) -> SandboxState:
        if not self._folder.exists():
            return SandboxState(status=SandboxStatus.GONE)
        ended, run = self._exit(), self._run()
        if ended is None and run and alive(*run.keeper):
            paused = (self._folder / "paused").exists()
            status = SandboxStatus.PAUSED if paused else SandboxStatus.RUNNING
            return SandboxState(status=status)
        ended = ended or self._exit()  # it may have ended between the two looks
        return SandboxState(
            status=SandboxStatus.EXITED,
            exit_code=ended.exit_code if ended else None,
            oom_killed=ended.oom_killed if ended else False,
        )

    async def stats(self) -> SandboxStats:
        await self._need()
        return await asyncio.to_thread(lambda: measure(marked(self._marker)))

    async def logs(self, *, max_bytes: int = 64 * 1024) -> bytes:
        await self._need()
        return await asyncio.to_thread(self._log_tail, max_bytes)

    def _log_tail(self, max_bytes: int) -> bytes:
        data = b""
        for name in ("log", "log.1"):
            with suppress(FileNotFoundError), (self._folder / name).open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - (max_bytes - len(data))))
                data = file.read(max_bytes - len(data)) + data
        return data

    async def stop(self, *, grace_sec: float = 10.0) -> SandboxState:
        run = self._run()
        state = await self._need()
        if run and state.status in (SandboxStatus.RUNNING, SandboxStatus.PAUSED):
            await self.unpause()
            if alive(*run.main):
                with suppress(ProcessLookupError):
                    os.kill(run.main[0], signal.SIGTERM)
            await self._ended(grace_sec)
        return await self.kill()

    async def kill(self) -> SandboxState:
        await self._need()
        await self._kill_all()
        return await self.state()

    async def restart(self) -> None:
        state = await self._need()
        if state.status is SandboxStatus.EXITED:
            await self.launch()

    async def pause(self) -> None:
        await self._need(SandboxStatus.RUNNING)
        (self._folder / "paused").touch()
        await self._signal_all(signal.SIGSTOP)

    async def unpause(self) -> None:
        await self._need()
        await self._signal_all(signal.SIGCONT)
        (self._folder / "paused").unlink(missing_ok=True)

    async def remove(self) -> None:
        await self._kill_all()
        await asyncio.to_thread(remove_tree, self._folder)

    def address(self, port: int) -> str:
        """Where a peer on this machine reaches what the spec calls `port`."""
        return f"127.0.0.1:{self._record.ports.get(port, port)}"

    # -- inside --------------------------------------------------------------------

    async def _need(self, status: SandboxStatus | None = None) -> SandboxState:
        state = await self.state()
        if state.status is SandboxStatus.GONE or (status and state.status is not status):
            raise SandboxUnavailableError(
                f"{self._where} ({self.spec.role} of {self.spec.owner}) is {state.status}."
            )
        return state

    async def _signal_all(self, number: signal.Signals) -> None:
        await asyncio.to_thread(lambda: send_all(marked(self._marker), number))

    async def _kill_all(self) -> None:
        """Kill everything in it; the keeper stays to note the exit code."""
        run = self._run()
        spare = {run.keeper[0]} if run and alive(*run.keeper) else set()
        signal_all(spare, signal.SIGCONT)
        await asyncio.to_thread(lambda: kill_trees(marked(self._marker) | spare, spare=spare))
        if not await self._ended(_KEEPER_SEC):
            await asyncio.to_thread(lambda: kill_trees(spare))

    async def _ended(self, seconds: float) -> bool:
        """Wait until the keeper has gone; whether it has."""
        run = self._run()
        until = time.monotonic() + seconds
        while run and alive(*run.keeper):
            if time.monotonic() >= until:
                return False
            await asyncio.sleep(_POLL_SEC)
        return True

    def _run(self) -> Run | None:
        try:
            return Run.model_validate_json((self._folder / "run.json").read_bytes())
        except FileNotFoundError:
            return None

    def _exit(self) -> Exit | None:
        try:
            return Exit.model_validate_json((self._folder / "exit.json").read_bytes())
        except FileNotFoundError:
            return None
