"""The seconds of a replay: an hour made short, its requests, and the same seconds in the simulated world. Pure."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from statistics import fmean
from typing import TYPE_CHECKING

from bench_pacing import poisson
from rooftree_operator.scaling.replay import hpa
from rooftree_operator.scaling.replay.hpa import HpaInWorld, HpaSettings
from rooftree_operator.scaling.replay.ours import LoadTuned
from rooftree_operator.scaling.replay.world import STEP, STEPS, Load, Second, Service, simulate, warmed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rooftree_operator.scaling.replay.world import Autoscaler, Outcome

OURS, HPA = "ours", "hpa"
# A request works for 100 ms on average, exponential; 99 of 100 shall take no longer than ten times that.
DEMAND, OBJECTIVE = 0.1, 1.0
MEAN_BUSY = 4.0  # replicas that work, on average over the replay
CEILING = 16
WARM_UP = 300  # seconds that are lived through before: an HPA remembers what it began with for so long
USE = 0.7  # of the replicas that both begin with
LUCKS = 5  # seeds of service in the simulation, whose mean counts
TARGET = HpaSettings(70, ceiling=CEILING)


def compressed(rates: Sequence[float], seconds: int) -> list[float]:
    """As many means of neighbouring seconds as asked for: the shape of the whole, faster."""
    edges = [round(number * len(rates) / seconds) for number in range(seconds + 1)]
    return [fmean(rates[since : max(until, since + 1)]) for since, until in pairwise(edges)]


def scaled(rates: Sequence[float]) -> list[float]:
    """So that `MEAN_BUSY` replicas work on average."""
    factor = MEAN_BUSY / DEMAND / fmean(rates)
    return [rate * factor for rate in rates]


@dataclass(frozen=True)
class Requests:
    """Of a replay, for all policies the same. Moments are seconds since it began, the first `WARM_UP` not counted."""

    moments: list[float]
    works: list[float]
    seconds: int
    initial: int
    seed: int

    @classmethod
    def of(cls, rates: Sequence[float], seed: int, warm_up: int = WARM_UP) -> Requests:
        """By rates a second; the warm-up is their first seconds backwards."""
        dice, every = random.Random(seed), warmed(rates, warm_up)
        moments = list(poisson(every, dice))
        works = [dice.expovariate(1.0 / DEMAND) for _ in moments]
        return cls(moments, works, len(every), max(1, ceil(every[0] * DEMAND / USE)), seed)

    def load(self, luck: int, warm_up: int = WARM_UP) -> Load:
        """The same arrivals in the world's steps; what is served in each is chance there."""
        chance = random.Random(luck)
        counts = Counter(int(moment / STEP + 1e-9) for moment in self.moments)
        seconds = [
            Second(
                float(sum(counts[second * STEPS + step] for step in range(STEPS))),
                tuple((float(counts[second * STEPS + step]), chance.gauss(0.0, 1.0)) for step in range(STEPS)),
            )
            for second in range(self.seconds)
        ]
        return Load(tuple(seconds), warm_up, luck)


def simulated(requests: Requests, policy: str, demand: float, start: float) -> list[Outcome]:
    """What the world says of the same seconds: with seconds of work and of a pod's start as they were measured."""
    service = Service(demand, OBJECTIVE, start=max(1, round(start)), ceiling=CEILING)
    return [
        simulate(requests.load(luck), _autoscaler(policy, service, luck), service, requests.initial)
        for luck in range(1, LUCKS + 1)
    ]


def _autoscaler(policy: str, service: Service, luck: int) -> Autoscaler:
    """Its looks lie at another moment for each luck, as on a cluster nobody knows where they do."""
    if policy == OURS:
        return LoadTuned(service, phase=luck % 2)
    return HpaInWorld(service, TARGET, (luck * 7) % hpa.SYNC, (luck * 11 + 3) % hpa.SYNC)
