"""The Job of an operation, with all that it is given: a Secret, an access key's policy, and where it may connect. Pure.

It runs in the tenant's namespace as the tenant's own migrator, so that the operator never holds what it carries. It
reaches names, PostgreSQL and the object store, and nobody reaches it.
"""

from collections.abc import Mapping
from typing import Any

from .. import generations, names, pods
from ..drift import Object, stamped
from ..names import Slot
from ..secret_objects import secret_object
from ..tenant import Tenant
from .progress import Order

NAME = "operation"  # of the Secret and the NetworkPolicy; a brokerage has one operation at a time
CONTAINER = "archive"
MEMORY = {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"cpu": "1", "memory": "384Mi"}}
DEADLINE = 3 * 3600  # seconds
TRIES = 2  # after the first
WRITES, READS = ("PutObject",), ("GetObject",)
OF_TENANT = (pods.APP_SECRET, pods.MIGRATOR_SECRET)


def policy(tenant: names.TenantId, source: names.TenantId, backup: str, actions: tuple[str, ...]) -> Object:
    """Of `source`'s bucket of backups: what the tenant's key of this operation may do, below one backup's folder."""
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": [names.backups_user(tenant)]},
        "Action": [f"s3:{action}" for action in actions],
        "Resource": [f"arn:aws:s3:::{names.backups_bucket(source)}/{backup}/*"],
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


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
    """The object store, beside what all pods of the tenant reach: names and PostgreSQL."""
    network = tenant.platform.network
    if not network.enabled:
        return None
    return stamped(
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": NAME, "namespace": tenant.namespace, "labels": names.labels(tenant.id)},
            "spec": {
                "podSelector": {"matchExpressions": [{"key": names.LABEL_OPERATION, "operator": "Exists"}]},
                "policyTypes": ["Ingress", "Egress"],
                "ingress": [],
                "egress": [network.peers["s3"].model_dump()],
            },
        }
    )


def values(tenant: Tenant, slot: Slot, source: names.TenantId, backup: str, database: str) -> dict[str, str]:
    """The Job's variables: `backup` in the bucket of `source`, and which database of the tenant it is about."""
    return {
        **pods.database_values(tenant.platform, database, names.migrator_role(tenant.id, slot)),
        **pods.storage_values(tenant, slot),
        "ROOFTREE_DATABASE_OWNER_ROLE": names.owner_role(tenant.id),
        "ROOFTREE_TENANT_ID": tenant.id.value,
        "ROOFTREE_VERSION": tenant.running or tenant.release.version,
        "ROOFTREE_BACKUP": backup,
        "ROOFTREE_BACKUP_BUCKET": names.backups_bucket(source),
        "ROOFTREE_BACKUP_ACCESS_KEY": names.backups_user(tenant.id),
    }


def job(tenant: Tenant, slot: Slot, order: Order, command: str, environment: Mapping[str, str]) -> Object:
    """Runs `command` of the archive, with the logins of `slot`."""
    labels = {**names.labels(tenant.id), names.LABEL_OPERATION: order.name}
    container: Object = {
        "name": CONTAINER,
        "image": tenant.platform.image,
        "command": ["python", "-m", "rooftree_operator.archive", command],
        "env": pods.environment(dict(environment)),
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
                "template": {"metadata": {"labels": labels}, "spec": _pod(container, slot)},
            },
        }
    )


def _pod(container: Object, slot: Slot) -> Object:
    """As all pods of a tenant, with a folder for each of the Secrets."""
    made = pods.pod_spec(container, files=pods.Files(NAME, None), restart="Never")
    (only,) = made["containers"]
    only["volumeMounts"] = [mount for mount in only["volumeMounts"] if mount["name"] != "secrets"]
    made["volumes"] = [volume for volume in made["volumes"] if volume["name"] != "secrets"]
    for files in (*(pods.Files(name, generations.files(name, slot)) for name in OF_TENANT), pods.Files(NAME, None)):
        name = files.secret
        only["volumeMounts"].append({"name": name, "mountPath": f"{pods.SECRETS_DIR}/{name}", "readOnly": True})
        made["volumes"].append({"name": name, "secret": files.as_volume()})
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
