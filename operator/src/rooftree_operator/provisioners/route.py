"""The tenant's address: an HTTPRoute for its exact host. The oldest claim to a host wins; a later one is HostTaken.

A suspended brokerage's route leads to the page at once, that of one that falls asleep to the activator. That of one
that is resumed or wakes goes on leading there until the app can answer: its Deployments are available, and the edge can
find a pod. So no visitor meets an edge without servers.
"""

import asyncio
from dataclasses import dataclass

from .. import names, pods, routing
from ..adapters.kubernetes import DEPLOYMENT, GRANT, ROUTE, SLICE, Forbidden, Kubernetes
from ..conditions import State
from ..drift import Object, pending
from ..names import TenantId
from ..provisioner import Plan, Verdict, blocked, waiting
from ..tenant import Tenant

GRANT_KNOWN = 1.0  # seconds in which the edge learns a new grant
SLICE_KNOWN = 0.2  # seconds after which an EndpointSlice is looked at again: it follows its pods within milliseconds


@dataclass(frozen=True)
class Seen:
    """What is there now; `rivals` are routes of others for the same host.

    The app's pods are looked at only while visitors that shall be led to the app are led elsewhere.
    """

    route: Object | None
    rivals: tuple[Object, ...]
    grant: Object | None = None
    is_available: bool = False
    is_published: bool = False


class Route:
    """HTTPRoute `app`, and the ReferenceGrant that lets it lead to the page."""

    name = "route"
    needs = ("namespace",)
    condition = "RouteReady"

    def __init__(self, kube: Kubernetes, platform_namespace: str) -> None:
        self._kube = kube
        self._platform = platform_namespace

    async def observe(self, tenant: Tenant) -> Seen:
        route, found, grant = await asyncio.gather(
            self._kube.get(ROUTE, pods.APP, tenant.namespace),
            self._kube.having(ROUTE, routing.LABEL_HOST, tenant.host),
            self._kube.get(GRANT, routing.grant_name(tenant.id), self._platform),
        )
        rivals = tuple(one for one in found if one["metadata"]["namespace"] != tenant.namespace)
        if not _comes_back(tenant, route):
            return Seen(route, rivals, grant)
        return Seen(route, rivals, grant, *await self._pods(tenant))

    async def _pods(self, tenant: Tenant) -> tuple[bool, bool]:
        """Whether the app is available, and whether the edge can find it."""
        called = tenant.release.called
        app, *found = await asyncio.gather(
            *(self._kube.get(DEPLOYMENT, name, tenant.namespace) for name in (pods.APP, *called))
        )
        modules = {name: one for name, one in zip(called, found, strict=True) if one is not None}
        if not routing.is_available(app, modules, called):
            return False, False
        slices = await self._kube.list(SLICE, tenant.namespace, labels={names.LABEL_SERVICE: pods.APP})
        return True, routing.is_published(slices)

    def plan(self, tenant: Tenant, seen: Seen) -> Plan:
        if rival := older(seen):
            where = f"{rival['metadata']['namespace']}/{rival['metadata']['name']}"
            return Plan(blocked("HostTaken", f"{tenant.host} belongs to route {where}: one of the two must go"))
        grants = pending([routing.build_grant(tenant)], [seen.grant])
        if grants and tenant.spec.suspend:
            message = f"the edge is learning that {tenant.host} may show the page"
            return Plan(waiting("RouteChanging", message, retry_in=GRANT_KNOWN), grants)
        if _comes_back(tenant, seen.route) and not (seen.is_available and seen.is_published):
            return Plan(_returning(tenant, seen), grants)
        changes = pending([routing.build_route(tenant)], [seen.route])
        if changes or seen.route is None:
            verdict = waiting("RouteChanging", f"the edge is learning {tenant.host}")
            return Plan(_between(tenant, verdict), (*grants, *changes))
        return Plan(_between(tenant, routing.accepted(tenant, seen.route)), grants, status={"url": tenant.url})

    async def apply(self, tenant: Tenant, plan: Plan) -> None:
        for wanted in plan.objects:
            await self._kube.apply(wanted)

    async def revoke(self, tenant: TenantId) -> None:
        """Nothing logs in here."""

    async def delete(self, tenant: TenantId) -> None:
        namespace, grant = names.namespace(tenant), routing.grant_name(tenant)
        try:
            found = await self._kube.get(ROUTE, pods.APP, namespace)
        except Forbidden:
            found = None  # our rights go with the namespace: it is gone or going, or nothing was ever made in it
        if found is not None:
            await self._kube.delete(ROUTE, pods.APP, namespace)
        if await self._kube.get(GRANT, grant, self._platform) is not None:
            await self._kube.delete(GRANT, grant, self._platform)


def _comes_back(tenant: Tenant, route: Object | None) -> bool:
    """Whether visitors are led elsewhere, and shall be led to the app."""
    if tenant.spec.suspend:
        return False
    return routing.leads_to_page(route) or (routing.leads_to_activator(route) and not routing.wants_activator(tenant))


def _returning(tenant: Tenant, seen: Seen) -> Verdict:
    """What is said until the app can answer."""
    again_in = SLICE_KNOWN if seen.is_available else None
    if routing.leads_to_activator(seen.route):
        return Verdict(State.DONE, "Waking", f"Requests to {tenant.host} wait until the app can answer.", again_in)
    message = f"{tenant.host} shows that the brokerage is suspended until the app can answer"
    return waiting("Resuming", message, retry_in=again_in)


def _between(tenant: Tenant, verdict: Verdict) -> Verdict:
    """One that falls asleep or wakes is answered all the time, by the activator or by the app."""
    if tenant.sleep is None or verdict.reason != "RouteChanging":
        return verdict
    return Verdict(State.DONE, tenant.sleep.stage.value, f"The edge is learning where {tenant.host} leads.")


def older(seen: Seen) -> Object | None:
    """The route that had the host before ours."""

    def since(route: Object) -> tuple[str, str]:
        return route["metadata"]["creationTimestamp"], route["metadata"]["namespace"]

    before = [rival for rival in seen.rivals if seen.route is None or since(rival) < since(seen.route)]
    return min(before, key=since, default=None)
