"""A session before a real provider: the gateway reaches it, the workspace reaches the gateway."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

from harness.errors import PrerequisiteError, SandboxError, UsageError
from harness.loop import assistant as assistants
from harness.loop.assistant import assistant_of
from harness.loop.desk import Desk
from harness.loop.opening import open_session
from harness.loop.recovery import sweep
from harness.loop.submitting import end
from harness.loop.working import execute
from harness.models.event import ExchangeRecorded
from harness.models.exchange import Exchange
from harness.models.rubric import Rubric
from harness.models.session import Session
from harness.models.spending import Budget, Prices
from harness.models.task import Task
from harness.sandbox.hardening import HOST_NAME
from harness.settings import AssistantSettings, ProviderSettings

from .provider import MODEL, REAL_KEY, Provider, company_authority, providing
from .test_assistant import ASK


def host(desk: Desk) -> str:
    """Under which a gateway reaches this machine."""
    return HOST_NAME if desk.backend.isolates else "127.0.0.1"


def configured(desk: Desk, *, scheme: str = "http", port: int, **more: object) -> Desk:
    """The desk before a provider that speaks every format."""
    base = f"{scheme}://{host(desk)}:{port}/v1"
    one = ProviderSettings.model_validate({"base_url": base, "key": REAL_KEY, "model": MODEL})
    every = dict.fromkeys(("anthropic", "responses", "chat", "gemini"), one)
    settings = AssistantSettings.model_validate({**every, **more})
    desk.settings = desk.settings.model_copy(update={"assistant": settings})
    return desk


async def said(desk: Desk, session: Session, *argv: str) -> str:
    """What a command in the workspace prints, whether it works or not."""
    out: list[bytes] = []
    await execute(desk, session.id, argv, sink=out.append, timeout_sec=60)
    return b"".join(out).decode(errors="replace")


def exchanges(desk: Desk, session: Session) -> list[Exchange]:
    """Those in the record."""
    events = desk.store.events(session.id, kinds={"exchange"})
    return [e.payload.exchange for e in events if isinstance(e.payload, ExchangeRecorded)]


async def test_a_provider_answers_and_its_key_stays_outside(
    desk: Desk, toy: Task, rubric: Rubric, provider: Provider
) -> None:
    """The answer and its usage arrive; the real key is in no workspace and in no event."""
    prices = Prices(fresh_in=3, cache_read=0.3, cache_write=3.75, out=15)
    configured(
        desk,
        port=provider.port,
        models=("any", "stand-in-*"),
        budget=Budget(requests=2, usd=5),
        prices={"any": prices, "stand-in-*": prices},
    )
    session = await open_session(desk, toy, rubric, trusted=True, assistant="provider")
    opened = assistant_of(desk, session.id)
    assert opened is not None
    assert (opened.kind, opened.script_sha256) == ("provider", None)
    assert opened.providers["chat"] == f"{host(desk)}:{provider.port}"
    assert opened.budget.requests == 2
    assert "Three." in await said(desk, session, "python", "-c", ASK)
    assert provider.requests[-1].headers["Authorization"] == f"Bearer {REAL_KEY}"
    gateway = await desk.backend.attach(opened.container)
    await gateway.kill()
    assert "Three." in await said(desk, session, "python", "-c", ASK)
    assert "HTTP Error 403" in await said(desk, session, "python", "-c", ASK)
    await end(desk, session.id, by="interviewer")
    first, second, third = exchanges(desk, session)
    assert [first.usage, second.usage] == provider.usages
    assert first.charged_usd == pytest.approx(prices.usd(provider.usages[0]))
    assert first.script is None
    assert third.reason == "budget-requests"
    events = [event.model_dump_json() for event in desk.store.events(session.id)]
    assert not any(REAL_KEY in event for event in events)
    assert await desk.backend.objects() == []


async def test_a_company_of_its_own_authority(
    desk: Desk, toy: Task, rubric: Rubric, tmp_path: Path
) -> None:
    """A provider whose certificate the company signed is believed with `ca_bundle`, else not."""
    authority, tls = company_authority(tmp_path, f"DNS:{HOST_NAME}", "IP:127.0.0.1")
    async with providing(tls=tls) as provider:
        for bundle in (authority, None):
            configured(desk, scheme="https", port=provider.port, ca_bundle=bundle)
            session = await open_session(desk, toy, rubric, trusted=True, assistant="provider")
            heard = await said(desk, session, "python", "-c", ASK)
            assert ("Three." in heard) is (bundle is not None), heard
            await end(desk, session.id, by="interviewer")
            (exchange,) = exchanges(desk, session)
            assert exchange.reason == ("" if bundle else "upstream-down")
        assert len(provider.requests) == 1
        assert provider.requests[0].headers["Authorization"] == f"Bearer {REAL_KEY}"


ROUTES = """
import json, socket, sys
def answers(address):
    try:
        socket.create_connection(address, timeout=1.5).close()
    except OSError:
        return False
    return True
