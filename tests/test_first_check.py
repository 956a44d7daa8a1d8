"""The tutorial, followed literally in an empty folder."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[1] / "docs/first-check.md"
FILE = re.compile(r"^`(price-tag/[^`\n]+)`\n\n```\w+\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SHELL = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)
HARNESS = (sys.executable, "-c", "from harness.cli.main import main; main()")


def commands() -> list[str]:
    """Every line that the page tells to type."""
    return [line for block in SHELL.findall(PAGE.read_text()) for line in block.splitlines()]


def typed(line: str, folder: Path, backend: str) -> subprocess.CompletedProcess[str]:
    """Run one of them."""
    word, *arguments = shlex.split(line)
    assert word == "harness"
    own = {"HARNESS_DATA_DIR": str(folder / "data"), "HARNESS_BACKEND": backend, "COLUMNS": "200"}
    return subprocess.run(
        [*HARNESS, *arguments],
        cwd=folder,
        env={**os.environ, **own},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["process", pytest.param("docker", marks=pytest.mark.docker)])
def test_it_works_as_written(tmp_path: Path, backend: str) -> None:
    """The files as shown, the commands as shown: linted without an error, graded, proven."""
    for name, content in FILE.findall(PAGE.read_text()):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    lint, grade, prove, stressed = [typed(line, tmp_path, backend) for line in commands()]
    assert lint.returncode == 0, lint.stdout
    assert " error " not in lint.stdout
    assert re.search(r"timeouts\.hang\s+failed", grade.stdout), grade.stdout
    assert prove.returncode == 0, prove.stdout + prove.stderr
    assert "sensitivity 1.000   specificity 1.000" in prove.stdout
    assert stressed.returncode == 0, stressed.stdout + stressed.stderr
    assert "The checks got every verdict right" in (tmp_path / "proof.html").read_text()
