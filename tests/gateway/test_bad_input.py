"""What upstreams, clients and candidates get wrong: answered clearly, and on the record."""

from __future__ import annotations

import asyncio
import gzip
import json

import aiohttp
import pytest
from aiohttp import web

from harness.gateway.configuration import Bounds, Budget, HttpUpstream
from harness.gateway.serving import listening
from tests.gateway.conftest import KEY, Desk, Opener, Provider, http

ASK = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hello"}]}
PATHS = {
    "anthropic": "/v1/messages",
    "responses": "/v1/responses",
    "chat": "/v1/chat/completions",
    "gemini": "/v1beta/models/m:generateContent",
}
START = (
    b'event: message_start\ndata: {"type":"message_start","message":{"model":"m",'
    b'"usage":{"input_tokens":7,"cache_read_input_tokens":3,"output_tokens":1}}}\n\n'
    b'event: content_block_start\ndata: {"type":"content_block_start","index":0,'
    b'"content_block":{"type":"text","text":""}}\n\n'
)
WORD = (
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
    b'"delta":{"type":"text_delta","text":"word "}}\n\n'
)
STOP = (
    b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},'
    b'"usage":{"output_tokens":5}}\n\n'
    b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
)


def error_of(form: str, body: bytes) -> str:
    """The message of an error, where the format has it."""
    parsed = json.loads(body)
    assert (parsed.get("type") == "error") is (form == "anthropic")
    return parsed["error"]["message"]


@pytest.mark.parametrize("form", PATHS)
async def test_an_upstream_that_is_down(open_desk: Opener, form: str):
    """The client gets 502 in its own format, and nothing is charged."""
    async with listening(web.Response, "127.0.0.1", 0) as port:
        closed = port
    desk = await open_desk(HttpUpstream(base_url=f"http://127.0.0.1:{closed}/v1"))
    status, body = await desk.post(PATHS[form], ASK)
    assert (status, error_of(form, body).split(" [")[0]) == (
        502, "The assistant cannot be reached.",
    )  # fmt: skip
    last = desk.last
    assert (last.outcome, last.reason, last.charged_tokens) == ("failed", "upstream-down", 0)
    assert last.model == "m"


async def test_an_upstream_that_never_answers(open_desk: Opener, provider: Provider):
    """After the longest silence the client gets 504."""
    never = asyncio.Event()

    async def hang(request: web.BaseRequest) -> web.StreamResponse:
        await never.wait()
        raise AssertionError

    provider.answer = hang
    desk = await open_desk(http(provider), bounds=Bounds(idle_sec=0.05))
    status, body = await desk.post("/v1/messages", ASK)
    assert status == 504
    assert json.loads(body)["error"]["type"] == "timeout_error"
    assert (desk.last.outcome, desk.last.reason) == ("failed", "upstream-slow")


