"""Signals computed from events."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.models.event import (
    Event,
    SessionExtended,
    SessionPaused,
    SessionResumed,
    SessionSubmitted,
)
from harness.signals import compute, timeline
from harness.testing.builders import models, payloads

from .sessions import Told

SUBMITTED = SessionSubmitted(
    submission_sha256="0" * 64, tree="0" * 40, files=1, bytes=1, used_sec=1
)


def values(told):
    """Signal id -> value."""
    return {signal.id: signal.value for signal in compute(told.events)}


def test_a_session_without_work():
    """Everything that was not seen says so; nothing is zero evidence dressed up as a number."""
    found = values(Told())
    assert found["verification.test-runs"] == "none seen"
    assert found["verification.first-run"] == "no test run seen"
    assert found["verification.last-run"] == "no test run seen"
    assert found["change.size"] == "nothing was edited"
    assert found["rhythm.first-edit"] == "none"


def test_a_believable_session():
    """Each signal of an ordinary session, as a committee reads it."""
    told = Told(minutes=60).start(0)
    told.run(60, "pytest -q", tests=(5, 0))
    told.edit(360, ("app/api.py", 20, 4), ("tests/test_api.py", 12, 0))
    told.run(400, "pytest -q", exit_code=1, tests=(5, 1))
    told.edit(500, ("app/api.py", 3, 1))
    told.run(520, "pytest -q", tests=(6, 0))
    told.edit(1800, ("DECISIONS.md", 30, 0), ("app/api.py", 2, 2))
    told.add(2000, SUBMITTED)
    assert values(told) == {
        "verification.test-runs": "3 test runs: 2 green, 1 red",
        "verification.first-run": "before the first edit",
        "verification.red-to-green": "1 time",
        "verification.last-run": "34 lines changed in 2 files",
        "change.size": "67 lines written, 7 removed (net +60)",
        "change.files": "3 files, most of it in app/api.py, DECISIONS.md, tests/test_api.py",
        "change.tests": "12 lines written, 0 removed in 1 file",
        "change.documents": "30 lines in 1 file, DECISIONS.md among them",
        "rhythm.first-edit": "after 10 % of the time allowed",
        "rhythm.first-test-run": "after 2 % of the time allowed",
        "rhythm.work": "3 recorded edits, 3 commands; "
        "longest stretch without either: 36 % of the time allowed",
    }


def test_covered_work():
    """When nothing was edited after the last green run, that is said."""
    told = Told().start().edit(10, ("a.py", 1, 0)).run(100, "pytest", tests=(1, 0))
    assert values(told)["verification.last-run"].startswith("nothing")


def test_edit_seen_just_after_a_run_began_is_not_held_against_it():
    """A snapshot within seconds of a run's start may show an edit made before it."""
    told = Told().start().run(100, "pytest", tests=(1, 0)).edit(102, ("a.py", 1, 0))
    found = values(told)
    assert found["verification.last-run"].startswith("nothing")
    assert found["verification.first-run"] == "after 1 recorded edit"


def test_work_after_a_red_run_says_so():
    """Submitting after a red run is visible, with what the last green run does not cover."""
    told = Told().start().run(1, "pytest", tests=(1, 0)).edit(50, ("a.py", 2, 1))
    told.run(60, "pytest", tests=(0, 1))
    assert values(told)["verification.last-run"] == (
        "3 lines changed in 1 file; the last run was red"
    )


def test_only_red_runs():
    """Without a green run nothing is covered."""
    told = Told().start().run(1, "pytest", tests=(0, 1))
    assert values(told)["verification.last-run"] == "no green run seen"


def test_the_given_tree_is_nobodys_work():
    """What the candidate was given counts as no edit."""
    assert values(Told().start())["change.files"] == "none"


def test_time_stands_still_in_a_pause():
    """Shares count working time only."""
    told = Told(minutes=10).start(0)
    told.add(60, SessionPaused(by="i", reason="fire alarm"))
    told.add(3660, SessionResumed(by="i"))
    told.edit(3720, ("a.py", 1, 0))
    assert values(told)["rhythm.first-edit"] == "after 20 % of the time allowed"


def session(minutes, extension=None):
    """A session of so many minutes, with or without an extension to 90."""
    told = Told(minutes=minutes).start(0).edit(600, ("a.py", 5, 0))
    told.run(700, "pytest", tests=(2, 0)).edit(900, ("b.py", 1, 1))
    if extension is not None:
        told.events[-1:] = []
        told.add(800, SessionExtended(minutes=extension, by="i", reason="accommodation"))
        told.edit(900, ("b.py", 1, 1))
    return told.add(4000, SUBMITTED)


def test_extensions_are_invisible():
    """A session extended to 90 minutes reads exactly like one that had 90 from the start."""
    plain, extended = session(90), session(60, 30)
    assert values(plain) == values(extended)
    drawn = [
        [entry.model_dump(exclude={"event"}) for entry in timeline(told.events)]
        for told in (plain, extended)
    ]
    assert drawn[0] == drawn[1]
    text = "".join(signal.model_dump_json() for signal in compute(extended.events))
    assert "accommodation" not in text
    assert "exten" not in text


def test_signals_name_their_events():
    """Every number can be followed to the events it rests on."""
    told = Told().start().edit(10, ("a.py", 1, 0)).run(100, "pytest", tests=(1, 0))
    by_id = {signal.id: signal for signal in compute(told.events)}
    edit, run = told.events[-2].seq, told.events[-1].seq
    assert by_id["change.size"].events == (edit,)
    assert by_id["verification.test-runs"].events == (run,)
    assert all(len(signal.explanation) > 40 for signal in by_id.values())


def test_ids_are_unique_and_fixed():
    """The same signals come in the same order whatever happened; rubrics name them by id."""
    ids = [signal.id for signal in compute(Told().events)]
    assert len(set(ids)) == len(ids)
    assert ids == [signal.id for signal in compute(session(90).events)]
    assert {
        "verification.test-runs",
        "verification.red-to-green",
        "verification.last-run",
    } <= set(ids)


def test_no_events_at_all():
    """A session without any event has signals and an empty timeline."""
    assert len(compute([])) == len(compute(Told().events))
    assert timeline([]) == ()


@pytest.mark.slow
@given(st.lists(st.tuples(models(Event), payloads()), max_size=12))
def test_any_events_can_be_read(pairs):
    """Whatever events there are, signals and timeline come out."""
    events = [
        event.model_copy(update={"payload": payload, "seq": number})
        for number, (event, payload) in enumerate(pairs, 1)
    ]
    compute(events)
    timeline(events)
