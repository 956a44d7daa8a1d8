"""Where tasks and rubrics are looked for, first match first.

Private folders from the settings, this project's own folder, git repositories at
pinned commits, then what ships with the harness.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.content import content_dir
from harness.errors import PrerequisiteError
from harness.settings import GitSource, Settings

Kind = Literal["tasks", "rubrics"]

CLONE_TIMEOUT_SEC = 300.0

NEUTRAL = ("-c", "core.hooksPath=/dev/null", "-c", "protocol.ext.allow=never")
"""A repository's hooks never run and its URL cannot name a program."""


@dataclass(frozen=True)
class Place:
    """One folder of the search path."""

    path: Path
    origin: str
    """As a person reads it: "private folder", "this project", "git <url>", "built in"."""


@dataclass(frozen=True)
class BrokenPlace:
    """A git source that could not be had."""

    origin: str
    error: PrerequisiteError


def search_path(kind: Kind, settings: Settings) -> Iterator[Place | BrokenPlace]:
    """The folders to look in, in order; git sources are fetched only when reached."""
    seen: set[Path] = set()
    for place in _places(kind, settings):
        if isinstance(place, Place):
            real = place.path.resolve()
            if real in seen or not real.is_dir():
                continue
            seen.add(real)
        yield place


def _places(kind: Kind, settings: Settings) -> Iterator[Place | BrokenPlace]:
    private = settings.task_paths if kind == "tasks" else settings.rubric_paths
    yield from (Place(path, "private folder") for path in private)
    yield Place(Path.cwd() / kind, "this project")
    for source in settings.git_sources:
        origin = f"git {source.url} at {source.commit[:12]}"
        try:
            yield Place(checkout(source, settings.cache_dir) / kind, origin)
        except PrerequisiteError as exc:
            yield BrokenPlace(origin, exc)
    yield Place(content_dir(kind), "built in")


def checkout(source: GitSource, cache_dir: Path) -> Path:
    """The folder of a git source at its commit, cloned on first use and kept.

    Only data is taken: no hooks, no filters, no submodules.

    Raises:
        PrerequisiteError: Not cached, and the repository or the commit cannot be had.
    """
    key = hashlib.sha256(f"{source.url}\0{source.commit}".encode()).hexdigest()[:24]
    target = cache_dir / "sources" / key
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".clone-") as scratch:
        tree = Path(scratch) / "tree"
        _clone(source, Path(scratch) / "git", tree)
        try:
            tree.rename(target)
        except OSError:
            if not target.is_dir():  # another process was quicker
                raise
    return target


def _clone(source: GitSource, git_dir: Path, tree: Path) -> None:
    tree.mkdir()
    _git(source, "init", "--bare", "--quiet", str(git_dir))
    bare = f"--git-dir={git_dir}"
    try:
        _git(source, bare, "fetch", "--quiet", "--depth=1", source.url, source.commit)
    except PrerequisiteError:
        # not every server gives out a commit by its id; then everything is fetched
        _git(source, bare, "fetch", "--quiet", source.url, "+refs/*:refs/*")
    neutral = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    work = f"--work-tree={tree}"
    _git(
        source, bare, work, "checkout", "--quiet", "--force", source.commit, "--", ".", env=neutral
    )


def _git(source: GitSource, *arguments: str, env: dict[str, str] | None = None) -> None:
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", **(env or {})}
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        environment.pop(name, None)
    reason = ""
    try:
        done = subprocess.run(
            ["git", *NEUTRAL, *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=CLONE_TIMEOUT_SEC,
            check=False,
        )
    except FileNotFoundError:
        reason = "the program 'git' is not installed"
    except subprocess.TimeoutExpired:
        reason = f"no answer within {CLONE_TIMEOUT_SEC:.0f} s"
    else:
        if done.returncode == 0:
            return
        reason = done.stderr.decode(errors="replace").strip()[-500:]
    raise PrerequisiteError(
        f"Git source {source.url} at commit {source.commit} is not in the cache and cannot be "
        f"fetched: {reason}.",
        remedy="Check the URL, your access and that the commit was pushed; or remove the entry "
        "from git_sources.",
        slug="git-source",
    )
