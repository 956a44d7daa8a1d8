"""The tree under test as files: its sources, and a test suite in a changed copy of it.

Runs beside the module, see `stage.py`.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MAX_REPORT_BYTES = 1_000_000
MAX_SOURCES_BYTES = 1_000_000
TAIL_BYTES = 8192


def run_suite(request: dict[str, Any], tree: str) -> dict[str, Any]:
    """Run a command in a copy of the tree with other files laid over it."""
    with tempfile.TemporaryDirectory(prefix="suite-") as folder:
        scratch = Path(folder)
        copy = scratch / "tree"
        shutil.copytree(tree, copy, symlinks=True, ignore_dangling_symlinks=True)
        for name in request["remove"]:
            shutil.rmtree(copy / name, ignore_errors=True)
            if (copy / name).is_symlink() or (copy / name).is_file():
                (copy / name).unlink()
        for name, text in request["files"].items():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_text(text, encoding="utf-8", newline="")
        (scratch / "_harness_report.py").write_text(request["plugin"], encoding="utf-8")
        return _run(request, copy, scratch)


def _run(request: dict[str, Any], copy: Path, scratch: Path) -> dict[str, Any]:
    report, output = scratch / "report", scratch / "output"
    command = [sys.executable if part == "python" else part for part in request["argv"]]
    env = {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "PYTHONPATH": str(scratch),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HARNESS_REPORT": str(report),
        "HARNESS_ONLY": json.dumps(request["only"]),
    }
    with output.open("wb") as sink:
        process = subprocess.Popen(
            command,
            cwd=copy,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code: int | None = process.wait(float(request["limit_sec"]))
        except subprocess.TimeoutExpired:
            code = None
        finally:
            _end(process.pid)
            process.wait()
    return {"code": code, "report": _start(report), "tail": _tail(output)}


def _end(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except OSError:
        return  # it has ended, and all that it started with it


def _start(path: Path) -> str:
    """Nothing when it is too long: then it is not what was asked for."""
    if path.is_symlink() or not path.is_file() or path.stat().st_size > MAX_REPORT_BYTES:
        return ""
    return path.read_text(encoding="utf-8", errors="replace")


def _tail(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL_BYTES))
        return file.read(TAIL_BYTES).decode("utf-8", "replace")


def sources(tree: str, paths: list[str]) -> dict[str, str]:
    """The text of the Python files among these files and below these folders."""
    found: dict[str, str] = {}
    total = 0
    for path in _python_files(Path(tree), paths):
        total += path.stat().st_size
        if total > MAX_SOURCES_BYTES:
            break
        found[path.relative_to(tree).as_posix()] = path.read_text("utf-8", "replace")
    return found


def _python_files(tree: Path, paths: list[str]) -> Iterator[Path]:
    for name in paths:
        start = tree / name
        for path in sorted(start.rglob("*.py")) if start.is_dir() else [start]:
            if path.suffix == ".py" and path.is_file() and not path.is_symlink():
                yield path
