"""The gate of a refactor's comparison: what its generators reach and its checks notice."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.catalog.tasks import read_task
from harness.cli.prove_page import show_matrix
from harness.content import TASKS, content_dir
from harness.errors import CheckError
from harness.grading import oracle
from harness.grading.calibration import KnownSubmission
from harness.grading.matrix import matrix
from harness.grading.oracle import oracle_gate, reached, shortfalls, with_oracle
from harness.models.check import CheckOutcome
from harness.models.proof import KillMatrix, MatrixRow, OracleGate, Reached
from harness.models.task import Task
from harness.reporting import matrix_page

from .test_matrix import THREE, run

SMALL = read_task(content_dir(TASKS) / "legacy-csv-report")
EVERYTHING = Reached(branches=100, covered=100, programs=500)


def a_row(name: str, *outcomes: CheckOutcome) -> MatrixRow:
    """A mutant with these outcomes."""
    return MatrixRow(
        name=name,
        kind="mutant",
        about="it is",
        submission_sha256="s",
        must_fail=("a.one",),
        outcomes={f"a.c{number}": outcome for number, outcome in enumerate(outcomes)},
        as_expected=True,
        score=0.5,
    )


def a_mutant(name: str, base: str = "original") -> KnownSubmission:
    """One of that base."""
    return KnownSubmission.model_validate(
        {
            "name": name,
            "kind": "mutant",
            "base": base,
            "patch": "p",
            "fails": ["a.one"],
            "about": "it is",
        }
    )


def a_matrix() -> KillMatrix:
    """Of nothing but the original."""
    item = KnownSubmission.model_validate({"name": "original", "kind": "original", "about": "it"})
    return matrix(
        task="t",
        task_digest="d",
        backend="fake",
        stress=False,
        whole_battery=True,
        complete=True,
        known=[item],
        checks=THREE[:2],
        asked={"original": THREE[:2]},
        gradings={"original": [run("pp")]},
    )


def test_mutants_of_the_original() -> None:
    """A mutant is noticed when any check lets it down; mutants of other trees do not count."""
    passed, failed, partial = CheckOutcome.PASSED, CheckOutcome.FAILED, CheckOutcome.PARTIAL
    known = [a_mutant("one"), a_mutant("two"), a_mutant("three"), a_mutant("far", "references/x")]
    rows = [
        a_row("one", passed, failed),
        a_row("two", partial, passed),
        a_row("three", passed, CheckOutcome.INVALID),
        a_row("far", passed, passed),
    ]
    gate = oracle_gate(EVERYTHING, known, rows)
    assert (gate.mutants, gate.alive) == (3, ("three",))
    assert gate.killed_share == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("gate", "said"),
    [
        (OracleGate(reached=EVERYTHING, mutants=40), []),
        (OracleGate(reached=EVERYTHING, mutants=39), ["39 mutants of the original, fewer than 40"]),
        (OracleGate(reached=EVERYTHING, mutants=50, alive=tuple("abcde")), []),
        (OracleGate(reached=EVERYTHING, mutants=50, alive=tuple("abcdef")), ["6 live: a, b, c"]),
        (
            OracleGate(
                reached=Reached(branches=100, covered=94, missing=("x.py: 1 -> 2",), programs=1),
                mutants=40,
            ),
            ["94 of 100 branches of the original, less than 95%; not x.py: 1 -> 2."],
        ),
        (
            OracleGate(
                reached=EVERYTHING.model_copy(update={"broken": ("test_x: it broke",)}), mutants=40
            ),
            ["original on both sides, test_x: it broke"],
        ),
    ],
)
def test_what_falls_short(gate: OracleGate, said: list[str]) -> None:
    """Each bound that is missed is a problem of the proof, and only those."""
    found = list(shortfalls(gate))
    assert len(found) == len(said)
    assert all(part in text for part, text in zip(said, found, strict=True))


async def test_kept_and_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is reached is played once for the same rules, and again when they or the wish change."""
    played: list[str] = []

    def play(task: Task) -> Reached:
        played.append(task.name)
        return Reached(branches=10, covered=5, programs=1)

    monkeypatch.setattr(oracle, "reached", play)

    async def proof(rules: dict[str, str], *, fresh: bool = False) -> KillMatrix:
        return await with_oracle(
            a_matrix(),
            SMALL,
            [],
            rules,
            cache_dir=tmp_path,
            fresh=fresh,
            progress=lambda _: None,
        )

    first = await proof({"a": "1"})
    assert await proof({"a": "1"}) == first
    assert len(played) == 1
    assert first.oracle is not None
    assert not first.proven
    await proof({"a": "1"}, fresh=True)
    await proof({"a": "2"})
    assert len(played) == 3


