"""What is really sent to the API server to wake a brokerage and to follow its endpoints."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from kubernetes.aio.client import ApiClient, Configuration
from rooftree_operator.adapters.kubernetes import SLICE, ApiError, Conflict, Kubernetes
from rooftree_operator.errors import Unavailable

from .activated import until

pytestmark = pytest.mark.usefixtures("socket_enabled")

NAMESPACE = "tenant-acme-0a1b2c3d"
SCALE = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/app/scale"
SLICES = f"/apis/discovery.k8s.io/v1/namespaces/{NAMESPACE}/endpointslices"


@dataclass
class Server:
    """An API server with one Deployment's scale and the slices of one namespace."""

    replicas: int = 0
    version: int = 7
    scales: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    meanwhile: int = 0
    """Changes of the Deployment between a read and the next write."""
    slices: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    events: asyncio.Queue[dict[str, Any] | None] = field(default_factory=asyncio.Queue)
    watched: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    watch: web.Request | None = None

    def scale(self) -> dict[str, Any]:
        # As the API server spells it: no replicas are left out.
        spec = {"replicas": self.replicas} if self.replicas else {}
        return {"kind": "Scale", "metadata": {"name": "app", "resourceVersion": str(self.version)}, "spec": spec}

    async def get_scale(self, _: web.Request) -> web.Response:
        answer = web.json_response(self.scale())
        self.version += self.meanwhile
        return answer

    async def patch_scale(self, request: web.Request) -> web.Response:
        assert request.content_type == "application/merge-patch+json"
        body = json.loads(await request.read())
        self.scales.append({**body, "manager": request.query["fieldManager"]})
        if body["metadata"]["resourceVersion"] != str(self.version):
            return web.json_response({"kind": "Status", "message": "the object has been modified"}, status=409)
        self.replicas, self.version = body["spec"]["replicas"], self.version + 1
        return web.json_response(self.scale())

    async def get_slices(self, request: web.Request) -> web.StreamResponse:
        if "watch" not in request.query:
            return web.json_response({"metadata": {"resourceVersion": "40"}, "items": self.slices})
        self.watched.append(dict(request.query))
        self.watch = request
        answer = web.StreamResponse(headers={"Content-Type": "application/json"})
        await answer.prepare(request)
        while (event := await self.events.get()) is not None:
            await answer.write(json.dumps(event).encode() + b"\n")
        return answer

    def cut(self) -> None:
        """The connection of the watch is gone."""
        assert self.watch is not None
        assert self.watch.transport is not None
        self.watch.transport.abort()


@asynccontextmanager
async def api_server() -> AsyncGenerator[tuple[Server, str]]:
    """The server and its address."""
    api = Server()
    app = web.Application()
    app.router.add_get(SCALE, api.get_scale)
    app.router.add_patch(SCALE, api.patch_scale)
    app.router.add_get(SLICES, api.get_slices)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield api, f"http://127.0.0.1:{site.port}"
    await runner.cleanup()


@pytest.fixture
async def server() -> AsyncGenerator[tuple[Server, Kubernetes]]:
    async with api_server() as (api, address), Kubernetes(ApiClient(Configuration(host=address))) as kube:
        yield api, kube


Both = tuple[Server, Kubernetes]


async def test_a_deployment_without_pods_gets_one_under_the_name_of_who_gave_it(server: Both) -> None:
    api, kube = server
    assert await kube.wake("app", NAMESPACE, by="rooftree-activator") is True
    change = {"metadata": {"resourceVersion": "7"}, "spec": {"replicas": 1}, "manager": "rooftree-activator"}
    assert (api.scales, api.replicas) == ([change], 1)


async def test_one_that_has_pods_is_only_looked_at(server: Both) -> None:
    api, kube = server
    api.replicas = 3
    assert await kube.wake("app", NAMESPACE, by="rooftree-activator") is False
    assert (api.scales, api.replicas) == ([], 3)


async def test_one_that_got_pods_meanwhile_keeps_them(server: Both) -> None:
    api, kube = server
    api.meanwhile = 1
    with pytest.raises(Conflict):
        await kube.wake("app", NAMESPACE, by="rooftree-activator")
    assert api.replicas == 0


async def test_one_that_is_not_there_is_an_error(server: Both) -> None:
    _, kube = server
    with pytest.raises(ApiError) as error:
        await kube.wake("other", NAMESPACE, by="rooftree-activator")
    assert error.value.status == 404


def event(kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "object": {"metadata": {"name": name, "uid": f"uid-{name}"}, **more}}


async def test_what_is_followed_is_told_whole_after_each_change(server: Both) -> None:
    api, kube = server
    api.slices = [event("", "a", endpoints=[])["object"]]
    for told in (event("ADDED", "b"), event("MODIFIED", "a", endpoints=[1]), event("DELETED", "b")):
        api.events.put_nowait(told)
    api.events.put_nowait(None)
    async with asyncio.timeout(10), aclosing(kube.follow(SLICE, NAMESPACE)) as states:
        found = [{one["metadata"]["name"]: one.get("endpoints") for one in state} async for state in states]
    assert found == [{"a": []}, {"a": [], "b": None}, {"a": [1], "b": None}, {"a": [1]}]
    (asked,) = api.watched
    assert (asked["resourceVersion"], asked["timeoutSeconds"]) == ("40", "30")


async def test_what_cannot_be_told_any_more_ends_it(server: Both) -> None:
    api, kube = server
    api.events.put_nowait({"type": "ERROR", "object": {"kind": "Status", "code": 410}})
    async with asyncio.timeout(10), aclosing(kube.follow(SLICE, NAMESPACE)) as states:
        assert [state async for state in states] == [[]]


async def test_an_api_server_that_goes_away_meanwhile_is_an_outage(server: Both) -> None:
    api, kube = server
    async with asyncio.timeout(10), aclosing(kube.follow(SLICE, NAMESPACE)) as states:
        assert await anext(states) == []
        following = asyncio.create_task(anext(states))
        await until("it is followed", lambda: api.watched)
        api.cut()
        with pytest.raises(Unavailable):
            await following
