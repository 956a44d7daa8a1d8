"""Owners that live as long as the process that made them, such as a grading's.

A session outlives the commands that work on it, so the store knows whether it is in
use. A grading does not: its id says which process runs it, and the reaper asks the
kernel.
"""

from __future__ import annotations

import os
import re
import secrets
from datetime import UTC, datetime

from harness.sandbox.process_tree import alive
from harness.sandbox.supervisor import start_time

_PATTERN = re.compile(r"[a-z]+-\d{6}-[0-9a-f]{8}-(?P<pid>\d+)-(?P<started>\d+)")


def process_owner(kind: str) -> str:
    """A fresh owner id for something that this process does.

    Args:
        kind: Lower-case letters, such as "g" for a grading.
    """
    pid = os.getpid()
    today = datetime.now(UTC)
    return f"{kind}-{today:%y%m%d}-{secrets.token_hex(4)}-{pid}-{start_time(pid)}"


def made_by_live_process(owner: str) -> bool:
    """Whether the process that made this id still runs; False for ids of another form."""
    found = _PATTERN.fullmatch(owner)
    return found is not None and alive(int(found["pid"]), int(found["started"]))
