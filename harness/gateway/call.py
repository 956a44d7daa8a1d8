"""One call under way: what becomes of it, until it is an `Exchange`."""

from __future__ import annotations

import itertools
import os
import time
from datetime import UTC, datetime

from harness.gateway.budget import charge
from harness.gateway.configuration import GatewayConfig, SessionGrant
from harness.gateway.conversation import Understood
from harness.gateway.copying import ReplyCopy
from harness.gateway.formats import Asked
from harness.gateway.headers import printable
from harness.gateway.labels import ASIDE
from harness.gateway.refusal import Refused
from harness.gateway.routes import Route
from harness.gateway.spool import Spool
from harness.models.exchange import (
    ClientMarks,
    Exchange,
    ExchangeBegun,
    Outcome,
    ScriptMarks,
)

_PATH_CHARS = 300
_PROBLEM_CHARS = 2000
_NAME_CHARS = 200
_numbers = itertools.count()
_RUN = os.urandom(2).hex()
_UNMARKED = ClientMarks()


class Call:
    """Filled in as things happen; `exchange` makes the record of it."""

    def __init__(self, method: str, path: str, route: Route) -> None:
        self.id = f"{time.time_ns() // 1000:014x}-{next(_numbers):06x}-{_RUN}"
        self.at = datetime.now(UTC)
        self.method, self.path, self.route = method[:20], path, route
        self.grant: SessionGrant | None = None
        self.asked: Asked | None = None
        self.understood: Understood | None = None
        self.copy: ReplyCopy | None = None
        self.client = _UNMARKED
        self.script: ScriptMarks | None = None
        self.status: int | None = None
        self.outcome: Outcome | None = None
        self.reason = ""
        self.problem = ""
        self.request_bytes = 0
        self.reply_bytes = 0
        self.recorded = False
        self.forwarded = False
        """The upstream has seen it, so that it may cost something."""
        self.answering = False
        """The client has something of the upstream's reply, so that nothing else can be said."""
        self._began = time.perf_counter()
        self._first_byte: float | None = None

    @property
    def shown_path(self) -> str:
        """The path for the record and for messages: printable and bounded."""
        return printable(self.path, _PATH_CHARS)

    def begun(self) -> ExchangeBegun:
        """The line that says that it has gone on."""
        session = self.grant.session if self.grant else None
        return ExchangeBegun(
            id=self.id, session=session, at=self.at, method=self.method, path=self.shown_path
        )

    def refused(self, refused: Refused) -> None:
        """The gateway, or an upstream that could not be reached, ends it."""
        self.outcome = "refused" if refused.by_us else "failed"
        self.reason, self.problem = refused.reason, refused.message
        self.status = refused.status

    def end(self, outcome: Outcome, *, reason: str = "", problem: str = "") -> None:
        """How it ended; the first word counts."""
        if self.outcome is None:
            self.outcome, self.reason, self.problem = outcome, reason, problem[:_PROBLEM_CHARS]

    def passed_on(self, size: int) -> None:
        """Body bytes went to the client."""
        if self._first_byte is None:
            self._first_byte = time.perf_counter() - self._began
        self.reply_bytes += size

    @property
    def reply_id(self) -> str:
        """The provider's own name of the reply, by which a later request may continue it."""
        return self.copy.reader.id if self.copy else ""

    def exchange(self, config: GatewayConfig, spool: Spool) -> Exchange:
        """The record of it, its reply stored."""
        message = self.copy.reader.draft.message() if self.copy else None
        reader = self.copy.reader if self.copy else None
        usage = reader.usage if reader and self.route.operation == "generate" else None
        tokens, usd = self._charged(config)
        known, asked = self.understood, self.asked
        return Exchange(
            id=self.id,
            session=self.grant.session if self.grant else None,
            at=self.at,
            format=self.route.format,
            operation=self.route.operation,
            method=self.method,
            path=self.shown_path,
            label=known.label if known else ASIDE.get(self.route.operation, "other"),
            outcome=self.outcome or "cut",
            status=self.status,
            reason=self.reason,
            problem=self.problem,
            first_byte_sec=self._first_byte,
            duration_sec=time.perf_counter() - self._began,
            model=asked.model[:_NAME_CHARS] if asked else "",
            answered_by=reader.model[:_NAME_CHARS] if reader else "",
            stream=asked.stream if asked else False,
            request_bytes=self.request_bytes,
            reply_bytes=self.reply_bytes,
            reply_sha256=self.copy.sha256 if self.copy else "",
            system=known.system if known else None,
            tools=known.tools if known else None,
            continues=known.continues if known else None,
            kept=known.kept if known else 0,
            messages=known.fresh if known else (),
            reply=spool.store(message) if message is not None else None,
            truncated=bool(self.copy and (self.copy.truncated or self.copy.reader.draft.truncated)),
            malformed=self.copy.malformed if self.copy else 0,
            finish=reader.finish[:_NAME_CHARS] if reader else "",
            usage=usage,
            charged_tokens=tokens,
            charged_usd=usd,
            client=self.client,
            script=self.script,
        )

    def _charged(self, config: GatewayConfig) -> tuple[int, float]:
        """Nothing for what the upstream refused or never saw."""
        usage = self.copy.reader.usage if self.copy else None
        costless = self.outcome == "failed" and usage is None
        if not self.forwarded or self.route.operation != "generate" or costless:
            return 0, 0.0
        return charge(
            config,
            self.asked.model if self.asked else "",
            usage,
            request_bytes=self.request_bytes,
            reply_bytes=self.copy.bytes if self.copy else 0,
        )
