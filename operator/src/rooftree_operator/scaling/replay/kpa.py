"""Knative's autoscaler (KPA): a port of `pkg/autoscaler/scaling/autoscaler.go` and the windows behind it.

Source: knative/serving, commit 98e5ef90aa7033797aa0a61ef97f3ff7e49a3944 (Apache-2.0); its tests are our goldens. What
concerns the activator (burst capacity, scale to zero) is left out: it does not decide how many replicas there are.
"""

from collections import deque
from dataclasses import dataclass, field
from math import ceil, floor

from .world import History, Service

TICK = 2


@dataclass(frozen=True, slots=True)
class KpaSettings:
    """By the names of `config-autoscaler`, with its defaults; seconds, and shares of 1."""

    # One request at a time is what a replica takes here (`containerConcurrency`).
    container_concurrency: float = 1.0
    target_percentage: float = 0.7
    stable_window: int = 60
    panic_window_percentage: float = 0.10
    panic_threshold: float = 2.0
    max_scale_up_rate: float = 1000.0
    max_scale_down_rate: float = 2.0
    scale_down_delay: int = 0

    @property
    def target(self) -> float:
        """Requests in flight at a replica."""
        return self.container_concurrency * self.target_percentage

    @property
    def panic_window(self) -> int:
        """Whole seconds, at least one."""
        return max(1, round(self.stable_window * self.panic_window_percentage))


@dataclass(slots=True)
class Kpa:
    """The autoscaler of one revision."""

    settings: KpaSettings = field(default_factory=KpaSettings)
    reachable: bool = True
    panicked: float | None = None
    most_in_panic: int = 0
    delayed: deque[tuple[int, int]] = field(default_factory=deque[tuple[int, int]])

    @classmethod
    def begun(cls, settings: KpaSettings, ready: int, now: float) -> "Kpa":
        """Begins in panic over more than one replica: there is no history that would allow fewer."""
        return cls(settings, panicked=now if ready > 1 else None, most_in_panic=ready)

    def scale(self, now: float, ready: int, stable: float, panic: float) -> int:
        """Replicas wanted, from requests in flight of both windows."""
        settings, pods = self.settings, max(1, ready)
        most = ceil(settings.max_scale_up_rate * pods)
        fewest = floor(pods / settings.max_scale_down_rate) if self.reachable else 0
        by_panic = ceil(panic / settings.target)
        wanted = int(min(max(ceil(stable / settings.target), fewest), most))
        in_panic = int(min(max(by_panic, fewest), most))
        self._panic(now, by_panic / pods >= settings.panic_threshold)
        if self.panicked is not None:
            # Never fewer in panic.
            self.most_in_panic = max(self.most_in_panic, wanted, in_panic)
            wanted = self.most_in_panic
        return self._delay(now, wanted) if self.reachable and settings.scale_down_delay else wanted

    def _panic(self, now: float, over: bool) -> None:
        if over:
            self.panicked = now
        elif self.panicked is not None and self.panicked + self.settings.stable_window < now:
            self.panicked, self.most_in_panic = None, 0

    def _delay(self, now: float, wanted: int) -> int:
        """The most of the last `scale_down_delay`, in buckets of a tick."""
        index, size = int(now) // TICK, ceil(self.settings.scale_down_delay / TICK)
        while self.delayed and self.delayed[-1][1] <= wanted:
            self.delayed.pop()
        while self.delayed and index - self.delayed[0][0] >= size:
            self.delayed.popleft()
        if not self.delayed or self.delayed[-1][0] != index:
            self.delayed.append((index, wanted))
        return self.delayed[0][1]


@dataclass(slots=True)
class KpaInWorld:
    """KPA as it would see this world: queue proxies are asked each second, and count what waits, too."""

    service: Service
    settings: KpaSettings = field(default_factory=KpaSettings)
    phase: int = 0
    period: int = TICK
    kpa: Kpa | None = None

    def decide(self, now: int, history: History) -> int:
        ready = history.ready(now)
        if self.kpa is None:
            self.kpa = Kpa.begun(self.settings, ready, float(now))
        if now < TICK:
            return len(history.pods)
        # The last report is of the second that has just ended.
        stable = history.mean(history.in_flight, now, self.settings.stable_window)
        panic = history.mean(history.in_flight, now, self.settings.panic_window)
        return max(1, self.kpa.scale(float(now), ready, stable, panic))
