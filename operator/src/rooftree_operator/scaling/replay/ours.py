"""This package's policy in the world: what Prometheus would tell it at each tick, and the replicas that it decides."""

from dataclasses import dataclass, field
from math import sqrt

from ..policy import Decision, Limits, Settings, Signals, State, decide
from .world import History, Service

# A counter of the last second is there at the earliest now: it is scraped each second, at any moment of it.
SEEN = 1
# What a request takes comes with the ordinary scrape, of five seconds.
SCRAPE = 5
MEAN, RECENT, RESIDENCE = 20, 3, 30


@dataclass(slots=True)
class LoadTuned:
    """`phase` is where its ticks lie."""

    service: Service
    settings: Settings = field(default_factory=Settings)
    phase: int = 0
    period: int = 2
    state: State = field(default_factory=State)
    last: Decision | None = None

    def decide(self, now: int, history: History) -> int:
        signals = observe(now, history)
        service = self.service
        limits = Limits(service.objective, service.floor, service.ceiling, float(service.start))
        self.last, self.state = decide(signals, limits, self.state, float(now), self.settings)
        return self.last.replicas


def observe(now: int, history: History) -> Signals:
    """What is known at `now`."""
    until = max(0, now - SEEN)
    arrivals = history.mean(history.arrivals, until, MEAN)
    square = history.mean(history.squares, until, MEAN)
    scraped = until - until % SCRAPE
    completed = history.mean(history.completed, scraped, RESIDENCE)
    stayed = history.mean(history.in_flight, scraped, RESIDENCE)
    known = until > 0
    return Signals(
        replicas=len(history.pods),
        ready=history.ready(now),
        age=float(now - until),
        arrivals=arrivals if known else None,
        recent=history.mean(history.arrivals, until, RECENT),
        deviation=sqrt(max(0.0, square - arrivals * arrivals)),
        in_flight=history.mean(history.in_flight, until, 1) if known else None,
        residence=stayed / completed if completed else None,
    )
