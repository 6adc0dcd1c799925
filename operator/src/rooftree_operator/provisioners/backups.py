"""Backups that are written and tried by themselves when their time has come, and go when theirs is over.

It only orders: what a backup is and how it is written is the operations' business. What has been ordered shows in
BrokerageBackups and in operations that are not over, so that after a crash nothing is ordered twice.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .. import backup_schedule as schedule
from .. import closing, cron, names
from ..adapters.kubernetes import BACKUP, BROKERAGE, OPERATION, Conflict, Kubernetes
from ..api.backups import BackupPolicy, Source
from ..api.operations import OperationKind, OperationPhase
from ..conditions import stamp
from ..drift import Object
from ..errors import Unavailable, Waiting
from ..names import TenantId
from ..operations.places import Place, elsewhere
from ..provisioner import Action, Plan, blocked, done, waiting
from ..tenant import Tenant

SOON = 2.0  # seconds
CLONE_TIME_TO_LIVE = 30 * 86_400  # seconds
TIME_TO_LIVE = 3600  # seconds for which an operation of the schedule stays when it is over
NO_POLICY = BackupPolicy()


@dataclass(frozen=True)
class Seen:
    """What is there now, of the schedule only; without a schedule nothing is looked at."""

    now: datetime
    since: str = ""  # when the brokerage came to be, RFC 3339
    backups: tuple[Object, ...] = ()  # oldest first
    ordered: tuple[Object, ...] = ()  # operations of the schedule that are not deleted yet
    clone: Object | None = None  # the operation that loads what the brokerage begins with


@dataclass(frozen=True)
class Order(Action):
    name: str
    kind: OperationKind
    upkeep, drift = True, False

    def words(self, tenant: TenantId) -> str:
        return f"BrokerageOperation {self.name}: {self.kind} by the schedule"


@dataclass(frozen=True)
class OrderClone(Action):
    """Load what the brokerage is to begin with."""

    source: Source

    def words(self, tenant: TenantId) -> str:
        return f"BrokerageOperation {closing.clone_name(tenant.slug)}: loads backup {self.source.backup}"


@dataclass(frozen=True)
class DropBackup(Action):
    name: str
    uid: str
    upkeep, drift = True, False

    def words(self, tenant: TenantId) -> str:
        return f"BrokerageBackup {self.name}: older or more than are kept"


class Backups:
    """Orders BrokerageOperations and deletes BrokerageBackups, by `spec.backup` or the plan's."""

    name = "backups"
    needs = ("database",)
    condition = None

    def __init__(self, kube: Kubernetes, place: Place | None, now: Callable[[], datetime]) -> None:
        self._kube = kube
        self._place = place
        self._now = now

    async def observe(self, tenant: Tenant) -> Seen:
        clone = await self._clone(tenant)
        if policy_of(tenant).schedule is None:
            return Seen(self._now(), clone=clone)
        mine: dict[str, str | None] = {names.LABEL_TENANT: tenant.id.value, names.LABEL_SCHEDULED: None}
        found = await self._kube.list(BACKUP, labels=mine)
        ordered = await self._kube.list(OPERATION, labels=mine)
        # Not of the namespace: that of a spare may be much older.
        brokerage = None if found else await self._kube.get(BROKERAGE, tenant.slug)
        since = brokerage["metadata"]["creationTimestamp"] if brokerage else ""
        return Seen(self._now(), since, tuple(sorted(found, key=schedule.made)), tuple(ordered), clone)

    async def _clone(self, tenant: Tenant) -> Object | None:
        """The operation that loads what the brokerage begins with, while that is awaited."""
        if tenant.spec.source is None or tenant.is_loaded:
            return None
        return await self._kube.get(OPERATION, closing.clone_name(tenant.slug))

    def plan(self, tenant: Tenant, seen: Seen) -> Plan:
        policy = policy_of(tenant)
        if tenant.spec.source is not None and not tenant.is_loaded and not _opens(seen.clone):
            return _begun(tenant, tenant.spec.source, seen.clone)
        if policy.schedule is None:
            return Plan(done("Provisioned", "No backups are written by themselves."), status={"backups": None})
        try:
            times, drills = cron.parsed(policy.schedule), cron.parsed(policy.drill or policy.schedule)
        except ValueError as error:
            advice = "whoever wrote it must correct backup of the brokerage or its plan"
            return Plan(blocked("ScheduleInvalid", f"a schedule of backups is none: {error}: {advice}"))
        begun = schedule.last_begun(seen.backups, seen.ordered, OperationKind.BACKUP) or seen.since
        due = schedule.due_after(times, begun, seen.now)
        next_backup = schedule.delayed(due, times, tenant.slug)
        old = schedule.expired(seen.backups, policy.retention, seen.now)
        actions: list[Action] = [DropBackup(one["metadata"]["name"], one["metadata"]["uid"]) for one in old]
        if next_backup <= seen.now and not schedule.is_open(seen.ordered, OperationKind.BACKUP):
            actions.append(Order(f"{tenant.slug}-{due:%Y%m%d-%H%M}", OperationKind.BACKUP))
        if policy.drill and schedule.has_whole(seen.backups):
            actions += _drills(tenant, seen, drills)
        status = {**schedule.newest(seen.backups, seen.ordered), "next": stamp(next_backup)}
        verdict = done("Provisioned", "Backups are written by the schedule.")
        return Plan(verdict, actions=tuple(actions), status={"backups": status}, notes=(schedule.proof(seen.backups),))

    async def apply(self, tenant: Tenant, plan: Plan) -> None:
        for action in plan.actions:
            if isinstance(action, DropBackup):
                await self._kube.delete(BACKUP, action.name, uid=action.uid)
            elif isinstance(action, Order):
                await self._create(build_order(tenant, order=action))
            elif isinstance(action, OrderClone):
                await self._create(build_clone(tenant, action.source))

    async def _create(self, wanted: Object) -> None:
        try:
            await self._kube.create(wanted)
        except Conflict:
            return  # it was ordered already

    async def revoke(self, tenant: TenantId) -> None:
        if self._place is not None:
            await self._place.shut(tenant)

    async def delete(self, tenant: TenantId) -> None:
        """Whatever was ever written of it, by the schedule or by order."""
        found = await self._kube.list(BACKUP, labels={names.LABEL_TENANT: tenant.value})
        for item in found:
            if "deletionTimestamp" not in item["metadata"]:
                await self._kube.delete(BACKUP, item["metadata"]["name"], uid=item["metadata"]["uid"])
        if problems := [told for item in found if (told := elsewhere(self._place, item))]:
            raise Unavailable("BackupsElsewhere", problems[0])
        if found:
            raise Waiting("DeletingBackups", f"{len(found)} backups are being deleted", retry_in=1.0)
        if self._place is not None:
            await self._place.leave(tenant)


