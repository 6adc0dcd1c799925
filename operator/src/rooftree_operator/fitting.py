"""Whether a tenant fits into a plan: what its pods need during a rollout, against what the plan grants. Pure."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from .api.plan import BrokeragePlanSpec
from .drift import Object, quantity
from .tenant import Tenant

CONNECTIONS = 4  # that a process of the app may have to its database
NOTHING = Decimal(0)


@dataclass(frozen=True)
class Amount:
    """Pods, and what they may use together: CPUs and bytes."""

    pods: Decimal = NOTHING
    cpu: Decimal = NOTHING
    memory: Decimal = NOTHING

    def plus(self, other: "Amount", times: int = 1) -> "Amount":
        return Amount(self.pods + times * other.pods, self.cpu + times * other.cpu, self.memory + times * other.memory)


@dataclass(frozen=True)
class Use:
    """What a tenant has now: all of its namespace, and the number of pods of `app` with the size of one."""

    used: Amount = Amount()
    replicas: int = 0
    pod: Amount = Amount()


def used(quota: Object | None, deployment: Object | None) -> Use:
    """From the tenant's ResourceQuota, which counts for us, and its Deployment."""
    counted: dict[str, Any] = (quota or {}).get("status", {}).get("used", {})
    total = Amount(
        _number(counted.get("pods")), _number(counted.get("limits.cpu")), _number(counted.get("limits.memory"))
    )
    if deployment is None:
        return Use(total)
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    limits = container.get("resources", {}).get("limits", {})
    pod = Amount(Decimal(1), _number(limits.get("cpu")), _number(limits.get("memory")))
    return Use(total, deployment["spec"].get("replicas", 1), pod)


def connections(tenant: Tenant, least: int) -> int:
    """To the database, with modules of their own: each has its pods, and one more while it is rolled out."""
    return CONNECTIONS * (len(tenant.modules) + 1) * (least + 1)


def fits(tenant: Tenant, use: Use, new: BrokeragePlanSpec) -> str | None:
    """Why the tenant, as it is now, does not fit into `new`, with figures; None: it does."""
    staying = max(new.replicas.min, min(use.replicas, new.replicas.max))
    needed = connections(tenant, new.replicas.min) if tenant.modules else CONNECTIONS * staying
    if needed > new.database.connections:
        return f"database.connections is {new.database.connections}, and its pods need {needed}"
    return _exceeded(_needed(tenant, new, new.replicas.min), new, "its pods need") or _exceeded(
        _meanwhile(use, new), new, "what runs now, with one new pod, needs"
    )


def most(tenant: Tenant) -> int:
    """The most pods that each kind may have at once: of `replicas.max`, what quota and connections suffice for."""
    least, plan = tenant.plan.replicas.min, tenant.plan

    def suffices(count: int) -> bool:
        opened = connections(tenant, count) if tenant.modules else CONNECTIONS * (count + 1)
        return opened <= plan.database.connections and _exceeded(_needed(tenant, plan, count), plan, "") is None

    return next((count for count in range(plan.replicas.max, least, -1) if suffices(count)), least)


def _needed(tenant: Tenant, plan: BrokeragePlanSpec, count: int) -> Amount:
    """`count` pods of each kind, and one more: kinds are rolled out one after the other."""
    return Amount().plus(_pod(plan), count * (len(tenant.modules) + 1) + 1)


def _meanwhile(use: Use, plan: BrokeragePlanSpec) -> Amount:
    """Old pods stay until new ones serve. Those above the plan's most go first."""
    leaving = max(0, use.replicas - plan.replicas.max)
    return use.used.plus(use.pod, -leaving).plus(_pod(plan))


def _pod(plan: BrokeragePlanSpec) -> Amount:
    return Amount(Decimal(1), _number(plan.resources.limits.cpu), _number(plan.resources.limits.memory))


def _exceeded(need: Amount, plan: BrokeragePlanSpec, who: str) -> str | None:
    grants = {"pods": str(plan.quota.pods), "cpu": plan.quota.cpu, "memory": plan.quota.memory}
    for name, granted in grants.items():
        wanted: Decimal = getattr(need, name)
        if wanted > _number(granted):
            return f"quota.{name} is {granted}, and {who} {_spelled(name, wanted)}"
    return None


def _spelled(name: str, amount: Decimal) -> str:
    if name != "memory":
        return f"{amount.normalize():f}"
    return f"{(amount / 2**20).quantize(Decimal(1)):f}Mi"


def _number(value: Any) -> Decimal:
    return quantity(str(value)) or NOTHING
