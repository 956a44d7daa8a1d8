"""The grader's connection to an agent: programs go out, outcomes come back, all of it bounded."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from harness.checks.differential.program import Program

Json = Any

NONSENSE = "does not answer as agreed"
CHUNK = 1 << 18
MAX_END = 200
MAX_FRAME_BYTES = 16 * 1024 * 1024
"""Of the answers to one request; a stage sends far less unless somebody else speaks for it."""
CONNECT_SEC = 10.0
IMPORT_SEC = 40.0
PLAY_SEC = 5.0
"""What one program may take; most take a millisecond."""
SPARE_SEC = 5.0
"""Until the agent has said that a program took too long."""


@dataclass(frozen=True)
class Setting:
    """What surrounds the module and must not matter."""

    hash_seed: int = 0
    tz: str = "UTC"


HOME = Setting()
ELSEWHERE = (
    Setting(1, "Pacific/Kiritimati"),
    Setting(20, "America/New_York"),
    Setting(300, "Asia/Kolkata"),
    Setting(4000, "UTC"),
)
"""Where the original meets itself; each stage also has a folder of its own."""


@dataclass(frozen=True)
class Target:
    """What a stage imports."""

    modules: tuple[str, ...]
    path: tuple[str, ...] = (".",)


@dataclass(frozen=True)
class Played:
    """What came of a program."""

    outcomes: tuple[Json, ...]
    """One for each call that was finished, then what the kept objects have become."""
    end: str = ""
    """Why not all of it was played; empty when it was."""


@dataclass(frozen=True)
class Answer:
    """What came of a program, as it came."""

    body: bytes = b""
    """A list of outcomes in JSON; nothing is known of what a submission sends."""
    end: str = ""

    @property
    def played(self) -> Played:
        """Read."""
        try:
            outcomes = json.loads(self.body)
        except (ValueError, RecursionError):
            outcomes = None
        if not isinstance(outcomes, list):
            return Played((), self.end or NONSENSE)
        return Played(tuple(outcomes), self.end)


class Gone(Exception):  # noqa: N818 - a finding about the other side
    """The other side does not answer, or not as agreed."""


class Stage:
    """One connection: an import of the module, and programs played from there.

    Blocking, for use in a thread. Whatever the other side does is an `Answer` that says so, and
    the next request opens a new connection when this one is lost.

    Args:
        address: `host:port` of the agent.
        token: It answers to nobody else.
        target: What to import.
        setting: Hash seed and time zone.
    """

    def __init__(self, address: str, token: str, target: Target, setting: Setting = HOME) -> None:
        self._address = address
        self._hello = {
            "token": token,
            "modules": list(target.modules),
            "path": list(target.path),
            "hash_seed": setting.hash_seed,
            "tz": setting.tz,
        }
        self._socket: socket.socket | None = None
        self._held = bytearray()
        self._lost = ""
        self._wanted = 0
        self._limit = self._until = 0.0

    def close(self) -> None:
        """Hang up; the stage at the other end is over then."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def opened(self) -> Json:
        """Connect, unless that is done, and import the modules.

        Returns:
            None, or the encoded exception that the import raised.

        Raises:
            Gone: Nobody answers.
        """
        if self._socket is not None:
            return None
        host, _, port = self._address.rpartition(":")
        try:
            self._socket = socket.create_connection((host, int(port)), timeout=CONNECT_SEC)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._held.clear()
            self._send(_encoded(self._hello))
            answer = self._receive(IMPORT_SEC)
        except OSError as exc:
            self.close()
            raise Gone(f"cannot be reached: {exc}") from exc
        if not isinstance(answer, dict) or "imported" not in answer:
            self.close()
            raise Gone(NONSENSE)
        if answer["imported"] is not None:
            self.close()
        return answer["imported"]

    def play(self, program: Program, *, limit_sec: float = PLAY_SEC) -> Played:
        """What comes of one program from a fresh import."""
        self.begin((program,), limit_sec=limit_sec)
        return self.end()[0].played

    def begin(
        self,
        programs: Sequence[Program],
        *,
        limit_sec: float = PLAY_SEC,
        within_sec: float = 0.0,
        apart: bool = False,
    ) -> None:
        """Send programs; `end` has what came of them.

        Args:
            programs: At least one.
            limit_sec: For each of them.
            within_sec: No other than the first is begun later than that.
            apart: Each is played from a fresh import, instead of one after another.
        """
        self._lost = ""
        self._wanted = len(programs)
        self._limit = limit_sec + SPARE_SEC
        request = {
            "op": "play",
            "count": len(programs),
            "limit_sec": limit_sec,
            "apart": apart,
        }
        began = time.monotonic()
        try:
            self._import()
            within_sec = max(0.0, began + within_sec - time.monotonic())
            request["within_sec"] = within_sec
            self._send(_encoded(request), *(program.wire for program in programs))
        except (Gone, OSError) as exc:
            self.close()
            self._lost = str(exc)
        self._until = time.monotonic() + within_sec + self._limit

    def end(self) -> list[Answer]:
        """What came of the programs that were begun last, in their order.

        Fewer answers than programs when time was over; and one that came to no end is the last.
        """
        if self._lost:
            return [Answer(end=self._lost)]
        answers: list[Answer] = []
        try:
            answers.extend(self._answers())  # those before the trouble stay
        except Gone as exc:
            self.close()
            answers.append(Answer(end=str(exc)))
        return answers[: self._wanted]

    def _answers(self) -> Iterator[Answer]:
        number = total = 0
        while body := self._frame(min(time.monotonic() + self._limit, self._until)):
            number += 1
            total += len(body)
            if number > self._wanted or total > MAX_FRAME_BYTES:
                raise Gone(NONSENSE)
            yield _answer(body)
        if not number:
            raise Gone(NONSENSE)

    def ask(self, request: Json, *, limit_sec: float) -> Json:
        """Another request, and its answer.

        Raises:
            Gone: There is none.
        """
        self._import()
        self._send(_encoded(request))
        return self._receive(limit_sec)

    def _import(self) -> None:
        if (raised := self.opened()) is not None:
            why = raised if isinstance(raised, dict) else {}
            raise Gone(f"cannot be imported: {why.get('class')}: {str(why.get('text'))[:200]}")

    def _send(self, *bodies: bytes) -> None:
        held = self._connected()
        held.settimeout(CONNECT_SEC)
        held.sendall(b"".join([struct.pack(">I", len(body)) + body for body in bodies]))

    def _receive(self, limit_sec: float) -> Json:
        try:
            return json.loads(self._frame(time.monotonic() + limit_sec))
        except (ValueError, RecursionError) as exc:
            raise Gone(NONSENSE) from exc

    def _frame(self, until: float) -> bytes:
        try:
            (size,) = struct.unpack(">I", self._exactly(4, until))
            if size > MAX_FRAME_BYTES:
                raise Gone("says more than is allowed")
            return self._exactly(size, until)
        except TimeoutError as exc:
            raise Gone("does not answer in time") from exc
        except OSError as exc:
            raise Gone(f"the connection broke: {exc}") from exc

    def _exactly(self, count: int, until: float) -> bytes:
        held = self._connected()
        while len(self._held) < count:
            left = until - time.monotonic()
            if left <= 0:
                raise TimeoutError
            held.settimeout(left)
            chunk = held.recv(CHUNK)
            if not chunk:
                raise Gone("has lost its process")
            self._held += chunk
        taken = bytes(self._held[:count])
        del self._held[:count]
        return taken

    def _connected(self) -> socket.socket:
        if self._socket is None:
            raise Gone("has been hung up")
        return self._socket


def _encoded(value: Json) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("ascii")


def _answer(body: bytes) -> Answer:
    end, _, outcomes = body.partition(b"\n")
    return Answer(outcomes, end[:MAX_END].decode("ascii", "replace"))


def closing(stages: list[Stage]) -> None:
    """Hang up everywhere."""
    for stage in stages:
        with suppress(OSError):
            stage.close()
