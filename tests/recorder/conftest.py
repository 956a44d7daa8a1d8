"""A store with one session, and a real bash."""

from __future__ import annotations

import pytest

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