async def test_an_upstream_that_falls_silent(open_desk: Opener, provider: Provider):
    """A stream that stops is cut for the client too, with what it had on the record."""
    never = asyncio.Event()

    async def stall(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(START + WORD)
        await never.wait()
        return response

    provider.answer = stall
    desk = await open_desk(http(provider), bounds=Bounds(idle_sec=1.0))
    with pytest.raises(aiohttp.ClientPayloadError):
        await desk.post("/v1/messages", ASK)
    last = desk.last
    assert (last.outcome, last.reason) == ("cut", "upstream-broken")
    assert desk.recording.reply(last).text == "word "


async def test_a_busy_upstream(desk: Desk, provider: Provider):
    """429 goes through as it is, with the time to wait, and is no charge."""
    said = {"type": "error", "error": {"type": "rate_limit_error", "message": "slow down"}}
    provider.answer = provider.json(said, status=429, headers={"retry-after": "7"})
    headers = {"Authorization": f"Bearer {KEY}"}
    async with desk.client.post(desk.url + "/v1/messages", json=ASK, headers=headers) as reply:
        assert (reply.status, reply.headers["retry-after"]) == (429, "7")
        assert await reply.json() == said
    last = desk.last
    assert (last.outcome, last.status, last.problem) == ("failed", 429, "slow down")
    assert last.charged_tokens == 0


@pytest.mark.parametrize(
    "rubbish",
    [
        b"data: {not json\n\n",
        b"data: \xff\xfe\n\n",
        b"what is this\n\n",
        b"event: message_delta\ndata: 17\n\n",
        b'data: {"type":"content_block_delta","index":[],"delta":{"text":9}}\n\n',
        b"\n\n\n\n",
    ],
)
async def test_a_malformed_stream_goes_through(desk: Desk, provider: Provider, rubbish: bytes):
    """Every byte is passed on; what can be read is read."""
    chunks = (START, rubbish, WORD, STOP)
    provider.answer = provider.stream(*chunks)
    status, body = await desk.post("/v1/messages", ASK | {"stream": True})
    assert (status, body) == (200, b"".join(chunks))
    last = desk.last
    assert (last.outcome, last.usage.fresh_in, last.usage.out) == ("completed", 7, 5)
    assert desk.recording.reply(last).text == "word "


async def test_a_stream_that_is_cut(desk: Desk, provider: Provider):
    """The client sees the connection break; the record has input tokens and the words so far."""
    provider.answer = provider.stream(START, WORD, cut=True)
    with pytest.raises(aiohttp.ClientPayloadError):
        await desk.post("/v1/messages", ASK | {"stream": True})
    last = desk.last
    assert (last.outcome, last.usage.fresh_in, last.usage.cache_read) == ("cut", 7, 3)
    assert desk.recording.reply(last).text == "word "


@pytest.mark.parametrize("length", [b"Content-Length: 30", b"Transfer-Encoding: chunked"])
async def test_a_reply_that_breaks_before_its_first_byte(
    desk: Desk, provider: Provider, length: bytes
):
    """Nothing has gone to the client then, so that it can be told what happened."""

    async def head_alone(request: web.BaseRequest) -> web.StreamResponse:
        request.transport.write(b"HTTP/1.1 200 OK\r\n" + length + b"\r\n\r\n")
        request.transport.close()
        return web.Response()

    provider.answer = head_alone
    status, body = await desk.post("/v1/messages", ASK)
    assert (status, "broke off" in error_of("anthropic", body)) == (502, True)
    assert (desk.last.outcome, desk.last.reason) == ("failed", "upstream-broken")


async def test_what_came_before_a_cut_is_passed_on(desk: Desk, provider: Provider):
    """Bytes and the break in one go, so that both are there at the first read: none is lost."""
    payload = START + WORD * 3
    chunk = f"{len(payload):x}\r\n".encode() + payload + b"\r\n"

    async def at_once(request: web.BaseRequest) -> web.StreamResponse:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
        request.transport.write(head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk)
        request.transport.close()
        return web.Response()

    provider.answer = at_once
    with pytest.raises(aiohttp.ClientPayloadError):
        await desk.post("/v1/messages", ASK)
    assert desk.recording.reply(desk.last).text == "word " * 3
    assert (desk.last.outcome, desk.last.reply_bytes) == ("cut", len(payload))


async def test_a_stream_without_its_end(desk: Desk, provider: Provider):
    """A reply that ends politely and too early is no complete one."""
    provider.answer = provider.stream(START, WORD)
    status, _ = await desk.post("/v1/messages", ASK | {"stream": True})
    assert (status, desk.last.outcome, desk.last.reason) == (200, "cut", "no-end")


async def test_an_error_inside_a_stream(desk: Desk, provider: Provider):
    """An overloaded provider says so after 200; that is a failure."""
    error = b'event: error\ndata: {"type":"error","error":{"message":"Overloaded"}}\n\n'
    provider.answer = provider.stream(START, error)
    await desk.post("/v1/messages", ASK | {"stream": True})
    assert (desk.last.outcome, desk.last.problem) == ("failed", "Overloaded")


@pytest.mark.parametrize("form", PATHS)
@pytest.mark.parametrize("declared", [True, False])
async def test_a_hundred_megabytes(
    open_desk: Opener, provider: Provider, form: str, declared: bool
):
    """A prompt beyond the cap is refused in the client's format, and never passed on."""
    desk = await open_desk(http(provider), bounds=Bounds(request_bytes=4096))
    size = 100 * 1024 * 1024
    piece = b" " * 65536

    async def endless():
        for _ in range(size // len(piece)):
            yield piece

    headers = {"Authorization": f"Bearer {KEY}"}
    if declared:
        headers["Content-Length"] = str(size)
    async with desk.client.post(desk.url + PATHS[form], data=endless(), headers=headers) as reply:
        status, body = reply.status, await reply.read()
    assert (status, "4096 bytes" in error_of(form, body)) == (413, True)
    assert (desk.last.outcome, desk.last.reason) == ("refused", "request-too-large")
    assert desk.last.request_bytes <= (size if declared else 4096 + 2**18)
    assert provider.seen == []


async def test_a_request_of_too_many_messages(desk: Desk):
    """An exchange has to fit into a line of the record."""
    many = [{"role": "user", "content": "x"}] * 20_001
    assert (await desk.post("/v1/messages", ASK | {"messages": many}))[0] == 413
    assert (await desk.post("/v1/messages", ASK | {"messages": many[1:]}))[0] == 200
    assert len(desk.last.messages) == 20_000


async def test_a_small_body_that_unpacks_to_a_big_one(open_desk: Opener, provider: Provider):
    """The cap counts what comes out of a compressed body."""
    desk = await open_desk(http(provider), bounds=Bounds(request_bytes=1024 * 1024))
    bomb = gzip.compress(b" " * 100 * 1024 * 1024)
    headers = {"Content-Encoding": "gzip"}
    assert (await desk.post("/v1/messages", bomb, headers=headers))[0] == 413
    fine = gzip.compress(json.dumps(ASK).encode())
    assert (await desk.post("/v1/messages", fine, headers=headers))[0] == 200
    assert provider.body["model"] == "m"


async def test_a_request_that_does_not_come(open_desk: Opener, provider: Provider):
    """Who sends half a request loses their place after a while."""
    desk = await open_desk(http(provider), bounds=Bounds(upload_sec=0.05))
    never = asyncio.Event()

    async def half():
        yield b'{"model":'
        await never.wait()

    headers = {"Authorization": f"Bearer {KEY}"}
    async with desk.client.post(desk.url + "/v1/messages", data=half(), headers=headers) as reply:
        assert reply.status == 408
    assert desk.last.reason == "request-too-slow"


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b'"\\ud800"', b"[" * 100_000])
async def test_a_body_that_is_no_json(desk: Desk, provider: Provider, body: bytes):
    """Refused with 400, whatever it is and whatever a provider makes of it."""
    provider.answer = provider.json({"content": "an answer that nobody could have recorded"})
    status, answer = await desk.post("/v1/messages", body)
    assert status == 400
    assert error_of("anthropic", answer)
    assert b"nobody" not in answer
    assert (desk.last.outcome, desk.last.reason) == ("refused", "request-unreadable")


