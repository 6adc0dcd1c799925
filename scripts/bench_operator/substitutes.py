"""Servers in place of what is not there: the edge, and Elasticsearch beyond what one node takes.

    python -m bench_operator.substitutes edge SERVER ADDRESS VERSION
    python -m bench_operator.substitutes elasticsearch SERVER ADDRESS VERSION

`edge` answers `/version` as the tenant whose HTTPRoute has the host of the request, and tells each route's status that
it is accepted, as the real one does. `elasticsearch` keeps roles, users, index templates, indices and documents in
memory and answers what the operator asks of them; it lets everybody in, so that it proves nothing of rights.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import uvloop
from aiohttp import web
from rooftree_operator.adapters.kubernetes import ROUTE
from rooftree_operator.names import LABEL_TENANT

from bench_operator import api
from bench_operator.api import pki

if TYPE_CHECKING:
    from bench_operator.api import Api, Object

CONTROLLER = "rooftree.dev/bench-edge"
ACCEPTED = ("Accepted", "ResolvedRefs")


def is_accepted(route: Object) -> bool:
    """Whether the route's status speaks of it as it is now."""
    generation = route["metadata"]["generation"]
    told = [one for parent in route.get("status", {}).get("parents", []) for one in parent["conditions"]]
    return {one["type"] for one in told if one.get("observedGeneration") == generation} >= set(ACCEPTED)


def accepted(route: Object, now: str) -> Object:
    """The status that says so."""
    conditions = [
        {
            "type": kind,
            "status": "True",
            "reason": kind,
            "message": "",
            "observedGeneration": route["metadata"]["generation"],
            "lastTransitionTime": now,
        }
        for kind in ACCEPTED
    ]
    (parent,) = route["spec"]["parentRefs"]
    return {"parents": [{"parentRef": parent, "controllerName": CONTROLLER, "conditions": conditions}]}


class Edge:
    """Who answers on which host."""

    def __init__(self, version: str) -> None:
        self._version = version
        self._tenants: dict[str, str] = {}

    async def follow(self, server: str) -> None:
        """Learns the routes, and tells each that it did."""
        async with api.connect(server) as client:
            async for route in client.follow(ROUTE):
                await self._learn(client, route)

    async def _learn(self, client: Api, route: Object) -> None:
        # The route of unknown hosts has none.
        for host in route["spec"].get("hostnames", []):
            self._tenants[host] = route["metadata"]["labels"][LABEL_TENANT]
        if is_accepted(route):
            return
        status = accepted(route, datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"))
        metadata = route["metadata"]
        try:
            await client.merge(ROUTE, metadata["name"], {"status": status}, metadata["namespace"], "/status")
        except api.Refused as refusal:
            # Gone meanwhile: nobody waits for it.
            if " 404 " not in str(refusal):
                raise

    async def answer(self, request: web.Request) -> web.Response:
        tenant = self._tenants.get(request.host.partition(":")[0])
        if tenant is None:
            return web.json_response({"title": "no brokerage has this host"}, status=404)
        return web.json_response({"tenant_id": tenant, "version": self._version})

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/version", self.answer)
        return app


class Elasticsearch:
    """What the operator puts, by path. There are no indices: nobody runs who would make them."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], Object] = {}

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/_security/_authenticate", self._nothing)
        for kind, path in (("role", "/_security/role"), ("user", "/_security/user"), ("template", "/_index_template")):
            app.router.add_route("*", f"{path}/{{name}}", self._keeper(kind))
        app.router.add_post("/_security/user/_has_privileges", self._everything)
        app.router.add_get("/_resolve/index/{pattern}", self._no_indices)
        return app

    async def _nothing(self, _request: web.Request) -> web.Response:
        return web.json_response({})

    async def _everything(self, _request: web.Request) -> web.Response:
        return web.json_response({"has_all_requested": True})

    async def _no_indices(self, _request: web.Request) -> web.Response:
        return web.json_response({"indices": []})

    def _keeper(self, kind: str) -> Any:
        async def answer(request: web.Request) -> web.Response:
            name = request.match_info["name"]
            if request.method == "PUT":
                self._kept[kind, name] = {
                    key: value for key, value in (await request.json()).items() if key != "password"
                }
                return web.json_response({"acknowledged": True})
            found = self._kept.get((kind, name))
            if found is None:
                return web.json_response({}, status=404)
            if request.method == "DELETE":
                del self._kept[kind, name]
                return web.json_response({"found": True})
            listed = {"index_templates": [{"name": name, "index_template": found}]}
            return web.json_response(listed if kind == "template" else {name: found})

        return answer


async def serve(app: web.Application, certificate: str, address: str) -> web.AppRunner:
    """Serves over TLS with a certificate of the stack's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki() / f"{certificate}.crt", pki() / f"{certificate}.key")
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    host, _, port = address.rpartition(":")
    await web.TCPSite(runner, host, int(port), ssl_context=context).start()
    return runner


async def run(kind: str, server: str, address: str, version: str) -> None:
    """Serves until it is ended."""
    if kind == "elasticsearch":
        await serve(Elasticsearch().application(), "elasticsearch", address)
        await asyncio.Event().wait()
    edge = Edge(version)
    await serve(edge.application(), "edge", address)
    await edge.follow(server)


if __name__ == "__main__":
    uvloop.run(run(*sys.argv[1:5]))