async def test_other_proofs_have_none(tmp_path: Path) -> None:
    """A service has no original to compare with."""
    service = read_task(content_dir(TASKS) / "fragile-payments")
    found = a_matrix()
    same = await with_oracle(
        found, service, [], {}, cache_dir=tmp_path, fresh=False, progress=lambda _: None
    )
    assert same is found


CHECK = '''
from hypothesis import strategies as st

from harness.checks import Measure, check
from harness.checks.differential import Call, Program, Twins


@check(id="behaviour.sign", family="behaviour", dimension="verification", shows="s",
       derived_from="d", control="c")
async def test_sign(twins: Twins, measure: Measure, seed: str) -> None:
    """Only numbers above zero."""
    programs = st.builds(lambda n: Program((Call("tiny:sign", n),)), st.integers(1, 9))
    (await twins.compare(programs, seed=seed, cases=20)).record(measure)


@check(id="behaviour.broken", family="behaviour", dimension="verification", shows="s",
       derived_from="d", control="c")
async def test_broken(twins: Twins, measure: Measure) -> None:
    """It breaks."""
    raise ValueError("a mistake of the author's")
'''

TINY = """
SEEN = []


def sign(number):
    SEEN.append(number)
    if number < 0:
        return -1
    if len(SEEN) > 1:
        return 99
    return 1
"""


@pytest.fixture
def tiny(tmp_path: Path) -> Task:
    """A task with a module of four branches, two of which its generator reaches."""
    root = Path(shutil.copytree(SMALL.path, tmp_path / "legacy-csv-report"))
    shutil.rmtree(root / "tests")
    (root / "tests").mkdir()
    (root / "tests" / "test_tiny.py").write_text(CHECK)
    shutil.rmtree(root / "environment" / "repo")
    (root / "environment" / "repo" / "tiny").mkdir(parents=True)
    (root / "environment" / "repo" / "tiny" / "__init__.py").write_text(TINY)
    text = (root / "task.toml").read_text()
    (root / "task.toml").write_text(text.replace('"hours.report"', '"tiny"'))
    return read_task(root)


def test_what_generators_reach(tiny: Task) -> None:
    """Branches are those of the original; each program starts from a fresh import."""
    found = reached(tiny)
    assert (found.branches, found.covered) == (4, 2)
    assert found.missing == ("tiny/__init__.py: 7 -> 8", "tiny/__init__.py: 9 -> 10")
    assert found.programs > 5
    (said,) = found.broken
    assert "test_broken" in said
    assert "a mistake of the author's" in said


def test_generators_that_cannot_be_played(tiny: Task) -> None:
    """An original that cannot be imported is the author's turn, with its last words."""
    (tiny.repo / "tiny" / "__init__.py").write_text("import nothing_that_there_is\n")
    with pytest.raises(CheckError, match="nothing_that_there_is"):
        reached(tiny)


def test_gate_on_the_page_and_at_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Both say how much was reached and noticed; a proof without a gate says nothing of it."""
    gate = OracleGate(
        reached=Reached(branches=232, covered=222, programs=3236), mutants=59, alive=("one",)
    )
    made = a_matrix().model_copy(update={"oracle": gate})
    page = " ".join(matrix_page(made).split())
    assert "Branches of the original reached</dt><dd>96 %<small>of 232, in 3,236" in page
    assert "Mutants of the original noticed</dt><dd>98 %<small>of 59</small>" in page
    assert "Branches of the original" not in matrix_page(a_matrix())
    show_matrix(made)
    said = " ".join(capsys.readouterr().out.split())
    assert "222 of 232 branches of the original (95.7%) in 3236 programs, 58 of 59" in said
