"""The substitutes, asked by the operator's own adapters over TLS."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from bench_operator import api, fleet, substitutes
from rooftree_local import pki
from rooftree_operator.adapters.edge import Answer
from rooftree_operator.adapters.edge import Edge as EdgeProbe
from rooftree_operator.adapters.elasticsearch import Elasticsearch, Login, Server
from rooftree_operator.adapters.kubernetes import BROKERAGE
from rooftree_operator.names import TenantId
from rooftree_operator.provisioners import search

from .fake_apiserver import FakeApiserver

ROUTES = "/apis/gateway.networking.k8s.io/v1/httproutes"
BROKERAGES = BROKERAGE.path(None, None)
TENANT = TenantId("acme-01234567")


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    pki.ensure(tmp_path)
    monkeypatch.setenv("ROOFTREE_CA_FILE", str(tmp_path / "ca.crt"))
    return tmp_path / "ca.crt"


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


def free() -> str:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{one.getsockname()[1]}"


async def serve(stack: AsyncExitStack, app: object, certificate: str) -> str:
    address = free()
    runner = await substitutes.serve(app, certificate, address)  # pyright: ignore[reportArgumentType]
    stack.push_async_callback(runner.cleanup)
    return address


async def cluster(stack: AsyncExitStack, authority: Path) -> Elasticsearch:
    address = await serve(stack, substitutes.Elasticsearch().application(), "elasticsearch")
    found = Elasticsearch(Server(f"https://{address}", "admin", "secret", str(authority)))
    stack.push_async_callback(found.close)
    return found


async def test_elasticsearch_gives_back_what_was_put_as_the_operator_compares_it(
    stack: AsyncExitStack, authority: Path
) -> None:
    server = await cluster(stack, authority)
    await server.ping()
    assert await server.role("acme.app") is None
    role, user = search.build_role(TENANT), search.build_user(TENANT, "pass")
    await server.put_role("acme.app", role)
    await server.put_user("acme.app", {**user, "password": "pass"})
    await server.put_template("acme", {"index_patterns": ["acme.*"]})
    assert not search.differs(role, await server.role("acme.app") or {})
    assert await server.user("acme.app") == user
    assert await server.template("acme") == {"index_patterns": ["acme.*"]}
    await server.delete_user("acme.app")
    assert await server.user("acme.app") is None


async def test_elasticsearch_lets_a_tenant_prove_itself_and_has_no_indices(
    stack: AsyncExitStack, authority: Path
) -> None:
    server = await cluster(stack, authority)
    await server.probe(Login("acme.app", "pass"), {"cluster": [], "indices": []})
    assert await server.indices("acme.") == []


async def test_the_edge_answers_as_the_tenant_of_the_route_and_says_so_in_its_status(
    stack: AsyncExitStack, authority: Path
) -> None:
    cluster = FakeApiserver()
    server = f"https://{await serve(stack, cluster.application(), 'apiserver')}"
    edge = substitutes.Edge("1.2.3")
    address = await serve(stack, edge.application(), "edge")
    probe = EdgeProbe(address, str(authority))
    stack.push_async_callback(probe.close)
    follower = await stack.enter_async_context(followed_by(edge, server))
    cluster.put(ROUTES, route("acme.rooftree.localhost"))

    async def is_told() -> bool:
        assert not follower.done(), follower
        return substitutes.is_accepted(cluster.objects[f"{ROUTES}/app"])

    await api.until(is_told, within=10, what="the route was not accepted", every=0.01)
    assert await probe.version("acme.rooftree.localhost", 8443) == Answer("", TENANT.value, "1.2.3")
    assert "404" in (await probe.version("other.rooftree.localhost", 8443)).problem
    writes = list(cluster.writes)
    # Its status is there still, and speaks of the route as it was.
    cluster.put(ROUTES, {**cluster.objects[f"{ROUTES}/app"], **route("renamed.rooftree.localhost")})
    assert not await is_told()
    await api.until(is_told, within=10, what="the changed route was not accepted", every=0.01)
    assert len(cluster.writes) == len(writes) + 1


@asynccontextmanager
async def followed_by(edge: substitutes.Edge, server: str) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(edge.follow(server))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def route(host: str) -> api.Object:
    return {
        "metadata": {"name": "app", "namespace": f"tenant-{TENANT}", "labels": {"rooftree.dev/tenant": TENANT.value}},
        "spec": {"parentRefs": [{"name": "rooftree"}], "hostnames": [host]},
    }


async def test_a_watch_tells_of_what_is_there_and_of_what_changes(stack: AsyncExitStack, authority: Path) -> None:
    cluster = FakeApiserver()
    server = f"https://{await serve(stack, cluster.application(), 'apiserver')}"
    cluster.put(BROKERAGES, fleet.manifest("first"))
    client = await stack.enter_async_context(api.connect(server))
    seen = await stack.enter_async_context(fleet.followed(client))

    async def knows_first() -> bool:
        return "first" in seen.now

    await api.until(knows_first, within=10, what="nothing was told", every=0.01)
    ready = {"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "True"}]}
    cluster.put(BROKERAGES, {**fleet.manifest("second"), "status": ready})

    async def knows_second() -> bool:
        return "second" in seen.ready

    await api.until(knows_second, within=10, what="the change was not told", every=0.01)
    assert "first" not in seen.ready
