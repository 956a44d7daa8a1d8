"""Watching a session again: the moments, the keys, the screen, the search."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from rich.console import Console

from harness.cli.replay_player import LONGEST_WAIT_SEC, Player, keys_of, lines_of
from harness.cli.replay_screen import screen
from harness.loop.replaying import Wanted
from harness.models.exchange import TextPart
from harness.models.replay import Moment
from harness.store import Store
from tests.cli.conftest import Harness, opened
from tests.loop.talk import record_exchange
from tests.loop.watched import HOSTILE, RED, watched_session


@pytest.fixture
def session(project: Path) -> str:
    """One with a note, a failing test run, two edits and a gap."""
    return watched_session(project.parent / "data")


class Tape:
    """A replay of given moments."""

    def __init__(self, *moments: Moment) -> None:
        self.outline = moments
        self.seconds = moments[-1].end_sec

    def __len__(self) -> int:
        return len(self.outline)

    def __getitem__(self, index: int) -> Moment:
        return self.outline[index]

    def search(self, wanted: Wanted, start: int, *, step: int = 1) -> int | None:
        places = range(start + step, len(self) if step > 0 else -1, step)
        return next((place for place in places if wanted(self[place])), None)


def moment(kind: str, at: float, label: str = "", **more: object) -> Moment:
    """One at a time of the session."""
    fields = {"kind": kind, "start_sec": at, "end_sec": at, "label": label, "event": 1}
    return Moment.model_validate(fields | more)


@pytest.fixture
def player() -> Player:
    """At the beginning of six moments."""
    tape = Tape(
        moment("clock", 0, "Started"),
        moment("edit", 8, "Edited a.py", detail="+one\n" * 30),
        moment("test", 16, "pytest, 1 failed", ok=False),
        moment("note", 90, "slow", detail="ida: Thinks aloud"),
        moment("test", 91, "pytest, 2 passed", ok=True),
        moment("submit", 99, "Submitted"),
    )
    return Player(tape)  # type: ignore[arg-type]


def press(player: Player, keys: str) -> int:
    """Send what a terminal would send; where the player is then."""
    for key in keys_of(keys.encode()):
        player.press(key)
    return player.at


# -- keys ----------------------------------------------------------------------------


def test_steps_stay_within_the_session(player: Player) -> None:
    """Cursor keys in both encodings, letters and jumps to the ends."""
    assert press(player, "\x1b[D") == 0
    assert press(player, "\x1b[C\x1bOCl") == 3
    assert press(player, "G") == 5
    assert press(player, "\x1b[C") == 5
    assert press(player, "g") == 0


def test_jumps_go_to_the_next_of_a_kind_and_back(player: Player) -> None:
    """A failing run is not a passing one; where there is none the place stays and it says so."""
    assert press(player, "t") == 2
    assert press(player, "t") == 2
    assert player.message == "No failing test run after this."
    assert press(player, "o") == 3
    assert player.message == ""
    assert press(player, "E") == 1


def test_jumps_know_prompts_and_pitfalls() -> None:
    """What a program asked by itself is no prompt."""
    tape = Tape(
        moment("edit", 1),
        moment("aside", 2, "Side call: list of models"),
        moment("prompt", 3, "why?"),
        moment("prompt", 4, "and how?", pitfalls=("rates-too-old",)),
    )
    player = Player(tape)  # type: ignore[arg-type]
    assert press(player, "p") == 2
    assert press(player, "gi") == 3
    assert press(player, "P") == 2
    assert press(player, "I") == 2
    assert player.message == "No pitfall before this."


def test_long_lines_that_were_said_can_be_read_to_their_end(player: Player) -> None:
    """They wrap, each piece with its mark, and scrolling reaches the last one."""
    words = " ".join(f"word{number}" for number in range(60))
    long = moment("prompt", 1, detail=f"> {words}\n\n| {words}\n")
    lines = lines_of(long, 40)
    assert max(map(len, lines)) <= 40
    assert all(line.startswith("> ") for line in lines[: lines.index("")])
    assert " ".join(line[2:] for line in lines).split() == [*words.split(), *words.split()]
    talker = Player(Tape(long), width=40)  # type: ignore[arg-type]
    press(talker, "\x1b[6~" * 9)
    assert talker.scroll == len(lines) - 1


def test_search_finds_words_in_what_there_was_to_see(player: Player) -> None:
    """Typed letters are words while typing, whatever they mean elsewhere."""
    assert press(player, "/THINKS alq\x7foud\r") == 3
    assert press(player, "n") == 3
    assert "No “THINKS aloud” after" in player.message
    assert not player.ended


def test_escape_ends_typing(player: Player) -> None:
    """Nothing is looked for."""
    assert press(player, "/one") == 0
    assert press(player, "\x1b") == 0
    assert (player.typing, player.words) == (None, "")


def test_playing_keeps_the_pace_and_cuts_silences(player: Player) -> None:
    """At 8x, eight seconds take one; a minute of thought takes no longer than three."""
    assert player.wait_sec is None
    press(player, " ")
    assert player.wait_sec == 1
    player.tick()
    press(player, "-")
    assert (player.at, player.speed, player.wait_sec) == (1, 4, 2)
    player.tick()
    assert player.wait_sec == LONGEST_WAIT_SEC
    for _ in range(3):
        player.tick()
    assert (player.at, player.playing) == (5, False)


def test_scrolling_ends_with_the_detail(player: Player) -> None:
    """And begins anew with the next moment."""
    press(player, "l" + "\x1b[6~" * 9)
    assert player.scroll == 29
    press(player, "k")
    assert player.scroll == 28
    press(player, "l")
    assert player.scroll == 0


# -- the screen ----------------------------------------------------------------------


@pytest.mark.parametrize(("width", "height"), [(110, 34), (40, 16), (80, 24)])
def test_the_screen_fits(player: Player, width: int, height: int) -> None:
    """No line wraps and none is left over, wherever the person is."""
    for _ in range(len(player.replay)):
        out = Console(width=width, height=height, record=True, file=None, force_terminal=False)
        with out.capture() as drawn:
            out.print(screen(player, out))
        lines = drawn.get().splitlines()
        assert len(lines) < height
        assert max(map(len, lines)) <= width
        press(player, "l")


# -- the command ---------------------------------------------------------------------


def test_all_moments_are_printed_with_what_there_was_to_see(harness: Harness, session: str) -> None:
    """In their order; the failing run, the patch, the note, the gap."""
    said = harness("session", "replay", session)
    assert said.code == 0
    order = ["reads before writing", "1 failed", "Edited app.py", "a full disk"]
    assert [said.out.index(words) for words in order] == sorted(map(said.out.index, order))
    assert "+new0" in said.out
    assert "-new0" in said.out, "each edit stands apart"
    assert "Started" not in said.out, "moments of the clock could tell of an accommodation"


def test_what_a_candidate_wrote_drives_no_terminal(harness: Harness, session: str) -> None:
    """Control characters are shown as text, markup stays text."""
    said = harness("session", "replay", session).out
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", said)
    assert "a\\x1b[2Jb\\x07[bold red]" in said


def test_search_prints_what_holds_the_words(harness: Harness, session: str) -> None:
    """Over output, patches and notes alike, whatever the case."""
    moments = json.loads(harness("session", "replay", session, "--json", "--search", "NEW1").out)
    assert [(one["kind"], one["ok"]) for one in moments] == [("edit", None)]
    failed = json.loads(harness("session", "replay", session, "--json", "--search", "1 failed").out)
    assert [(one["kind"], one["ok"]) for one in failed] == [("test", False)]
    assert harness("session", "replay", session, "--search", "no such words").out == ""


def asked(project: Path, session: str, prompt: str, answer: str = "", **more: object) -> int:
    """Put an exchange into the record."""
    data = project.parent / "data"
    parts = [TextPart(text=answer)] if answer else []
    with Store.open(f"sqlite:///{data / 'harness.db'}", data) as store:
        number = len(list(store.events(session)))
        return record_exchange(store, session, f"x-{number}", prompt, *parts, **more)


def test_what_was_asked_is_a_moment_with_its_answer(
    harness: Harness, session: str, project: Path
) -> None:
    """Found by words of either; what a program asked stands apart; pitfalls are named."""
    asked(project, session, "list", label="aux:models", operation="models")
    asked(project, session, "How long\nis a rate good?", "A minute.", pitfalls=("too-old",))
    said = harness("session", "replay", session, "--json", "--search", "a minute")
    (found,) = json.loads(said.out)
    assert (found["kind"], found["label"]) == ("prompt", "How long is a rate good?")
    assert found["detail"].startswith("> How long\n> is a rate good?\n\n| A minute.\n")
    assert found["pitfalls"] == ["too-old"]
    (aside,) = json.loads(harness("session", "replay", session, "--json", "--search", "call").out)
    assert (aside["kind"], aside["label"]) == ("aside", "Side call: list of models")


def test_a_prompt_that_failed_is_a_moment_too(
    harness: Harness, session: str, project: Path
) -> None:
    """With how it ended; a message that is gone says so."""
    asked(project, session, "why?", outcome="refused", problem="The budget is used up.")
    (found,) = json.loads(harness("session", "replay", session, "--json", "--search", "budget").out)
    assert found["label"] == "why? (refused)"
    asked(project, session, "gone", "with the wind")
    blobs = [b for b in (project.parent / "data").rglob("*") if b.is_file() and b.suffix == ""]
    for blob in blobs:
        if b"wind" in blob.read_bytes()[:4096] or b"gone" in blob.read_bytes()[:4096]:
            blob.chmod(0o600)
            blob.write_bytes(b"{}")
    said = harness("session", "replay", session)
    assert "cannot be read any more" in said.out


def test_what_was_said_drives_no_terminal(harness: Harness, session: str, project: Path) -> None:
    """Neither does a question nor an answer; nothing in them looks like a line of ours."""
    asked(project, session, f"{HOSTILE}\r(forged)", f"{HOSTILE}\x85(forged)\u2028> forged")
    said = harness("session", "replay", session, "--search", "forged").out
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", said)
    assert re.findall(r"^ *(\(.*)", said, re.MULTILINE) == ["(some-model; completed)"]


def test_a_name_in_a_prompt_becomes_the_pseudonym(harness: Harness, project: Path) -> None:
    """In the question, in the answer and in the line of the list."""
    session = watched_session(project.parent / "data", candidate="Ana Quispe")
    asked(project, session, "I am Ana Quispe, ana@example.org: help", "Hello Ana.")
    said = harness("session", "replay", session)
    assert "help" in said.out
    for token in ("Ana", "Quispe", "ana@"):
        assert token not in said.out


def test_a_lost_repository_says_so(harness: Harness, session: str, project: Path) -> None:
    """It is an error with its reason, not an empty session."""
    shutil.rmtree(project.parent / "data" / "sessions" / session / "shadow.git")
    said = harness("session", "replay", session)
    assert said.code == 3
    assert "no shadow repository" in said.err


def test_a_pseudonym_stands_for_the_candidate(harness: Harness, project: Path) -> None:
    """Names, accounts and who is named in a commit are replaced; names wait for the ratings."""
    session = watched_session(
        project.parent / "data",
        prints=b"Author: Bo Lind <b@x.org>\n" + RED,
        writes="# by Ana Quispe\nmail = 'ana@example.org'\n# Bo Lind\n",
        candidate="Ana Quispe",
    )
    said = harness("session", "replay", session)
    assert said.code == 0
    for token in ("Ana", "Quispe", "ana@", "Bo Lind", "b@x.org"):
        assert token not in said.out
    assert harness("session", "replay", session, "--search", "Quispe").out == ""
    refused = harness("session", "replay", session, "--names")
    assert (refused.code, "until all ratings are in" in refused.err) == (2, True)


def test_terminals_are_played_only_with_names(
    harness: Harness, session: str, tmp_path: Path
) -> None:
    """A name that is typed comes letter by letter, so there is no such page with a pseudonym."""
    refused = harness("session", "replay", session, "--out", str(tmp_path / "page"))
    assert (refused.code, "letter by letter" in refused.err) == (2, False)
    assert "--names" in refused.err
    waiting = harness("session", "replay", session, "--names", "--out", str(tmp_path / "page"))
    assert (waiting.code, "until all ratings are in" in waiting.err) == (2, True)
    assert not (tmp_path / "page").exists()


def test_nobody_has_worked_yet(harness: Harness, project: Path) -> None:
    """Then there is nothing to watch, and it says when there will be."""
    said = harness("session", "replay", opened(project.parent / "data"))
    assert said.code == 2
    assert "when the candidate has started" in said.err
