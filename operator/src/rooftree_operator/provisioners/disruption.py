"""How many pods a drain of a node may take away at once."""

from .. import names, pods
from ..adapters.kubernetes import BUDGET, Kubernetes
from ..drift import Object, pending
from ..names import TenantId
from ..provisioner import Plan, done
from ..tenant import Tenant


class Disruption:
    """PodDisruptionBudget `app`."""

    name = "disruption"
    needs = ("namespace",)
    condition = None

    def __init__(self, kube: Kubernetes) -> None:
        self._kube = kube

    async def observe(self, tenant: Tenant) -> Object | None:
        return await self._kube.get(BUDGET, pods.APP, tenant.namespace)

    def plan(self, tenant: Tenant, seen: Object | None) -> Plan:
        return Plan(done("Provisioned", "A drain takes one pod at a time."), pending([build_budget(tenant)], [seen]))

    async def apply(self, tenant: Tenant, plan: Plan) -> None:
        for wanted in plan.objects:
            await self._kube.apply(wanted)

    async def revoke(self, tenant: TenantId) -> None:
        """Nothing logs in here."""

    async def delete(self, tenant: TenantId) -> None:
        """It goes with the namespace."""


def build_budget(tenant: Tenant) -> Object:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": pods.APP, "namespace": tenant.namespace, "labels": names.labels(tenant.id)},
        "spec": {
            "selector": {"matchLabels": {"app.kubernetes.io/name": pods.APP}},
            # Of two or more pods at least one stays. A single one may go for the time that its successor takes to
            # start: `minAvailable: 1` would keep its node from ever being drained.
            "maxUnavailable": 1,
            # Pods that serve nobody anyway hold up no drain.
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        },
    }
