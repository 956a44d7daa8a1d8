"""Runs one process inside a sandbox and answers for its whole tree.

A script of its own, standard library only: images carry it as root's file, the
process backend runs this very file. One mechanism gives plain processes, streams
and real terminals, whatever the engine.

Frames on its standard input and output: 1 byte type, 4 bytes length (big endian), payload.

    in   S  start, JSON: argv, cwd, env, timeout_sec, terminal {cols, rows}, output_limit
         I  input bytes, at most WINDOW of them unacknowledged
         E  end of input          R  resize, JSON: cols, rows          K  kill
    out  P  the process runs, JSON: pid
         O  standard output       E  standard error
         A  input consumed, 4 bytes count
         X  it ended, JSON: returncode, timed_out, oom_killed, truncated, duration_sec, left
         F  it could not be started and that is not the command's fault, JSON: errno, message

End of file on standard input means that our caller died: SIGHUP, then the whole tree
is killed. So it is on a deadline, on K, and when the main process ends by itself.

What it runs has the same user id. `PR_SET_DUMPABLE` 0 keeps it from our file
descriptors and memory, so it cannot forge frames. It can kill us; then the stream
ends without X and the client says so.
"""

# One file on purpose: images carry it alone. pathlib and typing stay out, since importing
# them would add a quarter to the start-up time of every exec.
# ruff: noqa: PTH123, PTH208

from __future__ import annotations

import ctypes
import errno
import fcntl
import json
import os
import select
import signal
import struct
import termios
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

WINDOW = 256 * 1024
"""Input bytes the client may send before they are acknowledged, so that K is never stuck."""
CHUNK = 64 * 1024
"""Largest output frame, in bytes."""
_MAX_START = 8 * 1024 * 1024
_HIGH_WATER = 4 * CHUNK
"""Unsent bytes above which the process's output is no longer read."""
_DRAIN_LIMIT = 4 * 1024 * 1024
"""A dead tree's pipes hold less than this."""
_KILL_SEC = 10.0
_FREEZE_SEC = 2.0
_HANGUP_SEC = 0.3

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_CHILD_SUBREAPER = 1, 4, 36
_WALL = 0x40000000  # also children made by clone() without SIGCHLD
_IUTF8 = 0x4000
_OOM_COUNTERS = ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control")
_NOT_FOUND = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
_NOT_EXECUTABLE = (
    *(errno.EACCES, errno.EPERM, errno.ENOEXEC, errno.EISDIR, errno.E2BIG),
    *(errno.ETXTBSY, errno.ELIBBAD, errno.ENAMETOOLONG, errno.EINVAL),
)

_prctl = ctypes.CDLL(None, use_errno=True).prctl


class StartError(Exception):
    """The process could not be started; `args` are errno, message."""


def frame(kind: bytes, payload: bytes = b"") -> bytes:
    """One frame as it goes over the wire."""
    return kind + struct.pack(">I", len(payload)) + payload


def json_frame(kind: bytes, value: dict[str, Any]) -> bytes:
    """A frame whose payload is JSON."""
    return frame(kind, json.dumps(value).encode())


def exit_frame(
    returncode: int,
    *,
    timed_out: bool = False,
    oom_killed: bool = False,
    truncated: bool = False,
    duration_sec: float = 0.0,
    left: int = 0,
) -> bytes:
    """How it ended; `left` counts processes that would not die."""
    return json_frame(
        b"X",
        {
            "returncode": returncode,
            "timed_out": timed_out,
            "oom_killed": oom_killed,
            "truncated": truncated,
            "duration_sec": duration_sec,
            "left": left,
        },
    )


def oom_kills() -> int:
    """How often the kernel killed for memory in this control group; 0 when unknown."""
    for path in _OOM_COUNTERS:
        try:
            with open(path, "rb") as file:
                for line in file:
                    if line.startswith(b"oom_kill "):
                        return int(line.split()[1])
        except OSError:
            continue
    return 0


def stat_fields(pid: int) -> list[bytes]:
    """The fields of /proc/PID/stat from the third (state) on.

    Raises:
        OSError: It is gone.
    """
    with open(f"/proc/{pid}/stat", "rb") as file:
        stat = file.read()
    return stat[stat.rindex(b")") + 2 :].split()  # its name may hold ")" itself


def start_time(pid: int) -> int | None:
    """When it started, in clock ticks since boot, to tell a reused id apart; None when dead."""
    try:
        fields = stat_fields(pid)
    except OSError:
        return None
    return None if fields[0] in (b"Z", b"X") else int(fields[19])


