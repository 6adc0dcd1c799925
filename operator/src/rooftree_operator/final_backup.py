"""The last backup of a brokerage that is deleted under `deletionPolicy: Snapshot`: nothing goes before it is whole."""

import contextlib
from typing import Any

from . import names
from .adapters.kubernetes import BACKUP, OPERATION, Conflict, Kubernetes
from .api.operations import BackupPhase, OperationKind, OperationPhase
from .drift import Object
from .errors import Unavailable, Waiting
from .names import TenantId

SOON = 2.0  # seconds


async def require(kube: Kubernetes, brokerage: Object, tenant: TenantId) -> None:
    """Returns when it is there. Raises `Waiting` until then, and `Unavailable` if it failed: nothing is deleted."""
    tenant = tenant.of(brokerage["metadata"]["name"])
    name = names.final_backup(tenant.slug, brokerage["metadata"]["uid"])
    written = await kube.get(BACKUP, name)
    if written is not None and written.get("status", {}).get("phase") == BackupPhase.COMPLETE:
        return
    ordered = await kube.get(OPERATION, name)
    if ordered is None:
        with contextlib.suppress(Conflict):  # it was ordered already
            await kube.create(_build(name, brokerage, tenant))
        raise Waiting("FinalBackup", f"backup {name} is to be written first", retry_in=SOON)
    status: dict[str, Any] = ordered.get("status", {})
    if status.get("phase") == OperationPhase.FAILED:
        advice = f"delete operation and backup {name} to have it tried again, or change spec.deletionPolicy"
        raise Unavailable("FinalBackupFailed", f"{status.get('message', 'it failed')}: {advice}")
    raise Waiting("FinalBackup", f"backup {name}: {status.get('message', 'it begins')}", retry_in=SOON)


def is_of(operation: Object, brokerage: Object) -> bool:
    """Whether the operation is the last one of this very brokerage, which is being deleted."""
    labels: dict[str, str] = operation["metadata"].get("labels") or {}
    return labels.get(names.LABEL_FINAL) == brokerage["metadata"]["uid"]


def _build(name: str, brokerage: Object, tenant: TenantId) -> Object:
    labels = {**names.labels(tenant), names.LABEL_FINAL: brokerage["metadata"]["uid"]}
    spec = {"brokerage": tenant.slug, "type": OperationKind.BACKUP.value}
    head = {"apiVersion": OPERATION.api_version, "kind": OPERATION.kind}
    return {**head, "metadata": {"name": name, "labels": labels}, "spec": spec}
