"""One workload's requests, replicas and queue, second by second. Pure; the same numbers for the same seed.

Requests arrive at a rate that is given for each second, Poisson within; replicas serve one at a time for an exponential
time; one queue, first come, first served. The queue moves in steps of a twentieth of a second, by what arrived and what
the ready replicas could serve, both with their chance: for objectives of several steps that is M/M/n (a test compares).
Arrivals and chance are drawn once for a load, so that all policies meet the very same.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import erfc, exp, sqrt
from typing import Protocol

from ..erlang import servers_for

STEPS = 20  # a second
STEP = 1.0 / STEPS
# Below this share of the objective hardly any request takes longer than it.
_NEAR = 0.35
# Of more requests in a second, how they lie in it is drawn as a normal.
_MANY = 200
_ROOT2 = sqrt(2.0)


@dataclass(frozen=True, slots=True)
class Service:
    """What requests take, and what is promised; seconds."""

    demand: float = 0.02
    objective: float = 0.2
    start: int = 8  # of a pod, from its order until it is ready
    floor: int = 1
    ceiling: int = 100
    # What each further replica adds to a request, a share of it: they share what is behind them.
    contention: float = 0.0

    def takes(self, ready: int) -> float:
        """Seconds of a request with so many replicas."""
        return self.demand * (1.0 + self.contention * max(0, ready - 1))


@dataclass(frozen=True, slots=True)
class Second:
    """Requests, and of each step its requests and a standard normal number."""

    arrived: float
    steps: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Load:
    """Requests in each step, and the chance of what is served, for all policies the same."""

    seconds: tuple[Second, ...]
    # Seconds in the beginning that are lived through and not counted.
    warm_up: int
    seed: int
    rates: tuple[float, ...] = ()  # requests a second as given, for the bound


def make_load(rates: Sequence[float], seed: int, warm_up: int = 360) -> Load:
    """Of rates a second. The first `warm_up` seconds are the trace's first ones backwards, so that all begin alike."""
    chance = random.Random(seed)  # noqa: S311 -- the same for the same seed
    warm_up = min(warm_up, len(rates))
    return Load(tuple(_drawn(chance, rate) for rate in warmed(rates, warm_up)), warm_up, seed, tuple(rates))


def make_counted(counts: Sequence[float], warm_up: int, seed: int = 1) -> Load:
    """Of what was counted each second: as many requests arrive, and when in their second is chance.

    The first `warm_up` seconds are those before the ones that count.
    """
    chance = random.Random(seed)  # noqa: S311 -- the same for the same seed
    return Load(tuple(_spread(chance, count) for count in counts), warm_up, seed, tuple(counts[warm_up:]))


def _spread(chance: random.Random, count: float) -> Second:
    """The requests of a second; a part of one, which a rate may have, is somewhere, too."""
    arrivals = [0.0] * STEPS
    if count > _MANY:
        mean = count * STEP
        drawn = [max(0.0, chance.gauss(mean, sqrt(mean))) for _ in range(STEPS)]
        arrivals = [one * count / sum(drawn) for one in drawn]
    else:
        for _ in range(int(count)):
            arrivals[int(chance.random() * STEPS)] += 1.0
        arrivals[int(chance.random() * STEPS)] += count - int(count)
    return Second(count, tuple((one, chance.gauss(0.0, 1.0)) for one in arrivals))


def warmed(rates: Sequence[float], warm_up: int) -> list[float]:
    """With the seconds that are lived through before."""
    return [*reversed(rates[:warm_up]), *rates]


def _drawn(chance: random.Random, rate: float) -> Second:
    steps = tuple((float(_poisson(chance, rate * STEP)), chance.gauss(0.0, 1.0)) for _ in range(STEPS))
    return Second(sum(arrivals for arrivals, _ in steps), steps)


def _poisson(chance: random.Random, mean: float) -> int:
    """By Knuth's product; means of some hundreds in parts, which underflow otherwise."""
    count = 0
    while mean > 0.0:
        part = min(mean, 30.0)
        mean -= part
        limit, product = exp(-part), chance.random()
        while product > limit:
            count += 1
            product *= chance.random()
    return count


@dataclass(slots=True)
class Pod:
    """A replica; seconds since the beginning."""

    made: int
    ready: int


@dataclass(slots=True)
class History:
    """What has happened, by second; sums from the beginning, so that the mean of any window is one subtraction.

    Index n is the sum of the first n seconds. A policy looks only as far as its measurements would be there.
    """

    arrivals: list[float] = field(default_factory=lambda: [0.0])
    squares: list[float] = field(default_factory=lambda: [0.0])  # of arrivals in a second
    completed: list[float] = field(default_factory=lambda: [0.0])
    in_flight: list[float] = field(default_factory=lambda: [0.0])  # requests times seconds
    use: list[float] = field(default_factory=lambda: [0.0])  # of a ready replica, 0 to 1
    pods: list[Pod] = field(default_factory=list[Pod])

    def ready(self, now: int) -> int:
        """Replicas that serve."""
        return sum(pod.ready <= now for pod in self.pods)

    @staticmethod
    def mean(sums: list[float], until: int, window: int) -> float:
        """A second, over the window that ends at `until`; 0 before there was anything."""
        until = max(0, until)
        since = max(0, until - window)
        return (sums[until] - sums[since]) / (until - since) if until > since else 0.0


