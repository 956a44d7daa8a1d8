"""How steady each check's verdict is: measured by proofs, kept with the task, told in reports.

`calibration/steadiness.json` holds, for each condition (idle, busy), the counts of the
last campaign that had the check. A check that has flipped, and may flip more often
than `ALLOWED`, becomes advisory by itself.

Source: `facts/checks.md` section 8.2; C. Clopper, E. Pearson, Biometrika 26 (1934).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, comb, fsum
from pathlib import Path
from typing import Literal

from pydantic import Field

from harness.catalog.located import read_yaml, validate
from harness.errors import TaskFormatError
from harness.grading.rules import rules
from harness.models.base import Model
from harness.models.check import CheckResult, Steadiness
from harness.models.proof import Flips, KillMatrix
from harness.models.task import Task

STEADINESS_FILE = "steadiness.json"
ALLOWED = 0.05
"""Of a scored check's verdicts may be wrong, as far as runs can show."""
CONFIDENCE = 0.95

Condition = Literal["idle", "busy"]


class Counts(Flips):
    """One check's, of one campaign."""

    rules: str
    """What its verdicts followed from; see `rules`."""


Campaign = Mapping[str, Counts]
"""By check: repeated gradings under one condition."""


class Record(Model):
    """A parsed `steadiness.json`."""

    campaigns: dict[Condition, dict[str, Counts]] = Field(default_factory=dict)


def read_record(task: Task) -> Record:
    """What was measured; nothing when there is no file.

    Raises:
        TaskFormatError: The file is malformed.
    """
    path = _path(task)
    if not path.is_file():
        return Record()
    return validate(read_yaml(path, TaskFormatError), Record, TaskFormatError)


def campaign(task: Task, matrix: KillMatrix) -> Campaign:
    """What a proof has counted."""
    now = rules(task)
    return {
        check: Counts(runs=flips.runs, flips=flips.flips, rules=now[check])
        for check, flips in matrix.steadiness.items()
    }


def keep(task: Task, condition: Condition, campaign: Campaign) -> Path:
    """Write a campaign into the task; what it counted takes the place of what was there."""
    campaigns = read_record(task).campaigns
    order = list(rules(task))
    counts = {**campaigns.get(condition, {}), **campaign}
    there = {check: counts[check] for check in order if check in counts}
    kept = Record(campaigns={**campaigns, condition: there})
    path = _path(task)
    path.write_text(kept.model_dump_json(indent=1) + "\n")
    return path


def with_steadiness(task: Task, checks: Sequence[CheckResult]) -> tuple[CheckResult, ...]:
    """Results with what is known of their checks' steadiness; unsteady ones become advisory.

    Args:
        task: Whose `steadiness.json` counts.
        checks: Results of one grading.

    Raises:
        TaskFormatError: The file is malformed.
    """
    known = _known(read_record(task), rules(task))
    return tuple(_with(check, known.get(check.id)) for check in checks)


def flip_bound(runs: int, flips: int) -> float:
    """The upper Clopper-Pearson limit of a rate, one-sided at 95 %; 1.0 without runs.

    >>> round(flip_bound(100, 0), 3)
    0.03
    """
    if flips >= runs:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(60):  # halved until a double has no digits left
        middle = (low + high) / 2
        at_most = fsum(
            comb(runs, k) * middle**k * (1 - middle) ** (runs - k) for k in range(flips + 1)
        )
        low, high = (middle, high) if at_most > 1 - CONFIDENCE else (low, middle)
    return high


def _path(task: Task) -> Path:
    return task.calibration / STEADINESS_FILE


def _known(record: Record, now: Mapping[str, str]) -> Mapping[str, Steadiness]:
    campaigns = record.campaigns
    ids = {id_ for campaign in campaigns.values() for id_ in campaign}
    found = {}
    for id_ in ids:
        counts = {name: one[id_] for name, one in campaigns.items() if id_ in one}
        runs = sum(count.runs for count in counts.values())
        flips = sum(count.flips for count in counts.values())
        found[id_] = Steadiness(
            runs=runs,
            flips=flips,
            busy_runs=counts["busy"].runs if "busy" in counts else 0,
            bound=ceil(flip_bound(runs, flips) * 1e4) / 1e4,
            current=all(count.rules == now.get(id_) for count in counts.values()),
        )
    return found


def _with(check: CheckResult, known: Steadiness | None) -> CheckResult:
    if known is None:
        return check
    unsteady = known.flips > 0 and known.bound > ALLOWED
    why = (
        f"Its verdict was another than the known one in {known.flips} of {known.runs} runs, "
        f"so it may be wrong in up to {100 * known.bound:.1f} % of them; "
        f"above {100 * ALLOWED:g} % a check is not scored."
    )
    advisory = check.advisory or (why if unsteady else "")
    return check.model_copy(update={"steadiness": known, "advisory": advisory})
