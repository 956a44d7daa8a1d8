"""A stage: imports the modules under test, and plays programs in processes forked from there.

Started by `agent.py` beside the tree; standard library only, and little of it, since a fork
costs what the process holds. Only inputs come in. What goes out is made of exact types and never
of `==`, and the one who compares is elsewhere: whatever the module does to this process, it can
only spoil its own answers.

Frames are a length of four bytes and as many more. A request is a frame of JSON; with `play`,
`count` frames follow, a program each. Each program is answered by a frame: why it came to no end
(or nothing), a line feed, and a list of outcomes; an empty frame ends the answers. The programs of
a request share a process (`apart`: each has its own). After one that came to no end the rest
stays unanswered, and so it does when time is over: the grader asks again.

See `program.py` for what a program is, and `canon.py` for what a value looks like.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import signal
import struct
import sys
import time
import types
from collections.abc import Sequence
from importlib.machinery import SourceFileLoader
from typing import Any

HERE = os.path.dirname(os.path.abspath(__file__))
MAX_IN = 4 * 1024 * 1024
MAX_OUT = 2 * 1024 * 1024
"""More than that from one program is a flood."""
PLENTY = 6 * 1024 * 1024
"""After so much in answer to one request, the rest is for the next."""
HEAD = struct.Struct(">I")
LAST = 1 << 31
CHUNK = 65536
TOGETHER_SEC = 0.001
"""What is played in less is told in one go."""
ENCODE = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
DECODE = json.JSONDecoder().raw_decode
"""Bound here, out of reach for whoever patches `json` later."""


class Wire:
    """Frames on a descriptor; of the socket nothing else is needed."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._held = bytearray()

    def frame(self) -> bytes:
        """The next one.

        Raises:
            ConnectionError: There is none.
        """
        (size,) = HEAD.unpack(self._exactly(HEAD.size))
        if size > MAX_IN:
            raise ConnectionError("a frame is too long")
        return self._exactly(size)

    def send(self, *bodies: bytes) -> None:
        """A frame each, in one go."""
        _written(self.number, b"".join([HEAD.pack(len(body)) + body for body in bodies]))

    def _exactly(self, count: int) -> bytes:
        while len(self._held) < count:
            chunk = os.read(self.number, CHUNK)
            if not chunk:
                raise ConnectionError("nobody is there any more")
            self._held += chunk
        taken = bytes(self._held[:count])
        del self._held[:count]
        return taken


def _written(number: int, data: bytes) -> None:
    while data:
        data = data[os.write(number, data) :]


def stage(wire: Wire, hello: dict[str, Any]) -> None:
    """Import the modules, say how that went, and play until the grader hangs up."""
    tree = os.environ["TREE"]
    sys.path[:] = [
        os.path.normpath(os.path.join(tree, part)) for part in hello.get("path", ["."])
    ] + [part for part in sys.path if part not in ("", HERE)]
    sys.argv = ["module"]
    wire.send(ENCODE({"imported": _import(hello.get("modules", []))}).encode("ascii"))
    gc.collect()
    gc.freeze()
    while True:
        request = json.loads(wire.frame())
        if request["op"] == "play":
            play(wire, request)
        elif request["op"] == "suite":
            wire.send(ENCODE(beside("trees").run_suite(request, tree)).encode("ascii"))
        elif request["op"] == "read":
            wire.send(ENCODE(beside("trees").sources(tree, request["paths"])).encode("ascii"))


def _import(modules: list[str]) -> Any:  # noqa: ANN401 - JSON
    try:
        for name in modules:
            importlib.import_module(name)
    except BaseException as exc:  # noqa: BLE001 - whatever a module does at import is told
        return beside("canon").Canon().raised(exc)
    return None


def beside(name: str) -> Any:  # noqa: ANN401 - a module
    """The file beside this one, under a name that no module under test has."""
    known = f"_harness_{name}"
    found = sys.modules.get(known)
    if found is None:
        path = os.path.join(HERE, f"{name}.py")
        sys.modules[known] = found = types.ModuleType(known)
        found.__file__ = path
        SourceFileLoader(known, path).exec_module(found)
    return found


def later(name: str) -> None:
    """As `beside`, when somebody asks for something in it: few programs do."""
    stub = types.ModuleType(f"_harness_{name}")

    def attribute(wanted: str) -> Any:  # noqa: ANN401
        if wanted.startswith("__"):
            raise AttributeError(wanted)  # somebody only looks through all modules
        if sys.modules.get(stub.__name__) is stub:
            del sys.modules[stub.__name__]
        return getattr(beside(name), wanted)

    stub.__dict__["__getattr__"] = attribute
    sys.modules[stub.__name__] = stub


# -- playing -----------------------------------------------------------------------


