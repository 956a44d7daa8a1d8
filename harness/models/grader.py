"""What the grader container and the harness say to each other.

The channel is the grader process's own standard input and output: one JSON
object a line, UTF-8. The harness sends one `GraderBrief`, then one `Reply` per
`Request`. The grader sends `Request`s and `Notice`s. The system under test is on
neither end; nothing it prints can reach the channel.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from harness.models.base import Model
from harness.models.check import CheckDeclaration, CheckResult
from harness.models.task import ModuleSpec

MAX_LINE_BYTES = 4 * 1024 * 1024
"""A longer line is a broken peer."""


class UpstreamBinding(Model):
    """Where the grader listens for one dependency of the system under test."""

    host: str
    """The name the brief gives, such as "provider"."""
    port: int
    """The port the brief gives."""
    bind_host: str
    bind_port: int
    """Where to listen; the same port in a container, a free one on the process backend."""


class GraderBrief(Model):
    """Everything a run of hidden checks is told."""

    task: str
    contract: dict[str, float]
    upstreams: tuple[UpstreamBinding, ...]
    ready_path: str
    ready_timeout_sec: float
    module: ModuleSpec | None = None
    """What the agent of a refactor imports."""
    seed: str
    """Hex; HMAC of the submission, so inputs differ between candidates and repeat on regrade."""
    only: tuple[str, ...] = ()
    """Check ids to run; empty for all."""
    confirm: bool = True
    """Confirm failing timing checks on fresh suts."""
    good_service: bool = False
    """Whether `start` can also give a service that is known to pass every check."""
    lane: int = 0
    """Lanes take checks from one list; the first begins with the loud ones."""


class Request(Model):
    """A lifecycle verb over the system under test."""

    kind: Literal["request"] = "request"
    id: int
    verb: Literal[
        "start",
        "stop",
        "kill",
        "restart",
        "remove",
        "logs",
        "stats",
        "state",
        "put_data",
        "claim",
        "take_turn",
        "end_turn",
    ]
    """`start` makes a fresh sut (fresh volume, sealed tree) and replies {"sut", "address",
    "token"}; with args.good_service it is one that is known to pass, with args.original what
    the candidate was given. The others name it by `sut`. `stop` (SIGTERM, then SIGKILL after
    args.grace_sec) replies {"exit_code", "duration_sec", "killed"}; `logs` replies {"text"}
    (last args.max_bytes); `stats` replies `SandboxStats` fields; `state` replies `SandboxState`
    fields. `put_data` makes args.files (name -> base64) the whole content of a stopped sut's
    data folder. `claim` replies {"granted"}: whether args.check is this lane's to run.
    `take_turn` is answered when there is room on this machine for a check that is args.loud, or
    not, or when it has the machine to itself (args.alone); `end_turn` lets the next one in."""
    sut: str = ""
    args: dict[str, Any] = Field(default_factory=dict)


class Reply(Model):
    """The answer to one request."""

    id: int
    value: dict[str, Any] = Field(default_factory=dict)
    error: str = ""
    """Our machinery failed; the check that asked becomes invalid."""


class Declared(Model):
    """Sent once, before anything runs."""

    kind: Literal["declared"] = "declared"
    checks: tuple[CheckDeclaration, ...]


class CheckStarted(Model):
    """For progress."""

    kind: Literal["started"] = "started"
    check: str
    attempt: int


class CheckFinished(Model):
    """Sent as soon as it is known, so that a crash loses only what comes after."""

    kind: Literal["result"] = "result"
    result: CheckResult


class Finished(Model):
    """The last line; without it the run did not finish."""

    kind: Literal["finished"] = "finished"


FromGrader = Annotated[
    Request | Declared | CheckStarted | CheckFinished | Finished, Field(discriminator="kind")
]
"""Any line the grader sends."""

FROM_GRADER: TypeAdapter[FromGrader] = TypeAdapter(FromGrader)
"""Parses a line from the grader."""
