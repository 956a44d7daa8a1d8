"""A harness in miniature: the other end of the channel, with suts as local processes.

For developing checks without Docker. As a script it grades a folder::

    python tests/checks/standin.py TASK SUBMISSION [--only ID ...] [--seed HEX] [--no-confirm]
"""

# ruff: noqa: T201 - as a script it talks to a person at a terminal

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.models.check import CheckResult
from harness.models.grader import (
    FROM_GRADER,
    CheckFinished,
    Declared,
    Finished,
    FromGrader,
    GraderBrief,
    Reply,
    Request,
    UpstreamBinding,
)
from harness.models.task import InterviewSection, SutSpec

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    """A port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class LocalSut:
    """One service process with a folder of its own."""

    spec: SutSpec
    source: Path
    folder: Path
    env: dict[str, str]
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start its process, the first time or again."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *self.spec.command[1:]],
                cwd=self.source,
                env=self.env | {"PORT": str(self.port)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def stop(self, grace_sec: float) -> dict[str, Any]:
        """SIGTERM, then SIGKILL."""
        assert self.process is not None
        began = time.monotonic()
        self.process.terminate()
        killed = False
        try:
            self.process.wait(grace_sec)
        except subprocess.TimeoutExpired:
            killed = True
            self.process.kill()
            self.process.wait()
        duration = time.monotonic() - began
        return {"exit_code": self.process.returncode, "duration_sec": duration, "killed": killed}

    def state(self) -> dict[str, Any]:
        """Running or exited."""
        assert self.process is not None
        code = self.process.poll()
        return {"status": "running" if code is None else "exited", "exit_code": code}

    def stats(self) -> dict[str, Any]:
        """What its process holds; nothing when it has ended."""
        assert self.process is not None
        if self.process.poll() is not None:
            return {"memory_bytes": 0, "pids": 0, "fds": None}
        folder = Path("/proc") / str(self.process.pid)
        lines = (folder / "status").read_text().splitlines()
        status = dict(line.split(":", 1) for line in lines)
        return {
            "memory_bytes": int(status["RssAnon"].split()[0]) * 1024,
            "pids": int(status["Threads"]),
            "fds": sum(1 for _ in (folder / "fd").iterdir()),
        }

    def logs(self, max_bytes: int) -> str:
        """The end of its output."""
        return (self.folder / "log").read_bytes()[-max_bytes:].decode("utf-8", "replace")

    def put_data(self, files: Mapping[str, str]) -> None:
        """Make these, base64 of their content by name, all that its data folder has."""
        data = Path(self.env["DATA_DIR"])
        shutil.rmtree(data)
        data.mkdir()
        for name, content in files.items():
            (data / name).write_bytes(b64decode(content))

    def remove(self) -> None:
        """End it and delete its folder."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class StandIn:
    """Runs one grading of a task's tests against a source folder."""

    def __init__(
        self,
        interview: InterviewSection,
        tests: Path,
        source: Path,
        *,
        only: Sequence[str] = (),
        seed: str = "00",
        confirm: bool = True,
        ready_timeout_sec: float | None = None,
        env: Mapping[str, str] | None = None,
        echo: bool = False,
    ) -> None:
        assert interview.sut is not None
        self.spec = interview.sut
        self.tests = tests
        self.source = source
        self.lines: list[FromGrader] = []
        """Everything the grader said."""
        self.stderr = ""
        self.returncode: int | None = None
        self.taken: set[str] = set()
        """Checks that another lane runs."""
        self.refuse_verb = ""
        """Answer this verb as if our machinery had failed."""
        self._echo = echo
        self._env = dict(env or {})
        self._suts: dict[str, LocalSut] = {}
        self._lock = threading.Lock()
        self._folder = Path(tempfile.mkdtemp(prefix="standin-"))
        bindings = tuple(
            UpstreamBinding(
                host=item.host, port=item.port, bind_host="127.0.0.1", bind_port=free_port()
            )
            for item in interview.upstreams
        )
        self.brief = GraderBrief(
            task=tests.parent.name,
            contract=interview.contract,
            upstreams=bindings,
            ready_path=self.spec.ready_path,
            ready_timeout_sec=ready_timeout_sec or self.spec.ready_timeout_sec,
            seed=seed,
            only=tuple(only),
            confirm=confirm,
        )

    @property
    def results(self) -> dict[str, CheckResult]:
        """Check id -> result."""
        return {
            line.result.id: line.result for line in self.lines if isinstance(line, CheckFinished)
        }

    @property
    def declared(self) -> list[str]:
        """Ids in the order in which they were declared."""
        return [c.id for line in self.lines if isinstance(line, Declared) for c in line.checks]

    @property
    def finished(self) -> Finished | None:
        """The last line, when the run came to its end."""
        return next((line for line in self.lines if isinstance(line, Finished)), None)

    def run(self) -> dict[str, CheckResult]:
        """Grade; returns the results."""
        with self._grader() as grader, ThreadPoolExecutor(8) as pool:
            assert grader.stdin is not None
            assert grader.stdout is not None
            self._say(grader, self.brief)
            for raw in grader.stdout:
                line = FROM_GRADER.validate_json(raw)
                self.lines.append(line)
                if isinstance(line, Request):
                    pool.submit(self._serve, grader, line)
                elif isinstance(line, CheckFinished) and self._echo:
                    show(line.result)
            self.returncode = grader.wait()
        return self.results

    @contextmanager
    def _grader(self) -> Iterator[subprocess.Popen[bytes]]:
        with (self._folder / "stderr").open("w+b") as err:
            process = subprocess.Popen(
                [sys.executable, "-m", "harness.checks", str(self.tests)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=err,
                cwd=self._folder,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
            try:
                yield process
            finally:
                process.kill()
                process.wait()
                for stream in (process.stdin, process.stdout):
                    assert stream is not None
                    stream.close()
                for sut in self._suts.values():
                    sut.remove()
                err.seek(0)
                self.stderr = err.read().decode("utf-8", "replace")
        shutil.rmtree(self._folder, ignore_errors=True)

    def _say(self, grader: subprocess.Popen[bytes], line: GraderBrief | Reply) -> None:
        assert grader.stdin is not None
        with self._lock:
            grader.stdin.write(line.model_dump_json().encode() + b"\n")
            grader.stdin.flush()

    def _serve(self, grader: subprocess.Popen[bytes], request: Request) -> None:
        if request.verb == self.refuse_verb:
            reply = Reply(id=request.id, error="the engine does not answer")
        else:
            reply = Reply(id=request.id, value=self._do(request))
        self._say(grader, reply)

    def _do(self, request: Request) -> dict[str, Any]:  # noqa: PLR0911  # one for each verb
        if request.verb in ("take_turn", "end_turn"):
            return {}
        if request.verb == "claim":
            return {"granted": request.args["check"] not in self.taken}
        if request.verb == "start":
            return self._start()
        sut = self._suts[request.sut]
        if request.verb == "stop":
            return sut.stop(request.args["grace_sec"])
        if request.verb == "logs":
            return {"text": sut.logs(request.args["max_bytes"])}
        if request.verb == "state":
            return sut.state()
        if request.verb == "stats":
            return sut.stats()
        if request.verb == "kill":
            sut.process.kill()
            sut.process.wait()
        elif request.verb == "restart":
            sut.start()
        elif request.verb == "put_data":
            sut.put_data(request.args["files"])
        elif request.verb == "remove":
            sut.remove()
        return {}

    def _start(self) -> dict[str, Any]:
        folder = Path(tempfile.mkdtemp(prefix="sut-", dir=self._folder))
        data = folder / "data"
        data.mkdir()
        env = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        env |= self.spec.env | self._env | {"DATA_DIR": str(data), "HOST": "127.0.0.1"}
        for item in self.brief.upstreams:
            old = f"//{item.host}:{item.port}"
            new = f"//{item.bind_host}:{item.bind_port}"
            env = {name: value.replace(old, new) for name, value in env.items()}
        sut = LocalSut(self.spec, self.source, folder, env)
        sut.start()
        with self._lock:
            name = f"sut-{len(self._suts) + 1}"
            self._suts[name] = sut
        return {"sut": name, "address": f"127.0.0.1:{sut.port}"}


def interview_of(task: Path) -> InterviewSection:
    """The `[interview]` section of a task on disk."""
    spec = tomllib.loads((task / "task.toml").read_text())
    return InterviewSection.model_validate(spec["interview"])


def show(result: CheckResult) -> None:
    """One result for a person at a terminal."""
    print(
        f"{result.outcome.value:8} {result.id:36} {result.duration_sec:6.1f} s "
        f"x{result.attempts}  {result.summary[:300]}",
        flush=True,
    )


def main() -> None:
    """Grade a folder and print each result as it comes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("task", type=Path)
    parser.add_argument("submission", type=Path)
    parser.add_argument("--only", nargs="*", default=())
    parser.add_argument("--seed", default="00")
    parser.add_argument("--no-confirm", action="store_true")
    parser.add_argument("--env", nargs="*", default=(), metavar="NAME=VALUE")
    parser.add_argument("--measurements", action="store_true")
    args = parser.parse_args()
    standin = StandIn(
        interview_of(args.task),
        (args.task / "tests").resolve(),
        args.submission.resolve(),
        only=args.only,
        seed=args.seed,
        confirm=not args.no_confirm,
        env=dict(item.split("=", 1) for item in args.env),
        echo=True,
    )
    began = time.monotonic()
    results = standin.run()
    if args.measurements:
        for result in results.values():
            print(f"\n{result.id}\n  {result.summary}")
            for item in result.measurements:
                print(f"  {item.met!s:5} {item.name}: {item.value} {item.unit} {item.threshold}")
            if result.log_tail:
                print("  log: " + result.log_tail[-500:].replace("\n", "\n       "))
    print(standin.stderr[-3000:], file=sys.stderr)
    print(f"{len(results)} of {len(standin.declared)} checks, {time.monotonic() - began:.1f} s")
    sys.exit(0 if standin.finished else 3)


if __name__ == "__main__":
    main()
