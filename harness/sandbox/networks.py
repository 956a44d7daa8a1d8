"""Private networks: peers reach each other, nothing else, the host neither. And ways out.

`internal` alone is not enough: the host keeps an address on the bridge, and whatever
listens on 0.0.0.0 answers there. So the bridge gets none: `inhibit_ipv4` up to engine
27, gateway mode `isolated` from 28.

A way out is the opposite: an ordinary bridge for one gateway, whose containers do not
reach each other. Docker keeps bridges apart, so nobody on a private network reaches it.

Source: moby pull request 49262, which says that the two mean the same for IPv4.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Iterable
from contextlib import suppress
from ipaddress import IPv4Network, ip_network
from pathlib import Path
from typing import Any

import docker
from docker.types import IPAMConfig, IPAMPool

from harness.errors import PrerequisiteError, SandboxError, SandboxUnavailableError
from harness.models.sandbox import Network
from harness.sandbox import labels
from harness.sandbox.engine import Engine

_BRIDGE = "com.docker.network.bridge"
_OPEN = {f"{_BRIDGE}.enable_icc": "false"}
_ISOLATED_SINCE = (28, 0)
_ATTEMPTS = 20
_ROUTES = Path("/proc/net/route")


class Networks:
    """Makes and removes them, with subnets cut from one pool."""

    def __init__(self, engine: Engine, installation: str, pool: str, prefix: int) -> None:
        self._engine = engine
        self._installation = installation
        self._pool = IPv4Network(pool)
        self._prefix = prefix

    async def create(self, owner: str, *, egress: bool = False) -> Network:
        """A new network of this owner: a private one, or a way out.

        Raises:
            PrerequisiteError: Every subnet of the pool is taken.
        """
        marks = labels.labels(owner, "egress" if egress else "network", self._installation)
        options = _OPEN if egress else closed_options(await self._engine.version())
        name = f"hh-{owner}-{secrets.token_hex(3)}"
        overlap: SandboxError | None = None
        for subnet in free_subnets(self._pool, self._prefix, await self.taken())[:_ATTEMPTS]:
            try:
                return await self._create(name, subnet, marks, options, internal=not egress)
            except SandboxError as error:
                if "overlap" not in error.message.lower():
                    raise
                overlap = error  # another process was quicker, or a route we cannot see
        raise PrerequisiteError(
            f"No free /{self._prefix} network is left in {self._pool}.",
            remedy="Run 'harness reap', or give 'docker.subnet_pool' a larger private range.",
            slug="subnets-exhausted",
        ) from overlap

    async def taken(self) -> list[IPv4Network]:
        """Subnets that docker or the host's routes use already."""
        answer = await self._engine.call(lambda api: api.networks(), "list networks")
        return [*docker_subnets(answer), *host_routes()]

    async def remove(self, network_id: str) -> None:
        """Remove it, whatever hangs on it. Idempotent."""
        what = f"remove network '{network_id[:12]}'"
        for attempt in range(_ATTEMPTS):
            try:
                await self._engine.call(lambda api: api.remove_network(network_id), what)
            except SandboxUnavailableError as error:
                if error.slug == "engine-unreachable":
                    raise
                return
            except SandboxError:  # something hangs on it, or is just being removed itself
                if attempt == _ATTEMPTS - 1:
                    raise
                with suppress(SandboxError):
                    await self._engine.call(lambda api: _disconnect_all(api, network_id), what)
            else:
                return

    async def _create(
        self,
        name: str,
        subnet: IPv4Network,
        marks: dict[str, str],
        options: dict[str, str],
        *,
        internal: bool,
    ) -> Network:
        answer = await self._engine.call(
            lambda api: api.create_network(
                name,
                driver="bridge",
                options=options,
                ipam=IPAMConfig(pool_configs=[IPAMPool(subnet=str(subnet))]),
                internal=internal,
                enable_ipv6=False,
                labels=marks,
            ),
            f"create network '{name}' with subnet {subnet}",
        )
        return Network(id=str(answer["Id"]), owner=marks[labels.OWNER])


def closed_options(engine_version: tuple[int, int]) -> dict[str, str]:
    """Bridge options under which the host has no address on the network."""
    options = {f"{_BRIDGE}.enable_icc": "true"}
    if engine_version >= _ISOLATED_SINCE:
        options |= {f"{_BRIDGE}.gateway_mode_ipv{n}": "isolated" for n in (4, 6)}
    else:
        options[f"{_BRIDGE}.inhibit_ipv4"] = "true"
    return options


def free_subnets(pool: IPv4Network, prefix: int, taken: Iterable[IPv4Network]) -> list[IPv4Network]:
    """Subnets of the pool that overlap nothing, from a random place on.

    Random, because processes that start at the same time would otherwise all want the first.
    """
    subnets = list(pool.subnets(new_prefix=prefix)) if prefix >= pool.prefixlen else []
    start = random.randrange(len(subnets)) if subnets else 0  # noqa: S311 - nothing secret
    near = [other for other in taken if other.overlaps(pool)]
    ordered = subnets[start:] + subnets[:start]
    return [net for net in ordered if not any(net.overlaps(other) for other in near)]


def docker_subnets(networks: Iterable[dict[str, Any]]) -> list[IPv4Network]:
    """The IPv4 subnets in the engine's list of networks."""
    found = []
    for network in networks:
        for config in (network.get("IPAM") or {}).get("Config") or []:
            subnet = ip_network(config.get("Subnet") or "0.0.0.0/32", strict=False)
            if isinstance(subnet, IPv4Network):
                found.append(subnet)
    return found


def host_routes(table: Path = _ROUTES) -> list[IPv4Network]:
    """The host's IPv4 routes except the default one; none where it keeps no such table."""
    try:
        rows = table.read_text("ascii").splitlines()[1:]
    except OSError:
        return []
    routes = []
    for row in rows:
        fields = row.split()
        address, mask = (int.from_bytes(bytes.fromhex(fields[n]), "little") for n in (1, 7))
        if mask:
            routes.append(IPv4Network((address, mask.bit_count())))
    return routes


def _disconnect_all(api: docker.APIClient, network_id: str) -> None:
    for container in api.inspect_network(network_id).get("Containers") or {}:
        api.disconnect_container_from_network(container, network_id, force=True)
