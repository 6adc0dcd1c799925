"""Backups on a volume: a folder of each tenant, in it one of each backup, which an operation's Job sees and no other.

Pods of tenants may use claims only. So while an operation works there is a PersistentVolume of just that folder, bound
to the one claim of the tenant's namespace. Between operations nothing in the cluster leads to any backup.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .. import names
from ..adapters.kubernetes import CLAIM, VOLUME, Conflict, Forbidden, Kubernetes
from ..adapters.volume import Volume
from ..archive import manifest as manifests
from ..archive.envelope import Damaged
from ..drift import Object
from ..errors import Unavailable, Waiting
from ..folders import Strange
from ..names import TenantId
from ..tenant import CLAIM_SIZE
from .places import Entrance, Way
from .progress import Order

NAME = "operation"  # of the claim, as of all that an operation has in the namespace
FOLDER = "/var/lib/rooftree/backup"  # where the Job finds it
WITH_PATHS = ("nfs", "hostPath")  # kinds of sources that may begin at a folder of the volume
SOON = 2.0  # seconds


@dataclass(frozen=True)
class VolumePlace:
    """A `Place`."""

    kube: Kubernetes
    volume: Volume

    def told(self, tenant: TenantId, backup: str) -> Object:
        return {"volume": described(self.volume.source), "path": f"{tenant}/{backup}"}

    def holds(self, store: Mapping[str, Any]) -> bool:
        return "path" in store

    def secrets(self, way: Way) -> dict[str, str]:
        return {}

    def entrance(self, way: Way) -> Entrance:
        _, rest = narrowed(self.volume.source, way)
        reads = not way.writes
        mount: Object = {"name": "backup", "mountPath": FOLDER, "readOnly": reads}
        if rest:
            mount["subPath"] = rest
        claim = {"claimName": NAME, "readOnly": reads}
        return Entrance({"ROOFTREE_BACKUP_DIR": FOLDER}, {"name": mount["name"], "persistentVolumeClaim": claim}, mount)

    async def open(self, way: Way, secrets: Mapping[str, str]) -> None:
        namespace, volume = way.tenant.namespace, names.operation_volume(way.order.uid)
        claimed, bound = await self.kube.get(CLAIM, NAME, namespace), await self.kube.get(VOLUME, volume)
        if not _fit(claimed, bound, way.order):
            # They are just going, or were left when the operator was told to keep backups elsewhere meanwhile.
            if claimed is not None and "deletionTimestamp" not in claimed["metadata"]:
                await self.kube.delete(CLAIM, NAME, namespace, uid=claimed["metadata"]["uid"])
            await self.shut(way.tenant.id)
            raise Waiting("OperationRunning", "the claim of an earlier operation goes first", retry_in=SOON)
        if way.writes:
            await self.volume.make(way.source.value, way.backup)
        try:
            if bound is None:
                await self.kube.create(persistent_volume(self.volume.source, way))
            if claimed is None:
                await self.kube.create(claim(way))
        except Conflict:
            raise Waiting("OperationRunning", "the way to the backup is being made", retry_in=SOON) from None
        except Forbidden as refusal:
            message = f"the volume of an operation in {namespace} is refused: {refusal}"
            raise Unavailable("BackupClaimRefused", message) from refusal

    async def close(self, tenant: TenantId, order: Order, secrets: Mapping[str, str]) -> None:
        """Both stay for the moment that the Job's pod still takes to end: Kubernetes sees to that."""
        namespace, volume = names.namespace(tenant), names.operation_volume(order.uid)
        found = await self.kube.get(CLAIM, NAME, namespace)
        if found is not None and _is_by(found, order):
            await self.kube.delete(CLAIM, NAME, namespace, uid=found["metadata"]["uid"])
        if await self.kube.get(VOLUME, volume) is not None:
            await self.kube.delete(VOLUME, volume)

    async def shut(self, tenant: TenantId) -> None:
        for found in await self.kube.list(VOLUME, labels={names.LABEL_TENANT: tenant.value}):
            if "deletionTimestamp" not in found["metadata"]:
                await self.kube.delete(VOLUME, found["metadata"]["name"])

    async def manifest(self, tenant: TenantId, backup: str) -> bytes | None:
        try:
            return await self.volume.read(tenant.value, backup, manifests.NAME)
        except Strange as strange:
            raise Damaged(f"what lies there as backup {backup} is none: {strange}") from strange

    async def sizes(self, tenant: TenantId, backup: str) -> Mapping[str, int]:
        try:
            found = await self.volume.sizes(tenant.value, backup)
        except Strange as strange:
            raise Damaged(f"what lies there as backup {backup} is none: {strange}") from strange
        return {manifests.folder(backup) + name: size for name, size in found.items()}

    async def remove(self, tenant: TenantId, backup: str) -> None:
        await self.volume.delete(tenant.value, backup)

    async def is_empty(self, tenant: TenantId) -> bool:
        return await self.volume.is_empty(tenant.value)

    async def leave(self, tenant: TenantId) -> None:
        await self.volume.delete_tenant(tenant.value)


