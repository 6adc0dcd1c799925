"""What a request takes of a replica when nobody waits, and whether something behind the replica is slow. Pure.

Spans tell how long requests stay, which is more than they take as soon as there is a queue. Who sizes by that buys
replicas for the queue, which then goes on: so what a queue of this use adds is taken off first. A database that is slow
also lets requests stay longer; more replicas ask it for more at a time, and it gets slower.
"""

from dataclasses import dataclass

from .erlang import queueing

# Above, what a queue adds depends on use too much for a correction.
_BUSIEST = 0.95
_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Tracking:
    """How fast the known demand follows what is measured, each a share of the difference a tick."""

    rising: float = 0.005
    falling: float = 0.10
    # One measurement counts as no more than so many times what is known.
    most: float = 2.0
    # A wait for one thing: this share of the time, and the whole so many times as long as usual.
    waits: float = 0.5
    slower: float = 1.5


def unloaded(residence: float, arrivals: float, servers: int, known: float | None) -> float:
    """Seconds that a request takes, from those that it stays. `known` is the demand so far, None in the beginning."""
    demand = residence if known is None else known
    for _ in range(_ROUNDS if known is None else 1):
        use = min(_BUSIEST, arrivals * demand / max(1, servers))
        demand = residence / (1.0 + queueing(max(1, servers), use))
    return demand


def is_slow_behind(measured: float, known: float | None, waits: float, tracking: Tracking) -> bool:
    """Whether requests take longer because of what they wait for, a share `waits` of their time."""
    return known is not None and waits >= tracking.waits and measured > tracking.slower * known


def follow(known: float | None, measured: float, tracking: Tracking) -> float:
    """The demand after a measurement."""
    if known is None:
        return measured
    difference = min(measured, tracking.most * known) - known
    return known + (tracking.rising if difference > 0 else tracking.falling) * difference
