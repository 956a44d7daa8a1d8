"""Events -> signals and the timeline. Pure: the same events give the same values.

story           what happened, with times and without the harness's own bookkeeping
verification    test runs: how often, when, red to green, what came after the last one
change          what was written: size, files, tests, documents
rhythm          when: first edit, first test run, longest quiet stretch
reading         of a review: what of the change was on the terminal, and for how long
attribution/    where each line of the final tree came from
together        a session's exchanges with an assistant beside its story
collaboration   how somebody worked with it;  checking: whether they looked before going on
said            a turn's question and answer as a person reads them;  assisted: as a report does
secrets         texts that look like keys
exports/        attribution and conversations in the formats of others
timeline        the entries that a report draws

A signal is shown beside a rating and never scored. Times are shares of the time
allowed, so that nobody sees from them that more time was granted.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.models.event import Event
from harness.models.scorecard import Signal
from harness.signals import change, reading, rhythm, verification
from harness.signals.story import Story
from harness.signals.timeline import bursts, timeline

__all__ = ["bursts", "compute", "reading", "timeline"]


def compute(events: Sequence[Event]) -> tuple[Signal, ...]:
    """Every signal of a session, in a fixed order; those without events say "none".

    Args:
        events: All of the session's, in order.
    """
    story = Story.of(events)
    return (*verification.signals(story), *change.signals(story), *rhythm.signals(story))
