"""What all operations share: what a step is given, and the place in the tenant's namespace where its Job runs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from .. import generations, names, pods
from ..adapters.kubernetes import JOB, NAMESPACE, POD, POLICY, SECRET, Forbidden, Kubernetes
from ..adapters.postgres_sessions import Login
from ..drift import Object
from ..errors import Waiting
from ..names import Slot, TenantId
from ..secret_objects import decoded
from ..tenant import Tenant
from . import jobs
from .places import Place, Way
from .progress import OperationFailed, Order, Progress

SOON = 2.0  # seconds; the Job's own events come earlier


@dataclass(frozen=True)
class Run:
    """One pass over one operation."""

    order: Order
    tenant: Tenant
    brokerage: Object
    progress: Progress


class Work(Protocol):
    """One kind of operation. The last step cleans up: after a failure, too, and also if the brokerage is gone."""

    @property
    def steps(self) -> tuple[str, ...]: ...

    async def do(self, step: str, run: Run) -> None:
        """Idempotent. Raises `Waiting`, `Unavailable`, or `OperationFailed` if it cannot succeed any more."""
        ...

    async def clean_up(self, tenant: TenantId, order: Order, progress: Progress | None) -> None:
        """Takes away what is not to stay; without `progress` the operation itself is being deleted. Idempotent."""
        ...


@dataclass(frozen=True)
class Bench:
    """Where Jobs of operations run."""

    kube: Kubernetes
    place: Place | None
    wake: Callable[[str], None] = field(default=lambda name: None)
    """Has the tenant of a Brokerage looked at now."""

    async def furnish(self, way: Way, values: Mapping[str, str] | None = None) -> None:
        """Everything that the Job needs: its Secret, with `values` in it, and the way to the backup."""
        place = self.store()
        secret = await self._secret(way, {**place.secrets(way), **(values or {})})
        await place.open(way, decoded(secret))
        if (wanted := jobs.network_policy(way.tenant)) is not None:
            await self.kube.apply(wanted)

    async def _secret(self, way: Way, values: Mapping[str, str]) -> Object:
        found = await self.kube.get(SECRET, jobs.NAME, way.tenant.namespace)
        if found is not None and jobs.is_of(found, way.order):
            return found
        return await self.kube.apply(jobs.secret(way.tenant, way.order, values))

    async def slot(self, tenant: Tenant) -> Slot:
        """Of the logins that a Job which starts now has. They are good until the operation is over: see `rotation`."""
        return generations.record_of(decoded(await self.kube.get(SECRET, pods.APP_SECRET, tenant.namespace))).in_use

    async def migrator(self, tenant: Tenant) -> Login:
        """As whom the operator looks into a database that has the tenant's content."""
        slot = await self.slot(tenant)
        key = generations.key(slot, "database_password")
        password = await self.kube.secret_value(pods.MIGRATOR_SECRET, tenant.namespace, key)
        return Login(names.migrator_role(tenant.id, slot), password, names.owner_role(tenant.id))

    async def job(
        self, way: Way, command: str, slot: Slot, environment: Mapping[str, str], *, code: str, doing: str
    ) -> None:
        """Returns when the Job is done. Raises `Waiting` until then, `OperationFailed` with its last words."""
        tenant, order = way.tenant, way.order
        namespace, name = tenant.namespace, names.operation_job(order.uid)
        if not tenant.platform.image:
            advice = "a platform admin must set ROOFTREE_OPERATOR_IMAGE"
            raise OperationFailed("OperationImageUnknown", f"the operator does not know its own image: {advice}")
        found = await self.kube.get(JOB, name, namespace)
        if found is None:
            entrance = self.store().entrance(way)
            await self.kube.apply(jobs.job(tenant, slot, order, command, environment, entrance=entrance))
            raise Waiting("OperationRunning", f"{doing}: the Job is starting", retry_in=SOON)
        if failure := pods.job_failure(found):
            labels: dict[str, str | None] = {names.LABEL_OPERATION: order.name}
            words = jobs.last_words(await self.kube.list(POD, namespace, labels=labels)) or failure
            raise OperationFailed(code, f"{doing} failed: {words}")
        if not found.get("status", {}).get("succeeded"):
            raise Waiting("OperationRunning", doing, retry_in=SOON)

    async def clear(self, tenant: TenantId, order: Order) -> None:
        """Takes away what `furnish` and `job` made for this operation, and nothing that was made for another one.

        The Secret, which says whose all of it is, goes last. Without its namespace a tenant has no more than what is
        outside of it.
        """
        namespace = names.namespace(tenant)
        if await self.kube.get(NAMESPACE, namespace) is None:
            await self._shut(tenant)
            return
        try:
            if await self.kube.get(JOB, names.operation_job(order.uid), namespace) is not None:
                await self.kube.delete(JOB, names.operation_job(order.uid), namespace)
            secret = await self.kube.get(SECRET, jobs.NAME, namespace)
            if not jobs.is_of(secret, order):
                return
            if self.place is not None:
                await self.place.close(tenant, order, decoded(secret))
            if await self.kube.get(POLICY, jobs.NAME, namespace) is not None:
                await self.kube.delete(POLICY, jobs.NAME, namespace)
            await self.kube.delete(SECRET, jobs.NAME, namespace)
        except Forbidden:
            await self._shut(tenant)  # our rights go with the namespace: it is going, and all of this with it

    async def _shut(self, tenant: TenantId) -> None:
        if self.place is not None:
            await self.place.shut(tenant)

    def store(self) -> Place:
        """Raises `OperationFailed` if there is none."""
        if self.place is None:
            advice = "a platform admin must set s3.secret or backups.volume of the chart"
            raise OperationFailed("BackupStoreMissing", f"this installation has no place for backups: {advice}")
        return self.place


def require_database(tenant: Tenant, brokerage: Object) -> None:
    """Raises `Waiting` for a tenant that is still being made."""
    if "database" not in brokerage.get("status", {}):
        raise Waiting("BrokerageNotReady", f"{tenant.slug} has no database yet", retry_in=SOON)
