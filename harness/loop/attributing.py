"""Where a session's lines came from: its snapshots, its exchanges, and imported transcripts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.loop.exchanges import recorded_turns
from harness.models.attribution import Attribution
from harness.models.event import SnapshotTaken
from harness.models.transcript import Turn
from harness.recorder import revisions
from harness.recorder.shadow import ShadowRepository
from harness.signals.attribution import attribute
from harness.signals.attribution.spoken import offers, quotes
from harness.store import Store

KINDS = (*revisions.KINDS, "exchange")


@dataclass(frozen=True)
class Attributed:
    """A session's attribution, with what it was made from."""

    attribution: Attribution
    turns: tuple[Turn, ...]
    """By time."""
    commit: str
    """The snapshot that line numbers refer to, in the shadow repository."""


def attribution_of(
    store: Store, session_id: str, git_dir: Path, *, imported: Sequence[Turn] = ()
) -> Attributed | None:
    """Say of every line of a session's last snapshot where it came from.

    Args:
        store: Where the events are.
        session_id: Whose.
        git_dir: Its shadow repository.
        imported: Turns of transcripts that the candidate handed in.

    Returns:
        None before the first snapshot.

    Raises:
        RecordingError: There is no shadow repository, or a tree is missing from it.
        IntegrityError: A message is not what was recorded.
    """
    events = list(store.events(session_id, kinds=KINDS))
    snapshots = [e.payload.snapshot for e in events if isinstance(e.payload, SnapshotTaken)]
    if not snapshots:
        return None
    shadow = ShadowRepository.of(git_dir)
    try:
        seen = list(revisions.revisions(shadow, events))
    finally:
        shadow.close()
    answered = (turn for turn in recorded_turns(store, events) if turn.reply is not None)
    turns = [*answered, *imported]
    turns.sort(key=lambda turn: (turn.at is None, turn.at or seen[0].at))
    return Attributed(
        attribution=attribute(seen, offers(turns), quotes(turns)),
        turns=tuple(turns),
        commit=snapshots[-1].commit,
    )
