"""What a gateway is told: sessions and their bounds, upstreams and their keys.

It arrives as one JSON file in the gateway's own container. Keys of real providers stand
in it; they never enter a workspace. Session keys are there only as hashes.
"""

from __future__ import annotations

import hashlib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal, Self

from pydantic import (
    Field,
    FieldSerializationInfo,
    HttpUrl,
    SecretStr,
    ValidationError,
    field_serializer,
    model_validator,
)

from harness.errors import UsageError
from harness.models.base import Model
from harness.models.exchange import WireFormat
from harness.models.spending import ANY_MODEL, Budget, Prices, priced, unpriced


class SessionGrant(Model):
    """One session's key and what it may do."""

    session: str = Field(min_length=1, max_length=200)
    key_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    revoked: bool = False
    budget: Budget = Budget()
    models: tuple[str, ...] = ANY_MODEL
    """Names or patterns such as "claude-*"."""
    parallel: int = Field(default=8, ge=1)
    """Calls at a time."""

    def allows(self, model: str) -> bool:
        """Whether the session may ask this model."""
        return any(fnmatchcase(model, pattern) for pattern in self.models)


class HttpUpstream(Model):
    """A provider, any compatible endpoint, or a local model server."""

    kind: Literal["http"] = "http"
    base_url: HttpUrl
    """With the version, such as "https://api.anthropic.com/v1"."""
    key: SecretStr = SecretStr("")
    """Sent in the way of the format; nothing is sent when empty."""
    headers: dict[str, str] = Field(default_factory=dict)
    """Added to every request, such as an organisation's id."""
    ask_for_usage: bool = True
    """Chat only: ask for usage at a stream's end, for servers that know `stream_options`."""
    proxy: HttpUrl | None = None
    """An HTTP proxy on the way there; none is taken from the environment."""

    @field_serializer("key")
    def _hide(self, key: SecretStr, info: FieldSerializationInfo) -> str:
        """Only `written` shows it."""
        return key.get_secret_value() if (info.context or {}).get("keys") else str(key)


class ScriptedUpstream(Model):
    """The task author's deterministic assistant."""

    kind: Literal["scripted"] = "scripted"
    script: Path
    """Relative to where the gateway is started, unless absolute."""
    root: str = ""
    """The workspace's folder there, for tools that want absolute paths."""
    pace_sec: float = Field(default=0.0, ge=0, le=5)
    """Seconds between the pieces of a streamed answer."""


class ReplayUpstream(Model):
    """Answers recorded earlier, by what was asked."""

    kind: Literal["replay"] = "replay"
    spool: Path
    pace_sec: float = Field(default=0.0, ge=0, le=5)


Upstream = HttpUpstream | ScriptedUpstream | ReplayUpstream
"""Where answers come from."""


class Bounds(Model):
    """Sizes and times."""

    request_bytes: int = Field(default=32 * 1024 * 1024, ge=1024)
    reply_bytes: int = Field(default=128 * 1024 * 1024, ge=1024)
    connect_sec: float = Field(default=10.0, gt=0)
    idle_sec: float = Field(default=300.0, gt=0)
    """The longest silence of an upstream."""
    upload_sec: float = Field(default=60.0, gt=0)
    """The longest time that a client may take to send its request."""
    spool_bytes: int = Field(default=2 * 1024 * 1024 * 1024, ge=1024)
    """When the record has grown to this, nothing is passed on any more."""


class GatewayConfig(Model):
    """Everything a gateway is told."""

    host: str = "127.0.0.1"
    port: int = Field(default=0, ge=0, lt=65536)
    """0 takes a free one."""
    sessions: tuple[SessionGrant, ...] = ()
    upstreams: dict[WireFormat, Upstream] = Field(default_factory=dict)
    prices: dict[str, Prices] = Field(default_factory=dict)
    """By model name or pattern; the first that fits counts."""
    unknown_paths: Literal["refuse", "pass"] = "refuse"
    ca_file: Path | None = None
    """PEM file of authorities that vouch for upstreams beside the system's; read at the start.
    Relative to where the gateway is started, unless absolute."""
    bounds: Bounds = Bounds()

    @model_validator(mode="after")
    def _money_needs_prices(self) -> Self:
        for grant in self.sessions:
            missing = unpriced(grant.budget, grant.models, self.prices)
            if missing:
                raise ValueError(
                    f"session {grant.session} has a budget in money, and its models {missing} "
                    "have no price"
                )
        return self

    def prices_of(self, model: str) -> Prices | None:
        """The price list of a model."""
        return priced(model, self.prices)


def key_hash(key: str) -> str:
    """What a configuration has of a session key: SHA-256, hex."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def written(config: GatewayConfig) -> bytes:
    """The configuration's file, keys included: for the gateway's own container alone."""
    return config.model_dump_json(context={"keys": True}).encode()


def read_configuration(path: Path) -> GatewayConfig:
    """A gateway's configuration from its file.

    Raises:
        UsageError: It cannot be read, or is not one; keys are never quoted.
    """
    try:
        return GatewayConfig.model_validate_json(path.read_bytes())
    except OSError as exc:
        raise UsageError(
            f"The gateway's configuration {path} cannot be read: {exc.strerror}.",
            remedy="Name a file that is there.",
            slug="gateway-configuration",
        ) from exc
    except ValidationError as exc:
        first = exc.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(step) for step in first["loc"]) or "file"
        raise UsageError(
            f"The gateway's configuration {path} is not right: {place}: {first['msg']}.",
            remedy="See docs/assistant.md for its form.",
            slug="gateway-configuration",
        ) from exc
