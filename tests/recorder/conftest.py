"""A store with one session, a real bash, and a work tree with its shadow."""

from __future__ import annotations

import pytest

from harness.recorder.shadow import ShadowRepository
from harness.store import Store
from harness.testing.builders import a_session

from .shells import LocalProcess


@pytest.fixture
def store(tmp_path):
    """An open store with one session at work."""
    with Store.open(f"sqlite:///{tmp_path / 'harness.db'}", tmp_path / "data") as opened:
        opened.create_session(a_session(status="running"))
        yield opened


@pytest.fixture
def session_id():
    """The id of that session."""
    return a_session().id


@pytest.fixture
def process(tmp_path):
    """Starts processes of this machine and leaves none behind."""
    started = []
    home = tmp_path / "home"
    home.mkdir()

    def start(argv, **options):
        one = LocalProcess(argv, home=home, **options)
        started.append(one)
        return one

    yield start
    for one in started:
        one.close()


@pytest.fixture
def tree(tmp_path):
    """A small work tree."""
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "app.py").write_text("one\ntwo\nthree\n")
    (folder / "tests").mkdir()
    (folder / "tests" / "test_app.py").write_text("def test(): pass\n")
    return folder


@pytest.fixture
def shadow(tmp_path, tree):
    """A shadow repository of it."""
    repository = ShadowRepository(tmp_path / "shadow.git", tree)
    yield repository
    repository.close()
