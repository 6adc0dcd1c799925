"""Reads Brokerages, and what their status says in the words that all verbs share."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from .. import codes, holds
from ..adapters.kubernetes import BROKERAGE, Kubernetes
from ..drift import Object
from .output import since, until
from .problems import Problem

PLATFORM = "rooftree-system"  # where the operator usually is


async def one(kube: Kubernetes, name: str) -> Object:
    """The Brokerage of that name. Raises `Problem` if there is none."""
    found = await kube.get(BROKERAGE, name)
    if found is None:
        raise Problem(f"there is no brokerage {name!r}: see `kubectl brokerage list`")
    return found


async def some(kube: Kubernetes, names: list[str]) -> list[Object]:
    """Those of the names, or all, by name."""
    if names:
        return [await one(kube, name) for name in names]
    return sorted(await kube.list(BROKERAGE, labels={}), key=name_of)


def name_of(brokerage: Object) -> str:
    return brokerage["metadata"]["name"]


def status_of(brokerage: Object) -> dict[str, Any]:
    return brokerage.get("status") or {}


def namespace_of(brokerage: Object) -> str:
    """The tenant's namespace. Raises `Problem` as long as there is none."""
    space = status_of(brokerage).get("namespace")
    if not space:
        name = name_of(brokerage)
        raise Problem(f"{name} has no namespace yet: see `kubectl brokerage why {name}`")
    return space


def platform_of(brokerage: Object) -> str:
    """The operator's namespace, as it tells it; as long as it has said nothing, the usual one."""
    return status_of(brokerage).get("operatorNamespace", PLATFORM)


def conditions_of(brokerage: Object) -> dict[str, dict[str, Any]]:
    return {entry["type"]: entry for entry in status_of(brokerage).get("conditions", [])}


def ready_of(brokerage: Object) -> Mapping[str, Any]:
    """The Ready condition; empty while the operator has said nothing."""
    return conditions_of(brokerage).get("Ready", {})


def hold_of(brokerage: Object) -> dict[str, Any] | None:
    """The condition that says how far the operator is held back, if it has been heard of what is declared now."""
    found = (conditions_of(brokerage).get(kind) for kind in holds.CONDITIONS)
    declared = brokerage["metadata"].get("generation")
    return next((one for one in found if one and one["observedGeneration"] == declared), None)


def rests(brokerage: Object) -> bool:
    """Whether the operator knows what is declared, and does not look at it because everything is paused."""
    hold = hold_of(brokerage)
    return hold is not None and hold["reason"] == holds.EVERYTHING


def is_seen(brokerage: Object) -> bool:
    """Whether the operator has looked at what is declared now."""
    return status_of(brokerage).get("observedGeneration") == brokerage["metadata"].get("generation")


def is_ready(brokerage: Object) -> bool:
    return is_seen(brokerage) and ready_of(brokerage).get("status") == "True"


def facts_of(brokerage: Object) -> dict[str, str]:
    """What hints can be filled in with."""
    status, spec = status_of(brokerage), brokerage["spec"]
    known = {
        "name": name_of(brokerage),
        "platform": platform_of(brokerage),
        "plan": spec.get("plan"),
        "version": spec.get("version") or status.get("version"),
        "id": status.get("tenantID"),
        "namespace": status.get("namespace"),
        "go_on": holds.ending(spec),
    }
    return {key: value for key, value in known.items() if value}


def worst_of(brokerage: Object) -> dict[str, Any] | None:
    """The first entry of `status.errors`; if nothing is wrong and it is not ready yet, the same of what is awaited.

    While everything is paused that comes before all that was seen last.
    """
    if rests(brokerage):
        return _entry(brokerage, _resting(brokerage))
    if errors := status_of(brokerage).get("errors"):
        return errors[0]
    awaited = ready_of(brokerage)
    if not awaited or awaited["status"] == "True":
        return None
    # Ready repeats the first part that is awaited; the operation is at the one that holds up most.
    step: str = status_of(brokerage).get("operation", Object()).get("step", "")
    at = conditions_of(brokerage).get(step, awaited)
    awaited = at if at["status"] == "False" and awaited["reason"] != "Deleting" else awaited
    return _entry(brokerage, awaited)


def _resting(brokerage: Object) -> Mapping[str, Any]:
    """What a pause of everything holds up: a deletion, or all of it."""
    ready = ready_of(brokerage)
    return ready if ready.get("reason") == "DeletionHeld" else hold_of(brokerage) or ready


def _entry(brokerage: Object, awaited: Mapping[str, Any]) -> dict[str, Any]:
    """A condition as an entry of `status.errors`."""
    code = codes.find(awaited["reason"])
    return {
        "code": code.reason,
        "condition": awaited["type"],
        "message": awaited["message"],
        "audience": code.audience.value,
        "retryable": code.retries,
        "hint": codes.filled(code.hint, facts_of(brokerage)),
        "since": awaited["lastTransitionTime"],
    }


def doing(brokerage: Object, now: datetime) -> str:
    """The operation in a few words; empty if there has been none."""
    found = status_of(brokerage).get("operation")
    if not found:
        return ""
    if "finishedAt" in found:
        return f"{found['type']} succeeded {since(found['finishedAt'], now)} ago"
    state, begun = found["state"].lower(), since(found["startedAt"], now)
    return f"{found['type']} {state} at {found['step']}, {found['progress']} % done, begun {begun} ago"


def rotation(brokerage: Object, now: datetime) -> str:
    """The rotation of its credentials in a few words; empty if there was none and none is due by itself."""
    found = status_of(brokerage).get("rotation")
    if not found:
        return ""
    due, phase = found.get("dueAt"), found["phase"]
    if phase == "Pending":
        wanted = f"due by schedule for {since(due, now)}" if due else f"wanted ({found['id']})"
        return "; ".join([wanted, *([found["message"]] if "message" in found else [])])
    generation = f"generation {found['generation']} of credentials"
    if phase != "Completed":
        return f"{generation}: {phase}"
    told = f"{generation}, rotated {since(found['completedAt'], now)} ago" if "completedAt" in found else generation
    return f"{told}; the next in {until(due, now)}" if due else told
