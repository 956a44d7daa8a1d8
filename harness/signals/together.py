"""A session's exchanges beside its story: who asked what when, and what landed when."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.models.attribution import Attribution
from harness.models.event import AssistantOpened, Event
from harness.models.exchange import Pitfall
from harness.models.transcript import Turn
from harness.signals.said import asked
from harness.signals.story import Story, since, talks


@dataclass(frozen=True)
class Asked:
    """A turn in its place in the session."""

    event: int
    at: float
    """Seconds since the session's first event."""
    turn: Turn
    pitfalls: tuple[str, ...] = ()

    @property
    def prompt(self) -> str:
        """What the person typed; empty for a tool's round."""
        return asked(self.turn)


@dataclass(frozen=True)
class Landed:
    """Lines of one exchange that came into one file at one moment."""

    at: float
    exchange: str
    path: str


@dataclass(frozen=True)
class Collaboration:
    """A session's exchanges beside its story."""

    story: Story
    asked: tuple[Asked, ...]
    landed: tuple[Landed, ...]
    attribution: Attribution
    pitfalls: tuple[Pitfall, ...] = ()
    """Those that the task's author declared; none with a real model."""

    @classmethod
    def of(
        cls, events: Sequence[Event], turns: Iterable[Turn], attribution: Attribution
    ) -> Collaboration:
        """Put the turns of a session's exchanges in their places.

        Args:
            events: All of the session's; not none.
            turns: Of the exchanges among them; others are left out.
            attribution: Of the last snapshot.
        """
        begun = events[0].at
        told = {turn.id: turn for turn in turns}
        together = [
            Asked(
                talk.event,
                talk.start,
                told[talk.exchange.id],
                talk.exchange.script.pitfalls if talk.exchange.script else (),
            )
            for talk in talks(events)
            if talk.exchange.id in told and not talk.exchange.label.startswith("aux:")
        ]
        landed = [
            Landed(since(begun, landing.at), landing.exchange, landing.path)
            for landing in attribution.landings
        ]
        together.sort(key=lambda one: one.at)
        declared = [e.payload.pitfalls for e in events if isinstance(e.payload, AssistantOpened)]
        return cls(
            story=Story.of(events),
            asked=tuple(together),
            landed=tuple(landed),
            attribution=attribution,
            pitfalls=declared[-1] if declared else (),
        )

    @property
    def prompts(self) -> tuple[Asked, ...]:
        """The turns that a person asked for."""
        return tuple(one for one in self.asked if one.prompt)

    def matching(self, pattern: re.Pattern[str]) -> tuple[Asked, ...]:
        """Prompts in which a pattern is."""
        return tuple(one for one in self.prompts if pattern.search(one.prompt))
