"""The backend that the settings name."""

from __future__ import annotations

from harness.sandbox.docker import DockerBackend
from harness.sandbox.process import ProcessBackend
from harness.sandbox.protocol import SandboxBackend
from harness.settings import Settings


def open_backend(settings: Settings) -> SandboxBackend:
    """A backend; the caller closes it.

    Nothing is connected yet: a missing engine shows as `PrerequisiteError` at the first call.
    """
    if settings.backend == "docker":
        return DockerBackend(settings)
    return ProcessBackend(settings.data_dir, settings.cache_dir)
