"""Real things are tried for real, by flag."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says how busy the machine is: bench/ measures, tests do not.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

FLAGS = {
    "docker": "tries a real Docker engine",
    "postgres": "starts a real PostgreSQL server on a private socket",
    "browser": "looks at pages in a real Chromium",
    "slow": "runs tests that take more than a few seconds",
    "proof": "grades whole submissions with every hidden check; minutes, on a quiet machine",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add a flag for each real thing."""
    for flag, text in FLAGS.items():
        parser.addoption(f"--{flag}", action="store_true", help=text)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what was not asked for, saying which flag asks for it."""
    for item in items:
        for flag in FLAGS:
            if flag in item.keywords and not config.getoption(f"--{flag}"):
                item.add_marker(pytest.mark.skip(reason=f"needs --{flag}"))


TEST_LIMIT_SEC = 600
"""No test may take longer: a hang is a failure with a traceback, not a silent CI."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Fail a test that hangs."""

    def hangs(signum: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"{item.nodeid} did not end within {TEST_LIMIT_SEC} s")

    limit = TEST_LIMIT_SEC * (6 if "proof" in item.keywords else 1)
    before = signal.signal(signal.SIGALRM, hangs)
    signal.alarm(limit)
    try:
        return (yield)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


NOBODY = 65534
"""An ordinary user's number."""


@pytest.fixture
def as_nobody() -> Iterator[Path]:
    """A folder of an ordinary user's, who we are for a while when we are root."""
    with tempfile.TemporaryDirectory() as place:
        if os.geteuid() != 0:
            yield Path(place)
            return
        os.chown(place, NOBODY, NOBODY)
        os.seteuid(NOBODY)
        try:
            yield Path(place)
        finally:
            os.seteuid(0)


_CHROMIUM = [
    "--no-sandbox",  # tests run as root in CI; the page is our own file
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser() -> Iterator:
    """Debian's Chromium with a profile of its own."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium")
    assert path is not None, "--browser needs Debian's chromium on the PATH"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_CHROMIUM)
        yield browser
        browser.close()
