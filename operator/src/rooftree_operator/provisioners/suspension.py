"""A suspended brokerage has no pods of the app; one that is resumed gets them back.

They go only when visitors are led to the page, and come back before visitors are led to the app (see `route`). It needs
nothing but the namespace: what else is wrong with a brokerage does not keep it from being suspended. After a crash,
too, the route that leads to the page tells that pods which are not there are to come back; so does the condition, which
lasts until the brokerage is Ready. Any other count of zero is somebody's will and stays.
"""

import asyncio
from dataclasses import dataclass

from .. import names, pods, routing, serving
from ..adapters.kubernetes import DEPLOYMENT, POD, ROUTE, Kubernetes
from ..api.brokerage import Suspend
from ..conditions import SUSPENDED, Report, State
from ..drift import Object
from ..names import TenantId
from ..provisioner import Action, Plan, done
from ..tenant import Tenant

STILL_LEAVING = 1.0  # seconds; pods are not watched


@dataclass(frozen=True)
class Seen:
    """What is there now: the Deployments of the app, and pods of them, those that are ending, too."""

    route: Object | None
    deployments: tuple[Object, ...] = ()
    pods: int = 0


@dataclass(frozen=True)
class Scale(Action):
    """Set the number of a Deployment's pods."""

    name: str
    replicas: int

    def words(self, tenant: TenantId) -> str:
        return f"Deployment {self.name}: .spec.replicas"


class Suspension:
    """Takes pods away and brings them back; reports Suspended while there is something to say of it."""

    name = "suspension"
    needs = ("namespace",)
    condition = None

    def __init__(self, kube: Kubernetes) -> None:
        self._kube = kube

    async def observe(self, tenant: Tenant) -> Seen:
        route = await self._kube.get(ROUTE, pods.APP, tenant.namespace)
        if not (tenant.spec.suspend or _resumes(tenant, route)):
            return Seen(route)
        own: dict[str, str | None] = {names.LABEL_TENANT: tenant.id.value, names.LABEL_NAME: None}
        deployments, running = await asyncio.gather(
            self._kube.list(DEPLOYMENT, tenant.namespace, labels=own),
            self._kube.list(POD, tenant.namespace, labels=own),
        )
        return Seen(route, tuple(deployments), len(running))

    def plan(self, tenant: Tenant, seen: Seen) -> Plan:
        if suspend := tenant.spec.suspend:
            return _suspending(tenant, suspend, seen)
        verdict = done("Provisioned", "Nobody suspends it.")
        if not _resumes(tenant, seen.route):
            return Plan(verdict)
        stopped = (one["metadata"]["name"] for one in seen.deployments if serving.replicas(one) == 0)
        actions = tuple(Scale(name, tenant.plan.replicas.min) for name in stopped)
        if not routing.leads_to_page(seen.route):
            return Plan(verdict, actions=actions)
        message = f"pods are coming back; until they answer {tenant.host} shows that the brokerage is suspended"
        return Plan(verdict, actions=actions, also=(Report(SUSPENDED, State.WAITING, "Resuming", message),))

    async def apply(self, tenant: Tenant, plan: Plan) -> None:
        for action in plan.actions:
            if isinstance(action, Scale):
                await self._kube.scale(action.name, tenant.namespace, action.replicas)

    async def revoke(self, tenant: TenantId) -> None:
        """Nothing logs in here."""

    async def delete(self, tenant: TenantId) -> None:
        """There is nothing of its own."""


def _resumes(tenant: Tenant, route: Object | None) -> bool:
    """Whether pods may be missing that a suspension took."""
    return tenant.spec.suspend is None and (tenant.resuming or routing.leads_to_page(route))


def _suspending(tenant: Tenant, suspend: Suspend, seen: Seen) -> Plan:
    verdict = done("Provisioned", "It is suspended.")
    running = tuple(one["metadata"]["name"] for one in seen.deployments if serving.replicas(one) != 0)
    if not (running or seen.pods):
        reason, message = suspend.reason.value.capitalize(), "No pod of the app runs; data and logins stay."
        return Plan(verdict, also=(Report(SUSPENDED, State.DONE, reason, message),))
    if not _is_shown(tenant, seen.route):
        message = f"the edge does not show the page on {tenant.host} yet; until then the app goes on"
        return Plan(verdict, also=(Report(SUSPENDED, State.WAITING, "Suspending", message),))
    message = f"pods of the app that are ending: {seen.pods}"
    if running:
        report = Report(SUSPENDED, State.WAITING, "Suspending", message, STILL_LEAVING)
        return Plan(verdict, actions=tuple(Scale(name, 0) for name in running), also=(report,))
    return Plan(verdict, also=(Report(SUSPENDED, State.WAITING, "PodsLeaving", message, STILL_LEAVING),))


def _is_shown(tenant: Tenant, route: Object | None) -> bool:
    """Whether the edge has changed over to the page."""
    if route is None or not routing.leads_to_page(route):
        return False
    return routing.accepted(tenant, route).state is State.DONE
