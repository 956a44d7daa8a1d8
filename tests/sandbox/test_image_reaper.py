"""Images that nobody needs any more go; whatever is used, new or not ours stays."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ImageBuildError, SandboxError
from harness.models.sandbox import ImageBuild, SandboxSpec, UnneededImage
from harness.sandbox import labels
from harness.sandbox.image_reaper import YOUNG_SEC, find_unneeded, remove_unneeded, unneeded
from tests.sandbox.conftest import Bench, clear_away

NOW = 1_000_000.0


def image(
    id_: str,
    parent: str = "",
    *names: str,
    role: str = "",
    base: str = "",
    age: float = 2 * YOUNG_SEC,
    size: int = 0,
    digest: str = "<none>@<none>",
) -> dict[str, Any]:
    """A row of the engine's listing; it writes a missing name in more than one way."""
    return {
        "Id": id_,
        "ParentId": parent,
        "RepoTags": list(names) or (["<none>:<none>"] if len(id_) % 2 else None),
        "RepoDigests": [digest],
        "Labels": {labels.ROLE: role, labels.BASE: base} if role else None,
        "Created": NOW - age,
        "Size": size,
    }


def ours(name: str, tag: str) -> str:
    """A name as a recipe gives it."""
    return f"hiring-harness/{name}:{tag * 12}"


def built(id_: str, parent: str, name: str, tag: str, **more: Any) -> dict[str, Any]:
    """A whole image of ours."""
    return image(id_, parent, ours(name, tag), role=name, **more)


def gone(rows: list[dict[str, Any]], *needed: str) -> list[str]:
    """Ids of what goes, in order."""
    return [one for found in unneeded(rows, needed, NOW) for one in (found.id, *found.layers)]


PYTHON = image("python", "", "python:3.11-slim", digest="python@sha256:0", size=100)
BASE = built("base", "python", "base", "0", base="python", size=110)
WORK = built("work", "base", "workspace", "0", base="base", size=111)


def test_the_newest_and_todays_content_stay() -> None:
    """Of each name older contents go, unless today's files would find them again."""
    rows = [PYTHON, BASE, WORK]
    for tag, age in (("a", 9), ("b", 8), ("c", 7)):
        rows.append(built(tag, "work", "workspace-toy", tag, base="work", age=age * YOUNG_SEC))
    assert gone(rows) == ["a", "b"]
    assert gone(rows, "a") == ["b"]


def test_what_is_used_stays_with_all_it_stands_on() -> None:
    """A container's or a session's image keeps its own older base."""
    rows = [
        PYTHON,
        built("old-base", "python", "base", "1", age=9 * YOUNG_SEC),
        built("old-work", "old-base", "workspace", "1", age=9 * YOUNG_SEC),
        built("old-toy", "old-work", "workspace-toy", "1", age=9 * YOUNG_SEC),
        BASE,
        WORK,
        built("toy", "work", "workspace-toy", "2"),
    ]
    assert gone(rows) == ["old-toy", "old-work", "old-base"]
    assert gone(rows, "old-toy") == []


def test_what_is_young_stays() -> None:
    """Somebody may be about to start what was built a moment ago."""
    young = built("young", "work", "workspace-toy", "1", age=YOUNG_SEC - 1)
    newest = built("newest", "work", "workspace-toy", "2", age=1)
    assert gone([PYTHON, BASE, WORK, young, newest]) == []


