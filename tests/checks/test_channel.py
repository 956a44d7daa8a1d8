"""The grader's end of the channel: private, answered, bounded."""

import asyncio
import io
import os
import subprocess
import sys
import threading

import pytest

from harness.checks import ChannelError
from harness.checks.channel import Channel
from harness.models.grader import (
    FROM_GRADER,
    CheckStarted,
    Finished,
    GraderBrief,
    Reply,
    Request,
)
from tests.checks.standin import ROOT

BRIEF = GraderBrief(
    task="t", contract={}, upstreams=(), ready_path="/", ready_timeout_sec=1, seed="00"
)


class Harness:
    """The other end, as two pipes."""

    def __init__(self) -> None:
        grader_in, self._out = os.pipe()
        self._in, grader_out = os.pipe()
        self.reader = os.fdopen(self._in, "rb")
        self.writer = os.fdopen(self._out, "wb")
        self._grader = (os.fdopen(grader_in, "rb"), os.fdopen(grader_out, "wb"))
        self.channel = Channel(*self._grader)

    def say(self, line: GraderBrief | Reply) -> None:
        """Send a line."""
        self.writer.write(line.model_dump_json().encode() + b"\n")
        self.writer.flush()

    async def heard(self) -> Request:
        """The next line, a request."""
        line = FROM_GRADER.validate_json(await asyncio.to_thread(self.reader.readline))
        assert isinstance(line, Request)
        return line

    def hang_up(self) -> None:
        """Close the grader's input."""
        self.writer.close()

    def close(self) -> None:
        """Close everything, once the listening thread has seen the end."""
        self.hang_up()
        for thread in threading.enumerate():
            if thread.name == "channel":
                thread.join(5)
        for end in (self.reader, *self._grader):
            end.close()


@pytest.fixture
def harness():
    """A channel whose brief has been received."""
    harness = Harness()
    harness.say(BRIEF)
    assert harness.channel.receive_brief() == BRIEF
    yield harness
    harness.close()


async def test_replies_find_who_waits_for_them(harness: Harness):
    """Two requests answered in the other order."""
    first = asyncio.create_task(harness.channel.request("start"))
    one = await harness.heard()
    second = asyncio.create_task(harness.channel.request("logs", sut="s", max_bytes=5))
    two = await harness.heard()
    assert (two.verb, two.sut, two.args) == ("logs", "s", {"max_bytes": 5})
    harness.say(Reply(id=two.id, value={"text": "x"}))
    harness.say(Reply(id=one.id, value={"sut": "s"}))
    assert await second == {"text": "x"}
    assert await first == {"sut": "s"}


async def test_machinery_that_failed_is_a_channel_error(harness: Harness):
    """The harness's words are in it."""
    asking = asyncio.create_task(harness.channel.request("start"))
    harness.say(Reply(id=(await harness.heard()).id, error="engine gone"))
    with pytest.raises(ChannelError, match="could not 'start': engine gone"):
        await asking


async def test_a_silent_harness_is_a_channel_error(harness: Harness):
    """Waiting is bounded."""
    with pytest.raises(ChannelError, match=r"did not answer 'stats' within 0.05 s"):
        await harness.channel.request("stats", sut="s", timeout_sec=0.05)


async def test_a_harness_that_goes_away_ends_all_waiting(harness: Harness):
    """Nobody waits for a reply that cannot come, then or later."""
    asking = asyncio.create_task(harness.channel.request("start"))
    await harness.heard()
    harness.hang_up()
    with pytest.raises(ChannelError, match="harness is gone"):
        await asking
    with pytest.raises(ChannelError, match="harness is gone"):
        await harness.channel.request("start")
    harness.channel.tell(CheckStarted(check="a.b", attempt=1))  # whoever still reads may have it


def test_a_first_line_that_is_no_brief():
    """Nothing starts then."""
    channel = Channel(io.BytesIO(b'{"task": 1}\n'), io.BytesIO())
    with pytest.raises(ChannelError, match="no brief"):
        channel.receive_brief()
    with pytest.raises(ChannelError, match="closed"):
        Channel(io.BytesIO(b""), io.BytesIO()).receive_brief()


def test_lines_are_bounded():
    """A line that the harness would refuse is not sent."""
    channel = Channel(io.BytesIO(), io.BytesIO())
    with pytest.raises(ChannelError, match="more than the channel takes"):
        channel.tell(CheckStarted(check="x" * 5_000_000, attempt=1))


def test_prints_cannot_get_between_the_lines():
    """Python's print, a raw write to descriptor 1 and a child's output all go to stderr."""
    script = """
import os, subprocess, sys
from harness.checks.channel import take_standard_streams
from harness.models.grader import Finished
channel = take_standard_streams()
print("noise", flush=True)
os.write(1, b"raw noise\\n")
subprocess.run(["echo", "child noise"], check=True)
assert sys.stdin.read() == ""
print(channel.receive_brief().task)
channel.tell(Finished())
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=BRIEF.model_dump_json().encode() + b"\n",
        capture_output=True,
        check=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert FROM_GRADER.validate_json(done.stdout) == Finished()
    for noise in (b"noise", b"raw noise", b"child noise"):
        assert noise in done.stderr
