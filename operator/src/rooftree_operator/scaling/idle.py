"""When a brokerage that nobody uses may sleep, and when it is woken before anybody asks. Pure; times are Unix seconds.

How long one stays awake after its last request is its own: so long that 99 of 100 of its pauses would have been
bridged. Only pauses that can be bridged count, `LONGEST` at most: that somebody comes back in the morning is no reason
to stay awake the night. Requests that follow each other within `VISIT` are one visit, or thousands of a busy hour would
say that nobody ever pauses. Habits change, so old pauses count less.

Whoever comes at regular times, as a program that asks each hour, finds it awake: it is woken just before. So it is for
the app's own jobs. Without fresh figures, or without knowing when the next job is due, nobody is put to sleep.
"""

import math
from bisect import bisect_left
from dataclasses import dataclass, replace
from statistics import median

SHORTEST, LONGEST = 60.0, 1200.0  # seconds without a request, at least and at most, before it sleeps
UNKNOWN = 600.0  # the same of one whose habits are not known yet, unless its plan says another
ENOUGH = 20  # pauses from which on its habits are known
BRIDGED = 0.99  # of the pauses that can be bridged
VISIT = 30.0  # seconds between requests of one visit, at most
FADE = 1000  # pauses after which all that is known counts half
STEPS = 24  # of the histogram between the shortest and the longest
EDGES = tuple(SHORTEST * (LONGEST / SHORTEST) ** (step / STEPS) for step in range(STEPS + 1))

REGULAR = 4  # long pauses in a row that have to be alike
KEPT = 8  # long pauses that are kept
ALIKE = 0.05  # how far they may be from their median, as a share of it
LEAD = 15.0  # seconds before it is needed that it is woken: a start, and what a busy node adds
WORTH = 180.0  # seconds that it must sleep, to be worth the start
STALE = 6.0  # seconds: figures older than three ticks tell of no quiet


@dataclass(frozen=True)
class Habits:
    """Its pauses. `counts`: those up to each of `EDGES`; `long`: the last ones that nothing bridges, in seconds."""

    counts: tuple[int, ...] = (0,) * len(EDGES)
    long: tuple[float, ...] = ()

    def after(self, pause: float) -> "Habits":
        """With one more, in seconds between two requests."""
        if pause < VISIT:
            return self
        if pause > LONGEST:
            return replace(self, long=(*self.long, pause)[-KEPT:])
        counts = list(self.counts)
        counts[bisect_left(EDGES, pause * (1 - 1e-9))] += 1
        return replace(self, counts=tuple(count // 2 for count in counts) if sum(counts) > FADE else tuple(counts))

    @property
    def window(self) -> float | None:
        """Seconds that it stays awake after a request; None: too little is known."""
        total = sum(self.counts)
        if total < ENOUGH:
            return None
        bridged = 0
        for edge, count in zip(EDGES, self.counts, strict=True):
            bridged += count
            if bridged >= math.ceil(BRIDGED * total):
                return edge
        return LONGEST

    def next(self, last: float) -> float | None:
        """When the next request comes after the one at `last`, if it comes at regular times."""
        recent = self.long[-REGULAR:]
        if len(recent) < REGULAR:
            return None
        usual = median(recent)
        return last + usual if all(abs(pause - usual) <= ALIKE * usual for pause in recent) else None


@dataclass(frozen=True)
class Use:
    """What is known of one at `now`. `age`: of the figures, in seconds. `in_flight`: requests that are under way, also
    streams of events: a page holds one as long as somebody is about, and would come back at once if it were cut off.

    `last`: its last request; `awake_since`: when its pods came, as far as they are there. `due`: when its app's next
    job is, infinity if it has none, None if that is not known. `allowed`: whether plan and brokerage let it sleep;
    `unknown`: seconds that it stays awake as long as its habits are not known.
    """

    now: float
    allowed: bool
    is_asleep: bool
    awake_since: float
    last: float | None = None
    in_flight: int = 0
    due: float | None = None
    age: float = 0.0
    unknown: float = UNKNOWN


@dataclass(frozen=True)
class Decision:
    """Whether it shall sleep, and why. `until`: when that may change though nothing happens: it is woken then."""

    sleeps: bool
    reason: str
    message: str
    until: float | None = None


def decide(use: Use, habits: Habits) -> Decision:
    """Whether it shall sleep now."""
    if not use.allowed:
        return Decision(False, "NotAllowed", "its plan or the brokerage itself lets it stay awake")
    return _asleep(use, habits) if use.is_asleep else _awake(use, habits)


def _asleep(use: Use, habits: Habits) -> Decision:
    wanted = _wanted(use, habits)
    if wanted is None:
        return Decision(True, "Asleep", "nobody is expected before somebody comes")
    at, reason, what = wanted
    if use.now >= at - LEAD:
        return Decision(False, reason, what)
    return Decision(True, "Asleep", what, at - LEAD)


def _awake(use: Use, habits: Habits) -> Decision:
    if use.age > STALE:
        return Decision(False, "FiguresMissing", f"the newest figures are {use.age:.0f} s old")
    if use.in_flight:
        return Decision(False, "InUse", f"{use.in_flight} requests are under way")
    used, window = max(use.awake_since, use.last or use.awake_since), habits.window or use.unknown
    if use.now < used + window:
        quiet = f"nobody has used it for {use.now - used:.0f} s; it stays awake for {window:.0f} s"
        return Decision(False, "RecentlyUsed", quiet, used + window)
    if use.due is None:
        return Decision(False, "DueUnknown", "its app does not tell when its next job is due")
    wanted = _wanted(use, habits)
    if wanted is not None and wanted[0] - LEAD - use.now < WORTH:
        return Decision(False, wanted[1], wanted[2], wanted[0])
    quiet = f"nobody has used it for {use.now - used:.0f} s, {window:.0f} s are enough"
    return Decision(True, "Idle", quiet, None if wanted is None else wanted[0] - LEAD)


def _wanted(use: Use, habits: Habits) -> tuple[float, str, str] | None:
    """When it has to be awake next, as far as anybody knows, and for whom."""
    known = list[tuple[float, str, str]]()
    if use.due is not None and use.due < math.inf:
        known.append((use.due, "JobDue", f"its next job is due in {use.due - use.now:.0f} s"))
    expected = None if use.last is None else habits.next(use.last)
    # One that did not come is expected no more: it would keep it awake for ever.
    if expected is not None and use.now <= expected + ALIKE * (expected - (use.last or 0.0)):
        known.append((expected, "Expected", f"the next request is usual in {expected - use.now:.0f} s"))
    return min(known, default=None)
