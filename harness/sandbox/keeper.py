"""Keeps one sandbox of the process backend: its main process, log and exit code.

It is to the process backend what the engine is to a container: it outlives the
harness, so a sandbox can be attached to after a crash. Run as a script with the
sandbox's folder as argument, in the sandbox's environment; it detaches itself once
the main process runs.

    run.json    while it runs: keeper and main process, each as [pid, start time]
    exit.json   afterwards: exit_code, oom_killed
    log, log.1  the main process's output, both streams, each half of what is allowed
"""

# ruff: noqa: PTH123 - as in supervisor.py, whose start-up time this shares

from __future__ import annotations

import json
import os
import resource
import select
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from harness.sandbox import supervisor
else:  # `python -I` leaves the script's own folder out
    sys.path.append(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
    import supervisor

_READ = 64 * 1024


class CappedLog:
    """Two files that replace each other, so that their sum stays bounded."""

    def __init__(self, path: str, limit: int) -> None:
        self.path = path
        self.half = limit // 2
        self.file = open(path, "ab", buffering=0)  # noqa: SIM115 - open as long as we live

    def write(self, data: bytes) -> None:
        """Append; a full disk loses log lines, not the process."""
        try:
            if self.file.tell() + len(data) > self.half:
                self.file.close()
                os.replace(self.path, f"{self.path}.1")  # noqa: PTH105
                self.file = open(self.path, "ab", buffering=0)  # noqa: SIM115
            self.file.write(data)
        except OSError:
            return


def write_json(path: str, value: dict[str, Any]) -> None:
    """Replace a file in one step."""
    with open(f"{path}.new", "w") as file:
        json.dump(value, file)
    os.replace(f"{path}.new", path)  # noqa: PTH105


def keep(folder: str, ready: int) -> None:
    """Run the main process to its end."""
    with open(f"{folder}/sandbox.json") as file:
        record = json.load(file)
    log = CappedLog(f"{folder}/log", record["log_bytes"])
    supervisor.adopt_orphans()
    oom_before = supervisor.oom_kills()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    files = record["nofile"] if hard == resource.RLIM_INFINITY else min(record["nofile"], hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    try:
        pid, sink, sources = supervisor.spawn(record["main"])
    except supervisor.StartError as exc:
        number, message = exc.args
        log.write(f"{message}\n".encode("utf-8", "surrogateescape"))
        code = supervisor.shell_code(number)
        write_json(f"{folder}/exit.json", {"exit_code": code, "oom_killed": False})
        return
    os.close(sink)
    wake = supervisor.wake_on_child()
    tree = supervisor.Tree(pid)
    keeper = os.getpid()
    run = {
        name: [who, supervisor.start_time(who)] for name, who in (("keeper", keeper), ("main", pid))
    }
    write_json(f"{folder}/run.json", run)
    os.close(ready)
    pump(tree, {*sources}, wake, log)
    oom = tree.saw_sigkill and supervisor.oom_kills() > oom_before
    write_json(f"{folder}/exit.json", {"exit_code": tree.returncode, "oom_killed": oom})


def pump(tree: supervisor.Tree, sources: set[int], wake: int, log: CappedLog) -> None:
    """Write the log until the main process has ended; then end the rest."""

    def move(fd: int) -> None:
        try:
            data = os.read(fd, _READ)
        except BlockingIOError:
            return
        if data:
            log.write(data)
        else:
            sources.discard(fd)
            os.close(fd)

    tree.reap()
    while tree.status is None:
        poller = select.poll()
        for fd in (*sources, wake):
            poller.register(fd, select.POLLIN)
        for fd, _ in poller.poll():
            if fd == wake:
                os.read(fd, _READ)
            else:
                move(fd)
        tree.reap()
    tree.destroy()
    for _ in range(64):  # the dead tree's pipes hold no more
        for fd in tuple(sources):
            move(fd)


def main() -> int:
    """Detach, and tell our caller when the main process runs."""
    waiting, ready = os.pipe()
    if os.fork():
        os.close(ready)
        os.read(waiting, 1)  # ends when the keeper closes its end
        return 0
    os.close(waiting)
    os.setsid()
    keep(sys.argv[1], ready)
    return 0


if __name__ == "__main__":
    os._exit(main())
