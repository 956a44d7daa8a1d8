"""Images: base -> workspace or grader -> a task's own, each cached by the hash of what goes in.

base       root file system + Python environment, user, supervisor
workspace  base + terminal marks;      a task's environment/ on top: candidate and sut
client-*   workspace + an assistant's program, below the task's: candidate, never sut
grader     base + pytest, check kit;   a task's tests/ on top: hidden checks, here alone
gateway    base + the assistant's gateway; the same for every task
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

import docker

import harness
from harness.content import SANDBOXES, content_dir
from harness.errors import (
    ImageBuildError,
    PrerequisiteError,
    SandboxError,
    SandboxTimeoutError,
    SandboxUnavailableError,
)
from harness.models.client import Client
from harness.models.sandbox import ImageBuild
from harness.sandbox.base_image import BaseImages
from harness.sandbox.build_context import packed, tree
from harness.sandbox.clients import (
    NodePackages,
    check_machine,
    clients_folder,
    read_client,
)
from harness.sandbox.engine import Engine
from harness.sandbox.file_lock import locked
from harness.sandbox.image_build import MEND, Recipe, build_image, too_slow
from harness.sandbox.protocol import Progress
from harness.sandbox.supervised import SUPERVISOR_FILE
from harness.sandbox.terminal_text import plain
from harness.sandbox.wheels import PythonTarget, Wheels
from harness.settings import Settings

ImageRole = Literal["base", "workspace", "grader", "gateway"]

_PACKAGE = Path(harness.__file__).parent
_SHELL_INTEGRATION = _PACKAGE / "recorder" / "shell_integration.bash"
_ALONE = ("__init__.py", "errors.py", "py.typed")
_ALONE_ROOMS = {"grader": ("models", "checks"), "gateway": ("models", "gateway")}
"""Rooms that ship alone, by the role of their image."""
_ROLE_BUILD_SEC = 900.0
_PROBE_SEC = 60.0
_PROBE_MARK = "harness-python:"
_PROBE = (
    "import json, sys; from pip._vendor.packaging import tags; "
    "print('harness-python:' + json.dumps("
    "['%d.%d' % sys.version_info[:2], list(tags.platform_tags())]))"
)


class Images:
    """Builds what is missing; several builders of one image wait for the first."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine = engine
        self._cache = settings.cache_dir
        self._prebuilt: Mapping[str, str] = settings.docker.prebuilt
        self._ca_bundle = settings.docker.ca_bundle
        self._sandboxes = content_dir(SANDBOXES)
        self.bases = BaseImages(engine, settings)
        self.wheels = Wheels(settings.cache_dir)
        self.packages = NodePackages(settings.cache_dir)

    async def ensure(self, build: ImageBuild, progress: Progress | None = None) -> str:
        """A task's image on top of its role's.

        Raises:
            ImageBuildError: With the last lines of the build's log.
            PrerequisiteError: There is no base image and no way to get one.
        """
        say = progress or (lambda _: None)
        base = await self.ensure_role(build.role, say)
        if build.role == "gateway":
            return base
        for name in build.clients:
            base = await self._with_client(read_client(name), base, say)
        context = Path(build.context)
        content = await self._task_content(build, context, base, say)
        name = "-with-".join((f"{build.role}-{build.name.lower()}", *build.clients))
        recipe = Recipe(name, base, content, build.timeout_sec)
        return await self._ensure(recipe, say)

    async def ensure_role(self, role: ImageRole, progress: Progress | None = None) -> str:
        """The image of a role without any task."""
        say = progress or (lambda _: None)
        if role in self._prebuilt:
            return await self._prebuilt_image(role, say)
        if role == "base":
            base = await self.bases.ensure(say)
        else:
            base = await self.ensure_role("base", say)
        content: dict[str, Path | bytes] = {
            "Dockerfile": self._sandboxes / role / "Dockerfile",
            **await self._role_content(role, base, say),
        }
        return await self._ensure(Recipe(role, base, content, _ROLE_BUILD_SEC), say)

    async def _with_client(self, client: Client, base: str, progress: Progress) -> str:
        """A workspace's image with one more program in it."""
        target = await self._python_of(base)
        check_machine(client, target.platforms)
        folder = clients_folder() / client.name
        content: dict[str, Path | bytes] = {
            name: folder / name for name in ("Dockerfile", "client.toml")
        }
        requirements = folder / "requirements.txt"
        if requirements.is_file():
            content["requirements.txt"] = requirements
            content |= await self._wheel_content(requirements, base, client.title, progress)
        name = f"client-{client.name}"
        return await self._ensure(
            Recipe(name, base, content, _ROLE_BUILD_SEC, client.packages), progress
        )

    async def _role_content(
        self, role: ImageRole, base: str, progress: Progress
    ) -> dict[str, Path | bytes]:
        if role == "base":
            bundle = self._ca_bundle
            own = {"certificates/company.crt": bundle} if bundle else {}
            return {"supervisor.py": SUPERVISOR_FILE, "certificates/none": b"", **own}
        if role == "workspace":
            marks = _SHELL_INTEGRATION
            own = {f"shell/{marks.name}": marks} if marks.is_file() else {}
            return {"shell/README": b"Marks prompts and commands for the recording.\n", **own}
        requirements = self._sandboxes / role / "requirements.txt"
        kit = {f"harness/{name}": _PACKAGE / name for name in _ALONE}
        for room in _ALONE_ROOMS[role]:
            kit |= tree(_PACKAGE / room, f"harness/{room}/")
        return {
            "requirements.txt": requirements,
            **kit,
            **await self._wheel_content(requirements, base, f"the {role}", progress),
        }

    async def _task_content(
        self, build: ImageBuild, context: Path, base: str, progress: Progress
    ) -> dict[str, Path | bytes]:
        if not context.is_dir():
            raise ImageBuildError(
                f"The {build.role} image of '{build.name}' has no folder {context}.",
                remedy="Add it to the task.",
            )
        own = context / "Dockerfile"
        prefix = "" if own.is_file() or build.role == "workspace" else "tests/"
        content: dict[str, Path | bytes] = {**tree(context, prefix), "wheels/.keep": b""}
        default = self._sandboxes / build.role / "task.Dockerfile"
        content["Dockerfile"] = own if own.is_file() else default
        for requirements in (context / "requirements.txt", context / "repo" / "requirements.txt"):
            if requirements.is_file():
                content |= await self._wheel_content(requirements, base, build.name, progress)
        return content

    async def _wheel_content(
        self, requirements: Path, image: str, name: str, progress: Progress
    ) -> dict[str, Path | bytes]:
        target = await self._python_of(image)
        return dict(tree(await self.wheels.folder(requirements, target, name, progress), "wheels/"))

    async def _prebuilt_image(self, role: ImageRole, progress: Progress) -> str:
        reference = self._prebuilt[role]
        found = await self.bases.present(reference)
        if found is not None:
            return found
        try:
            return await self.bases.pulled(reference, progress)
        except SandboxError as error:
            raise PrerequisiteError(
                f"The prebuilt {role} image '{reference}' is not to be had: {error.message}",
                remedy=f"Correct 'docker.prebuilt.{role}', or remove it to have one built.",
                slug="prebuilt-image",
            ) from error

    async def _ensure(self, recipe: Recipe, progress: Progress) -> str:
        tag = recipe.tag
        found = await self.bases.present(tag)
        if found is not None:
            return found
        async with locked(self._cache / "locks" / f"{tag.replace('/', '-')}.lock"):
            found = await self.bases.present(tag)  # another builder may have been quicker
            if found is None:
                more = {
                    one.file: await self.packages.tarball(one, progress) for one in recipe.packages
                }
                progress(f"Building the {recipe.name} image")
                whole = replace(recipe, content={**recipe.content, **more})
                await self._build(whole, tag, progress)
                found = await self.bases.present(tag)
        assert found is not None
        return found

    async def _build(self, recipe: Recipe, tag: str, progress: Progress) -> None:
        try:
            await self._engine.call(
                lambda api: build_image(api, recipe, tag, progress), f"build image '{tag}'"
            )
        except SandboxTimeoutError as error:
            raise too_slow(recipe, []) from error
        except SandboxUnavailableError:
            raise  # the engine's failure, not the build's
        except SandboxError as error:
            if isinstance(error, ImageBuildError):
                raise
            raise ImageBuildError(error.message, remedy=MEND) from error

    async def _python_of(self, image: str) -> PythonTarget:
        """Version and platforms of an image's Python, asked once for each image."""
        known = self._cache / "pythons" / f"{image.rpartition(':')[2]}.json"
        if not known.is_file():
            answer = await self._engine.call(
                lambda api: _probe(api, image), f"ask image '{image[:19]}' for its Python"
            )
            known.parent.mkdir(parents=True, exist_ok=True)
            fresh = known.with_suffix(f".{secrets.token_hex(4)}")
            fresh.write_text(answer, "utf-8")
            fresh.replace(known)  # whole or not at all, also when we are killed here
        version, platforms = json.loads(known.read_text("utf-8"))
        return PythonTarget(version, tuple(platforms))


def _probe(api: docker.APIClient, image: str) -> str:
    """What `_PROBE` prints in the image, run as a build step: the engine clears it away itself."""
    dockerfile = f"FROM {image}\nRUN /opt/venv/bin/python -c {json.dumps(_PROBE)}\n"
    lines: list[str] = []
    found = made = ""
    with packed({"Dockerfile": dockerfile.encode()}) as context:
        answer = api.build(
            fileobj=context, custom_context=True, nocache=True, rm=True, forcerm=True,
            decode=True, timeout=int(_PROBE_SEC),
        )  # fmt: skip
        for entry in answer:
            text = str(entry.get("stream") or entry.get("error") or "")
            lines.append(plain(text))
            if text.startswith(_PROBE_MARK):
                found = text.removeprefix(_PROBE_MARK).strip()
            made = (entry.get("aux") or {}).get("ID", made)
    if made:
        api.remove_image(made)
    if not found:
        raise ImageBuildError(
            f"Image '{image[:19]}' has no Python environment at /opt/venv with pip: "
            + " ".join(lines[-3:])
        )
    return found
