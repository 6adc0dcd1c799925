"""How many pods a drain of a node may take away at once."""

import asyncio

from .. import names, pods
from ..adapters.kubernetes import BUDGET, Kubernetes
from ..drift import Object, pending
from ..names import TenantId
from ..provisioner import Plan, done
from ..tenant import Tenant

Seen = list[Object | None]


class Disruption:
    """PodDisruptionBudgets of `app`, and of each module that has pods of its own.

    That of a module which is to have none any more stays until the last of them has ended.
    """

    name = "disruption"
    needs = ("namespace",)
    condition = None

    def __init__(self, kube: Kubernetes) -> None:
        self._kube = kube

    async def observe(self, tenant: Tenant) -> Seen:
        return await asyncio.gather(*(self._kube.get(BUDGET, name, tenant.namespace) for name in _covered(tenant)))

    def plan(self, tenant: Tenant, seen: Seen) -> Plan:
        wanted = [build_budget(tenant, name) for name in _covered(tenant)]
        return Plan(done("Provisioned", "A drain takes one pod of each kind at a time."), pending(wanted, seen))

    async def apply(self, tenant: Tenant, plan: Plan) -> None:
        for wanted in plan.objects:
            await self._kube.apply(wanted)

    async def revoke(self, tenant: TenantId) -> None:
        """Nothing logs in here."""

    async def delete(self, tenant: TenantId) -> None:
        """They go with the namespace."""


def _covered(tenant: Tenant) -> tuple[str, ...]:
    return (pods.APP, *tenant.modules)


def build_budget(tenant: Tenant, name: str) -> Object:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name, "namespace": tenant.namespace, "labels": names.labels(tenant.id)},
        "spec": {
            "selector": {"matchLabels": {names.LABEL_NAME: name}},
            # Of two or more pods at least one stays. A single one may go for the time that its successor takes to
            # start: `minAvailable: 1` would keep its node from ever being drained.
            "maxUnavailable": 1,
            # Pods that serve nobody anyway hold up no drain.
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        },
    }
