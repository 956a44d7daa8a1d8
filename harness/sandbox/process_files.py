"""Files of a sandbox that has no root of its own: paths inside, bytes on the host."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path, PurePosixPath

from harness.errors import OutputLimitExceededError
from harness.sandbox.process_record import PathMap


class MountedFiles:
    """What `read_file` and `write_file` see; both block."""

    def __init__(self, paths: PathMap, workdir: str) -> None:
        self._paths = paths
        self._workdir = PurePosixPath(workdir)

    def read(self, path: str, max_bytes: int) -> bytes:
        """A regular file's bytes, with the errors of `SandboxEnvironment.read_file`."""
        host = self._paths.host(self._inside(path))
        fd = os.open(host, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe must not block us
        try:
            mode = os.fstat(fd).st_mode
            if stat.S_ISDIR(mode):
                raise IsADirectoryError(f"{path} is a folder")
            if not stat.S_ISREG(mode):
                raise OSError(errno.EINVAL, "not a regular file", path)
            with os.fdopen(fd, "rb", closefd=False) as file:
                data = file.read(max_bytes + 1)
        finally:
            os.close(fd)
        if len(data) > max_bytes:
            raise OutputLimitExceededError(f"{path} has more than {max_bytes} bytes.")
        return data

    def write(self, path: str, data: bytes) -> None:
        """Create or replace a file, with the errors of `SandboxEnvironment.write_file`."""
        inside = self._inside(path)
        mount = self._paths.mount(inside)
        if mount is None or mount.read_only:
            raise PermissionError(f"{path} is not on a writable mount")
        host = Path(self._paths.host(inside))
        host.parent.mkdir(parents=True, exist_ok=True)
        host.write_bytes(data)

    def _inside(self, path: str) -> str:
        return os.path.normpath(self._workdir / path)
