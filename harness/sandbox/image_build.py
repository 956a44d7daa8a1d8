"""One image from its recipe: named by what goes into it, built by the engine, its log kept."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import docker

from harness.errors import ImageBuildError
from harness.models.client import NodePackage
from harness.sandbox import labels
from harness.sandbox.build_context import Content, digest, packed
from harness.sandbox.host_command import LAST_LINES
from harness.sandbox.protocol import Progress
from harness.sandbox.terminal_text import plain

REPOSITORY = "hiring-harness"
MEND = "Mend its Dockerfile or requirements and try again."


@dataclass(frozen=True)
class Recipe:
    """One image to be there."""

    name: str
    """Part of its tag: `workspace`, or `workspace-<task>`."""
    base: str
    """The image below it, passed as the build argument BASE_IMAGE."""
    content: Content
    """Its build context, `Dockerfile` included."""
    timeout_sec: float
    packages: tuple[NodePackage, ...] = ()
    """Fetched when it is built; their hashes stand in the content."""

    @property
    def tag(self) -> str:
        """Names the content: the same tag is the same image."""
        return f"{REPOSITORY}/{self.name}:{digest(self.content, self.base)[:12]}"


def build_image(api: docker.APIClient, recipe: Recipe, tag: str, progress: Progress) -> None:
    """Build it; blocks.

    Raises:
        ImageBuildError: With the last lines of the log.
    """
    last: deque[str] = deque(maxlen=LAST_LINES)
    until = time.monotonic() + recipe.timeout_sec
    with packed(recipe.content) as context:
        answer = api.build(
            fileobj=context,
            custom_context=True,
            tag=tag,
            buildargs={"BASE_IMAGE": recipe.base},
            labels={labels.ROLE: recipe.name, labels.BASE: recipe.base},
            rm=True,
            forcerm=True,
            decode=True,
            timeout=int(recipe.timeout_sec),
        )
        for line, failure in _log(answer):
            last.append(line)
            if line.startswith("Step "):
                progress(line)
            if failure:
                raise ImageBuildError(
                    f"Building the {recipe.name} image failed. Last lines:\n" + "\n".join(last),
                    remedy=MEND,
                )
            if time.monotonic() > until:
                raise too_slow(recipe, last)


def too_slow(recipe: Recipe, last: Iterable[str]) -> ImageBuildError:
    """What is said of a build that did not end in its time."""
    return ImageBuildError(
        f"Building the {recipe.name} image took over {recipe.timeout_sec:g} s. Last lines:\n"
        + "\n".join(last),
        remedy=MEND,
    )


def _log(answer: Iterator[dict[str, Any]]) -> Iterator[tuple[str, bool]]:
    """Lines of a build's log, and whether each is the failure that ends it."""
    for entry in answer:
        failed = "error" in entry
        text = entry.get("error") or entry.get("stream") or entry.get("status") or ""
        for line in str(text).splitlines():
            if plain(line):
                yield plain(line), failed
