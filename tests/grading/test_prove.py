"""The toy's hidden checks are proven for real; what was done once is not done again."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from harness.catalog.tasks import read_task
from harness.errors import UsageError
from harness.grading import prove as proving
from harness.grading.calibration import read_calibration
from harness.grading.prove import prove
from harness.grading.rules import rules
from harness.grading.stress import busy_machine
from harness.models.proof import KillMatrix
from harness.models.task import Task
from harness.sandbox.protocol import SandboxBackend


async def test_the_toy_is_proven(backend: SandboxBackend, toy: Task, tmp_path: Path) -> None:
    """Every known submission gets its verdicts; a second proof takes them from the cache."""
    steps: list[str] = []
    first = await prove(toy, backend, cache_dir=tmp_path / "cache", lanes=2, progress=steps.append)
    assert first.problems == ()
    assert (first.proven, first.sensitivity, first.specificity) == (True, 1.0, 1.0)
    assert first.expected_kills == 1 + 1
    assert [row.score for row in first.rows[1:]] == [1.0, 2 / 3, 0.0]
    assert [row.name for row in first.rows] == ["original", "sturdy", "notes-in-memory", "silent"]
    assert "exited with code 1" in first.rows[3].failure

    steps.clear()
    again = await prove(toy, backend, cache_dir=tmp_path / "cache", progress=steps.append)
    assert again == first
    assert steps == [f"{row.name}, run 1: known from before" for row in first.rows]


async def test_interrupted_proof_goes_on(
    backend: SandboxBackend, toy: Task, tmp_path: Path
) -> None:
    """What was graded before Ctrl-C is kept, and the rest is graded the next time."""
    second = asyncio.Event()

    def progress(line: str) -> None:
        if line == "sturdy, run 1: starts":
            second.set()

    names = ("original", "sturdy")
    cache = tmp_path / "cache"
    work = asyncio.create_task(prove(toy, backend, cache_dir=cache, only=names, progress=progress))
    await asyncio.wait_for(second.wait(), 60)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    steps: list[str] = []
    result = await prove(toy, backend, cache_dir=cache, only=names, progress=steps.append)
    assert "original, run 1: known from before" in steps
    assert "sturdy, run 1: starts" in steps
    assert (result.proven, result.complete) == (True, False)


@pytest.mark.parametrize("backend", ["process"], indirect=True)
async def test_only_what_changed_is_run_again(
    backend: SandboxBackend, toy: Task, tmp_path: Path
) -> None:
    """A check in a module that was edited; the others' results still follow."""
    root = shutil.copytree(toy.path, tmp_path / "edited")
    cache = tmp_path / "cache"
    more = (root / "tests/test_toy.py").read_text()
    for family in ("behaviour", "shutdown"):
        more = more.replace(f'"{family}.', '"verification.')
    (root / "tests/test_more.py").write_text(more)
    first = await prove(read_task(root), backend, cache_dir=cache, only=("sturdy",))
    assert first.rows[0].as_expected
    (root / "tests/test_more.py").write_text(f"{more}\n# edited")
    steps: list[str] = []
    again = await prove(
        read_task(root), backend, cache_dir=cache, only=("sturdy",), progress=steps.append
    )
    assert again.checks == first.checks
    run = {step.split(": ")[1] for step in steps if step.endswith(": passed")}
    assert run == {check for check in first.checks if check.startswith("verification.")}


async def test_runs_get_other_inputs(backend: SandboxBackend, toy: Task, tmp_path: Path) -> None:
    """Repeated runs of one submission are seeded differently, and all count."""
    result = await prove(
        toy,
        backend,
        cache_dir=tmp_path,
        repeat=2,
        only=("sturdy",),
        checks=("behaviour.greets",),
        stress=True,
    )
    assert (result.repeat, result.reference_cells, result.specificity) == (2, 2, 1.0)
    kept = [json.loads(path.read_text())["grading"] for path in tmp_path.rglob("*-?.json")]
    assert len({one["checks"][0]["measurements"][0]["name"] for one in kept}) == 2


