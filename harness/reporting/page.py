"""The scorecard as one self-contained HTML file that needs no script."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from functools import cache

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from harness.content import REPORTS, content_dir
from harness.models.scorecard import Scorecard
from harness.reporting import numbers
from harness.reporting.links import Links
from harness.reporting.reading import for_page
from harness.reporting.story import record_sentence, told, unplaced
from harness.reporting.timeline import drawn
from harness.reporting.views import checks_by_family, dimension_views, file_views, moment_views
from harness.reporting.visible import marked, one_line, visible

_STYLES = "scorecard.css"
_PAGE = "scorecard.html.j2"


def html(scorecard: Scorecard) -> str:
    """The page: readable on paper, on a phone, in the dark and without a script.

    Everything that a candidate, a rater or a rubric wrote is escaped, with hidden characters
    shown, and capped in size; no address but `#fragments` of the page itself is ever written.
    """
    card, left_out = for_page(scorecard)
    links = Links(card)
    moments = moment_views(card)
    return (
        _environment()
        .get_template(_PAGE)
        .render(
            card=card,
            left_out=left_out,
            story=told(card),
            links=links,
            timeline=drawn(card.timeline, moments=[m.moment.at_sec for m in moments]),
            dimensions=dimension_views(card, links),
            families=checks_by_family(card, links),
            unplaced=unplaced(card),
            record=record_sentence(card),
            files=file_views(card, links),
            moments=moments,
            style=_style(),
            policy=_policy(),
        )
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(content_dir(REPORTS)),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "marked": marked,
        "visible": visible,
        "one_line": one_line,
        "number": numbers.number,
        "threshold": numbers.threshold,
        "level": numbers.level,
        "percent": numbers.percent,
        "day": _day,
        "moment": _moment,
    }
    environment.globals["bar"] = numbers.bar
    return environment


@cache
def _style() -> Markup:
    """Our own stylesheet; trusted, so it is not escaped."""
    return Markup((content_dir(REPORTS) / _STYLES).read_text(encoding="utf-8"))  # noqa: S704 - ours


def _policy() -> str:
    """The content security policy: our one stylesheet by its hash, and nothing else."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:;"
        " base-uri 'none'; form-action 'none'"
    )


def _day(at: datetime) -> str:
    return f"{at.day} {at:%B %Y}"


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} {at.tzname() or ''}".rstrip()
