"""Kubernetes' HorizontalPodAutoscaler: a port of the replica calculator and of what is done to its answer.

Source: k8s.io/kubernetes v1.34.4 `pkg/controller/podautoscaler/{replica_calculator,horizontal}.go` (Apache-2.0); that
code's own decisions are our goldens. Defaults are the controller manager's. Sizes are milli-units, as there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil

from .world import History, Service

SYNC = 15  # seconds, as metrics-server's resolution


@dataclass(frozen=True, slots=True)
class ScalePolicy:
    """No more than `value` pods, or percent of them, in `period` seconds."""

    value: int
    period: int
    percent: bool = False


@dataclass(frozen=True, slots=True)
class Rules:
    """One direction of `behavior`; of several policies the one that changes most counts."""

    window: int
    policies: tuple[ScalePolicy, ...]


UP = Rules(0, (ScalePolicy(100, 15, percent=True), ScalePolicy(4, 15)))


def down(window: int) -> Rules:
    """All pods may go, after so many seconds of wanting fewer."""
    return Rules(window, (ScalePolicy(100, 15, percent=True),))


@dataclass(frozen=True, slots=True)
class HpaSettings:
    """Of the object and of the controller manager."""

    target: int = 80  # percent of the request
    floor: int = 1
    ceiling: int = 100
    tolerance: float = 0.1
    # Without `behavior`: 300 s of stabilisation, and at most twice as many or four.
    stabilisation: int = 300
    behavior: tuple[Rules, Rules] | None = None  # up, down
    initialisation: float = 300.0
    readiness_delay: float = 30.0


@dataclass(frozen=True, slots=True)
class PodView:
    """What the controller sees of a pod. `ready` is when that last changed."""

    name: str
    started: float
    is_ready: bool
    ready: float
    pending: bool = False
    deleted: bool = False
    request: int = 1000


@dataclass(frozen=True, slots=True)
class PodMetric:
    """Milli-cores, the end of the window that they are the mean of, and its seconds."""

    value: int
    at: float
    window: float


class NoMetrics(Exception):
    """The autoscaler does nothing this time."""


@dataclass(slots=True)
class _Groups:
    ready: int = 0
    unready: list[PodView] = field(default_factory=list[PodView])
    missing: list[PodView] = field(default_factory=list[PodView])
    measured: list[PodView] = field(default_factory=list[PodView])


def _grouped(pods: Sequence[PodView], metrics: Mapping[str, PodMetric], now: float, settings: HpaSettings) -> _Groups:
    groups = _Groups()
    for pod in pods:
        if pod.deleted:
            continue
        metric = metrics.get(pod.name)
        if pod.pending:
            groups.unready.append(pod)
        elif metric is None:
            groups.missing.append(pod)
        elif _is_unready(pod, metric, now, settings):
            groups.unready.append(pod)
        else:
            groups.ready += 1
            groups.measured.append(pod)
    return groups


def _is_unready(pod: PodView, metric: PodMetric, now: float, settings: HpaSettings) -> bool:
    """Its use is that of starting: not ready, or measured over a window in which it was not."""
    if pod.started + settings.initialisation > now:
        return not pod.is_ready or metric.at < pod.ready + metric.window
    return not pod.is_ready and pod.started + settings.readiness_delay > pod.ready


def resource_replicas(
    current: int, pods: Sequence[PodView], metrics: Mapping[str, PodMetric], now: float, settings: HpaSettings
) -> int:
    """Replicas for a target of average CPU use (`GetResourceReplicas`); `NoMetrics` where nothing is measured."""
    groups = _grouped(pods, metrics, now, settings)
    if not groups.measured:
        raise NoMetrics
    values = {pod.name: (metrics[pod.name].value, pod.request) for pod in groups.measured}
    ratio = _ratio(values, settings.target)
    up_with_unready = bool(groups.unready) and ratio > 1.0
    if not up_with_unready and not groups.missing:
        return current if _is_within(ratio, settings.tolerance) else ceil(ratio * groups.ready)
    if ratio < 1.0:
        share = max(100, settings.target)
        values |= {pod.name: (pod.request * share // 100, pod.request) for pod in groups.missing}
    elif ratio > 1.0:
        values |= {pod.name: (0, pod.request) for pod in groups.missing}
    if up_with_unready:
        values |= {pod.name: (0, pod.request) for pod in groups.unready}
    new = _ratio(values, settings.target)
    if _is_within(new, settings.tolerance) or (ratio < 1.0 < new) or (ratio > 1.0 > new):
        return current
    wanted = ceil(new * len(values))
    return current if (new < 1.0 and wanted > current) or (new > 1.0 and wanted < current) else wanted


def external_replicas(current: int, usage: int, target: int, tolerance: float) -> int:
    """Replicas for an average value of an external metric (`GetExternalPerPodMetricReplicas`)."""
    ratio = usage / (target * current)
    return current if _is_within(ratio, tolerance) else ceil(usage / target)


def _ratio(values: Mapping[str, tuple[int, int]], target: int) -> float:
    """Of the use, in whole percent, to the target."""
    used = sum(value for value, _ in values.values())
    return used * 100 // sum(request for _, request in values.values()) / target


def _is_within(ratio: float, tolerance: float) -> bool:
    return 1.0 - tolerance <= ratio <= 1.0 + tolerance


@dataclass(slots=True)
class Hpa:
    """What the controller remembers of one object: recommendations, and changes with their times."""

    settings: HpaSettings = field(default_factory=HpaSettings)
    recommended: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])
    ups: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])
    downs: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])

    def begin(self, current: int, now: float) -> None:
        """The first look remembers what is there."""
        if not self.recommended:
            self.recommended.append((now, current))

    def settle(self, current: int, wanted: int, now: float) -> int:
        """What is set, after stabilisation and rates, between floor and ceiling; it is remembered."""
        settings = self.settings
        if settings.behavior is None:
            count = self._by_defaults(current, wanted, now)
        else:
            count = self._by_behavior(current, wanted, now, *settings.behavior)
        if count > current:
            self.ups.append((now, count - current))
        elif count < current:
            self.downs.append((now, current - count))
        return count

    def _by_defaults(self, current: int, wanted: int, now: float) -> int:
        settings = self.settings
        cutoff = now - settings.stabilisation
        stable = max([wanted, *(count for at, count in self.recommended if at >= cutoff)])
        self._remember(wanted, now, cutoff)
        most = min(settings.ceiling, int(max(2.0 * current, 4.0)))
        return settings.floor if stable < settings.floor else min(stable, most)

    def _by_behavior(self, current: int, wanted: int, now: float, up: Rules, down: Rules) -> int:
        least = min([wanted, *(count for at, count in self.recommended if at > now - up.window)])
        most = max([wanted, *(count for at, count in self.recommended if at > now - down.window)])
        self._remember(wanted, now, min(now - up.window, now - down.window))
        stable = min(max(current, least), most)
        if stable > current:
            limit = max(current, max(self._allowed(current, policy, now, 1) for policy in up.policies))
            return min(stable, self.settings.ceiling, limit)
        if stable < current:
            limit = min(current, min(self._allowed(current, policy, now, -1) for policy in down.policies))
            return max(stable, self.settings.floor, limit)
        return stable

    def _allowed(self, current: int, policy: ScalePolicy, now: float, sign: int) -> int:
        """Where a policy lets it get to, from what there was when the period began."""
        since = now - policy.period
        added = sum(change for at, change in self.ups if at > since)
        taken = sum(change for at, change in self.downs if at > since)
        begun = current - added + taken
        if not policy.percent:
            return begun + sign * policy.value
        whole = begun * (1.0 + sign * policy.value / 100.0)
        return ceil(whole) if sign > 0 else int(whole)

    def _remember(self, wanted: int, now: float, cutoff: float) -> None:
        """Older ones than `cutoff` never count again."""
        self.recommended = [(at, count) for at, count in self.recommended if at >= cutoff]
        self.recommended.append((now, wanted))


@dataclass(slots=True)
class HpaInWorld:
    """An HPA on CPU as it would see this world.

    metrics-server asks each 15 s and tells the mean use between its last two questions; the controller looks each 15 s,
    at another moment. A pod without two questions since it is ready has no use that counts.
    """

    service: Service
    settings: HpaSettings = field(default_factory=HpaSettings)
    phase: int = 0
    scraped: int = 7  # of the 15 s, when metrics-server asks
    period: int = SYNC
    hpa: Hpa = field(default_factory=Hpa)

    def __post_init__(self) -> None:
        self.hpa = Hpa(self.settings)

    def decide(self, now: int, history: History) -> int:
        current = len(history.pods)
        self.hpa.begin(current, now)
        until = now - (now - self.scraped) % SYNC
        if until < SYNC:
            return current
        pods, metrics = self._seen(now, until, history)
        try:
            wanted = resource_replicas(current, pods, metrics, now, self.settings)
        except NoMetrics:
            return current
        return self.hpa.settle(current, wanted, now)

    def _seen(self, now: int, until: int, history: History) -> tuple[list[PodView], dict[str, PodMetric]]:
        """Pods are equal: each ready one had its part of the use."""
        value = int(1000 * history.mean(history.use, until, SYNC))
        pods: list[PodView] = []
        metrics: dict[str, PodMetric] = {}
        for number, pod in enumerate(history.pods):
            name, is_ready = str(number), pod.ready <= now
            pods.append(PodView(name, pod.made, is_ready, pod.ready if is_ready else pod.made))
            if pod.made <= until - SYNC:
                metrics[name] = PodMetric(value if pod.ready <= until else 0, until, SYNC)
        return pods, metrics
