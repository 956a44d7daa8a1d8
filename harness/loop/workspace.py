"""The candidate's place of work: what lies in its volume and how its container is started."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from harness.errors import SandboxError
from harness.gateway import chat as chat_program
from harness.models.sandbox import Mount, ResourceLimits, SandboxSpec, Volume
from harness.models.session import Session
from harness.models.task import Task
from harness.reviews import command
from harness.reviews.repository import lay_out
from harness.sandbox.protocol import SandboxEnvironment

REPO = "/workspace"
HOME = "/home/candidate"

_IDENTITY = """
git config --global user.name Candidate &&
git config --global user.email candidate@example.invalid &&
git config --global --add safe.directory /workspace
"""

_FIRST_COMMIT = f"""{_IDENTITY.strip()} &&
git init -q -b main . && git add -A &&
git -c user.name=Team -c user.email=team@example.invalid commit -q -m "The service as it stands"
"""


def seed(volume: Volume, task: Task, *, chat: bool = False) -> Path:
    """Fill an empty volume with the task's repository and the brief; returns the work tree.

    Args:
        chat: There is an assistant that our own program for the terminal can talk with.
    """
    root = Path(volume.path)
    owner = root.stat()
    tree = root / "repo"
    if task.spec.interview.kind == "review":
        lay_out(task, tree)
    else:
        shutil.copytree(
            task.repo, tree, symlinks=True, ignore=shutil.ignore_patterns("__pycache__", ".git")
        )
    shutil.copyfile(task.instruction, tree / "INSTRUCTION.md")
    home = root / "home"
    home.mkdir()
    programs = {"review": command.__file__} if task.spec.interview.kind == "review" else {}
    if chat:
        programs["harness-chat"] = chat_program.__file__
    _bring(programs, home)
    for folder, folders, files in os.walk(root):
        for name in [*folders, *files]:
            os.chown(Path(folder) / name, owner.st_uid, owner.st_gid, follow_symlinks=False)
    return tree


def _bring(programs: Mapping[str, str], home: Path) -> None:
    """Put programs of ours, by name, on the path of the candidate's shell."""
    if not programs:
        return
    folder = home / ".local" / "bin"
    folder.mkdir(parents=True)
    for name, source in programs.items():
        shutil.copyfile(source, folder / name)
        (folder / name).chmod(0o755)
    (home / ".bashrc").write_text('PATH="$HOME/.local/bin:$PATH"\n', encoding="utf-8")


def fill_home(volume: Volume, files: Mapping[str, bytes]) -> None:
    """Put files into the candidate's home, by their paths below it."""
    home = Path(volume.path) / "home"
    owner = home.stat()
    for name, content in files.items():
        path = home / name
        for folder in reversed(path.relative_to(home).parents[:-1]):
            (home / folder).mkdir(exist_ok=True)
            os.chown(home / folder, owner.st_uid, owner.st_gid)
        path.write_bytes(content)
        os.chown(path, owner.st_uid, owner.st_gid)


def workspace_spec(
    session: Session,
    task: Task,
    volume: Volume,
    more_env: Mapping[str, str],
    *,
    more_memory_mb: int = 0,
) -> SandboxSpec:
    """The workspace's container: the volume's two folders, names of upstreams, Harbor's limits.

    Args:
        more_env: Where the assistant is, when the session has one.
        more_memory_mb: What assistants' programs need beside the task.
    """
    assert session.image is not None
    environment = task.spec.environment
    sut = task.spec.interview.sut
    env = {"HOME": HOME, "LANG": "C.UTF-8", **more_env}
    if sut is not None:
        env |= {name: value for name, value in sut.env.items() if value != sut.data_dir}
    return SandboxSpec(
        owner=session.id,
        role="workspace",
        image=session.image,
        env=env,
        workdir=REPO,
        network=session.network,
        hosts={upstream.host: "127.0.0.1" for upstream in task.spec.interview.upstreams},
        mounts=(
            Mount(source=str(Path(volume.path) / "repo"), target=REPO),
            Mount(source=str(Path(volume.path) / "home"), target=HOME),
        ),
        limits=ResourceLimits(
            cpus=environment.cpus,
            memory_mb=environment.memory_mb + more_memory_mb,
            pids=512,
            tmp_mb=256,
        ),
    )


async def make_history(workspace: SandboxEnvironment, task: Task) -> None:
    """Give the repository its first commit, made inside; a review task's has its history.

    Raises:
        SandboxError: git did not work in the image.
    """
    script = _IDENTITY if task.spec.interview.kind == "review" else _FIRST_COMMIT
    result = await workspace.exec(["sh", "-c", script], timeout_sec=60)
    if not result.success:
        reason = result.stderr.decode(errors="replace").strip()[-500:]
        raise SandboxError(
            f"The workspace's repository could not be prepared: git said {reason!r}.",
            remedy="Check that the task's image has git and that its repository fits the volume.",
        )
