"""`backup`, `restore`, `drill`, `backups`: orders BrokerageOperations, and lists what there is to go back to."""

import json
from datetime import datetime
from typing import Any

from .. import names
from ..adapters.kubernetes import BACKUP, OPERATION
from ..api.operations import BackupPhase, OperationKind, OperationPhase
from ..drift import Object
from . import brokerages as b
from .cluster import Cluster
from .output import PLAIN, Answer, Style, since, table
from .problems import Problem

HEAD = ("NAME", "PHASE", "TAKEN", "SIZE", "ROWS", "FILES", "VERSION", "PROVEN")
PATIENCE = "3h"
UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


async def backup(cluster: Cluster, name: str, *, called: str | None, wait: bool, now: datetime) -> Answer:
    """Orders a backup; its name is that of the operation."""
    await b.one(cluster.kube, name)
    wanted = _operation(called or f"{name}-{now:%Y%m%d-%H%M%S}", name, OperationKind.BACKUP)
    return _ordered(cluster, wanted, wait=wait)


async def restore(cluster: Cluster, name: str, *, source: str | None, wait: bool, now: datetime) -> Answer:
    """Orders that the brokerage goes back to a backup, without a name to the newest one. Raises `Problem`."""
    found = await _of(cluster, name)
    whole = [one["metadata"]["name"] for one in found if _phase(one) == BackupPhase.COMPLETE]
    if not whole:
        raise Problem(f"{name} has no backup: `kubectl brokerage backup {name}` writes one")
    if source is not None and source not in whole:
        raise Problem(f"{name} has no complete backup {source!r}: see `kubectl brokerage backups {name}`")
    wanted = _operation(f"{name}-back-{now:%Y%m%d-%H%M%S}", name, OperationKind.RESTORE)
    wanted["spec"]["backup"] = source or whole[-1]
    return _ordered(cluster, wanted, wait=wait)


async def drill(cluster: Cluster, name: str, *, source: str | None, wait: bool, now: datetime) -> Answer:
    """Orders that a backup is tried, without a name the newest one."""
    await b.one(cluster.kube, name)
    wanted = _operation(f"{name}-drill-{now:%Y%m%d-%H%M%S}", name, OperationKind.DRILL)
    wanted["spec"] |= {"backup": source} if source else {}
    return _ordered(cluster, wanted, wait=wait)


async def backups(cluster: Cluster, name: str, *, now: datetime, style: Style = PLAIN) -> Answer:
    """All backups of a brokerage, the newest last."""
    found = await _of(cluster, name)
    text = table(HEAD, [_row(one, now) for one in found], style) or f"{name} has no backups."
    return Answer(text, [{"name": one["metadata"]["name"], **one.get("status", {})} for one in found])


async def _of(cluster: Cluster, name: str) -> list[Object]:
    """Of the tenant that has the name now."""
    tenant = b.status_of(await b.one(cluster.kube, name)).get("tenantID", "none")
    found = await cluster.kube.list(BACKUP, labels={names.LABEL_TENANT: tenant})
    return sorted(found, key=lambda one: (one.get("status", {}).get("takenAt", ""), one["metadata"]["name"]))


def _phase(one: Object) -> str:
    return one.get("status", {}).get("phase", "")


def _row(one: Object, now: datetime) -> list[str]:
    status: dict[str, Any] = one.get("status", {})
    taken = since(status.get("takenAt"), now)
    figures = [size_of(status["size"]) if "size" in status else ""]
    figures += [str(status[key]) if key in status else "" for key in ("rows", "objects")]
    proven = since(status.get("provenAt"), now)
    judged = "no" if "disprovenAt" in status else f"{proven} ago" if proven else ""
    told = [status.get("version", ""), judged]
    return [one["metadata"]["name"], _phase(one), f"{taken} ago" if taken else "", *figures, *told]


def size_of(size: int) -> str:
    """Bytes for people: three figures at most."""
    value, unit = float(size), UNITS[0]
    for unit in UNITS:
        if value < 1000 or unit == UNITS[-1]:
            break
        value /= 1024
    return f"{value:.0f} {unit}" if value >= 10 or unit == UNITS[0] else f"{value:.1f} {unit}"


def _operation(called: str, brokerage: str, kind: OperationKind) -> Object:
    spec = {"brokerage": brokerage, "type": kind.value}
    return {
        "apiVersion": OPERATION.api_version,
        "kind": OPERATION.kind,
        "metadata": {"name": called},
        "spec": spec,
    }


def _ordered(cluster: Cluster, wanted: Object, *, wait: bool) -> Answer:
    """Orders it; waiting ends with what came of it."""
    called = wanted["metadata"]["name"]
    made = json.loads(cluster.run("create", "--filename", "-", "--output=json", content=json.dumps(wanted)))
    if not wait:
        return Answer(f"{called} is ordered; see `kubectl get brokerageoperation {called}`", made)
    what = f"brokerageoperation/{called}"
    cluster.run("wait", what, "--for=jsonpath={.status.finishedAt}", f"--timeout={PATIENCE}")
    status = json.loads(cluster.run("get", what, "--output=json"))["status"]
    return Answer(_told(called, status), status, status["phase"] == OperationPhase.SUCCEEDED)


def _told(called: str, status: dict[str, Any]) -> str:
    if status["phase"] == OperationPhase.FAILED:
        return f"{called} has failed: {status['message']}"
    result = status.get("result", {})
    words = f"{called} is done in {result.get('seconds', 0):g} s: {result.get('rows', 0)} rows"
    return f"{words}, {result.get('objects', 0)} files, as of {result.get('takenAt', 'an unknown time')}"