def descendants(*roots: int) -> set[int]:
    """Every process below `roots`, themselves left out, found by walking /proc."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            parent = int(stat_fields(int(name))[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(name))
    found: set[int] = set()
    todo = list(roots)
    while todo:
        below = children.pop(todo.pop(), [])
        found.update(below)
        todo.extend(below)
    return found


def signal_all(pids: set[int], *numbers: int) -> None:
    """Send signals to processes, some of which may be gone."""
    for pid in pids:
        for number in numbers:
            try:
                os.kill(pid, number)
            except (ProcessLookupError, PermissionError):
                break


class Tree:
    """The main process and everything that descends from it."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.status: int | None = None
        """The main process's wait status."""
        self.saw_sigkill = False
        """Something died by SIGKILL that was not ours."""

    @property
    def returncode(self) -> int:
        """The main process's exit status, 128 + n when signal n ended it."""
        code = -signal.SIGKILL if self.status is None else os.waitstatus_to_exitcode(self.status)
        return 128 - code if code < 0 else code

    def reap(self, *, ours: bool = False) -> bool:
        """Collect the dead; whether anything is left.

        We are the subreaper: orphans become our children, so no child means no descendant.
        """
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG | _WALL)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self.pid:
                self.status = status
            if not ours and signal.SIGKILL in (
                os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0,
                os.WEXITSTATUS(status) - 128 if os.WIFEXITED(status) else 0,  # as shells say it
            ):
                self.saw_sigkill = True

    def hang_up(self) -> None:
        """Say that the terminal is gone, and give a moment."""
        signal_all(descendants(os.getpid()), signal.SIGHUP, signal.SIGCONT)
        until = time.monotonic() + _HANGUP_SEC
        while self.reap() and time.monotonic() < until:
            time.sleep(0.01)

    def destroy(self) -> int:
        """Kill everything; how many would not die in time.

        They are stopped first, all of them, so that a fork bomb cannot outrun the killing.
        """
        begin = time.monotonic()
        stopped: set[int] = set()
        while self.reap(ours=bool(stopped)):
            tree = descendants(os.getpid())
            now = time.monotonic() - begin
            if now > _KILL_SEC:
                return len(tree)
            fresh = tree - stopped
            if fresh and now < _FREEZE_SEC:
                signal_all(fresh, signal.SIGSTOP)
                stopped |= fresh
                continue
            signal_all(tree, signal.SIGKILL)
            time.sleep(0.002)
        return 0


def spawn(start: dict[str, Any]) -> tuple[int, int, dict[int, bytes]]:
    """Start the process; its id, the descriptor to write to, those to read from.

    Raises:
        StartError: It could not be started.
    """
    if start.get("terminal"):
        mine, theirs = os.openpty()
        resize(mine, start["terminal"])
        mode = termios.tcgetattr(theirs)
        mode[0] |= _IUTF8
        termios.tcsetattr(theirs, termios.TCSANOW, mode)
        sink, sources, ends = mine, {mine: b"O"}, (theirs, theirs, theirs)
    else:
        (in_r, sink), (out_r, out_w), (err_r, err_w) = os.pipe(), os.pipe(), os.pipe()
        sources, ends = {out_r: b"O", err_r: b"E"}, (in_r, out_w, err_w)
    told_r, told_w = os.pipe()
    try:
        pid = os.fork()
    except OSError as exc:
        raise StartError(exc.errno, f"no new process: {exc.strerror}") from exc
    if pid == 0:
        run_child(start, ends, told_w)
    for fd in {*ends, told_w}:
        os.close(fd)
    with open(told_r, "rb") as told:
        problem = told.read()  # ends when exec() closes it
    if problem:
        os.waitpid(pid, 0)
        raise StartError(*json.loads(problem))
    for fd in {sink, *sources}:
        os.set_blocking(fd, False)
    return pid, sink, sources


def run_child(start: dict[str, Any], ends: tuple[int, int, int], told: int) -> None:
    """Become the process; never returns."""
    parent = os.getppid()
    what = "start"
    try:
        os.setsid()
        if start.get("terminal"):
            fcntl.ioctl(ends[0], termios.TIOCSCTTY, 0)
        for target, fd in enumerate(ends):
            os.dup2(fd, target)
        for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)
        prefer_for_oom()
        cwd = start.get("cwd") or "."
        what = f"working directory {cwd}"
        os.chdir(encoded(cwd))
        what = start["argv"][0]
        env = {**os.environb, **{encoded(k): encoded(v) for k, v in start["env"].items()}}
        if start.get("terminal"):
            env.setdefault(b"TERM", b"xterm-256color")
        os.execvpe(  # noqa: S606 - running what it is told is what a supervisor is for
            encoded(what), [encoded(arg) for arg in start["argv"]], env
        )
    except OSError as exc:
        os.write(told, json.dumps([exc.errno, f"{what}: {exc.strerror}"]).encode())
    except BaseException as exc:  # noqa: BLE001 - a forked child must not run our caller's code
        os.write(told, json.dumps([errno.EPROTO, f"{what}: {exc!r}"]).encode())
    os._exit(127)


