"""Whether an operation is at work on a brokerage, whether visitors see a page instead of the app, and what follows."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import datetime

from .adapters.kubernetes import OPERATION, Kubernetes
from .api.brokerage import Suspend, SuspensionReason
from .api.mirror import OperationState
from .conditions import stamp
from .drift import Object
from .tenant import Tenant

WORDS = "It is being loaded from a backup and will be there soon."


@dataclass(frozen=True)
class Turns:
    """One at a time writes the status of a Brokerage: a pass over it, or an operation that shows in it."""

    _locks: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    def of(self, name: str) -> asyncio.Lock:
        return self._locks[name]

    def forget(self, name: str) -> None:
        """There is no such Brokerage any more."""
        self._locks.pop(name, None)


async def by(kube: Kubernetes, brokerage: Object, now: datetime) -> str:
    """The operation that has closed the brokerage, if one has. One that vanished is over, and its entry says so."""
    status = brokerage.get("status", {})
    last: Object = status.get("operation", {})
    if not last.get("name") or "finishedAt" in last:
        return _clone(brokerage)
    found = await kube.get(OPERATION, last["name"])
    if found is None:
        fields = {"state": OperationState.FAILED.value, "message": "it was taken away", "finishedAt": stamp(now)}
        status["operation"] = {**last, **fields}
        return _clone(brokerage)
    return last["name"] if found.get("status", {}).get("closed") else ""


def _clone(brokerage: Object) -> str:
    """A brokerage that is to begin with a backup is closed until that is loaded."""
    awaited = "source" in brokerage["spec"] and "source" not in brokerage.get("status", {})
    return clone_name(brokerage["metadata"]["name"]) if awaited else ""


async def at_work(kube: Kubernetes, brokerage: str) -> str:
    """The operation that has begun on this brokerage and is not over; empty: there is none."""
    for item in await kube.list(OPERATION, labels={}):
        status = item.get("status", {})
        if item["spec"]["brokerage"] == brokerage and "startedAt" in status and "finishedAt" not in status:
            return item["metadata"]["name"]
    return ""


def clone_name(brokerage: str) -> str:
    """Of the operation that loads what a brokerage begins with."""
    return f"{brokerage}-clone"


def closed(tenant: Tenant, operation: str) -> Tenant:
    """The tenant as it is while the operation lasts: suspended, unless it is so by somebody's will already."""
    if not operation or tenant.spec.suspend is not None:
        return tenant
    suspend = Suspend(reason=SuspensionReason.MANUAL, message=WORDS)
    return replace(tenant, spec=tenant.spec.model_copy(update={"suspend": suspend}), closed_by=operation)
