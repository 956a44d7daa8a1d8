"""File names a candidate chose <-> text that is safe to print and store.

A path is bytes without NUL; text may be shown, logged and put into JSON. The
mapping loses nothing, so a path read in an event finds its file again.
"""

from __future__ import annotations

import re

_ESCAPE = re.compile(rb"\\(\\|x[0-9a-f]{2})")


def path_text(raw: bytes) -> str:
    r"""A path as printable text: what is not printable UTF-8 becomes `\xNN`, `\` becomes `\\`.

    Control characters, undecodable bytes and invisible characters such as
    bidirectional overrides are escaped byte by byte.
    """
    text = raw.decode("utf-8", "surrogateescape")
    if text.isprintable() and "\\" not in text:
        return text
    return "".join(map(_escaped, text))


def _escaped(char: str) -> str:
    if char == "\\":
        return "\\\\"
    if char.isprintable():
        return char
    return "".join(f"\\x{byte:02x}" for byte in char.encode("utf-8", "surrogateescape"))


def path_bytes(text: str) -> bytes:
    """The path that `path_text` made `text` from."""
    return _ESCAPE.sub(_unescaped, text.encode("utf-8", "surrogateescape"))


def _unescaped(match: re.Match[bytes]) -> bytes:
    token = match[1]
    return token if token == b"\\" else bytes.fromhex(token[1:].decode())
