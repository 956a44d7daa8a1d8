"""Grading a toy service for real, on every backend: verdicts, blame, clean-up."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from harness.errors import CheckError, IntegrityError, SandboxError
from harness.grading.grading import grade
from harness.grading.junit import junit_xml
from harness.grading.turns import Turn
from harness.models.check import CheckOutcome, Grading
from harness.models.session import Submission
from harness.models.task import Task
from harness.sandbox.protocol import SandboxBackend

from .conftest import GOOD, Make

SECRET = b"a secret of the tests"
CHECKS = ("behaviour.greets", "behaviour.no-price", "shutdown.keeps-notes")


def outcomes(grading: Grading) -> dict[str, str]:
    """Outcome by check."""
    return {check.id: check.outcome.value for check in grading.checks}


def with_line(line: str) -> str:
    """The good service with a line run before it serves."""
    return GOOD.replace('if __name__ == "__main__":\n', f'if __name__ == "__main__":\n    {line}\n')


async def test_good_submission(backend: SandboxBackend, toy: Task, make: Make) -> None:
    """A submission that keeps every promise passes every check, in declaration order."""
    steps: list[str] = []
    submission = make()
    grading = await grade(submission, toy, backend, secret=SECRET, progress=steps.append)
    assert grading.failure is None
    assert outcomes(grading) == dict.fromkeys(CHECKS, "passed")
    assert [check.id for check in grading.checks] == list(CHECKS)
    assert grading.submission_sha256 == submission.sha256
    assert (grading.task_digest, grading.backend) == (toy.digest, backend.name)
    assert set(grading.images) == {"workspace", "grader"}
    assert "behaviour.greets: passed" in steps
    assert grading.finished_at > grading.started_at


async def test_flawed_submission(backend: SandboxBackend, toy: Task, make: Make) -> None:
    """A flaw fails the check that looks for it and no other, with measurements and log."""
    grading = await grade(
        make((toy.repo / "service.py").read_text()),
        toy,
        backend,
        secret=SECRET,
        grading_id="g-mine",
    )
    assert grading.id == "g-mine"
    assert outcomes(grading) == dict.fromkeys(CHECKS, "passed") | {"behaviour.no-price": "failed"}
    (failed,) = [check for check in grading.checks if check.outcome is CheckOutcome.FAILED]
    assert failed.measurements[0].threshold == "= 503"
    assert "GET /price" in failed.log_tail


async def test_only_some_checks(backend: SandboxBackend, toy: Task, make: Make) -> None:
    """Asked for one check, it runs that one."""
    grading = await grade(make(), toy, backend, secret=SECRET, only=("behaviour.greets",))
    assert outcomes(grading) == {"behaviour.greets": "passed"}


TAMPER = """\
import json, os, sys
for fd in (0, 1, 2):
    for line in (
        {"kind": "finished"},
        {"kind": "result", "result": {"id": "behaviour.no-price", "outcome": "passed", "score": 1}},
    ):
        try:
            os.write(fd, json.dumps(line).encode() + b"\\n")
        except OSError:
            pass
class Agreeable(dict):
    def __eq__(self, other):
        return True
