"""Processes of this machine seen from outside: found, counted, killed."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Set
from contextlib import suppress
from pathlib import Path

from harness.errors import SandboxTimeoutError
from harness.models.sandbox import SandboxStats
from harness.sandbox.supervisor import descendants, signal_all, start_time, stat_fields

_KILL_SEC = 10.0
_PAGE = os.sysconf("SC_PAGESIZE")
_TICKS = os.sysconf("SC_CLK_TCK")


def alive(pid: int, started: int | None) -> bool:
    """Whether the process that started then still runs; a zombie does not."""
    return started is not None and start_time(pid) == started


def marked(marker: str) -> set[int]:
    """Processes that carry `marker` as their last argument: our keepers and supervisors."""
    ending = b"\0" + marker.encode() + b"\0"
    found = set()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                if (folder / "cmdline").read_bytes().endswith(ending):
                    found.add(int(folder.name))
    return found


def send_all(roots: set[int], number: signal.Signals) -> None:
    """Send a signal to whole trees."""
    signal_all(descendants(*roots) | roots, number)


def kill_trees(roots: set[int], *, spare: Set[int] = frozenset()) -> None:
    """Kill trees of processes; blocks until they are gone.

    All are stopped before any is killed, so that none can start another meanwhile.

    Args:
        roots: Their first processes.
        spare: Roots that live on, such as a keeper that notes the exit code.

    Raises:
        SandboxTimeoutError: Some would not die.
    """
    begin = time.monotonic()
    frozen: dict[int, int | None] = {}
    while fresh := (descendants(*roots) | roots) - spare - frozen.keys():
        signal_all(fresh, signal.SIGSTOP)
        frozen |= {pid: start_time(pid) for pid in fresh}
    signal_all(set(frozen), signal.SIGKILL)
    while left := [pid for pid, started in frozen.items() if alive(pid, started)]:
        if time.monotonic() - begin > _KILL_SEC:
            raise SandboxTimeoutError(f"Processes {left} did not die within {_KILL_SEC:g} s.")
        time.sleep(0.002)


def measure(roots: set[int]) -> SandboxStats:
    """Resource use of everything below `roots`, themselves left out."""
    memory = threads = fds = ticks = 0
    for pid in descendants(*roots):
        folder = Path("/proc") / str(pid)
        with suppress(OSError):
            fields = stat_fields(pid)
            pages = (folder / "statm").read_bytes().split()
            memory += (int(pages[1]) - int(pages[2])) * _PAGE  # resident, files left out
            threads += int(fields[17])
            ticks += sum(int(field) for field in fields[11:15])  # its reaped children included
            fds += len(os.listdir(folder / "fd"))  # noqa: PTH208 - names only, and many
    return SandboxStats(memory_bytes=memory, pids=threads, fds=fds, cpu_sec=ticks / _TICKS)
