"""BrokerageBackups and what lies behind them in their place; with the object goes what it stands for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .. import names
from ..adapters.kubernetes import BACKUP, Kubernetes
from ..api.operations import BackupPhase
from ..archive import manifest as manifests
from ..archive.envelope import Damaged
from ..archive.manifest import Manifest
from ..conditions import stamp
from ..drift import Object
from ..names import TenantId
from ..reconcile import Outcome
from ..shards import Elsewhere, Shards
from .places import Place, elsewhere
from .progress import OperationFailed, Order

LATER = 50.0  # seconds; nothing tells that the brokerage of a backup that is to go was moved to us


@dataclass(frozen=True)
class Artifacts:
    """Without a place for them there are none."""

    kube: Kubernetes
    place: Place | None
    shards: Shards

    async def begin(self, order: Order, tenant: TenantId) -> None:
        """From now on the backup is known, also if writing it never comes to an end. Never over another one."""
        name, found = order.name, await self.kube.get(BACKUP, order.name)
        if found is not None and not _is_by(found, order):
            raise OperationFailed("BackupExists", f"there is a BrokerageBackup {name} already: take another name")
        await self.require_here(name)
        if found is None:
            if await self.stored(name, tenant):
                message = f"something lies there already as backup {name}, which nobody knows: take another name"
                raise OperationFailed("BackupExists", message)
            await self.kube.create(_build(order, tenant))
        await self._report(name, {"phase": BackupPhase.WRITING.value, "store": self._here().told(tenant, name)})

    async def require_here(self, name: str) -> None:
        """Raises `OperationFailed` if a backup that was begun lies in another kind of place than the operator's."""
        found = await self.kube.get(BACKUP, name)
        if found is not None and (problem := elsewhere(self.place, found)):
            raise OperationFailed("BackupElsewhere", problem)

    async def fail(self, order: Order, message: str) -> None:
        """Nobody can be brought back to it: what of it lies there gives its room back."""
        name, found = order.name, await self.kube.get(BACKUP, order.name)
        if found is not None and _is_by(found, order) and found.get("status", {}).get("phase") != BackupPhase.COMPLETE:
            if self.place is not None and elsewhere(self.place, found) is None:
                await self.place.remove(TenantId(found["spec"]["tenantID"]), name)
            status = {**found.get("status", {}), "phase": BackupPhase.FAILED.value, "message": message}
            await self._report(name, status)

    async def complete(self, name: str, made: Manifest, tenant: TenantId) -> None:
        """It is written, and all of it is there."""
        fields = {
            "phase": BackupPhase.COMPLETE.value,
            "takenAt": made.taken_at,
            "size": made.size,
            "checksum": made.checksum,
            "manifest": made.digest,
            "rows": made.rows,
            "objects": made.objects,
            "outboxPosition": made.outbox,
            "unsentEvents": made.unsent,
            "version": made.version,
            "migrations": list(made.heads),
            "store": self._here().told(tenant, name),
            "keyID": made.key_id,
            "seconds": made.seconds,
        }
        await self._report(name, fields)

    async def usable(self, name: str, tenant: TenantId | None) -> Manifest:
        """The manifest of a backup of this tenant, or of any. Raises `OperationFailed` if it cannot be loaded."""
        found = await self.kube.get(BACKUP, name)
        if found is None:
            raise OperationFailed("BackupUnknown", f"there is no BrokerageBackup {name}")
        whose = TenantId(found["spec"]["tenantID"])
        if tenant not in (None, whose):
            raise OperationFailed("BackupOfAnother", f"backup {name} is of tenant {whose}, and not of {tenant}")
        status = found.get("status", {})
        if status.get("phase") != BackupPhase.COMPLETE or "deletionTimestamp" in found["metadata"]:
            raise OperationFailed("BackupUnusable", f"backup {name} is not complete: {status.get('phase', 'unknown')}")
        if problem := elsewhere(self.place, found):
            raise OperationFailed("BackupElsewhere", problem)
        made = await self.manifest(name, whose)
        if made is None or made.digest != status["manifest"]:
            raise OperationFailed("BackupUnusable", f"what lies in the store is not what backup {name} says")
        return made

    async def manifest(self, name: str, tenant: TenantId) -> Manifest | None:
        """What the Job wrote last. Raises `OperationFailed` if it is none, or not of this backup."""
        try:
            content = await self._here().manifest(tenant, name)
            if content is None:
                return None
            made = manifests.parsed(content)
        except Damaged as damage:
            raise OperationFailed("BackupUnusable", str(damage)) from damage
        if (made.tenant, made.backup) != (tenant.value, name):
            raise OperationFailed("BackupUnusable", f"the manifest of {name} is of {made.backup} of {made.tenant}")
        return made

    async def whose(self, name: str) -> str | None:
        """The name of the brokerage whose backup it is; None: there is no such backup."""
        found = await self.kube.get(BACKUP, name)
        return found["spec"]["brokerage"] if found else None

    async def newest(self, tenant: TenantId) -> str | None:
        """The one that holds the latest moment, of those that are whole; one that lies here before any other."""
        whole = [one for one in await self.of(tenant) if one.get("status", {}).get("phase") == BackupPhase.COMPLETE]
        here = [one for one in whole if elsewhere(self.place, one) is None]
        latest = max(here or whole, key=lambda one: one["status"]["takenAt"], default=None)
        return latest["metadata"]["name"] if latest else None

    async def prove(self, name: str, now: datetime, seconds: float) -> None:
        """It was loaded, and all of it was there."""
        await self._judged(name, {"provenAt": stamp(now), "provenSeconds": round(seconds, 3)})

    async def disprove(self, name: str, now: datetime, message: str) -> None:
        """It could not be loaded, or something of it was missing or another."""
        await self._judged(name, {"disprovenAt": stamp(now), "message": message})

    async def _judged(self, name: str, verdict: Mapping[str, Any]) -> None:
        found = await self.kube.get(BACKUP, name)
        if found is not None:
            judged = ("provenAt", "provenSeconds", "disprovenAt", "message")
            rest = {key: value for key, value in found["status"].items() if key not in judged}
            await self._report(name, {**rest, **verdict})

    async def stored(self, name: str, tenant: TenantId) -> Mapping[str, int]:
        """Sizes of all that lies there of a backup by their names. Raises `OperationFailed` if it is none of ours."""
        try:
            return await self._here().sizes(tenant, name)
        except Damaged as damage:
            raise OperationFailed("BackupUnusable", str(damage)) from damage

    async def reconcile(self, name: str) -> Outcome:
        """Of a backup that is deleted all that lies there goes first, then the last trace of it."""
        item = await self.kube.get(BACKUP, name)
        if item is None or "deletionTimestamp" not in item["metadata"]:
            return Outcome()
        try:
            async with self.shards.staying(item["spec"]["brokerage"]):
                await self._remove(item)
        except Elsewhere as other:
            return Outcome(again_in=other.retry_in or LATER)
        return Outcome()

    async def _remove(self, item: Object) -> None:
        metadata, tenant = item["metadata"], TenantId(item["spec"]["tenantID"])
        if names.FINALIZER_BACKUP not in metadata.get("finalizers", []):
            return
        if problem := elsewhere(self.place, item):
            # It is not forgotten either: whoever has that kind of place again takes it away.
            await self._report(metadata["name"], {**item["status"], "message": problem})
            return
        if self.place is not None:
            await self.place.remove(tenant, metadata["name"])
            others = [one for one in await self.of(tenant) if one["metadata"]["name"] != metadata["name"]]
            if not others and await self.place.is_empty(tenant):
                await self.place.leave(tenant)
        left = [one for one in metadata["finalizers"] if one != names.FINALIZER_BACKUP]
        await self.kube.patch(BACKUP, metadata["name"], released(metadata, left))

    async def of(self, tenant: TenantId) -> list[Object]:
        """All backups of a tenant, oldest first."""
        found = await self.kube.list(BACKUP, labels={names.LABEL_TENANT: tenant.value})
        return sorted(found, key=lambda item: (item["metadata"]["creationTimestamp"], item["metadata"]["name"]))

    async def _report(self, name: str, status: Mapping[str, Any]) -> None:
        found = await self.kube.get(BACKUP, name)
        if found is None or found.get("status") == status:
            return
        head = {"apiVersion": BACKUP.api_version, "kind": BACKUP.kind}
        metadata = {"name": name, "uid": found["metadata"]["uid"]}
        await self.kube.apply({**head, "metadata": metadata, "status": dict(status)}, subresource="status")

    def _here(self) -> Place:
        if self.place is None:
            raise OperationFailed("BackupStoreMissing", "this installation has no place for backups any more")
        return self.place


def released(metadata: Object, left: list[str]) -> list[Object]:
    """The patch that leaves these finalizers on exactly the version that was read."""
    return [
        {"op": "test", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]},
        {"op": "replace", "path": "/metadata/finalizers", "value": left},
    ]


def _is_by(item: Object, order: Order) -> bool:
    """Whether this very operation writes it."""
    annotations: dict[str, str] = item["metadata"].get("annotations") or {}
    return annotations.get(names.LABEL_OPERATION) == order.uid


def _build(order: Order, tenant: TenantId) -> Object:
    return {
        "apiVersion": BACKUP.api_version,
        "kind": BACKUP.kind,
        "metadata": {
            "name": order.name,
            "labels": {**names.labels(tenant), **({names.LABEL_SCHEDULED: "true"} if order.scheduled else {})},
            "annotations": {names.LABEL_OPERATION: order.uid},
            "finalizers": [names.FINALIZER_BACKUP],
        },
        "spec": {"brokerage": order.spec.brokerage, "tenantID": tenant.value},
    }
