"""Ours with a part taken off, or with one that was thought of put on: what each is worth.

A part stays in the product if without it core-hours are two in a hundred more, or more requests are late. Those that
are put on here are nowhere else.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from rooftree_operator.scaling.demand import Tracking
from rooftree_operator.scaling.policy import Limits, Settings, State, decide
from rooftree_operator.scaling.replay.ours import RESIDENCE, SEEN, observe

if TYPE_CHECKING:
    from rooftree_operator.scaling.replay.world import History, Load, Service

NEVER = 1e9
_ROUNDS = 4


@dataclass(frozen=True)
class Variant:
    """Settings, and terms that are not in the product."""

    settings: Settings = field(default_factory=Settings)
    trend: bool = False  # the slope of two minutes goes on until a pod that is ordered now is ready
    season: bool = False  # as much as last week at the moment when such a pod is ready, or more
    knows_demand: bool = False  # what a request takes is given, instead of taken from spans
    # Each further replica adds this share to a request; `fit` knows it, as the best fit of a USL would, and sizes so.
    contention: float = 0.0
    fit: bool = False


VARIANTS = {
    "fixed margin 0": Variant(Settings(margin=0.0, step=0.0)),
    "fixed margin 0.5": Variant(Settings(margin=0.5, step=0.0)),
    "fixed margin 1": Variant(Settings(margin=1.0, step=0.0)),
    "fixed margin 1.5": Variant(Settings(margin=1.5, step=0.0)),
    "no smoothing": Variant(Settings(smoothing=1.0)),
    "no fast rise": Variant(Settings(rise=NEVER)),
    "no backlog": Variant(Settings(drain=NEVER)),
    "no window": Variant(Settings(window=2.0)),
    "window 30 s": Variant(Settings(window=30.0)),
    "window 120 s": Variant(Settings(window=120.0)),
    "demand given": Variant(knows_demand=True),
    "trend": Variant(trend=True),
    "season": Variant(season=True),
    "contention": Variant(contention=0.02),
    "contention, demand given": Variant(contention=0.02, knows_demand=True),
    "contention, fitted": Variant(contention=0.02, knows_demand=True, fit=True),
}


@dataclass
class Varied:
    """As `LoadTuned`, with the variant's terms."""

    service: Service
    variant: Variant
    load: Load
    phase: int = 0
    period: int = 2
    state: State = field(default_factory=State)
    last_week: list[float] = field(default_factory=list)
    settings: Settings = field(default_factory=Settings)

    def __post_init__(self) -> None:
        self.settings = self.variant.settings
        if self.variant.knows_demand:
            # What is measured changes nothing.
            self.settings = replace(self.settings, tracking=Tracking(rising=0.0, falling=0.0, slower=NEVER))
        if self.variant.season:
            self.last_week = last_week(self.load)

    def decide(self, now: int, history: History) -> int:
        signals = observe(now, history)
        service, variant = self.service, self.variant
        if signals.arrivals is not None and (variant.trend or variant.season):
            expected = max(signals.arrivals, *self._expected(now, history))
            signals = replace(signals, arrivals=expected)
        limits = Limits(service.objective, service.floor, service.ceiling, float(service.start))
        before, wanted = self.state, signals.ready
        for _ in range(_ROUNDS if variant.fit else 1):
            if variant.knows_demand:
                before = replace(before, demand=service.takes(wanted))
            made, self.state = decide(signals, limits, before, float(now), self.settings)
            wanted = made.replicas
        return wanted

    def _expected(self, now: int, history: History) -> tuple[float, float]:
        """Requests a second when a pod that is ordered now is ready: by trend, and by season."""
        ahead, until = self.period + self.service.start, now - SEEN
        trend = season = 0.0
        if self.variant.trend and until > 4 * RESIDENCE:
            newer = history.mean(history.arrivals, until, 2 * RESIDENCE)
            older = history.mean(history.arrivals, until - 2 * RESIDENCE, 2 * RESIDENCE)
            trend = newer + (newer - older) / (2 * RESIDENCE) * (ahead + RESIDENCE)
        if self.variant.season:
            season = self.last_week[min(now + ahead, len(self.last_week) - 1)]
        return trend, season


def last_week(load: Load, window: int = 60) -> list[float]:
    """The 90th of 100 seconds around each of the hour a week ago: other requests, some minutes and percent off."""
    chance = random.Random(load.seed + 1000)
    rates = load.rates
    shift, factor = chance.randrange(-120, 121), chance.uniform(0.9, 1.1)
    whole = [*reversed(rates[: load.warm_up]), *rates]
    moved = [whole[max(0, min(len(whole) - 1, second + shift))] * factor for second in range(len(whole))]
    noisy = [max(0.0, rate + chance.gauss(0.0, rate**0.5)) for rate in moved]
    return [
        sorted(noisy[max(0, second - window // 2) : second + window // 2 + 1])[-max(1, window // 10)]
        for second in range(len(noisy))
    ]