@pytest.mark.parametrize("backend", ["process"], indirect=True)
async def test_what_was_not_measured_is_tried_again(
    backend: SandboxBackend, toy: Task, tmp_path: Path
) -> None:
    """A check that is invalid the first time is run again alone, and then counts."""
    root = tmp_path / "moody"
    shutil.copytree(toy.path, root)
    flag = tmp_path / "seen"
    moody = f"""
    from pathlib import Path
    from harness.checks import ControlFailed
    seen = Path({str(flag)!r})
    if seen.exists() and len(seen.read_text()) > 1:
        return await _greets(sut, rng, measure)
    seen.write_text("x" + (seen.read_text() if seen.exists() else ""))
    raise ControlFailed("not my day")


async def _greets(sut, rng, measure):
"""
    path = root / "tests/test_toy.py"
    line = '    """A name that nobody could foresee."""\n'
    path.write_text(path.read_text().replace(line, moody))
    steps: list[str] = []
    result = await prove(
        read_task(root), backend, cache_dir=tmp_path, only=("sturdy",), progress=steps.append
    )
    assert "sturdy, run 1: again, for behaviour.greets" in steps
    assert result.proven


@pytest.mark.parametrize("backend", ["process"], indirect=True)
async def test_mutants_meet_their_own_checks_alone(
    backend: SandboxBackend, toy: Task, tmp_path: Path
) -> None:
    """That is enough for sensitivity and specificity; a whole proof adds what is missing."""
    cache = tmp_path / "cache"
    quick = await prove(toy, backend, cache_dir=cache, own=True)
    assert (quick.problems, quick.complete) == ((), False)
    assert (quick.sensitivity, quick.specificity) == (1.0, 1.0)
    rows = {row.kind: row for row in quick.rows}
    assert tuple(rows["mutant"].outcomes) == rows["mutant"].must_fail
    assert tuple(rows["reference"].outcomes) == quick.checks
    steps: list[str] = []
    whole = await prove(toy, backend, cache_dir=cache, progress=steps.append)
    assert whole.complete
    assert tuple(next(row for row in whole.rows if row.kind == "mutant").outcomes) == whole.checks
    assert f"{rows['reference'].name}, run 1: known from before" in steps


async def test_the_oracle_is_asked_when_every_submission_was_graded(
    backend: SandboxBackend, toy: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when mutants met their own checks alone; of a part of the set it would say nothing."""
    asked: list[KillMatrix] = []

    async def with_oracle(found: KillMatrix, *_: object, **__: object) -> KillMatrix:
        asked.append(found)
        return found

    monkeypatch.setattr(proving, "with_oracle", with_oracle)
    made = await prove(toy, backend, cache_dir=tmp_path, own=True)
    assert asked == [made]
    await prove(toy, backend, cache_dir=tmp_path, only=("sturdy",))
    await prove(toy, backend, cache_dir=tmp_path, checks=made.checks[:1])
    assert asked == [made]


async def test_own_checks_of_nobody(backend: SandboxBackend, toy: Task, tmp_path: Path) -> None:
    """A mutant that has to fail none of the checks that were chosen leaves nothing to prove."""
    mutants = [one for one in read_calibration(toy).submission if one.kind == "mutant"]
    other = next(check for check in rules(toy) if check not in mutants[0].fails)
    with pytest.raises(UsageError, match="has to fail"):
        await prove(
            toy, backend, cache_dir=tmp_path, own=True, only=(mutants[0].name,), checks=(other,)
        )


async def test_unknown_check(backend: SandboxBackend, toy: Task, tmp_path: Path) -> None:
    """Said before anything is run, with those there are."""
    with pytest.raises(UsageError, match=r"no check nope\."):
        await prove(toy, backend, cache_dir=tmp_path, checks=("nope",))


async def test_unknown_submission(backend: SandboxBackend, toy: Task, tmp_path: Path) -> None:
    """A misspelt submission gets the names there are."""
    with pytest.raises(UsageError, match="notes-in-memory"):
        await prove(toy, backend, cache_dir=tmp_path, only=("sturdyy",))


def test_stress_ends_with_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """Busy processes run inside the block and are gone after it, whatever happens in it."""
    started: list[subprocess.Popen[bytes]] = []
    real = subprocess.Popen

    def remember(*args: object, **kwargs: object) -> subprocess.Popen[bytes]:
        started.append(real(*args, **kwargs))  # type: ignore[call-overload]
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", remember)
    with suppress(ZeroDivisionError), busy_machine(2):
        assert [burner.poll() for burner in started] == [None, None]
        raise ZeroDivisionError
    assert [burner.returncode for burner in started] == [-9, -9]
