"""What is kept of a deleted tenant in our own namespace: a Secret with what brings it back, and words for people. Pure.

It holds what was made once for the tenant and is nowhere else: passwords, the owner's seed, the signing keys. What can
be made again without anybody noticing is not in it: certificates of modules, copies of feeds' credentials.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import cast

from . import names, pods
from .drift import Object
from .names import TenantId

SECRETS = (pods.APP_SECRET, pods.MIGRATOR_SECRET)
DERIVED = frozenset({"feeds.json"})
NEVER = datetime(9999, 1, 1, tzinfo=UTC)
"""Nobody's time is over then: it goes only by a person's word."""


def build(brokerage: Object, tenant: TenantId, data: Mapping[str, str], *, namespace: str, until: datetime) -> Object:
    """The Secret for a Brokerage that is being deleted; `data` is encoded. It can be had back `until` then."""
    metadata, spec = brokerage["metadata"], brokerage["spec"]
    deleted_at = metadata["deletionTimestamp"]
    labels = {
        names.LABEL_KEPT: metadata["name"],
        names.LABEL_TENANT: tenant.value,
        names.LABEL_MANAGED_BY: names.MANAGER,
    }
    annotations = {
        names.ANNOTATION_DISPLAY_NAME: spec["displayName"],
        names.ANNOTATION_PLAN: spec["plan"],
        names.ANNOTATION_VERSION: brokerage.get("status", {}).get("version", "none"),
        names.ANNOTATION_DELETED_AT: deleted_at,
        names.ANNOTATION_PURGE_AFTER: _stamp(until),
    }
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": names.kept_secret(tenant),
            "namespace": namespace,
            "labels": labels,
            "annotations": annotations,
        },
        "type": "Opaque",
        "data": dict(sorted(data.items())),
    }


def taken(secrets: Mapping[str, Object | None]) -> dict[str, str]:
    """What is to be kept of the tenant's Secrets, by `<secret>.<key>`; encoded, as found."""
    return {
        f"{name}.{key}": value
        for name, secret in secrets.items()
        for key, value in encoded(secret).items()
        if key not in DERIVED
    }


def given_back(secret: Object | None, name: str) -> Object:
    """The tenant's Secret `name` as it was kept: only its data. Without a Secret: nothing of it."""
    prefix = f"{name}."
    found = {key.removeprefix(prefix): value for key, value in encoded(secret).items() if key.startswith(prefix)}
    return {"data": found}


def is_of(secret: Object | None, brokerage: Object) -> bool:
    """Whether the Secret is of this very deletion, and not of an earlier one."""
    return _annotation(secret, names.ANNOTATION_DELETED_AT) == brokerage["metadata"]["deletionTimestamp"]


def purge_after(secret: Object) -> datetime:
    """When nobody can have the tenant back any more."""
    return moment(secret["metadata"]["annotations"][names.ANNOTATION_PURGE_AFTER])


def is_ordered(secret: Object | None, tenant: TenantId) -> bool:
    """Whether a person wants the tenant to be purged now."""
    return _annotation(secret, names.ANNOTATION_PURGE) == tenant.value


def purge_command(tenant: TenantId, namespace: str) -> str:
    """What a person types to purge a kept tenant."""
    secret = names.kept_secret(tenant)
    return f"kubectl annotate secret {secret} -n {namespace} {names.ANNOTATION_PURGE}={tenant}"


def encoded(secret: Object | None) -> dict[str, str]:
    """The data of a Secret as it is stored; empty if there is none."""
    return cast("dict[str, str]", (secret or Object()).get("data") or {})


def _annotation(secret: Object | None, name: str) -> str | None:
    annotations = cast("dict[str, str]", (secret or Object()).get("metadata", {}).get("annotations") or {})
    return annotations.get(name)


def moment(stamp: str) -> datetime:
    """A time as it is written in an object."""
    return datetime.fromisoformat(stamp.replace("Z", "+00:00"))


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
