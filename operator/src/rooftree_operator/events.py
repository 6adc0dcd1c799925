"""Kubernetes Events on a Brokerage: one for each transition, none for each look."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .conditions import SUSPENDED, Report, State
from .drift import Object
from .names import MANAGER


@dataclass(frozen=True)
class Notice:
    """What an Event says."""

    kind: str  # Normal or Warning
    reason: str
    message: str


def transitions(old: Iterable[Mapping[str, Any]], reports: Iterable[Report]) -> list[Notice]:
    """Conditions that came true, those that somebody must look at and that say something new, and what was repaired.

    Resumption has no condition that comes true: Suspended goes when the brokerage is Ready.
    """
    before = {condition["type"]: condition for condition in old}
    notices: list[Notice] = []
    for report in reports:
        last = before.get(report.condition, {})
        if report.state is State.DONE and last.get("status") != "True":
            notices.append(Notice("Normal", f"{report.condition}", report.message))
        if report.condition == "Ready" and report.state is State.DONE and SUSPENDED in before:
            notices.append(Notice("Normal", "Resumed", report.message))
        wrong = report.state in (State.BLOCKED, State.FAILING)
        if wrong and (last.get("status"), last.get("reason")) != ("False", report.reason):
            notices.append(Notice("Warning", report.reason, f"{report.condition}: {report.message}"))
        if report.repaired:
            notices.append(Notice("Warning", "Repaired", f"{report.condition}: {report.repaired}"))
    return notices


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
        "note": notice.message[:1000],
        "regarding": {
            "apiVersion": brokerage["apiVersion"],
            "kind": brokerage["kind"],
            "name": metadata["name"],
            "uid": metadata["uid"],
        },
    }
