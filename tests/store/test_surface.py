"""What other rooms use of the store."""

from __future__ import annotations

import harness.store


def test_the_public_surface_is_whole() -> None:
    """Every name that is promised is there."""
    assert all(hasattr(harness.store, name) for name in harness.store.__all__)
    assert harness.store.__all__ == sorted(harness.store.__all__)