open("conftest.py", "w").write("import os; os._exit(0)")
open("sitecustomize.py", "w").write("import os; os._exit(0)")
"""


async def test_tampering_changes_nothing(backend: SandboxBackend, toy: Task, make: Make) -> None:
    """Forged channel lines, planted conftest and sitecustomize leave the verdicts as they are."""
    service = TAMPER + (toy.repo / "service.py").read_text()
    planted = {"conftest.py": "import os; os._exit(0)", "pytest.ini": "[pytest]\naddopts=-k no"}
    grading = await grade(make(service, **planted), toy, backend, secret=SECRET)
    assert grading.failure is None
    assert outcomes(grading) == dict.fromkeys(CHECKS, "passed") | {"behaviour.no-price": "failed"}


def dripping(sends: str) -> str:
    """An expression that sends something twice a second, without end."""
    return f"[({sends}, __import__('time').sleep(0.5)) for _ in iter(int, 1)]"


DRIP = 'self.wfile.write(b"H")'
STARTS_BADLY = {
    "exits": ("import sys; sys.exit('no module named hope')", "exited with code 1", "hope"),
    "exits-quietly": ("import os; os._exit(0)", "exited with code 0", ""),
    "does-not-parse": ("def (:", "exited with code 1", "SyntaxError"),
    "wrong-port": (
        GOOD.replace('int(os.environ["PORT"])', "18999"),
        "never listened on port 8000 within 4 s. It listens on 18999 instead.",
        "",
    ),
    "never-listens": (
        "import time; print('here', flush=True); time.sleep(600)",
        "never listened",
        "here",
    ),
    "never-ready": (
        GOOD.replace("self.answer(200, {})", 'self.answer(503, {"detail": "soon"})'),
        "never got ready within 4 s: GET /readyz: the last answer was 503",
        "/readyz",
    ),
    "silent": (
        GOOD.replace("self.answer(200, {})", "__import__('time').sleep(600)"),
        "took the connection and sent no whole answer",
        "",
    ),
    "drips": (
        GOOD.replace("self.answer(200, {})", dripping(DRIP)),
        "took the connection and sent no whole answer",
        "",
    ),
    "drips-its-body": (
        GOOD.replace(
            "self.answer(200, {})",
            "(self.send_response(200), self.send_header('Content-Length', '999'), "
            f"self.end_headers(), {dripping(DRIP)})",
        ),
        "took the connection and sent no whole answer",
        "",
    ),
    "continues": (
        GOOD.replace(
            "self.answer(200, {})", dripping("self.send_response_only(100) or self.end_headers()")
        ),
        "took the connection and sent no whole answer",
        "",
    ),
}


@pytest.mark.parametrize("case", STARTS_BADLY)
async def test_not_starting(backend: SandboxBackend, toy: Task, make: Make, case: str) -> None:
    """A submission that does not come up has failed, and the interviewer is told how and why."""
    service, message, log = STARTS_BADLY[case]
    grading = await grade(make(service), toy, backend, secret=SECRET)
    assert grading.failure is not None
    assert grading.failure.kind == "submission"
    assert message in grading.failure.message
    assert log in grading.failure.log_tail
    assert outcomes(grading) == dict.fromkeys(CHECKS, "failed")
    assert {check.score for check in grading.checks} == {0.0}
    assert all(message in check.summary for check in grading.checks)


async def test_slow_start_is_fine(backend: SandboxBackend, toy: Task, make: Make) -> None:
    """A service that takes its time to start, within the time it has, is graded."""
    service = with_line("__import__('time').sleep(2.5)")
    grading = await grade(make(service), toy, backend, secret=SECRET, only=("behaviour.greets",))
    assert outcomes(grading) == {"behaviour.greets": "passed"}


@pytest.fixture
def broken(toy: Task, tmp_path: Path) -> Task:
    """The toy with an original that does not start."""
    repo = tmp_path / "broken/environment/repo"
    repo.mkdir(parents=True)
    (repo / "service.py").write_text("raise SystemExit('the task itself is broken')")
    (tmp_path / "broken/tests").symlink_to(toy.tests)
    return toy.model_copy(update={"path": tmp_path / "broken"})


async def test_nothing_starts(backend: SandboxBackend, broken: Task, make: Make) -> None:
    """When the original does not start either, nothing is said about the submission."""
    with pytest.raises(SandboxError, match="neither the submission nor") as caught:
        await grade(make("raise SystemExit(1)"), broken, backend, secret=SECRET)
    assert "the task itself is broken" in caught.value.message


@pytest.fixture
def tests_of(toy: Task, tmp_path: Path) -> Task:
    """The toy with hidden checks of one's own in `tests/test_toy.py`."""
    root = tmp_path / "other"
    (root / "tests").mkdir(parents=True)
    (root / "environment").symlink_to(toy.environment)
    (root / "tests/conftest.py").write_text((toy.tests / "conftest.py").read_text())
    (root / "tests/test_toy.py").write_text((toy.tests / "test_toy.py").read_text())
    return toy.model_copy(update={"path": root, "name": "other"})


def edit(task: Task, old: str, new: str) -> None:
    """Change the hidden checks."""
    path = task.tests / "test_toy.py"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


async def test_broken_checks(backend: SandboxBackend, tests_of: Task, make: Make) -> None:
    """Hidden checks that cannot be collected are their author's matter, with the reason."""
    edit(tests_of, "import random", "import nonsense_module")
    with pytest.raises(CheckError, match="could not be run") as caught:
        await grade(make(), tests_of, backend, secret=SECRET)
    assert "nonsense_module" in caught.value.message


