"""What every page has: templates that escape, our stylesheet, and the policy that allows it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from datetime import datetime
from functools import cache

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from harness.content import REPORTS, content_dir
from harness.models.review import SEVERITIES
from harness.reporting import numbers
from harness.reporting.assistant import lines_of
from harness.reporting.blindness import blind_sentence, decided, flag_text
from harness.reporting.firmness import gate_sentence
from harness.reporting.origins import COUNTED, WORDS
from harness.reporting.review import FATES, KINDS
from harness.reporting.story import steadiness_sentence
from harness.reporting.talk import ENDINGS, TITLES
from harness.reporting.visible import marked, one_line, visible

_STYLES = "scorecard.css"


@cache
def environment() -> Environment:
    """Escapes everything; an unknown name is an error."""
    made = Environment(
        loader=FileSystemLoader(content_dir(REPORTS)),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "marked": marked,
        "visible": visible,
        "one_line": one_line,
        "number": numbers.number,
        "threshold": numbers.threshold,
        "level": numbers.level,
        "percent": numbers.percent,
        "of_weights": numbers.of_weights,
        "estimate": numbers.estimate,
        "day": _day,
        "moment": _moment,
    }
    made.filters |= {
        "gate_sentence": gate_sentence,
        "blind_sentence": blind_sentence,
        "flag_text": flag_text,
        "decided": decided,
        "steadiness_sentence": steadiness_sentence,
    }
    made.globals["bar"] = numbers.bar
    made.globals |= {"fates": FATES, "kinds": KINDS, "severities": SEVERITIES}
    made.globals |= {"titles": TITLES, "endings": ENDINGS, "lines_of": lines_of}
    made.globals["origin_words"] = [WORDS[origin] for origin in COUNTED]
    return made


@cache
def asset(name: str) -> Markup:
    """A file of `reports/` that goes into a page as it is; trusted, so it is not escaped."""
    return Markup((content_dir(REPORTS) / name).read_text(encoding="utf-8"))  # noqa: S704 - ours


def style() -> Markup:
    """Our own stylesheet."""
    return asset(_STYLES)


def policy(*, styles: Sequence[Markup] = (), scripts: Sequence[Markup] = ()) -> str:
    """The content security policy: our stylesheet and these by their hashes, and nothing else.

    Args:
        styles: Further stylesheets in the page.
        scripts: Scripts in the page; they may compile WebAssembly and nothing else.
    """
    runs = f"script-src {_hashes(scripts)} 'wasm-unsafe-eval'; " if scripts else ""
    return (
        f"default-src 'none'; {runs}style-src {_hashes([style(), *styles])}; img-src data:;"
        " base-uri 'none'; form-action 'none'"
    )


def _hashes(parts: Sequence[Markup]) -> str:
    digests = (hashlib.sha256(part.encode()).digest() for part in parts)
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)


def _day(at: datetime) -> str:
    return f"{at.day} {at:%B %Y}"


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} {at.tzname() or ''}".rstrip()
