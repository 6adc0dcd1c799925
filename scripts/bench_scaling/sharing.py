"""A cell that is too small for all that is wanted: replicas by who asked first, and by `share`.

Twelve tenants: each trace at each scale, twice, half an hour apart. What they want is decided without the limit; what
they get is judged second by second by Erlang's formula, so a queue that is left over from before is not counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rooftree_operator.scaling import erlang
from rooftree_operator.scaling.replay.ours import LoadTuned
from rooftree_operator.scaling.replay.world import make_load, simulate
from rooftree_operator.scaling.share import Asked, shared

from bench_scaling import cases

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# Of the most that is wanted at any moment.
SHARES = (0.95, 0.9, 0.8, 0.7)


@dataclass
class Tenant:
    """Rates, and what it wants, both a second."""

    rates: list[float]
    wanted: list[int]


def tenants(traces: Sequence[Path]) -> list[Tenant]:
    found: list[Tenant] = []
    for number, trace in enumerate(traces):
        for scale in cases.SCALES:
            for shift in (0, 1800):
                plain = [rate * scale for rate in cases.read_trace(trace)]
                rates = [*plain[shift:], *plain[:shift]]
                load = make_load(rates, seed=number + 1)
                outcome = simulate(load, LoadTuned(cases.SERVICE), cases.SERVICE, cases.initial(rates))
                found.append(Tenant(rates, outcome.replicas[load.warm_up :]))
    return found


def first_come(wanted: Sequence[int], before: Sequence[int], capacity: int) -> list[int]:
    """Whoever has replicas keeps them; who wants more gets what is free, in turn."""
    given = [min(one, had) for one, had in zip(wanted, before, strict=True)]
    left = capacity - sum(given)
    for index, one in enumerate(wanted):
        taken = min(one - given[index], max(0, left))
        given[index] += taken
        left -= taken
    return given


def late(tenant: Tenant, second: int, count: int) -> float:
    """Requests that are late."""
    rate = tenant.rates[second]
    return rate * erlang.over(count, rate * cases.SERVICE.demand, cases.SERVICE.objective / cases.SERVICE.demand)


def measure(traces: Sequence[Path]) -> list[dict[str, Any]]:
    """Shares of late requests for each size of the cell."""
    every = tenants(traces)
    seconds = min(len(one.rates) for one in every)
    peak = max(sum(one.wanted[second] for one in every) for second in range(seconds))
    requests = sum(sum(one.rates[:seconds]) for one in every)
    found: list[dict[str, Any]] = []
    for size in SHARES:
        capacity, lost = int(peak * size), {"first come": 0.0, "shared": 0.0}
        before = [1] * len(every)
        for second in range(seconds):
            wanted = [one.wanted[second] for one in every]
            before = first_come(wanted, before, capacity)
            asked = [
                Asked(count, 1, one.rates[second], cases.SERVICE.demand, cases.SERVICE.objective)
                for one, count in zip(every, wanted, strict=True)
            ]
            for name, given in (("first come", before), ("shared", shared(asked, capacity))):
                lost[name] += sum(late(one, second, count) for one, count in zip(every, given, strict=True))
        found.append({"size": size, **{name: value / requests for name, value in lost.items()}})
    return found
