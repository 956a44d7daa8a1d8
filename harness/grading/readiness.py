"""Whether a system under test starts, and if not, what hinders it, in words.

It is looked at from the grader, as the checks look at it: an answer counts when it
comes over the private network.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from harness.errors import SandboxError
from harness.grading.sut import Sut
from harness.models.sandbox import ExecResult, SandboxStatus
from harness.models.task import SutSpec
from harness.sandbox.protocol import SandboxEnvironment

LOOK_SEC = 2.0
"""The service's state is looked at this often while it is waited for."""
LOG_BYTES = 8192

PROBE = """
import http.client, json, signal, sys, time
host, port, path, seconds = sys.argv[1], int(sys.argv[2]), sys.argv[3], float(sys.argv[4])
end, seen = time.monotonic() + seconds, "refused"

def late(*_):
    raise TimeoutError

signal.signal(signal.SIGALRM, late)
while time.monotonic() < end:
    connection = http.client.HTTPConnection(host, port)
    try:
        # a socket's own timeout begins anew with every byte that drips in
        signal.setitimer(signal.ITIMER_REAL, 2)
        try:
            connection.request("GET", path)
            reply = connection.getresponse()
            reply.read(65536)
            seen = reply.status
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except ConnectionRefusedError:
        pass
    except OSError as exc:
        seen = "silent" if isinstance(exc, TimeoutError) else seen
    except http.client.HTTPException:
        seen = "no HTTP"
    finally:
        connection.close()
    if isinstance(seen, int) and 200 <= seen < 300:
        break
    time.sleep(0.05)
print(json.dumps(seen))
"""
"""Run by the grader: the last thing seen, a status or a word."""

LISTENING = """
import glob, json, os
inodes = set()
here = os.getcwd()
for folder in glob.glob("/proc/[0-9]*"):
    try:
        if os.path.commonpath([os.readlink(folder + "/cwd"), here]) != here:
            continue
        for name in os.listdir(folder + "/fd"):
            link = os.readlink(folder + "/fd/" + name)
            if link.startswith("socket:["):
                inodes.add(link[8:-1])
    except (OSError, ValueError):
        continue
ports = set()
for table in ("/proc/net/tcp", "/proc/net/tcp6"):
    try:
        rows = open(table).read().splitlines()[1:]
    except OSError:
        continue
    for row in rows:
        fields = row.split()
        if fields[3] == "0A" and fields[9] in inodes:
            ports.add(int(fields[1].rsplit(":", 1)[1], 16))
print(json.dumps(sorted(ports)))
"""
"""Run beside the service, in its folder: the ports its processes listen on."""


@dataclass(frozen=True)
class Hindrance:
    """Why a service did not become ready."""

    message: str
    """What happened, in one sentence about the service."""
    log_tail: str = ""


async def hindrance(sut: Sut, spec: SutSpec, grader: SandboxEnvironment) -> Hindrance | None:
    """Wait until the service is ready.

    Args:
        sut: Just started.
        spec: Its ready path and how long it may take.
        grader: Where to look from.

    Returns:
        None when it is ready, else what hindered it.

    Raises:
        SandboxError: We could not look.
    """
    left = spec.ready_timeout_sec
    host, _, port = sut.address.rpartition(":")
    seen: int | str = "refused"
    while left > 0:
        look = min(LOOK_SEC, left)
        arguments = (host, port, spec.ready_path, f"{look}")
        result = await grader.exec(
            ["python", "-I", "-c", PROBE, *arguments], timeout_sec=look + 20, output_limit=4096
        )
        seen = _answer(result)
        if isinstance(seen, int) and 200 <= seen < 300:  # noqa: PLR2004 - HTTP's own numbers
            return None
        left -= look
        if message := await _ended(sut):
            return Hindrance(message, await sut.log_tail(LOG_BYTES))
    message = await _explained(sut, spec, seen)
    return Hindrance(message, await sut.log_tail(LOG_BYTES))


async def _ended(sut: Sut) -> str:
    state = await sut.environment.state()
    if state.status is SandboxStatus.GONE:
        raise SandboxError(f"The container of {sut.id} is gone.")
    if state.status is not SandboxStatus.EXITED:
        return ""
    if state.oom_killed:
        return "The service ran out of memory before it was ready."
    if state.exit_code == 137:  # noqa: PLR2004 - 128 + SIGKILL
        return (
            "The service was killed (exit code 137) before it was ready: it ran out of memory "
            "unseen by the engine, or something in the container killed it."
        )
    return f"The service exited with code {state.exit_code} before it was ready."


async def _explained(sut: Sut, spec: SutSpec, seen: int | str) -> str:
    within = f"within {spec.ready_timeout_sec:g} s"
    if seen == "refused":
        ports = [
            port for port in await _listening(sut) if port != int(sut.address.rpartition(":")[2])
        ]
        elsewhere = f" It listens on {', '.join(map(str, ports))} instead." if ports else ""
        return f"The service never listened on port {spec.port} {within}.{elsewhere}"
    if isinstance(seen, int):
        what = f"the last answer was {seen}"
    elif seen == "silent":
        what = "it took the connection and sent no whole answer"
    else:
        what = f"got {seen}"
    return f"The service never got ready {within}: GET {spec.ready_path}: {what}."


async def _listening(sut: Sut) -> list[int]:
    """Ports of the service, as far as they can be seen; what its container says is not trusted."""
    try:
        result = await sut.environment.exec(
            ["python", "-I", "-c", LISTENING], timeout_sec=10, output_limit=4096
        )
        ports = json.loads(result.stdout)
    except (SandboxError, ValueError, RecursionError):
        return []
    if not isinstance(ports, list):
        return []
    return [port for port in ports if type(port) is int and 0 < port < 65536][:8]  # noqa: PLR2004 - TCP


def _answer(result: ExecResult) -> int | str:
    if result.timed_out and not result.stdout:
        return "silent"
    try:
        seen = json.loads(result.stdout)
    except (ValueError, RecursionError) as exc:
        raise SandboxError(
            f"The grader could not look at the service: exit {result.returncode}, "
            f"{result.stderr[-500:].decode(errors='replace')}"
        ) from exc
    return seen if isinstance(seen, int) else str(seen)
