"""One assistant request and its reply, as the gateway recorded it.

The gateway writes lines: `Stored` bodies by content hash, an `ExchangeBegun` when a
request arrives, an `Exchange` when it is over. A resent history is not written again:
an exchange names the earlier one that it continues and how much of that it resends.

Source: what each wire format reports, `facts/assistant.md` section 1.2; part names
after OpenTelemetry GenAI messages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, Field, model_validator

from harness.models.base import Model

ID_PATTERN = r"^[a-z0-9]+(-[a-z0-9]+)*$"
"""Of a scripted assistant's turns and pitfalls."""

WireFormat = Literal["anthropic", "responses", "chat", "gemini"]
"""Anthropic Messages, OpenAI Responses, OpenAI Chat Completions, Gemini generateContent."""

AssistantKind = Literal["scripted", "provider"]
"""The task author's script, or what the operator configured: a provider, a model server."""

Operation = Literal["generate", "count_tokens", "models", "other"]
"""What was asked for; only `generate` has a conversation."""

Outcome = Literal["completed", "failed", "cut", "aborted", "refused", "lost"]
"""How it ended: as it should; with the upstream's error; cut by the upstream mid-reply; the
client hung up; refused by the gateway; the gateway itself ended (told by the reader)."""

Label = Literal["turn", "tool-round", "aux:title", "aux:commit", "aux:count", "aux:models", "other"]
"""A person's turn, a tool's result going back, or a call that the client makes by itself."""


class TextPart(Model):
    """Text that somebody wrote."""

    part: Literal["text"] = "text"
    text: str
    injected: bool = False
    """Put there by the client (reminders, environment), not typed by the person."""


class ReasoningPart(Model):
    """What a model showed of its thinking."""

    part: Literal["reasoning"] = "reasoning"
    text: str


class ToolCallPart(Model):
    """The assistant asks the client to do something."""

    part: Literal["tool_call"] = "tool_call"
    id: str = ""
    name: str
    arguments: str
    """JSON as compact as it goes; a freeform tool's input as it is."""


class ToolResultPart(Model):
    """What came of a tool call."""

    part: Literal["tool_result"] = "tool_result"
    id: str = ""
    text: str
    failed: bool = False


class OtherPart(Model):
    """Anything else, such as an image: its kind, size and hash; its bytes are not kept."""

    part: Literal["other"] = "other"
    kind: str
    bytes: int = Field(ge=0)
    sha256: str


Part = Annotated[
    TextPart | ReasoningPart | ToolCallPart | ToolResultPart | OtherPart,
    Field(discriminator="part"),
]
"""A piece of a message."""


class Message(Model):
    """One message of a conversation, the same whichever format carried it.

    What changes when a client sends it again (cache marks, signatures) is left out, so
    that the same message has the same hash in every request.
    """

    role: str
    """`system`, `developer`, `user`, `assistant` or `tool`; others as sent."""
    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """What was written, injected text left out, parts on lines of their own."""
        return "\n".join(
            part.text for part in self.parts if isinstance(part, TextPart) and not part.injected
        )


class MessageRef(Model):
    """A message by content hash."""

    sha256: str
    """Of its JSON, hex; see `Stored`."""
    role: str


class Usage(Model):
    """Tokens, normalised: the three kinds of input do not overlap."""

    fresh_in: int = Field(default=0, ge=0)
    """Input that was neither read from nor written to a cache."""
    cache_read: int = Field(default=0, ge=0)
    cache_write: int = Field(default=0, ge=0)
    out: int = Field(default=0, ge=0)
    """All output, reasoning included."""
    reasoning: int = Field(default=0, ge=0)
    """The part of `out` known to be reasoning."""

    @property
    def total(self) -> int:
        """All tokens in and out."""
        return self.fresh_in + self.cache_read + self.cache_write + self.out


class ClientMarks(Model):
    """What a client says of itself; candidate-controlled, capped."""

    user_agent: str = ""
    session: str = ""
    """The client's own session, such as Claude Code's transcript name."""
    turn: str = ""
    retry: int = 0
    """Which retry of the same request this is, when the client says so."""


