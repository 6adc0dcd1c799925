"""Builders of the pods that run the tenant app: the same volumes and restrictions for serving and migrating. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import names
from .drift import Object
from .names import Slot
from .release import Release
from .tenant import Platform, Tenant

APP = "app"
APP_SECRET = "app"  # noqa: S105 -- an object's name
MIGRATOR_SECRET = "migrator"  # noqa: S105 -- as above
CA_CONFIG = "backends-ca"
SECRETS_DIR = "/etc/rooftree/secrets"
CA_FILE = "/etc/rooftree/ca/ca.crt"
RPC_DIR = "/etc/rooftree/rpc"

POD_SECURITY: Object = {
    "runAsNonRoot": True,
    "runAsUser": 10001,
    "runAsGroup": 10001,
    "fsGroup": 10001,
    "seccompProfile": {"type": "RuntimeDefault"},
}
CONTAINER_SECURITY: Object = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


@dataclass(frozen=True)
class Files:
    """What a pod sees of a Secret. `keys`: by file, the key that it has its content from; None: all of them."""

    secret: str
    keys: Mapping[str, str] | None

    def as_volume(self) -> Object:
        volume: Object = {"secretName": self.secret, "defaultMode": 0o440}
        if self.keys is None:
            return volume
        # Both generations of credentials may be in the Secret: a pod keeps seeing the one that it began with.
        return {**volume, "items": [{"key": key, "path": path} for path, key in sorted(self.keys.items())]}


def ca_config(metadata: Object, ca: str) -> Object:
    """The ConfigMap that every pod with a backend trusts; `metadata` with the name `CA_CONFIG`."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"ca.crt": ca}}


def environment(values: dict[str, str]) -> list[dict[str, str]]:
    """Env entries. Empty ones are left out: the apiserver drops their value, and they would always seem to differ."""
    return [{"name": name, "value": value} for name, value in sorted(values.items()) if value]


def database_values(platform: Platform, database: str, user: str) -> dict[str, str]:
    return {
        "ROOFTREE_DATABASE_HOST": platform.postgres_host,
        "ROOFTREE_DATABASE_PORT": str(platform.postgres_port),
        "ROOFTREE_DATABASE_NAME": database,
        "ROOFTREE_DATABASE_USER": user,
        "ROOFTREE_CA_FILE": CA_FILE,
        "ROOFTREE_SECRETS_DIR": SECRETS_DIR,
    }


def standby_values(platform: Platform) -> dict[str, str]:
    """Where lists may be read, too; only serving pods need to know."""
    if not platform.postgres_standby_host:
        return {}
    return {
        "ROOFTREE_DATABASE_STANDBY_HOST": platform.postgres_standby_host,
        "ROOFTREE_DATABASE_STANDBY_PORT": str(platform.postgres_standby_port),
    }


def backend_values(tenant: Tenant, slot: Slot) -> dict[str, str]:
    """Where the other backends are, and as whom the app enters them."""
    platform, user = tenant.platform, names.user(tenant.id, slot)
    return {
        **storage_values(tenant, slot),
        "ROOFTREE_KAFKA_BOOTSTRAP": platform.kafka_bootstrap,
        "ROOFTREE_KAFKA_USER": user,
        "ROOFTREE_ELASTICSEARCH_URL": platform.elasticsearch_url,
        "ROOFTREE_ELASTICSEARCH_USER": user,
        "ROOFTREE_REDIS_HOST": platform.redis_host,
        "ROOFTREE_REDIS_PORT": str(platform.redis_port),
        "ROOFTREE_REDIS_USER": user,
        "ROOFTREE_OTLP_ENDPOINT": platform.otlp_endpoint,
        "ROOFTREE_SMTP_HOST": platform.smtp_host,
        "ROOFTREE_SMTP_PORT": str(platform.smtp_port or ""),
        "ROOFTREE_SMTP_FROM": platform.smtp_from,
    }