async def test_what_we_cannot_read_and_a_provider_can_is_charged(
    open_desk: Opener, provider: Provider
):
    """Else a budget would have a way around it: it is read while the provider works."""
    desk = await open_desk(http(provider), budget=Budget(tokens=100))
    assert (await desk.post("/v1/messages", b'{"n": NaN}' + b" " * 4000))[0] == 400
    assert (len(provider.seen), desk.last.charged_tokens > 100) == (1, True)
    assert (await desk.post("/v1/messages", ASK))[0] == 403
    assert (desk.last.reason, len(provider.seen)) == ("budget-tokens", 1)


async def test_where_models_are_named_nothing_goes_on_unread(open_desk: Opener, provider: Provider):
    """A body that cannot be read could name any model."""
    desk = await open_desk(http(provider), models=("m",))
    assert (await desk.post("/v1/messages", b"{"))[0] == 400
    assert (desk.last.reason, provider.seen) == ("request-unreadable", [])


@pytest.mark.parametrize(
    "body",
    [
        {"model": 7, "messages": "no list"},
        {"model": "m", "messages": [None, 1, "x", {"role": 3, "content": {"a": 1}}]},
        {"model": "m", "messages": [{"role": "user", "content": [[], None, {"type": []}]}]},
        {"model": "m", "system": 7, "tools": "none", "messages": []},
        {"model": "m", "input": [{"type": 1}, None], "contents": [{"parts": [None, {}]}]},
    ],
)
@pytest.mark.parametrize("form", PATHS)
async def test_a_body_of_wrong_types(desk: Desk, provider: Provider, form: str, body: dict):
    """What we cannot make sense of is passed on: the upstream is the judge of it."""
    provider.answer = provider.json({"weird": [None]})
    status, answer = await desk.post(PATHS[form], body)
    assert (status, json.loads(answer)) == (200, {"weird": [None]})
    assert desk.last.outcome in {"completed", "cut"}


