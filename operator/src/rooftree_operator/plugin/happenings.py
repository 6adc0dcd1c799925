"""`events`: what happened to a brokerage and to what belongs to it."""

from datetime import datetime

from ..adapters.kubernetes import EVENT, ApiError
from ..drift import Object
from . import brokerages as b
from .cluster import Cluster
from .output import PLAIN, Answer, Style, since, table


async def of(cluster: Cluster, brokerage: Object) -> list[Object]:
    """Its Events and those in its namespace, the newest last."""
    uid, space = brokerage["metadata"].get("uid"), b.status_of(brokerage).get("namespace")
    own = [one for one in await cluster.kube.list(EVENT, "default", labels={}) if one["regarding"].get("uid") == uid]
    if space:
        try:
            own += await cluster.kube.list(EVENT, space, labels={})
        except ApiError as error:
            # Whoever may not look into the namespace still sees what the operator told.
            if error.status != 403:
                raise
    return sorted(own, key=when)


def when(event: Object) -> str:
    """The last time that it happened. Events of the node and of controllers have it in older fields."""
    series = event.get("series") or Object()
    times = (series.get("lastObservedTime"), event.get("deprecatedLastTimestamp"), event.get("eventTime"))
    return next((str(one) for one in times if one), str(event["metadata"].get("creationTimestamp", "")))


def times(event: Object) -> int:
    return int((event.get("series") or Object()).get("count") or event.get("deprecatedCount") or 1)


async def events(cluster: Cluster, name: str, *, wide: bool, now: datetime, style: Style = PLAIN) -> Answer:
    found = await of(cluster, await b.one(cluster.kube, name))
    head = ("AGE", "TYPE", "REASON", "OBJECT", "MESSAGE")
    rows = [
        [
            since(when(one), now),
            one.get("type", ""),
            one.get("reason", "") + (f" x{times(one)}" if times(one) > 1 else ""),
            f"{one['regarding'].get('kind', '')}/{one['regarding'].get('name', '')}",
            one.get("note", "") if wide else _short(one.get("note", "")),
        ]
        for one in found
    ]
    data = [
        {
            "time": when(one),
            "type": one.get("type"),
            "reason": one.get("reason"),
            "count": times(one),
            "object": {key: one["regarding"].get(key) for key in ("kind", "namespace", "name")},
            "message": one.get("note"),
        }
        for one in found
    ]
    return Answer(table(head, rows, style) or f"Nothing is known to have happened to {name} in the last hour.", data)


def _short(text: str, most: int = 100) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
