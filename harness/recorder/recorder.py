"""The loop that records a session's tree while it is open."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from typing import Literal

import structlog

from harness.errors import HarnessError, RecordingError, StoreError
from harness.models.event import (
    Event,
    RecordingFailed,
    RecordingGap,
    SessionReopened,
    SessionSubmitted,
    SnapshotTaken,
)
from harness.models.session import SessionStatus
from harness.recorder.shadow import ShadowRepository
from harness.store import Store

SHARE_OF_A_CORE = 0.01
"""A look at the tree that costs more than this share waits longer for the next one."""

MAX_STRETCH = 10
"""Times the interval that such a wait may be long."""

LATE_SEC = 10.0
"""A tick this much too late leaves a gap: the machine slept, or was overloaded."""

Cause = Literal["open", "tick", "command", "submit"]
"""As in `SnapshotTaken`."""

_AT_WORK = (SessionStatus.OPEN, SessionStatus.RUNNING, SessionStatus.PAUSED)

_log = structlog.get_logger(__name__)


class SessionRecorder:
    """Takes snapshots of one session and tells its record.

    The events are the truth: a snapshot that did not get into them is taken again. A
    failure is one RecordingFailed per outage; when recording is back, a RecordingGap says
    how long nothing was recorded. The same after a recorder that died: its last sign of
    life is the change time of `heartbeat` in the shadow repository.

    Args:
        store: Where events go.
        session_id: Whose tree it is.
        shadow: Its shadow repository.
        interval_sec: Between two looks at the tree; a tree that is expensive to look at is
            looked at less often, so that recording stays below a hundredth of a core.
        clock: Unix seconds; it must go on while the machine sleeps.
    """

    def __init__(
        self,
        store: Store,
        session_id: str,
        shadow: ShadowRepository,
        *,
        interval_sec: float = 3.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._session_id = session_id
        self._shadow = shadow
        self._interval_sec = interval_sec
        self._clock = clock
        self._heartbeat = shadow.git_dir / "heartbeat"
        self._aligned = False
        self._due: float | None = None
        self._tolerance = 0.0
        self._outage: RecordingFailed | None = None
        self._told = False
        self._cost = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Take snapshots until `stop` is set; never ends by itself."""
        while not stop.is_set():
            delay = await asyncio.to_thread(self._timed_tick)
            try:
                async with asyncio.timeout(delay):
                    await stop.wait()
            except TimeoutError:
                continue

    def tick(self, *, cause: Cause = "tick") -> Event | None:
        """Look at the tree once.

        Args:
            cause: Why now. With "submit" every file is read again, whatever its status says.

        Returns:
            The event, when the tree changed. None also when recording failed: the failure
            is in the session's record as soon as its store takes it.
        """
        try:
            with self._shadow.lock():
                self._align()
                event = self._record(cause)
            self._recovered()
        except Exception as error:  # noqa: BLE001  # not even a bug of ours ends the recording
            self._failed(error)
            return None
        return event

    def _timed_tick(self) -> float:
        """One tick; returns the seconds until the next."""
        before = _processor_sec()
        self.tick()
        cost, self._cost = self._cost, _processor_sec() - before
        usual = min(cost, self._cost)  # one look that found much to read is not the rule
        longest = self._interval_sec * MAX_STRETCH
        delay = min(max(self._interval_sec, usual / SHARE_OF_A_CORE), longest)
        if self._outage is None:
            self._due = self._clock() + delay
        return delay

    def _align(self) -> None:
        """Make the last snapshot in the events the last one in the shadow repository."""
        if self._aligned:
            return
        last: str | None = None
        for event in self._store.events(self._session_id, kinds={"snapshot"}):
            if isinstance(event.payload, SnapshotTaken):
                last = event.payload.snapshot.commit
        if last != self._shadow.head():
            try:
                self._shadow.rewind(last)
            except RecordingError:
                self._shadow.rewind(None)  # a new chain begins beside a lost one
        self._due = self._expected()
        self._aligned = True

    def _expected(self) -> float | None:
        """When the first look of this recorder was due: an interval after the last heartbeat.

        Between a submission and its reopening nobody records, so that is no gap.
        """
        try:
            last = self._heartbeat.stat().st_mtime
        except FileNotFoundError:
            return None
        kinds = {"session.submitted", "session.reopened"}
        for event in self._store.events(self._session_id, kinds=kinds):
            if isinstance(event.payload, SessionSubmitted):
                last = max(last, self._clock())
            elif isinstance(event.payload, SessionReopened):
                last = max(self._heartbeat.stat().st_mtime, event.at.timestamp())
        return last + self._interval_sec

    def _record(self, cause: Cause) -> Event | None:
        before = self._shadow.head()
        snapshot = self._shadow.snapshot(message=cause, full=cause == "submit")
        if snapshot is None:
            return None
        try:
            payload = SnapshotTaken(snapshot=snapshot, cause=cause)
            return self._store.append(self._session_id, payload)
        except BaseException:
            self._shadow.rewind(before)
            raise

    def _recovered(self) -> None:
        """After a good look: tell what was missed, and give a sign of life."""
        now = self._clock()
        late = 0.0 if self._due is None else now - self._due
        if self._outage is not None:
            self._tell()
        if self._outage is not None or late > self._tolerance:
            reason = "no recorder was at work" if self._outage is None else "recording failed"
            gap = RecordingGap(seconds=round(max(0.0, late), 3), reason=reason)
            self._store.append(self._session_id, gap)
        self._outage, self._told = None, False
        self._tolerance = LATE_SEC
        self._due = now + self._interval_sec
        self._heartbeat.touch()
        os.utime(self._heartbeat, (now, now))

    def _failed(self, error: Exception) -> None:
        if self._outage is None:
            if self._workspace_is_gone():
                return
            text = str(error) if isinstance(error, HarnessError) else repr(error)
            part = "store" if isinstance(error, StoreError) else "snapshots"
            self._outage = RecordingFailed(part=part, message=text)
            self._due = self._clock() if self._due is None else self._due
            _log.error("recording failed", session=self._session_id, error=text)
        try:
            self._tell()
            if self._shadow.is_broken():
                broken = self._shadow.set_aside()
                _log.error("shadow repository set aside", path=str(broken))
        except Exception as further:  # noqa: BLE001  # told at the next tick
            _log.warning("recording still fails", session=self._session_id, error=str(further))

    def _tell(self) -> None:
        if self._outage is not None and not self._told:
            self._store.append(self._session_id, self._outage)
            self._told = True

    def _workspace_is_gone(self) -> bool:
        """A workspace that went away with its session is no failure."""
        try:
            return self._store.session(self._session_id).status not in _AT_WORK
        except HarnessError:
            return False


def _processor_sec() -> float:
    """Processor time of this thread and of the children it waited for."""
    times = os.times()
    return time.thread_time() + times.children_user + times.children_system
