"""The world around the service: Clearhaven, the mailer, and a shop."""

from __future__ import annotations

import random

import pytest
from provider import Mailer, Provider
from shop import Shop

from harness.checks import Contract, Sut, Upstream


@pytest.fixture
def provider(upstreams: dict[str, Upstream], rng: random.Random, contract: Contract) -> Provider:
    """Clearhaven with a fresh ledger."""
    return Provider(upstreams["provider"], rng, slots=int(contract["provider_concurrency"]))


@pytest.fixture
def mailer(upstreams: dict[str, Upstream]) -> Mailer:
    """The mailer, which takes everything."""
    return Mailer(upstreams["mailer"])


@pytest.fixture
def sut(provider: Provider, mailer: Mailer, sut: Sut) -> Sut:  # noqa: ARG001 - order alone
    """The service, started after its dependencies are there."""
    return sut


@pytest.fixture
def shop(sut: Sut, provider: Provider, contract: Contract, rng: random.Random) -> Shop:
    """A shop that pays."""
    return Shop(sut, provider, contract, rng)
