"""What may happen to a service, one step after the other, and what must hold.

A check author says what may happen, in words, and what must hold::

    class Checkout(StateMachine):
        def __init__(self, shop: Shop) -> None:
            self.order = shop.order()

        @rule("the shop pays")
        async def pay(self) -> None: ...

        @rule("the provider answers {status}", status=st.sampled_from([429, 503]))
        async def blip(self, status: int) -> None: ...

        @rule("the machine is lost, and another one starts", costly=True)
        async def crash(self) -> None: ...

        async def invariant(self) -> None:
            assert charges(self.order) <= 1, "The order was charged twice."

    explored = await explore(Checkout, shop, seed=seed)
    explored.record(measure)
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from hypothesis import strategies as st

_RULE = "__harness_rule__"

RuleBody = TypeVar("RuleBody", bound=Callable[..., Awaitable[bool | None]])


class StateMachine:
    """What may happen to a service and what must hold; one object for each sequence.

    All sequences meet the same service, so a machine works on things of its own, such as a
    fresh order, and `heal` leaves the service as it was. A broken promise is an
    `AssertionError` with a sentence, in a rule or in the hooks below; anything else that is
    raised ends the exploration and comes out of `explore`.
    """

    async def invariant(self) -> None:
        """What holds after every step."""

    async def heal(self) -> None:
        """End the bad times, however the sequence went; comes before `settle`."""

    async def settle(self) -> None:
        """What holds in the end, when every step went well."""


def rule(
    words: str, /, *, costly: bool = False, **arguments: st.SearchStrategy[Any]
) -> Callable[[RuleBody], RuleBody]:
    """Make an async method a step that may happen at any time.

    A step that has no meaning yet, such as repeating what was never sent, does nothing and
    returns False; nobody is told of it. Simple rules and values come first, since a sequence
    is shrunk towards them.

    Args:
        words: For a person who reads the counterexample; may name arguments in braces.
        costly: Takes seconds, so there is one such step in a sequence, and in few sequences.
        arguments: A Hypothesis strategy for each argument of the method.
    """

    def declare(body: RuleBody) -> RuleBody:
        setattr(body, _RULE, Rule(words, costly, arguments, body))
        return body

    return declare


@dataclass(frozen=True)
class Rule:
    """One kind of step."""

    words: str
    costly: bool
    arguments: Mapping[str, st.SearchStrategy[Any]]
    body: Callable[..., Awaitable[bool | None]]

    def steps(self) -> st.SearchStrategy[Step]:
        """One step of this kind, with arguments drawn."""
        return st.fixed_dictionaries(dict(self.arguments)).map(lambda drawn: Step(self, drawn))


@dataclass(frozen=True)
class Step:
    """One thing that happens; `str` is for a person, `repr` tells all of it."""

    rule: Rule
    arguments: Mapping[str, Any]

    def __str__(self) -> str:
        return self.rule.words.format(**self.arguments)

    def __repr__(self) -> str:
        return f"{self.rule.body.__name__} {dict(self.arguments)!r}"


def rules_of(machine: type[StateMachine]) -> list[Rule]:
    """In the order in which they are written, those of base classes first."""
    found = {
        name: getattr(value, _RULE, None)
        for base in reversed(machine.__mro__)
        for name, value in vars(base).items()
    }
    return [each for each in found.values() if isinstance(each, Rule)]
