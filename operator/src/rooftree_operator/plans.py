"""Which plan a tenant has: the one that it names, or the former one while it does not fit into that."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from . import declaration, fitting, pods
from .adapters.kubernetes import DEPLOYMENT, QUOTA, Forbidden, Kubernetes
from .api.plan import BrokeragePlanSpec
from .conditions import Report, State
from .drift import Object
from .errors import Blocked
from .tenant import Tenant

CONDITION_PLAN = "PlanApplied"
Lookup = Callable[[str], Awaitable[Object | None]]
"""A BrokeragePlan by its name."""


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
    """The plan in force; why the wanted one does not fit, if so.

    `is_former`: it is the one before. If what that one said is not known any more, changes are held; not so for a
    brokerage that is suspended: no pod of it runs that would not fit.
    """

    plan: Named
    refusal: str = ""
    is_former: bool = False
    is_suspended: bool = False

    @property
    def holds(self) -> bool:
        """Whether nothing new may be rolled out."""
        return bool(self.refusal) and not (self.is_former or self.is_suspended)

    def reports(self, wanted: str) -> tuple[Report, ...]:
        """A condition, only while the plan does not fit."""
        if not self.refusal:
            return ()
        kept = f"plan {self.plan.name} stays in force" if self.is_former else "nothing of it is applied"
        kept = "it is applied as long as no pod runs" if self.is_suspended and not self.is_former else kept
        advice = f"a platform admin must raise it in plan {wanted}, or whoever applied it set spec.plan to a larger one"
        message = f"the brokerage does not fit into plan {wanted}: {self.refusal}; {kept}: {advice}"
        return (Report(CONDITION_PLAN, State.BLOCKED, "PlanTooSmall", message),)


async def find(lookup: Lookup, name: str) -> Named | None:
    found = await lookup(name)
    return Named(name, BrokeragePlanSpec.model_validate(found["spec"])) if found else None


async def wanted(lookup: Lookup, name: str) -> Named:
    """The plan that a spec names. Raises `Blocked` if there is none."""
    found = await find(lookup, name)
    if found is None:
        raise Blocked("PlanUnknown", f"there is no BrokeragePlan {name!r}: set spec.plan to one that exists")
    return found


async def choose(
    kube: Kubernetes, lookup: Lookup, tenant: Tenant, named: Named, in_force: Mapping[str, Any] | None
) -> Choice:
    """`in_force`: what the status remembers. A plan is judged once, when it or its content is another one.

    Of a brokerage that is suspended no pod stays, so that only the plan's own needs count.
    """
    if in_force is None or dict(in_force) == named.status:
        return Choice(named)
    use = fitting.Use() if tenant.spec.suspend else await _use(kube, tenant.namespace)
    refusal = fitting.fits(tenant, use, named.spec)
    if refusal is None:
        return Choice(named)
    former = await find(lookup, in_force["name"])
    if former is not None and former.status == dict(in_force):
        return Choice(former, refusal, is_former=True)
    return Choice(named, refusal, is_suspended=tenant.spec.suspend is not None)


async def _use(kube: Kubernetes, namespace: str) -> fitting.Use:
    try:
        quota, deployment = await asyncio.gather(
            kube.get(QUOTA, "tenant", namespace), kube.get(DEPLOYMENT, pods.APP, namespace)
        )
    except Forbidden:
        # Our rights go with the namespace: nothing is in use where it is gone, and it is made again.
        return fitting.Use()
    return fitting.used(quota, deployment)