NONSENSE = "sut._channel._writer.write(b'nonsense\\n'); sut._channel._writer.flush()"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("__import__('os')._exit(9)", "ended with status 9"),
        (NONSENSE, "none of ours: 'nonsense'"),
    ],
    ids=["exit", "nonsense"],
)
async def test_grader_breaks(
    backend: SandboxBackend, tests_of: Task, make: Make, line: str, message: str
) -> None:
    """What was measured before its only grader broke stays; the rest is invalid, never failed."""
    edit(tests_of, "    good = await sut", f"    {line}\n    good = await sut")
    grading = await grade(make(), tests_of, backend, secret=SECRET, lanes=1)
    assert grading.failure is not None
    assert grading.failure.kind == "machinery"
    assert message in grading.failure.message
    assert outcomes(grading) == {
        "behaviour.greets": "passed",
        "behaviour.no-price": "invalid",
        "shutdown.keeps-notes": "invalid",
    }
    assert grading.checks[1].score is None


@pytest.mark.docker
@pytest.mark.parametrize("backend", ["docker"], indirect=True)
async def test_other_lanes_go_on(backend: SandboxBackend, tests_of: Task, make: Make) -> None:
    """A lane whose grader breaks loses the check it was at; the others take the rest, each once."""
    edit(tests_of, "    good = await sut", "    __import__('os')._exit(9)\n    good = await sut")
    steps: list[str] = []
    grading = await grade(make(), tests_of, backend, secret=SECRET, lanes=2, progress=steps.append)
    assert outcomes(grading) == {
        "behaviour.greets": "passed",
        "behaviour.no-price": "invalid",
        "shutdown.keeps-notes": "passed",
    }
    assert sorted(step for step in steps if step in CHECKS) == sorted(CHECKS)


@pytest.mark.parametrize(
    ("reference", "outcome", "alone"),
    [("sturdy", "failed", [False, False]), ("flawed", "invalid", [False, False, True])],
)
async def test_a_good_service_meets_loud_checks(
    backend: SandboxBackend,
    tests_of: Task,
    make: Make,
    monkeypatch: pytest.MonkeyPatch,
    *,
    reference: str,
    outcome: str,
    alone: list[bool],
) -> None:
    """A loud check counts against a submission only where a known reference passes it just now.

    Before that one is said not to, it has had the machine to itself.
    """
    taken: list[bool] = []
    take = Turn.take

    async def noted(turn: Turn, *, loud: bool, alone: bool = False) -> None:
        taken.append(alone)
        await take(turn, loud=loud, alone=alone)

    monkeypatch.setattr(Turn, "take", noted)
    edit(tests_of, 'id="behaviour.no-price",', 'id="behaviour.no-price",\n    loud=True,')
    flawed = (tests_of.repo / "service.py").read_text()
    for name, service in (("sturdy", GOOD), ("flawed", flawed)):
        folder = tests_of.calibration / name
        folder.mkdir(parents=True)
        (folder / "service.py").write_text(service)
    (tests_of.calibration / "calibration.toml").write_text(
        f'[[submission]]\nname = "r"\nkind = "reference"\npath = "{reference}"\nabout = "r"\n'
    )
    grading = await grade(
        make(flawed), tests_of, backend, secret=SECRET, only=("behaviour.no-price",)
    )
    assert outcomes(grading) == {"behaviour.no-price": outcome}
    assert ("known to be good" in grading.checks[0].summary) == (outcome == "invalid")
    assert taken == alone


@pytest.mark.docker
@pytest.mark.parametrize("backend", ["docker"], indirect=True)
async def test_the_original_is_there_beside_the_submission(
    backend: SandboxBackend, tests_of: Task, make: Make
) -> None:
    """A check can hold one against the other: each answers for itself."""
    edit(tests_of, "(sut: Sut, rng", "(sut: Sut, original: Sut, rng")
    line = '    measure.true(f"greets by name'
    look = 'measure.true("the original", (await original.get("/v?name=x")).ok)'
    edit(tests_of, line, f"    {look}\n{line}")
    shared = tests_of.environment.readlink()
    tests_of.environment.unlink()
    shutil.copytree(shared, tests_of.environment)
    service = tests_of.repo / "service.py"
    service.write_text(service.read_text().replace("/hello", "/v"))
    grading = await grade(make(), tests_of, backend, secret=SECRET, only=("behaviour.greets",))
    assert outcomes(grading) == {"behaviour.greets": "passed"}, grading.checks


