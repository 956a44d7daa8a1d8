"""The page that plays terminals: inert data, two scripts of known hash, nothing fetched."""

from __future__ import annotations

import base64
import hashlib
import json
import re

import pytest

from harness.models.replay import Moment, TerminalCast
from harness.reporting import playback
from harness.reporting.playback import MAX_BYTES, MOST_TALK, TALK_CHARS

EVIL = "</script><script>document.title='owned'</script><!--<img src=x onerror=alert(1)>"


def a_cast(printed: str = "hello", command: str = "ls", start_sec: float = 10.0) -> TerminalCast:
    """A terminal that prints one thing."""
    lines = [{"version": 2, "width": 80, "height": 24}, [0.1, "o", printed]]
    recording = "\n".join(map(json.dumps, lines)) + "\n"
    return TerminalCast(start_sec=start_sec, recording=recording, commands=((0.1, command),))


def test_recordings_lie_in_the_page_as_they_are() -> None:
    """What a script reads back is the recording, whatever a candidate printed or typed."""
    cast = a_cast(EVIL, f"{EVIL}\u202e")
    page = playback("Ana", [cast], seconds=100)
    (data,) = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', page, re.DOTALL)
    found = json.loads(data)
    assert found["recording"] == cast.recording
    ((at, label),) = found["markers"]
    assert (at, label.startswith("</script><script>"), "\u202e" in label) == (0.1, True, False)
    assert EVIL not in page
    assert "10 % of the session" in page


def test_only_known_scripts_may_run() -> None:
    """The policy names the hash of each script and stylesheet in the page, and no other source."""
    page = playback("Ana", [a_cast()], seconds=100)
    policy = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)[0]
    bodies = re.findall(r"<(?:script|style)>(.*?)</(?:script|style)>", page, re.DOTALL)
    hashes = {base64.b64encode(hashlib.sha256(body.encode()).digest()).decode() for body in bodies}
    assert len(bodies) == 4
    assert hashes == set(re.findall(r"sha256-([^']+)", policy.replace("&#39;", "'")))
    assert "unsafe-inline" not in policy
    assert policy.startswith("default-src")


def test_a_page_has_room_for_so_much() -> None:
    """Later terminals are left out, and it says how many."""
    page = playback("Ana", [a_cast(), a_cast("x" * MAX_BYTES), a_cast()], seconds=100)
    assert page.count('class="player"') == 1
    assert "2 more terminals" in page


def test_no_terminal() -> None:
    """It says so."""
    assert "No terminal was recorded" in playback("Ana", [], seconds=0)


@pytest.mark.browser
def test_it_plays_and_fetches_nothing(page_told) -> None:
    """The player draws what was printed; what a candidate wrote runs nothing."""
    page = page_told(playback("Ana", [a_cast(EVIL, EVIL)], seconds=100))
    page.click(".player")
    page.locator(".ap-player", has_text="owned").wait_for()
    assert page.title() == "Terminals of Ana"
    assert [told for told in page.told if told != ("request", "data:,")] == []


def a_moment(kind: str, text: str) -> Moment:
    """Something that was said."""
    fields = {"kind": kind, "start_sec": 50, "end_sec": 51, "label": text, "event": 1}
    return Moment.model_validate({**fields, "detail": f"> {text}"})


def test_what_was_asked_is_a_mark_on_the_bar_and_stands_below() -> None:
    """Prompts unfolded, calls of programs folded, nothing in them an element of the page."""
    cast = a_cast().model_copy(update={"prompts": ((0.05, f"{EVIL}\nwhy?"),)})
    talk = [a_moment("aside", "Side call"), a_moment("prompt", EVIL)]
    page = playback("Ana", [cast], seconds=100, talk=talk)
    (data,) = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', page, re.DOTALL)
    asked, ran = json.loads(data)["markers"]
    assert (asked[0], asked[1].startswith("asked: </script>"), ran[1]) == (0.05, True, "ls")
    assert EVIL not in page
    folds = re.findall(r'<details class="moment"( open)?>', page)
    assert folds == ["", " open"]
    assert 'href="#talk"' in page


def test_endless_talk_is_cut() -> None:
    """Long exchanges and many of them; it says how much is left out."""
    page = playback("Ana", [], seconds=100, talk=[a_moment("prompt", "x" * 90_000)] * 402)
    assert len(page) < MOST_TALK * (TALK_CHARS + 2_000) + 500_000
    assert "70,002 more characters" in page
    assert "2 more exchanges" in page


def test_nothing_was_asked() -> None:
    """Then there is no such section."""
    assert 'id="talk"' not in playback("Ana", [a_cast()], seconds=100)
