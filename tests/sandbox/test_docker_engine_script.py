"""`.ci/engine` says what it does, and stops nothing that it did not start."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / ".ci" / "engine"


def engine(
    tmp_path: Path, *arguments: str, before: tuple[str, ...] = (), **env: str
) -> subprocess.CompletedProcess[str]:
    """Run the script with a record of its own and no engine to find."""
    return subprocess.run(
        [*before, "bash", "-s", *arguments],
        input=SCRIPT.read_text("utf-8"),
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env={
            **os.environ,
            "HARNESS_DATA_DIR": str(tmp_path),
            "DOCKER_HOST": f"unix://{tmp_path}/none.sock",
            **env,
        },
    )


def test_without_root_it_says_what_to_do(tmp_path: Path) -> None:
    """Exit 3, with the package to install."""
    nobody = ("setpriv", "--reuid=65534", "--clear-groups") if os.geteuid() == 0 else ()
    answer = engine(tmp_path, before=nobody)
    assert answer.returncode == 3
    assert "apt-get install docker.io" in answer.stderr


def test_stop_without_start_stops_nothing(tmp_path: Path) -> None:
    """An engine that somebody else runs is none of its business."""
    answer = engine(tmp_path, "stop")
    assert answer.returncode == 0
    assert "nothing to stop" in answer.stderr


def test_a_process_id_used_again_is_not_killed(tmp_path: Path) -> None:
    """The record holds when the process began, so that a later one with its id is spared."""
    with subprocess.Popen(["sleep", "60"]) as other:
        try:
            (tmp_path / "engine.pid").write_text(f"{other.pid} 1\n")
            answer = engine(tmp_path, "stop")
            assert answer.returncode == 0
            assert "ended already" in answer.stderr
            assert other.poll() is None
        finally:
            other.kill()


@pytest.mark.docker
def test_an_answering_engine_is_left_as_it_is(tmp_path: Path) -> None:
    """Nothing is installed, started or recorded."""
    answer = engine(
        tmp_path, DOCKER_HOST=os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    )
    assert (answer.returncode, answer.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == []
