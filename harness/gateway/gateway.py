"""The gateway: who may ask what, and a record of everything that was asked."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from contextlib import suppress

import aiohttp
from aiohttp import web
from pydantic_core import from_json, to_json

from harness.errors import RecordingError
from harness.gateway.budget import Meter
from harness.gateway.call import Call
from harness.gateway.configuration import GatewayConfig, SessionGrant, key_hash
from harness.gateway.conversation import MAX_MESSAGES, Conversations
from harness.gateway.formats import FORMATS
from harness.gateway.formats.loose import Table, table, text
from harness.gateway.headers import client_marks, key_in
from harness.gateway.refusal import RETRYABLE, Reason, Refused
from harness.gateway.relay import Outward, Relay, Target, cut
from harness.gateway.routes import climbs, route
from harness.gateway.spool import Spool
from harness.models.exchange import Exchange, WireFormat
from harness.models.spending import ANY_MODEL

READY_PATH = "/-/ready"
"""Answers 204 without a key when the gateway takes calls."""
_KIN: dict[WireFormat, WireFormat] = {"chat": "responses", "responses": "chat"}
"""Formats of one provider: either's upstream can list models."""
_OUR_FAULT = "The gateway failed; it is not your doing. Tell your interviewer."
_UNRECORDED = (
    "The record of this session is full or cannot be written, and nothing is passed on "
    "unrecorded. Tell your interviewer; it is not your doing."
)


