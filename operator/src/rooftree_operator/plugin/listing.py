"""`list` and `status`: how brokerages stand."""

from datetime import datetime
from typing import Any

from ..drift import Object
from . import brokerages as b
from .cluster import Cluster
from .output import PLAIN, Answer, Style, since, table, wrapped

NARROW = ("NAME", "PLAN", "PHASE", "PROBLEM", "WHO ACTS", "VERSION", "URL", "AGE")
WIDE = (*NARROW, "PODS", "ID", "OPERATION", "MESSAGE")


async def list_all(cluster: Cluster, *, wide: bool, now: datetime, style: Style = PLAIN) -> Answer:
    """All brokerages, one a line."""
    found = await b.some(cluster.kube, [])
    rows = [_row(one, now)[: len(WIDE) if wide else len(NARROW)] for one in found]
    text = table(WIDE if wide else NARROW, rows, style) or "There are no brokerages."
    return Answer(text, [summary(one) for one in found])


def _row(one: Object, now: datetime) -> list[str]:
    status, worst = b.status_of(one), b.worst_of(one)
    phase = status.get("phase", "Pending") if b.is_seen(one) or b.rests(one) else "Unseen"
    acts = worst["audience"] if worst and worst["audience"] != "Nobody" else ""
    age = since(one["metadata"].get("creationTimestamp"), now)
    narrow = [b.name_of(one), one["spec"].get("plan", ""), phase, worst["code"] if worst else "", acts]
    narrow += [status.get("version", ""), status.get("url", ""), age]
    pods = str(status["replicas"]) if "replicas" in status else ""
    return [*narrow, pods, status.get("tenantID", ""), b.doing(one, now), status.get("message", "")]


async def status(cluster: Cluster, names: list[str], *, wide: bool, now: datetime, style: Style = PLAIN) -> Answer:
    """One after the other in full; not fine unless all are ready."""
    found = await b.some(cluster.kube, names)
    text = "\n\n".join(told(one, wide=wide, now=now, style=style) for one in found) or "There are no brokerages."
    data = summary(found[0]) if len(names) == 1 else [summary(one) for one in found]
    return Answer(text, data, all(map(b.is_ready, found)))


def summary(one: Object) -> dict[str, Any]:
    """A brokerage as data: what it is, and all of its status."""
    metadata, spec = one["metadata"], one["spec"]
    known = {"name": metadata["name"], "plan": spec.get("plan"), "topology": spec.get("topology")}
    return {**known, "ready": b.is_ready(one), "created": metadata.get("creationTimestamp"), **b.status_of(one)}


def told(one: Object, *, wide: bool, now: datetime, style: Style) -> str:
    """The status of one brokerage for people."""
    found, ready = b.status_of(one), b.is_ready(one)
    word = style("good", "ready") if ready else style("bad", "not ready")
    lines = [f"{style('bold', b.name_of(one))} is {word}: {found.get('message') or 'the operator has not seen it yet'}"]
    facts = {
        "plan": one["spec"].get("plan"),
        "version": found.get("version"),
        "pods": found.get("replicas"),
        "url": found.get("url"),
        "id": found.get("tenantID"),
        "operation": b.doing(one, now),
        "rotation": b.rotation(one, now),
    }
    if wide:
        facts |= {name: found.get(name) for name in ("namespace", "database", "bucket")}
    lines += [line for name, value in facts.items() if value not in (None, "") for line in wrapped(name, str(value))]
    shown = [_condition(entry, wide, now) for entry in found.get("conditions", [])]
    head = ("CONDITION", "STATUS", "REASON", "FOR", "MESSAGE")
    if shown:
        lines += ["", table(head if wide else head[:4], shown, style)]
    lines += _section("errors", [f"{e['code']} on {e['condition']}: {e['message']}" for e in found.get("errors", [])])
    lines += _section("not possible", [f"{c['type']}: {c['message']}" for c in found.get("constraints", [])])
    if not ready:
        lines += ["", f"What to do: kubectl brokerage why {b.name_of(one)}"]
    return "\n".join(lines)


def _condition(entry: dict[str, Any], wide: bool, now: datetime) -> list[str]:
    row = [entry["type"], entry["status"], entry["reason"], since(entry["lastTransitionTime"], now)]
    return [*row, entry["message"]] if wide else row


def _section(title: str, entries: list[str]) -> list[str]:
    if not entries:
        return []
    return ["", title, *(line for entry in entries for line in wrapped("-", entry, indent=4))]
