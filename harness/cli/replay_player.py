"""Where a person is in a replay, and what each key does there; draws nothing."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from harness.loop.replaying import Replay, Wanted, says
from harness.models.replay import Moment

LONGEST_WAIT_SEC = 3.0
"""While it plays, a longer silence is cut to this, whatever the speed."""
SPEEDS = (1, 2, 4, 8, 16, 32, 64)
_PAGE = 10

_KEYS = re.compile(r"\x1b\[[0-9;]*[A-Za-z~]|\x1bO[A-Z]|.", re.DOTALL)
_NAMES = {
    "\x1b[C": "right", "\x1bOC": "right", "\x1b[D": "left", "\x1bOD": "left",
    "\x1b[A": "up", "\x1bOA": "up", "\x1b[B": "down", "\x1bOB": "down",
    "\x1b[5~": "page up", "\x1b[6~": "page down", "\x1b[H": "first", "\x1b[F": "last",
    "\r": "return", "\n": "return", "\x1b": "escape", "\x7f": "rub out", "\x08": "rub out",
}  # fmt: skip
_LETTERS = {"l": "right", "h": "left", "k": "up", "j": "down", "g": "first", "G": "last"}

JUMPS: dict[str, tuple[str, Wanted]] = {
    "t": ("failing test run", lambda moment: moment.kind == "test" and moment.ok is False),
    "e": ("edit", lambda moment: moment.kind == "edit"),
    "c": ("command", lambda moment: moment.kind in ("command", "test")),
    "p": ("prompt", lambda moment: moment.kind == "prompt"),
    "i": ("pitfall", lambda moment: bool(moment.pitfalls)),
    "o": ("note", lambda moment: moment.kind == "note"),
}
"""Small letter: the next one; capital letter: the one before."""


_MARK = re.compile(r"[>|] (tool( gave back)?: )?")


def lines_of(moment: Moment, width: int) -> list[str]:
    """A moment's detail line by line; what was said is wrapped, each piece with its mark."""
    lines = moment.detail.expandtabs(4).splitlines()
    if moment.kind not in ("prompt", "aside"):
        return lines
    return [piece for line in lines for piece in _wrapped(line, width)]


def _wrapped(line: str, width: int) -> list[str]:
    mark = found.group() if (found := _MARK.match(line)) else ""
    room = max(width - len(mark), 20)
    pieces = textwrap.wrap(line[len(mark) :], room, replace_whitespace=False)
    return [mark + piece for piece in pieces or [""]]


def keys_of(data: bytes) -> Iterator[str]:
    """The keys in what a terminal sent, cursor keys by name."""
    for sent in _KEYS.findall(data.decode("utf-8", "replace")):
        yield _NAMES.get(sent, sent)


@dataclass
class Player:
    """A place in a replay."""

    replay: Replay
    at: int = 0
    scroll: int = 0
    """Lines of the detail that are above the window."""
    width: int = 80
    """Columns that the detail has."""
    speed: float = 8
    playing: bool = False
    ended: bool = False
    typing: str | None = None
    """What is being looked for, while it is typed."""
    words: str = ""
    message: str = ""
    _acts: dict[str, Callable[[], None]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._acts = {
            "right": lambda: self._step(1),
            "return": lambda: self._step(1),
            "left": lambda: self._step(-1),
            "first": lambda: self._go(0),
            "last": lambda: self._go(len(self.replay) - 1),
            "up": lambda: self._scroll(-1),
            "down": lambda: self._scroll(1),
            "page up": lambda: self._scroll(-_PAGE),
            "page down": lambda: self._scroll(_PAGE),
            " ": self._toggle,
            "+": lambda: self._faster(1),
            "-": lambda: self._faster(-1),
            "/": self._ask,
            "n": lambda: self._find(1),
            "N": lambda: self._find(-1),
            "q": self._quit,
        }

    @property
    def moment(self) -> Moment:
        """What is being looked at."""
        return self.replay[self.at]

    @property
    def wait_sec(self) -> float | None:
        """How long until the next moment while it plays; None when it stands."""
        if not self.playing or self.at + 1 >= len(self.replay):
            return None
        silence = self.replay[self.at + 1].start_sec - self.moment.start_sec
        return min(max(silence, 0.0) / self.speed, LONGEST_WAIT_SEC)

    def tick(self) -> None:
        """The wait is over."""
        self._step(1)
        self.playing = self.playing and self.at + 1 < len(self.replay)

    def press(self, key: str) -> None:
        """Do what a key says; unknown ones do nothing."""
        self.message = ""
        if self.typing is not None:
            self._type(key)
        elif _LETTERS.get(key, key) in self._acts:
            self._acts[_LETTERS.get(key, key)]()
        elif key.lower() in JUMPS:
            what, wanted = JUMPS[key.lower()]
            self._jump(what, wanted, 1 if key.islower() else -1)

    def _step(self, by: int) -> None:
        self._go(self.at + by)

    def _go(self, index: int) -> None:
        self.at = max(0, min(index, len(self.replay) - 1))
        self.scroll = 0

    def _scroll(self, lines: int) -> None:
        last = max(0, len(lines_of(self.moment, self.width)) - 1)
        self.scroll = max(0, min(self.scroll + lines, last))

    def _toggle(self) -> None:
        self.playing = not self.playing and self.at + 1 < len(self.replay)

    def _faster(self, by: int) -> None:
        place = min(range(len(SPEEDS)), key=lambda index: abs(SPEEDS[index] - self.speed))
        self.speed = SPEEDS[max(0, min(place + by, len(SPEEDS) - 1))]

    def _quit(self) -> None:
        self.ended = True

    def _ask(self) -> None:
        self.playing, self.typing = False, ""

    def _type(self, key: str) -> None:
        assert self.typing is not None
        if key == "return":
            self.words, self.typing = self.typing, None
            self._find(1)
        elif key == "rub out":
            self.typing = self.typing[:-1]
        elif key == "escape":
            self.typing = None
        elif len(key) == 1 and key.isprintable():
            self.typing += key

    def _find(self, step: int) -> None:
        if self.words:
            self._jump(f"“{self.words}”", says(self.words), step)

    def _jump(self, what: str, wanted: Wanted, step: int) -> None:
        found = self.replay.search(wanted, self.at, step=step)
        if found is None:
            self.message = f"No {what} {'after' if step > 0 else 'before'} this."
        else:
            self._go(found)
