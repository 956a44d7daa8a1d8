"""Nothing of a grading stays behind, however it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from harness.errors import HarnessError
from harness.models.sandbox import SandboxObject
from harness.sandbox.protocol import Progress, SandboxBackend

T = TypeVar("T")

_ORDER = ("container", "process", "volume", "network")
"""A network goes last: it cannot while something is on it."""


@asynccontextmanager
async def task_group() -> AsyncIterator[asyncio.TaskGroup]:
    """A task group that gives back one error as itself, and leaves no task behind."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except* Exception as errors:
        raise _first(errors) from errors


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def uninterrupted(work: Coroutine[Any, Any, T]) -> T:
    """Finish `work` even when we are cancelled meanwhile, and be cancelled then.

    What is made must be known before it can be removed, and half a clean-up is none.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


async def sweep(backend: SandboxBackend, owner: str, progress: Progress) -> None:
    """Remove everything of one owner; what resists is left to the reaper, and said."""
    try:
        found = await backend.objects(owner)
    except HarnessError as exc:
        progress(f"cannot look for what {owner} left behind: {exc.message}")
        return
    for kind in _ORDER:
        alike = (obj for obj in found if obj.kind == kind)
        await asyncio.gather(*(_remove(backend, obj, progress) for obj in alike))


async def _remove(backend: SandboxBackend, obj: SandboxObject, progress: Progress) -> None:
    try:
        await backend.remove_object(obj)
    except HarnessError as exc:
        progress(f"{obj.kind} {obj.id} stays for the reaper: {exc.message}")
