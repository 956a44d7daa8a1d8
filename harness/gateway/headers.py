"""Which headers go on, in each direction, and where a key stands."""

from __future__ import annotations

from collections.abc import Mapping

from multidict import CIMultiDict, CIMultiDictProxy

from harness.gateway.formats.loose import text
from harness.models.exchange import ClientMarks, ScriptMarks, WireFormat

_HOP = {
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}
_NOT_UP = _HOP | {
    "host",
    "content-length",
    "content-encoding",
    "expect",
    "accept-encoding",
    "authorization",
    "x-api-key",
    "x-goog-api-key",
    "api-key",
    "cookie",
    "forwarded",
    "x-forwarded-for",
}
_NOT_DOWN = _HOP | {"set-cookie", "content-length"}
_OWN = "x-harness-"
"""Headers between the gateway and its own upstreams."""
_CAP = 200
"""Of what is recorded of a client's header."""


def printable(text: str, limit: int) -> str:
    """Text that somebody else chose, fit for the record: UTF-8, without controls, bounded."""
    if text.isprintable() and len(text) <= limit:
        return text
    whole = text[:limit].encode("utf-8", "replace").decode()
    return "".join(letter if letter.isprintable() else "?" for letter in whole)


def key_in(headers: Mapping[str, str], query: Mapping[str, str]) -> str:
    """The session key, wherever the client's format puts it; empty without one."""
    scheme, _, bearer = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and bearer.strip():
        return bearer.strip()
    return headers.get("x-api-key") or headers.get("x-goog-api-key") or query.get("key", "")


def upward(
    headers: CIMultiDictProxy[str], form: WireFormat, key: str, more: Mapping[str, str]
) -> CIMultiDict[str]:
    """A client's headers for the upstream, with the upstream's own key."""
    passed = CIMultiDict(
        (name, value)
        for name, value in headers.items()
        if name.lower() not in _NOT_UP and not name.lower().startswith(_OWN)
    )
    passed["Accept-Encoding"] = "identity"  # a compressed reply could not be read beside
    if key and form == "anthropic":
        passed["x-api-key"] = key
    elif key and form == "gemini":
        passed["x-goog-api-key"] = key
    elif key:
        passed["Authorization"] = f"Bearer {key}"
    for name, value in more.items():
        passed[name] = value
    return passed


def downward(headers: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    """An upstream's headers for the client."""
    return CIMultiDict(
        (name, value)
        for name, value in headers.items()
        if name.lower() not in _NOT_DOWN and not name.lower().startswith(_OWN)
    )


def client_marks(headers: Mapping[str, str], body: object) -> ClientMarks:
    """What a client says of itself, for finding its own records again."""
    session = (
        headers.get("x-claude-code-session-id")
        or headers.get("session-id")
        or headers.get("x-session-id")
        or text(body, "prompt_cache_key")
    )
    retry = headers.get("x-stainless-retry-count", "0")
    return ClientMarks(
        user_agent=printable(headers.get("user-agent", ""), _CAP),
        session=printable(session, _CAP),
        turn=printable(headers.get("x-client-request-id", ""), _CAP),
        retry=int(retry) if retry.isascii() and retry.isdigit() and len(retry) < 4 else 0,  # noqa: PLR2004 - more than 999 is no count
    )


def script_marks(headers: Mapping[str, str]) -> ScriptMarks | None:
    """What one of our own upstreams says of its answer."""
    kind = headers.get("x-harness-upstream")
    if kind not in {"scripted", "replay"}:
        return None
    return ScriptMarks.model_validate(
        {
            "upstream": kind,
            "turn": headers.get("x-harness-turn", ""),
            "pitfalls": tuple(filter(None, headers.get("x-harness-pitfalls", "").split(","))),
        }
    )