class Gateway:
    """Handles calls. The client, the targets and the spool are its owner's to close."""

    def __init__(
        self,
        config: GatewayConfig,
        targets: Mapping[WireFormat, Target],
        spool: Spool,
        client: aiohttp.ClientSession,
    ) -> None:
        self._spool = spool
        self._relay = Relay(client, config.bounds)
        self._meter = Meter(spool.earlier())
        self._conversations = Conversations(spool)
        self._stopping = False
        self.use(config, targets)

    def use(self, config: GatewayConfig, targets: Mapping[WireFormat, Target]) -> None:
        """Take another configuration: sessions, budgets, upstreams."""
        self._config, self._targets = config, dict(targets)
        self._relay.bounds = config.bounds
        self._grants = {grant.key_sha256: grant for grant in config.sessions}

    def stop(self) -> None:
        """Calls that end from now on are ended by us, not by their clients."""
        self._stopping = True

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, and record it."""
        path = request.raw_path.partition("?")[0]
        if path == READY_PATH:
            return web.Response(status=204)
        call = Call(request.method, path, route(request.method, path, request.headers))
        key = key_in(request.headers, request.query)
        call.grant = self._grants.get(key_hash(key))
        try:
            return await self._recorded(call, request, key)
        except (asyncio.CancelledError, ConnectionError):
            if self._stopping:
                call.end("cut", reason="gateway-stopped", problem="The gateway was stopped.")
            call.end("aborted", reason="client-gone", problem="The client hung up.")
            with suppress(RecordingError):  # the next call is refused, and says why
                self._record(call)
            raise

    async def _recorded(self, call: Call, request: web.BaseRequest, key: str) -> web.StreamResponse:
        try:
            try:
                return await self._serve(call, request, key)
            except RecordingError as exc:
                raise _too_late(call, request, "not-recorded", _UNRECORDED) from exc
            except (asyncio.CancelledError, ConnectionError, Refused):
                raise
            except Exception as exc:
                _complain(call, exc)
                raise _too_late(call, request, "gateway-broke", _OUR_FAULT) from exc
        except Refused as refused:
            call.refused(refused)
            with suppress(RecordingError):  # nothing was passed on that would be missing
                self._record(call)
            return _error(call, refused)

    async def _serve(self, call: Call, request: web.BaseRequest, key: str) -> web.StreamResponse:
        if request.headers.get("upgrade", "").lower() == "websocket":
            raise Refused("websocket", "This gateway has no WebSocket; use HTTP.")
        grant = _admitted(call.grant, key)
        target = self._target(call)
        if self._spool.full:
            raise Refused("not-recorded", _UNRECORDED)
        with self._meter.call(grant):
            sent = await self._body(call, request)
            unread = _may_go_unread(call, grant, target)
            if unread:
                outward = Outward(target, sent, strip_usage=False)
            else:
                body = self._read(call, grant, request, sent)
                outward = _outward(call, grant, target, sent, body)

            def meanwhile() -> None:
                self._spool.write(call.begun())
                if unread:
                    self._read(call, grant, request, sent)
                self._understand_early(call)

            return await self._relay.forward(
                call, request, outward, meanwhile=meanwhile, before_end=lambda: self._record(call)
            )

    def _target(self, call: Call) -> Target:
        wanted = call.route
        unknown = wanted.operation == "other" and self._config.unknown_paths == "refuse"
        if unknown or climbs(call.path):
            raise Refused(
                "path-unknown", f"This gateway does not know {call.method} {call.shown_path}."
            )
        target = self._targets.get(wanted.format)
        if target is None and wanted.operation in {"models", "other"}:
            target = self._targets.get(_KIN.get(wanted.format, wanted.format))
        if target is None:
            there = ", ".join(sorted(self._targets)) or "none"
            raise Refused(
                "no-upstream",
                f"This session has no assistant that speaks {wanted.format}; there are: {there}.",
            )
        return target

    async def _body(self, call: Call, request: web.BaseRequest) -> bytes:
        """The request's body, within bounds of size and time."""
        bounds = self._config.bounds
        too_large = Refused(
            "request-too-large", f"A request may have {bounds.request_bytes} bytes, not more."
        )
        if (request.content_length or 0) > bounds.request_bytes:
            call.request_bytes = request.content_length or 0
            raise too_large
        parts: list[bytes] = []
        try:
            async with asyncio.timeout(bounds.upload_sec):
                async for chunk in request.content.iter_any():
                    call.request_bytes += len(chunk)
                    if call.request_bytes > bounds.request_bytes:
                        raise too_large
                    parts.append(chunk)
        except TimeoutError as exc:
            raise Refused(
                "request-too-slow", f"The request took longer than {bounds.upload_sec:g} s."
            ) from exc
        except (web.HTTPException, aiohttp.ClientError, ValueError) as exc:
            raise Refused("request-unreadable", "The request's body is broken.") from exc
        return b"".join(parts)

    def _read(
        self, call: Call, grant: SessionGrant, request: web.BaseRequest, sent: bytes
    ) -> Table:
        """What was asked, if this session may ask it."""
        operation = call.route.operation
        body: Table = {}
        if operation != "models" and (operation != "other" or sent):
            body = _object(sent)
            asked = FORMATS[call.route.format].asked(body, path=call.path)
            model = asked.model or text(body, "model")
            if not grant.allows(model):
                raise Refused(
                    "model-not-allowed",
                    f"This session has no model '{model[:100]}'; it has: "
                    f"{', '.join(grant.models)}.",
                )
            if len(asked.messages) > MAX_MESSAGES:
                raise Refused(
                    "request-too-large", f"A request may have {MAX_MESSAGES} messages, not more."
                )
            if operation == "generate":
                call.asked = asked
        call.client = client_marks(request.headers, body)
        return body

    def _understand(self, call: Call) -> None:
        """Once."""
        if call.understood is None and call.asked is not None and call.grant is not None:
            call.understood = self._conversations.understand(
                call.grant.session,
                call.asked,
                FORMATS[call.route.format],
                call.route.operation,
            )

    def _understand_early(self, call: Call) -> None:
        """While there is time; what fails now is tried again, and told, with the record."""
        with suppress(Exception):
            self._understand(call)

    def _record(self, call: Call) -> None:
        """Once; who comes second has nothing to add."""
        if call.recorded:
            return
        call.recorded = True
        try:
            self._understand(call)
        except RecordingError:
            raise
        except Exception as exc:  # noqa: BLE001 - a message we trip over must not cost the record
            _complain(call, exc)
        exchange = call.exchange(self._config, self._spool)
        self._meter.count(exchange)
        self._spool.write(exchange)
        asyncio.get_running_loop().call_soon(self._remember, call, exchange)

    def _remember(self, call: Call, exchange: Exchange) -> None:
        """For the next request; this one's client need not wait for it."""
        if call.understood is not None and exchange.session is not None:
            self._conversations.remember(
                exchange.session,
                exchange.id,
                call.understood,
                reply=exchange.reply,
                reply_id=call.reply_id,
            )


