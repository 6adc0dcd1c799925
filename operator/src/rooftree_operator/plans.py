"""Which plan a tenant has: the one that it names, or the former one while it does not fit into that."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import declaration, fitting, pods
from .adapters.kubernetes import DEPLOYMENT, PLAN, QUOTA, Forbidden, Kubernetes
from .api.plan import BrokeragePlanSpec
from .conditions import Report, State
from .errors import Blocked
from .tenant import Tenant

CONDITION_PLAN = "PlanApplied"


@dataclass(frozen=True)
class Named:
    """A BrokeragePlan."""

    name: str
    spec: BrokeragePlanSpec

    @property
    def status(self) -> dict[str, str]:
        """How a Brokerage's status remembers it."""
        return {"name": self.name, "digest": declaration.of_plan(self.spec)}


@dataclass(frozen=True)
class Choice:
    """The plan in force; why the wanted one is not, if so. `former` is gone if what it said is not known any more."""

    plan: Named
    refusal: str = ""
    is_former: bool = False

    def reports(self, wanted: str) -> tuple[Report, ...]:
        """A condition, only while the plan does not fit."""
        if not self.refusal:
            return ()
        kept = f"plan {self.plan.name} stays in force" if self.is_former else "nothing of it is applied"
        advice = f"a platform admin must raise it in plan {wanted}, or whoever applied it set spec.plan to a larger one"
        message = f"the brokerage does not fit into plan {wanted}: {self.refusal}; {kept}: {advice}"
        return (Report(CONDITION_PLAN, State.BLOCKED, "PlanTooSmall", message),)


async def find(kube: Kubernetes, name: str) -> Named | None:
    found = await kube.get(PLAN, name)
    return Named(name, BrokeragePlanSpec.model_validate(found["spec"])) if found else None


async def wanted(kube: Kubernetes, name: str) -> Named:
    """The plan that a spec names. Raises `Blocked` if there is none."""
    found = await find(kube, name)
    if found is None:
        raise Blocked("PlanUnknown", f"there is no BrokeragePlan {name!r}: set spec.plan to one that exists")
    return found


async def choose(kube: Kubernetes, tenant: Tenant, named: Named, in_force: Mapping[str, Any] | None) -> Choice:
    """`in_force`: what the status remembers. A plan is judged once, when it or its content is another one."""
    if in_force is None or dict(in_force) == named.status:
        return Choice(named)
    refusal = fitting.fits(tenant, await _use(kube, tenant.namespace), named.spec)
    if refusal is None:
        return Choice(named)
    former = await find(kube, in_force["name"])
    if former is not None and former.status == dict(in_force):
        return Choice(former, refusal, is_former=True)
    return Choice(named, refusal)


async def _use(kube: Kubernetes, namespace: str) -> fitting.Use:
    try:
        quota, deployment = await asyncio.gather(
            kube.get(QUOTA, "tenant", namespace), kube.get(DEPLOYMENT, pods.APP, namespace)
        )
    except Forbidden:
        # Our rights go with the namespace: nothing is in use where it is gone, and it is made again.
        return fitting.Use()
    return fitting.used(quota, deployment)