def prefer_for_oom() -> None:
    """Let the kernel take the command, not its supervisor, when memory runs out."""
    _prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0)  # our own descriptors are replaced; exec() does the same
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("500")
    except OSError:
        return


def encoded(text: str) -> bytes:
    """Text as the caller's bytes, undecodable ones included."""
    return text.encode("utf-8", "surrogateescape")


def resize(fd: int, size: dict[str, int]) -> None:
    """Set a terminal's size; the kernel sends SIGWINCH."""
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", size["rows"], size["cols"], 0, 0))


class Supervisor:
    """One process, from its start frame to its exit frame."""

    def __init__(self, start: dict[str, Any]) -> None:
        self.terminal = bool(start.get("terminal"))
        self.allowed = int(start["output_limit"])
        self.truncated = False
        self.begin = time.monotonic()
        timeout = start.get("timeout_sec")
        self.deadline = None if timeout is None else self.begin + float(timeout)
        self.oom_before = oom_kills()
        self.received = bytearray()
        self.pending = bytearray()
        self.end_of_input = False
        self.outgoing = bytearray()
        self.killed = self.orphaned = False
        pid, sink, self.sources = spawn(start)
        self.sink: int | None = sink
        self.tree = Tree(pid)
        self.wake = wake_on_child()
        self.outgoing += json_frame(b"P", {"pid": pid})

    def run(self) -> None:
        """Serve until the process has ended, then clean up and report."""
        timed_out = False
        self.tree.reap()
        while self.tree.status is None and not (self.killed or self.orphaned or timed_out):
            left = None if self.deadline is None else self.deadline - time.monotonic()
            timed_out = left is not None and left <= 0
            if not timed_out:
                self.turn(left)
                self.tree.reap()
        duration = time.monotonic() - self.begin
        oom = oom_kills() > self.oom_before
        if self.orphaned:
            self.tree.hang_up()
        left_over = self.tree.destroy()
        self.drain()
        self.outgoing += exit_frame(
            self.tree.returncode,
            timed_out=timed_out,
            oom_killed=oom and self.tree.saw_sigkill,
            truncated=self.truncated,
            duration_sec=duration,
            left=left_over,
        )
        while self.outgoing and not self.orphaned:
            self.turn(None)

    def turn(self, timeout: float | None) -> None:
        """Wait for something and deal with it."""
        poller = select.poll()
        poller.register(0, select.POLLIN)
        poller.register(self.wake, select.POLLIN)
        if self.outgoing:
            poller.register(1, select.POLLOUT)
        wanted = dict.fromkeys(self.sources if len(self.outgoing) < _HIGH_WATER else (), 1)
        if self.pending and self.sink is not None:
            wanted[self.sink] = wanted.get(self.sink, 0) | select.POLLOUT
        for fd, events in wanted.items():
            poller.register(fd, events)
        ready = poller.poll(None if timeout is None else min(timeout, 86400.0) * 1000 + 1)
        for fd, events in ready:
            if fd == 0:
                self.read_frames()
            elif fd == 1:
                self.write_frames()
            elif fd == self.wake:
                os.read(fd, CHUNK)
            else:
                self.serve(fd, events)

    def serve(self, fd: int, events: int) -> None:
        """Move bytes to or from the process."""
        if fd in self.sources and events & (select.POLLIN | select.POLLHUP | select.POLLERR):
            self.read_output(fd)
        if fd == self.sink and self.pending and events & (select.POLLOUT | select.POLLERR):
            self.write_input()

    def read_output(self, fd: int) -> int:
        """Pass on what came out, up to the limit; how many bytes there were."""
        try:
            data = os.read(fd, CHUNK)
        except BlockingIOError:
            return 0
        except OSError:  # EIO: nobody has the terminal open any more
            data = b""
        if not data:
            kind = self.sources.pop(fd)
            if not (self.terminal and kind == b"O"):
                os.close(fd)
            return 0
        kept = data[: self.allowed]
        self.allowed -= len(kept)
        self.truncated |= len(kept) < len(data)
        if kept:
            self.outgoing += frame(self.sources[fd], kept)
        return len(data)

    def drain(self) -> None:
        """Read what the dead tree left in its pipes, without waiting for more."""
        moved = 0
        for fd in tuple(self.sources):
            while moved < _DRAIN_LIMIT and (count := self.read_output(fd)):
                moved += count
        self.sources.clear()
        self.pending.clear()

    def write_input(self) -> None:
        """Give the process its input; what it will not take is dropped."""
        if self.sink is None:
            return
        try:
            count = os.write(self.sink, self.pending[:CHUNK])
        except BlockingIOError:
            return
        except OSError:
            self.close_sink()
            return
        self.acknowledge(count)
        if self.end_of_input and not self.pending:
            self.close_sink()

    def acknowledge(self, count: int) -> None:
        del self.pending[:count]
        self.outgoing += frame(b"A", struct.pack(">I", count))

    def close_sink(self) -> None:
        """No more input; a terminal stays open for its output."""
        if self.sink is not None and not self.terminal:
            os.close(self.sink)
            self.sink = None
        if self.pending:
            self.acknowledge(len(self.pending))

    def read_frames(self) -> None:
        """Take what the client sent."""
        try:
            data = os.read(0, CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self.orphaned |= not data
        self.received += data
        while len(self.received) >= 5:  # noqa: PLR2004 - type and length
            kind, size = struct.unpack(">cI", self.received[:5])
            if size > WINDOW:
                self.orphaned = True  # not our client any more
                return
            if len(self.received) < 5 + size:
                return
            payload = bytes(self.received[5 : 5 + size])
            del self.received[: 5 + size]
            self.obey(kind, payload)

    def obey(self, kind: bytes, payload: bytes) -> None:
        """Do what one frame says."""
        if kind == b"I" and not self.end_of_input:
            self.pending += payload
            self.orphaned |= len(self.pending) > WINDOW
            if self.sink is None:
                self.acknowledge(len(payload))
        elif kind == b"E" and not self.end_of_input:
            self.end_of_input = not self.terminal
            if self.terminal:
                self.pending += b"\x04"
            elif not self.pending:
                self.close_sink()
        elif kind == b"R" and self.terminal and self.sink is not None:
            resize(self.sink, json.loads(payload))
        elif kind == b"K":
            self.killed = True

    def write_frames(self) -> None:
        """Send what the client will take."""
        try:
            count = os.write(1, self.outgoing[:CHUNK])
        except BlockingIOError:
            return
        except OSError:
            self.orphaned = True
            self.outgoing.clear()
            return
        del self.outgoing[:count]


def prepare() -> None:
    """Keep nothing we were not meant to have, and let nobody look into us."""
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2:  # noqa: PLR2004 - standard error
            try:
                os.close(int(name))
            except OSError:
                continue
    while (spare := os.open("/dev/null", os.O_RDWR)) <= 2:  # noqa: PLR2004
        pass
    os.close(spare)
    adopt_orphans()


def adopt_orphans() -> None:
    """Become the parent of every descendant that loses its own, and deaf to signals."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD}:
        signal.signal(number, signal.SIG_IGN)


def wake_on_child() -> int:
    """A descriptor that becomes readable when a child has changed."""
    wake, wake_w = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(wake_w, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake_w, warn_on_full_buffer=False)
    return wake


def read_start() -> dict[str, Any] | None:
    """The start frame, or None when the client is gone or makes no sense."""

    def exactly(count: int) -> bytes:
        data = b""
        while len(data) < count and (more := os.read(0, count - len(data))):
            data += more
        return data

    header = exactly(5)
    if header[:1] != b"S":
        return None
    (size,) = struct.unpack(">I", header[1:])
    body = exactly(size) if size <= _MAX_START else b""
    return json.loads(body) if len(body) == size else None


def shell_code(number: int) -> int | None:
    """The exit status a shell gives for an errno of exec(); None when it is not the command's."""
    return 127 if number in _NOT_FOUND else 126 if number in _NOT_EXECUTABLE else None


def send_blocking(data: bytes) -> None:
    """Write before or after the serving loop."""
    os.set_blocking(1, True)
    while data:
        data = data[os.write(1, data) :]


def main() -> int:
    """Run one process as the start frame says."""
    _prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    prepare()
    start = read_start()
    if start is None:
        return 1
    try:
        supervisor = Supervisor(start)
    except StartError as exc:
        number, message = exc.args
        code = shell_code(number)
        if code is None:
            send_blocking(json_frame(b"F", {"errno": number, "message": message}))
            return 1
        stream = b"O" if start.get("terminal") else b"E"
        text = f"{message}\n".encode("utf-8", "surrogateescape")[: start["output_limit"]]
        send_blocking(frame(stream, text) + exit_frame(code))
        return 0
    os.set_blocking(1, False)
    try:
        supervisor.run()
    finally:
        supervisor.tree.destroy()
    return 0


if __name__ == "__main__":
    os._exit(main())  # nothing to tidy: the caller waits for our end
