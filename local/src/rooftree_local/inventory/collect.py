"""Asks every system of a live stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kafka.errors import KafkaError

from rooftree_local import stack
from rooftree_local.inventory import elasticsearch, kafka, kubernetes, model, postgres, redis, s3

if TYPE_CHECKING:
    from rooftree_local.inventory.model import Inventory, Tenant
    from rooftree_local.paths import Stack

# Each system, the component that must run for it, and who looks there.
SYSTEMS = {
    "postgres": ("postgres", postgres.look),
    "kafka": ("kafka", kafka.look),
    "elasticsearch": ("elasticsearch", elasticsearch.look),
    "redis": ("redis", redis.look),
    "s3": ("s3", s3.look),
    "kubernetes": ("apiserver", kubernetes.look),
}


def inventory(target: Stack, tenant: Tenant) -> Inventory:
    """Everything of the tenant. A system that was started and does not answer is an error, never an empty answer."""
    started = stack.status(target).get("components", {})
    here = [name for name, (component, _) in SYSTEMS.items() if component in started]
    rows = postgres.registry(target, tenant) if "postgres" in here else []
    tenant = model.Tenant(tenant.text, (row.id for row in rows))
    try:
        items = [item for name in here for item in SYSTEMS[name][1](target, tenant)]
    except KafkaError as error:
        raise stack.CommandFailed(f"Kafka refused: {error}") from error
    return model.assemble(tenant, [*here, *(["registry"] if "postgres" in here else [])], items, rows)
