"""Built images pile up: finds and removes those that nobody needs any more.

Every change of a task, of the base or of the check kit makes another image (`images.py`), and
an engine keeps them all. An image is ours when its label and all its names say so; a layer,
when it lies between such an image and what that was built on, or is left of a build of ours
that failed. Nothing else is touched, whatever it stands on.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, get_args

from harness.errors import HarnessError, SandboxUnavailableError
from harness.models.sandbox import ImageBuild, UnneededImage
from harness.sandbox import labels
from harness.sandbox.engine import Engine
from harness.sandbox.image_build import REPOSITORY
from harness.sandbox.images import ImageRole, Images

YOUNG_SEC = 3600.0
"""Who has just built an image is about to use it; no build of ours takes as long."""

_ROLES: tuple[ImageRole, ...] = get_args(ImageRole)


async def find_unneeded(
    engine: Engine,
    images: Images,
    builds: Iterable[ImageBuild],
    in_use: Collection[str],
    *,
    now: float,
) -> list[UnneededImage]:
    """Images of ours that nobody needs, in removal order. Nothing is built to find out.

    Kept are: what today's content of a role or of `builds` finds, the newest of each name,
    what a container or a session uses, what is younger than `YOUNG_SEC`, and all that these
    stand on. Another installation on the engine builds again what it misses.

    Args:
        builds: Of every task that is known.
        in_use: Ids that sessions will come back to.
        now: Unix seconds.
    """
    rows = await engine.call(lambda api: api.images(all=True), "list images")
    containers = await engine.call(lambda api: api.containers(all=True), "list containers")
    needed = {row["ImageID"] for row in containers} | await _current(images, builds)
    return unneeded(rows, needed | set(in_use), now)


async def remove_unneeded(engine: Engine, images: Iterable[UnneededImage]) -> list[UnneededImage]:
    """Remove them, in their order; returns those that are gone: what is used meanwhile stays."""
    gone = []
    for image in images:
        for name in image.tags[1:]:
            await _remove(engine, name)
        if await _remove(engine, image.id):  # which needs that it has one name at most
            gone.append(image)
            for layer in image.layers:
                await _remove(engine, layer)
    return gone


async def _remove(engine: Engine, name: str) -> bool:
    """Whether it is gone; without its parents, which may be somebody's."""
    try:
        await engine.call(
            lambda api: api.remove_image(name, noprune=True), f"remove image '{name[:80]}'"
        )
    except SandboxUnavailableError as error:
        if error.slug == "engine-unreachable":
            raise
        return False
    return True


async def _current(images: Images, builds: Iterable[ImageBuild]) -> set[str]:
    """Ids of what `ensure` finds today; it is stopped before it makes anything."""
    found = set()
    for role in _ROLES:
        with suppress(_NotBuilt, HarnessError):
            found.add(await images.ensure_role(role, _stop))
    for build in builds:
        with suppress(_NotBuilt, HarnessError):  # a task that cannot be built has no such image
            found.add(await images.ensure(build, _stop))
    return found


class _NotBuilt(Exception):  # noqa: N818 - a way out, no failure
    """The next step would make something."""


def _stop(step: str) -> None:
    raise _NotBuilt(step)


# -- which, from the engine's listing ---------------------------------------------------


@dataclass(frozen=True)
class _Image:
    """One row of the engine's listing, intermediate layers included."""

    id: str
    parent: str
    """Empty for one that was pulled or imported."""
    names: tuple[str, ...]
    pulled: bool
    """A registry knows it."""
    role: str
    base: str
    """The id of what it, or what it stands on, was built on."""
    created: float
    size: int

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> _Image:
        marks = row.get("Labels") or {}
        return cls(
            id=row["Id"],
            parent=row.get("ParentId") or "",
            names=tuple(name for name in row.get("RepoTags") or () if name != "<none>:<none>"),
            pulled=any(name != "<none>@<none>" for name in row.get("RepoDigests") or ()),
            role=marks.get(labels.ROLE, ""),
            base=marks.get(labels.BASE, ""),
            created=row["Created"],
            size=row["Size"],
        )

    @property
    def built(self) -> bool:
        """It is a whole image of ours, as a recipe names it."""
        tag = re.compile(rf"{REPOSITORY}/{re.escape(self.role)}:[0-9a-f]{{12}}")
        return bool(self.role and self.names and not self.pulled) and all(
            tag.fullmatch(name) for name in self.names
        )

    @property
    def left_over(self) -> bool:
        """It is nameless and stands on an image that only builds of ours stand on."""
        return self.role in _ROLES and not self.names and not self.pulled


def unneeded(
    rows: Sequence[Mapping[str, Any]], needed: Collection[str], now: float
) -> list[UnneededImage]:
    """Those of the engine's listing that may go, what stands on others first."""
    images = {image.id: image for image in map(_Image.of, rows)}
    ours = {image.id for image in images.values() if image.built or image.left_over}
    newest: dict[str, _Image] = {}
    for image in images.values():
        if image.built:
            ours |= _layers(image, images)
            last = newest.setdefault(image.role, image)
            newest[image.role] = max(last, image, key=lambda one: one.created)
    kept: set[str] = set()
    for image in images.values():
        young = now - image.created < YOUNG_SEC
        latest = newest.get(image.role) is image
        if young or latest or image.id in needed or image.id not in ours:
            kept |= {image.id, *(below.id for below in _below(image, images))}
    going = [image for image in images.values() if image.id not in kept]
    going.sort(key=lambda image: -len(list(_below(image, images))))
    return [_described(chain, images) for chain in _chains(going)]


def _below(image: _Image, images: Mapping[str, _Image]) -> Iterator[_Image]:
    """What it stands on, nearest first."""
    while (parent := images.get(image.parent)) is not None:
        yield parent
        image = parent


def _layers(image: _Image, images: Mapping[str, _Image]) -> set[str]:
    """The nameless steps of its own build; none when they cannot be told from its base's."""
    steps: set[str] = set()
    for below in _below(image, images):
        if below.id == image.base:
            return steps
        if below.names or below.pulled:
            break
        steps.add(below.id)
    return set()


def _chains(going: Sequence[_Image]) -> list[list[_Image]]:
    """Each image with the nameless steps below it; a shared step goes with the last above it.

    Args:
        going: What stands on others first; so are the chains' ends, and removal can follow them.
    """
    chain_on: dict[str, list[_Image]] = {}
    last: dict[str, tuple[int, list[_Image]]] = {}
    for position, image in enumerate(going):
        chain = [] if image.names else chain_on.get(image.id, [])
        chain.append(image)
        chain_on[image.parent] = chain
        last[chain[0].id] = position, chain
    return [chain for _, chain in sorted(last.values(), key=lambda pair: pair[0])]


def _described(chain: Sequence[_Image], images: Mapping[str, _Image]) -> UnneededImage:
    top, below = chain[0], images.get(chain[-1].parent)
    return UnneededImage(
        id=top.id,
        tags=top.names,
        layers=tuple(step.id for step in chain[1:]),
        created_at=top.created,
        bytes=top.size - below.size if below else top.size,
    )
