"""Programs played by a module under test: what isolation costs, and how long a battery takes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.measuring import Figure, compared, in_turns
from harness.catalog.tasks import read_task
from harness.checks import differential
from harness.checks.differential import Call, Program
from harness.checks.differential.link import Stage, Target
from harness.content import TASKS, content_dir
from harness.grading.calibration import materialise, read_calibration
from harness.grading.grading import grade
from harness.models.check import CheckOutcome, Grading
from harness.sandbox.docker import DockerBackend
from harness.settings import Settings

TRIPS = 300
ROUNDS = 15
_TOKEN = "bench"
_READY_SEC = 10.0
_AGENT = Path(differential.__file__).with_name("agent.py")
_MODULE = "def same(value):\n    return value\n"
_ECHO = """
import os, socket
server = socket.create_server((os.environ["HOST"], int(os.environ["PORT"])))
while True:
    connection, _ = server.accept()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while chunk := connection.recv(65536):
        if "FORKS" not in os.environ:
            connection.sendall(chunk)
        elif child := os.fork():
            os.waitpid(child, 0)
        else:
            connection.sendall(chunk)
            os._exit(0)
"""
_TASK = "gnarly-pricing"
_KNOWN = "tidy"
_CASES = 3000
_CASES_SEC = 90.0
_PLAYED = "programs played by both"


async def measure() -> list[Figure]:
    """Round trips against an echo of the same bytes, and three thousand cases against 90 s.

    A round trip is one program of one call: sent, played in a process forked for it, its outcome
    read. One echo only sends back what it gets; the other does so from a process forked for each
    message, which is the least that keeps one case from another.
    """
    return [
        await _round_trips("programs a second / echoes a second"),
        await _round_trips("programs a second / echoes from a fork", FORKS="1"),
        await _battery(),
    ]


async def _round_trips(name: str, **echoing: str) -> Figure:
    with TemporaryDirectory(prefix="harness-bench-") as folder:
        Path(folder, "shop.py").write_text(_MODULE)
        agent, echo = [sys.executable, "-s", "-P", str(_AGENT)], [sys.executable, "-c", _ECHO]
        with _serving(agent, folder) as played, _serving(echo, folder, **echoing) as echoed:
            stage = Stage(f"127.0.0.1:{played}", _TOKEN, Target(("shop",)))
            peer = socket.create_connection(("127.0.0.1", echoed))
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                ours, theirs = await in_turns(
                    lambda: _play(stage), lambda: _bounce(peer), rounds=ROUNDS
                )
            finally:
                stage.close()
                peer.close()
    each = [[round_ / TRIPS for round_ in one] for one in (ours, theirs)]
    return compared(f"refactor: {name}", *each, aim=0.3, sense="at least")


async def _play(stage: Stage) -> None:
    program = Program((Call("shop:same", 7),))
    for _ in range(TRIPS):
        stage.begin(program)
        if why := stage.end().end:
            raise RuntimeError(f"The module did not play: {why}")


async def _bounce(peer: socket.socket) -> None:
    frame = bytes(200)  # a program of one call and its answer are about as long
    for _ in range(TRIPS):
        peer.sendall(frame)
        left = len(frame)
        while left:
            left -= len(peer.recv(left))


async def _battery() -> Figure:
    task = read_task(content_dir(TASKS) / _TASK)
    known = next(one for one in read_calibration(task).submission if one.name == _KNOWN)
    with TemporaryDirectory(prefix="harness-bench-") as folder:
        backend = DockerBackend(Settings(data_dir=Path(folder)))
        try:
            submission = materialise(task, known, Path(folder)).submission
            for role in ("workspace", "grader"):
                await backend.ensure_image(task.image(role))
            began = time.perf_counter()
            grading = await grade(submission, task, backend, secret=b"bench")
            wall = time.perf_counter() - began
        finally:
            await backend.close()
    played = sum(_cases(grading))
    seconds = wall * _CASES / played
    fallen = [one.id for one in grading.checks if one.outcome is not CheckOutcome.PASSED]
    return Figure(
        f"refactor: seconds for {_CASES} cases / {_CASES_SEC:g}",
        f"{seconds:.0f} s ({played} cases, all of {_TASK}'s checks: {wall:.0f} s)",
        f"{_CASES_SEC:g} s on two cores" + (f"; not passed: {', '.join(fallen)}" if fallen else ""),
        seconds / _CASES_SEC,
        1.0,
    )


def _cases(grading: Grading) -> Iterator[int]:
    for check in grading.checks:
        for measured in check.measurements:
            if measured.name == _PLAYED and isinstance(measured.value, int | float):
                yield int(measured.value)


@contextmanager
def _serving(command: list[str], folder: str, **more: str) -> Iterator[int]:
    """A process that listens on a port of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    env = {**os.environ, "HOST": "127.0.0.1", "PORT": str(port), "TREE": folder}
    process = subprocess.Popen(command, env={**env, "MODULE_TOKEN": _TOKEN, **more}, cwd=folder)
    try:
        until = time.monotonic() + _READY_SEC
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.02)
        yield port
    finally:
        process.kill()
        process.wait()
