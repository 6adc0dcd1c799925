"""Takes away what a deleted Brokerage had: all of it, or all but the data and what brings it back.

Of a Brokerage that was only observed nothing goes at all, whatever its policy: it runs on, and can be claimed.

Before each step that cannot be undone it is asked once more whether it is still wanted and still ours to do. Every step
is idempotent, so a crash between two of them is repaired by the next pass.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from . import final_backup, hands, kept, names
from .adapters.kubernetes import BROKERAGE, NAMESPACE, PLAN, SECRET, Forbidden, Kubernetes
from .api.brokerage import DeletionPolicy
from .api.plan import BrokeragePlanSpec, Retention
from .drift import Object
from .errors import Unavailable
from .graph import Graph
from .names import TenantId
from .registry import Registry

# Logins are revoked before anything; data goes after everything that could use it, and what owns it goes with it.
RUNNING = ("route", "workload", "namespace")
DATA = ("backups", "topics", "search", "cache", "storage", "database")


class Holding(Protocol):
    """Knows whether this operator is still the one that acts."""

    async def is_held(self) -> bool: ...


class Overtaken(Exception):
    """The world changed under a deletion; the next pass looks at it afresh."""


@dataclass(frozen=True)
class Deletion:
    """How tenants go. `namespace` is the operator's own."""

    kube: Kubernetes
    registry: Registry
    graph: Graph
    lease: Holding
    namespace: str

    async def run(self, brokerage: Object, tenant: TenantId, gone: list[str]) -> None:
        """Brings the deletion to its end, or raises `Waiting`, `Unavailable` or `Overtaken`.

        What has been deleted is added to `gone`.
        """
        await self._confirm(brokerage)
        secret = await self._store(brokerage, tenant) if is_kept(brokerage) else None
        if hands.is_observed(brokerage):
            await self.registry.keep(tenant, kept.NEVER)
            return
        if is_snapshot(brokerage) and has_data(brokerage):
            await final_backup.require(self.kube, brokerage, tenant)
        # Logins first, so that nothing changes data any more.
        await self.revoke(tenant)
        for part in self.steps(brokerage) if secret is None else RUNNING:
            await self._confirm(brokerage)
            await self.graph.by_name[part].delete(tenant)
            gone.append(part)
        if secret is None:
            await self.forget(tenant)
            await self.registry.bury(tenant)
        else:
            await self.registry.keep(tenant, kept.purge_after(secret))

    def steps(self, brokerage: Object) -> tuple[str, ...]:
        """The parts that a deletion takes away."""
        if hands.is_observed(brokerage):
            return ()
        if is_kept(brokerage):
            return RUNNING
        data = tuple(part for part in DATA if part != "backups") if is_snapshot(brokerage) else DATA
        return RUNNING + data

    async def revoke(self, tenant: TenantId) -> None:
        """Closes the logins of all backends; one that is away keeps no other one open."""
        closing = (part.revoke(tenant) for part in self.graph.by_name.values())
        for problem in await asyncio.gather(*closing, return_exceptions=True):
            if problem is not None:
                raise problem

    async def erase(self, tenant: TenantId) -> None:
        """Deletes all of a tenant that has no Brokerage, or raises `Waiting`, `Unavailable` or `Overtaken`."""
        await self.confirm_holder()
        await self.revoke(tenant)
        for part in RUNNING + DATA:
            await self.confirm_holder()
            await self.graph.by_name[part].delete(tenant)

    async def forget(self, tenant: TenantId) -> None:
        """Deletes the Secret of a kept tenant, if there is one: it is back, or gone for good."""
        secret = await self.kube.get(SECRET, names.kept_secret(tenant), self.namespace)
        if secret is not None:
            await self.confirm_holder()
            name, uid = secret["metadata"]["name"], secret["metadata"]["uid"]
            await self.kube.delete(SECRET, name, self.namespace, uid=uid)

    async def confirm_holder(self) -> None:
        """Raises `Overtaken` if it is not ours to act any more."""
        if not await self.lease.is_held():
            raise Overtaken("another operator acts now")

    async def _confirm(self, brokerage: Object) -> None:
        """Right before what cannot be undone: it is still wanted, and still ours to do. Raises `Overtaken`."""
        metadata = brokerage["metadata"]
        fresh = await self.kube.get(BROKERAGE, metadata["name"])
        if fresh is None or fresh["metadata"]["uid"] != metadata["uid"]:
            raise Overtaken("the brokerage is another one now")
        if "deletionTimestamp" not in fresh["metadata"]:
            raise Overtaken("the brokerage is not being deleted")
        if (is_kept(fresh), is_snapshot(fresh)) != (is_kept(brokerage), is_snapshot(brokerage)):
            raise Overtaken("its deletionPolicy was changed")
        if hands.of(fresh) != hands.of(brokerage):
            raise Overtaken("it was paused, resumed or is only observed now")
        await self.confirm_holder()

    async def _store(self, brokerage: Object, tenant: TenantId) -> Object | None:
        """Puts what brings the tenant back into a Secret of ours; what is there of this deletion stays as it is.

        None: the tenant never got so far that it had any data.
        """
        before = await self.kube.get(SECRET, names.kept_secret(tenant), self.namespace)
        if before is not None and kept.is_of(before, brokerage):
            return before
        # One of an earlier deletion holds what a Brokerage that came back only halfway may not have got yet.
        data = {**kept.encoded(before), **kept.taken(await self._secrets(brokerage, tenant))}
        if not data and not has_data(brokerage) and not hands.is_observed(brokerage):
            return None
        until = await self._until(brokerage)
        wanted = kept.build(brokerage, tenant, data, namespace=self.namespace, until=until)
        if before is None:
            return await self.kube.create(wanted)
        wanted["metadata"]["resourceVersion"] = before["metadata"]["resourceVersion"]
        return await self.kube.replace(wanted)

    async def _secrets(self, brokerage: Object, tenant: TenantId) -> dict[str, Object | None]:
        """The tenant's Secrets as far as there are any: without its namespace we would not even have rights there."""
        space = names.namespace(tenant)
        if await self.kube.get(NAMESPACE, space) is None:
            return {}
        try:
            return {name: await self.kube.get(SECRET, name, space) for name in kept.SECRETS}
        except Forbidden as error:
            if not has_data(brokerage):
                return {}
            advice = f"a platform admin must put RoleBinding {names.MANAGER} back there"
            message = f"the operator may not read the Secrets of {space} that are to be kept: {advice}"
            raise Unavailable("SecretsForbidden", message) from error

    async def _until(self, brokerage: Object) -> datetime:
        """When it cannot be had back any more. What runs on without a Brokerage never goes by itself."""
        if hands.is_observed(brokerage):
            return kept.NEVER
        found = await self.kube.get(PLAN, brokerage["spec"]["plan"])
        retention = BrokeragePlanSpec.model_validate(found["spec"]).retention if found else Retention()
        return kept.moment(brokerage["metadata"]["deletionTimestamp"]) + timedelta(days=retention.days)


def is_kept(brokerage: Object) -> bool:
    """Whether the data is to stay."""
    return (
        hands.is_observed(brokerage)
        or brokerage["spec"].get("deletionPolicy", DeletionPolicy.RETAIN) == DeletionPolicy.RETAIN
    )


def is_snapshot(brokerage: Object) -> bool:
    """Whether a last backup is to be written, and what was written stays."""
    return brokerage["spec"].get("deletionPolicy") == DeletionPolicy.SNAPSHOT


def has_data(brokerage: Object) -> bool:
    """Whether a database was ever seen or claimed for it: it comes after the tenant's Secrets."""
    return "database" in brokerage.get("status", {}) or "tenantID" in brokerage["spec"]
