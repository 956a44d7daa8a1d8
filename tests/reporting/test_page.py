"""What a committee finds on the page."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import timedelta

from harness.models.check import Measurement
from harness.models.scorecard import TimelineEntry
from harness.reporting import html, markdown
from harness.testing.scorecards import middling_scorecard, troubled_scorecard

from .page_parts import PageParts


def words(card) -> str:
    """The page's text with white space folded."""
    return " ".join(" ".join(PageParts.of(html(card)).text).split())


def test_the_policy_allows_our_stylesheet_and_nothing_else() -> None:
    """The hash in the policy is the stylesheet's, and there is no other source."""
    page = html(middling_scorecard())
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert policy is not None
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy[1].replace("&#39;", "'") == (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:;"
        " base-uri 'none'; form-action 'none'"
    )


def test_the_stylesheet_fetches_nothing() -> None:
    """No address and no import in it: the file is whole as it is."""
    style = re.search(r"<style>(.*?)</style>", html(middling_scorecard()), re.DOTALL)
    assert style is not None
    assert not re.search(r"url\(|@import|//|expression", style[1])


def test_no_recommendation_is_made() -> None:
    """The page suggests levels; it never says whom to hire."""
    text = words(middling_scorecard()).lower()
    assert "this page makes no recommendation" in text
    assert not re.search(r"\b(hire|no-hire|reject|advance|pass the candidate)\b", text)


def test_the_summary_says_what_held_what_did_not_and_what_is_unknown() -> None:
    """In sentences, before any dimension."""
    summary = words(middling_scorecard()).split("Dimensions Each with")[0]
    assert "7 of 13 checks held, 3 held in part, 2 did not, 1 could not be measured" in summary
    assert "In 5 of 5 trials both requests charged the card" in summary
    assert "94 % of the time allowed" in summary
    assert "Raters are more than one level apart On Tradeoff reasoning." in summary


def test_a_value_that_was_not_taken_has_no_unit() -> None:
    """Nothing was measured, so not "not measured s" either, on the page and in Markdown."""
    card = middling_scorecard()
    missing = Measurement(name="until receipts were there", value=None, unit="s")
    first = card.checks[0].model_copy(update={"measurements": (missing,)})
    card = card.model_copy(update={"checks": (first, *card.checks[1:])})
    assert "until receipts were there not measured " in words(card)
    assert "not measured s " not in words(card)
    assert "| until receipts were there | not measured |" in markdown(card)


def test_what_is_missing_is_said_and_never_a_zero() -> None:
    """Unrated stays unrated, and a dimension without checks has no suggestion."""
    text = words(troubled_scorecard())
    assert "There are no check results." in text
    assert "Suggested by checks \u2013 of 5, 0 % of the rubric covered" in text
    assert "AI collaboration read apart" in text
    assert "Nobody has rated it; that costs nothing." in text


def test_our_failures_come_first() -> None:
    """A broken chain, a gap and a failed grading are told before any number."""
    summary = words(troubled_scorecard()).split("There are no check results")[0]
    assert "The record does not verify" in summary
    assert "The record is not whole" in summary
    assert "Our machinery failed while checking: nothing was scored" in summary
    assert "the recording of t-2 could not be kept" in words(troubled_scorecard())


def test_an_accommodation_leaves_no_trace() -> None:
    """A session with more time, a break and a reason reads as one without."""
    plain = middling_scorecard()
    extended = TimelineEntry(
        kind="clock", start_sec=1800, end_sec=1800, label="+30 min: accommodation", event=55
    )
    later = plain.model_copy(
        update={
            "timeline": (*plain.timeline, extended),
            "session": plain.session.model_copy(
                update={"opened_at": plain.session.opened_at + timedelta(minutes=45)}
            ),
        }
    )
    assert html(later) == html(plain)
    assert "door bell" not in html(plain)
    assert "The clock stood still" in html(plain)


def test_evidence_of_a_rating_leads_to_checks_hunks_and_moments() -> None:
    """`check:`, `file:PATH:LINE` and `event:` each point at their place."""
    page = html(middling_scorecard())
    assert '<a href="#check-timeouts.hang">check:timeouts.hang</a>' in page
    assert '<a href="#diff-1-h2">file:payments/provider.py:31</a>' in page
    assert '<a href="#event-41">event:41</a>' in page


def test_each_raters_level_and_the_suggestion_are_marked_on_the_anchors() -> None:
    """Two raters two levels apart mark two anchors."""
    page = html(middling_scorecard())
    tradeoffs = page.split('id="dim-tradeoff-reasoning"')[1].split("</article>")[0]
    assert re.findall(r'class="is-rated">\s*<p class="level"><b>(\d)', tradeoffs) == ["2", "4"]
    failures = page.split('id="dim-failure-mode-instinct"')[1].split("</article>")[0]
    assert re.findall(r'class="is-suggested is-rated">\s*<p class="level"><b>(\d)', failures) == [
        "3"
    ]


def test_a_check_outside_the_rubric_is_named() -> None:
    """It counts for nothing, and the page says so."""
    card = middling_scorecard()
    stray = card.checks[0].model_copy(update={"id": "review.blockers", "family": "review"})
    text = words(card.model_copy(update={"checks": (*card.checks, stray)}))
    assert "Outside this rubric, counted for nothing: review.blockers" in text
