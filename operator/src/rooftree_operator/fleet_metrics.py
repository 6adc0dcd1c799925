"""What Prometheus is told of each brokerage and plan, as they were read at the last round. Pure but for the collector.

The label `tenant` is the one that their pods' own metrics bear, and empty until a brokerage has an id. What is not so
has no series: a condition that is met, a backup of a brokerage without a schedule.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from . import codes, kept
from .api.brokerage import Phase
from .api.plan import Compute
from .conditions import SUSPENDED
from .drift import Object, quantity

# There only while they are true, and nothing wrong.
_QUIET = frozenset({"Reconciling", "Paused", "Observed", SUSPENDED})


class FleetMetrics(Collector):
    """Tells at each scrape what the last round has found."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self._families: list[Metric] = []
        registry.register(self)

    def take(self, brokerages: Iterable[Object], plans: Iterable[Object]) -> None:
        """From now on this is so."""
        self._families = [*_of_brokerages(list(brokerages)), *_of_plans(plans)]

    def collect(self) -> Iterable[Metric]:
        return self._families


FLEET = FleetMetrics()


def _of_brokerages(found: list[Object]) -> list[Metric]:
    info = GaugeMetricFamily(
        "rooftree_operator_brokerage_info",
        "1 for each brokerage, with its plan and phase.",
        labels=["tenant", "brokerage", "plan", "phase"],
    )
    for one in found:
        phase = _status(one).get("phase", Phase.PENDING.value)
        info.add_metric([*_who(one), one["spec"].get("plan", ""), phase], 1)
    return [info, _conditions(found), *_backups(found)]


def _conditions(found: list[Object]) -> Metric:
    since = GaugeMetricFamily(
        "rooftree_operator_condition_since_timestamp_seconds",
        "Since when a condition is not met, with the reason and who must act; Stalled: since when it is.",
        labels=["tenant", "brokerage", "condition", "reason", "actor"],
    )
    for one in found:
        for condition in filter(_is_wrong, _status(one).get("conditions", [])):
            kind, reason = condition["type"], condition["reason"]
            actor = codes.find(reason).audience.value
            since.add_metric([*_who(one), kind, reason, actor], _seconds(condition["lastTransitionTime"]))
    return since


def _backups(found: list[Object]) -> list[Metric]:
    labels = ["tenant", "brokerage"]
    due = GaugeMetricFamily(
        "rooftree_operator_backup_due_timestamp_seconds", "When the next backup of the schedule begins.", labels=labels
    )
    taken = GaugeMetricFamily(
        "rooftree_operator_backup_taken_timestamp_seconds",
        "The moment that the newest whole backup of the schedule holds.",
        labels=labels,
    )
    failed = GaugeMetricFamily(
        "rooftree_operator_backup_failed", "1: the last try of a backup of the schedule failed.", labels=labels
    )
    for one in found:
        backups: Mapping[str, Any] = _status(one).get("backups", {})
        if "next" in backups:
            due.add_metric(_who(one), _seconds(backups["next"]))
            failed.add_metric(_who(one), "failure" in backups)
        if "takenAt" in backups:
            taken.add_metric(_who(one), _seconds(backups["takenAt"]))
    return [due, taken, failed]


def _of_plans(plans: Iterable[Object]) -> list[Metric]:
    price = GaugeMetricFamily(
        "rooftree_operator_plan_price", "Price a month in minor units.", labels=["plan", "currency"]
    )
    cores = GaugeMetricFamily(
        "rooftree_operator_plan_pod_cpu_cores", "Cores of one pod of the app.", labels=["plan", "kind"]
    )
    memory = GaugeMetricFamily(
        "rooftree_operator_plan_pod_memory_bytes", "Memory of one pod of the app.", labels=["plan", "kind"]
    )
    default = Compute().model_dump()
    for plan in plans:
        name, spec = plan["metadata"]["name"], plan["spec"]
        if costs := spec.get("price"):
            price.add_metric([name, costs.get("currency", "USD")], costs["amount"])
        for kind, field in (("request", "requests"), ("limit", "limits")):
            size = {**default[field], **spec.get("resources", {}).get(field, {})}
            cores.add_metric([name, kind], float(quantity(size["cpu"]) or 0))
            memory.add_metric([name, kind], float(quantity(size["memory"]) or 0))
    return [price, cores, memory]


def _status(brokerage: Object) -> Mapping[str, Any]:
    return brokerage.get("status", {})


def _who(brokerage: Object) -> list[str]:
    return [_status(brokerage).get("tenantID", ""), brokerage["metadata"]["name"]]


def _is_wrong(condition: Mapping[str, Any]) -> bool:
    if condition["type"] == "Stalled":
        return condition["status"] == "True"
    return condition["type"] not in _QUIET and condition["status"] == "False"


def _seconds(stamp: str) -> float:
    return kept.moment(stamp).timestamp()
