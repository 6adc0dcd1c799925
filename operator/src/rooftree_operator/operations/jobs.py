"""The Job of an operation, with what it is given wherever backups lie: a Secret, and where it may connect. Pure.

It runs in the tenant's namespace as the tenant's own migrator, so that the operator never holds what it carries. It
reaches names, PostgreSQL and the object store if there is one, and nobody reaches it.
"""

from collections.abc import Mapping
from typing import Any

from .. import generations, names, pods
from ..drift import Object, stamped
from ..names import Slot
from ..secret_objects import secret_object
from ..tenant import Tenant
from .places import Entrance
from .progress import Order

NAME = "operation"  # of the Secret and the NetworkPolicy; a brokerage has one operation at a time
CONTAINER = "archive"
MEMORY = {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"cpu": "1", "memory": "384Mi"}}
DEADLINE = 3 * 3600  # seconds
TRIES = 2  # after the first
OF_TENANT = (pods.APP_SECRET, pods.MIGRATOR_SECRET)
NO_ENTRANCE = Entrance()


def secret(tenant: Tenant, order: Order, values: Mapping[str, str]) -> Object:
    """What the Job is given beside the tenant's own Secrets. It says for which operation it was made."""
    made = secret_object(tenant, NAME, dict(values))
    made["metadata"]["annotations"] = {names.LABEL_OPERATION: order.uid}
    return made


def is_of(item: Object | None, order: Order) -> bool:
    """Whether the Secret was made for this very operation."""
    annotations: dict[str, str] = (item or {}).get("metadata", {}).get("annotations") or {}
    return annotations.get(names.LABEL_OPERATION) == order.uid


def network_policy(tenant: Tenant) -> Object | None:
    """The object store if there is one, beside what all pods of the tenant reach: names and PostgreSQL."""
    network = tenant.platform.network
    if not network.enabled:
        return None
    files = [network.peers["s3"].model_dump()] if tenant.platform.s3_url else []
    return stamped(
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": NAME, "namespace": tenant.namespace, "labels": names.labels(tenant.id)},
            "spec": {
                "podSelector": {"matchExpressions": [{"key": names.LABEL_OPERATION, "operator": "Exists"}]},
                "policyTypes": ["Ingress", "Egress"],
                "ingress": [],
                "egress": files,
            },
        }
    )


def values(tenant: Tenant, slot: Slot, backup: str, database: str) -> dict[str, str]:
    """The Job's variables, but for its way to `backup`; `database`: which one of the tenant it is about."""
    return {
        **pods.database_values(tenant.platform, database, names.migrator_role(tenant.id, slot)),
        **pods.storage_values(tenant, slot),
        "ROOFTREE_DATABASE_OWNER_ROLE": names.owner_role(tenant.id),
        "ROOFTREE_TENANT_ID": tenant.id.value,
        "ROOFTREE_VERSION": tenant.running or tenant.release.version,
        "ROOFTREE_BACKUP": backup,
    }


def job(
    tenant: Tenant,
    slot: Slot,
    order: Order,
    command: str,
    environment: Mapping[str, str],
    *,
    entrance: Entrance = NO_ENTRANCE,
) -> Object:
    """Runs `command` of the archive, with the logins of `slot` and its way to the backup."""
    labels = {**names.labels(tenant.id), names.LABEL_OPERATION: order.name}
    container: Object = {
        "name": CONTAINER,
        "image": tenant.platform.image,
        "command": ["python", "-m", "rooftree_operator.archive", command],
        "env": pods.environment({**environment, **entrance.values}),
        "resources": MEMORY,
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
    return stamped(
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": names.operation_job(order.uid), "namespace": tenant.namespace, "labels": labels},
            "spec": {
                "backoffLimit": TRIES,
                "activeDeadlineSeconds": DEADLINE,
                # Never two at once: one that we lost sight of would write over what the other has written.
                "podReplacementPolicy": "Failed",
                "template": {"metadata": {"labels": labels}, "spec": _pod(container, slot, entrance)},
            },
        }
    )


def _pod(container: Object, slot: Slot, entrance: Entrance) -> Object:
    """As all pods of a tenant, with a folder for each of the Secrets, and the backup's if it lies on a volume."""
    made = pods.pod_spec(container, files=pods.Files(NAME, None), restart="Never")
    (only,) = made["containers"]
    only["volumeMounts"] = [mount for mount in only["volumeMounts"] if mount["name"] != "secrets"]
    made["volumes"] = [volume for volume in made["volumes"] if volume["name"] != "secrets"]
    for files in (*(pods.Files(name, generations.files(name, slot)) for name in OF_TENANT), pods.Files(NAME, None)):
        name = files.secret
        only["volumeMounts"].append({"name": name, "mountPath": f"{pods.SECRETS_DIR}/{name}", "readOnly": True})
        made["volumes"].append({"name": name, "secret": files.as_volume()})
    if entrance.volume is not None:
        # Else a driver that sets owners would look at all backups before each Job.
        made["securityContext"] = {**made["securityContext"], "fsGroupChangePolicy": "OnRootMismatch"}
        made["volumes"].append(entrance.volume)
        only["volumeMounts"].append(entrance.mount)
    return made


def last_words(found: list[Object]) -> str:
    """What the newest pod of the Job said at its end."""
    ended: list[tuple[str, str]] = []
    for pod in found:
        statuses: list[Object] = pod.get("status", {}).get("containerStatuses", [])
        for status in statuses:
            state: Any = status.get("state", {}).get("terminated")
            if state:
                ended.append((state.get("finishedAt", ""), state.get("message", "") or state.get("reason", "")))
    return max(ended, default=("", ""))[1].strip()[:1000]
