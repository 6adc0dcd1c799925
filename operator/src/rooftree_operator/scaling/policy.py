"""How many replicas one workload shall have now, and why. Pure: a decision of what was measured and what was decided.

Requests that arrive and what one takes give the busy servers; Erlang's formula gives the replicas that keep the
objective for all but a small share of requests. Measured concurrency is no part of it: it grows with the queue, and who
sizes by it runs away at saturation. Up at once; down to the most that was wanted within a window; nothing changes on
data that is missing or old, and never down because nothing ends: a tenant that hangs is not idle. Sleep (no replica) is
not decided here, nor is waking up.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import ceil, inf, sqrt

from . import erlang
from .demand import Tracking, follow, is_slow_behind, unloaded


class Reason(StrEnum):
    """What decided; the values are labels of metrics."""

    LOAD = "load"
    RISE = "rise"
    BACKLOG = "backlog"
    WINDOW = "window"
    IN_FLIGHT = "in_flight"
    BOTTLENECK = "bottleneck"
    FLOOR = "floor"
    CEILING = "ceiling"
    CELL = "cell"
    MISSING = "missing"
    PARTIAL = "partial"
    STALE = "stale"
    ASLEEP = "asleep"


HELD = frozenset(
    {
        Reason.WINDOW,
        Reason.IN_FLIGHT,
        Reason.BOTTLENECK,
        Reason.MISSING,
        Reason.PARTIAL,
        Reason.STALE,
        Reason.ASLEEP,
        Reason.CEILING,
        Reason.CELL,
    }
)


@dataclass(frozen=True, slots=True)
class Settings:
    """The same for all workloads; seconds, requests a second, shares of 1."""

    # Of requests that may take longer than the objective, by the formula.
    budget: float = 0.01
    utilisation: float = 0.98
    # Older data than this decides nothing: three ticks.
    stale: float = 6.0
    # A rise: the last seconds are above the mean by so many deviations of their own mean.
    rise: float = 2.0
    recent: float = 3.0
    # Requests that wait are worked off within this time.
    drain: float = 5.0
    # How many deviations of a second's count are added to the arrivals. It grows when requests wait longer than the
    # objective and shrinks while they do not, so that `misses` of the looks find it so.
    margin: float = 1.0
    most_margin: float = 4.0
    step: float = 0.1
    misses: float = 0.0075
    # How fast the deviation that the margin is of follows the measured one, a share of the difference a tick.
    smoothing: float = 0.03
    # Fewer are wanted for so long before some go.
    window: float = 60.0
    tracking: Tracking = field(default_factory=Tracking)


@dataclass(frozen=True, slots=True)
class Limits:
    """What the plan says, and what a replica is."""

    objective: float  # seconds
    floor: int = 1
    ceiling: int = 1
    slots: int = 1  # requests that a replica works on at a time without getting slower


@dataclass(frozen=True, slots=True)
class Signals:
    """What was measured of a workload; None where nothing is known."""

    replicas: int  # declared now
    ready: int
    age: float = 0.0  # seconds of the newest sample
    arrivals: float | None = None  # requests a second, mean of 20 s
    recent: float | None = None  # the same of the last 3 s
    deviation: float = 0.0  # of the counts of single seconds
    in_flight: float | None = None
    residence: float | None = None  # seconds that a request stays
    measured: int | None = None  # replicas that the sums are of; None: all that are ready
    waits: float = 0.0  # share of them that is waited for `waits_for`
    waits_for: str = "database"


@dataclass(frozen=True, slots=True)
class State:
    """What the next decision needs of those before. A new release of the app begins with none of it."""

    demand: float | None = None
    margin: float | None = None
    deviation: float | None = None
    # Counts that were wanted, with their times, each fewer than the one before it.
    wanted: tuple[tuple[float, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """Replicas, and the numbers that led to them."""

    replicas: int
    reason: Reason
    signals: Signals
    limits: Limits
    sized: int = 0  # by the formula
    load: float = 0.0  # requests a second that it was sized for
    demand: float = 0.0  # seconds
    margin: float = 0.0

    @property
    def is_held(self) -> bool:
        """Whether something else than the load decided."""
        return self.reason in HELD

    def why(self) -> str:
        """For people: "why 4"."""
        return f"{self.replicas}: {_told(self)}"


def decide(
    signals: Signals, limits: Limits, state: State, now: float, settings: Settings | None = None
) -> tuple[Decision, State]:
    """The decision at `now`, in seconds of any clock that only goes forward, and what the next one needs."""
    settings = settings or Settings()
    if (held := _unknown(signals, state, settings)) is not None:
        # What is there now counts as wanted: the window begins anew when there is data again.
        count = 0 if held is Reason.ASLEEP else _bounded(signals.replicas, limits)
        kept = replace(state, wanted=_recorded(state.wanted, now, signals.replicas, settings.window))
        return Decision(count, held, signals, limits), kept
    demand, slow = _demand(signals, limits, state, settings)
    margin = _margin(signals, limits, state, demand, settings, slow=slow)
    deviation = _deviation(signals, state, settings)
    load, cause = _load(signals, demand, margin * deviation, settings, slow=slow)
    sized = _sized(load, demand, limits, settings)
    wanted = _recorded(state.wanted or ((now, signals.replicas),), now, sized, settings.window)
    count, reason = _settled(sized, cause, wanted[0][1], signals, limits)
    decision = Decision(count, reason, signals, limits, sized, load, demand, margin)
    return decision, State(demand or state.demand, margin, deviation, wanted)


def _unknown(signals: Signals, state: State, settings: Settings) -> Reason | None:
    """Why nothing can be decided."""
    if signals.replicas == 0:
        return Reason.ASLEEP
    if signals.arrivals is None or signals.in_flight is None:
        return Reason.MISSING
    if signals.age > settings.stale:
        return Reason.STALE
    knows_demand = state.demand is not None or signals.residence is not None
    return None if knows_demand or (signals.arrivals == 0.0 and signals.in_flight == 0.0) else Reason.MISSING


def _demand(signals: Signals, limits: Limits, state: State, settings: Settings) -> tuple[float, bool]:
    """Seconds that a request takes, and whether what is behind the replicas is slow: more of them do not help."""
    if signals.residence is None:
        # Requests that are there and do not end wait for something.
        return state.demand or 0.0, bool(signals.in_flight)
    servers = max(1, signals.ready) * limits.slots
    measured = unloaded(signals.residence, signals.arrivals or 0.0, servers, state.demand)
    if state.demand is not None and is_slow_behind(measured, state.demand, signals.waits, settings.tracking):
        return state.demand, True
    return follow(state.demand, measured, settings.tracking), False


def _queue(signals: Signals, demand: float) -> float:
    """Requests that wait: those in flight that are not being served."""
    return max(0.0, (signals.in_flight or 0.0) - (signals.arrivals or 0.0) * demand)


def _margin(signals: Signals, limits: Limits, state: State, demand: float, settings: Settings, *, slow: bool) -> float:
    """Deviations to add: more after a look at which requests wait too long, a little less after any other."""
    margin = settings.margin if state.margin is None else state.margin
    if slow:
        return margin
    wait = _queue(signals, demand) * demand / (max(1, signals.ready) * limits.slots)
    # Where service alone takes too long, no margin helps; a wait as long as that is still one too many.
    if wait > max(limits.objective - demand, demand):
        return min(settings.most_margin, margin + settings.step)
    return max(0.0, margin - settings.step * settings.misses / (1.0 - settings.misses))


def _measured(signals: Signals) -> float:
    """Deviation of a second's count now, at least that of a Poisson process."""
    return max(signals.deviation, sqrt(signals.arrivals or 0.0))


