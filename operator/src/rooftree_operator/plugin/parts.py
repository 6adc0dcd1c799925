"""The parts of a tenant as the plugin can judge them: those of Kubernetes against what is there, those of backends by
what would be done from nothing, since the plugin has no login to any backend. The operator's own plans, no others.
"""

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from ..adapters.kafka import AccessSeen
from ..adapters.kubernetes import Kubernetes
from ..adapters.postgres import DatabaseSeen
from ..adapters.redis import COMMANDS
from ..adapters.s3 import Standing
from ..generations import Logins
from ..graph import AnyProvisioner
from ..names import Slot
from ..provisioners import (
    autoscaling,
    backups,
    cache,
    certificates,
    credentials,
    database,
    disruption,
    former_modules,
    migrations,
    modules,
    namespace,
    policies,
    rotation,
    route,
    search,
    sleep,
    storage,
    suspension,
    topics,
    workload,
)
from ..tenant import Tenant

_NOBODY: Any = None  # a plan touches no adapter
# Only what a plan makes of it counts, and no plan shows it.
_PASSWORD = "unknown"  # noqa: S105 -- no password of anybody

SYSTEMS = {"database": "PostgreSQL", "topics": "Kafka", "search": "Elasticsearch", "cache": "Redis", "storage": "S3"}
UNSEEN = (*SYSTEMS, "migrations")


def of_kubernetes(kube: Kubernetes, ca: str, now: Callable[[], datetime], platform: str) -> tuple[AnyProvisioner, ...]:
    """Those whose work is all in Kubernetes. `platform` is the operator's namespace."""
    return (
        namespace.Namespace(kube),
        credentials.Credentials(kube, ca),
        policies.Policies(kube),
        certificates.Certificates(kube, now),
        modules.Modules(kube),
        workload.Workload(kube),
        autoscaling.Autoscaling(kube),
        disruption.Disruption(kube),
        former_modules.FormerModules(kube),
        route.Route(kube, platform),
        suspension.Suspension(kube),
        sleep.Slumber(kube, now),
        rotation.Rotation(kube, now),
        backups.Backups(kube, None, now),
    )


def in_one_go(seen: Any) -> Any:
    """What was seen, as if nothing were served yet: modules start all together then, not one after the other."""
    return dataclasses.replace(seen, app=None) if isinstance(seen, modules.Seen) else seen


def from_nothing(tenant: Tenant) -> dict[str, list[Any]]:
    """By system, all that is done in a backend for a tenant of which nothing is there."""
    logins = Logins({Slot.A: _PASSWORD})
    template = DatabaseSeen("", "", True, True, False, frozenset(), False)
    access = {Slot.A: AccessSeen(None, {}, frozenset(), {})}
    bucket = storage.Seen(logins, {Slot.A: Standing.NONE}, None, False) if tenant.platform.s3_url else None
    plans = {
        "database": database.Database(_NOBODY, _NOBODY).plan(
            tenant, database.Seen(logins, logins, {}, None, template, ())
        ),
        "topics": topics.Topics(_NOBODY, _NOBODY).plan(tenant, topics.Seen(logins, access, False)),
        "search": search.Search(_NOBODY, _NOBODY).plan(tenant, search.Seen(logins, None, {Slot.A: None}, None, False)),
        "cache": cache.Cache(_NOBODY, _NOBODY).plan(tenant, cache.Seen(logins, COMMANDS, {Slot.A: None}, False)),
        "storage": storage.Storage(_NOBODY, _NOBODY).plan(tenant, bucket),
    }
    return {SYSTEMS[part]: [one for one in plan.actions if _acts(one)] for part, plan in plans.items()}


def _acts(action: Any) -> bool:
    return type(action).__name__ != "Probe"


def migrates(before: Tenant, after: Tenant) -> str | None:
    """The Job that a change of the release needs."""
    if after.release.heads <= before.release.heads:
        return None
    return migrations.build_job(after, Slot.A)["metadata"]["name"]


def words(action: Any) -> str:
    """An action for people: what it does, and to what."""
    verb = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(action).__name__).lower()
    values = [getattr(action, one.name) for one in dataclasses.fields(action) if one.repr]
    told = [str(value) for value in values if isinstance(value, str) or type(value) is int]
    return " ".join([verb, *told[:1]])


def leaves(value: Any, path: str = "") -> dict[str, Any]:
    """The scalar values in a mapping or dataclass by their paths; what is secret is no part of it."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {one.name: getattr(value, one.name) for one in dataclasses.fields(value) if one.repr}
        return leaves(fields, path)
    if isinstance(value, Mapping):
        entries = cast("Mapping[str, Any]", value).items()
        return {
            key: leaf
            for name, inner in entries
            for key, leaf in leaves(inner, f"{path}.{name}" if path else str(name)).items()
        }
    return {path: value}


def changed(before: Sequence[Any], after: Sequence[Any]) -> list[tuple[str, dict[str, tuple[Any, Any]]]]:
    """Actions of `after` that `before` lacks, with the values that differ: for example a role's limit, 12 and 20."""
    known = {words(action): leaves(action) for action in before}
    nothing: dict[str, Any] = {}
    found: list[tuple[str, dict[str, tuple[Any, Any]]]] = []
    for action in after:
        old, new = known.get(words(action)), leaves(action)
        if old != new:
            old = old or nothing
            found.append((words(action), {key: (old.get(key), new[key]) for key in new if old.get(key) != new[key]}))
    return found