@pytest.mark.parametrize("form", PATHS)
async def test_a_key_that_is_wrong_or_missing(desk: Desk, provider: Provider, form: str):
    """401 in the client's format; the key itself is nowhere on the record."""
    status, body = await desk.post(PATHS[form], ASK, key="hk-guessed")
    assert (status, "not the key of a session" in error_of(form, body)) == (401, True)
    async with desk.client.post(desk.url + PATHS[form], json=ASK) as reply:
        assert reply.status == 401
    assert [e.reason for e in desk.recording.exchanges] == ["key-unknown", "key-missing"]
    assert provider.seen == []
    assert b"hk-guessed" not in desk.spool.read_bytes()


async def test_a_revoked_session(desk: Desk, provider: Provider):
    """A session that is over has no assistant, from the next call on."""
    provider.answer = provider.json({})
    assert (await desk.post("/v1/messages", ASK))[0] == 200
    desk.grant(revoked=True)
    status, body = await desk.post("/v1/messages", ASK)
    assert (status, "session is over" in error_of("anthropic", body)) == (403, True)
    assert (desk.last.session, desk.last.reason) == ("s1", "session-revoked")
    assert len(provider.seen) == 1


async def test_two_clients_at_once(desk: Desk, provider: Provider):
    """Two streams under way at a time do not mix, and both are whole on the record."""
    both = asyncio.Barrier(2)

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        word = provider.body["messages"][0]["content"].encode()
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(START)
        for _ in range(20):
            await both.wait()
            await response.write(WORD.replace(b"word", word))
        await response.write(STOP)
        return response

    provider.answer = answer
    asks = [ASK | {"stream": True, "messages": [{"role": "user", "content": w}]} for w in "ab"]
    replies = await asyncio.gather(*(desk.post("/v1/messages", ask) for ask in asks))
    assert [body.count(b"a ") for _, body in replies] == [20, 0]
    said = {desk.recording.reply(e).text for e in desk.recording.exchanges}
    assert said == {"a " * 20, "b " * 20}


async def test_a_session_has_so_many_calls_at_a_time(open_desk: Opener, provider: Provider):
    """One more than allowed is told to come back; the place is free again afterwards."""
    arrived, go = asyncio.Event(), asyncio.Event()

    async def slow(request: web.BaseRequest) -> web.StreamResponse:
        arrived.set()
        await go.wait()
        return web.json_response({})

    provider.answer = slow
    desk = await open_desk(http(provider), parallel=1)
    first = asyncio.create_task(desk.post("/v1/messages", ASK))
    await arrived.wait()
    assert (await desk.post("/v1/messages", ASK))[0] == 429
    go.set()
    assert (await first)[0] == 200
    assert (await desk.post("/v1/messages", ASK))[0] == 200


