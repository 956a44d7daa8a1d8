"""Whether and when the candidate checked their work."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from harness.models.scorecard import Signal
from harness.signals.story import Edit, Run, Story
from harness.signals.texts import count

_SOURCE = (
    "Test runs are recognised by the summaries that pytest, unittest, node, jest, mocha, go and "
    "cargo print in a terminal; checks made another way (curl, a REPL, reading) are not seen, "
    "and printed text can imitate a summary."
)


def signals(story: Story) -> Iterator[Signal]:
    """Verification signals of a session."""
    runs = story.runs
    yield _test_runs(runs)
    yield _first_run(runs, story.edits)
    yield _red_to_green(runs)
    yield _last_run(runs, story.edits)


def _test_runs(runs: tuple[Run, ...]) -> Signal:
    green = sum(run.result.green for run in runs)
    red = sum(run.red for run in runs)
    value = f"{count(len(runs), 'test run')}: {green} green, {red} red" if runs else "none seen"
    return Signal(
        id="verification.test-runs",
        title="Test runs",
        value=value,
        explanation=f"{_SOURCE} A number of runs says nothing about what they tested.",
        events=_events(runs),
    )


def _first_run(runs: tuple[Run, ...], edits: tuple[Edit, ...]) -> Signal:
    if not runs:
        value = "no test run seen"
    elif not edits:
        value = "nothing was edited"
    elif runs[0].ran.surely_before(edits[0]):
        value = "before the first edit"
    else:
        between = sum(not runs[0].ran.surely_before(edit) for edit in edits)
        value = f"after {count(between, 'recorded edit')}"
    return Signal(
        id="verification.first-run",
        title="First test run",
        value=value,
        explanation=f"Running the given tests first shows what they cover and that they pass. "
        f"{_SOURCE} Somebody who read the tests closely may have had no need to.",
        events=_events(runs[:1]),
    )


def _red_to_green(runs: tuple[Run, ...]) -> Signal:
    decided = [run for run in runs if run.red or run.result.green]
    turned = [after for before, after in pairwise(decided) if before.red and after.result.green]
    return Signal(
        id="verification.red-to-green",
        title="Red to green",
        value=count(len(turned), "time") if turned else "not seen",
        explanation="How often a failing test run was followed by a green one: a failure was "
        "seen before it was mended. It does not show whether the test was written for the "
        f"fault or the fault was the candidate's own. {_SOURCE}",
        events=_events(turned),
    )


def _last_run(runs: tuple[Run, ...], edits: tuple[Edit, ...]) -> Signal:
    last_green = next((run for run in reversed(runs) if run.result.green), None)
    after = [e for e in edits if last_green is None or last_green.ran.surely_before(e)]
    return Signal(
        id="verification.last-run",
        title="Work after the last green run",
        value=_last_run_value(runs, last_green, after),
        explanation="What was edited after the last green test run began, so no green run of "
        "the candidate's covers it; documents count too. Snapshots are seconds apart, so an "
        f"edit made just before a run may count as before it. {_SOURCE}",
        events=(*_events((last_green,) if last_green else ()), *(edit.event for edit in after)),
    )


def _last_run_value(runs: tuple[Run, ...], last_green: Run | None, after: list[Edit]) -> str:
    if not runs:
        return "no test run seen"
    if last_green is None:
        return "no green run seen"
    if not after:
        return "nothing: the last green run covers everything"
    files = {change.path for edit in after for change in edit.changes}
    lines = sum(edit.lines for edit in after)
    ending = "; the last run was red" if runs[-1].red else ""
    return f"{count(lines, 'line')} changed in {count(len(files), 'file')}{ending}"


def _events(runs: tuple[Run, ...] | list[Run]) -> tuple[int, ...]:
    return tuple(run.ran.event for run in runs)
