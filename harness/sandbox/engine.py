"""The connection to a Docker engine, and the one place where its errors become ours."""

from __future__ import annotations

import asyncio
import functools
import os
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from urllib.parse import urlsplit

import docker
import docker.errors
import docker.utils
import requests
import requests.exceptions
import urllib3.exceptions

from harness.errors import (
    HarnessError,
    ImageBuildError,
    PrerequisiteError,
    SandboxError,
    SandboxTimeoutError,
    SandboxUnavailableError,
)

T = TypeVar("T")

_CALL_TIMEOUT_SEC = 120
_PARALLEL_CALLS = 32

START_ENGINE = "Start Docker Engine ('sudo systemctl start docker') or set DOCKER_HOST."
RESTART_ENGINE = "Restart Docker Engine ('sudo systemctl restart docker') and read its log."

TRANSLATIONS: dict[type[BaseException], tuple[type[HarnessError], str, str]] = {
    docker.errors.ImageNotFound: (
        SandboxUnavailableError,
        "image-missing",
        "The image was removed; the next 'ensure_image' builds it again.",
    ),
    docker.errors.NotFound: (SandboxUnavailableError, "sandbox-unavailable", ""),
    docker.errors.APIError: (SandboxError, "engine-refused", ""),
    docker.errors.InvalidVersion: (
        PrerequisiteError,
        "engine-version",
        "Install Docker Engine 20.10 or newer.",
    ),
    docker.errors.InvalidRepository: (SandboxError, "engine-call", ""),
    docker.errors.InvalidConfigFile: (
        PrerequisiteError,
        "engine-config",
        "Mend the Docker client configuration (~/.docker/config.json).",
    ),
    docker.errors.InvalidArgument: (SandboxError, "engine-call", ""),
    docker.errors.DeprecatedMethod: (SandboxError, "engine-call", ""),
    docker.errors.TLSParameterError: (
        PrerequisiteError,
        "engine-config",
        "Check DOCKER_TLS_VERIFY and DOCKER_CERT_PATH.",
    ),
    docker.errors.NullResource: (SandboxError, "engine-call", ""),
    docker.errors.ContainerError: (SandboxError, "engine-refused", ""),
    docker.errors.StreamParseError: (SandboxError, "engine-call", ""),
    docker.errors.BuildError: (ImageBuildError, "image-build", ""),
    docker.errors.ImageLoadError: (ImageBuildError, "image-build", ""),
    docker.errors.MissingContextParameter: (PrerequisiteError, "engine-config", ""),
    docker.errors.ContextAlreadyExists: (PrerequisiteError, "engine-config", ""),
    docker.errors.ContextException: (PrerequisiteError, "engine-config", ""),
    docker.errors.ContextNotFound: (
        PrerequisiteError,
        "engine-config",
        "'docker context ls' lists the contexts there are.",
    ),
    docker.errors.DockerException: (PrerequisiteError, "engine-unreachable", START_ENGINE),
    requests.exceptions.ReadTimeout: (
        SandboxTimeoutError,
        "engine-timeout",
        "The engine is overloaded or stuck; 'harness doctor' looks closer.",
    ),
    requests.exceptions.ConnectionError: (
        SandboxUnavailableError,
        "engine-unreachable",
        START_ENGINE,
    ),
    requests.exceptions.RequestException: (SandboxUnavailableError, "engine-unreachable", ""),
    # Streams (builds, logs) break with the lower layer's errors, past requests.
    urllib3.exceptions.ReadTimeoutError: (SandboxTimeoutError, "engine-timeout", ""),
    urllib3.exceptions.HTTPError: (SandboxUnavailableError, "engine-unreachable", START_ENGINE),
}
"""docker's (and its transport's) errors -> ours, slug, remedy; the most specific class wins."""

_SILENCES: dict[type[OSError], tuple[str, str]] = {
    FileNotFoundError: ("is not there: no engine is running", START_ENGINE),
    PermissionError: (
        "may not be opened by this user",
        "Add the user to the group 'docker' and log in again, or run as root.",
    ),
    ConnectionRefusedError: (
        "is there but nobody answers: the engine behind it has died",
        RESTART_ENGINE,
    ),
    ConnectionResetError: ("closes the connection", RESTART_ENGINE),
    TimeoutError: ("accepts and says nothing: the engine hangs", RESTART_ENGINE),
}
"""Why nobody answers at a socket, and the way out."""

_CONFLICT = 409
_FULL_DISK = "no space left on device"


