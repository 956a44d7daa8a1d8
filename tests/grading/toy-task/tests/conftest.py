"""The provider on a good day."""

import pytest

from harness.checks import Answer, Sut, Upstream


@pytest.fixture
def provider(upstreams: dict[str, Upstream]) -> Upstream:
    """Has a price."""
    upstreams["provider"].route("GET", "/price", lambda _: Answer(200, {"price": 7}))
    return upstreams["provider"]


@pytest.fixture
def sut(provider: Upstream, sut: Sut) -> Sut:
    """Started after the provider is there."""
    return sut
