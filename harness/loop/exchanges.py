"""A session's exchanges as turns: what was said lies in blobs and is read here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta

from harness.errors import StoreError
from harness.loop.workspace import REPO
from harness.models.event import Event, ExchangeRecorded
from harness.models.exchange import Exchange, Message, MessageRef
from harness.models.transcript import Turn
from harness.signals.said import UNREADABLE, asked
from harness.signals.story import talks
from harness.store import Store


def recorded_turns(store: Store, events: Iterable[Event]) -> Iterator[Turn]:
    """The exchanges that the gateway recorded, as turns; those that failed have no reply.

    Raises:
        StoreError: A message is gone or is not what was recorded.
    """
    heads: dict[str, str] = {}
    for event in events:
        if isinstance(event.payload, ExchangeRecorded):
            exchange = event.payload.exchange
            heads[exchange.id] = heads.get(exchange.continues or "", exchange.id)
            yield turn_of(store, exchange, conversation=heads[exchange.id])


def turn_of(store: Store, exchange: Exchange, *, conversation: str = "") -> Turn:
    """One exchange with what was said.

    Args:
        store: Where its messages are.
        exchange: As the gateway recorded it.
        conversation: The exchange that began it.

    Raises:
        StoreError: A message is gone or is not what was recorded.
    """
    return Turn(
        id=exchange.id,
        conversation=conversation,
        at=exchange.at,
        ended=exchange.at + timedelta(seconds=exchange.duration_sec),
        tool=exchange.client.user_agent.partition(" ")[0],
        model=exchange.answered_by or exchange.model,
        said=tuple(_message(store, ref) for ref in exchange.messages if ref.role != "assistant"),
        reply=_message(store, exchange.reply) if exchange.reply else None,
        usage=exchange.usage,
        label=exchange.label,
        root=REPO,
    )


def prompts(store: Store, events: Sequence[Event]) -> dict[int, str]:
    """What somebody typed in each exchange, by the number of its event."""
    found = {}
    for talk in talks(events):
        if talk.by_person:
            try:
                found[talk.event] = asked(turn_of(store, talk.exchange))
            except StoreError:
                found[talk.event] = UNREADABLE
    return found


def _message(store: Store, reference: MessageRef) -> Message:
    return Message.model_validate_json(store.blob(reference.sha256))
