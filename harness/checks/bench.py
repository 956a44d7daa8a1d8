"""One attempt's workbench: an event loop, its upstreams, one system under test."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from harness.checks.channel import Channel
from harness.checks.failure import ChannelError, ControlFailed, SutNotReady
from harness.checks.sut import Sut
from harness.checks.upstream import Upstream
from harness.checks.verdict import Attempt
from harness.errors import CheckError
from harness.models.check import CheckOutcome
from harness.models.grader import GraderBrief

ATTEMPT_LIMIT_SEC = 120.0
"""A check that is still running then hangs, and is invalid."""
_BEAT_SEC = 0.02
_LATE_SEC = 0.03
"""Less disturbs no control."""
_BUSY = 0.5
"""A loop that is late and works for a larger share of the time has too much to do; for a smaller
one, it is the machine that has."""

T = TypeVar("T")


class Bench:
    """Everything that one attempt starts runs here and ends with it."""

    def __init__(self, channel: Channel, brief: GraderBrief, attempt: Attempt) -> None:
        self.attempt = attempt
        self.upstreams = {item.host: Upstream(item.host) for item in brief.upstreams}
        self._channel = channel
        self._brief = brief
        self._runner = asyncio.Runner()

    def close(self) -> None:
        """End the loop and whatever still runs on it."""
        self._runner.close()

    def run(self, work: Coroutine[Any, Any, T], *, limit_sec: float = ATTEMPT_LIMIT_SEC) -> T:
        """Run the check's body, or what a fixture does before the service is there, to its end.

        Raises:
            CheckError: It did not end in time, or an upstream's own code broke.
        """
        return self._runner.run(self._watched(work, limit_sec))

    def open_upstreams(self) -> None:
        """Listen where the service will look for its dependencies."""
        for item in self._brief.upstreams:
            self._runner.run(self.upstreams[item.host].open(item.bind_host, item.bind_port))

    def close_upstreams(self) -> None:
        """Stop listening."""
        for upstream in self.upstreams.values():
            self._runner.run(upstream.close())

    def start_sut(self) -> Sut:
        """A fresh system under test, ready for traffic.

        Raises:
            SutNotReady: The submission did not come up; its log is kept.
        """
        good_service = self.attempt.good_service
        sut = self._runner.run(Sut.start(self._channel, self._brief, good_service=good_service))
        try:
            self._runner.run(sut.ready())
        except SutNotReady:
            self._runner.run(self._keep_log(sut))
            self.remove_sut(sut)
            raise
        return sut

    def start_original(self) -> Sut:
        """What the candidate was given, ready to be compared with.

        Raises:
            ControlFailed: It did not come up, so there is nothing to compare with.
        """
        sut = self._runner.run(Sut.start(self._channel, self._brief, original=True))
        try:
            self._runner.run(sut.ready())
        except SutNotReady as exc:
            self.remove_sut(sut)
            raise ControlFailed(f"The original did not start: {exc}") from exc
        return sut

    def finish_sut(self, sut: Sut) -> None:
        """Keep the service's last words when the check did not pass, and remove it."""
        if self.attempt.judge().outcome is not CheckOutcome.PASSED:
            self._runner.run(self._keep_log(sut))
        self.remove_sut(sut)

    def remove_sut(self, sut: Sut) -> None:
        """Remove it; a harness that cannot will clean up by label, so the verdict stands."""
        with suppress(ChannelError):
            self._runner.run(sut.remove())

    async def _keep_log(self, sut: Sut) -> None:
        with suppress(ChannelError):
            self.attempt.log_tail = await sut.logs()
            self.attempt.ending = await sut.ending()

    async def _watched(self, work: Coroutine[Any, Any, T], limit_sec: float) -> T:
        heart = asyncio.create_task(self._beat())
        try:
            async with asyncio.timeout(limit_sec) as limit:
                result = await work
        except TimeoutError as exc:
            if limit.expired():
                raise CheckError(f"The check did not end within {limit_sec:g} s.") from exc
            raise
        finally:
            heart.cancel()
        for upstream in self.upstreams.values():
            for error in upstream.errors:
                raise CheckError(f"Upstream '{upstream.host}' broke: {error!r}") from error
        return result

    async def _beat(self) -> None:
        while True:
            began, worked = time.monotonic(), time.thread_time()
            await asyncio.sleep(_BEAT_SEC)
            late = time.monotonic() - began - _BEAT_SEC
            worked = time.thread_time() - worked
            self.attempt.lag_sec = max(self.attempt.lag_sec, late)
            if late > _LATE_SEC and worked > _BUSY * (late + _BEAT_SEC):
                self.attempt.swamped_sec += worked