print(json.dumps([where for where in json.loads(sys.argv[1]) if answers(tuple(where))]))
"""


@pytest.mark.docker
@pytest.mark.parametrize("desk", ["docker"], indirect=True)
async def test_only_the_gateway_has_a_way_out(
    desk: Desk, toy: Task, rubric: Rubric, provider: Provider
) -> None:
    """The provider, this machine and the outer side of the gateway are nowhere for a workspace."""
    configured(desk, port=provider.port)
    session = await open_session(desk, toy, rubric, trusted=True, assistant="provider")
    opened = assistant_of(desk, session.id)
    assert opened is not None
    assert {"network", "egress"} <= {one.role for one in await desk.backend.objects(session.id)}
    gateway = await desk.backend.attach(opened.container)
    inside = "import socket; print(*sorted({a[4][0] for a in socket.getaddrinfo('%s', 1)}))"
    found = await gateway.exec(["python", "-c", inside % HOST_NAME], timeout_sec=30)
    machine = found.stdout.decode().split()
    own = (await gateway.exec(["hostname", "-I"], timeout_sec=30)).stdout.decode().split()
    assert len(own) == 2
    bridges = [f"{address.rpartition('.')[0]}.{last}" for address in own for last in range(1, 15)]
    places = [
        (name, provider.port)
        for name in (HOST_NAME, *machine, *bridges, socket.gethostbyname(socket.gethostname()))
    ]
    tried = ["python", "-c", ROUTES, json.dumps(places)]
    from_gateway = json.loads((await gateway.exec(tried, timeout_sec=120)).stdout)
    assert [HOST_NAME, provider.port] in from_gateway
    assert json.loads(await said(desk, session, *tried)) == []
    served = json.loads(await said(desk, session, "python", "-c", ROUTES, '[["assistant", 8080]]'))
    assert served == [["assistant", 8080]]
    looked = await said(desk, session, "sh", "-c", "env; grep -rsI . ~ /workspace /tmp /run")
    assert "hk-" in looked
    assert REAL_KEY not in looked
    forwards = await gateway.read_file("/proc/sys/net/ipv4/ip_forward")
    assert forwards.strip() == b"0"
    await end(desk, session.id, by="interviewer")
    assert await desk.backend.objects() == []


async def test_what_a_killed_harness_left_of_a_way_out_is_swept(
    desk: Desk, toy: Task, rubric: Rubric, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An opening that fails takes both networks away; what a killed one left is swept."""
    configured(desk, port=provider.port)

    async def broken(gateway: object) -> None:
        raise SandboxError("It does not come up.")

    monkeypatch.setattr(assistants, "_ready", broken)
    with pytest.raises(SandboxError, match="does not come up"):
        await open_session(desk, toy, rubric, trusted=True, assistant="provider")
    assert await desk.backend.objects() == []
    await desk.backend.create_network("260101-nobody", egress=True)
    assert [one.owner for one in await sweep(desk)] == ["260101-nobody"]
    assert await desk.backend.objects() == []


@pytest.mark.parametrize("desk", ["process"], indirect=True)
@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, "No provider is configured"),
        (
            {"chat": {"base_url": "https://llm.example/v1", "key_file": "/nowhere/key"}},
            "chat provider cannot be read from /nowhere/key",
        ),
        (
            {"chat": {"base_url": "https://llm.example/v1"}, "ca_bundle": os.devnull},
            "authorities in",
        ),
    ],
)
async def test_what_is_not_right_is_said_before_anything_is_made(
    desk: Desk, toy: Task, rubric: Rubric, settings: dict[str, object], told: str
) -> None:
    """The operator's turn; no session is begun."""
    assistant = AssistantSettings.model_validate(settings)
    desk.settings = desk.settings.model_copy(update={"assistant": assistant})
    with pytest.raises((UsageError, PrerequisiteError), match=told) as caught:
        await open_session(desk, toy, rubric, trusted=True, assistant="provider")
    assert caught.value.slug == "assistant-provider"
    assert desk.store.sessions() == []
