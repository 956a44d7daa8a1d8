"""Reading and writing files from inside a sandbox, so that links and rights are its own.

`docker cp` would run as root and cannot see tmpfs; this runs as the sandbox's user.
"""

from __future__ import annotations

import errno
import os

from harness.errors import OutputLimitExceededError, SandboxError
from harness.sandbox.protocol import SandboxEnvironment

PYTHON = "/opt/harness/python"
"""A link in our images to the interpreter that runs what we bring."""

_TIMEOUT_SEC = 60.0
_ERRNO_BASE = 100
"""Exit statuses above it are an errno; below it nothing of ours ends."""

# The shell starts ten times as fast as Python. What is no regular file counts as not there.
_READ = """
[ -d "$1" ] && exit 121
[ -f "$1" ] || exit 102
[ -r "$1" ] || exit 113
exec head -c "$2" -- "$1"
"""
_WRITE = """
import os, sys
path = sys.argv[1]
try:
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "wb") as file: file.write(sys.stdin.buffer.read())
except OSError as error:
    os._exit(100 + (error.errno or 5))
"""
_REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS)


async def read_file(sandbox: SandboxEnvironment, path: str, max_bytes: int) -> bytes:
    """A regular file's bytes; raises as `SandboxEnvironment.read_file` says."""
    command = ["/bin/sh", "-c", _READ, "read", path, str(max_bytes + 1)]
    result = await sandbox.exec(command, timeout_sec=_TIMEOUT_SEC, output_limit=max_bytes + 4096)
    _raise_for(result.returncode, "read", path, sandbox)
    if len(result.stdout) > max_bytes:
        raise OutputLimitExceededError(f"{path} in {sandbox.id[:12]} is over {max_bytes} bytes.")
    return result.stdout


async def write_file(sandbox: SandboxEnvironment, path: str, data: bytes) -> None:
    """Create or replace a file; raises as `SandboxEnvironment.write_file` says."""
    command = [PYTHON, "-I", "-S", "-c", _WRITE, path]
    result = await sandbox.exec(command, timeout_sec=_TIMEOUT_SEC, stdin=data)
    _raise_for(result.returncode, "written", path, sandbox)


def _raise_for(status: int, verb: str, path: str, sandbox: SandboxEnvironment) -> None:
    if status == 0:
        return
    if status <= _ERRNO_BASE or status - _ERRNO_BASE not in errno.errorcode:
        raise SandboxError(f"{path} in {sandbox.id[:12]} could not be {verb}: status {status}.")
    number = status - _ERRNO_BASE
    if number in _REFUSED:
        raise PermissionError(number, os.strerror(number), path)
    if number == errno.ENOTDIR and verb == "read":
        number = errno.ENOENT
    raise OSError(number, os.strerror(number), path)
