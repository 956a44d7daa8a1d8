"""What commands answer: JSON that parses, tables that stay harmless."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.cli.present import visible
from harness.loop import recovery
from harness.models.sandbox import ImageBuild, UnneededImage
from tests.catalog.conftest import TASK_TOML, write
from tests.cli.conftest import Harness, opened


def test_settings_come_with_the_place_that_set_them(
    harness: Harness, project: Path, monkeypatch: pytest.MonkeyPatch
):
    """`config show --json` tells defaults, file, environment and flags apart."""
    write(project / "harness.toml", "\nsnapshot_interval_sec = 2\n")
    monkeypatch.setenv("HARNESS_DOCKER__SUBNET_PREFIX", "27")
    answer = harness("--backend", "process", "config", "show", "--json")
    origins = {row["key"]: row["origin"] for row in json.loads(answer.out)}
    assert answer.code == 0
    assert origins["snapshot_interval_sec"] == f"file {project / 'harness.toml'}:2"
    assert origins["docker.subnet_prefix"] == "env HARNESS_DOCKER__SUBNET_PREFIX"
    assert origins["backend"] == "flag --backend"
    assert origins["docker.base"] == "default"


def test_a_password_is_never_shown(harness: Harness, monkeypatch: pytest.MonkeyPatch):
    """`config show` masks what stands before the @ of a URL."""
    monkeypatch.setenv("HARNESS_DATABASE_URL", "postgresql://me:hunter2@db/harness")
    answer = harness("config", "show", "--json")
    assert "hunter2" not in answer.out
    assert "hunter2" not in harness("config", "show").out


def test_tasks_are_listed_with_the_broken_ones(harness: Harness, project: Path):
    """One broken template hides no other; its error stands in its row."""
    write(project / "tasks/broken/task.toml", "nope = [")
    write(project / "harness.toml", 'task_paths = ["tasks"]\n')
    rows = {row["name"]: row for row in json.loads(harness("task", "list", "--json").out)}
    assert rows["fragile-payments"]["minutes"] == 90
    assert rows["fragile-payments"]["error"] is None
    assert "not valid TOML" in rows["broken"]["error"]
    assert harness("task", "list").code == 0


def test_a_task_is_shown_as_json_and_as_text(harness: Harness):
    """The brief and its contract are there for people and scripts."""
    document = json.loads(harness("task", "show", "fragile-payments", "--json").out)
    assert document["spec"]["interview"]["contract"]
    assert "Contract" in harness("task", "show", "fragile-payments").out


def test_lint_of_the_built_in_task_finds_no_error(harness: Harness):
    """`task lint --json` parses, and the task that we ship is well made."""
    answer = harness("task", "lint", "fragile-payments", "--json")
    assert [row for row in json.loads(answer.out) if row["severity"] == "error"] == []
    assert answer.code == 0


def test_lint_leaves_with_1_for_a_task_with_errors(harness: Harness, project: Path):
    """A continuous-integration job sees a bad template by the exit code."""
    write(project / "toy/task.toml", TASK_TOML)
    answer = harness("task", "lint", "./toy", "--json")
    assert answer.code == 1
    assert any(row["severity"] == "error" for row in json.loads(answer.out))


def test_no_sessions_is_an_empty_list(harness: Harness):
    """A fresh installation answers with an empty list, not with an error."""
    answer = harness("session", "list", "--json")
    assert answer.code == 0
    assert json.loads(answer.out) == []
    assert harness("session", "list").code == 0


HOSTILE = "\x1b[2J\x1b]0;owned\x07[bold]x[/bold]\r\u202emoc"


def test_hostile_text_is_made_visible():
    """Escape sequences and bidi overrides reach no terminal."""
    assert visible("\x1b[2J\x9b\u202e\u2066\n") == "\\x1b[2J\\x9b\\u202e\\u2066\\x0a"


def test_a_hostile_candidate_name_is_shown_escaped(harness: Harness, tmp_path: Path):
    """A table draws a candidate's text as text: nothing of it reaches the terminal raw."""
    opened(tmp_path / "data", candidate=HOSTILE)
    answer = harness("session", "list")
    assert answer.code == 0
    assert not set("\x1b\x07\r\u202e") & set(answer.out)
    assert "\\x1b" in answer.out
    assert "[bold]" in "".join(answer.out.split())
    assert json.loads(harness("session", "list", "--json").out)[0]["candidate"] == HOSTILE


