"""The scorecard as one self-contained HTML file that needs no script."""

from __future__ import annotations

from harness.models.scorecard import Scorecard
from harness.reporting.assistant import assistant_view
from harness.reporting.links import Links
from harness.reporting.reading import for_page
from harness.reporting.refactor import refactor_view
from harness.reporting.review import review_view
from harness.reporting.story import record_sentence, told, unplaced
from harness.reporting.talk import passages, talk_views
from harness.reporting.templates import environment, policy, style
from harness.reporting.timeline import drawn
from harness.reporting.views import (
    checks_by_family,
    dimension_views,
    edit_views,
    file_views,
    moment_views,
)

_PAGE = "scorecard.html.j2"


def html(scorecard: Scorecard) -> str:
    """The page: readable on paper, on a phone, in the dark and without a script.

    Everything that a candidate, a rater or a rubric wrote is escaped, with hidden characters
    shown, and capped in size; no address but `#fragments` of the page itself is ever written.
    """
    card, left_out = for_page(scorecard)
    links = Links(card)
    moments = moment_views(card)
    seconds = [m.moment.at_sec for m in moments]
    timeline = drawn(card.timeline, moments=seconds)
    talk = talk_views(card.assistant)
    dimensions, files = dimension_views(card, links), file_views(card, links)
    return (
        environment()
        .get_template(_PAGE)
        .render(
            card=card,
            left_out=left_out,
            story=told(card),
            links=links,
            timeline=timeline,
            dimensions=dimensions,
            families=checks_by_family(card, links),
            unplaced=unplaced(card),
            record=record_sentence(card),
            files=files,
            talk=talk,
            assistant=assistant_view(card.assistant, talk, links.files) if card.assistant else None,
            passages=passages(talk, edit_views(card)),
            moments=moments,
            review=card.review,
            view=review_view(card.review) if card.review else None,
            refactor=refactor_view(
                card.refactor, links=links, timeline=timeline, files=files, dimensions=dimensions
            )
            if card.refactor
            else None,
            style=style(),
            policy=policy(),
        )
    )
