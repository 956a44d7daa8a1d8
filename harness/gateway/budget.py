"""What each session has used up, and whether it may go on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from harness.gateway.configuration import GatewayConfig, SessionGrant
from harness.gateway.refusal import Refused
from harness.models.exchange import Exchange, Usage

_BYTES_A_TOKEN = 4
"""For the estimate where an upstream reports no usage; only the budget sees it."""


@dataclass(slots=True)
class Spent:
    """One session's use so far."""

    requests: int = 0
    tokens: int = 0
    usd: float = 0.0
    under_way: int = 0


class Meter:
    """Counts by session; starts from what the record already has."""

    def __init__(self, recorded: Iterator[Exchange]) -> None:
        self._spent: dict[str, Spent] = {}
        for exchange in recorded:
            self.count(exchange)

    def spent(self, session: str) -> Spent:
        """The session's use so far."""
        return self._spent.setdefault(session, Spent())

    def count(self, exchange: Exchange) -> None:
        """Add a finished exchange; one that was refused or failed is no request."""
        if exchange.session is None:
            return
        spent = self.spent(exchange.session)
        answered = exchange.outcome not in {"refused", "failed", "lost"}
        spent.requests += answered and exchange.operation == "generate"
        spent.tokens += exchange.charged_tokens
        spent.usd += exchange.charged_usd

    @contextmanager
    def call(self, grant: SessionGrant) -> Iterator[None]:
        """Hold one of the session's places while a call is under way.

        Raises:
            Refused: A budget is used up, or too many calls are under way.
        """
        spent = self.spent(grant.session)
        _within(grant, spent)
        spent.under_way += 1
        try:
            yield
        finally:
            spent.under_way -= 1


def _within(grant: SessionGrant, spent: Spent) -> None:
    budget = grant.budget
    if spent.under_way >= grant.parallel:
        raise Refused(
            "too-many-at-once",
            f"This session may have {grant.parallel} calls under way at a time, and has them.",
        )
    if budget.requests is not None and spent.requests + spent.under_way >= budget.requests:
        raise Refused(
            "budget-requests",
            f"The assistant's budget of this session is used up: {spent.requests} of "
            f"{budget.requests} requests. Go on without it, or ask your interviewer.",
        )
    if budget.tokens is not None and spent.tokens >= budget.tokens:
        raise Refused(
            "budget-tokens",
            f"The assistant's budget of this session is used up: {spent.tokens} of "
            f"{budget.tokens} tokens. Go on without it, or ask your interviewer.",
        )
    if budget.usd is not None and spent.usd >= budget.usd:
        raise Refused(
            "budget-money",
            f"The assistant's budget of this session is used up: ${spent.usd:.2f} of "
            f"${budget.usd:.2f}. Go on without it, or ask your interviewer.",
        )


def charge(
    config: GatewayConfig, model: str, usage: Usage | None, *, request_bytes: int, reply_bytes: int
) -> tuple[int, float]:
    """Tokens and dollars that a call takes from the budget.

    Without a usage, as after an abort, both are estimated from the bytes: otherwise
    hanging up just before the end would be free.
    """
    known = usage or Usage(
        fresh_in=request_bytes // _BYTES_A_TOKEN, out=reply_bytes // _BYTES_A_TOKEN
    )
    prices = config.prices_of(model)
    return known.total, prices.usd(known) if prices is not None else 0.0