class Autoscaler(Protocol):
    """A policy with its state: asked each `period` seconds, `phase` seconds after the full one."""

    @property
    def period(self) -> int: ...

    @property
    def phase(self) -> int: ...

    def decide(self, now: int, history: History) -> int:
        """Replicas wanted at `now`, in whole seconds."""
        ...


@dataclass(slots=True)
class Outcome:
    """What a policy cost and broke; seconds of warm-up apart."""

    core_seconds: float = 0.0  # of all replicas, those that start, too
    requests: float = 0.0
    over: float = 0.0  # requests that took longer than the objective
    worst: float = 0.0  # share of them in the worst minute
    changes: int = 0
    most: int = 0
    replicas: list[int] = field(default_factory=list[int])  # a second
    over_of: list[float] = field(default_factory=list[float])  # a second

    @property
    def over_share(self) -> float:
        """Share of requests that took longer than the objective."""
        return self.over / self.requests if self.requests else 0.0


def simulate(load: Load, autoscaler: Autoscaler, service: Service, initial: int) -> Outcome:
    """The load under the policy, from `initial` ready replicas on."""
    history, outcome, queue = History(), Outcome(), 0.0
    pods = history.pods
    pods.extend(Pod(-3600, -3600) for _ in range(initial))
    alone = exp(-service.objective / service.demand)
    next_ready, ready = 0, initial
    for now, second in enumerate(load.seconds):
        if now % autoscaler.period == autoscaler.phase:
            wanted = max(service.floor, min(service.ceiling, autoscaler.decide(now, history)))
            if wanted != len(pods):
                _scale(pods, wanted, now, service.start)
                outcome.changes += now >= load.warm_up
                next_ready = now
        if now >= next_ready:
            ready = history.ready(now)
            next_ready = min((pod.ready for pod in pods if pod.ready > now), default=len(load.seconds))
        arrived = second.arrived
        waiting, over, left = _lived(second, queue, ready, service)
        done = queue + arrived - left
        busy = max(0.0, min(float(ready), done * service.takes(ready)))
        _record(history, arrived, done, waiting + busy, busy / ready if ready else 0.0)
        queue = left
        outcome.replicas.append(len(pods))
        outcome.over_of.append(over + alone * (arrived - over))
    _total(outcome, history, load)
    return outcome


def _lived(second: Second, queue: float, ready: int, service: Service) -> tuple[float, float, float]:
    """Request-seconds of waiting, requests over the objective, and the queue that is left."""
    demand = service.takes(ready)
    served = ready / demand * STEP
    root = sqrt(served)
    near = _NEAR * service.objective * ready / demand
    waiting = over = 0.0
    # Without a queue some replicas are idle, and the next requests find those first.
    empty = min(0.0, second.arrived * demand - ready)
    queue = queue or empty
    for arrivals, chance in second.steps:
        queue += arrivals - served - root * chance
        if queue <= 0.0:
            queue = empty
        else:
            waiting += queue
            if queue > near:
                over += arrivals * _late(queue, ready, demand, service.objective)
    return waiting * STEP, over, max(0.0, queue)


def _late(queue: float, ready: int, demand: float, objective: float) -> float:
    """Share of those that find this queue that takes longer than the objective: many services add up to a normal."""
    if not ready:
        return 1.0
    mean = queue * demand / ready + demand
    deviation = demand * sqrt(queue / ready**2 + 1.0)
    return 0.5 * erfc((objective - mean) / (deviation * _ROOT2))


def _scale(pods: list[Pod], wanted: int, now: int, start: int) -> None:
    """New pods are on their way; those that go are gone at once: first any that is not ready, then the youngest."""
    if wanted > len(pods):
        pods.extend(Pod(now, now + start) for _ in range(wanted - len(pods)))
    else:
        pods.sort(key=lambda pod: pod.ready)
        del pods[wanted:]


def _record(history: History, arrived: float, done: float, in_flight: float, use: float) -> None:
    history.arrivals.append(history.arrivals[-1] + arrived)
    history.squares.append(history.squares[-1] + arrived * arrived)
    history.completed.append(history.completed[-1] + done)
    history.in_flight.append(history.in_flight[-1] + in_flight)
    history.use.append(history.use[-1] + use)


def _total(outcome: Outcome, history: History, load: Load, minute: int = 60) -> None:
    """Sums of what counts."""
    begun = load.warm_up
    arrivals = history.arrivals
    outcome.core_seconds = float(sum(outcome.replicas[begun:]))
    outcome.most = max(outcome.replicas[begun:])
    outcome.requests = arrivals[-1] - arrivals[begun]
    outcome.over = sum(outcome.over_of[begun:])
    for since in range(begun, len(load.seconds), minute):
        until = min(since + minute, len(load.seconds))
        requests = arrivals[until] - arrivals[since]
        if requests:
            outcome.worst = max(outcome.worst, sum(outcome.over_of[since:until]) / requests)


def fewest(rates: Sequence[float], service: Service, budget: float) -> list[int]:
    """The clairvoyant bound: for each second the fewest replicas by Erlang's formula at its own rate, there at once."""
    patience = service.objective / service.demand
    known: dict[float, int] = {}
    for rate in rates:
        if rate not in known:
            known[rate] = servers_for(rate * service.demand, patience, budget=budget, most=service.ceiling)
    return [known[rate] for rate in rates]
