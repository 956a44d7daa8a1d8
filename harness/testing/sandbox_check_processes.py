"""Promises about processes in a sandbox: exec, streams, trees, terminals."""

# Numbers of a check stand where they are compared.
# ruff: noqa: PLR2004

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time

from harness.models.sandbox import TerminalSize
from harness.testing.sandbox_subject import (
    Reader,
    Subject,
    count_marked,
    promise,
    python,
    run,
    sandbox,
)

DAEMON = """
import os, signal, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    print("daemon ready", flush=True)
    while True:
        time.sleep(60)
time.sleep({seconds})
"""
"""Leaves a double-forked, deaf daemon of its own session; takes a mark as argument."""

RELAY = """
import os, time
for _ in range(8):
    if os.fork() == 0:
        while True:  # each generation lives 2 ms, so that a list of processes is old at once
            time.sleep(0.002)
            if os.fork():
                os._exit(0)
print("running", flush=True)
time.sleep(60)
"""
"""Processes that run away from whoever kills them one by one."""


def mark() -> str:
    """Something to recognise processes by."""
    return f"mark-{secrets.token_hex(8)}"


# -- exec ------------------------------------------------------------------------------


@promise("exec")
async def streams_and_status_are_told_apart(subject: Subject) -> None:
    """Standard output, standard error and exit status come back, each its own."""
    async with sandbox(subject) as box:
        result = await run(box, "sh", "-c", "printf out; printf err >&2; exit 3")
    assert (result.returncode, result.stdout, result.stderr) == (3, b"out", b"err")
    assert not result.success
    assert (result.timed_out, result.truncated, result.oom_killed) == (False, False, False)


@promise("exec")
async def bytes_are_never_changed(subject: Subject) -> None:
    """Every byte value passes through input and output as it is."""
    everything = bytes(range(256)) * 300
    async with sandbox(subject) as box:
        result = await run(box, "cat", stdin=everything)
    assert result.stdout == everything


@promise("exec")
async def input_nobody_reads_does_not_block(subject: Subject) -> None:
    """A command that ignores a megabyte of input ends as usual."""
    async with sandbox(subject) as box:
        result = await run(box, "true", stdin=b"x" * 1_000_000)
    assert result.success


@promise("exec")
async def environments_add_up(subject: Subject) -> None:
    """A command sees the spec's environment with its own on top."""
    async with sandbox(subject, env={"A": "spec", "B": "spec"}) as box:
        result = await box.exec(
            ["sh", "-c", 'echo "$A $B $C"'], timeout_sec=30, env={"B": "own", "C": "a b\nc"}
        )
    assert result.stdout == b"spec own a b\nc\n"


@promise("exec")
async def working_directory_is_the_specs_or_its_own(subject: Subject) -> None:
    """A command starts in the working directory, or in the one it is given."""
    async with sandbox(subject) as box:
        await box.write_file("/workspace/here", b"top")
        await box.write_file("/workspace/below/here", b"below")
        first = await run(box, "cat", "here")
        second = await box.exec(["cat", "here"], timeout_sec=30, cwd="/workspace/below")
    assert (first.stdout, second.stdout) == (b"top", b"below")


@promise("exec")
async def missing_and_forbidden_programs_are_127_and_126(subject: Subject) -> None:
    """A command that cannot be run is a result, as in a shell, and says why."""
    async with sandbox(subject) as box:
        await box.write_file("/workspace/plain", b"not a program")
        missing = await run(box, "no-such-program")
        forbidden = await run(box, "/workspace/plain")
    assert (missing.returncode, forbidden.returncode) == (127, 126)
    assert b"no-such-program" in missing.stderr


@promise("exec")
async def death_by_signal_is_128_plus_its_number(subject: Subject) -> None:
    """A command that a signal ended says which."""
    async with sandbox(subject) as box:
        killed = await run(box, "sh", "-c", "kill -9 $$")
        terminated = await run(box, "sh", "-c", "kill -TERM $$")
    assert (killed.returncode, terminated.returncode) == (137, 143)
    assert (killed.timed_out, killed.oom_killed) == (False, False)


@promise("exec")
async def output_over_the_limit_is_dropped(subject: Subject) -> None:
    """The limit counts both streams; the command still ends by itself."""
    script = "head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2"
    async with sandbox(subject) as box:
        result = await box.exec(["sh", "-c", script], timeout_sec=30, output_limit=100_000)
        exact = await box.exec(
            ["head", "-c", "5000", "/dev/zero"], timeout_sec=30, output_limit=5000
        )
    assert len(result.stdout) + len(result.stderr) == 100_000
    assert result.truncated
    assert result.success
    assert (len(exact.stdout), exact.truncated) == (5000, False)