def _deviation(signals: Signals, state: State, settings: Settings) -> float:
    """The same, of some minutes: a calm moment in restless ones is no reason for fewer replicas."""
    measured = _measured(signals)
    return measured if state.deviation is None else state.deviation + settings.smoothing * (measured - state.deviation)


def _load(signals: Signals, demand: float, added: float, settings: Settings, *, slow: bool) -> tuple[float, Reason]:
    """Requests a second to be ready for, and what they are beside the mean and what is added to it."""
    arrivals, recent = signals.arrivals or 0.0, signals.recent or 0.0
    load, cause = arrivals + added, Reason.LOAD
    if recent > arrivals + settings.rise * _measured(signals) / sqrt(settings.recent) and recent > load:
        load, cause = recent, Reason.RISE
    if slow:
        return load, Reason.BOTTLENECK
    queue = _queue(signals, demand)
    # A queue as long as one of Poisson's accidents is in the formula, too.
    if queue > sqrt(arrivals * demand) + 1.0:
        return load + queue / settings.drain, Reason.BACKLOG
    return load, cause


def _sized(load: float, demand: float, limits: Limits, settings: Settings) -> int:
    """Replicas for so many requests a second; one more than the ceiling says that the ceiling does not suffice."""
    servers = erlang.servers_for(
        load * demand,
        limits.objective / demand if demand else inf,
        budget=settings.budget,
        utilisation=settings.utilisation,
        most=limits.ceiling * limits.slots + 1,
    )
    return ceil(servers / limits.slots)