def translated(error: BaseException, what: str) -> HarnessError:
    """Our error for one of docker's.

    Args:
        error: Anything docker-py or its transport raised.
        what: What was tried, to which thing, as in "start container 'a1b2'".
    """
    for kind in type(error).__mro__:
        if kind in TRANSLATIONS:
            ours, slug, remedy = TRANSLATIONS[kind]
            break
    else:
        ours, slug, remedy = SandboxError, "engine-refused", ""
    if getattr(error, "status_code", None) == _CONFLICT:  # not running, paused, being removed
        ours, slug = SandboxUnavailableError, "sandbox-unavailable"
    text = " ".join((getattr(error, "explanation", None) or str(error)).split())
    if _FULL_DISK in text:
        ours, slug = PrerequisiteError, "disk-full"
        remedy = "Free space in the engine's root folder ('docker system df' says what uses it)."
    return ours(f"Docker could not {what}: {text}.", remedy=remedy, slug=slug)


class Engine:
    """One Docker engine, named by DOCKER_HOST; connects at the first call.

    Args:
        timeout_sec: How long it may be silent within one call.
    """

    def __init__(self, timeout_sec: float = _CALL_TIMEOUT_SEC) -> None:
        self.address = engine_address()
        """Where it listens, such as "http+unix:///var/run/docker.sock"."""
        self._api: docker.APIClient | None = None
        self._timeout_sec = timeout_sec
        self._connecting = threading.Lock()
        self._answers = threading.local()
        self._threads = ThreadPoolExecutor(_PARALLEL_CALLS, thread_name_prefix="docker")

    async def call(self, act: Callable[[docker.APIClient], T], what: str) -> T:
        """Do something with the engine's API in a thread.

        Raises:
            HarnessError: As `TRANSLATIONS` says, chained to docker's own.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._threads, functools.partial(self.call_now, act, what)
        )

    def call_now(self, act: Callable[[docker.APIClient], T], what: str) -> T:
        """The same without leaving the thread."""
        self._answers.of_this_call = []
        try:
            return act(self._connected())
        except (
            docker.errors.DockerException,
            docker.errors.StreamParseError,  # alone among them it is no DockerException
            requests.exceptions.RequestException,
            urllib3.exceptions.HTTPError,
        ) as error:
            raise translated(error, what) from error
        finally:
            for answer in self._answers.of_this_call:
                answer.close()  # docker-py leaves the connections of its streams open

    def _connected(self) -> docker.APIClient:
        with self._connecting:
            if self._api is None:
                insist_on_answer(self.address, self._timeout_sec)
                options: Any = docker.utils.kwargs_from_env()
                self._api = docker.APIClient(
                    version="auto",
                    timeout=int(self._timeout_sec),
                    max_pool_size=_PARALLEL_CALLS,
                    **options,
                )
                self._api.hooks["response"].append(self._remember)
            return self._api

    def _remember(self, answer: requests.Response, **_: object) -> None:
        self._answers.of_this_call.append(answer)

    async def version(self) -> tuple[int, int]:
        """The engine's major and minor version."""
        answer = await self.call(lambda api: api.version(), "tell its version")
        return parse_version(str(answer["Version"]))

    def close(self) -> None:
        """Let go of connections and threads."""
        self._threads.shutdown(wait=False)
        if self._api is not None:
            self._api.close()
            self._api = None


def engine_address() -> str:
    """DOCKER_HOST, or the local socket, as docker-py writes it.

    Raises:
        PrerequisiteError: DOCKER_HOST makes no sense.
    """
    host = os.environ.get("DOCKER_HOST")
    try:
        tls = bool(os.environ.get("DOCKER_TLS_VERIFY"))
        return str(docker.utils.parse_host(host, tls=tls))
    except docker.errors.DockerException as error:
        raise PrerequisiteError(
            f"DOCKER_HOST is '{host}': {error}.",
            remedy="Set it to an address such as unix:///var/run/docker.sock, or unset it.",
            slug="engine-config",
        ) from error


def insist_on_answer(address: str, timeout_sec: float) -> None:
    """See to it that somebody answers at a local engine's socket; a remote one is believed.

    Raises:
        PrerequisiteError: Nobody does; says whether the socket is missing, stale or shut.
    """
    url = urlsplit(address)
    if url.scheme != "http+unix":
        return
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(timeout_sec)
            line.connect(url.path)
            line.sendall(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
            if line.recv(1):
                return
            cause: OSError = ConnectionResetError("nothing was answered")
    except OSError as error:
        cause = error
    why, remedy = _SILENCES.get(type(cause), (f"cannot be used: {cause}", START_ENGINE))
    raise PrerequisiteError(
        f"Docker's socket {url.path} {why}.", remedy=remedy, slug="engine-unreachable"
    ) from cause


def parse_version(text: str) -> tuple[int, int]:
    """Major and minor of an engine's version, such as "20.10.24+dfsg1".

    >>> parse_version("20.10.24+dfsg1")
    (20, 10)
    """
    numbers = ["".join(filter(str.isdigit, part)) for part in text.split(".")[:2]]
    major, minor = (int(number or 0) for number in (*numbers, "", "")[:2])
    return major, minor
