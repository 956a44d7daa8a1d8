"""The drawn timeline."""

from __future__ import annotations

from harness.models.event import (
    NoteTaken,
    RecordingFailed,
    RecordingGap,
    SessionEnded,
    SessionPaused,
    SessionReopened,
    SessionResumed,
    SessionSubmitted,
)
from harness.signals import timeline
from harness.signals.timeline import LABEL_CHARS

from .sessions import Told
from .test_collaboration import Session


def drawn(told):
    """(kind, start, end, label) of each entry."""
    return [(e.kind, e.start_sec, e.end_sec, e.label) for e in timeline(told.events)]


def test_edits_close_together_are_one():
    """Edits at most 30 s apart are one burst with its sums; a longer gap begins another."""
    told = Told()
    told.edit(10, ("a.py", 1, 0)).edit(40, ("b.py", 2, 1)).edit(70, ("a.py", 3, 0))
    told.edit(101, ("c.py", 1, 1))
    first, second = timeline(told.events)
    assert (first.start_sec, first.end_sec, first.added, first.removed) == (10, 70, 6, 1)
    assert first.label == "Edited a.py, b.py"
    assert (second.start_sec, second.event) == (101, told.events[-1].seq)


def test_a_command_stands_between_edits():
    """What was edited before a test run and after it are two bursts, however close."""
    told = Told().edit(10, ("a.py", 1, 0)).run(12, "pytest -q", took=3).edit(16, ("a.py", 2, 0))
    told.edit(18, ("a.py", 4, 0))
    assert [(e.kind, e.start_sec, e.added) for e in timeline(told.events)] == [
        ("edit", 10, 1),
        ("command", 12, 0),
        ("edit", 16, 6),
    ]


def test_each_edit_can_stand_apart():
    """A replay shows every snapshot."""
    told = Told().edit(10, ("a.py", 1, 0)).edit(10, ("b.py", 2, 0))
    assert [e.label for e in timeline(told.events, burst_gap_sec=None)] == [
        "Edited a.py",
        "Edited b.py",
    ]


def test_many_files_are_counted():
    """A burst names three files and counts the others."""
    told = Told().edit(10, *[(f"f{number}.py", 1, 0) for number in range(7)])
    assert drawn(told)[0][3] == "Edited f0.py, f1.py, f2.py and 4 more"


def test_commands_and_tests():
    """Commands say whether they succeeded; test runs whether they were green, with counts."""
    told = Told()
    told.run(5, "ls").run(10, "false", exit_code=1).run(15, "sleep 9", exit_code=None)
    told.run(20, "pytest -q", took=4, tests=(3, 1), exit_code=1)
    told.run(30, "pytest || true", tests=(3, 1), exit_code=0)
    entries = timeline(told.events)
    assert [(e.kind, e.ok) for e in entries] == [
        ("command", True),
        ("command", False),
        ("command", None),
        ("test", False),
        ("test", False),
    ]
    assert entries[3].label == "pytest, 3 passed, 1 failed: pytest -q"
    assert (entries[3].start_sec, entries[3].end_sec) == (20, 24)


def test_clock_notes_gaps_and_submission():
    """A pause is drawn to its end; a gap from its beginning; why somebody paused is not told."""
    told = Told().start(1)
    told.add(10, NoteTaken(by="i", text="asks about\nretries"))
    told.add(20, SessionPaused(by="i", reason="medication"))
    told.add(50, SessionResumed(by="i", reason="medication"))
    told.add(90, RecordingGap(seconds=30, reason="no recorder was at work"))
    told.add(95, RecordingFailed(part="snapshots", message="/host/path broke"))
    told.add(
        100,
        SessionSubmitted(submission_sha256="0" * 64, tree="0" * 40, files=1, bytes=1, used_sec=1),
    )
    told.add(110, SessionReopened(by="i", reason="wrong button"))
    told.add(120, SessionEnded(by="i"))
    assert drawn(told) == [
        ("clock", 1, 1, "Started"),
        ("note", 10, 10, "asks about retries"),
        ("clock", 20, 50, "Paused"),
        ("clock", 50, 50, "Resumed"),
        ("gap", 60, 90, "Not recorded: no recorder was at work"),
        ("gap", 95, 95, "Recording of snapshots failed"),
        ("submit", 100, 100, "Submitted"),
        ("clock", 110, 110, "Reopened"),
        ("clock", 120, 120, "Ended"),
    ]


def test_labels_are_short_lines():
    """Whatever a candidate typed, a label is one line of bounded length."""
    told = Told().run(1, "x\n" * 1000).edit(5, ("y" * 4000, 1, 0))
    for entry in timeline(told.events):
        assert "\n" not in entry.label
        assert len(entry.label) <= LABEL_CHARS + len("Edited ")


def test_prompts_stand_on_the_timeline_when_they_were_asked():
    """With what was typed; what a program asked by itself is told apart, and how it ended."""
    session = Session().ask(10, "why\nso slow?").ask(20, "ok", tool_round=True)
    first, second = (event.seq for event in session.told.events[-2:])
    entries = timeline(session.told.events, asked={first: "why\nso slow?"})[1:]
    assert [(e.kind, e.start_sec, e.end_sec, e.label, e.event) for e in entries] == [
        ("prompt", 10, 11, "why so slow?", first),
        ("aside", 20, 21, "A tool's result went back", second),
    ]


def test_a_prompt_keeps_edits_apart():
    """What was edited before a question and after its answer are two bursts, however close."""
    session = Session().see(10, "a = 1\n").ask(12, "and b?").see(14, "b = 1\n")
    session.ask(15, "ok", tool_round=True).see(16, "c = 1\n")
    kinds = [(e.kind, e.start_sec) for e in timeline(session.told.events)[1:]]
    assert kinds == [("edit", 10), ("prompt", 12), ("edit", 14), ("aside", 15)]


def test_a_prompts_line_ends_with_a_whole_word():
    """Half of a name would be found by nobody who looks for names."""
    session = Session().ask(10, "x")
    seq = session.told.events[-1].seq
    long = "word " * 38 + "Kowaljewskaja and so on and on"
    (entry,) = [e for e in timeline(session.told.events, asked={seq: long}) if e.kind == "prompt"]
    assert entry.label == "word " * 37 + "word…"