def test_an_error_draws_hostile_arguments_as_text(harness: Harness):
    """Error messages are escaped like tables."""
    answer = harness("task", "show", HOSTILE)
    assert answer.code == 2
    assert "\x1b[2J" not in answer.err
    assert "\\x1b[2J" in answer.err


def test_a_rating_without_ground_is_refused(harness: Harness, tmp_path: Path):
    """A level needs an observation or evidence, and nothing is kept without."""
    session = opened(tmp_path / "data")
    answer = harness("rate", session, "--dimension", "instinct", "--level", "3")
    assert answer.code == 2
    assert "evidence link or a written observation" in answer.err
    assert json.loads(harness("session", "show", session, "--json").out)["record"]["events"] == 1


def test_a_dimension_that_the_rubric_lacks_is_refused(harness: Harness, tmp_path: Path):
    """A rating is for a dimension of the session's frozen rubric; the answer lists them."""
    session = opened(tmp_path / "data")
    answer = harness(
        "rate", session, "--dimension", "charm", "--level", "3", "--observation", "smiled"
    )
    assert answer.code == 2
    assert "docs/messages.md#unknown-dimension" in answer.err


def test_unneeded_images_are_listed_with_their_bytes(
    harness: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """`reap --images` says how many and how many bytes, and spares what sessions come back to."""
    asked: list[tuple[set[str], set[str]]] = []

    async def find(engine: object, images: object, builds: list[ImageBuild], in_use: set[str], **_):
        asked.append(({f"{build.role}-{build.name}" for build in builds}, in_use))
        image = {"id": "sha256:1", "tags": ("hiring-harness/base:1",), "layers": ("sha256:2",)}
        left = UnneededImage(id="sha256:3", created_at=0, bytes=500)
        return [UnneededImage(**image, created_at=0, bytes=1500), left]

    monkeypatch.setattr(recovery, "find_unneeded", find)
    opened(tmp_path / "data", id="261121-aaaaaa", status="submitted", image="sha256:mine")
    opened(tmp_path / "data", id="261121-bbbbbb", status="ended", image="sha256:old")
    rows = json.loads(harness("reap", "--images", "--dry-run", "--json").out)
    assert [(row["id"], row["bytes"]) for row in rows] == [("sha256:1", 1500), ("sha256:3", 500)]
    told = harness("reap", "--images", "--dry-run").out
    assert "Would be removed" in told
    assert "2 images, 2.0 kB together" in told
    names, in_use = asked[0]
    assert {"workspace-fragile-payments", "grader-fragile-payments"} <= names
    assert "sha256:mine" in in_use
    assert "sha256:old" not in in_use


def test_the_process_backend_has_no_images(harness: Harness):
    """Nothing is removed where nothing is built."""
    answer = harness("--backend", "process", "reap", "--images", "--json")
    assert (answer.code, json.loads(answer.out)) == (0, [])


def test_an_empty_reason_is_no_reason(harness: Harness, tmp_path: Path):
    """Time is not granted for a blank."""
    answer = harness("session", "extend", opened(tmp_path / "data"), "5", "--reason", " ")
    assert answer.code == 2
    assert "needs a reason" in answer.err


def test_a_level_without_its_dimension_is_refused(harness: Harness):
    """A level is for one dimension."""
    answer = harness("rate", "any", "--level", "3")
    assert answer.code == 2
    assert "--dimension" in answer.err
