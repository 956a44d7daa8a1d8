"""Submissions whose truth is known: `calibration/calibration.toml` of a task.

[[submission]]
name = "check-then-act"
kind = "mutant"                        # original, reference, mutant, tamper, nonsense
base = "references/async-semaphore"    # with `patch`; or `path` for a whole tree
patch = "mutants/check-then-act.patch"
fails = ["idempotency.concurrent"]     # what must fail
about = "Looks the key up and inserts it later."
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, model_validator

from harness.catalog.located import read_toml, validate
from harness.errors import TaskFormatError
from harness.grading.seal import seal
from harness.models.base import Model
from harness.models.proof import Kind
from harness.models.session import Submission
from harness.models.task import Task

CALIBRATION_FILE = "calibration.toml"
REQUIREMENTS = "requirements.txt"
ORIGINAL = "original"
"""A `path` or `base` that means what a candidate is given."""
PATCH_TIMEOUT_SEC = 30.0


class KnownSubmission(Model):
    """One submission and its expected verdicts."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    kind: Kind
    path: str = ""
    """A tree, relative to `calibration/`."""
    base: str = ""
    """The tree that `patch` changes."""
    patch: str = ""
    """A unified diff, relative to `calibration/`."""
    own_requirements: bool = False
    """Its own requirements.txt is installed: another language, which candidates do not have."""
    fails: tuple[str, ...] = ()
    """Checks that must not pass. For the original exactly these, for others at least these. A
    reference, tampering and nonsense need none: they are held to every check, to the original's
    score, and to nearly nothing."""
    about: str = Field(min_length=1)
    """One sentence: what is known about it."""

    @model_validator(mode="after")
    def _consistent(self) -> KnownSubmission:
        if bool(self.patch) != bool(self.base):
            raise ValueError(f"'{self.name}': base and patch belong together")
        if bool(self.path) == bool(self.patch) and self.kind != "original":
            raise ValueError(f"'{self.name}': give either path, or base and patch")
        if self.kind == "reference" and self.fails:
            raise ValueError(f"'{self.name}': a reference passes every check, so fails is empty")
        if self.kind == "mutant" and not self.fails:
            raise ValueError(f"'{self.name}': a mutant names the checks that it must fail")
        return self


class Calibration(Model):
    """A parsed `calibration.toml`."""

    submission: tuple[KnownSubmission, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _unique(self) -> Calibration:
        names = [item.name for item in self.submission]
        if len(set(names)) != len(names):
            raise ValueError(f"names repeat: {names}")
        return self


def has_calibration(task: Task) -> bool:
    """Whether there is a calibration set; a task in the making has none."""
    return (task.calibration / CALIBRATION_FILE).is_file()


def read_calibration(task: Task) -> Calibration:
    """The task's known submissions.

    Raises:
        TaskFormatError: With file, line, key and what is allowed.
    """
    document = read_toml(task.calibration / CALIBRATION_FILE, TaskFormatError)
    return validate(document, Calibration, TaskFormatError)


@dataclass(frozen=True)
class Materialised:
    """A known submission as it is graded."""

    submission: Submission
    environment: Path
    """The folder that the image is built from."""


def materialise(task: Task, known: KnownSubmission, scratch: Path) -> Materialised:
    """Seal a known submission, its patch applied to a copy of its base.

    Args:
        task: Whose calibration it is.
        known: Which one.
        scratch: A folder of our own; tree and seal are made in it.

    Raises:
        TaskFormatError: A tree or patch is missing, or the patch does not apply.
    """
    tree = _tree(task, known.base or known.path or ORIGINAL, known)
    if known.patch:
        copy = scratch / known.name
        shutil.copytree(tree, copy, symlinks=True)
        _apply(task, known, copy)
        tree = copy
    environment = task.environment
    if known.own_requirements:
        environment = scratch / f"{known.name}-environment"
        shutil.copytree(task.environment, environment, symlinks=True)
        shutil.copyfile(tree / REQUIREMENTS, environment / "repo" / REQUIREMENTS)
    return Materialised(seal(tree, scratch / "sealed"), environment)


def _tree(task: Task, path: str, known: KnownSubmission) -> Path:
    tree = task.repo if path == ORIGINAL else task.calibration / path
    if not tree.resolve().is_relative_to(task.path.resolve()) or not tree.is_dir():
        raise _wrong(task, known, f"there is no folder calibration/{path}")
    return tree


def _apply(task: Task, known: KnownSubmission, tree: Path) -> None:
    patch = task.calibration / known.patch
    if not patch.is_file():
        raise _wrong(task, known, f"there is no file calibration/{known.patch}")
    # git would otherwise look for a repository around the scratch folder and skip our files
    env = {**os.environ, "GIT_CEILING_DIRECTORIES": str(tree.parent), "LC_ALL": "C"}
    env.pop("GIT_DIR", None)
    done = subprocess.run(
        ["git", "apply", "--whitespace=nowarn", "-p1", str(patch.resolve())],
        cwd=tree,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PATCH_TIMEOUT_SEC,
        check=False,
    )
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise _wrong(task, known, f"its patch does not apply to {known.base}: {said}")


def _wrong(task: Task, known: KnownSubmission, why: str) -> TaskFormatError:
    return TaskFormatError(
        f"{task.calibration / CALIBRATION_FILE}: submission '{known.name}': {why}.",
        slug="calibration",
    )
