"""Watches how each brokerage is used, tick by tick, and wishes it to sleep or to be awake. In memory, no I/O.

What was before this process began nobody knows: so that counts as use, and habits are learned anew.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from ..sleeping import Wish, Wishes
from . import idle
from .idle import LEAD, STALE, Decision, Habits, Use, decide
from .signals import Measured


@dataclass(frozen=True)
class Tick:
    """What one tick tells of a brokerage at `now` (Unix seconds).

    `arrivals`: requests a second, lately; `age`: of these figures, in seconds, endless where there are none. `due`,
    `awake_since`, `allowed`, `unknown`: as in `Use`.
    """

    now: float
    allowed: bool
    is_asleep: bool
    awake_since: float
    arrivals: float = 0.0
    in_flight: int = 0
    due: float | None = None
    age: float = 0.0
    unknown: float = idle.UNKNOWN


@dataclass(frozen=True)
class _Known:
    """`since`: when it was first looked at."""

    since: float
    last: float | None = None
    habits: Habits = field(default_factory=Habits)


class Idleness:
    """Of all brokerages, by their names."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}

    def look(self, name: str, tick: Tick) -> Decision:
        """Takes a tick; whether it shall sleep."""
        known = self._known.get(name) or _Known(tick.now)
        if tick.age <= STALE and (tick.arrivals > 0 or tick.in_flight > 0):
            pause = 0.0 if known.last is None else tick.now - known.last
            known = replace(known, last=tick.now, habits=known.habits.after(pause))
        self._known[name] = known
        use = Use(
            now=tick.now,
            allowed=tick.allowed,
            is_asleep=tick.is_asleep,
            awake_since=max(tick.awake_since, known.since),
            last=known.last,
            in_flight=tick.in_flight,
            due=tick.due,
            age=tick.age,
            unknown=tick.unknown,
        )
        return decide(use, known.habits)

    def keep(self, names: Collection[str]) -> None:
        """Forgets all others, which are there no more."""
        self._known = {name: known for name, known in self._known.items() if name in names}


@dataclass(frozen=True)
class Load:
    """What is measured of a brokerage, as in `Tick`; without anything, that nothing is known."""

    arrivals: float = 0.0
    in_flight: int = 0
    due: float | None = None
    age: float = math.inf


UNKNOWN = Load()


def load(measured: Collection[Measured]) -> Load:
    """Of one brokerage, of what is measured of each of its Deployments: what one does not tell of is not known."""
    values = [one.values for one in measured]
    if any("age" not in one for one in values):
        return UNKNOWN
    dues = [one["due"] for one in values if "due" in one]
    return Load(
        arrivals=sum(one.get("arrivals", 0.0) for one in values),
        in_flight=round(sum(one.get("in_flight", 0.0) + one.get("streams", 0.0) for one in values)),
        # Each has jobs of its own.
        due=min(dues, default=None) if len(dues) == len(values) else None,
        age=max((one["age"] for one in values), default=math.inf),
    )


class Watch:
    """Of all brokerages that passes have looked at; what they wait for is told to `wishes`."""

    def __init__(self, wishes: Wishes) -> None:
        self._wishes = wishes
        self._idleness = Idleness()

    def tick(self, loads: Mapping[str, Load], now: float) -> list[str]:
        """The names of those of which something else is wished than before: they are to be looked at.

        `loads`: by name; `now`: Unix seconds.
        """
        standings = self._wishes.standings()
        changed = list[str]()
        for name, one in standings.items():
            load = loads.get(name, UNKNOWN)
            tick = Tick(
                now=now,
                allowed=one.may_sleep,
                is_asleep=one.is_asleep,
                awake_since=one.awake_since,
                arrivals=load.arrivals,
                in_flight=load.in_flight,
                # Who has no pods tells nothing: what was known when they went is in the status.
                due=one.wakes_at + LEAD if one.is_asleep else load.due,
                age=load.age,
                unknown=one.after,
            )
            decision = self._idleness.look(name, tick)
            if self._wishes.tell(name, Wish(decision.sleeps, decision.message, decision.until)):
                changed.append(name)
        self._idleness.keep(standings)
        return changed
