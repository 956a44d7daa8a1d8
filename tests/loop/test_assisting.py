"""From a session's record to what its scorecard tells of the assistant."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.loop.assisting import assisted
from harness.loop.desk import Desk
from harness.loop.evidence import offers
from harness.loop.exchanges import prompts
from harness.loop.judging import frozen_rubric
from harness.loop.reports import shown_scorecard
from harness.loop.scorecards import build_scorecard
from harness.models.event import AssistantOpened
from harness.models.exchange import Pitfall, TextPart
from harness.models.identity import Identity
from harness.models.task import Task
from harness.settings import Settings
from harness.signals.said import UNREADABLE
from harness.store import Store
from harness.testing.builders import A_DIGEST

from .recorded import GIVEN, recorded_session
from .talk import record_exchange

OFFERED = "```python\n# Written by the candidate\nreturn charge(timeout=2)\n```"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk without an engine; reading needs none."""
    settings = Settings(data_dir=tmp_path / "data", backend="process")
    with Store.open(settings.sqlalchemy_url, settings.data_dir) as store:
        yield Desk(settings, store)


@pytest.fixture
def helped(desk: Desk) -> str:
    """A session with a scripted assistant, two prompts and a call of a program."""
    session = recorded_session(desk)
    opened = AssistantOpened(
        kind="scripted",
        container="c",
        volume="v",
        url="http://assistant:8080",
        script_sha256=A_DIGEST,
        pitfalls=(
            Pitfall(id="timed", says="It is short.", better="Ask.", signs=("timeout=2",)),
            Pitfall(
                id="seen-to",
                says="It is short.",
                better="Ask.",
                signs=("timeout=2",),
                cures=("Written by",),
            ),
            Pitfall(id="not-met", says="It is not.", better="Ask."),
        ),
    )
    desk.store.append(session, opened)
    record_exchange(desk.store, session, "x0", "list", label="aux:models", operation="models")
    answer = TextPart(text=OFFERED)
    record_exchange(
        desk.store, session, "x1", "Zofia asks: how long?", answer, pitfalls=("timed", "seen-to")
    )
    record_exchange(desk.store, session, "x2", "and why?", outcome="refused", problem="no budget")
    return session


def test_the_scorecard_has_every_exchange_and_the_origin_of_each_line(
    desk: Desk, helped: str, toy: Task
) -> None:
    """Also those that were refused and those of programs, on the timeline too."""
    card = build_scorecard(desk, helped, toy)
    assert card.assistant is not None
    said = [(one.label, one.outcome, one.prompt) for one in card.assistant.exchanges]
    assert sorted(said) == [
        ("aux:models", "completed", "list"),
        ("turn", "completed", "Zofia asks: how long?"),
        ("turn", "refused", "and why?"),
    ]
    assert card.assistant.scripted
    assert [file.path for file in card.assistant.files] == ["payments/api.py"]
    kinds = [entry.kind for entry in card.timeline if entry.kind in ("prompt", "aside")]
    assert sorted(kinds) == ["aside", "prompt", "prompt"]


def test_nothing_on_a_report_tells_the_time_of_day(desk: Desk, toy: Task) -> None:
    """The gateway's ids are made of it, and with it somebody could tell extra time."""
    new = "def spent_budget(window):\n    return window.limit - window.used\n"
    changed = {"payments/api.py": GIVEN["payments/api.py"] + new}
    session = recorded_session(desk, changed=changed)
    first = next(iter(desk.store.events(session))).at
    id_ = "0660ce7c239eb5-000000-9711"
    record_exchange(desk.store, session, id_, "a budget", TextPart(text=f"```\n{new}```"), at=first)
    made = assisted(desk, session, toy, list(desk.store.events(session)), ())
    assert made.section is not None
    (entry,) = made.section.exchanges
    runs = [run for file in made.section.files for run in file.runs]
    assert {run.exchange for run in runs} == {entry.id, None}
    assert id_ not in made.section.model_dump_json()


def test_a_sign_beside_its_cure_is_no_shipped_pitfall(desk: Desk, helped: str, toy: Task) -> None:
    """What was not met is not told at all."""
    card = build_scorecard(desk, helped, toy)
    assert card.assistant is not None
    fates = {met.id: met.fate for met in card.assistant.pitfalls}
    assert fates == {"timed": "shipped", "seen-to": "caught"}
    (signal,) = [one for one in card.signals if one.id == "assistant.pitfalls"]
    assert signal.value == "2 of 3 pitfalls met; caught: seen-to; shipped: timed"


def test_a_lost_message_costs_its_words_and_nothing_else(
    desk: Desk, helped: str, toy: Task
) -> None:
    """The exchange stays, and says that it cannot be read; the report is written."""
    for path in desk.settings.data_dir.rglob("*"):
        if path.is_file() and b"Zofia asks" in path.read_bytes()[:300]:
            path.chmod(0o600)
            path.write_bytes(b"{}")
    events = list(desk.store.events(helped))
    assert UNREADABLE in prompts(desk.store, events).values()
    made = assisted(desk, helped, toy, events, ())
    assert made.section is not None
    assert sorted(one.prompt for one in made.section.exchanges) == [UNREADABLE, "and why?", "list"]
    assert made.signals == ()


def test_a_report_and_a_rater_read_a_pseudonym(desk: Desk, helped: str, toy: Task) -> None:
    """What a candidate told the assistant of themselves is told to nobody."""
    desk.store.put_identity(helped, Identity(names=("Zofia Kowaljew",)))
    card = shown_scorecard(desk, desk.store.session(helped), toy)
    assert "Zofia" not in card.model_dump_json()
    rubric = frozen_rubric(desk, helped)
    offered = [one.text for one in offers(desk, helped, rubric, rubric.dimensions[0])]
    (asked,) = [text for text in offered if "how long" in text]
    assert asked.startswith("asked the assistant: ")
    assert "Zofia" not in asked


def test_a_session_without_an_assistant_has_no_section(desk: Desk, toy: Task) -> None:
    """Not to have had one is nothing to tell."""
    assert build_scorecard(desk, recorded_session(desk), toy).assistant is None
