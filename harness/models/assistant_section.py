"""What a report tells of an assistant: the exchanges in their order, and where lines came from."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from harness.models.attribution import Cut, FileLines, Use
from harness.models.base import Model
from harness.models.exchange import Label, Outcome, Usage

Fate = Literal["caught", "shipped"]
"""Of a declared pitfall that was met: seen to, or in what was handed in."""


class MetPitfall(Model):
    """A declared pitfall that an answer offered, and what became of it."""

    id: str
    says: str
    """What is wrong with it."""
    better: str
    """What a careful engineer does instead."""
    event: int
    """Of the first exchange that offered it."""
    fate: Fate


class ExchangeEntry(Model):
    """One question and its answer, as far as a report has room for them."""

    id: str
    """Made of the event's number: the gateway's own would tell the time of day."""
    event: int
    at_sec: float = Field(ge=0)
    """When it was asked, as in a timeline entry."""
    label: Label
    outcome: Outcome
    problem: str = ""
    """Why it was refused or failed; may quote what the candidate sent."""
    tool: str = ""
    """The program that asked; candidate-controlled."""
    model: str = ""
    """What answered, as it names itself; or what was asked for."""
    prompt: str = ""
    """What was typed, text that a program put in left out; candidate-controlled."""
    more_prompt: int = Field(default=0, ge=0)
    """Characters after it."""
    answer: str = ""
    """As hostile as what was typed: it may repeat that."""
    more_answer: int = Field(default=0, ge=0)
    calls: tuple[str, ...] = ()
    """What tools were told to do, each on one line."""
    pitfalls: tuple[str, ...] = ()
    """Ids of the declared pitfalls in the answer."""
    usage: Usage | None = None
    usd: float = Field(default=0.0, ge=0)
    """By the gateway's prices; 0 without prices."""
    use: Use | None = None
    """What became of the lines it offered; None when it offered none."""
    landed_in: tuple[str, ...] = ()
    """Files that its lines came into, the first first; candidate-controlled."""

    @property
    def by_person(self) -> bool:
        """Whether somebody asked; otherwise a program did by itself."""
        return self.label == "turn"


class AssistantSection(Model):
    """A session's work with an assistant. Nothing of it is a score."""

    scripted: bool
    """What answered was the task author's script and no model."""
    exchanges: tuple[ExchangeEntry, ...]
    """By time."""
    more_exchanges: int = Field(default=0, ge=0)
    """Exchanges beyond those; the record has all of them."""
    files: tuple[FileLines, ...] = ()
    """Changed files with the origin of each line; exchanges by the ids of these entries."""
    use: Use = Use()
    """All exchanges together; a line offered by several counts once."""
    cut: Cut | None = None
    """From which likeness on a changed line is still an assistant's; None without attribution."""
    pitfalls: tuple[MetPitfall, ...] = ()
    usage: Usage = Usage()
    """What was reported, summed over all exchanges."""
    unreported: int = Field(default=0, ge=0)
    """Answered exchanges whose usage nobody reported."""
    usd: float = Field(default=0.0, ge=0)
