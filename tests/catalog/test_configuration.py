"""Every value says where it came from; a wrong one says where it stands."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.catalog.configuration import PATH_KEYS, load_settings
from harness.errors import UsageError
from harness.settings import Settings

from .conftest import write


@pytest.fixture(autouse=True)
def _empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file, no variable, an empty user folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    for name in [name for name in os.environ if name.startswith("HARNESS_")]:
        monkeypatch.delenv(name)


def origin(key: str, **flags: object) -> tuple[str, str]:
    """Value and origin of one key."""
    found = {item.key: item for item in load_settings(**flags).origins}
    return found[key].value, found[key].origin


def test_defaults() -> None:
    """Without anything every value is a default."""
    loaded = load_settings()
    assert {item.origin for item in loaded.origins} == {"default"}
    assert loaded.settings.backend == "docker"


def test_each_source_beats_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flag beats a variable beats the file beats the default."""
    key = "snapshot_interval_sec"
    file = write(tmp_path / "harness.toml", f"# ours\n{key} = 4\n")
    assert origin(key) == ("4.0", f"file {file}:2")
    monkeypatch.setenv("HARNESS_SNAPSHOT_INTERVAL_SEC", "5")
    assert origin(key) == ("5.0", "env HARNESS_SNAPSHOT_INTERVAL_SEC")
    assert origin(key, snapshot_interval_sec=6) == ("6.0", "flag --snapshot-interval-sec")
    assert origin(key, snapshot_interval_sec=None)[0] == "5.0"


def test_nested_values_merge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One key of a table can come from the file and another from a variable."""
    file = write(tmp_path / "harness.toml", '[docker]\nbase = "public"\nsubnet_prefix = 26\n')
    monkeypatch.setenv("HARNESS_DOCKER__SUBNET_PREFIX", "27")
    assert origin("docker.base") == ("public", f"file {file}:2")
    assert origin("docker.subnet_prefix") == ("27", "env HARNESS_DOCKER__SUBNET_PREFIX")
    assert load_settings().settings.docker.subnet_prefix == 27


def test_user_folder_is_the_last_resort(tmp_path: Path) -> None:
    """The user's own file is read when the project has none."""
    write(tmp_path / "xdg/harness/harness.toml", 'backend = "process"\n')
    assert load_settings().settings.backend == "process"
    write(tmp_path / "harness.toml", "")
    assert load_settings().settings.backend == "docker"


def test_paths_count_from_the_file(tmp_path: Path) -> None:
    """Relative paths in a file are relative to it, wherever the harness is started."""
    file = write(tmp_path / "etc/harness.toml", 'data_dir = "data"\ntask_paths = ["t", "/srv/t"]\n')
    settings = load_settings(file).settings
    assert settings.data_dir == tmp_path / "etc/data"
    assert settings.task_paths == (tmp_path / "etc/t", Path("/srv/t"))


def test_path_keys_are_complete() -> None:
    """Every setting that holds a path is made relative to its file."""
    top = {
        (name,) for name, info in Settings.model_fields.items() if "Path" in str(info.annotation)
    }
    assert top <= set(PATH_KEYS)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\n[docker]\nsubnet_prefix = 40\n", "harness.toml:3: docker.subnet_prefix: "),
        ('backend = "podman"\n', "harness.toml:1: backend: Input should be 'docker' or 'process'"),
        ("bakend = 1\n", "harness.toml:1: bakend: unknown key; allowed here: data_dir"),
        ("backend = \n", "harness.toml:1: not valid TOML"),
        ('[[git_sources]]\nurl = "u"\ncommit = "main"\n', "harness.toml:3: git_sources.0.commit: "),
    ],
)
def test_bad_value_in_the_file(tmp_path: Path, text: str, message: str) -> None:
    """A wrong value is named with file, line, key and what is allowed."""
    write(tmp_path / "harness.toml", text)
    with pytest.raises(UsageError) as caught:
        load_settings()
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("HARNESS_BACKEND", "podman", "env HARNESS_BACKEND: backend: "),
        ("HARNESS_TASK_PATHS", "/srv", "env HARNESS_TASK_PATHS: is '/srv', which is not JSON"),
    ],
)
def test_bad_variable(monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str) -> None:
    """A wrong variable is named."""
    monkeypatch.setenv(name, value)
    with pytest.raises(UsageError) as caught:
        load_settings()
    assert message in caught.value.message


def test_named_file_must_exist(tmp_path: Path) -> None:
    """A file that was asked for and is not there is an error."""
    with pytest.raises(UsageError, match="not found"):
        load_settings(tmp_path / "absent.toml")


def test_password_is_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A database password is not shown."""
    monkeypatch.setenv("HARNESS_DATABASE_URL", "postgresql+psycopg://u:secret@db/h")
    value, _ = origin("database_url")
    assert value == "postgresql+psycopg://u:***@db/h"


def test_a_providers_key_and_headers_are_masked(tmp_path: Path) -> None:
    """What lets somebody in is not shown; its file is found from the settings' own folder."""
    text = (
        '[assistant.chat]\nbase_url = "http://llm:8000/v1"\nkey_file = "chat.key"\n'
        'key = "sk-real"\nheaders = { "api-key" = "sk-other" }\n'
    )
    loaded = load_settings(write(tmp_path / "etc/harness.toml", text))
    chat = loaded.settings.assistant.chat
    assert chat is not None
    assert (chat.secret(), chat.key_file) == ("sk-real", tmp_path / "etc/chat.key")
    assert not any("sk-" in row.value for row in loaded.origins)
    assert list(loaded.settings.assistant.providers) == ["chat"]


def test_a_budget_in_money_needs_prices(tmp_path: Path) -> None:
    """Without a price list dollars cannot be counted."""
    text = "[assistant.budget]\nusd = 15\n"
    with pytest.raises(UsageError, match="a budget in money needs prices"):
        load_settings(write(tmp_path / "harness.toml", text))
