"""An interviewer goes through a review in the terminal."""

from __future__ import annotations

import io
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.grading.seal import seal
from harness.models.event import GradingFinished, ReviewJudged
from harness.models.session import SessionStatus
from harness.store import Store
from harness.testing.fake_judge import YES, Endpoint, endpoint, openai, says

from .conftest import Harness, opened

REVIEW = """\
verdict: request-changes

\x1b]0;owned\x07 Two things.

## turnstile/store.py:22 [blocker]

Autocommit, so no transaction: two workers read the same bucket and both get through.
Ask zofia@example.org.

## turnstile/limits.py:3 [major]

[bold red]This[/bold red] file needs more tests. (Zofia)
"""


@pytest.fixture
def session(project: Path, tmp_path: Path) -> str:
    """A submitted review of the smaller task."""
    folder = tmp_path / "handed-in"
    (folder / "reviews").mkdir(parents=True)
    (folder / "reviews/57.md").write_text(REVIEW)
    (folder / "reviews/58.md").write_text("verdict: approve\n")
    sealed = seal(folder, tmp_path / "sealed")
    data = tmp_path / "data"
    session_id = opened(
        data,
        task="review-rate-limiter",
        status=SessionStatus.SUBMITTED,
        submission_sha256=sealed.sha256,
    )
    with Store.open(f"sqlite:///{data / 'harness.db'}", data) as store:
        store.put_blob(Path(sealed.path))
    return session_id


def answering(monkeypatch: pytest.MonkeyPatch, *answers: str) -> None:
    """Type these, a line each."""
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{answer}\n" for answer in answers)))


def test_show(harness: Harness, session: str) -> None:
    """What waits has no value yet, and nothing of the candidate's text acts on the terminal."""
    answer = harness("review", "show", session)
    assert answer.code == 0
    assert "turnstile/store.py:22" in answer.out
    assert "Combined: waits." in answer.out
    assert "\x1b" not in answer.out
    shown = json.loads(harness("review", "show", session, "--json").out)
    assert shown["scores"]["verdict"]["value"] == 1.0
    assert shown["scores"]["recall"] == {"value": None, "part": 0.0, "whole": 30.0, "waits_for": 1}