@pytest.mark.parametrize(
    "foreign",
    [
        image("x", "old", "company/x:1", role="workspace"),
        image("x", "toy", ours("workspace-toy", "1"), "company/x:1", role="workspace-toy"),
        image("x", "old", "hiring-harness/workspace-toy:mine", role="workspace-toy"),
        image("x", "toy", ours("workspace-toy", "1"), role="workspace"),
        image("x", "", ours("workspace-toy", "1")),
        image("x", "", role="workspace-toy", digest="company/x@sha256:0"),
        image("x", "toy", role="workspace-toy"),
        image("x", ""),
    ],
    ids=[
        "built on ours",
        "given a name of its own",
        "named like ours",
        "another's name",
        "without our label",
        "pulled by its digest",
        "nameless on a task's image",
        "nameless elsewhere",
    ],
)
def test_what_is_not_ours_stays_with_all_it_stands_on(foreign: dict[str, Any]) -> None:
    """A label is inherited, so it alone makes nothing ours."""
    old = 9 * YOUNG_SEC
    rows = [
        PYTHON,
        built("old", "python", "base", "1", age=old),
        BASE,
        WORK,
        built("toy", "work", "workspace-toy", "2", age=old),
        built("newest", "work", "workspace-toy", "3"),
        {**foreign, "Created": NOW - old},
    ]
    assert gone(rows[:-1]) == ["toy", "old"]
    assert {"x", foreign["ParentId"]}.isdisjoint(gone(rows))


def test_its_own_steps_go_with_an_image() -> None:
    """Nameless steps go, those of an image that stays do not, and the bytes are theirs alone."""
    rows = [
        PYTHON,
        BASE,
        image("shared", "base", role="base", size=115),
        image("step", "shared", role="base", size=120),
        built("old", "step", "grader", "1", base="base", age=9 * YOUNG_SEC, size=120),
        image("other", "shared", role="base", size=118),
        built("new", "other", "grader", "2", base="base", size=118),
    ]
    [found] = unneeded(rows, (), NOW)
    assert found == UnneededImage(
        id="old",
        tags=(ours("grader", "1"),),
        layers=("step",),
        created_at=NOW - 9 * YOUNG_SEC,
        bytes=5,
    )


def test_steps_of_a_base_end_where_it_was_built_on() -> None:
    """They carry no label: the image says where they begin, and a nameless base is not ours."""
    steps = [image("one", "theirs"), image("two", "one")]
    newer = built("newer", "theirs", "base", "2")
    for base, expected in (("theirs", ["old", "two", "one"]), ("", ["old"]), ("lost", ["old"])):
        old = built("old", "two", "base", "1", base=base, age=9 * YOUNG_SEC)
        assert gone([image("theirs"), *steps, old, newer]) == expected


def test_what_a_failed_build_left_goes() -> None:
    """Nameless steps on a role's image are of builds of ours that came to no end."""
    rows = [PYTHON, BASE, WORK, image("half", "work", role="workspace", size=200)]
    [found] = unneeded(rows, (), NOW)
    assert (found.id, found.tags, found.bytes) == ("half", (), 89)


