"""When the credentials of a brokerage are rotated, and what its status says of it. Pure.

A new value of the annotation is a new wish; a value that was done once means nothing any more. So it may stay in a
manifest for ever. With `spec.rotation` one also begins by itself, so many days after the last. How a rotation goes is
in `generations`.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from .api.brokerage import BrokerageSpec, ManagementPolicy
from .api.rotation import RotationPhase
from .conditions import Report, State, stamp
from .kept import moment
from .names import GROUP, TenantId
from .tenant import Tenant
from .workqueue import share

ANNOTATION = f"{GROUP}/rotate"
# Brokerages of one moment begin within a tenth of their period, and a day at most. So of a thousand, with 13 minutes
# each, nine go on at once if they rotate every ten days or more rarely; 90 if every day.
SPREAD = 10
LATEST = timedelta(days=1)
_PENDING = RotationPhase.PENDING.value
_COMPLETED = RotationPhase.COMPLETED.value
_RESTING = (_PENDING, _COMPLETED)
_NEVER: Mapping[str, Any] = {"phase": _COMPLETED, "generation": 1}
_IN_THE_WAY = (State.BLOCKED, State.FAILING, State.HELD, State.WAITING)


def wanted_of(metadata: Mapping[str, Any]) -> str:
    """The rotation that is wanted, by its id; empty: none."""
    annotations: Mapping[str, str] = metadata.get("annotations") or {}
    return annotations.get(ANNOTATION, "")


def is_running(status: Mapping[str, Any] | None) -> bool:
    """Whether that is the status of a rotation that goes on."""
    return status is not None and status["phase"] not in _RESTING


def due_at(spec: BrokerageSpec, tenant: TenantId, last: datetime) -> datetime | None:
    """When one is due by itself, after the `last`; always the same of a tenant. None: only on request."""
    if spec.rotation is None:
        return None
    every = timedelta(days=spec.rotation.every_days)
    # Whole seconds, so that the status can tell the very moment.
    late = int(share(tenant.value) * min(every / SPREAD, LATEST).total_seconds())
    return last + every + timedelta(seconds=late)


def due_of(tenant: Tenant, completed_at: str) -> datetime | None:
    """The same, by when the last one was completed, or the brokerage created if there was none."""
    last = completed_at or tenant.created
    return due_at(tenant.spec, tenant.id, moment(last)) if last else None


def hold(spec: BrokerageSpec) -> str:
    """What one that is due waits for in the spec; empty: nothing. No pod of a suspended one has any credentials."""
    if spec.management_policy is ManagementPolicy.OBSERVE:
        return "spec.managementPolicy is Manage"
    return "spec.pause is removed" if spec.pause else "spec.suspend is removed" if spec.suspend else ""


def told(
    known: Mapping[str, Any] | None, tenant: Tenant, reports: Iterable[Report], now: datetime
) -> dict[str, Any] | None:
    """The status: the rotation that is `known`, or that one is wanted or due and not begun; and what it waits for."""
    if known is not None and is_running(known):
        return {**known, **_obstacle(reports)}
    last = _last(known)
    before = {name: last[name] for name in ("generation", "completedAt") if name in last}
    if tenant.rotate and tenant.rotate != last.get("id"):
        return {"id": tenant.rotate, "phase": _PENDING, **before, **_obstacle(reports)}
    due = due_of(tenant, last.get("completedAt", ""))
    if due is None:
        return last if last["generation"] > 1 else None
    next_one = {"dueAt": stamp(due)}
    if now < due:
        return {**last, **next_one}
    done = {name: last[name] for name in ("id",) if name in last}
    waits = {"message": f"waits until {held}"} if (held := hold(tenant.spec)) else _obstacle(reports)
    return {**done, "phase": _PENDING, "scheduled": True, **before, **next_one, **waits}


def _last(known: Mapping[str, Any] | None) -> dict[str, Any]:
    """The last rotation that is over, as far as a status tells of it."""
    last = {name: value for name, value in (known or _NEVER).items() if name not in ("dueAt", "message")}
    if last["phase"] != _PENDING:
        return last
    # What is pending on request has taken the place of the last one's id.
    kept = ("generation", "completedAt", *(["id"] if "scheduled" in last else []))
    return {"phase": _COMPLETED, **{name: last[name] for name in kept if name in last}}


def _obstacle(reports: Iterable[Report]) -> dict[str, str]:
    """The first part that somebody must look at, else the first that is awaited."""
    known = list(reports)
    found = (one for state in _IN_THE_WAY for one in known if one.state is state)
    return {"message": f"waits for {first.condition}: {first.message}"} if (first := next(found, None)) else {}
