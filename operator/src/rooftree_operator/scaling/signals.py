"""The one query of a tick for all workloads, and its answer. Pure: who sends it is elsewhere.

The app's pods are scraped each second for the counter of server spans and the gauge of requests in flight (job
`arrivals`), and each five seconds for what the spans took. Parts of the query are told apart by the label
`signal`, workloads by `tenant` and, where each module has pods of its own, `module`.
"""

import json
from dataclasses import dataclass, field
from math import isinf, isnan
from typing import TYPE_CHECKING, Any

from .policy import Signals

if TYPE_CHECKING:
    from collections.abc import Mapping

_BY = "sum by (tenant, module)"
_SPANS = 'rooftree_server_spans_total{job="arrivals"}'
_FLYING = 'http_server_active_requests{job="arrivals"}'
# The job of all other metrics of a pod is named after what it runs as, so none is asked for.
_TOOK = "rooftree_span_seconds_total{part"
_ENDED = "rooftree_server_spans_ended_total"
PARTS = {
    "arrivals": f"{_BY} (rate({_SPANS}[20s]))",
    # Four samples are three seconds.
    "recent": f"{_BY} (rate({_SPANS}[4s]))",
    # The rate between two scrapes is the count of that second.
    "deviation": f"stddev_over_time({_BY} (irate({_SPANS}[3s]))[20s:1s])",
    "in_flight": f"{_BY} ({_FLYING})",
    "age": f"time() - max by (tenant, module) (timestamp({_FLYING}))",
    "measured": f"count by (tenant, module) (count by (tenant, module, pod) ({_FLYING}))",
    "residence": f'{_BY} (rate({_TOOK}="server"}}[30s])) / {_BY} (rate({_ENDED}[30s]))',
    "streams": f"{_BY} (rooftree_open_streams)",
    "due": "min by (tenant, module) (rooftree_jobs_due_timestamp_seconds)",
    "waits": f'sum by (tenant, module, part) (rate({_TOOK}!="server"}}[30s]))'
    f' / ignoring (part) group_left () {_BY} (rate({_TOOK}="server"}}[30s]))',
}
QUERY = " or ".join(f'label_replace({text}, "signal", "{name}", "", "")' for name, text in PARTS.items())


class BadAnswer(Exception):
    """Prometheus refused the query, or answered something else than an instant vector."""


@dataclass(frozen=True, slots=True)
class Workload:
    """A tenant's Deployment; no module: all of them are in it."""

    tenant: str
    module: str = ""


@dataclass(slots=True)
class Measured:
    """What the answer tells of a workload: signals by name, and the share of time of each thing that is waited for."""

    values: dict[str, float] = field(default_factory=dict[str, float])
    waits: dict[str, float] = field(default_factory=dict[str, float])

    def signals(self, replicas: int, ready: int) -> Signals:
        """Together with what Kubernetes tells of it."""
        values = self.values
        waited = max(self.waits, key=self.waits.__getitem__, default="database")
        measured = values.get("measured")
        return Signals(
            replicas=replicas,
            ready=ready,
            age=max(0.0, values.get("age", 0.0)),
            arrivals=values.get("arrivals"),
            recent=values.get("recent"),
            deviation=values.get("deviation", 0.0),
            in_flight=values.get("in_flight"),
            residence=values.get("residence"),
            measured=None if measured is None else int(measured),
            waits=self.waits.get(waited, 0.0),
            waits_for=waited,
        )


def parse(answer: bytes) -> dict[Workload, Measured]:
    """Of all workloads that the answer tells of. What is no number, as a rate over nothing, is left out.

    Only when the next job is due may be infinite: never.
    """
    try:
        body: Mapping[str, Any] = json.loads(answer)
        if body["status"] != "success" or body["data"]["resultType"] != "vector":
            raise BadAnswer(str(body.get("error", "no instant vector")))
        result = body["data"]["result"]
    except (ValueError, KeyError, TypeError) as error:
        raise BadAnswer("no answer of Prometheus") from error
    found: dict[Workload, Measured] = {}
    for sample in result:
        labels: Mapping[str, str] = sample["metric"]
        value, name = float(sample["value"][1]), labels.get("signal", "")
        if isnan(value) or (isinf(value) and name != "due") or "tenant" not in labels:
            continue
        measured = found.setdefault(Workload(labels["tenant"], labels.get("module", "")), Measured())
        if name == "waits":
            measured.waits[labels.get("part", "")] = value
        else:
            measured.values[name] = value
    return found