def play(wire: Wire, request: dict[str, Any]) -> None:
    """Answer as many of the programs as come to an end in time, and say that this is all."""
    programs = [wire.frame() for _ in range(request["count"])]
    shares = [[one] for one in programs] if request["apart"] else [programs]
    limit = float(request["limit_sec"])
    stop = time.monotonic() + float(request["within_sec"])
    sent = 0
    for number, share in enumerate(shares):
        if number and (time.monotonic() > stop or sent > PLENTY):
            break
        relay = Relay(wire, share)
        if not relay.run(limit, stop):
            break
        sent += relay.sent
    wire.send(b"")


class Relay:
    """A process that plays programs, and the way of its answers to the grader.

    What it writes is passed on without being read: frames of outcomes in JSON, with commas
    between them. The first bit of a frame's length says that it is the last one of its program.
    """

    def __init__(self, wire: Wire, programs: Sequence[bytes]) -> None:
        self.sent = 0
        self._wire = wire
        self._left = len(programs)
        self._steps: list[bytes] = []
        self._taken = 0
        self._held = bytearray()
        self._back, out = os.pipe()
        self._child = os.fork()
        if self._child == 0:
            try:
                os.setpgid(0, 0)
                os.close(self._back)
                os.close(wire.number)
                _perform(out, programs)
            finally:
                os._exit(0)
        os.close(out)

    def run(self, limit: float, stop: float) -> bool:
        """Until all are answered, or one came to no end, or it is late.

        Args:
            limit: Seconds for each program.
            stop: No program is begun after that, on the monotonic clock.
        """
        try:
            end = self._run(limit, stop)
        finally:
            status = self._gone()
        if end == "gone":
            end = _how_it_ended(status)
        if end:
            self._wire.send(_answer(end, self._steps))
        return not end and not self._left

    def _run(self, limit: float, stop: float) -> str:
        poll = select.poll()
        poll.register(self._back, select.POLLIN)
        poll.register(self._wire.number, select.POLLIN)
        until = time.monotonic() + limit
        while True:
            ready = poll.poll(max(0.0, until - time.monotonic()) * 1000)
            if not ready:
                return f"hangs (no end within {limit:g} s)"
            if any(number == self._wire.number for number, _ in ready):
                raise ConnectionError("nobody waits for the answers")
            chunk = os.read(self._back, CHUNK)
            if not chunk:
                return "gone"
            if answers := self._answers(chunk):
                self._wire.send(*answers)
                now = time.monotonic()
                if not self._left or now > stop or self.sent > PLENTY:
                    return ""
                until = now + limit
            if self._taken + len(self._held) > MAX_OUT:
                return "floods"

    def _answers(self, chunk: bytes) -> list[bytes]:
        """Of the programs that this piece brings to their end."""
        held, at = self._held, 0
        held += chunk
        answers: list[bytes] = []
        while self._left and len(held) - at >= HEAD.size:
            (head,) = HEAD.unpack_from(held, at)
            end = at + HEAD.size + (head & ~LAST)
            if end > len(held):
                break
            self._steps.append(bytes(held[at + HEAD.size : end]))
            self._taken += end - at
            if head & LAST:
                answers.append(_answer("", self._steps))
                self.sent += self._taken
                self._steps, self._taken = [], 0
                self._left -= 1
            at = end
        del held[:at]
        return answers

    def _gone(self) -> int:
        os.close(self._back)
        for kill in (os.killpg, os.kill):
            try:
                kill(self._child, signal.SIGKILL)
            except OSError:
                continue
        return os.waitpid(self._child, 0)[1]


def _answer(end: str, steps: list[bytes]) -> bytes:
    return b"%s\n[%s]" % (end.encode("ascii"), b",".join(steps))


def _how_it_ended(status: int) -> str:
    # it closed the pipe by itself, so its status is its own unless we were quicker
    if os.WIFEXITED(status):
        return f"ended with exit code {os.WEXITSTATUS(status)}"
    return "ended early"


def _perform(pipe: int, programs: Sequence[bytes]) -> None:
    """Play them; alone, each outcome is told before the next call is made."""
    world, canon = beside("world").World, beside("canon").Canon
    alone = len(programs) == 1
    told = bytearray()
    began = time.monotonic()
    for text in programs:
        program = DECODE(text.decode("ascii"))[0]
        outcomes: list[Any] = []
        scene = world(program, canon)
        try:
            for step in program["steps"]:
                outcomes.append(scene.take(step))
                if alone:
                    _written(pipe, _framed(outcomes))
                    outcomes.clear()
            outcomes.append(scene.left())
        finally:
            scene.close()
        told += _framed(outcomes, LAST)
        if time.monotonic() - began > TOGETHER_SEC:
            _written(pipe, bytes(told))
            told.clear()
            began = time.monotonic()
    _written(pipe, bytes(told))


def _framed(outcomes: list[Any], last: int = 0) -> bytes:
    body = ENCODE(outcomes)[1:-1].encode("ascii")
    return HEAD.pack(len(body) | last) + body


if __name__ == "__main__":
    beside("canon")
    beside("world")
    later("exports")
    try:
        stage(Wire(int(sys.argv[1])), json.loads(sys.argv[2]))
    except OSError:
        sys.exit()  # the grader has hung up
