"""Counts the pods of all tenants by load: measures, decides and declares, every two seconds, in one task.

Who may fall asleep is watched by the same figures; a pass does that.

It is no part of a pass: nobody waits for one when a rush begins. What it declares is the scale of a Deployment, which
no apply of ours touches. All that it remembers is worth a minute; after a restart it holds until it knows again.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import structlog
from prometheus_client import Counter, Gauge, Histogram

from .. import holds, names, pods, serving
from ..adapters.kubernetes import BROKERAGE, DEPLOYMENT, ApiError, Kubernetes
from ..adapters.prometheus import NoAnswer
from ..drift import Object
from ..errors import Unavailable
from ..health import Health
from . import limits, policy, signals
from .idleness import Load, Watch, load
from .share import Cell
from .signals import Measured, Workload

log = structlog.get_logger(__name__)

TICK = 2.0  # seconds
WORKER = "scaling"  # as which `Health` knows it

REPLICAS = Gauge("rooftree_scaling_replicas", "Pods that scaling wants, and its limits.", ["tenant", "module", "kind"])
ARRIVALS = Gauge("rooftree_scaling_arrivals", "Requests a second that are reckoned with.", ["tenant", "module"])
DEMAND = Gauge("rooftree_scaling_demand_seconds", "What one request takes of a pod.", ["tenant", "module"])
OBJECTIVE = Gauge("rooftree_scaling_objective_seconds", "What requests shall take at most.", ["tenant", "module"])
HELD = Gauge("rooftree_scaling_held", "1 where something else than the load decides.", ["tenant", "module", "reason"])
CHANGES = Counter("rooftree_scaling_changes", "Counts declared.", ["tenant", "module", "direction", "reason"])
_OF_WORKLOADS = (REPLICAS, ARRIVALS, DEMAND, OBJECTIVE, HELD, CHANGES)
SECONDS = Histogram(
    "rooftree_scaling_tick_seconds",
    "Duration of a tick that came to its end.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2),
)
ENABLED = Gauge("rooftree_scaling_enabled", "1: it knows who measures the load, and counts pods once it has the Lease.")


class Measures(Protocol):
    """Who is asked: Prometheus."""

    async def query(self, text: str) -> bytes: ...


@dataclass
class Memory:
    """Of one workload, between ticks."""

    state: policy.State = field(default_factory=policy.State)
    told: policy.Decision | None = None
    image: str = ""

    def look(self, deployment: Object, found: Measured) -> policy.Signals:
        """What the policy is given; another image begins with nothing known."""
        image = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
        if image != self.image:
            self.image, self.state = image, policy.State()
        return found.signals(serving.replicas(deployment), serving.available(deployment))


@dataclass
class Scaler:
    """`is_ours` says whose Brokerages are ours, `keep` and `note` which there are: nothing is done before that is told.

    `look_at` has a Brokerage looked at, by its name. `now`: Unix seconds.
    """

    kube: Kubernetes
    measures: Measures
    is_ours: Callable[[Object], bool]
    watch: Watch
    look_at: Callable[[str], None]
    cell: Cell = field(default_factory=Cell)
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    _ours: frozenset[str] = frozenset()
    _memory: dict[Workload, Memory] = field(default_factory=dict[Workload, Memory])

    def __post_init__(self) -> None:
        ENABLED.set(1)

    def keep(self, ours: Iterable[str]) -> None:
        """The names of the Brokerages that this operator has."""
        self._ours = frozenset(ours)

    def note(self, name: str, *, is_ours: bool) -> None:
        """What a pass found of one: nobody waits for a round when it is new."""
        self._ours = self._ours | {name} if is_ours else self._ours - {name}

    async def run(self, health: Health) -> None:
        """Until it is cancelled. What goes wrong is told, and tried again; `health` notices a tick without an end."""
        while True:
            began = self.clock()
            health.begins(WORKER, WORKER)
            try:
                await self.tick()
                SECONDS.observe(self.clock() - began)
            except (ApiError, Unavailable) as error:
                log.warning("scaling_failed", error=str(error))
            except Exception:
                log.exception("scaling_crashed")
            health.ends(WORKER)
            await asyncio.sleep(max(0.0, began + TICK - self.clock()))

    async def tick(self) -> None:
        """One look at all workloads. Raises ApiError or `Unavailable` if none could be had."""
        deployments = {_key(one): one for one in await self._deployments()}
        measured = await self._measured() if deployments else {}
        await self._count(deployments, measured)
        for name in self.watch.tick(_loads(deployments, measured), self.now()):
            self.look_at(name)

    async def _count(self, deployments: Mapping[Workload, Object], measured: Mapping[Workload, Measured]) -> None:
        bounds = {key: found for key, one in deployments.items() if (found := limits.of(one)) is not None}
        for gone in self._memory.keys() - bounds.keys():
            del self._memory[gone]
            _forget(gone)
        tried = {
            key: self._tried(key, deployments[key], one, measured.get(key, Measured())) for key, one in bounds.items()
        }
        wanted = {key: decision for key, decision in tried.items() if decision is not None}
        decided = self.cell.fit(wanted, self.clock())
        for key, decision in decided.items():
            _tell(key, self._memory[key], decision)
        changes = {key: one for key, one in decided.items() if one.replicas != one.signals.replicas}
        declared = (self._declare(deployments[key], decision) for key, decision in changes.items())
        results = await asyncio.gather(*declared, return_exceptions=True)
        for result in results:
            if isinstance(result, ApiError | Unavailable):
                log.warning("scaling_failed", error=str(result))
            elif isinstance(result, Exception):
                log.error("scaling_crashed", exc_info=result)
            elif isinstance(result, BaseException):
                raise result

    async def _measured(self) -> dict[Workload, Measured]:
        """Of all workloads; nothing while nobody can tell, as then each keeps what it has."""
        try:
            return signals.parse(await self.measures.query(signals.QUERY))
        except (signals.BadAnswer, NoAnswer) as error:
            log.warning("load_is_unknown", error=str(error))
            return {}

    async def _deployments(self) -> list[Object]:
        found = await self.kube.having(DEPLOYMENT, names.LABEL_MANAGED_BY, names.MANAGER)
        return [one for one in found if _brokerage(one) in self._ours]

    def _tried(
        self, key: Workload, deployment: Object, bounds: policy.Limits, found: Measured
    ) -> policy.Decision | None:
        """What a bug, or an object that somebody has spoilt, does to one must not stop the others."""
        try:
            return self._decide(key, deployment, bounds, found)
        except Exception:
            log.exception("scaling_crashed", tenant_id=key.tenant, module=deployment["metadata"]["name"])
            return None

    def _decide(self, key: Workload, deployment: Object, bounds: policy.Limits, found: Measured) -> policy.Decision:
        memory = self._memory.setdefault(key, Memory())
        seen = memory.look(deployment, found)
        decision, memory.state = policy.decide(seen, bounds, memory.state, self.clock())
        return decision

    async def _declare(self, deployment: Object, decision: policy.Decision) -> None:
        """Unless somebody holds us back, or has changed the count meanwhile."""
        brokerage = await self.kube.get(BROKERAGE, _brokerage(deployment))
        if brokerage is None or not self._may(brokerage):
            return
        metadata, before = deployment["metadata"], decision.signals.replicas
        version = metadata["resourceVersion"]
        await self.kube.scale(metadata["name"], metadata["namespace"], decision.replicas, version=version)
        direction = "up" if decision.replicas > before else "down"
        CHANGES.labels(*_labels(_key(deployment)), direction, decision.reason).inc()
        log.info(
            "scaled", tenant_id=_key(deployment).tenant, module=metadata["name"], before=before, why=decision.why()
        )

    def _may(self, brokerage: Object) -> bool:
        spec = brokerage["spec"]
        is_held = holds.level(spec) in (holds.EVERYTHING, holds.OBSERVE)
        is_leaving = "deletionTimestamp" in brokerage["metadata"] or spec.get("suspend") is not None
        return self.is_ours(brokerage) and not is_held and not is_leaving


def _key(deployment: Object) -> Workload:
    # Anybody may take a label away; the namespace is the tenant's for good.
    tenant, name = names.of_namespace(deployment["metadata"]["namespace"]), deployment["metadata"]["name"]
    return Workload(tenant, "" if name == pods.APP else name)


def _labels(workload: Workload) -> tuple[str, str]:
    return workload.tenant, workload.module or pods.APP


def _brokerage(deployment: Object) -> str:
    return deployment["metadata"].get("labels", {}).get(names.LABEL_BROKERAGE, "")


def _loads(deployments: Mapping[Workload, Object], measured: Mapping[Workload, Measured]) -> dict[str, Load]:
    """By the names of the Brokerages."""
    found: dict[str, list[Measured]] = {}
    for key, deployment in deployments.items():
        told = measured.get(key, Measured())
        # A pod that is not read may be the one that somebody uses.
        is_whole = told.values.get("measured", 0.0) >= serving.available(deployment)
        found.setdefault(_brokerage(deployment), []).append(told if is_whole else Measured())
    return {name: load(parts) for name, parts in found.items()}


def _tell(key: Workload, memory: Memory, decision: policy.Decision) -> None:
    """What was decided, as metrics."""
    labels = _labels(key)
    counts = {"wanted": decision.replicas, "floor": decision.limits.floor, "ceiling": decision.limits.ceiling}
    for kind, count in counts.items():
        REPLICAS.labels(*labels, kind).set(count)
    ARRIVALS.labels(*labels).set(decision.load)
    DEMAND.labels(*labels).set(decision.demand)
    OBJECTIVE.labels(*labels).set(decision.limits.objective)
    if memory.told is not None and memory.told.is_held and memory.told.reason is not decision.reason:
        HELD.remove(*labels, memory.told.reason)
    if decision.is_held:
        HELD.labels(*labels, decision.reason).set(1)
    was = memory.told.reason if memory.told is not None else None
    if decision.reason is policy.Reason.BOTTLENECK and was is not decision.reason:
        # The count may stay as it is: no other line says what is waited for.
        log.info("held", tenant_id=labels[0], module=labels[1], why=decision.why())
    memory.told = decision


def _forget(key: Workload) -> None:
    """No metric tells of what is not there any more."""
    tenant, module = _labels(key)
    for metric in _OF_WORKLOADS:
        metric.remove_by_labels({"tenant": tenant, "module": module})
