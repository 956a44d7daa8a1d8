"""Git as a tool for the shadow repository: our configuration, bounds and errors.

No command here is ever given a work tree, so nothing that a candidate writes
(attributes, filters, hooks, configuration, nested repositories) is read by git
as more than bytes in an object.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from harness.errors import PrerequisiteError, RecordingError

if TYPE_CHECKING:
    import git

REF = "refs/heads/record"
"""The chain of snapshots."""

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
"""Git's id of a tree without entries."""

BIG_FILE = "2m"
"""Files above are treated as binary: no line counts, no delta compression."""

_CONFIG = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.protectNTFS=false",  # names such as `.GIT` or `a:b` are ordinary on Linux
    "core.protectHFS=false",
    "core.autocrlf=false",
    "core.symlinks=true",
    "gc.auto=0",
    f"core.bigFileThreshold={BIG_FILE}",
    "fastimport.unpackLimit=1",
    "pack.threads=1",
)

_REPOSITORY = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n"

_ATTRIBUTES = """\
# Highest precedence: a candidate's .gitattributes, which newer versions of git
# also read from trees of bare repositories, change nothing about what is shown.
* !diff !text !eol !ident !filter !merge !working-tree-encoding !export-ignore !export-subst
*.py diff=python
*.go diff=golang
*.rs diff=rust
*.java diff=java
*.md diff=markdown
*.css diff=css
*.html diff=html
"""


def object_id(kind: bytes, data: bytes) -> str:
    """Git's id of an object."""
    digest = hashlib.sha1(b"%b %d\0" % (kind, len(data)), usedforsecurity=False)
    digest.update(data)
    return digest.hexdigest()


def load_gitpython() -> type[git.Git]:
    """GitPython's command wrapper.

    Raises:
        PrerequisiteError: There is no `git` program on this machine.
    """
    try:
        import git  # noqa: PLC0415  # its import fails without a git program
    except ImportError as exc:
        raise PrerequisiteError(
            "Recording needs the 'git' program, which is not on PATH.",
            remedy="Install git (Debian/Ubuntu: apt-get install git).",
            slug="git-missing",
        ) from exc
    return git.Git


class Plumbing:
    """Runs git on one bare repository of ours, with pinned environment and configuration."""

    def __init__(self, git_dir: Path) -> None:
        self.git_dir = git_dir
        git_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._git = load_gitpython()(str(git_dir))
        self._git.update_environment(**_environment(git_dir))

    def ensure_repository(self) -> None:
        """Make the repository unless it is there.

        Written by hand, since `git init` refuses the pinned environment. HEAD names no
        branch that exists, so no commit's attributes count as the repository's own.
        Source: gitrepository-layout(5).
        """
        for folder in ("objects", "refs/heads", "info"):
            (self.git_dir / folder).mkdir(parents=True, exist_ok=True)
        (self.git_dir / "HEAD").write_text("ref: refs/heads/unused\n")
        (self.git_dir / "config").write_text(_REPOSITORY)
        (self.git_dir / "info" / "attributes").write_text(_ATTRIBUTES)

    def clear_leftovers(self) -> None:
        """Remove locks and half-written files of a git that was killed. Call it under our lock."""
        for pattern in (
            "refs/**/*.lock",
            "refs/**/tmp_*",
            "*.lock",
            "objects/**/tmp_*",
            "fast_import_crash_*",
        ):
            for path in self.git_dir.glob(pattern):
                if path.name != "recorder.lock":
                    path.unlink(missing_ok=True)

    def run(self, *args: str, max_bytes: int | None = None, timeout_sec: float = 30.0) -> bytes:
        """One git command's standard output, cut at `max_bytes`.

        Raises:
            RecordingError: It failed, or did not finish in time.
        """
        with self.start(*args, timeout_sec=timeout_sec) as process:
            stdout = _stream(process.stdout)
            out = stdout.read() if max_bytes is None else stdout.read(max_bytes)
            if max_bytes is not None and len(out) == max_bytes:
                process.kill()
                process.wait()
                return out
            self.finish(process, args[0])
        return out

    @contextmanager
    def start(
        self, *args: str, stdin: bool = False, timeout_sec: float = 30.0
    ) -> Iterator[subprocess.Popen[bytes]]:
        """A running git command; killed when `timeout_sec` is over or the block is left."""
        command = ["git"]
        for setting in _CONFIG:
            command += ["-c", setting]
        command += ["--literal-pathspecs", *args]
        wrapped = self._git.execute(
            command, as_process=True, istream=subprocess.PIPE if stdin else None
        )
        process: subprocess.Popen[bytes] = wrapped.proc  # type: ignore[assignment]  # is running
        watchdog = threading.Timer(timeout_sec, process.kill)
        watchdog.daemon = True
        watchdog.start()
        try:
            yield process
        finally:
            watchdog.cancel()
            if process.poll() is None:
                process.kill()
                process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                _close(stream)

    def finish(self, process: subprocess.Popen[bytes], name: str) -> None:
        """Wait for a command whose output was read.

        Raises:
            RecordingError: It did not end well; the message has git's own words.
        """
        stderr = _stream(process.stderr).read(4096)
        if process.wait() != 0:
            words = stderr.decode("utf-8", "replace").strip() or f"status {process.returncode}"
            raise RecordingError(
                f"The shadow repository {self.git_dir} failed at 'git {name}': {words}",
                remedy="Look at the disk's free space and the folder's permissions; "
                "recording goes on by itself once it works again.",
                slug="recording-shadow",
            )


def _stream(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None  # every stream we read was opened as a pipe
    return stream


def _close(stream: IO[bytes] | None) -> None:
    if stream is None:
        return
    try:
        stream.close()
    except BrokenPipeError:  # unsent input of a process that is gone
        return


def _environment(git_dir: Path) -> dict[str, str]:
    """Overrides every inherited variable that would move git elsewhere or run something."""
    folder = str(git_dir)
    return {
        "GIT_DIR": folder,
        "GIT_COMMON_DIR": folder,
        "GIT_WORK_TREE": folder,
        "GIT_OBJECT_DIRECTORY": str(git_dir / "objects"),
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": "",
        "GIT_INDEX_FILE": str(git_dir / "index"),
        "GIT_NAMESPACE": "",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_COUNT": "0",
        "GIT_CONFIG_PARAMETERS": "",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_DEFAULT_HASH": "sha1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_DIFF_OPTS": "",
        "GIT_TRACE": "0",
        "GIT_AUTHOR_NAME": "recorder",
        "GIT_AUTHOR_EMAIL": "recorder@harness.invalid",
        "GIT_COMMITTER_NAME": "recorder",
        "GIT_COMMITTER_EMAIL": "recorder@harness.invalid",
        "HOME": folder,
        "XDG_CONFIG_HOME": folder,
    }
