"""Which clients a session gets, and what is written for them; no container is needed."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from harness.errors import UsageError
from harness.gateway.formats import FORMATS
from harness.loop.clients import chosen, environment, home_files
from harness.loop.desk import Desk
from harness.loop.opening import open_session
from harness.loop.providers import Answering
from harness.loop.workspace import fill_home
from harness.models.rubric import Rubric
from harness.models.sandbox import Volume
from harness.models.task import Task
from harness.sandbox.clients import client_names
from harness.settings import AssistantSettings

URL = "http://assistant:8080"
ASKS_FOR = dict.fromkeys(FORMATS, "model-1")
READERS = {".json": json.loads, ".toml": tomllib.loads, ".yaml": yaml.safe_load}


def answering(**more: object) -> Answering:
    """A provider of one format."""
    fields = {"kind": "provider", "upstreams": {}, "asks_for": {"chat": "model-1"}, **more}
    return Answering(**fields)  # type: ignore[arg-type]  # a table of what the class takes


def test_clients_come_once_and_in_one_order() -> None:
    """Images are shared between sessions whatever the order in which clients are named."""
    clients = chosen(["llm", "aider", "llm"], answering(), isolates=True)
    assert [client.name for client in clients] == ["aider", "llm"]


@pytest.mark.parametrize(
    ("names", "source", "isolates", "told"),
    [
        (["emacs"], answering(), True, "no client 'emacs'"),
        (["llm"], None, True, "the session has no assistant"),
        (["llm"], answering(), False, "this backend has no images"),
        (["claude-code"], answering(), True, "it speaks anthropic, and no such provider"),
    ],
)
def test_a_client_that_nothing_would_answer_is_refused(
    names: list[str], source: Answering | None, isolates: bool, told: str
) -> None:
    """Whoever opens the session is told what is missing."""
    with pytest.raises(UsageError, match=told):
        chosen(names, source, isolates=isolates)


@pytest.mark.parametrize("name", client_names())
def test_what_is_written_for_a_client_can_be_read_by_it(name: str) -> None:
    """Address and model stand where they belong, in files of the form that they have."""
    files = home_files([name], URL, ASKS_FOR)
    variables = environment([name], URL, ASKS_FOR)
    written = [content.decode() for content in files.values()] + list(variables.values())
    assert not re.search(r"\$\{(url|model)\}", "".join(written))
    assert any("model-1" in text for text in written)
    for path, content in files.items():
        READERS.get(Path(path).suffix, str)(content.decode())


@pytest.mark.parametrize("name", client_names())
def test_no_key_is_written_into_a_home(name: str) -> None:
    """The session's key comes by variables; files name the variable at most."""
    for content in home_files([name], URL, ASKS_FOR).values():
        assert not re.search(rb"(api_?key|token)\W+(hk-|sk-)", content, re.IGNORECASE)


def test_homes_are_filled_for_their_owner(tmp_path: Path) -> None:
    """Folders on the way are made; what was there stays."""
    (tmp_path / "home" / ".config").mkdir(parents=True)
    (tmp_path / "home" / ".config" / "mine").write_text("mine")
    volume = Volume(id="v", owner="s", path=str(tmp_path), size_mb=1, enforced=False)
    fill_home(volume, {".config/tool/settings.json": b"{}", ".rc": b"x"})
    home = tmp_path / "home"
    found = {str(p.relative_to(home)): p.read_text() for p in home.rglob("*") if p.is_file()}
    assert found == {".config/mine": "mine", ".config/tool/settings.json": "{}", ".rc": "x"}


@pytest.mark.parametrize("desk", ["process"], indirect=True)
async def test_clients_of_the_settings_are_those_of_a_session(
    desk: Desk, toy: Task, rubric: Rubric
) -> None:
    """A client in the settings counts for sessions with an assistant, and for no other."""
    settings = AssistantSettings.model_validate(
        {
            "chat": {"base_url": "http://127.0.0.1:9/v1", "model": "model-1"},
            "clients": ["llm"],
        }
    )
    desk.settings = desk.settings.model_copy(update={"assistant": settings})
    with pytest.raises(UsageError, match="this backend has no images"):
        await open_session(desk, toy, rubric, trusted=True, assistant="provider")
    assert desk.store.sessions() == []
    await open_session(desk, toy, rubric, trusted=True)
