"""Assistants' programs in a session: which it gets, and how they find the gateway."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from string import Template

from harness.errors import UsageError
from harness.loop.providers import Answering
from harness.models.client import Client
from harness.models.exchange import WireFormat
from harness.sandbox.clients import clients_folder, read_client

HOME_FILES = "home"
"""What a client's folder brings into the candidate's home."""


def chosen(names: Iterable[str], source: Answering | None, *, isolates: bool) -> list[Client]:
    """The clients that a session gets, each once, in the order in which images are built.

    Raises:
        UsageError: There is no such client, nothing would answer it, or the backend has no
            images to put it into.
    """
    clients = [read_client(name) for name in sorted(set(names))]
    for client in clients:
        if source is None:
            raise _unanswered(client, "the session has no assistant", "Give --assistant, too.")
        if not isolates:
            raise _unanswered(client, "this backend has no images", "Use the docker backend.")
        if client.format not in source.asks_for:
            raise _unanswered(
                client,
                f"it speaks {client.format}, and no such provider has a model's name",
                f"Set assistant.{client.format} with base_url and model (docs/configuration.md).",
            )
    return clients


def environment(
    names: Sequence[str], url: str, asks_for: Mapping[WireFormat, str]
) -> dict[str, str]:
    """The variables of clients."""
    return {
        name: _filled(value, client, url, asks_for)
        for client in map(read_client, names)
        for name, value in client.env.items()
    }


def home_files(
    names: Sequence[str], url: str, asks_for: Mapping[WireFormat, str]
) -> dict[str, bytes]:
    """Path below the candidate's home -> what stands in the file."""
    found = {}
    for client in map(read_client, names):
        root = clients_folder() / client.name / HOME_FILES
        for path in sorted(root.rglob("*")):
            if path.is_file():
                text = _filled(path.read_text("utf-8"), client, url, asks_for)
                found[str(path.relative_to(root))] = text.encode()
    return found


def _filled(text: str, client: Client, url: str, asks_for: Mapping[WireFormat, str]) -> str:
    return Template(text).safe_substitute(url=url, model=asks_for[client.format])


def _unanswered(client: Client, why: str, remedy: str) -> UsageError:
    return UsageError(
        f"{client.title} cannot be put into the workspace: {why}.",
        remedy=remedy,
        slug="client-unanswered",
    )
