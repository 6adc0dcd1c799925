"""Who gets how many replicas of a cell that is full: those with which the fewest requests are late. Pure.

Each workload has its floor. What is left goes to where a replica spares the most: requests that are late weigh as much
as there are, times a weight that nobody is given yet. Below what keeps up with the arrivals a replica alone helps
nobody, so whole steps are weighed (the lower hull of what is lost); only what no whole step is left for is given in
part.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from . import erlang
from .policy import Decision, Reason
from .signals import Workload

HOLD = 30.0  # seconds that shares stay: a pod that goes after a moment has only cost its start


@dataclass(frozen=True, slots=True)
class Asked:
    """What a workload wants; `arrivals` a second and `demand` in seconds are those that it was sized for."""

    wanted: int
    floor: int
    arrivals: float
    demand: float
    objective: float
    weight: float = 1.0


def shared(every: Sequence[Asked], capacity: int) -> list[int]:
    """Replicas of each, in order; what is wanted where all of it fits. Floors are given even beyond the capacity."""
    if sum(one.wanted for one in every) <= capacity:
        return [one.wanted for one in every]
    given = [min(one.floor, one.wanted) for one in every]
    left = capacity - sum(given)
    steps = sorted((-gain, index, size) for index, one in enumerate(every) for gain, size in _steps(one))
    unfinished: set[int] = set()
    for in_part in (False, True):
        for _, index, size in steps:
            # A step helps when it is whole; what remains in the end is given in part.
            if index in unfinished and not in_part:
                continue
            taken = min(size, every[index].wanted - given[index], max(0, left)) if in_part or size <= left else 0
            unfinished |= {index} if taken < size else set()
            given[index] += taken
            left -= taken
    return given


@dataclass
class Cell:
    """What a cell leaves to each workload. `capacity`: replicas of all together; 0: there is room for all."""

    capacity: int = 0
    _shares: dict[Workload, int] = field(default_factory=dict[Workload, int])
    _until: float = 0.0

    def fit(self, decisions: Mapping[Workload, Decision], now: float) -> dict[Workload, Decision]:
        """The decisions, with fewer replicas where all together were too many. `now`: seconds of any clock."""
        if not self.capacity or sum(one.replicas for one in decisions.values()) <= self.capacity:
            self._shares = {}
            return dict(decisions)
        # Who has no pods has no share: whoever wakes is given one at once, and keeps the pods that it was woken with.
        there = {key: one for key, one in decisions.items() if one.replicas}
        if now >= self._until or self._shares.keys() != there.keys():
            given = shared([_asked(one) for one in there.values()], self.capacity)
            self._shares, self._until = dict(zip(there, given, strict=True)), now + HOLD
        return {key: _within(one, self._shares[key]) if key in there else one for key, one in decisions.items()}


def _asked(made: Decision) -> Asked:
    # Of whom nothing is known nothing is taken.
    floor = made.limits.floor if made.demand else made.replicas
    return Asked(made.replicas, floor, made.load, made.demand, made.limits.objective)


def _within(made: Decision, share: int) -> Decision:
    return made if made.replicas <= share else replace(made, replicas=share, reason=Reason.CELL)


def _lost(one: Asked, count: int) -> float:
    """Late requests a second; those beyond what can be served count twice, as they are later and later."""
    offered = one.arrivals * one.demand
    if not offered:
        return 0.0
    if count <= offered:
        return one.weight * one.arrivals * (2.0 - count / offered)
    return one.weight * one.arrivals * erlang.over(count, offered, one.objective / one.demand)


def _steps(one: Asked) -> list[tuple[float, int]]:
    """Of the hull from floor to wanted, what each step spares a replica, and its replicas; the steepest first."""
    hull: list[tuple[int, float]] = []
    for count in range(min(one.floor, one.wanted), one.wanted + 1):
        lost = _lost(one, count)
        while len(hull) > 1 and _slope(hull[-2], hull[-1]) >= _slope(hull[-1], (count, lost)):
            hull.pop()
        hull.append((count, lost))
    return [(-_slope(left, right), right[0] - left[0]) for left, right in pairwise(hull)]


def _slope(left: tuple[int, float], right: tuple[int, float]) -> float:
    return (right[1] - left[1]) / (right[0] - left[0])
