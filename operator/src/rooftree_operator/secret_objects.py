"""Secrets as objects, and their values. Pure."""

import base64
from typing import cast

from . import names
from .drift import Object
from .tenant import Tenant


def secret_object(tenant: Tenant, name: str, values: dict[str, str]) -> Object:
    data = {key: base64.b64encode(value.encode()).decode() for key, value in sorted(values.items())}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": tenant.namespace, "labels": names.labels(tenant.id)},
        "type": "Opaque",
        "data": data,
    }


def decoded(secret: Object | None) -> dict[str, str]:
    """The values of a Secret; empty if there is none."""
    data = cast("dict[str, str]", (secret or Object()).get("data") or {})
    return {name: base64.b64decode(value).decode() for name, value in data.items()}