def _recorded(
    wanted: tuple[tuple[float, int], ...], now: float, count: int, window: float
) -> tuple[tuple[float, int], ...]:
    """The falling counts of the window, the new one last; the first is the most that was wanted."""
    return (*((at, one) for at, one in wanted if at > now - window and one > count), (now, count))


def _bounded(count: int, limits: Limits) -> int:
    return max(limits.floor, 1, min(count, limits.ceiling))


def _settled(sized: int, cause: Reason, most: int, signals: Signals, limits: Limits) -> tuple[int, Reason]:
    """After the window, what is in flight, and the plan's bounds."""
    count, reason = sized, cause
    if most > sized and signals.replicas > sized:
        count, reason = min(most, signals.replicas), Reason.WINDOW
    carried = min(signals.replicas, ceil((signals.in_flight or 0.0) / limits.slots))
    if cause is Reason.BOTTLENECK:
        count, reason = max(count, signals.replicas), cause
    elif signals.measured is not None and signals.measured < signals.ready and signals.replicas > count:
        # A pod that does not answer is not in the sums; it may be the one that has all the work.
        count, reason = signals.replicas, Reason.PARTIAL
    elif carried > count:
        count, reason = carried, Reason.IN_FLIGHT
    bounded = _bounded(count, limits)
    if bounded != count:
        reason = Reason.FLOOR if bounded > count else Reason.CEILING
    return bounded, reason


def _told(made: Decision) -> str:
    signals, limits = made.signals, made.limits
    if made.reason is Reason.ASLEEP:
        return "asleep; the first request wakes it up"
    if made.reason is Reason.MISSING:
        return "held, as there is no measurement"
    if made.reason is Reason.STALE:
        return f"held, as the newest measurement is {signals.age:.0f} s old"
    load = f"{signals.arrivals or 0.0:.1f} requests/s x {made.demand * 1000:.0f} ms"
    count = min(made.sized, limits.ceiling)
    share = 1.0 - erlang.over(count * limits.slots, made.load * made.demand, _patience(made))
    sized = f"{load}, sized for {made.load:.1f}/s: {count} keep {share:.1%} within {limits.objective * 1000:.0f} ms"
    added = {
        Reason.LOAD: "",
        Reason.RISE: f"; the last seconds had {signals.recent or 0.0:.1f}/s",
        Reason.BACKLOG: f"; {signals.in_flight or 0.0:.0f} requests are in flight",
        Reason.WINDOW: "; more were wanted a moment ago",
        Reason.IN_FLIGHT: f"; {signals.in_flight or 0.0:.0f} requests are in flight, which is not idle",
        Reason.BOTTLENECK: f"; {_waited(signals)}: more replicas do not help",
        Reason.PARTIAL: f"; only {signals.measured} of {signals.ready} ready replicas answer, so none is taken away",
        Reason.FLOOR: f"; the plan's fewest are {limits.floor}",
        Reason.CEILING: f"; the plan's most are {limits.ceiling}",
        Reason.CELL: "; the cell is full, and the others' requests would be later",
    }
    return sized + added[made.reason]


def _waited(signals: Signals) -> str:
    if signals.residence is None:
        return f"{signals.in_flight or 0.0:.0f} requests are in flight and none ends"
    return f"{signals.waits:.0%} of {signals.residence:.2f} s are waited for the {signals.waits_for}"


def _patience(made: Decision) -> float:
    return made.limits.objective / made.demand if made.demand else inf
