"""The page in a real Chromium: nothing runs, nothing is fetched, everything can be read."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.models.identity import Identity
from harness.reporting import blind, feedback, html, matrix_page
from harness.reporting.fairness_page import fairness_page
from harness.reporting.feedback import feedback_page
from harness.reporting.packet import packet_page
from harness.scoring import comparison, profile
from harness.scoring.fairness import Person, fairness
from harness.testing.scorecards import middling_scorecard, troubled_scorecard
from tests.chromium import UNREADABLE

from .hostile import NASTY, hostile_scorecard
from .named import named_scorecard
from .reviewed import reviewed_scorecard
from .test_matrix_page import proof, row

pytestmark = pytest.mark.browser

CARDS = {
    "middling": middling_scorecard(),
    "troubled": troubled_scorecard(),
    "hostile": hostile_scorecard(" ".join(text[:2_000] for text in NASTY)),
    "review": reviewed_scorecard(),
}


@pytest.fixture
def opened(page_told):
    """Open a page, or a scorecard's; what it tried to do is in `page.told`."""

    def open_(card, **options):
        return page_told(card if isinstance(card, str) else html(card), **options)

    return open_


@pytest.mark.parametrize("name", CARDS)
def test_nothing_runs_and_nothing_is_fetched(opened, name: str) -> None:
    """No script, dialog, policy violation, error or request, with every fold opened and hovered."""
    page = opened(CARDS[name])
    page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
    page.hover("h1")
    page.focus("a.skip")
    page.emulate_media(media="print")
    assert page.title().startswith("Scorecard ")
    assert [told for told in page.told if told != ("request", "data:,")] == []
    assert page.evaluate("document.scripts.length") == 0


@pytest.mark.parametrize("name", CARDS)
def test_a_phone_needs_no_sideways_scrolling(opened, name: str) -> None:
    """At 390 pixels, everything unfolded, the page is as wide as the screen."""
    page = opened(CARDS[name], width=390)
    page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", CARDS)
def test_every_text_stands_out_from_its_ground(opened, name: str, scheme: str) -> None:
    """A contrast of 4.5 or more everywhere, in both schemes (WCAG 2.2, 1.4.3)."""
    page = opened(CARDS[name], scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
    assert page.evaluate(UNREADABLE) == []


def test_a_link_into_folded_evidence_unfolds_it(opened) -> None:
    """A mark of the timeline leads into the folded table, which opens."""
    page = opened(CARDS["middling"])
    page.evaluate("location.hash = '#at-133'")
    page.wait_for_function("document.querySelector('#at-133').closest('details').open")


def test_the_summary_fits_on_the_first_sheet_of_paper(opened, tmp_path: Path) -> None:
    """Printed on A4, dimensions begin on the second page."""
    page = opened(CARDS["middling"], width=680)
    page.emulate_media(media="print")
    millimetre = 96 / 25.4
    page.set_viewport_size({"width": int(180 * millimetre), "height": 900})
    bottom = page.evaluate("document.querySelector('#summary').getBoundingClientRect().bottom")
    assert bottom <= (297 - 28) * millimetre


def test_a_matrix_of_sixty_checks_fits_paper_across(opened) -> None:
    """Printed on A4, landscape, the last column is on the sheet."""
    page = opened(PAGES["proof"])
    page.emulate_media(media="print")
    width = int((297 - 30) * 96 / 25.4)
    page.set_viewport_size({"width": width, "height": 700})
    assert page.evaluate("document.querySelector('.matrix').getBoundingClientRect().right") <= width
    assert page.evaluate("document.documentElement.scrollWidth") <= width


NOW = datetime(2026, 11, 21, 16, 0, tzinfo=UTC)
CROWD = [Person(n % 3 == 0, {"gender": "woman" if n % 2 else "man"}) for n in range(60)]
CHECKS = tuple(f"regression.receipts-and-settlement-{n}" for n in range(60))
FAILED = dict.fromkeys(CHECKS, "failed")
FAULTY = row("receipt-dropped-when-mailer-is-away", "mutant", FAILED, must_fail=CHECKS[::7])
PAGES = {
    "proof": matrix_page(proof(FAULTY, checks=CHECKS)),
    "loop": packet_page(comparison([profile("Alder-1", [middling_scorecard()] * 2)], at=NOW)),
    "feedback": feedback_page(feedback(middling_scorecard(), words="Thank you.")),
    "fairness": fairness_page(fairness(CROWD, "o.csv"), NOW),
    "blind": html(blind(named_scorecard("Zofia K"), Identity(names=("Zofia K",)), "Alder-1")),
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1180])
@pytest.mark.parametrize("name", PAGES)
def test_the_other_pages_read_on_phone_and_desk(opened, name: str, width: int, scheme: str) -> None:
    """As wide as the screen, every text stands out, nothing runs or is fetched."""
    page = opened(PAGES[name], width=width, scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(UNREADABLE) == []
    assert [told for told in page.told if told != ("request", "data:,")] == []