class Pitfall(Model):
    """A suggestion that looks right and is not, declared so that everybody meets the same one."""

    id: str = Field(pattern=ID_PATTERN)
    says: str = Field(min_length=1)
    """What is wrong with it, for the interviewer."""
    better: str = Field(min_length=1)
    """What a careful engineer does instead."""
    signs: tuple[str, ...] = ()
    """Regular expressions; one of them in an added line of the final diff means shipped."""
    cures: tuple[str, ...] = ()
    """Regular expressions; with one of them in an added line a sign means nothing."""

    @model_validator(mode="after")
    def _signs_are_patterns(self) -> Self:
        for sign in (*self.signs, *self.cures):
            try:
                re.compile(sign)
            except re.error as exc:
                raise ValueError(f"'{sign}' is no regular expression: {exc}") from exc
        return self


class ScriptMarks(Model):
    """What an upstream without a model says of its answer."""

    upstream: Literal["scripted", "replay"]
    turn: str = ""
    """Which of the author's turns, or which recorded exchange, was the answer."""
    pitfalls: tuple[str, ...] = ()
    """Ids of the declared pitfalls in this answer."""


class Exchange(Model):
    """One request and what came of it."""

    record: Literal["exchange"] = "exchange"
    id: str
    """Sorts by time of arrival."""
    session: str | None
    """None when the key was unknown."""
    at: AwareDatetime
    """Arrival, UTC."""
    format: WireFormat | None
    operation: Operation
    method: str
    path: str
    """Without query, capped; candidate-controlled."""
    label: Label
    outcome: Outcome
    status: int | None
    """HTTP status that the client got; None when it hung up before."""
    reason: str = ""
    """Why it was refused or failed, in a word, such as "budget-tokens"."""
    problem: str = ""
    """The same in a sentence, or the upstream's own error, capped."""
    first_byte_sec: float | None = Field(default=None, ge=0)
    """Seconds from arrival to the first byte of the reply; None without one."""
    duration_sec: float = Field(ge=0)
    model: str = ""
    """As asked for."""
    answered_by: str = ""
    """The model as the reply names it."""
    stream: bool = False
    request_bytes: int = Field(default=0, ge=0)
    reply_bytes: int = Field(default=0, ge=0)
    """Body bytes that were passed on to the client."""
    reply_sha256: str = ""
    """Of the upstream's body bytes as they came."""
    system: str | None = None
    """Hash of the instructions, as a stored message."""
    tools: str | None = None
    """Hash of the tools' JSON."""
    continues: str | None = None
    """Id of an earlier exchange whose beginning this one resends."""
    kept: int = Field(default=0, ge=0)
    """How many leading messages of that one, its reply counted last."""
    messages: tuple[MessageRef, ...] = ()
    """The messages after those."""
    reply: MessageRef | None = None
    """What was answered, as far as it came."""
    truncated: bool = False
    """The reply was longer than what is kept of one."""
    malformed: int = Field(default=0, ge=0)
    """Events of the stream that could not be read; they were passed on as they were."""
    finish: str = ""
    """Why the reply ended, in the format's own word."""
    usage: Usage | None = None
    """As the upstream reported it; None when it did not."""
    charged_tokens: int = Field(default=0, ge=0)
    """What the token budget was charged: the usage, or an estimate where there is none."""
    charged_usd: float = Field(default=0.0, ge=0)
    """By the configured prices; 0 without prices."""
    client: ClientMarks = ClientMarks()
    script: ScriptMarks | None = None

    def bodies(self) -> Iterator[tuple[str, str]]:
        """Hashes of the stored bodies that it names, each with what it is."""
        for reference in self.messages:
            yield reference.sha256, "assistant message"
        if self.reply is not None:
            yield self.reply.sha256, "assistant reply"
        if self.system is not None:
            yield self.system, "assistant instructions"
        if self.tools is not None:
            yield self.tools, "assistant tools"


class ExchangeBegun(Model):
    """A request arrived; without an `Exchange` of that id after it, it was lost."""

    record: Literal["begun"] = "begun"
    id: str
    session: str | None
    at: AwareDatetime
    method: str
    path: str


class Stored(Model):
    """A body by content hash, or a piece of one: pieces of a body follow each other."""

    record: Literal["stored"] = "stored"
    sha256: str
    """Of the whole body's UTF-8 bytes, hex."""
    piece: int = Field(default=0, ge=0)
    pieces: int = Field(default=1, ge=1)
    text: str
    """JSON of a `Message`, or of a request's tools."""


class GatewayStarted(Model):
    """The first line of each run; what was under way before is lost."""

    record: Literal["started"] = "started"
    at: AwareDatetime
    version: str


GatewayRecord = Annotated[
    Exchange | ExchangeBegun | Stored | GatewayStarted, Field(discriminator="record")
]
"""One line of the gateway's spool."""
