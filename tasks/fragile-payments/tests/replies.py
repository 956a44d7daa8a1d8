"""What every reply to a payment has to be, whatever the provider does."""

from __future__ import annotations

from collections.abc import Sequence

from shop import NOT_NOW, slowest, statuses

from harness.checks import SLACK_SEC, Contract, Measure, Response

PROMISED = (201, 202, *NOT_NOW)
"""What api.md has for a valid payment with a new key and a card that is not declined."""


def give_up_sec(contract: Contract) -> float:
    """How long to wait for a reply: just so long that a later one changes no verdict."""
    return 2 * contract["deadline_sec"] + 0.5


def measure_replies(measure: Measure, contract: Contract, replies: Sequence[Response]) -> None:
    """Every shop has a reply, in time, with a status that it knows.

    A reply that did not come within `give_up_sec` shows as the slowest one.
    """
    deadline = contract["deadline_sec"]
    measure(
        "slowest reply",
        slowest(replies),
        unit="s",
        at_most=deadline + SLACK_SEC,
        partly_at_most=2 * deadline,
    )
    measure_statuses(measure, contract, replies)


def measure_statuses(measure: Measure, contract: Contract, replies: Sequence[Response]) -> None:
    """Every shop has a reply with a status that it knows, however late."""
    soon = 2 * contract["deadline_sec"]
    cut_off = sum(bool(reply.error) and reply.elapsed <= soon for reply in replies)
    measure("requests cut off without a reply", cut_off, equals=0)
    strange = sum(not reply.error and reply.status not in PROMISED for reply in replies)
    measure("replies with a status that api.md does not promise", strange, equals=0)
    measure.info("replies", statuses(replies))
