"""Programs played by a module under test: what isolation costs, and how long a battery takes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.measuring import Figure, compared, in_turns
from harness.catalog.tasks import read_task
from harness.checks import differential
from harness.checks.differential import Call, Program
from harness.checks.differential.link import Stage, Target
from harness.checks.differential.screening import ALONE_EVERY, COMPANY
from harness.content import TASKS, content_dir
from harness.grading.calibration import materialise, read_calibration
from harness.grading.grading import grade
from harness.models.check import CheckOutcome, Grading
from harness.sandbox.docker import DockerBackend
from harness.settings import Settings

TRIPS = 300
ROUNDS = 15
_PROGRAM = Program((Call("shop:same", 7),))
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

    A round trip is one program of one call, written by the grader and its outcome read back as
    bytes, as a check does it with one side: programs go in requests of as many as a check sends,
    and what generating, comparing and Hypothesis take is not in it. In company the programs of a
    request share one process; apart each has a process forked for it; and a check plays all in
    company and one in five again by itself. One echo only sends back what it gets, message by
    message; the other does so from a process forked for each message, which is the least that
    keeps one case from another.
    """
    return [
        await _round_trips("in company / echoes", _company),
        await _round_trips("as a check plays them / echoes", _as_a_check, aim=None),
        await _round_trips("apart / echoes from a fork", _apart, FORKS="1"),
        await _battery(),
    ]


async def _round_trips(
    name: str, play: Callable[[Stage], None], aim: float | None = 0.3, **echoing: str
) -> Figure:
    with TemporaryDirectory(prefix="harness-bench-") as folder:
        Path(folder, "shop.py").write_text(_MODULE)
        agent, echo = [sys.executable, "-s", "-P", str(_AGENT)], [sys.executable, "-c", _ECHO]
        with _serving(agent, folder) as played, _serving(echo, folder, **echoing) as echoed:
            stage = Stage(f"127.0.0.1:{played}", _TOKEN, Target(("shop",)))
            peer = socket.create_connection(("127.0.0.1", echoed))
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                ours, theirs = await in_turns(
                    lambda: _trips(stage, play), lambda: _bounce(peer), rounds=ROUNDS
                )
            finally:
                stage.close()
                peer.close()
    each = [[round_ / TRIPS for round_ in one] for one in (ours, theirs)]
    return compared(f"refactor: programs {name}, a second", *each, aim=aim, sense="at least")


async def _trips(stage: Stage, play: Callable[[Stage], None]) -> None:
    for _ in range(TRIPS // COMPANY):
        play(stage)


def _company(stage: Stage) -> None:
    _play(stage, COMPANY, apart=False)


def _apart(stage: Stage) -> None:
    _play(stage, COMPANY, apart=True)


def _as_a_check(stage: Stage) -> None:
    _play(stage, COMPANY, apart=False)
    for _ in range(COMPANY // ALONE_EVERY):
        _play(stage, 1, apart=True)


def _play(stage: Stage, count: int, *, apart: bool) -> None:
    stage.begin([_PROGRAM] * count, within_sec=_CASES_SEC, apart=apart)
    answers = stage.end()
    if len(answers) < count or answers[-1].end:
        raise RuntimeError(f"The module did not play: {answers[-1].end}")


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