def _too_late(
    call: Call, request: web.BaseRequest, reason: Reason, message: str
) -> Refused | ConnectionResetError:
    """A refusal; or, when the reply is under way, its break, which is all a client can be told."""
    if not call.answering:
        return Refused(reason, message)
    call.end("cut", reason=reason, problem=message)
    cut(request)
    return ConnectionResetError()


def _complain(call: Call, exc: Exception) -> None:
    """A bug of ours, for who runs the gateway; the record has that it happened."""
    print(f"harness.gateway: {call.id}: {exc!r}", file=sys.stderr)  # noqa: T201 - stderr is for people


def _admitted(grant: SessionGrant | None, key: str) -> SessionGrant:
    if not key:
        raise Refused("key-missing", "This gateway needs the session's key.")
    if grant is None:
        raise Refused("key-unknown", "This is not the key of a session here.")
    if grant.revoked:
        raise Refused("session-revoked", "This session is over; its assistant does not answer.")
    return grant


def _object(sent: bytes) -> Table:
    """A request's body as a JSON object."""
    try:
        body = from_json(sent, allow_inf_nan=False)
    except ValueError as exc:
        raise Refused("request-unreadable", f"The request's body is no JSON: {exc}") from exc
    if not isinstance(body, dict):
        raise Refused("request-unreadable", "The request's body is no JSON object.")
    if any(key != "model" and key.casefold() == "model" for key in body):
        raise Refused("request-unreadable", "The request names its model in two ways.")
    return body


def _may_go_unread(call: Call, grant: SessionGrant, target: Target) -> bool:
    """A request that goes on as it is, to a provider who takes its time, is read meanwhile.

    One that turns out to be none of this session's is broken off then, and charged by its bytes.
    """
    as_it_is = grant.models == ANY_MODEL and not (
        call.route.format == "chat" and target.ask_for_usage
    )
    return call.route.operation == "generate" and as_it_is and not target.ours


def _outward(call: Call, grant: SessionGrant, target: Target, sent: bytes, body: Table) -> Outward:
    """What goes on of a request that was read.

    Where only some models are allowed, the body is written anew from what was read:
    with a key that stands there twice, an upstream could read another model than the
    one that was checked.
    """
    if not body:
        return Outward(target, sent, strip_usage=False)
    strip = _asks_for_usage(body, call, target)
    as_it_is = grant.models == ANY_MODEL and not strip
    return Outward(target, sent if as_it_is else to_json(body), strip_usage=strip)


def _asks_for_usage(body: Table, call: Call, target: Target) -> bool:
    """Ask a chat stream for usage where the client did not; True when it is ours to leave out."""
    streams = call.asked is not None and call.asked.stream
    if call.route.format != "chat" or not streams or not target.ask_for_usage:
        return False
    options = table(body, "stream_options")
    if options.get("include_usage") is True:
        return False
    body["stream_options"] = {**options, "include_usage": True}
    return True


def _error(call: Call, refused: Refused) -> web.Response:
    body = FORMATS[call.route.format].error(refused.status, refused.reason, refused.message)
    headers = {"x-should-retry": "true" if refused.reason in RETRYABLE else "false"}
    if refused.reason == "too-many-at-once":
        headers["retry-after"] = "1"
    if refused.reason in {"websocket", "request-too-large"}:
        headers["connection"] = "close"
    return web.Response(
        status=refused.status,
        headers=headers,
        body=json.dumps(body).encode(),
        content_type="application/json",
    )
