"""Settings: defaults, then `harness.toml`, then HARNESS_* variables, then flags.

`harness config show` prints each value with the place it came from.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

import platformdirs
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    HttpUrl,
    SecretStr,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from harness.models.exchange import WireFormat
from harness.models.spending import ANY_MODEL, Budget, Prices, unpriced

FolderPath = Annotated[Path, AfterValidator(lambda path: path.expanduser().absolute())]
"""A folder; `~` is expanded and relative paths count from the current folder."""


class GitSource(BaseModel):
    """A git repository with tasks/ and rubrics/ at a pinned commit."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str
    """Anything `git clone` takes."""
    commit: str = Field(pattern=r"^[0-9a-f]{40}$")
    """Pinned, so that a task never changes under a running loop."""


class DockerSettings(BaseModel):
    """How containers are made."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base: Literal["auto", "public", "debootstrap"] = "auto"
    """`public` pulls the Python slim image; `debootstrap` makes one from the machine's own
    apt sources; `auto` tries public and falls back where no registry answers."""
    public_image: str = "python:3.11-slim-bookworm"
    prebuilt: dict[str, str] = Field(default_factory=dict)
    """Role (base, workspace, grader) -> an image your company built; nothing is built then."""
    ca_bundle: FolderPath | None = None
    """PEM file of certificate authorities added to images, as companies with a proxy need."""
    subnet_pool: str = "10.213.0.0/16"
    """Private networks are cut from this range."""
    subnet_prefix: int = Field(default=28, ge=24, le=29)
    """Size of each; /28 gives 4,096 networks of 13 peers out of a /16."""


class KeyedSettings(BaseModel):
    """Something that wants a key."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: SecretStr | None = None
    """Better in a variable or `key_file` than in a file that is shared."""
    key_file: FolderPath | None = None
    """A file that holds the key alone."""

    def secret(self) -> str:
        """The key; empty when there is none.

        Raises:
            OSError, UnicodeDecodeError: `key_file` cannot be read.
        """
        if self.key is not None:
            return self.key.get_secret_value().strip()
        return self.key_file.read_text(encoding="utf-8").strip() if self.key_file else ""


class JudgeSettings(KeyedSettings):
    """A model that suggests answers about a review to the person who confirms it."""

    url: str | None = Field(default=None, pattern=r"^https?://[^\s]+$")
    """Base URL up to and including the version, such as `https://llm.example/v1`; None is off."""
    api: Literal["openai", "anthropic"] = "openai"
    """What it speaks: chat completions, or messages."""
    model: str = ""
    """As the endpoint names it."""
    timeout_sec: float = Field(default=30.0, gt=0, le=600)
    """For one answer, from asking to its last byte."""


class ProviderSettings(KeyedSettings):
    """What answers candidates' assistants in one wire format; its key stays with the gateway."""

    base_url: HttpUrl
    """With the version, such as `https://llm.example/v1`."""
    model: str = ""
    """What clients that we configure ask for; as the endpoint names it."""
    headers: dict[str, SecretStr] = Field(default_factory=dict)
    """Added to every request, such as an organisation's id."""
    ask_for_usage: bool = True
    """Chat only: ask for usage at a stream's end, for servers that know `stream_options`."""
    proxy: HttpUrl | None = None
    """An HTTP proxy on the way there."""


class AssistantSettings(BaseModel):
    """What `session open --assistant provider` gives a candidate."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    anthropic: ProviderSettings | None = None
    """Anthropic Messages."""
    responses: ProviderSettings | None = None
    """OpenAI Responses."""
    chat: ProviderSettings | None = None
    """OpenAI Chat Completions, which most other servers speak too."""
    gemini: ProviderSettings | None = None
    """Gemini generateContent."""
    models: tuple[str, ...] = Field(default=ANY_MODEL, min_length=1)
    """Names or patterns of the models that a session may ask."""
    budget: Budget = Budget()
    """Of each session."""
    prices: dict[str, Prices] = Field(default_factory=dict)
    """By model name or pattern, for a budget in money and for what a report says it cost."""
    ca_bundle: FolderPath | None = None
    """PEM file of authorities that vouch for providers, beside the public ones."""
    clients: tuple[str, ...] = ()
    """Assistants' programs that a workspace with an assistant gets, such as "claude-code"."""

    @model_validator(mode="after")
    def _money_needs_prices(self) -> Self:
        if missing := unpriced(self.budget, self.models, self.prices):
            raise ValueError(f"a budget in money needs prices, and {missing} have none")
        return self

    @property
    def providers(self) -> dict[WireFormat, ProviderSettings]:
        """Those that there are."""
        every: dict[WireFormat, ProviderSettings | None] = {
            "anthropic": self.anthropic,
            "responses": self.responses,
            "chat": self.chat,
            "gemini": self.gemini,
        }
        return {name: one for name, one in every.items() if one is not None}


class Settings(BaseSettings):
    """Everything an operator can set."""

    model_config = SettingsConfigDict(
        env_prefix="HARNESS_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    data_dir: FolderPath = Field(
        default_factory=lambda: Path(platformdirs.user_data_dir("harness"))
    )
    """Sessions, blobs, recordings, the default database."""
    cache_dir: FolderPath = Field(
        default_factory=lambda: Path(platformdirs.user_cache_dir("harness"))
    )
    """Wheels, base image, cloned task sources; safe to delete."""
    database_url: str | None = None
    """SQLAlchemy URL; SQLite in `data_dir` by default, `postgresql+psycopg://...` for a server."""
    backend: Literal["docker", "process"] = "docker"
    """`process` runs trusted code only and refuses a candidate's session."""
    task_paths: tuple[FolderPath, ...] = ()
    """Private folders of tasks, searched first."""
    rubric_paths: tuple[FolderPath, ...] = ()
    """Private folders of rubrics, searched first."""
    git_sources: tuple[GitSource, ...] = ()
    """Git repositories of tasks and rubrics at pinned commits."""
    snapshot_interval_sec: float = Field(default=3.0, ge=0.5, le=60)
    """How often the workspace's tree is looked at."""
    docker: DockerSettings = DockerSettings()
    judge: JudgeSettings = JudgeSettings()
    assistant: AssistantSettings = AssistantSettings()

    @property
    def sqlalchemy_url(self) -> str:
        """The database to use."""
        return self.database_url or f"sqlite:///{self.data_dir / 'harness.db'}"
