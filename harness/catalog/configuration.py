"""Settings with the place each value came from: default, file, environment, flag."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import platformdirs
from pydantic import BaseModel, ValidationError
from pydantic_settings import EnvSettingsSource
from pydantic_settings.exceptions import SettingsError

from harness.catalog.located import Document, Loc, describe, read_toml
from harness.errors import UsageError
from harness.models.exchange import WireFormat
from harness.settings import Settings

CONFIG_FILE = "harness.toml"

PATH_KEYS: tuple[Loc, ...] = (
    ("data_dir",),
    ("cache_dir",),
    ("task_paths",),
    ("rubric_paths",),
    ("docker", "ca_bundle"),
    ("judge", "key_file"),
    ("assistant", "ca_bundle"),
    *(("assistant", name, "key_file") for name in get_args(WireFormat)),
)
"""Relative paths in a file count from the file's folder."""

_PASSWORD = re.compile(r"(?<=:)[^:/@]+(?=@)")


@dataclass(frozen=True)
class Origin:
    """One line of `harness config show`."""

    key: str
    """Dotted, such as `docker.subnet_pool`."""
    value: str
    """As a person reads it; passwords in URLs masked."""
    origin: str
    """`default`, `file <path>:<line>`, `env <VARIABLE>` or `flag --<name>`."""


@dataclass(frozen=True)
class LoadedSettings:
    """Settings and their origins, in the order in which they are declared."""

    settings: Settings
    origins: tuple[Origin, ...]


class _Environment(EnvSettingsSource):
    """HARNESS_* variables, told apart from what other sources say."""


def load_settings(config: Path | None = None, **flags: object) -> LoadedSettings:
    """Put defaults, file, environment and flags together, the later ones winning.

    Args:
        config: The file to read; by default `./harness.toml`, else `harness.toml` in the
            user's configuration folder, else none.
        flags: Values given on the command line, by setting; None means not given.

    Raises:
        UsageError: A value or key is wrong; says where it stands, why, what is allowed.
    """
    given = {key: value for key, value in flags.items() if value is not None}
    document = _document(config)
    environment = _environment()
    merged = _merge(_merge(document.data, environment), given)
    try:
        settings = Settings.model_validate(merged)
    except ValidationError as exc:
        problems = [
            f"{_place(detail['loc'], given, environment, document)}: {describe(detail, Settings)}"
            for detail in exc.errors(include_url=False)
        ]
        raise UsageError("\n".join(problems), slug="configuration") from exc
    origins = tuple(
        Origin(".".join(map(str, loc)), _shown(value), _place(loc, given, environment, document))
        for loc, value in _leaves(settings, ())
    )
    return LoadedSettings(settings, origins)


def config_file() -> Path | None:
    """The file that is read when none is named."""
    user = Path(platformdirs.user_config_dir("harness")) / CONFIG_FILE
    return next((path for path in (Path.cwd() / CONFIG_FILE, user) if path.is_file()), None)


def _document(config: Path | None) -> Document:
    if config is not None and not config.is_file():
        raise UsageError(f"Configuration file {config} not found.", slug="configuration")
    path = config or config_file()
    if path is None:
        return Document(Path(CONFIG_FILE), {})
    document = read_toml(path, UsageError)
    for loc in PATH_KEYS:
        _anchor(document.data, loc, path.absolute().parent)
    return document


def _anchor(data: object, loc: Loc, folder: Path) -> None:
    """Make the paths at `loc` count from `folder`, where they are what they should be."""
    *parents, last = loc
    for part in parents:
        data = data.get(part) if isinstance(data, dict) else None
    if not isinstance(data, dict) or last not in data:
        return
    value = data[last]
    if isinstance(value, str):
        data[last] = str(folder / Path(value).expanduser())
    elif isinstance(value, list):
        data[last] = [
            str(folder / Path(item).expanduser()) if isinstance(item, str) else item
            for item in value
        ]


def _environment() -> dict[str, Any]:
    try:
        return _Environment(Settings)()
    except SettingsError as exc:
        name = re.search(r'field "(\w+)"', str(exc))
        variable = f"HARNESS_{name[1].upper()}" if name else "a HARNESS_* variable"
        raise UsageError(
            f"env {variable}: is {os.environ.get(variable)!r}, which is not JSON; lists and "
            'tables are written as JSON, such as ["/srv/tasks"].',
            slug="configuration",
        ) from exc


def _merge(low: object, high: object) -> object:
    """`high` over `low`, table by table."""
    if not isinstance(low, dict) or not isinstance(high, dict):
        return high
    return {**low, **{key: _merge(low.get(key), value) for key, value in high.items()}}


def _place(loc: Loc, flags: dict[str, Any], environment: dict[str, Any], document: Document) -> str:
    if _holds(flags, loc):
        return f"flag --{str(loc[0]).replace('_', '-')}"
    if _holds(environment, loc):
        return f"env {_variable(loc)}"
    if _holds(document.data, loc):
        return f"file {document.path}:{document.line(loc)}"
    return "default"


def _holds(data: object, loc: Loc) -> bool:
    """Whether `data` says something about `loc`, if only by giving a part of it."""
    for part in loc:
        if isinstance(data, dict):
            if part not in data:
                return False
            data = data[part]
        else:
            return True
    return True


def _variable(loc: Loc) -> str:
    """The variable that holds `loc`: the longest name that is set."""
    names = ["HARNESS_" + "__".join(map(str, loc[:end])).upper() for end in range(len(loc), 0, -1)]
    present = {name.upper(): name for name in os.environ}
    return next((present[name] for name in names if name in present), names[-1])


def _leaves(model: BaseModel, loc: Loc) -> Iterator[tuple[Loc, object]]:
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            yield from _leaves(value, (*loc, name))
        else:
            yield (*loc, name), value


def _shown(value: object) -> str:
    if value is None:
        return "(none)"
    if isinstance(value, tuple):
        return ", ".join(map(_shown, value)) or "(none)"
    if isinstance(value, dict):
        return ", ".join(f"{key}={_shown(item)}" for key, item in value.items()) or "(none)"
    if isinstance(value, BaseModel):
        return _shown(value.model_dump())
    return _PASSWORD.sub("***", str(value))
