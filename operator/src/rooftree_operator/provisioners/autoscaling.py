"""Who sets the number of pods between the plan's limits: the operator itself, by load; a HorizontalPodAutoscaler, by
CPU; or nobody, where the number is fixed. The operator's own counting is in `scaling`, and not part of a pass."""

import asyncio
from dataclasses import dataclass

from .. import fitting, names, pods, serving
from ..adapters.kubernetes import AUTOSCALER, DEPLOYMENT, Kubernetes
from ..api.scaling import ScalingMode
from ..drift import Object, pending
from ..names import TenantId
from ..provisioner import Action, Plan, done
from ..scaling import limits
from ..tenant import Tenant

CALM = 300  # seconds of low load before pods go again, so that a gap between two rushes costs no restarts


@dataclass(frozen=True)
class Seen:
    """What is there now; `replicas` is the number that the Deployment shall have."""

    autoscaler: Object | None
    replicas: int


@dataclass(frozen=True)
class Remove(Action):
    """Somebody else sets the number, or nobody."""

    mode: ScalingMode

    def words(self, tenant: TenantId) -> str:
        return f"HorizontalPodAutoscaler {pods.APP}: scaling is {self.mode.value}"


@dataclass(frozen=True)
class Scale(Action):
    """Set the number that is fixed."""

    replicas: int

    def words(self, tenant: TenantId) -> str:
        return f"Deployment {pods.APP}: .spec.replicas"


class Autoscaling:
    """HorizontalPodAutoscaler `app`."""

    name = "autoscaling"
    needs = ("workload",)
    condition = None

    def __init__(self, kube: Kubernetes) -> None:
        self._kube = kube

    async def observe(self, tenant: Tenant) -> Seen:
        autoscaler, deployment = await asyncio.gather(
            self._kube.get(AUTOSCALER, pods.APP, tenant.namespace),
            self._kube.get(DEPLOYMENT, pods.APP, tenant.namespace),
        )
        return Seen(autoscaler, serving.replicas(deployment) if deployment else 0)

    def plan(self, tenant: Tenant, seen: Seen) -> Plan:
        fewest, most, mode = tenant.plan.replicas.min, tenant.plan.replicas.max, limits.mode(tenant)
        verdict = done("Provisioned", f"{fewest} to {most} pods, as the load asks for.")
        if mode is ScalingMode.HPA:
            return Plan(verdict, objects=pending([build_autoscaler(tenant)], [seen.autoscaler]))
        actions: tuple[Remove | Scale, ...] = (Remove(mode),) if seen.autoscaler else ()
        is_fixed = mode is ScalingMode.FIXED
        # Zero is somebody's will, as it is for autoscalers, too.
        if seen.replicas and (seen.replicas < fewest or (is_fixed and seen.replicas > fewest)):
            actions = (*actions, Scale(fewest))
        if is_fixed:
            verdict = done("Fixed", f"The number of pods is fixed at {fewest}.")
        return Plan(verdict, actions=actions)

    async def apply(self, tenant: Tenant, plan: Plan) -> None:
        for wanted in plan.objects:
            await self._kube.apply(wanted)
        for action in plan.actions:
            match action:
                case Scale(replicas):
                    await self._kube.scale(pods.APP, tenant.namespace, replicas)
                case _:
                    await self._kube.delete(AUTOSCALER, pods.APP, tenant.namespace)

    async def revoke(self, tenant: TenantId) -> None:
        """Nothing logs in here."""

    async def delete(self, tenant: TenantId) -> None:
        """It goes with the namespace; without its Deployment it does nothing."""


def build_autoscaler(tenant: Tenant) -> Object:
    target = tenant.plan.autoscaling
    cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": target.cpu_percent}}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": pods.APP, "namespace": tenant.namespace, "labels": names.labels(tenant.id)},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": pods.APP},
            "minReplicas": tenant.plan.replicas.min,
            "maxReplicas": fitting.most(tenant),
            "metrics": [{"type": "Resource", "resource": cpu}],
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": CALM}},
        },
    }
