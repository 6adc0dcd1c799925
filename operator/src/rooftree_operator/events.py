"""Kubernetes Events on a Brokerage: one for each transition, none for each look."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from . import holds as holding
from .conditions import SUSPENDED, Report, State
from .drift import Object
from .names import MANAGER
from .rotation import is_running

NOTE = 1000  # characters that an Event's note may have
MANY = 3  # conditions that come true in one pass, as those of a new brokerage: one Event tells of all


@dataclass(frozen=True)
class Notice:
    """What an Event says."""

    kind: str  # Normal or Warning
    reason: str
    message: str


def transitions(old: Iterable[Mapping[str, Any]], reports: Iterable[Report]) -> list[Notice]:
    """Conditions that came true, those that somebody must look at and that say something new.

    Ready and Suspended have Events of their own. Of the others that come true in one pass, one tells if there are
    `MANY`.

    Resumption has no condition that comes true: Suspended goes when the brokerage is Ready.
    """
    before = {condition["type"]: condition for condition in old}
    came = [one for one in reports if one.state is State.DONE and before.get(one.condition, {}).get("status") != "True"]
    parts = [one for one in came if one.condition not in ("Ready", SUSPENDED)]
    notices = [Notice("Normal", one.condition, one.message) for one in came if one not in parts or len(parts) < MANY]
    if len(parts) >= MANY:
        notices.append(Notice("Normal", "PartsReady", _listed([f"{one.condition}: {one.message}" for one in parts])))
    for report in reports:
        last = before.get(report.condition, {})
        if report.condition == "Ready" and report.state is State.DONE and SUSPENDED in before:
            notices.append(Notice("Normal", "Resumed", report.message))
        wrong = report.state in (State.BLOCKED, State.FAILING)
        if wrong and (last.get("status"), last.get("reason")) != ("False", report.reason):
            notices.append(Notice("Warning", report.reason, f"{report.condition}: {report.message}"))
    return notices


def holds(old: Iterable[Mapping[str, Any]], reports: Iterable[Report]) -> list[Notice]:
    """Where holding the operator back begins, becomes another level, or ends."""
    before = {
        entry["type"]: entry["reason"]
        for entry in old
        if entry["type"] in holding.CONDITIONS and entry["status"] == "True"
    }
    now = {report.condition: report for report in reports}
    begun = [report for kind, report in now.items() if before.get(kind) != report.reason]
    ended = [kind for kind in before if kind not in now]
    return [Notice("Normal", report.condition, f"{report.reason}: {report.message}") for report in begun] + [
        Notice("Normal", "HoldEnded", f"{kind} ({before[kind]}) has ended: the operator goes on") for kind in ended
    ]


def rotated(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> list[Notice]:
    """Where a rotation of credentials begins, and where it ends; both are statuses."""
    if new is None or is_running(new) == is_running(old):
        return []
    by = "by schedule" if new.get("scheduled") else f"rotation {new['id']}"
    which = f"generation {new['generation']} of credentials and signing keys ({by})"
    if is_running(new):
        return [Notice("Normal", "RotationStarted", f"{which} is being made")]
    return [Notice("Normal", "RotationCompleted", f"{which} is the only one now; the former one is refused")]


def repaired(found: Sequence[str]) -> list[Notice]:
    """One for all that others changed and that was set back in one pass."""
    return [Notice("Warning", "DriftRepaired", _listed(found, "changed by others and set back: "))] if found else []


def _listed(found: Sequence[str], begin: str = "") -> str:
    """As many as a note has room for."""
    text = begin + found[0]
    for number, words in enumerate(found[1:], 1):
        more = f"; and {len(found) - number} more"
        if len(text) + len(words) + len(more) > NOTE:
            return text + more
        text += f"; {words}"
    return text


def build_event(brokerage: Object, notice: Notice, *, now: datetime, instance: str) -> Object:
    """The Event object. Events on cluster-scoped objects live in namespace `default`."""
    metadata = brokerage["metadata"]
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": f"{metadata['name']}.{uuid.uuid4().hex[:16]}", "namespace": "default"},
        "eventTime": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "reportingController": f"rooftree.dev/{MANAGER}",
        "reportingInstance": instance[:128],
        "action": "Reconcile",
        "type": notice.kind,
        "reason": notice.reason,
        "note": notice.message[:NOTE],
        "regarding": {
            "apiVersion": brokerage["apiVersion"],
            "kind": brokerage["kind"],
            "name": metadata["name"],
            "uid": metadata["uid"],
        },
    }