@promise("exec")
async def large_output_stays_whole(subject: Subject) -> None:
    """20 MB over both streams at once come back whole and unmixed."""
    program = """
import sys, threading
def fill(stream, letter):
    for number in range(10000):
        stream.write((letter + str(number)).ljust(1000).encode() + b"\\n")
both = (sys.stdout.buffer, "o"), (sys.stderr.buffer, "e")
threads = [threading.Thread(target=fill, args=pair) for pair in both]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""
    async with sandbox(subject) as box:
        result = await box.exec(
            ["python3", "-c", program], timeout_sec=50, output_limit=32 * 1024 * 1024
        )
    for data, letter in ((result.stdout, "o"), (result.stderr, "e")):
        wanted = b"".join((f"{letter}{n}").ljust(1000).encode() + b"\n" for n in range(10000))
        assert hashlib.sha256(data).digest() == hashlib.sha256(wanted).digest()


@promise("exec")
async def many_at_once_do_not_mix(subject: Subject) -> None:
    """Twenty commands at the same time each get their own answer."""
    async with sandbox(subject) as box:
        results = await asyncio.gather(
            *(run(box, "sh", "-c", f"cat; exit {n}", stdin=str(n).encode()) for n in range(20))
        )
    assert [(r.returncode, r.stdout) for r in results] == [(n, b"%d" % n) for n in range(20)]


# -- trees -----------------------------------------------------------------------------


@promise("trees")
async def deadline_kills_the_whole_tree(subject: Subject) -> None:
    """After a deadline nothing of the command runs, not even a deaf daemon it left."""
    name = mark()
    async with sandbox(subject) as box:
        result = await box.exec(["python3", "-c", DAEMON.format(seconds=60), name], timeout_sec=2.0)
        left = await count_marked(box, name)
    assert (result.timed_out, result.returncode) == (True, 137)
    assert b"daemon ready" in result.stdout
    assert 2.0 <= result.duration_sec < 10
    assert left == 0


@promise("trees")
async def background_jobs_end_with_their_command(subject: Subject) -> None:
    """A command's normal end is the end of what it left behind, which cannot delay it."""
    name = mark()
    begin = time.monotonic()
    async with sandbox(subject) as box:
        result = await run(box, "python3", "-c", DAEMON.format(seconds=0.5), name)
        left = await count_marked(box, name)
    assert result.success
    assert left == 0
    assert time.monotonic() - begin < 20


@promise("trees")
async def processes_that_run_away_are_caught(subject: Subject) -> None:
    """Processes that fork and exit faster than one can list them are killed too."""
    name = mark()
    async with sandbox(subject) as box:
        result = await box.exec(["python3", "-c", RELAY, name], timeout_sec=1.0)
        left = await count_marked(box, name)
    assert result.timed_out
    assert left == 0


@promise("trees")
async def kill_ends_everything_and_may_be_repeated(subject: Subject) -> None:
    """After `kill` the tree is gone, `wait` says 137, and another `kill` changes nothing."""
    name = mark()
    async with sandbox(subject) as box:
        process = await box.open(["python3", "-c", DAEMON.format(seconds=60), name])
        await Reader(process).until(b"daemon ready")
        assert await count_marked(box, name) == 2
        await process.kill()
        assert await count_marked(box, name) == 0
        assert (await process.wait()).returncode == 137
        await process.kill()


@promise("trees")
async def kill_works_on_a_process_that_nobody_reads(subject: Subject) -> None:
    """Neither unread output nor unread input keeps `kill` from working."""
    async with sandbox(subject) as box:
        process = await box.open(["sh", "-c", "yes"])
        await process.send(b"x" * 200_000)
        await process.kill()
        assert (await process.wait()).returncode == 137


# -- streams ---------------------------------------------------------------------------


@promise("streams")
async def output_comes_as_it_is_written(subject: Subject) -> None:
    """A conversation is possible: each line is seen before the next is sent."""
    async with sandbox(subject) as box:
        process = await box.open(
            ["sh", "-c", "echo ready; while read line; do echo got:$line; done; exit 4"]
        )
        reader = Reader(process)
        await reader.until(b"ready\n")
        for word in (b"one", b"two"):
            await process.send(word + b"\n")
            await reader.until(b"got:" + word + b"\n")
        await process.close_stdin()
        assert await reader.rest() == b"ready\ngot:one\ngot:two\n"
        result = await process.wait()
    assert (result.returncode, result.stdout) == (4, b"")


@promise("streams")
async def much_can_go_through_both_ways(subject: Subject) -> None:
    """Five megabytes through `cat`, sent and read at the same time, arrive in order."""
    data = secrets.token_bytes(1 << 20) * 5

    async with sandbox(subject) as box:
        process = await box.open(["cat"])

        async def feed() -> None:
            await process.send(data)
            await process.close_stdin()

        feeding = asyncio.create_task(feed())
        received = await Reader(process).rest()
        await feeding
        assert (await process.wait()).success
    assert hashlib.sha256(received).digest() == hashlib.sha256(data).digest()


@promise("streams")
async def a_slow_reader_loses_nothing(subject: Subject) -> None:
    """Output that nobody reads yet waits, and all of it is there afterwards."""
    async with sandbox(subject) as box:
        process = await box.open(["sh", "-c", "head -c 5000000 /dev/zero; echo end"])
        assert (await run(box, "true")).success  # meanwhile
        received = await Reader(process).rest()
    assert len(received) == 5_000_004
    assert received.endswith(b"end\n")


