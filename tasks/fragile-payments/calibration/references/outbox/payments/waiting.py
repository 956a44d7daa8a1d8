"""Requests that wait for the outcome of something."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Waiting:
    """Who waits for what. Begin to wait before looking whether it is there already."""

    def __init__(self) -> None:
        self._futures: defaultdict[str, set[asyncio.Future[Any]]] = defaultdict(set)

    @contextmanager
    def waiting(self, ref: str) -> Iterator[asyncio.Future[Any]]:
        """A future that gets the outcome of `ref`."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._futures[ref].add(future)
        try:
            yield future
        finally:
            self._futures[ref].discard(future)
            if not self._futures[ref]:
                del self._futures[ref]

    def somebody(self, ref: str) -> bool:
        """Whether anybody waits for `ref`."""
        return ref in self._futures

    def tell(self, ref: str, outcome: Any) -> None:
        """Here it is."""
        for future in self._futures.get(ref, ()):
            if not future.done():
                future.set_result(outcome)
