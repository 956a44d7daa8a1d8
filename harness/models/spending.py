"""What an assistant may use up, and what its tokens cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from pydantic import Field

from harness.models.base import Model
from harness.models.exchange import Usage

_MILLION = 1_000_000
ANY_MODEL = ("*",)
"""A list of models that leaves nothing out."""


class Prices(Model):
    """US dollars for a million tokens."""

    fresh_in: float = Field(ge=0)
    cache_read: float = Field(ge=0)
    cache_write: float = Field(ge=0)
    out: float = Field(ge=0)

    def usd(self, usage: Usage) -> float:
        """What these tokens cost."""
        return (
            usage.fresh_in * self.fresh_in
            + usage.cache_read * self.cache_read
            + usage.cache_write * self.cache_write
            + usage.out * self.out
        ) / _MILLION


class Budget(Model):
    """What a session may use up; None is no bound."""

    requests: int | None = Field(default=None, ge=0)
    """Generating calls that were answered."""
    tokens: int | None = Field(default=None, ge=0)
    """In and out together, cached ones included."""
    usd: float | None = Field(default=None, ge=0)
    """Counted by the price list; without one for each model there is no such budget."""


def priced(model: str, prices: Mapping[str, Prices]) -> Prices | None:
    """A model's prices: under its own name, else under the first pattern that fits."""
    exact = prices.get(model)
    if exact is not None:
        return exact
    fitting = (one for name, one in prices.items() if fnmatchcase(model, name))
    return next(fitting, None)


def unpriced(budget: Budget, models: Iterable[str], prices: Mapping[str, Prices]) -> list[str]:
    """Models that a budget in money cannot be counted for."""
    if budget.usd is None:
        return []
    return [name for name in models if priced(name, prices) is None]
