"""What modules leave behind when a brokerage goes back to one process: policies, disruption budgets, certificates.

It goes when all other parts are as declared and the last pod of a module has ended: until then each of it is needed.
The authority goes last, so that a pass which ended halfway finds that there is more; without it nothing is looked for.
"""

import asyncio
from dataclasses import dataclass, replace

from .. import names, pods, serving
from ..adapters.kubernetes import BUDGET, DEPLOYMENT, POD, POLICY, SECRET, Kind, Kubernetes
from ..names import TenantId
from ..provisioner import Action, Plan, done
from ..release import GATEWAY
from ..tenant import Tenant

AT_ONCE = 0.0  # the policy of `app` still lets it call them


@dataclass(frozen=True)
class Seen:
    """`running`: modules that still have a Deployment or a pod; `left`: what goes, in this order."""

    running: tuple[str, ...] = ()
    left: tuple[tuple[Kind, str], ...] = ()


@dataclass(frozen=True)
class Remove(Action):
    """The object is of no use to anybody any more."""

    kind: Kind
    name: str
    drift = False

    def words(self, tenant: TenantId) -> str:
        return f"{self.kind.kind} {self.name}: no module has pods of its own any more"


class FormerModules:
    """NetworkPolicies, PodDisruptionBudgets and Secrets of modules, in topology `monolith` only."""

    name = "former-modules"
    needs = ("policies", "certificates", "modules", "workload", "disruption")
    condition = None

    def __init__(self, kube: Kubernetes) -> None:
        self._kube = kube

    async def observe(self, tenant: Tenant) -> Seen:
        space = tenant.namespace
        if tenant.modules or await self._kube.get(SECRET, serving.RPC_AUTHORITY, space) is None:
            return Seen()
        own: dict[str, str | None] = {names.LABEL_TENANT: tenant.id.value, names.LABEL_NAME: None}
        found = [*await self._kube.list(DEPLOYMENT, space, labels=own), *await self._kube.list(POD, space, labels=own)]
        if running := {one["metadata"]["labels"][names.LABEL_NAME] for one in found} - {pods.APP}:
            return Seen(running=tuple(sorted(running)))
        called = tenant.release.called
        wanted = [(kind, module) for module in called for kind in (POLICY, BUDGET)]
        wanted += [(SECRET, serving.rpc_secret(module)) for module in (GATEWAY, *called)]
        # Nothing is looked for once the authority has gone, and a watch does not tell of what has lost our label.
        there = await asyncio.gather(*(self._kube.fetch(kind, name, space) for kind, name in wanted))
        left = [one for one, item in zip(wanted, there, strict=True) if item is not None]
        return Seen(left=(*left, (SECRET, serving.RPC_AUTHORITY)))

    def plan(self, tenant: Tenant, seen: Seen) -> Plan:
        verdict = done("Provisioned", "Nothing is left of modules that had pods of their own.")
        if seen.running:
            message = f"Pods of modules are ending: {', '.join(seen.running)}."
            return Plan(replace(verdict, message=message, retry_in=serving.STILL_ENDING))
        removals = tuple(Remove(kind, name) for kind, name in seen.left)
        return Plan(replace(verdict, retry_in=AT_ONCE) if removals else verdict, actions=removals)

    async def apply(self, tenant: Tenant, plan: Plan) -> None:
        for action in plan.actions:
            if isinstance(action, Remove):
                await self._kube.delete(action.kind, action.name, tenant.namespace)

    async def revoke(self, tenant: TenantId) -> None:
        """Nothing logs in here."""

    async def delete(self, tenant: TenantId) -> None:
        """All of it goes with the namespace."""
