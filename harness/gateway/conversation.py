"""Requests understood: messages stored once, and each exchange beside the one it continues."""

from __future__ import annotations

import hashlib
import marshal
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic_core import to_json

from harness.gateway.formats import Asked, Format
from harness.gateway.labels import label
from harness.gateway.spool import Spool
from harness.models.exchange import Label, Message, MessageRef, Operation

MAX_MESSAGES = 20_000
"""Of one request; the line of an exchange has to fit what a reader takes."""
_KNOWN_BYTES = 32 * 1024 * 1024
"""Of messages that need not be understood again when they are resent."""
_BEGINNINGS = 200_000
"""Of conversations, in all sessions, that are found again."""
_REPLIES = 10_000
"""That a later request may name."""
_WITHOUT_REFERENCES = 2
_LOOKED_AT = 30
"""Newest messages that tell what kind of call it is."""


@dataclass(frozen=True, slots=True)
class Understood:
    """A request by the hashes of what it says."""

    label: Label
    system: str | None
    tools: str | None
    all: tuple[MessageRef, ...]
    """Every message of the request, in order."""
    continues: str | None
    kept: int
    fresh: tuple[MessageRef, ...]
    """Those that the continued exchange does not have."""


class Conversations:
    """Every session's conversations, as far as they have to be remembered."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._known: dict[tuple[str, str, bytes], tuple[MessageRef, Message]] = {}
        self._known_bytes = 0
        self._tools: dict[bytes, str] = {}
        self._beginnings: dict[bytes, tuple[str, int]] = {}
        self._replies: dict[tuple[str, str], tuple[str, int]] = {}

    def understand(
        self, session: str, asked: Asked, form: Format, operation: Operation
    ) -> Understood:
        """Store what is new in a request.

        Raises:
            RecordingError: The record cannot be written.
        """
        stored = [
            self._stored(form.name, raw.role, raw.items, partial(form.message, raw))
            for raw in asked.messages
        ]
        instructions = None
        if asked.system:
            instructions = self._stored(
                form.name, "", asked.system, partial(form.instructions, asked.system)
            )
        references = tuple(reference for reference, _ in stored)
        continues, kept = self._replies.get((session, asked.previous), (None, 0))
        resent = continues is None
        if resent:
            continues, kept = self._beginning(session, references)
        return Understood(
            label=label(
                operation,
                asked,
                instructions=instructions[1] if instructions else None,
                last=[message for _, message in stored[:2] + stored[2:][-_LOOKED_AT:]],
            ),
            system=instructions[0].sha256 if instructions else None,
            tools=self._tools_stored(asked.tools) if asked.tools else None,
            all=references,
            continues=continues,
            kept=kept,
            fresh=references[kept:] if resent else references,
        )

    def remember(
        self,
        session: str,
        exchange: str,
        understood: Understood,
        *,
        reply: MessageRef | None,
        reply_id: str,
    ) -> None:
        """A later request may begin with this, its reply or not, or name its reply."""
        if reply_id:
            count = understood.kept + len(understood.fresh) + (reply is not None)
            self._replies[session, reply_id] = (exchange, count)
            if len(self._replies) > _REPLIES:
                del self._replies[next(iter(self._replies))]
        if understood.kept and understood.fresh == understood.all:
            return  # it named the reply before: what it sent is no beginning
        whole = (*understood.all, reply) if reply is not None else understood.all
        if len(self._beginnings) + len(whole) > _BEGINNINGS:
            self._beginnings.clear()
        for count, digest in enumerate(_beginnings(session, whole), start=1):
            self._beginnings.setdefault(digest, (exchange, count))

    def _stored(
        self, form: str, role: str, raw: object, read: Callable[[], Message]
    ) -> tuple[MessageRef, Message]:
        """A message's reference; one that was seen before is not read again."""
        name = _named(raw)
        found = self._known.get((form, role, name))
        if found is None:
            self._known_bytes += len(name)
            if self._known_bytes > _KNOWN_BYTES:
                self._known.clear()
                self._known_bytes = len(name)
            message = read()
            found = self._known[form, role, name] = (self._spool.store(message), message)
        return found

    def _tools_stored(self, tools: object) -> str:
        name = _named(tools)
        found = self._tools.get(name)
        if found is None:
            if len(self._tools) >= 8:  # noqa: PLR2004 - a client has one set or two
                self._tools.clear()
            found = self._tools[name] = self._spool.store_text(to_json(tools).decode())
        return found

    def _beginning(self, session: str, said: tuple[MessageRef, ...]) -> tuple[str | None, int]:
        """The exchange with the longest beginning that this request has, too."""
        for digest in reversed(_beginnings(session, said)):
            if (found := self._beginnings.get(digest)) is not None:
                return found
        return None, 0


def _named(value: Any) -> bytes:  # noqa: ANN401 - JSON as it was parsed
    """Bytes that two values of JSON share when they are the same, 1, 1.0 and true told apart.

    A third of the time that JSON takes, and most of a long conversation is named again with
    each request. Version 2 has no references, so that equal values are equal bytes.
    """
    return marshal.dumps(value, _WITHOUT_REFERENCES)


def _beginnings(session: str, said: tuple[MessageRef, ...]) -> list[bytes]:
    """A digest for each count of leading messages, from one to all."""
    running, digests = hashlib.blake2b(session.encode(), digest_size=16), []
    for reference in said:
        running.update(reference.sha256.encode())
        digests.append(running.digest())
    return digests
