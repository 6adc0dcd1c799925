"""Pods of a brokerage that nobody uses go, and come back when it wakes; what stage it is in, `sleeping` says.

They go when the edge leads to the activator, `app` first: what it calls is there as long as it is. It needs nothing but
the namespace, as `suspension`, which takes over when somebody suspends it.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from .. import pods, routing, serving
from ..adapters.kubernetes import DEPLOYMENT, ROUTE, Kubernetes
from ..conditions import State, stamp
from ..drift import Object
from ..names import TenantId
from ..provisioner import Action, Plan, Verdict, done
from ..sleeping import FIELD, Sleep, Stage
from ..tenant import Tenant

LOST_EVENT = 5.0  # seconds after which it is looked again, in case that the event which is awaited got lost


@dataclass(frozen=True)
class Seen:
    """What is there now; nothing is looked at of one that is awake. `deployments`: `app` and the modules'."""

    route: Object | None = None
    deployments: tuple[Object, ...] = ()
    at: str = ""


@dataclass(frozen=True)
class Scale(Action):
    """Set the number of a Deployment's pods."""

    name: str
    replicas: int
    drift = False

    def words(self, tenant: TenantId) -> str:
        return f"Deployment {self.name}: .spec.replicas"


class Slumber:
    """Takes pods away and brings them back, and tells the stage."""

    name = "sleep"
    needs = ("namespace",)
    condition = None

    def __init__(self, kube: Kubernetes, now: Callable[[], datetime]) -> None:
        self._kube = kube
        self._now = now

    async def observe(self, tenant: Tenant) -> Seen:
        if tenant.sleep is None:
            return Seen()
        route, *found = await asyncio.gather(
            self._kube.get(ROUTE, pods.APP, tenant.namespace),
            *(self._kube.get(DEPLOYMENT, name, tenant.namespace) for name in (pods.APP, *tenant.release.called)),
        )
        return Seen(route, tuple(one for one in found if one is not None), stamp(self._now()))

    def plan(self, tenant: Tenant, seen: Seen) -> Plan:
        verdict = done("Provisioned", "It has the pods that it needs.")
        if tenant.sleep is None:
            return Plan(verdict, status={FIELD: None})
        match tenant.sleep.stage:
            case Stage.FALLING:
                return _falling(tenant, tenant.sleep, seen)
            case Stage.ASLEEP:
                return Plan(verdict, actions=_gone(seen), status=_told(tenant.sleep))
            case Stage.WAKING:
                return _waking(tenant, tenant.sleep, seen)

    async def apply(self, tenant: Tenant, plan: Plan) -> None:
        for action in plan.actions:
            if isinstance(action, Scale):
                await self._kube.scale(action.name, tenant.namespace, action.replicas)

    async def revoke(self, tenant: TenantId) -> None:
        """Nothing logs in here."""

    async def delete(self, tenant: TenantId) -> None:
        """There is nothing of its own."""


def _going_on(again_in: float) -> Verdict:
    return Verdict(State.DONE, "Provisioned", "It is between awake and asleep.", again_in)


def _falling(tenant: Tenant, sleep: Sleep, seen: Seen) -> Plan:
    if not (routing.leads_to_activator(seen.route) and _is_accepted(tenant, seen.route)):
        return Plan(_going_on(LOST_EVENT), status=_told(sleep))
    # Told in the same pass: a pod that is there afterwards has been given by whoever woke it.
    asleep = replace(sleep, stage=Stage.ASLEEP, since=seen.at)
    return Plan(_going_on(0.0), actions=_gone(seen), status=_told(asleep))


def _waking(tenant: Tenant, sleep: Sleep, seen: Seen) -> Plan:
    # The activator gives one pod, whatever the plan's least is.
    least = tenant.plan.replicas.min
    actions = tuple(Scale(one["metadata"]["name"], least) for one in seen.deployments if serving.replicas(one) < least)
    if routing.leads_to_activator(seen.route) or not _is_accepted(tenant, seen.route):
        return Plan(_going_on(LOST_EVENT), actions=actions, status=_told(sleep))
    return Plan(_going_on(0.0), actions=actions, status={FIELD: None})  # the next pass finds it awake


def _gone(seen: Seen) -> tuple[Scale, ...]:
    return tuple(Scale(one["metadata"]["name"], 0) for one in seen.deployments if serving.replicas(one))


def _told(sleep: Sleep) -> dict[str, dict[str, str]]:
    return {FIELD: sleep.as_status()}


def _is_accepted(tenant: Tenant, route: Object | None) -> bool:
    return route is not None and routing.accepted(tenant, route).state is State.DONE
