"""What answers a session's assistant: the operator's providers, or the task's script.

Keys are read here and go to the gateway's own volume, never further.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import PrerequisiteError, TaskFormatError, UsageError
from harness.gateway.configuration import (
    HttpUpstream,
    ScriptedUpstream,
    Upstream,
)
from harness.gateway.formats import FORMATS
from harness.gateway.upstreams.script import Script, read_script
from harness.gateway.upstreams.scripted import MODEL
from harness.models.exchange import AssistantKind, WireFormat
from harness.models.spending import ANY_MODEL, Budget, Prices
from harness.models.task import Task
from harness.settings import AssistantSettings, ProviderSettings

_PACE_SEC = 0.02
"""Between the words of a scripted answer, so that it reads like one."""
SCRIPT = "assistant.yaml"
"""The task author's, in the gateway's volume."""
_AUTHORITIES = "authorities.pem"


@dataclass(frozen=True)
class Answering:
    """What a gateway is given, beside the session's key."""

    kind: AssistantKind
    upstreams: Mapping[WireFormat, Upstream]
    files: Mapping[str, bytes] = field(default_factory=dict)
    """What lies beside its configuration."""
    ca_file: Path | None = None
    models: tuple[str, ...] = ANY_MODEL
    budget: Budget = field(default_factory=Budget)
    prices: Mapping[str, Prices] = field(default_factory=dict)
    script: Script | None = None
    asks_for: Mapping[WireFormat, str] = field(default_factory=dict)
    """The model that clients we configure ask for, by what they speak."""

    @property
    def hosts(self) -> dict[WireFormat, str]:
        """Where each provider is, for the record: host and port, and no key."""
        return {
            name: f"{one.base_url.host}:{one.base_url.port}"
            for name, one in self.upstreams.items()
            if isinstance(one, HttpUpstream)
        }


def answering(kind: AssistantKind, task: Task, settings: AssistantSettings) -> Answering:
    """What is to answer, read and checked before anything is made.

    Raises:
        TaskFormatError: The task has no script that is right.
        UsageError: No provider is configured.
        PrerequisiteError: A key or the authorities cannot be read.
    """
    return _scripted(task) if kind == "scripted" else _provided(settings)


def _scripted(task: Task) -> Answering:
    if not task.assistant.is_file():
        raise TaskFormatError(
            f"Task '{task.name}' has no scripted assistant: there is no {task.assistant}.",
            remedy="Write one (docs/assistant.md), or open the session without --assistant.",
            slug="assistant-script",
        )
    script = read_script(task.assistant)
    upstream = ScriptedUpstream(script=Path(SCRIPT), root="/workspace", pace_sec=_PACE_SEC)
    return Answering(
        kind="scripted",
        upstreams=dict.fromkeys(FORMATS, upstream),
        files={SCRIPT: task.assistant.read_bytes()},
        script=script,
        asks_for=dict.fromkeys(FORMATS, MODEL),
    )


def _provided(settings: AssistantSettings) -> Answering:
    if not settings.providers:
        raise UsageError(
            "No provider is configured for candidates' assistants.",
            remedy="Give one in harness.toml, such as [assistant.anthropic] with base_url and "
            "key_file (docs/configuration.md), or use --assistant scripted.",
            slug="assistant-provider",
        )
    bundle = settings.ca_bundle
    return Answering(
        kind="provider",
        upstreams={name: _upstream(name, one) for name, one in settings.providers.items()},
        files={_AUTHORITIES: _authorities(bundle)} if bundle else {},
        ca_file=Path(_AUTHORITIES) if bundle else None,
        models=settings.models,
        budget=settings.budget,
        prices=settings.prices,
        asks_for={name: one.model for name, one in settings.providers.items() if one.model},
    )


def _upstream(name: WireFormat, settings: ProviderSettings) -> HttpUpstream:
    try:
        key = settings.secret()
    except (OSError, UnicodeDecodeError) as exc:
        raise PrerequisiteError(
            f"The key of the {name} provider cannot be read from {settings.key_file}: {exc}.",
            remedy=f"Put the key alone into that file, or set HARNESS_ASSISTANT__{name.upper()}"
            "__KEY.",
            slug="assistant-provider",
        ) from exc
    return HttpUpstream(
        base_url=settings.base_url,
        key=key,
        headers={header: value.get_secret_value() for header, value in settings.headers.items()},
        ask_for_usage=settings.ask_for_usage,
        proxy=settings.proxy,
    )


def _authorities(bundle: Path) -> bytes:
    """A file of certificates, tried before a gateway is to trust it."""
    try:
        ssl.create_default_context().load_verify_locations(cafile=bundle)
        return bundle.read_bytes()
    except (OSError, ssl.SSLError) as exc:
        raise PrerequisiteError(
            f"The authorities in {bundle} cannot be read: {exc}.",
            remedy="Let assistant.ca_bundle name a file of certificates in PEM form.",
            slug="assistant-provider",
        ) from exc
