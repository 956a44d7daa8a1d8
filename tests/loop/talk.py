"""Exchanges with an assistant, put into a session's record as the gateway's intake would."""

from __future__ import annotations

from harness.models.event import ExchangeRecorded
from harness.models.exchange import Exchange, Message, MessageRef, Part, ScriptMarks, TextPart
from harness.store import Store


def record_exchange(
    store: Store,
    session_id: str,
    id_: str,
    prompt: str,
    *parts: Part,
    pitfalls: tuple[str, ...] = (),
    **changes: object,
) -> int:
    """A prompt and its reply, just now; the number of its event.

    Args:
        id_: The gateway's for the exchange.
        prompt: What was typed.
        parts: Of the reply; without any there is none.
        pitfalls: Declared ones that the reply offers.
        changes: Of the exchange.
    """
    last = list(store.events(session_id))[-1].at
    fields: dict[str, object] = {
        "id": id_,
        "session": session_id,
        "at": last,
        "format": "anthropic",
        "operation": "generate",
        "method": "POST",
        "path": "/v1/messages",
        "label": "turn",
        "outcome": "completed",
        "status": 200,
        "duration_sec": 0.0,
        "model": "some-model",
        "messages": (_kept(store, Message(role="user", parts=(TextPart(text=prompt),))),),
        "reply": _kept(store, Message(role="assistant", parts=parts)) if parts else None,
        "script": ScriptMarks(upstream="scripted", pitfalls=pitfalls) if pitfalls else None,
    }
    exchange = Exchange.model_validate(fields | changes)
    return store.append(session_id, ExchangeRecorded(exchange=exchange)).seq


def _kept(store: Store, message: Message) -> MessageRef:
    body = message.model_dump_json().encode()
    return MessageRef(sha256=store.put_blob(body), role=message.role)
