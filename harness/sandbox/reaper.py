"""Finds and removes what a killed harness left in an engine.

Everything is labelled (volumes: named) with its owner from its first instant, so an
object whose owner is nobody alive is an orphan, however far its making had come.
"""

from __future__ import annotations

from harness.models.sandbox import SandboxObject
from harness.sandbox.owners import made_by_live_process
from harness.sandbox.protocol import SandboxBackend

_ORDER = ("container", "process", "network", "volume")
"""Containers hold on to networks and volumes."""


async def reconcile(backend: SandboxBackend, live_owners: set[str]) -> list[SandboxObject]:
    """Objects of this installation that belong to nobody alive, in removal order."""
    orphans = [
        obj
        for obj in await backend.objects()
        if obj.owner not in live_owners and not made_by_live_process(obj.owner)
    ]
    return sorted(orphans, key=lambda obj: (_ORDER.index(obj.kind), obj.created_at))


async def reap(
    backend: SandboxBackend, live_owners: set[str], *, dry_run: bool = False
) -> list[SandboxObject]:
    """Remove the orphans, or only list them; returns them.

    Args:
        backend: Whose objects; another installation's on the same engine are never touched.
        live_owners: Sessions in use. An owner must be known here before its first object is
            made; owners made by `process_owner` live as long as their process.
        dry_run: Remove nothing.
    """
    orphans = await reconcile(backend, live_owners)
    if not dry_run:
        for obj in orphans:
            await backend.remove_object(obj)
    return orphans
