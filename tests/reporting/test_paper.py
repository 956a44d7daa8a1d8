"""Pages on paper."""

from __future__ import annotations

import re

import pytest

from harness.reporting import html, matrix_page
from harness.reporting.paper import pdf, with_drawn_styles
from harness.testing.scorecards import middling_scorecard

from .test_matrix_page import proof, row


def test_drawings_carry_their_looks_for_a_printer_that_sees_no_page() -> None:
    """Colours of paper, no variable and no shorthand left, in every drawing; the page stays."""
    page = html(middling_scorecard())
    printed = with_drawn_styles(page)
    styles = re.findall(r"<svg [^>]*><style>(.*?)</style>", printed)
    assert len(styles) == page.count("<svg ")
    assert not [style for style in styles if "var(" in style or "font:" in style]
    assert ".rated { fill: #0c5a69; }" in styles[0]
    assert re.sub(r"(<svg [^>]*>)<style>.*?</style>", r"\1", printed) == page


@pytest.mark.browser
def test_sheets_are_a4() -> None:
    """Also where the printer's own default is another; the matrix of a proof lies across."""
    upright, across = html(middling_scorecard()), matrix_page(proof(row("sound", "reference", {})))
    assert _sheets(pdf(upright)) == {(210, 297)}
    assert _sheets(pdf(across)) == {(297, 210)}


def _sheets(printed: bytes) -> set[tuple[int, int]]:
    """Width and height of the sheets, in millimetres."""
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", printed)
    return {(round(float(w) * 25.4 / 72), round(float(h) * 25.4 / 72)) for w, h in boxes}


def test_a_page_without_a_stylesheet_stays() -> None:
    """There is nothing to carry."""
    assert with_drawn_styles("<svg x>") == "<svg x>"
