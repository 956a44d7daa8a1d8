"""Lets in what the provider can take, and tells the rest quickly to come back."""

from __future__ import annotations

import asyncio

from payments.errors import Busy

MAX_ASIDE = 4


class Gate:
    """`slots` at a time, a line of `queue` behind them, nobody in line for over `wait_sec`."""

    def __init__(self, *, slots: int, queue: int, wait_sec: float) -> None:
        self.slots = asyncio.Semaphore(slots)
        self.aside = 0
        self._queue = queue
        self._wait_sec = wait_sec
        self._waiting = 0

    async def enter(self, *, until: float) -> Slot:
        """Wait for a slot; `Busy` if that takes too long or the line is full.

        A slot is given back `until` then at the latest (in the event loop's time), so that
        calls that are not answered keep nobody out for long.
        """
        if self._waiting >= self._queue:
            raise Busy("too many requests at the moment, please come back")
        self._waiting += 1
        try:
            async with asyncio.timeout(self._wait_sec):
                await self.slots.acquire()
        except TimeoutError:
            raise Busy("too many requests at the moment, please come back") from None
        finally:
            self._waiting -= 1
        slot = Slot(self)
        asyncio.get_running_loop().call_at(until, slot.release)
        return slot


class Slot:
    """One of the calls that the provider serves for us at a time; given back on exit."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._held = True
        self._aside = False

    def release(self) -> None:
        """Give it back; a second time does nothing."""
        if self._held:
            self._held = False
            self._gate.slots.release()

    def step_aside(self) -> None:
        """Let others go first while we wait to repeat a call.

        Not all at once: if hardly any call succeeds, letting more in makes it worse.
        """
        if self._held and self._gate.aside < MAX_ASIDE:
            self._aside = True
            self._gate.aside += 1
            self.release()

    def __enter__(self) -> Slot:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.release()
        if self._aside:
            self._gate.aside -= 1
