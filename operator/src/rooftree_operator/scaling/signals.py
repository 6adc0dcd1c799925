"""What Prometheus is asked once a tick for all tenants, and what its answer says of each workload. Pure.

A workload is a tenant's Deployment: `app`, or that of a module. Pods of `app` have no label `module`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Protocol

from .. import pods

# Series of the app (docs/telemetry.md). Arrivals are read each second, by a job of their own.
ARRIVED = 'rooftree_server_spans_total{job="arrivals"}'
IN_FLIGHT = 'http_server_active_requests{job="arrivals"}'
ENDED = "rooftree_server_spans_ended_total"
SERVED = 'rooftree_span_seconds_total{part="server"}'
WAITED = 'rooftree_span_seconds_total{part!="server"}'
BY = "by (tenant, module)"
# Four samples of one a second span three seconds.
PARTS = {
    "arrivals": f"sum {BY} (rate({ARRIVED}[20s]))",
    "recent": f"sum {BY} (rate({ARRIVED}[4s]))",
    "in_flight": f"sum {BY} ({IN_FLIGHT})",
    "age": f"time() - max {BY} (timestamp({ARRIVED}))",
    "residence": f"sum {BY} (rate({SERVED}[1m])) / sum {BY} (rate({ENDED}[1m]))",
    "waits": f"sum by (tenant, module, part) (rate({WAITED}[1m])) "
    f"/ on (tenant, module) group_left () sum {BY} (rate({SERVED}[1m]))",
}
QUERY = " or ".join(f'label_replace({part}, "signal", "{name}", "", "")' for name, part in PARTS.items())

Key = tuple[str, str]
"""Tenant's id and the Deployment's name."""


class Sample(Protocol):
    """One value of the answer."""

    @property
    def labels(self) -> Mapping[str, str]: ...
    @property
    def value(self) -> float: ...


@dataclass
class Measured:
    """Of one workload; None where nothing is known. `waits`: shares of the residence, by what is waited for."""

    arrivals: float | None = None  # requests a second, mean of 20 s
    recent: float | None = None  # of the last 3 s
    in_flight: float | None = None
    age: float = 0.0  # seconds
    residence: float | None = None  # seconds
    waits: dict[str, float] = field(default_factory=dict[str, float])

    @property
    def longest_wait(self) -> tuple[str, float]:
        """What is waited for most, and its share."""
        return max(self.waits.items(), key=lambda one: one[1], default=("database", 0.0))


def measured(samples: Iterable[Sample]) -> dict[Key, Measured]:
    """By workload. A division by nothing, of a workload without requests, says nothing."""
    found: dict[Key, Measured] = {}
    for sample in samples:
        labels = sample.labels
        if not isfinite(sample.value) or not labels.get("tenant"):
            continue
        one = found.setdefault((labels["tenant"], labels.get("module") or pods.APP), Measured())
        if labels["signal"] == "waits":
            one.waits[labels["part"]] = sample.value
        else:
            setattr(one, labels["signal"], sample.value)
    return found