@st.composite
def forests(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Images on images: ours, steps, and others', of any age."""
    rows = [PYTHON]
    for number in range(draw(st.integers(1, 25))):
        below = draw(st.sampled_from(rows))
        size = below["Size"] + draw(st.integers(0, 9))
        age = YOUNG_SEC * draw(st.floats(0.5, 9))
        name = draw(st.sampled_from(["base", "workspace", "workspace-toy", "step", "theirs"]))
        if name in {"step", "theirs"}:
            role = (below["Labels"] or {}).get(labels.ROLE, "")
            names = ["theirs:1"] if name == "theirs" else []
            row = image(f"i{number}", below["Id"], *names, role=role, age=age, size=size)
        else:
            tag = f"{number:012x}"
            row = built(f"i{number}", below["Id"], name, "", base="python", age=age, size=size)
            row["RepoTags"] = [f"hiring-harness/{name}:{tag}"]
        rows.append(row)
    return rows


@given(forests())
def test_nothing_goes_before_what_stands_on_it(rows: list[dict[str, Any]]) -> None:
    """In any forest: an image goes after all that stands on it, once, and the bytes add up."""
    order = gone(rows)
    assert len(set(order)) == len(order)
    place = {id_: number for number, id_ in enumerate(order)}
    for row in rows:
        if row["ParentId"] in place:
            assert place[row["Id"]] < place[row["ParentId"]]
    sizes = {row["Id"]: row["Size"] for row in rows}
    own = {row["Id"]: row["Size"] - sizes.get(row["ParentId"], 0) for row in rows}
    assert sum(one.bytes for one in unneeded(rows, (), NOW)) == sum(own[id_] for id_ in order)


# -- on a real engine ----------------------------------------------------------------


class Builds:
    """Builds of one task of a test's own, and what the engine has of them."""

    def __init__(self, bench: Bench, folder: Path) -> None:
        self.backend = bench.backend
        self.mark = f"test{secrets.token_hex(4)}"
        self._folder = folder
        self.build = ImageBuild(role="workspace", name=self.mark, context=str(folder))

    def write(self, content: str, end: str = "") -> None:
        """Change the task's files."""
        lines = ("ARG BASE_IMAGE", "FROM ${BASE_IMAGE}", f"LABEL test={self.mark}", "COPY a /tmp/a")
        (self._folder / "Dockerfile").write_text("\n".join([*lines, "RUN cat /tmp/a", end]))
        (self._folder / "a").write_text(content)

    async def image(self, content: str) -> str:
        """The image of a content; its id."""
        self.write(content)
        return await self.backend.ensure_image(self.build)

    async def left(self) -> set[str]:
        """Ids of every image and step there is."""
        filters = {"label": f"test={self.mark}"}
        rows = await self.backend.engine.call(
            lambda api: api.images(all=True, filters=filters), "list them"
        )
        return {row["Id"] for row in rows}

    async def unneeded(self, *in_use: str) -> list[UnneededImage]:
        """Those of ours that may go, as it will be when nothing is young any more."""
        engine, images, later = self.backend.engine, self.backend.images, 2 * YOUNG_SEC
        found = await find_unneeded(
            engine, images, [self.build], set(in_use), now=time.time() + later
        )
        mine = await self.left()
        return [one for one in found if one.id in mine]

    async def remove_all(self) -> None:
        """Leave the engine as it was."""
        engine, before = self.backend.engine, set[str]()
        while (left := await self.left()) != before:
            before = left
            for id_ in left:
                with suppress(SandboxError):  # something stands on it still
                    await engine.call(lambda api, id_=id_: api.remove_image(id_), "remove it")


@pytest.fixture
async def builds(docker_bench: Bench, tmp_path: Path) -> AsyncIterator[Builds]:
    """A task whose images are removed afterwards, containers first."""
    folder = tmp_path / "environment"
    folder.mkdir()
    made = Builds(docker_bench, folder)
    yield made
    await clear_away(docker_bench.backend)
    await made.remove_all()


@pytest.mark.docker
async def test_old_contents_and_failed_builds_go_from_an_engine(builds: Builds) -> None:
    """What no file, session or container needs is removed; nothing of another's is found."""
    old, boxed, opened = [await builds.image(content) for content in ("old", "boxed", "opened")]
    await builds.backend.start(SandboxSpec(owner="t", role="workspace", image=boxed))
    before = await builds.left()
    builds.write("half", "RUN exit 9")
    with pytest.raises(ImageBuildError):
        await builds.backend.ensure_image(builds.build)
    half = await builds.left() - before
    now = await builds.image("now")
    found = await builds.unneeded(opened)
    assert {one.id for one in found if one.tags} == {old}
    members = {id_ for one in found for id_ in (one.id, *one.layers)}
    assert half <= members
    assert await remove_unneeded(builds.backend.engine, found) == found
    left = await builds.left()
    assert {boxed, opened, now} <= left
    assert not left & members
    assert await builds.unneeded(opened) == []


@pytest.mark.docker
async def test_what_somebody_begins_to_use_stays(builds: Builds) -> None:
    """Between looking and removing a container was started: the engine keeps its image."""
    old = await builds.image("old")
    await builds.image("new")
    found = await builds.unneeded()
    box = await builds.backend.start(SandboxSpec(owner="t", role="workspace", image=old))
    assert await remove_unneeded(builds.backend.engine, found) == []
    assert old in await builds.left()
    await box.remove()
    assert await remove_unneeded(builds.backend.engine, found) == found
    assert old not in await builds.left()


@pytest.mark.docker
async def test_looking_builds_nothing(builds: Builds) -> None:
    """A task that was never built, or cannot be, costs nothing but a look."""
    builds.write("never built")
    assert await builds.unneeded() == []
    assert await builds.left() == set()
