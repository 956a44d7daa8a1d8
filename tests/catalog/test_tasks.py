"""Tasks are found on the search path, and a broken one says where it is broken."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from harness.catalog.digest import tree_digest
from harness.catalog.tasks import TaskCatalog, read_task
from harness.errors import TaskFormatError, TaskNotFoundError
from harness.settings import GitSource, Settings

from .conftest import TASK_TOML, write


def test_reads_a_task(toy: Path, settings: Settings) -> None:
    """A private task is found by its folder's name, upstreams included."""
    task = TaskCatalog(settings).find_task("toy")
    assert task.path == toy
    assert [(up.host, up.port) for up in task.spec.interview.upstreams] == [("provider", 9100)]


def test_reads_a_task_by_path(toy: Path, settings: Settings) -> None:
    """A path names a template that is on no search path."""
    outside = toy.rename(toy.parent.parent / "elsewhere")
    assert TaskCatalog(settings).find_task(str(outside)).name == "elsewhere"


def test_private_folder_wins_over_the_project(toy: Path, settings: Settings) -> None:
    """The first match on the search path is taken."""
    write(Path.cwd() / "tasks/toy/task.toml", TASK_TOML.replace("1.0.0", "2.0.0"))
    assert TaskCatalog(settings).find_task("toy").spec.task.version == "1.0.0"
    listed = [item for item in TaskCatalog(settings).tasks() if item.name == "toy"]
    assert [item.origin for item in listed] == ["private folder"]


def test_unknown_task_suggests_and_says_where_it_looked(toy: Path, settings: Settings) -> None:
    """A misspelt name gets the nearest names and the folders."""
    with pytest.raises(TaskNotFoundError) as caught:
        TaskCatalog(settings).find_task("tyo")
    assert "Did you mean 'toy'?" in caught.value.message
    assert f"{toy.parent} (private folder)" in caught.value.message
    assert "built in" in caught.value.message


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("minutes = 30", "minutes = = 30", 13, ["not valid TOML"]),
        ("minutes = 30", "minutes = -1", 13, ["interview.minutes", "greater than 0", "-1"]),
        ('kind = "service"', 'kind = "quiz"', 11, ["'service', 'refactor' or 'review'", "quiz"]),
        ("port = 8000", "port = 8000\nprot = 1", 21, ["interview.sut.prot", "ready_path"]),
        ("port = 9100", "port = 0", 24, ["interview.upstreams.0.port"]),
        ('title = "Toy"\n', "", 10, ["interview.title: missing"]),
        ('level = "senior"', 'level = "wizard"', 14, ["'junior'", "'staff'"]),
    ],
)
def test_malformed_task_toml(
    toy: Path, settings: Settings, *, old: str, new: str, line: int, words: list[str]
) -> None:
    """An error names file, line, key, and what is allowed."""
    path = toy / "task.toml"
    assert old in TASK_TOML
    path.write_text(TASK_TOML.replace(old, new))
    with pytest.raises(TaskFormatError) as caught:
        TaskCatalog(settings).find_task("toy")
    assert caught.value.message.startswith(f"{path}:{line}: ")
    for word in words:
        assert word in caught.value.message


def test_broken_template_is_listed(toy: Path, settings: Settings) -> None:
    """A task that cannot be read stands in the list with its error, and the others stay."""
    write(toy.parent / "broken/task.toml", "[task]\n")
    listed = {item.name: item for item in TaskCatalog(settings).tasks()}
    assert listed["toy"].task is not None
    assert "broken/task.toml:1: task.name: missing" in (listed["broken"].error or "")


def test_not_utf8(toy: Path, settings: Settings) -> None:
    """A binary task.toml is refused with its line."""
    (toy / "task.toml").write_bytes(b"[task]\nname = '\xff'\n")
    with pytest.raises(TaskFormatError, match=r"task\.toml:2: not UTF-8"):
        TaskCatalog(settings).find_task("toy")


def test_digest_ignores_what_tools_leave_behind(toy: Path) -> None:
    """Caches and times do not change the digest; content and names do."""
    before = read_task(toy).digest
    write(toy / "tests/__pycache__/x.pyc", "x")
    os.utime(toy / "instruction.md", (0, 0))
    assert read_task(toy).digest == before
    (toy / "environment/repo/toy.py").rename(toy / "environment/repo/toy2.py")
    assert read_task(toy).digest != before


@pytest.mark.parametrize("target", ["/etc/passwd", "../../../../outside"])
def test_digest_rejects_links_out_of_the_folder(toy: Path, target: str) -> None:
    """A symbolic link that escapes is an error; one that stays inside is fine."""
    (toy / "environment/inside").symlink_to("repo/toy.py")
    tree_digest(toy)
    (toy / "environment/link").symlink_to(target)
    with pytest.raises(TaskFormatError, match="leads out of"):
        tree_digest(toy)


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder, with nobody's configuration."""
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.invalid")
    command = ["git", *identity, *arguments]
    return subprocess.check_output(command, cwd=folder, env=env, text=True).strip()


@pytest.fixture
def source(toy: Path) -> GitSource:
    """A git repository with the toy as `git-toy`, and a newer commit that removes it."""
    repo = toy.parent.parent / "company"
    (repo / "tasks").mkdir(parents=True)
    toy.rename(repo / "tasks/git-toy")
    git(repo, "init", "-q")
    git(repo, "add", ".")
    git(repo, "commit", "-qm", "one")
    commit = git(repo, "rev-parse", "HEAD")
    git(repo, "rm", "-rq", "tasks")
    git(repo, "commit", "-qm", "two")
    return GitSource(url=str(repo), commit=commit)


def test_git_source_at_its_commit(source: GitSource, settings: Settings) -> None:
    """A git source gives the pinned commit, and is not asked again once cached."""
    configured = settings.model_copy(update={"git_sources": (source,)})
    first = TaskCatalog(configured).find_task("git-toy")
    assert first.path.is_relative_to(settings.cache_dir / "sources")
    Path(source.url).rename(Path(source.url).parent / "moved")
    assert TaskCatalog(configured).find_task("git-toy").digest == first.digest


def test_git_source_runs_no_filter(
    source: GitSource, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A .gitattributes in the source makes no filter of the operator's configuration run."""
    repo = Path(source.url)
    git(repo, "checkout", "-q", source.commit)
    write(repo / ".gitattributes", "* filter=evil\n")
    git(repo, "add", ".")
    git(repo, "commit", "-qm", "attributes")
    pinned = GitSource(url=source.url, commit=git(repo, "rev-parse", "HEAD"))
    config = write(
        tmp_path / "gitconfig", f'[filter "evil"]\n smudge = touch {tmp_path}/ran; cat\n'
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    TaskCatalog(settings.model_copy(update={"git_sources": (pinned,)})).find_task("git-toy")
    assert not (tmp_path / "ran").exists()


def test_unreachable_git_source(settings: Settings, tmp_path: Path) -> None:
    """An unreachable source is listed with its error and named when a task is not found."""
    gone = GitSource(url=str(tmp_path / "nowhere"), commit="0" * 40)
    configured = settings.model_copy(update={"git_sources": (gone,)})
    listed = [item for item in TaskCatalog(configured).tasks() if item.error]
    assert len(listed) == 1
    assert "cannot be fetched" in (listed[0].error or "")
    with pytest.raises(TaskNotFoundError, match="unreachable"):
        TaskCatalog(configured).find_task("absent")
    assert not list((settings.cache_dir / "sources").iterdir())
