"""From a command's flags to a desk with work done at it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

if TYPE_CHECKING:
    from harness.catalog.configuration import LoadedSettings
    from harness.loop.desk import Desk
    from harness.models.session import Session
    from harness.models.task import Task


T = TypeVar("T")


@dataclass(frozen=True)
class Flags:
    """What stood before the command: where settings come from."""

    config: Path | None = None
    overrides: dict[str, Any] = field(default_factory=dict)


def loaded_settings(context: typer.Context) -> LoadedSettings:
    """The settings with the place each value comes from."""
    from harness.catalog.configuration import load_settings

    flags = context.obj or Flags()
    return load_settings(flags.config, **flags.overrides)


def at_desk(
    context: typer.Context, work: Callable[[Desk], Awaitable[T]], *, engine: bool = True
) -> T:
    """Run `work` at a desk.

    Args:
        engine: The work touches sandboxes, so what a crash left behind is put right first.
    """
    import asyncio

    from harness.loop.desk import open_desk
    from harness.loop.recovery import reconcile

    settings = loaded_settings(context).settings

    async def go() -> T:
        async with open_desk(settings) as desk:
            if engine:
                await reconcile(desk)
            return await work(desk)

    return asyncio.run(go())


def at_session(
    context: typer.Context, session: str, work: Callable[[Desk, Session], Awaitable[T]]
) -> T:
    """Run `work`, which touches sandboxes, at a desk for one session.

    Args:
        session: Its id or the beginning; looked up before any engine is asked, so that a
            mistyped one is wrong use on every machine.

    Raises:
        SessionNotFoundError: There is none.
    """
    from harness.loop.recovery import reconcile

    async def on_it(desk: Desk) -> T:
        found = desk.store.find_session(session)
        await reconcile(desk)
        return await work(desk, desk.store.session(found.id))

    return at_desk(context, on_it, engine=False)


def task_named(context: typer.Context, name: str) -> Task:
    """A task of the search path.

    Raises:
        TaskNotFoundError: With what is there.
    """
    from harness.catalog.tasks import TaskCatalog

    return TaskCatalog(loaded_settings(context).settings).find_task(name)
