"""From a Brokerage to the tenant that all parts are given: under the plan in force, in the version in force.

The wanted ones are not in force while a plan does not fit, and after a version was taken back. Nothing is written here.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from . import conditions, plans, rotation, upgrade
from .adapters.kubernetes import Kubernetes
from .api.brokerage import BrokerageSpec
from .api.plan import BrokeragePlanSpec
from .drift import Object
from .names import TenantId
from .plans import Choice
from .release import Release, Releases
from .tenant import Fit, Platform, Tenant
from .upgrade import Failed


@dataclass(frozen=True)
class Resolver:
    """What it takes. `plan` finds BrokeragePlans."""

    kube: Kubernetes
    releases: Releases
    platform: Platform
    plan: plans.Lookup

    async def tenant(
        self, brokerage: Object, spec: BrokerageSpec, id_: Callable[[Fit], Awaitable[TenantId]]
    ) -> tuple[Tenant, Choice]:
        """`id_` is asked last, so that nothing is minted for what cannot be resolved. Raises `Blocked`, as it may.

        It is told what a spare must have been made for.
        """
        metadata, status = brokerage["metadata"], brokerage.get("status", {})
        named, retry = await plans.wanted(self.plan, spec.plan), upgrade.retry_of(metadata)
        release, failed = await self._version(spec, named.spec, status, retry)
        tenant = Tenant(
            id=(await id_(Fit(spec.plan, release.version))).of(metadata["name"]),
            uid=metadata.get("uid", ""),
            generation=metadata.get("generation", 1),
            spec=spec,
            plan=named.spec,
            release=release,
            platform=self.platform,
            bucket=status.get("bucket"),
            running=status.get("version"),
            failed=failed,
            retry=retry,
            created=metadata.get("creationTimestamp", ""),
            rotate=rotation.wanted_of(metadata),
            is_loaded="source" in status,
            is_returning=spec.tenant_id is not None and "database" not in status,
            was_suspended=conditions.was_suspended(status),
            met=conditions.met(status),
        )
        choice = await plans.choose(self.kube, self.plan, tenant, named, status.get("plan"))
        if choice.is_former:
            former = choice.plan.spec
            release, failed = await self._version(spec, former, status, retry)
            tenant = replace(tenant, plan=former, release=release, failed=failed)
        return tenant, choice

    async def _version(
        self, spec: BrokerageSpec, plan: BrokeragePlanSpec, status: Mapping[str, Any], retry: str
    ) -> tuple[Release, Failed | None]:
        """The wanted version, or the last good one and why the wanted one is not in force."""
        release = await self.releases.find(spec.version, plan.channel)
        failed = upgrade.given_up(status, release.version, retry)
        return (await self.releases.find(failed.instead, plan.channel) if failed else release), failed
