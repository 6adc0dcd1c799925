"""Policies with their settings, as they are put into the world. Pure.

When each looks, among the seconds, is by the load's seed: so several seeds show that it does not matter.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..policy import Settings
from .hpa import SYNC, HpaInWorld, HpaSettings
from .keda import KedaInWorld, KedaSettings
from .kpa import KpaInWorld, KpaSettings
from .ours import LoadTuned
from .world import Autoscaler, History, Load, Service

Make = Callable[[Service, Load], Autoscaler]


def ours(settings: Settings | None = None, objective: float | None = None) -> Make:
    """The operator's own; `objective` (seconds): the one that it aims for, if not that of the service."""

    def make(service: Service, load: Load) -> Autoscaler:
        aimed = service if objective is None else replace(service, objective=objective)
        return LoadTuned(aimed, settings or Settings(), phase=load.seed % 2)

    return make


def hpa(settings: HpaSettings) -> Make:
    """Kubernetes' own, on CPU."""

    def make(service: Service, load: Load) -> Autoscaler:
        phase, scraped = (load.seed * 7) % SYNC, (load.seed * 11 + 3) % SYNC
        return HpaInWorld(service, settings, phase, scraped)

    return make


def keda(settings: KedaSettings) -> Make:
    """KEDA, on requests in flight."""

    def make(service: Service, load: Load) -> Autoscaler:
        phase, scraped = (load.seed * 7) % SYNC, (load.seed * 11 + 3) % settings.scrape
        return KedaInWorld(service, settings, phase, scraped)

    return make


def kpa(settings: KpaSettings) -> Make:
    """Knative's."""
    return lambda service, load: KpaInWorld(service, settings, phase=load.seed % 2)


@dataclass(slots=True)
class Given:
    """No policy: the replicas of each second are known beforehand."""

    counts: Sequence[int]
    period: int = 1
    phase: int = 0

    def decide(self, now: int, history: History) -> int:
        return self.counts[now]