def storage_values(tenant: Tenant, slot: Slot) -> dict[str, str]:
    """The tenant's bucket and its access key's name; the key's secret is the file `s3_secret_key`."""
    if not tenant.platform.s3_url:
        return {}
    return {
        "ROOFTREE_S3_ENDPOINT": tenant.platform.s3_url,
        "ROOFTREE_S3_REGION": tenant.platform.s3_region,
        "ROOFTREE_S3_BUCKET": names.bucket(tenant.id),
        "ROOFTREE_S3_ACCESS_KEY": names.user(tenant.id, slot),
    }


def limit_values(tenant: Tenant) -> dict[str, str]:
    limits = tenant.plan.api.model_dump()
    return {f"ROOFTREE_RATE_{name.upper()}": str(limit) for name, limit in limits.items()}


def app_values(tenant: Tenant, slot: Slot) -> dict[str, str]:
    """Everything that the serving app, which logs in by `slot`, reads from its environment."""
    spec, user = tenant.spec, names.user(tenant.id, slot)
    return {
        **database_values(tenant.platform, names.database(tenant.id), user),
        **standby_values(tenant.platform),
        **backend_values(tenant, slot),
        **limit_values(tenant),
        "ROOFTREE_TENANT_ID": tenant.id.value,
        "ROOFTREE_SLUG": tenant.slug,
        "ROOFTREE_DISPLAY_NAME": spec.display_name,
        "ROOFTREE_PUBLIC_URL": tenant.url,
        "ROOFTREE_OWNER_EMAIL": spec.owner.email,
        "ROOFTREE_OWNER_NAME": spec.owner.name or "",
        "ROOFTREE_TIME_ZONE": spec.time_zone,
        "ROOFTREE_CURRENCY": spec.currency,
        "ROOFTREE_VERSION": tenant.release.version,
    }


def pod_spec(container: Object, *, files: Files, restart: str = "Always", rpc_secret: str | None = None) -> Object:
    """A pod under PodSecurity `restricted`, without a service-account token, with a read-only root.

    `rpc_secret`: the certificate with which it calls and answers other modules' pods.
    """
    rpc = [("rpc", RPC_DIR, rpc_secret)] if rpc_secret else []
    mounts: list[Object] = [
        {"name": "secrets", "mountPath": SECRETS_DIR, "readOnly": True},
        {"name": "ca", "mountPath": CA_FILE.rpartition("/")[0], "readOnly": True},
        {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 -- the pod's own
        *({"name": name, "mountPath": path, "readOnly": True} for name, path, _ in rpc),
    ]
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "restartPolicy": restart,
        "securityContext": POD_SECURITY,
        "containers": [
            {
                **container,
                "imagePullPolicy": "IfNotPresent",
                "securityContext": CONTAINER_SECURITY,
                "volumeMounts": mounts,
            }
        ],
        "volumes": [
            {"name": "secrets", "secret": files.as_volume()},
            {"name": "ca", "configMap": {"name": CA_CONFIG}},
            {"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}},
            *({"name": name, "secret": {"secretName": one, "defaultMode": 0o440}} for name, _, one in rpc),
        ],
    }


def migration_job(
    name: str, namespace: str, labels: dict[str, str], *, release: Release, values: dict[str, str], files: Files
) -> Object:
    """A Job that brings one database to the release's heads."""
    size: dict[str, Any] = {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"cpu": "1", "memory": "384Mi"}}
    container: Object = {
        "name": "migrate",
        "image": release.image,
        "command": list(release.migrate),
        "env": environment(values),
        "resources": size,
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {
            "backoffLimit": 2,
            "activeDeadlineSeconds": 900,
            "ttlSecondsAfterFinished": 600,
            "template": {
                "metadata": {"labels": labels},
                "spec": pod_spec(container, files=files, restart="Never"),
            },
        },
    }


def job_failure(job: Object) -> str | None:
    """Why the Job has failed for good, if so."""
    for condition in job.get("status", {}).get("conditions", []):
        if condition["type"] == "Failed" and condition["status"] == "True":
            return f"{condition.get('reason', 'Failed')}: {condition.get('message', '')}".strip(": ")
    return None