async def test_deadline(backend: SandboxBackend, tests_of: Task, make: Make) -> None:
    """A grading that does not end is ended; checks without a result are invalid."""
    edit(
        tests_of,
        "    good = await sut",
        "    import asyncio; await asyncio.sleep(100)\n    good = await sut",
    )
    grading = await grade(make(), tests_of, backend, secret=SECRET, timeout_sec=8)
    assert grading.failure is not None
    assert "did not end within 8 s" in grading.failure.message
    assert outcomes(grading)["behaviour.no-price"] == "invalid"


async def test_stdout_flood(backend: SandboxBackend, toy: Task, make: Make) -> None:
    """A service that prints without end is graded, and its log stays bounded."""
    printing = "[print('x' * 10000) for _ in range(20000)]"
    flood = f"__import__('threading').Thread(target=lambda: {printing}, daemon=True).start()"
    grading = await grade(make(with_line(flood)), toy, backend, secret=SECRET)
    assert grading.failure is None
    assert {check.outcome for check in grading.checks} <= {CheckOutcome.PASSED, CheckOutcome.FAILED}
    assert all(len(check.log_tail) < 100_000 for check in grading.checks)


async def test_cancellation_leaves_nothing(backend: SandboxBackend, toy: Task, make: Make) -> None:
    """Ctrl-C in the middle of a check leaves no sandbox, network or volume (see the fixture)."""
    busy = asyncio.Event()

    def progress(line: str) -> None:
        if line == "behaviour.no-price":
            busy.set()

    work = asyncio.create_task(grade(make(), toy, backend, secret=SECRET, progress=progress))
    await asyncio.wait_for(busy.wait(), 60)
    assert await backend.objects()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work


async def test_changed_seal_is_refused(backend: SandboxBackend, toy: Task, make: Make) -> None:
    """A submission that is not what was sealed is not graded."""
    submission = make()
    forged = Submission(**{**submission.model_dump(), "sha256": "0" * 64})
    with pytest.raises(IntegrityError):
        await grade(forged, toy, backend, secret=SECRET)


async def test_seed_repeats_and_differs(backend: SandboxBackend, toy: Task, make: Make) -> None:
    """Inputs repeat for the same submission and secret, and differ between submissions."""

    async def greeted(submission: Submission, secret: bytes) -> str:
        only = ("behaviour.greets",)
        grading = await grade(submission, toy, backend, secret=secret, only=only)
        return grading.checks[0].measurements[0].name

    first, other = make(), make(GOOD + "# another\n")
    names = [await greeted(first, SECRET), await greeted(first, SECRET)]
    assert names[0] == names[1]
    assert await greeted(other, SECRET) != names[0]
    assert await greeted(first, b"another secret") != names[0]


@pytest.mark.docker
@pytest.mark.parametrize("backend", ["docker"], indirect=True)
async def test_memory_eater(backend: SandboxBackend, toy: Task, make: Make) -> None:
    """A service that eats all its memory at the start is told from one that just exits."""
    service = with_line("hoard = [b'x' * 2**20 for _ in range(4096)]")
    grading = await grade(make(service), toy, backend, secret=SECRET)
    assert grading.failure is not None
    assert "ran out of memory" in grading.failure.message


@pytest.mark.docker
@pytest.mark.parametrize("backend", ["docker"], indirect=True)
async def test_fork_bomb(backend: SandboxBackend, toy: Task, make: Make) -> None:
    """A fork bomb hits its own limit; the grading ends with a verdict on the submission."""
    bomb = (
        "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass\n"
    )
    grading = await grade(make(bomb), toy, backend, secret=SECRET)
    assert grading.failure is not None
    assert grading.failure.kind == "submission"


async def test_junit(backend: SandboxBackend, toy: Task, make: Make) -> None:
    """JUnit XML can be parsed whatever the service printed."""
    noise = with_line(
        r"print('\x00\x1b[31m]]>&<\ud800'.encode('utf-8', 'replace'), '\x07', flush=True)"
    )
    grading = await grade(make(noise.replace("503, ", "500, ")), toy, backend, secret=SECRET)
    suite = ET.fromstring(junit_xml(grading))
    assert [case.get("name") for case in suite] == list(CHECKS)
    assert suite.get("failures") == "1"