def narrowed(source: Mapping[str, Any], way: Way) -> tuple[Object, str]:
    """The source of just this backup's folder; and the way to it from there, if a source cannot begin at a folder."""
    path = f"{way.source}/{way.backup}"
    for kind in WITH_PATHS:
        if kind in source:
            base = source[kind]["path"].rstrip("/")
            return {**source, kind: {**source[kind], "path": f"{base}/{path}"}}, ""
    return dict(source), path


def described(source: Mapping[str, Any]) -> str:
    """A volume in words, for people who look for a backup."""
    for kind, value in source.items():
        if kind in WITH_PATHS:
            return " ".join(word for word in (kind, value.get("server", ""), value["path"]) if word)
        if kind == "csi":
            return f"{kind} {value['driver']} {value['volumeHandle']}"
    raise ValueError("a volume without a source")


def persistent_volume(source: Mapping[str, Any], way: Way) -> Object:
    """Bound to the claim of this very operation, and to be kept whatever becomes of that."""
    narrow, _ = narrowed(source, way)
    claim = {"apiVersion": "v1", "kind": CLAIM.kind, "namespace": way.tenant.namespace, "name": NAME}
    return {
        "apiVersion": "v1",
        "kind": VOLUME.kind,
        "metadata": _metadata(way, names.operation_volume(way.order.uid)),
        "spec": {
            **narrow,
            "capacity": {"storage": CLAIM_SIZE},
            "accessModes": [_mode(way)],
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": "",
            "claimRef": claim,
        },
    }


def claim(way: Way) -> Object:
    return {
        "apiVersion": "v1",
        "kind": CLAIM.kind,
        "metadata": {**_metadata(way, NAME), "namespace": way.tenant.namespace},
        "spec": {
            "accessModes": [_mode(way)],
            "resources": {"requests": {"storage": CLAIM_SIZE}},
            "storageClassName": "",
            "volumeName": names.operation_volume(way.order.uid),
        },
    }


def _metadata(way: Way, name: str) -> Object:
    annotations = {names.LABEL_OPERATION: way.order.uid}
    return {"name": name, "labels": names.labels(way.tenant.id), "annotations": annotations}


def _mode(way: Way) -> str:
    return "ReadWriteMany" if way.writes else "ReadOnlyMany"


def _fit(claimed: Object | None, bound: Object | None, order: Order) -> bool:
    """Whether what is there of both is this operation's. A volume that was once bound to a claim takes no other one."""
    stays = bound is None or ("deletionTimestamp" not in bound["metadata"])
    is_free = bound is None or claimed is not None or "uid" not in bound["spec"]["claimRef"]
    return stays and is_free and (claimed is None or _is_by(claimed, order))


def _is_by(item: Object, order: Order) -> bool:
    """Whether it is this operation's, and stays."""
    annotations: dict[str, str] = item["metadata"].get("annotations") or {}
    return annotations.get(names.LABEL_OPERATION) == order.uid and "deletionTimestamp" not in item["metadata"]