def test_nobody_is_named(
    harness: Harness, session: str, model: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither raters nor a model read who wrote the review, where its text tells."""
    harness("session", "identity", session, "--name", "Zofia Kowaljew")
    for answer in (
        harness("review", "show", session),
        harness("review", "show", session, "--json"),
        harness("review", "judge", session),
    ):
        assert answer.code == 0, answer.err
        assert "zofia" not in f"{answer.out}{model.heard}".lower()
    answering(monkeypatch, "n", "w", "w")
    asked = harness("review", "confirm", session, "--by", "ida").out
    assert "This file needs more tests" in asked.replace("[bold red]", "").replace(
        "[/bold red]", ""
    )
    assert "zofia" not in asked.lower()
    assert "two workers read the same bucket" in str(model.heard)


def test_confirm(
    harness: Harness, session: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each answer is kept with its name, what follows is asked, and the review is graded again."""
    answering(monkeypatch, "what?", "y", "2", "w")
    answer = harness("review", "confirm", session, "--by", "ida")
    assert answer.code == 0, answer.err
    assert "A bucket is read and written without the write lock" in answer.out
    assert "[bold red]This" in answer.out, "candidate text is no markup"
    assert "Nothing waits for a decision." in answer.out
    data = tmp_path / "data"
    with Store.open(f"sqlite:///{data / 'harness.db'}", data) as store:
        payloads = [event.payload for event in store.events(session)]
    said = [p.judgement for p in payloads if isinstance(p, ReviewJudged)]
    assert [(one.kind, one.by) for one in said] == [
        ("pair", "ida"),
        ("explanation", "ida"),
        ("remark", "ida"),
    ]
    (grading,) = (p.grading for p in payloads if isinstance(p, GradingFinished))
    scores = {check.id: check.score for check in grading.checks}
    assert scores["review.defects-found"] == pytest.approx(8 / 30)
    assert scores["review.explanation"] == pytest.approx(2 / 4)
    assert scores["review.precision"] == 1.0


def test_stop_and_go_on(harness: Harness, session: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Later and stop leave things as they are; the next time only what is left is asked."""
    answering(monkeypatch, "s", "q")
    assert "2 decisions wait." in harness("review", "confirm", session, "--by", "ida").out
    answering(monkeypatch)
    answer = harness("review", "confirm", session, "--by", "ida")
    assert (answer.code, "2 decisions wait." in answer.out) == (0, True), "end of input stops"
    answering(monkeypatch, "n", "q")
    assert "2 decisions wait." in harness("review", "confirm", session, "--by", "ida").out
    answering(monkeypatch, "v", "n")
    assert "Nothing waits" in harness("review", "confirm", session, "--by", "ida").out


def test_states_something_seeded(
    harness: Harness, session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What words did not see, a person says: which seeded item an unexplained comment states."""
    answering(monkeypatch, "n", "w", "i", "99", "s", "q")
    assert "1 decision waits." in harness("review", "confirm", session, "--by", "ida").out
    answering(monkeypatch, "i", "3")
    answer = harness("review", "confirm", session, "--by", "ida")
    assert "Nothing waits" in answer.out
    shown = json.loads(harness("review", "show", session, "--json").out)
    item = shown["matching"]["remarks"][1]["items"][0]
    pair = next(
        pair for pair in shown["matching"]["pairs"] if (pair["comment"], pair["item"]) == (2, item)
    )
    assert (pair["answer"], pair["by"]) == ("yes", "ida")


def test_decide_anew(harness: Harness, session: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One comment can be decided about again; what was said before is replaced, and kept."""
    answering(monkeypatch, "y", "2", "w")
    harness("review", "confirm", session, "--by", "ida")
    answering(monkeypatch, "n", "v")
    answer = harness("review", "confirm", session, "--by", "ben", "--comment", "1")
    assert "A bucket is read and written" in answer.out
    shown = json.loads(harness("review", "show", session, "--json").out)
    first = shown["matching"]["remarks"][0]
    assert (first["kind"], first["by"]) == ("valid-unseeded", "ben")
    answer = harness("review", "confirm", session, "--comment", "7")
    assert (answer.code, "There is no comment 7" in answer.err) == (2, True)


def test_lines_of_the_change(
    harness: Harness, session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A question shows the lines that the comment is on, with their numbers and signs."""
    answering(monkeypatch, "q")
    out = harness("review", "confirm", session, "--by", "ida").out
    assert "2 to decide" in out
    assert "   22 +" in out


RACE_QUOTE = "two workers read the same bucket and both get through"


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    """A model that says yes to everything, as one that fell for a comment would."""
    answer = {**YES, "quote": RACE_QUOTE, "reason": "\x1b[31mIt does.", "addressed": True}
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with endpoint(says(openai(answer))) as made:
        monkeypatch.setenv("HARNESS_JUDGE__URL", made.url)
        monkeypatch.setenv("HARNESS_JUDGE__MODEL", "m-1")
        monkeypatch.setenv("HARNESS_JUDGE__KEY", "secret-key")
        yield made


def test_judge_suggests_and_a_person_decides(
    harness: Harness,
    session: str,
    model: Endpoint,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A suggestion changes no score; the person sees it, may differ, and both are kept."""
    answer = harness("review", "judge", session)
    assert answer.code == 0, answer.err
    assert RACE_QUOTE in answer.out
    assert "Nothing is decided by this" in answer.out
    assert len(model.heard) == 1
    shown = json.loads(harness("review", "show", session, "--json").out)
    assert shown["scores"]["recall"]["waits_for"] == 1
    again = json.loads(harness("review", "judge", session, "--json").out)
    assert again == {"suggestions": [], "left": 0}
    answering(monkeypatch, "n", "w", "w")
    answer = harness("review", "confirm", session, "--by", "ida")
    assert "openai:m-1 suggests yes; you decide." in answer.out
    assert "speaks to whoever judges it" in answer.out
    assert "\x1b" not in answer.out
    shown = json.loads(harness("review", "show", session, "--json").out)
    pair = next(
        pair
        for pair in shown["matching"]["pairs"]
        if (pair["comment"], pair["item"]) == (1, "lost-update")
    )
    assert (pair["answer"], pair["by"], pair["suggested"]) == (
        "no",
        "ida",
        "openai:m-1 suggested yes",
    )
    assert shown["scores"]["recall"]["value"] == 0.0
    data = tmp_path / "data"
    with Store.open(f"sqlite:///{data / 'harness.db'}", data) as store:
        kinds = [event.payload.event for event in store.events(session)]
    assert kinds.count("review.suggested") == 1


def test_judge_fails(
    harness: Harness, session: str, model: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A judge that fails leaves the pair open, says so, and is asked anew the next time."""
    works, model.say = model.say, says(b"", 500)
    answer = harness("review", "judge", session)
    assert answer.code == 3
    assert "it answered with status 500" in answer.out
    assert "1 open pair has no suggestion" in answer.out
    answering(monkeypatch, "q")
    assert "suggests" not in harness("review", "confirm", session, "--by", "ida").out
    model.say = works
    assert harness("review", "judge", session).code == 0


def test_judge_is_off(harness: Harness, session: str) -> None:
    """Nothing is asked unless somebody set it up, and the message says how."""
    answer = harness("review", "judge", session)
    assert answer.code == 3
    assert "judge.url" in answer.err


def test_the_key_is_not_shown(harness: Harness, model: Endpoint) -> None:
    """The settings say that there is a key, and not which."""
    answer = harness("config", "show")
    assert "secret-key" not in answer.out
    assert "HARNESS_JUDGE__KEY" in answer.out


def test_repository_to_push(harness: Harness, project: Path) -> None:
    """The repository has main and a branch for each pull request, and nothing that is hidden."""
    answer = harness("task", "repository", "review-rate-limiter", "out")
    assert answer.code == 0, answer.err
    branches = subprocess.check_output(
        ["git", "-C", "out", "branch", "--format=%(refname:short)"], text=True
    )
    assert set(branches.split()) == {"main", "pull/57", "pull/58"}
    assert (project / "out/pulls/57.md").is_file()
    assert not list((project / "out").rglob("gold.yaml"))
    assert harness("task", "repository", "review-rate-limiter", "out").code == 2
    assert harness("task", "repository", "fragile-payments", "other").code == 2


def test_import_of_no_review(harness: Harness, session: str, project: Path) -> None:
    """What is no review is refused before any engine is asked."""
    (project / "review.json").write_text("{")
    answer = harness("review", "import", session, "58", "review.json")
    assert (answer.code, "is no JSON" in answer.err) == (1, True)


def test_no_review(harness: Harness, tmp_path: Path, project: Path) -> None:
    """A session of another kind, or one without a submission, is answered as wrong use."""
    other = opened(tmp_path / "data", task="fragile-payments")
    answer = harness("review", "show", other)
    assert (answer.code, "is no review" in answer.err) == (2, True)


@pytest.mark.parametrize(
    "asked", [("--own",), ("--repeat", "2"), ("--stress",), ("--out", "proof.html")]
)
def test_proving_a_review_task_takes_no_option_of_checks(
    harness: Harness, asked: tuple[str, ...]
) -> None:
    """What would be ignored is refused by name, before anything runs."""
    answer = harness("task", "prove", "review-rate-limiter", *asked)
    assert answer.code == 2
    assert asked[0] in answer.err
    assert "--out FILE.json" in answer.err
