"""A small valid task to break in one way at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.settings import Settings

TASK_TOML = """\
schema_version = "1.4"

[task]
name = "acme/toy"
version = "1.0.0"

[verifier]
timeout_sec = 60

[interview]
kind = "service"
title = "Toy"
minutes = 30
level = "senior"
rubric = "staff-backend"
dimensions = ["instinct"]

[interview.sut]
command = ["python", "-m", "toy"]
port = 8000

[[interview.upstreams]]
host = "provider"
port = 9100

[interview.contract]
deadline_sec = 3
"""

BRIEF = "# Toy\n\nEvery reply\nwithin **3 seconds**, whatever happens.\n"

CHECKS = '''\
from harness.checks import check


@check(
    id="timeouts.hang",
    family="timeouts",
    dimension="instinct",
    shows="A hang is bounded.",
    derived_from="Every reply within 3 seconds",
    control="A request on a good day.",
)
def test_hang(run):
    """It hangs."""
'''


def write(path: Path, text: str) -> Path:
    """Write a file, its folders included."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """A template in which lint finds nothing."""
    root = tmp_path / "private" / "toy"
    write(root / "task.toml", TASK_TOML)
    write(root / "instruction.md", BRIEF)
    write(root / "environment/Dockerfile", "ARG BASE_IMAGE=harness-workspace\nFROM ${BASE_IMAGE}\n")
    write(root / "environment/repo/toy.py", "print('hello')\n" * 10)
    write(root / "tests/Dockerfile", "ARG BASE_IMAGE=harness-grader\nFROM ${BASE_IMAGE}\n")
    write(root / "tests/test_toy.py", CHECKS)
    write(root / "solution/toy.py", "print('better')\n")
    write(root / "calibration/calibration.toml", "")
    return root


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings that look into `private` first, from an empty project folder."""
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    return Settings(
        task_paths=(tmp_path / "private",),
        rubric_paths=(tmp_path / "private",),
        cache_dir=tmp_path / "cache",
    )
