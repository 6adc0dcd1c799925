"""KEDA with a Prometheus trigger on requests in flight: an HPA on an external metric, of type AverageValue.

KEDA answers the HPA's question with the query's value at that moment (`useCachedMetrics` is off by default), and the
HPA divides it by `threshold`. Source: kedacore/keda `pkg/scaling`, keda.sh "Prometheus scaler"; the HPA's part is
`GetExternalPerPodMetricReplicas`, ported and checked in `hpa`.
"""

from dataclasses import dataclass, field

from .hpa import SYNC, Hpa, HpaSettings, external_replicas
from .world import History, Service


@dataclass(frozen=True, slots=True)
class KedaSettings:
    """Requests in flight that a replica shall have, and over how many seconds they are averaged (`rate(…[1m])`)."""

    threshold: float = 0.7
    window: int = 60
    scrape: int = 15
    hpa: HpaSettings = field(default_factory=HpaSettings)


@dataclass(slots=True)
class KedaInWorld:
    """KEDA as it would see this world; `scraped` is when of the scrape's period Prometheus asks the pods."""

    service: Service
    settings: KedaSettings = field(default_factory=KedaSettings)
    phase: int = 0
    scraped: int = 7
    period: int = SYNC
    hpa: Hpa = field(default_factory=Hpa)

    def __post_init__(self) -> None:
        self.hpa = Hpa(self.settings.hpa)

    def decide(self, now: int, history: History) -> int:
        current, settings = len(history.pods), self.settings
        self.hpa.begin(current, now)
        until = now - (now - self.scraped) % settings.scrape
        if until < settings.scrape:
            return current
        usage = int(1000 * history.mean(history.in_flight, until, settings.window))
        target = int(1000 * settings.threshold)
        wanted = external_replicas(current, usage, target, settings.hpa.tolerance)
        return self.hpa.settle(current, wanted, now)