@pytest.mark.parametrize(
    ("sent", "outcome", "reason"),
    [
        pytest.param(START + WORD, "aborted", "client-gone", id="amid-its-reply"),
        pytest.param(START + WORD + STOP, "completed", "", id="with-its-whole-reply"),
    ],
)
async def test_a_client_that_hangs_up(
    desk: Desk, provider: Provider, sent: bytes, outcome: str, reason: str
):
    """The upstream's connection is closed, and the call is recorded with its input.

    Some do not wait for the connection's end after the last event: they abort nothing.
    """
    upstream_left = asyncio.Event()

    async def endless(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        try:
            await response.write(sent)
            await asyncio.Event().wait()
        finally:
            upstream_left.set()
        return response

    provider.answer = endless
    headers = {"Authorization": f"Bearer {KEY}"}
    async with desk.client.post(
        desk.url + "/v1/messages", json=ASK | {"stream": True}, headers=headers
    ) as reply:
        assert await reply.content.readexactly(len(sent)) == sent
        reply.close()
    await upstream_left.wait()
    last = desk.last
    assert (last.outcome, last.reason, last.usage.fresh_in) == (outcome, reason, 7)
    assert last.charged_tokens == last.usage.total


@pytest.mark.parametrize("path", ["/v1/responses", "/anything"])
async def test_a_websocket_is_refused_so_that_clients_fall_back(desk: Desk, path: str):
    """426, which makes Codex use HTTP at once; the connection ends there."""
    headers = {
        "Authorization": f"Bearer {KEY}",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13",
        "openai-beta": "responses_websockets=2026-02-06",
    }
    async with desk.client.get(desk.url + path, headers=headers) as reply:
        assert (reply.status, reply.headers["connection"]) == (426, "close")
        assert (await reply.json())["error"]["code"] == "websocket"
    assert (desk.last.outcome, desk.last.reason, desk.last.session) == (
        "refused",
        "websocket",
        "s1",
    )


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("POST", "/v1/files"),
        ("DELETE", "/v1/messages"),
        ("POST", "/v1/messages/batches"),
        ("GET", "/v1/responses/resp_1"),
        ("POST", "/v1/%2e%2e/admin"),
        ("POST", "/v1//messages"),
        ("GET", "/v1/models/../../admin"),
        ("POST", "/" + "x" * 5000),
    ],
)
async def test_an_unknown_path_is_refused(desk: Desk, provider: Provider, method: str, path: str):
    """404 and a record of it; nothing of it reaches the upstream."""
    status = await raw_status(desk, method, path)
    assert (status, desk.last.outcome, desk.last.reason) == (404, "refused", "path-unknown")
    assert desk.last.path == path[:300]
    assert provider.seen == []


async def test_an_unknown_path_is_passed_where_policy_says_so(desk: Desk, provider: Provider):
    """It reaches the upstream below its base, with the real key, and is on the record."""
    desk.gateway.renew(desk.config.model_copy(update={"unknown_paths": "pass"}))
    provider.answer = provider.json({"ok": True})
    status, _ = await desk.post("/v1/embeddings?a=1&key=secret", {"input": "x"})
    request, _ = provider.seen[-1]
    assert (status, request.raw_path) == (200, "/base/v1/embeddings?a=1")
    assert (desk.last.operation, desk.last.outcome) == ("other", "completed")
    assert await raw_status(desk, "POST", "/v1/%2e%2e/admin") == 404


async def test_a_reply_beyond_the_cap(open_desk: Opener, provider: Provider):
    """A declared one is refused, an endless one is cut."""
    desk = await open_desk(http(provider), bounds=Bounds(reply_bytes=4096))
    provider.answer = provider.json({"x": "y" * 5000})
    assert (await desk.post("/v1/messages", ASK))[0] == 502
    assert desk.last.reason == "reply-too-large"
    provider.answer = provider.stream(START, *[WORD] * 100)
    with pytest.raises(aiohttp.ClientPayloadError):
        await desk.post("/v1/messages", ASK | {"stream": True})
    assert (desk.last.outcome, "4096 bytes" in desk.last.problem) == ("cut", True)