# -- terminals -------------------------------------------------------------------------

SIZE = TerminalSize(cols=97, rows=31)


@promise("terminal")
async def a_terminal_is_one(subject: Subject) -> None:
    """All three streams are a controlling terminal of the size asked for."""
    script = "test -t 0 && test -t 1 && test -t 2 && stty size </dev/tty && echo $TERM; echo e >&2"
    async with sandbox(subject) as box:
        process = await box.open(["sh", "-c", script], terminal=SIZE)
        result = await process.wait()
    lines = result.stdout.split(b"\r\n")
    assert lines[0] == b"31 97"
    assert lines[1].startswith(b"xterm")
    assert lines[2] == b"e"
    assert result.stderr == b""


@promise("terminal")
async def resizing_is_noticed(subject: Subject) -> None:
    """A program is signalled and sees the new size."""
    program = """
import os, signal
def told(*_):
    # print() may be inside itself when the signal comes
    os.write(1, b"size %d %d\\n" % os.get_terminal_size())
signal.signal(signal.SIGWINCH, told)
print("ready", flush=True)
while True:
    signal.pause()
"""
    async with sandbox(subject) as box:
        process = await box.open(["python3", "-c", program], terminal=SIZE)
        reader = Reader(process)
        await reader.until(b"ready")
        await process.resize(TerminalSize(cols=120, rows=40))
        await reader.until(b"size 120 40")
        await process.kill()


@promise("terminal")
async def control_c_interrupts(subject: Subject) -> None:
    """The terminal's line discipline turns Ctrl-C into SIGINT for the foreground."""
    script = 'trap "echo interrupted; exit 7" INT; echo ready; while :; do sleep 0.05; done'
    async with sandbox(subject) as box:
        process = await box.open(["sh", "-c", script], terminal=SIZE)
        reader = Reader(process)
        await reader.until(b"ready")
        await process.send(b"\x03")
        await reader.until(b"interrupted")
        await reader.rest()
        assert (await process.wait()).returncode == 7


@promise("terminal")
async def full_screen_programs_are_unharmed(subject: Subject) -> None:
    """In raw mode every byte passes, escape sequences and broken UTF-8 included."""
    program = """
import os, sys, tty
tty.setraw(0)
os.write(1, b"\\x1b[?1049h\\x1b[2J" + bytes(range(256)))
key = os.read(0, 10)
os.write(1, b"key:" + key + b"\\x1b[?1049l")
"""
    screen = b"\x1b[?1049h\x1b[2J" + bytes(range(256))
    async with sandbox(subject) as box:
        process = await box.open(["python3", "-c", program], terminal=SIZE)
        reader = Reader(process)
        await reader.until(screen)
        await process.send(b"\x1b[A")
        seen = await reader.rest()
        assert (await process.wait()).success
    assert seen == screen + b"key:\x1b[A\x1b[?1049l"


@promise("terminal")
async def typing_is_echoed_and_edited(subject: Subject) -> None:
    """What is typed is shown; backspace takes a character back; Enter ends the line."""
    async with sandbox(subject) as box:
        process = await box.open(["sh", "-c", "read word; echo got:$word"], terminal=SIZE)
        await process.send("hé\x7fi\r".encode())
        seen = await Reader(process).rest()
    assert seen.endswith(b"\r\ngot:hi\r\n")
    assert seen.startswith("hé".encode())


@promise("terminal")
async def end_of_input_ends_a_reader(subject: Subject) -> None:
    """`close_stdin` is the end-of-file character; output still comes after it."""
    async with sandbox(subject) as box:
        process = await box.open(["sh", "-c", "cat; echo after"], terminal=SIZE)
        await process.close_stdin()
        seen = await Reader(process).rest()
        assert (await process.wait()).success
    assert seen.endswith(b"after\r\n")


@promise("terminal")
async def a_terminals_jobs_end_with_it(subject: Subject) -> None:
    """Background jobs of an interactive shell are gone when it exits."""
    name = mark()
    async with sandbox(subject) as box:
        process = await box.open(["sh", "-i"], terminal=SIZE)
        reader = Reader(process)
        await process.send(f"python3 -c 'import time; time.sleep(60)' {name} &\r".encode())
        await process.send(b"echo sta''rted; exit 5\r")
        await reader.until(b"started")
        await reader.rest()
        assert (await process.wait()).returncode == 5
        assert await count_marked(box, name) == 0


@promise("exec")
async def supervisors_descriptors_are_out_of_reach(subject: Subject) -> None:
    """A command sees no descriptor but its own three."""
    async with sandbox(subject) as box:
        result = await python(box, "import os; print(sorted(os.listdir('/proc/self/fd'))[:4])")
    assert result.stdout == b"['0', '1', '2', '3']\n"  # 3 is the listing itself
