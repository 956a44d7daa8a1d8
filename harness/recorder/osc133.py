r"""Command boundaries in a hostile stream of terminal bytes.

The shell integration marks its prompts with OSC 133 (FinalTerm's semantic prompts):
`A` prompt begins, `B` command line begins, `C` output begins, `D;<status>` command
ended; the command's text comes with C as `cmdline_url=<percent-encoded UTF-8>`.
Terminals and players draw nothing for them.

Marks come from inside the workspace, so any program there can print them. With a
nonce (a random word that the shell gets at its start and adds to its marks) those
of other programs, such as a nested fish or a printed recording, do not count.

Source: kitty's shell-integration documentation ("Notes for shell developers") for
marks and cmdline_url, fish emits the same; the nonce after VS Code's OSC 633 E.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

MAX_PAYLOAD = 16 * 1024
"""Bytes of one mark; a longer one is dropped, and so are other sequences' bytes."""

TEXT_LIMIT = 2000
"""Characters kept of a command's text."""

Kind = Literal["prompt", "command", "output", "done"]

_FRAME = 8
"""Bytes of a mark around its payload."""

_KINDS: dict[bytes, Kind] = {b"A": "prompt", b"B": "command", b"C": "output", b"D": "done"}

_BODY = rb"[^\x07\x18\x1a\x1b]{0,%d}" % MAX_PAYLOAD
_MARK = re.compile(rb"\x1b\]133;(" + _BODY + rb")(?:\x07|\x1b\\)")
_UNFINISHED = re.compile(rb"\x1b(?:\](?:1(?:3(?:3(?:;" + _BODY + rb"\x1b?)?)?)?)?)?\Z")


@dataclass(frozen=True)
class Mark:
    """One boundary."""

    kind: Kind
    exit_code: int | None = None
    """With "done", when the shell told it."""
    text: str | None = None
    """With "output", when the shell told the command's text."""


class Osc133Parser:
    """Splits bytes into marks and everything else, however they are cut into chunks.

    Args:
        nonce: Marks without `harness=<nonce>` are then no marks; None takes all.
    """

    def __init__(self, nonce: str | None = None) -> None:
        self._nonce = nonce
        self._held = b""

    def feed(self, data: bytes) -> list[bytes | Mark]:
        """What came, in order; marks are taken out, other sequences stay as they are.

        The beginning of a mark, about `MAX_PAYLOAD` bytes at most, is held back for the
        next call.
        """
        data = self._held + data
        held = _UNFINISHED.search(data, max(0, len(data) - MAX_PAYLOAD - _FRAME))
        end = held.start() if held else len(data)
        self._held = data[end:]
        out: list[bytes | Mark] = []
        position = 0
        for found in _MARK.finditer(data, 0, end):
            mark = self._mark(found[1])
            if mark is not None:
                out += [part for part in (data[position : found.start()], mark) if part]
                position = found.end()
        if position < end:
            out.append(data[position:end])
        return out

    def flush(self) -> bytes:
        """The held-back bytes, at the end of the stream."""
        held, self._held = self._held, b""
        return held

    def _mark(self, payload: bytes) -> Mark | None:
        kind, *fields = payload.split(b";")
        if kind not in _KINDS:
            return None
        options = dict(field.partition(b"=")[::2] for field in fields)
        if self._nonce is not None and options.get(b"harness") != self._nonce.encode():
            return None
        return Mark(
            kind=_KINDS[kind],
            exit_code=_status(fields) if kind == b"D" else None,
            text=_text(options.get(b"cmdline_url")) if kind == b"C" else None,
        )


def _status(fields: list[bytes]) -> int | None:
    if fields and fields[0].isdigit() and len(fields[0]) <= 3:  # noqa: PLR2004  # 0 to 255
        return int(fields[0])
    return None


def _text(encoded: bytes | None) -> str | None:
    if encoded is None:
        return None
    return unquote(encoded.decode("utf-8", "replace"), errors="replace")[:TEXT_LIMIT]