async def test_headers_and_paths_of_any_bytes(desk: Desk, provider: Provider):
    """What is no text is on the record as question marks; the call goes through."""
    body = json.dumps(ASK).encode()
    more = b"User-Agent: \xff\xfe\xc3\x28\r\nContent-Type: application/json\r\n"
    assert await raw_status(desk, "POST", "/v1/messages", more=more, body=body) == 200
    assert (desk.last.outcome, desk.last.client.user_agent.strip("?(\ufffd")) == ("completed", "")
    assert await raw_status(desk, "GET", "/\udcff\udcfe") in {400, 404}


async def test_a_long_path_is_looked_at_whole(desk: Desk, provider: Provider):
    """What is cut for the record is not cut for the check."""
    desk.gateway.renew(desk.config.model_copy(update={"unknown_paths": "pass"}))
    long = "/v1/" + "a/" * 200 + "%2e%2e/" * 250 + "admin"
    assert await raw_status(desk, "POST", long) == 404
    name = "m" * 400
    status, _ = await desk.post(f"/v1beta/models/{name}:generateContent", {"contents": []})
    assert (status, desk.last.model, len(desk.last.path)) == (200, name[:200], 300)


async def test_a_quoted_model_is_checked_as_it_is_read(open_desk: Opener, provider: Provider):
    """A name in the path is compared unquoted."""
    desk = await open_desk(http(provider), models=("gemini-flash",))
    ask = {"contents": []}
    assert (await desk.post("/v1beta/models/gemini%2Dpro:generateContent", ask))[0] == 404
    assert await raw_status(
        desk, "POST", "/v1beta/models/gemini%2Dflash:generateContent", body=b'{"contents":[]}'
    ) == 200  # fmt: skip


async def test_a_bug_of_ours_is_on_the_record(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """The client gets 500 in its own format, the operator the error, the record a failure."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("harness.gateway.gateway.client_marks", broken)
    status, body = await desk.post("/v1/messages", ASK)
    assert (status, "not your doing" in error_of("anthropic", body)) == (500, True)
    assert (desk.last.outcome, desk.last.reason) == ("failed", "gateway-broke")
    assert "ZeroDivisionError('oh')" in capsys.readouterr().err


async def test_a_message_that_we_trip_over_does_not_cost_the_record(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """The client has its reply, the record has the exchange without what was said."""

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("harness.gateway.conversation.label", broken)
    status, _ = await desk.post("/v1/messages", ASK)
    assert (status, desk.last.outcome, desk.last.messages) == (200, "completed", ())
    assert "ZeroDivisionError('oh')" in capsys.readouterr().err


async def test_a_bug_of_ours_in_the_middle_of_a_reply_cuts_it(
    desk: Desk, provider: Provider, monkeypatch: pytest.MonkeyPatch
):
    """Too late for an error: the client sees a break, the record says whose it was."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    provider.answer = provider.stream(START, WORD, STOP)
    monkeypatch.setattr("harness.gateway.relay._judge", broken)
    with pytest.raises(aiohttp.ClientPayloadError):
        await desk.post("/v1/messages", ASK)
    assert (desk.last.outcome, desk.last.reason) == ("cut", "gateway-broke")
    assert desk.recording.reply(desk.last).text == "word "


async def raw_status(
    desk: Desk, method: str, path: str, *, more: bytes = b"", body: bytes = b""
) -> int:
    """The status of a request that no client library tidies up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", desk.gateway.port)
    head = f"{method} {path} HTTP/1.1\r\nHost: gw\r\nAuthorization: Bearer {KEY}\r\n"
    head += f"Content-Length: {len(body)}\r\nConnection: close\r\n"
    writer.write(head.encode("utf-8", "surrogateescape") + more + b"\r\n" + body)
    line = await reader.readline()
    await reader.read()
    writer.close()
    await writer.wait_closed()
    return int(line.split()[1])