def policy_of(tenant: Tenant) -> BackupPolicy:
    """The brokerage's own, or its plan's."""
    return tenant.spec.backup or tenant.plan.backup or NO_POLICY


def build_order(tenant: Tenant, order: Order) -> Object:
    spec = {"brokerage": tenant.slug, "type": order.kind.value, "ttlSecondsAfterFinished": TIME_TO_LIVE}
    labels = {**names.labels(tenant.id), names.LABEL_SCHEDULED: "true"}
    return {
        "apiVersion": OPERATION.api_version,
        "kind": OPERATION.kind,
        "metadata": {"name": order.name, "labels": labels},
        "spec": spec,
    }


def build_clone(tenant: Tenant, source: Source) -> Object:
    """Of no schedule: it is looked at by its name. It stays for a month, for people to see what came of it."""
    spec = {"brokerage": tenant.slug, "type": OperationKind.CLONE.value, "backup": source.backup, "mask": source.mask}
    metadata = {"name": closing.clone_name(tenant.slug), "labels": names.labels(tenant.id)}
    head = {"apiVersion": OPERATION.api_version, "kind": OPERATION.kind}
    return {**head, "metadata": metadata, "spec": {**spec, "ttlSecondsAfterFinished": CLONE_TIME_TO_LIVE}}


def _drills(tenant: Tenant, seen: Seen, times: cron.Cron) -> list[Order]:
    """One, if its time has come."""
    tried = schedule.last_begun((), seen.ordered, OperationKind.DRILL)
    last = max(schedule.judged_at(seen.backups), tried) or schedule.made(seen.backups[0])[0]
    due = schedule.due_after(times, last, seen.now)
    if schedule.delayed(due, times, tenant.slug) > seen.now or schedule.is_open(seen.ordered, OperationKind.DRILL):
        return []
    return [Order(f"{tenant.slug}-drill-{due:%Y%m%d-%H%M}", OperationKind.DRILL)]


def _opens(clone: Object | None) -> bool:
    """Whether it is loaded, and only the app has to answer yet."""
    status: dict[str, Any] = (clone or {}).get("status", {})
    return status.get("phase") == OperationPhase.SUCCEEDED or (status.get("step") == "Open" and "error" not in status)


def _begun(tenant: Tenant, source: Source, clone: Object | None) -> Plan:
    """A brokerage that is to begin with a backup, as long as that is not loaded."""
    name = closing.clone_name(tenant.slug)
    if clone is None:
        message = f"backup {source.backup} is to be loaded by operation {name}"
        return Plan(waiting("Cloning", message, retry_in=SOON), actions=(OrderClone(source),))
    status: dict[str, Any] = clone.get("status", {})
    if clone["spec"].get("backup") != source.backup or status.get("phase") == OperationPhase.FAILED:
        told = status.get("message", f"operation {name} is another one")
        return Plan(blocked("CloneFailed", f"{told}: to have it tried again delete operation {name}"))
    return Plan(waiting("Cloning", f"operation {name}: {status.get('message', 'it begins')}", retry_in=SOON))
