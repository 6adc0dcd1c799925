"""The tenant's address: an HTTPRoute for its exact host. The oldest claim to a host wins; a later one is HostTaken."""

from dataclasses import dataclass

from .. import names, pods
from ..adapters.kubernetes import ROUTE, Forbidden, Kubernetes
from ..drift import Object, pending
from ..names import TenantId
from ..provisioner import Plan, Verdict, blocked, done, waiting
from ..tenant import Tenant

LABEL_HOST = f"{names.GROUP}/host"


@dataclass(frozen=True)
class Seen:
    """What is there now; `rivals` are routes of others for the same host."""

    route: Object | None
    rivals: tuple[Object, ...]


class Route:
    """HTTPRoute `app`."""

    name = "route"
    needs = ("namespace",)
    condition = "RouteReady"

    def __init__(self, kube: Kubernetes) -> None:
        self._kube = kube

    async def observe(self, tenant: Tenant) -> Seen:
        found = await self._kube.list(ROUTE, labels={LABEL_HOST: tenant.host})
        own = [route for route in found if route["metadata"]["namespace"] == tenant.namespace]
        return Seen(own[0] if own else None, tuple(route for route in found if route not in own))

    def plan(self, tenant: Tenant, seen: Seen) -> Plan:
        if rival := older(seen):
            where = f"{rival['metadata']['namespace']}/{rival['metadata']['name']}"
            return Plan(blocked("HostTaken", f"{tenant.host} belongs to route {where}: one of the two must go"))
        objects = pending([build_route(tenant)], [seen.route])
        if objects or seen.route is None:
            return Plan(waiting("RouteChanging", f"the edge is learning {tenant.host}"), objects)
        return Plan(accepted(tenant, seen.route), status={"url": tenant.url})

    async def apply(self, tenant: Tenant, plan: Plan) -> None:
        for wanted in plan.objects:
            await self._kube.apply(wanted)

    async def revoke(self, tenant: TenantId) -> None:
        """Nothing logs in here."""

    async def delete(self, tenant: TenantId) -> None:
        namespace = names.namespace(tenant)
        try:
            found = await self._kube.get(ROUTE, pods.APP, namespace)
        except Forbidden:
            return  # our rights go with the namespace: it is gone or going, or nothing was ever made in it
        if found is not None:
            await self._kube.delete(ROUTE, pods.APP, namespace)


def older(seen: Seen) -> Object | None:
    """The route that had the host before ours."""

    def since(route: Object) -> tuple[str, str]:
        return route["metadata"]["creationTimestamp"], route["metadata"]["namespace"]

    before = [rival for rival in seen.rivals if seen.route is None or since(rival) < since(seen.route)]
    return min(before, key=since, default=None)


def accepted(tenant: Tenant, route: Object) -> Verdict:
    """What the edge says of the route."""
    generation = route["metadata"].get("generation")
    for parent in route.get("status", {}).get("parents", []):
        told = {c["type"]: c for c in parent.get("conditions", []) if c.get("observedGeneration") == generation}
        # The Service comes with the workload, which is made at the same time.
        bad = [c for c in told.values() if c["status"] == "False" and c["reason"] != "BackendNotFound"]
        if bad:
            text = f"the edge refuses {tenant.host} ({bad[0]['reason']}): {bad[0].get('message', '')}"
            return waiting("RouteRefused", text, retry_in=5.0)
        if all(told.get(name, {}).get("status") == "True" for name in ("Accepted", "ResolvedRefs")):
            return done("Accepted", f"The edge serves {tenant.host}.")
    return waiting("RouteChanging", f"the edge is learning {tenant.host}")


def build_route(tenant: Tenant) -> Object:
    platform = tenant.platform
    parent = {"name": platform.gateway, "namespace": platform.namespace, "sectionName": platform.gateway_section}
    backend = {"name": pods.APP, "port": 8080}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {
            "name": pods.APP,
            "namespace": tenant.namespace,
            "labels": {**names.labels(tenant.id), LABEL_HOST: tenant.host},
        },
        "spec": {
            "parentRefs": [parent],
            "hostnames": [tenant.host],
            "rules": [{"matches": [{"path": {"type": "PathPrefix", "value": "/"}}], "backendRefs": [backend]}],
        },
    }
