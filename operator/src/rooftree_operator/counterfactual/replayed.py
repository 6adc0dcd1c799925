"""What each policy would have done with a workload's trace, and what was done. Pure; one policy after the other.

All meet the same requests, in the world of `scaling.replay`, and are judged by the same objective. Seconds in which
nothing was measured are lived through and count nowhere.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from itertools import accumulate, pairwise

from ..scaling import erlang
from ..scaling.policy import Settings
from ..scaling.replay import policies
from ..scaling.replay.hpa import HpaSettings
from ..scaling.replay.keda import KedaSettings
from ..scaling.replay.kpa import KpaSettings
from ..scaling.replay.world import Load, Outcome, Service, fewest, make_counted, simulate
from .question import Question
from .recorded import Trace

MINUTE = 60
BUDGET = 0.01  # of requests that may be late
OBJECTIVE = 0.3  # seconds, a plan's by default
AROUND = 20  # seconds over which the bound sees the rate: as the policy's mean


IsOver = Callable[[], bool]


class TooLong(Exception):
    """The replay took longer than it may."""


class Kind(StrEnum):
    """What a row is."""

    WAS = "was"
    OURS = "ours"
    OTHER = "other"
    FIXED = "fixed"
    BOUND = "bound"


@dataclass(frozen=True, slots=True)
class Row:
    """A policy's time; seconds that are not known count in none of the figures.

    `late` requests took longer than the objective, `worst` is their share in the worst minute. `pods` are of each
    second, `late_minutes` the minutes in which more were late than may be.
    """

    name: str
    kind: Kind
    core_hours: float
    requests: float
    late: float
    worst: float
    changes: int
    most: int
    pods: Sequence[int]
    late_minutes: Sequence[int]

    @property
    def late_share(self) -> float:
        return self.late / self.requests if self.requests else 0.0


@dataclass(frozen=True)
class Replay:
    """The rows, what was first. `service` is what was assumed, `allowed` the share of requests that may be late."""

    question: Question
    trace: Trace
    service: Service
    allowed: float
    rows: Sequence[Row]

    @property
    def was(self) -> Row:
        return self.rows[0]

    @cached_property
    def seconds(self) -> int:
        """That count."""
        return sum(self.trace.known[self.trace.span.warm_up :])

    def keeps(self, row: Row) -> bool:
        """Whether the objective was kept."""
        return row.late_share <= self.allowed

    @property
    def cheapest(self) -> Row | None:
        """Of the policies that kept the objective."""
        kept = [row for row in self.rows if row.kind in (Kind.OURS, Kind.OTHER, Kind.FIXED) and self.keeps(row)]
        return min(kept, key=lambda row: row.core_hours, default=None)


def replay(question: Question, trace: Trace, is_over: IsOver = lambda: False) -> Replay:
    """Runs all policies. Raises `TooLong` before the next one when `is_over` says that nobody waits any more."""
    service = assumed(question, trace)
    allowed = erlang.allowed(service.objective / service.demand, BUDGET)
    load = make_counted(trace.arrivals, trace.span.warm_up)
    rows: list[Row] = []
    for one in _candidates(question, trace, service, load):
        if is_over():
            raise TooLong
        rows.append(_row(one, trace, load, allowed))
    return Replay(question, trace, service, allowed, rows)


def assumed(question: Question, trace: Trace) -> Service:
    """What is asked for, else what the plan says, else a guess that the page tells of."""
    most = max(trace.paid)
    floor = question.floor or trace.floor or 1
    ceiling = question.ceiling or trace.ceiling or 2 * most
    return Service(
        demand=trace.demand.seconds,
        objective=trace.objective or question.objective or OBJECTIVE,
        start=question.start,
        floor=floor,
        ceiling=max(floor, ceiling),
    )


@dataclass(frozen=True, slots=True)
class _Candidate:
    """`paid`: the pods that cost, if they are others than those that are told of."""

    name: str
    kind: Kind
    make: policies.Make
    service: Service
    paid: Sequence[int] | None = None


def _candidates(question: Question, trace: Trace, service: Service, load: Load) -> Iterator[_Candidate]:
    # Pods that answered then serve, whatever the plan says now.
    free = replace(service, start=0, floor=0, ceiling=max(service.ceiling, max(trace.paid)))
    yield _Candidate("as it was", Kind.WAS, _given(trace.pods), free, trace.paid)
    yield _Candidate("ours", Kind.OURS, policies.ours(), service)
    settings = Settings(margin=question.margin, window=question.window)
    if question.objective is not None or settings != Settings():
        yield _Candidate("ours, as asked", Kind.OURS, policies.ours(settings, question.objective), service)
    between = HpaSettings(floor=service.floor, ceiling=service.ceiling)
    for target in question.hpa:
        yield _Candidate(f"HPA {target}%", Kind.OTHER, policies.hpa(replace(between, target=target)), service)
    keda = KedaSettings(question.keda, hpa=between)
    yield _Candidate(f"KEDA {question.keda:g}", Kind.OTHER, policies.keda(keda), service)
    knative = KpaSettings(target_percentage=question.kpa)
    yield _Candidate(f"Knative {question.kpa:.0%}", Kind.OTHER, policies.kpa(knative), service)
    for name, count in (("always the fewest", service.floor), ("always the most", service.ceiling)):
        yield _Candidate(f"{name}, {count}", Kind.FIXED, _given([count] * len(load.seconds)), service)
    least = [max(service.floor, one) for one in fewest(_around(trace.arrivals), service, BUDGET)]
    yield _Candidate("bound", Kind.BOUND, _given(least), replace(service, start=0))


def _given(counts: Sequence[int]) -> policies.Make:
    return lambda service, load: policies.Given(counts)


def _around(counts: Sequence[float]) -> list[float]:
    """The mean rate around each second: single seconds are chance, which nobody has pods for."""
    sums = [0.0, *accumulate(counts)]
    half = AROUND // 2
    windows = ((max(0, at - half), min(len(counts), at + half + 1)) for at in range(len(counts)))
    # Equal rates are reckoned once.
    return [round((sums[until] - sums[since]) / (until - since), 1) for since, until in windows]


def _row(one: _Candidate, trace: Trace, load: Load, allowed: float) -> Row:
    """Lives through it and counts."""
    begun = trace.span.warm_up
    initial = max(one.service.floor, min(one.service.ceiling, trace.pods[0]))
    outcome = simulate(load, one.make(one.service, load), one.service, initial)
    known = trace.known[begun:]
    pods = list((one.paid or outcome.replicas)[begun:])
    minutes = list(_minutes(load, outcome, known, begun))
    return Row(
        name=one.name,
        kind=one.kind,
        core_hours=sum(count for count, is_known in zip(pods, known, strict=True) if is_known) / 3600,
        requests=sum(requests for requests, _ in minutes),
        late=sum(late for _, late in minutes),
        worst=max((late / requests for requests, late in minutes if requests), default=0.0),
        changes=sum(
            before != after
            for (before, after), both in zip(pairwise(pods), map(all, pairwise(known)), strict=True)
            if both
        ),
        most=max(count for count, is_known in zip(pods, known, strict=True) if is_known),
        pods=pods,
        late_minutes=[number for number, (requests, late) in enumerate(minutes) if late > allowed * requests],
    )


def _minutes(load: Load, outcome: Outcome, known: Sequence[bool], begun: int) -> Iterator[tuple[float, float]]:
    """Requests of each minute, and those of them that were late."""
    for since in range(0, len(known), MINUTE):
        counted = [at for at in range(since, min(since + MINUTE, len(known))) if known[at]]
        requests = sum(load.seconds[begun + at].arrived for at in counted)
        yield requests, sum(outcome.over_of[begun + at] for at in counted)
