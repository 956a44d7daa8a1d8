"""The shell integration in a real bash in a real terminal."""

from __future__ import annotations

import asyncio

import pytest

from harness.recorder.commands import CommandTracker
from harness.recorder.sequences import strip_sequences

from .shells import SHELL

READY = b"\x1b]133;B"
"""The prompt is drawn: bash takes the next line."""

CTRL_C = b"\x03"
SILENCE_SEC = 2.0
PATIENCE_SEC = 60.0


async def printed(shell):
    """Chunks as they come, and b"" after each while of silence: a person would press again.

    A Ctrl-C that arrives while bash is between two states is lost, in any terminal.
    """
    stream = aiter(shell.output())
    async with asyncio.timeout(PATIENCE_SEC):
        coming = asyncio.ensure_future(anext(stream, None))
        while True:
            done, _ = await asyncio.wait({coming}, timeout=SILENCE_SEC)
            if not done:
                yield b""
                continue
            chunk = coming.result()
            if chunk is None:
                return
            yield chunk.data
            coming = asyncio.ensure_future(anext(stream, None))


async def work(shell, *lines, nonce=None):
    """Type lines, each when the prompt is there; returns (text, status, output) of each command."""
    tracker = CommandTracker("t", nonce=nonce)
    finished = []
    typed = list(lines)
    seen = last = b""
    async for data in printed(shell):
        if not data and last.endswith(CTRL_C):
            await shell.send(CTRL_C)
        finished += tracker.feed(0.0, data)
        seen += data
        if READY in seen:
            seen = b""
            if not typed:
                break
            last = typed.pop(0).encode()
            await shell.send(last)
    finished += tracker.finish(0.0, None)
    return [
        (done.command.text, done.command.exit_code, strip_sequences(done.output).strip())
        for done in finished
    ]


async def test_commands_statuses_and_output(process):
    """Text, exit code and output of ordinary commands, pipes, subshells and lists."""
    assert await work(
        process(SHELL),
        "true\n",
        "false\n",
        "echo h\u00e9 'a;b%c\\d'; (exit 7)\n",
        "true | false\n",
        "echo $(echo inner)\n",
        "no-such-command\n",
    ) == [
        ("true", 0, ""),
        ("false", 1, ""),
        ("echo h\u00e9 'a;b%c\\d'; (exit 7)", 7, "h\u00e9 a;b%c\\d"),
        ("true | false", 1, ""),
        ("echo $(echo inner)", 0, "inner"),
        ("no-such-command", 127, "bash: no-such-command: command not found"),
    ]


async def test_multi_line_commands_are_one(process):
    """A loop and a here-document over several lines are one command each."""
    done = await work(process(SHELL), "for i in 1 2; do\necho $i\ndone\n", "cat <<X\nhi\nX\n")
    assert [(status, output) for _, status, output in done] == [(0, "1\n2"), (0, "hi")]
    assert done[0][0] == "for i in 1 2; do echo $i; done"


async def test_strict_shells_survive(process):
    """`set -u` and `set -e` do not break the marks, and the marks do not end the shell."""
    done = await work(
        process(SHELL), "set -u\n", "echo $UNDEFINED\n", "set -e\n", "! true\n", "echo here\n"
    )
    assert [status for _, status, _ in done] == [0, 1, 0, 1, 0]


async def test_lines_that_run_nothing(process):
    """Ctrl-C at the prompt, an empty line and a comment are no commands."""
    shell = process(SHELL)
    done = await work(shell, "half typed\x03", "true\n", "\n", "# only a comment\n", "false\n")
    assert [text for text, _, _ in done] == ["true", "false"]


async def test_ctrl_c_stops_the_running_command(process):
    """A command stopped by Ctrl-C ends with status 130."""
    shell = process(SHELL)
    tracker = CommandTracker("t")
    finished = []
    steps = [(READY, b"sleep 600\n"), (b"\x1b]133;C", CTRL_C), (READY, b"exit\n")]
    seen = last = b""
    async for data in printed(shell):
        if not data and last in (CTRL_C, b"exit\n"):  # the second Ctrl-C takes the line back
            await shell.send(last)
        seen += data
        finished += tracker.feed(0.0, data)
        if steps and steps[0][0] in seen:
            seen = b""
            last = steps.pop(0)[1]
            await shell.send(last)
    assert [(d.command.text, d.command.exit_code) for d in finished] == [("sleep 600", 130)]


async def test_hidden_history_hides_no_command(process):
    """Leading spaces, repeated lines and a switched-off history still give the typed text."""
    assert await work(
        process(SHELL),
        "HISTCONTROL=ignoreboth\n",
        " echo spaced\n",
        " echo spaced\n",
        "set +o history\n",
        "echo unseen\n",
    ) == [
        ("HISTCONTROL=ignoreboth", 0, ""),
        ("echo spaced", 0, "spaced"),
        ("echo spaced", 0, "spaced"),
        ("set +o history", 0, ""),
        ("echo unseen", 0, "unseen"),
    ]


async def test_candidates_own_set_up_is_kept(process, tmp_path):
    """~/.bashrc runs: its prompt, aliases, PROMPT_COMMAND and the status it sees are unchanged."""
    (tmp_path / "home" / ".bashrc").write_text(
        "PS1='mine> '\n"
        "alias printf='echo aliased' local='echo aliased' builtin='echo aliased'\n"
        "greet() { echo greeting; }\n"
        "PROMPT_COMMAND='echo before-$?'\n"
    )
    shell = process(SHELL)
    seen = b""
    typed = ["greet\n", "false\n", "exit\n"]
    async for chunk in shell.output():
        seen += chunk.data
        if typed and seen.endswith(b"\x1b]133;B\x07"):
            await shell.send(typed.pop(0).encode())
    text = strip_sequences(seen)
    assert "mine> greet\ngreeting" in text
    assert "before-1" in text
    assert "aliased" not in text


async def test_replaced_hooks_come_back(process):
    """A candidate who sets PROMPT_COMMAND or PS1 loses no marks."""
    done = await work(
        process(SHELL), "PROMPT_COMMAND='true'\n", "PS1='$ '\n", "(exit 3)\n", "(exit 4)\n"
    )
    assert [status for _, status, _ in done] == [0, 0, 3, 4]


async def test_nonce_keeps_other_marks_out(process):
    """With a nonce, a program that prints marks of its own adds no command."""
    forged = "printf '\\033]133;C;cmdline_url=pytest\\007in\\033]133;D;0\\007'\n"
    shell = process(SHELL, env={"HARNESS_OSC133_NONCE": "w0rd"})
    done = await work(shell, forged, "echo ${HARNESS_OSC133_NONCE-unset}\n", nonce="w0rd")
    assert [(status, output) for _, status, output in done] == [(0, "in"), (0, "unset")]


async def test_shell_that_is_left_running(process):
    """The command that ends the shell has no status of its own."""
    done = await work(process(SHELL), "exit 5\n")
    assert [(text, status) for text, status, _ in done] == [("exit 5", None)]


@pytest.mark.parametrize("length", [1999, 5000])
async def test_long_commands_are_cut(process, length):
    """A very long command is recorded by its beginning."""
    command = ": " + "x" * (length - 2)
    ((text, status, _),) = await work(process(SHELL), command[:3000] + "\n")
    assert (text, status) == (command[:2000], 0)
