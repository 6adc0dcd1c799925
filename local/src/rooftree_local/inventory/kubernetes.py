"""The namespace and all in it, what bears the tenant's label anywhere, the Brokerage, and its backups on the node."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from rooftree_local import kubectl, release, stack
from rooftree_local.inventory.model import MARK, Item

if TYPE_CHECKING:
    from pathlib import Path

    from rooftree_local.inventory.model import Tenant
    from rooftree_local.paths import Stack

# They come and go by themselves, or are other objects seen once more.
PASSING = ("events", "events.events.k8s.io", "pods.metrics.k8s.io", "nodes.metrics.k8s.io", "componentstatuses")
# Names and labels only: nothing of a Secret leaves the API server's answer.
COLUMNS = (
    "--no-headers",
    "--output=custom-columns=:.apiVersion,:.kind,:.metadata.namespace,:.metadata.name,"
    f":.metadata.labels.{MARK.replace('.', chr(92) + '.')},:.status.tenantID",
)
NONE = "<none>"
TRIES = 5


def look(target: Stack, tenant: Tenant) -> list[Item]:
    """Everything of the tenant in the cluster."""
    wanted = ",".join(kind for kind in _kinds(target) if kind not in PASSING)
    listed = kubectl.run(target, "get", wanted, "--all-namespaces", *COLUMNS)
    return [*objects(listed, tenant), *backups(target.state / release.BACKUPS, tenant)]


def _kinds(target: Stack) -> list[str]:
    """While an aggregated API, such as that of metrics, does not answer, kubectl tells the others and fails."""
    for _ in range(TRIES):
        with suppress(stack.CommandFailed):
            return kubectl.run(target, "api-resources", "--verbs=list", "--output=name").split()
        time.sleep(1)
    return kubectl.run(target, "api-resources", "--verbs=list", "--output=name").split()


def backups(volume: Path, tenant: Tenant) -> list[Item]:
    """What lies of the tenant on the volume of backups: each backup, or a folder that is left without any."""
    own = [folder for folder in sorted(volume.glob("*")) if tenant.has_id(folder.name)]
    names = [[f"{folder.name}/{one.name}" for one in folder.iterdir()] or [folder.name] for folder in own]
    return [Item("kubernetes", "folder of backups", name) for found in names for name in sorted(found)]


def objects(listed: str, tenant: Tenant) -> list[Item]:
    """The objects that are the tenant's, of all that kubectl listed."""
    found = []
    for line in listed.splitlines():
        version, kind, space, name, label, of = (word if word != NONE else "" for word in line.split())
        group = version.rpartition("/")[0]
        is_theirs = (
            tenant.has_id(label)
            or tenant.owns_namespace(space)
            or (kind == "Namespace" and tenant.owns_namespace(name))
            or (kind == "Brokerage" and (tenant.has_id(of) or (not tenant.is_id and name == tenant.slug)))
        )
        if is_theirs:
            whole = f"{kind}.{group}" if group else kind
            found.append(Item("kubernetes", whole, f"{space}/{name}" if space else name))
    return found
