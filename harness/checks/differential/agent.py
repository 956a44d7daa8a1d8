"""The listener of a system under test of kind refactor; its main process.

Laid beside the tree and started alone: standard library only, nothing of ours. One port.
`GET` is answered with 200, so that readiness is the service's. A connection that begins with
a frame is a stage: a Python of its own with the wanted hash seed, time zone and folder, see
`stage.py`. No line of the module ever runs in this process.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

STAGE = Path(__file__).resolve().with_name("stage.py")
MAX_HELLO = 64 * 1024
HELLO_SEC = 10.0


def listen() -> None:
    """Answer until somebody ends us."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    server = socket.create_server((os.environ["HOST"], int(os.environ["PORT"])), backlog=64)
    while True:
        connection, _ = server.accept()
        threading.Thread(target=_meet, args=(connection,), daemon=True).start()


def _meet(connection: socket.socket) -> None:
    try:
        with connection:
            connection.settimeout(HELLO_SEC)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            start = connection.recv(4, socket.MSG_PEEK)
            if start == b"GET ":
                connection.recv(4096)
                connection.sendall(
                    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
                )
                return
            hello = _hello(connection)
            token = os.environ.get("MODULE_TOKEN", "")
            if isinstance(hello, dict) and (not token or hello.pop("token", None) == token):
                connection.settimeout(None)
                _stage(connection, hello)
    except (OSError, ValueError):
        return


def _hello(connection: socket.socket) -> Any:  # noqa: ANN401 - JSON
    """What a grader says first: a length of four bytes, and JSON."""
    (size,) = struct.unpack(">I", _exactly(connection, 4))
    if size > MAX_HELLO:
        raise ValueError("a hello is not that long")
    return json.loads(_exactly(connection, size))


def _exactly(connection: socket.socket, count: int) -> bytes:
    held = bytearray()
    while len(held) < count:
        chunk = connection.recv(count - len(held))
        if not chunk:
            raise ConnectionError("nobody is there any more")
        held += chunk
    return bytes(held)


def _stage(connection: socket.socket, hello: dict[str, Any]) -> None:
    cwd = tempfile.mkdtemp(prefix="stage-")
    env = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": cwd,
        "LANG": "C.UTF-8",
        "PYTHONHASHSEED": str(int(hello.get("hash_seed", 0))),
        "PYTHONDONTWRITEBYTECODE": "1",
        "TZ": str(hello.get("tz", "UTC")),
        "TREE": os.environ.get("TREE", "/workspace"),
    }
    number = connection.fileno()
    command = [sys.executable, "-P", "-s", str(STAGE), str(number), json.dumps(hello)]
    stage = subprocess.Popen(
        command,
        cwd=cwd,
        env=env,
        pass_fds=[number],
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        stage.wait()
    finally:
        shutil.rmtree(cwd, ignore_errors=True)


if __name__ == "__main__":
    listen()
