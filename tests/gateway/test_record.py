"""The record: what is resent is stored once, and a killed gateway loses what was under way."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import sys
from pathlib import Path

import aiohttp
import pytest

from harness.errors import RecordingError
from harness.gateway.configuration import (
    Bounds,
    GatewayConfig,
    ScriptedUpstream,
    SessionGrant,
    key_hash,
)
from harness.gateway.following import whole_lines
from harness.gateway.reading import read_recording
from harness.gateway.spool import MAX_LINE_BYTES, Spool, read_spool
from harness.models.exchange import ExchangeBegun, Message, Stored, TextPart
from tests.gateway.conftest import FORMATS, KEY, Desk, Opener, Provider, http
from tests.gateway.test_bad_input import ASK, PATHS


def turns(count: int) -> list[dict[str, str]]:
    """A conversation of so many rounds, ending with a question."""
    said = []
    for number in range(count):
        said += [
            {"role": "user", "content": f"question {number} " + "x" * 1000},
            {"role": "assistant", "content": f"answer {number}"},
        ]
    return [*said, {"role": "user", "content": "and now?"}]


def answer(number: int) -> dict[str, object]:
    """What the provider says in that round."""
    return {"content": [{"type": "text", "text": f"answer {number}"}]}


async def test_a_resent_history_is_stored_once(desk: Desk, provider: Provider):
    """The record of N rounds grows with N, and every exchange still has its whole history."""
    said: list[dict[str, str]] = []
    for number in range(20):
        provider.answer = provider.json(answer(number))
        said.append({"role": "user", "content": f"question {number} " + "x" * 1000})
        await desk.post("/v1/messages", {"model": "m", "messages": said})
        said.append({"role": "assistant", "content": f"answer {number}"})
    recording = desk.recording
    assert desk.spool.stat().st_size < 20 * 4000
    for number, exchange in enumerate(recording.exchanges):
        texts = [message.text for message in recording.said(exchange)]
        assert texts == [item["content"] for item in said[: 2 * number + 1]]
        assert len(exchange.messages) == 1


async def test_a_cache_mark_that_moves_makes_no_new_message(desk: Desk):
    """Clients move `cache_control` to the newest message; the words stay the same message."""
    marked = {"type": "text", "text": "one", "cache_control": {"type": "ephemeral"}}
    first = [{"role": "user", "content": [marked]}]
    second = [
        {"role": "user", "content": [{"type": "text", "text": "one"}]},
        {"role": "assistant", "content": "two"},
        {"role": "user", "content": [marked | {"text": "three"}]},
    ]
    await desk.post("/v1/messages", {"model": "m", "messages": first})
    await desk.post("/v1/messages", {"model": "m", "messages": second})
    one, two = desk.recording.exchanges
    assert (two.continues, two.kept, len(two.messages)) == (one.id, 1, 2)


async def test_a_rewound_conversation_branches(desk: Desk, provider: Provider):
    """A prompt that is sent again in other words continues what stands before it."""
    provider.answer = provider.json(answer(0))
    for last in ("a", "b"):
        said = [*turns(1)[:2], {"role": "user", "content": last}]
        await desk.post("/v1/messages", {"model": "m", "messages": said})
    one, two = desk.recording.exchanges
    assert (two.continues, two.kept) == (one.id, 2)
    assert [m.text[-1] for m in desk.recording.said(two)] == ["x", "0", "b"]


async def test_a_stranger_session_is_no_continuation(open_desk: Opener, provider: Provider):
    """Two sessions that say the same do not lead from one to the other."""
    desk = await open_desk(http(provider))
    await desk.post("/v1/messages", ASK)
    desk.grant(session="s2")
    await desk.post("/v1/messages", ASK)
    assert [e.continues for e in desk.recording.exchanges] == [None, None]


async def test_a_full_record_stops_the_assistant(open_desk: Opener, provider: Provider):
    """Nothing is passed on that could not be recorded; the refusal says whose doing it is not."""
    desk = await open_desk(http(provider), bounds=Bounds(spool_bytes=1024))
    for _ in range(4):
        status, body = await desk.post("/v1/messages", ASK)
    assert (status, "not your doing" in body.decode()) == (503, True)
    assert desk.last.reason == "not-recorded"
    assert len(provider.seen) < 4


async def test_a_short_reply_that_cannot_be_recorded_does_not_arrive(
    desk: Desk, provider: Provider, monkeypatch: pytest.MonkeyPatch
):
    """The disk is full after the provider has answered: the client gets a refusal, no answer."""
    provider.answer = provider.json({"content": [{"type": "text", "text": "an answer"}]})
    write = os.write

    def until_the_end(descriptor: int, data: bytes) -> int:
        if data.startswith(b'{"record":"exchange"'):
            raise OSError(28, "No space left on device")
        return write(descriptor, data)

    with monkeypatch.context() as patched:
        patched.setattr("harness.gateway.spool.os.write", until_the_end)
        status, body = await desk.post("/v1/messages", ASK)
    assert (status, len(provider.seen)) == (503, 1)
    assert b"an answer" not in body


async def test_a_disk_that_fails_stops_the_assistant(
    desk: Desk, provider: Provider, monkeypatch: pytest.MonkeyPatch
):
    """A write that fails is a refusal, and leaves no half line behind."""
    await desk.post("/v1/messages", ASK)
    size, write = desk.spool.stat().st_size, os.write

    def half(descriptor: int, data: bytes) -> int:
        if data.endswith(b"}\n"):
            return write(descriptor, data[: len(data) // 2])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("harness.gateway.spool.os.write", half)
        assert (await desk.post("/v1/messages", ASK))[0] == 503
    assert desk.spool.stat().st_size == size
    assert (await desk.post("/v1/messages", ASK))[0] in {200, 503}
    assert (await desk.post("/v1/messages", ASK))[0] == 200
    assert desk.last.outcome == "completed"


def test_a_long_body_is_stored_in_pieces(tmp_path: Path):
    """No line is longer than a reader takes, and the pieces are the body."""
    path = tmp_path / "spool"
    spool = Spool(path, limit_bytes=10**9, version="1")
    message = Message(role="user", parts=(TextPart(text="ü\n" * 1_000_000),))
    reference = spool.store(message)
    spool.store(message)
    spool.close()
    assert max(len(line) for line in path.read_bytes().splitlines()) < MAX_LINE_BYTES
    assert read_recording(path).message(reference) == message
    stored = [record for _, record in read_spool(path) if isinstance(record, Stored)]
    assert len(stored) == stored[0].pieces


def test_a_half_line_is_cut_off_and_what_was_under_way_is_lost(tmp_path: Path):
    """After a kill in the middle of a line the next run goes on behind the last whole one."""
    path = tmp_path / "spool"
    spool = Spool(path, limit_bytes=10**9, version="1")
    spool.write(
        ExchangeBegun(id="a", session="s", at="2026-01-01T00:00:00Z", method="POST", path="/x")
    )
    spool.close()
    with path.open("ab") as stream:
        stream.write(b'{"record":"exch')
    Spool(path, limit_bytes=10**9, version="2").close()
    lost = read_recording(path).exchanges
    assert [(e.id, e.session, e.outcome, e.reason) for e in lost] == [
        ("a", "s", "lost", "gateway-ended")
    ]


def test_a_broken_record_is_told(tmp_path: Path):
    """A line that is no record is an error with its place, not a guess."""
    path = tmp_path / "spool"
    path.write_bytes(b'{"record":"nonsense"}\n')
    with pytest.raises(RecordingError, match="broken before byte 22"):
        read_recording(path)


def test_a_reader_counts_bytes_and_gets_whole_lines(tmp_path: Path):
    """From any offset after a line come the lines behind it; a half one waits."""
    path, out = tmp_path / "spool", io.BytesIO()
    assert whole_lines(path, 0, out) == 0
    path.write_bytes(b"one\ntwo\nthr")
    assert whole_lines(path, 4, out) == 8
    path.write_bytes(b"one\ntwo\nthree\n")
    assert whole_lines(path, 8, out) == 14
    assert out.getvalue() == b"two\nthree\n"


async def test_a_killed_gateway_loses_at_most_what_was_under_way(tmp_path: Path, script: Path):
    """SIGKILL in the middle of a stream: everything before is whole, that one is known as lost."""
    config, spool = tmp_path / "config.json", tmp_path / "spool"
    write_config(config, ScriptedUpstream(script=script, pace_sec=0.05))
    process, port = await started(config, spool)
    headers = {"Authorization": f"Bearer {KEY}"}
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=headers) as client:
        for form in ("responses", "chat"):
            body = {"model": "m", "input": "hi", "messages": [{"role": "user", "content": "hi"}]}
            async with client.post(PATHS[form], json=body) as reply:
                await reply.read()
        async with client.post("/v1/messages", json=ASK | {"stream": True}) as reply:
            await reply.content.readany()
            process.kill()
            await process.wait()
            with pytest.raises(aiohttp.ClientPayloadError):
                await reply.read()
    process, _ = await started(config, spool)
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0
    recording = read_recording(spool)
    assert [e.outcome for e in recording.exchanges] == ["completed", "completed", "lost"]
    assert recording.reply(recording.exchanges[0]).text.startswith("I am a scripted assistant")


async def test_a_stopped_gateway_records_what_it_cut(tmp_path: Path, script: Path):
    """SIGTERM in the middle of a stream: it is on the record with what came so far."""
    config, spool = tmp_path / "config.json", tmp_path / "spool"
    write_config(config, ScriptedUpstream(script=script, pace_sec=0.05))
    process, port = await started(config, spool)
    headers = {"Authorization": f"Bearer {KEY}"}
    async with (
        aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=headers) as client,
        client.post("/v1/messages", json=ASK | {"stream": True}) as reply,
    ):
        await reply.content.readany()
        process.send_signal(signal.SIGTERM)
        with pytest.raises(aiohttp.ClientPayloadError):
            await reply.read()
    assert await process.wait() == 0
    (exchange,) = read_recording(spool).exchanges
    assert (exchange.outcome, exchange.reason) == ("cut", "gateway-stopped")


async def test_a_changed_configuration_counts(tmp_path: Path, script: Path):
    """Revoking in the file ends the session; a broken file changes nothing."""
    config, spool = tmp_path / "config.json", tmp_path / "spool"
    write_config(config, ScriptedUpstream(script=script))
    process, port = await started(config, spool)
    headers = {"Authorization": f"Bearer {KEY}"}

    async def until(wanted: int) -> int:
        async with aiohttp.ClientSession(headers=headers) as client:
            for _ in range(200):
                url = f"http://127.0.0.1:{port}/v1/messages"
                async with client.post(url, json=ASK) as reply:
                    if reply.status == wanted:
                        return reply.status
                await asyncio.sleep(0.05)  # the file is looked at twice a second
        return 0

    assert await until(200) == 200
    config.write_text("{")
    line = await process.stderr.readline()
    assert b"the old one stays" in line
    assert await until(200) == 200
    write_config(config, ScriptedUpstream(script=script), revoked=True)
    assert await until(403) == 403
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0


def write_config(path: Path, upstream: ScriptedUpstream, **grant: object) -> None:
    """A configuration file with one session."""
    session = SessionGrant(session="s1", key_sha256=key_hash(KEY), **grant)
    config = GatewayConfig(sessions=(session,), upstreams=dict.fromkeys(FORMATS, upstream))
    path.write_text(config.model_dump_json())


async def started(config: Path, spool: Path) -> tuple[asyncio.subprocess.Process, int]:
    """`python -m harness.gateway serve`, and its port."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "harness.gateway",
        "serve",
        str(config),
        str(spool),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    return process, json.loads(await process.stdout.readline())["port"]
