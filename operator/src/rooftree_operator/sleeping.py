"""How a brokerage falls asleep and wakes, stage by stage. Pure.

1. *FallingAsleep*: its route leads to the activator, its pods go on. If anybody comes by then, it stays awake.
2. *Asleep*, from when the edge has accepted that: no pods. Whoever gives `app` one wakes it: the activator when
   somebody asks, the operator when a job is due or a regular visit is expected, an admin by hand.
3. *Waking*: all Deployments get their least number of pods; the route leads to the activator until the app answers.

The stage is in the status, so that another operator goes on with it. That a pod is there although it is asleep can only
mean that it was woken: nothing else gives it one. So the last step towards sleep and the word `Asleep` are one pass; a
crash between the two puts it to sleep once more, and whoever waits is served a little later.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from .conditions import stamp

FIELD = "sleep"  # of a Brokerage's status
LATE = 120.0  # seconds after which nobody waits for a start any more: what keeps its pods away is to be told


class Stage(StrEnum):
    """Where between awake and asleep; awake has none."""

    FALLING = "FallingAsleep"
    ASLEEP = "Asleep"
    WAKING = "Waking"


@dataclass(frozen=True)
class Wish:
    """Whether it shall sleep, as the figures say, and why. `until`: when it has to be awake, in Unix seconds."""

    sleeps: bool
    message: str
    until: float | None = None


@dataclass(frozen=True)
class Sleep:
    """What the status tells. `since`: when the stage began; `wakes_at`: when it has to be awake, if so; RFC 3339.

    `is_late`: it should be awake by now, which the status does not tell.
    """

    stage: Stage
    since: str
    message: str
    wakes_at: str = ""
    is_late: bool = False

    def as_status(self) -> dict[str, str]:
        told = {"state": self.stage.value, "since": self.since, "message": self.message}
        return {**told, "wakesAt": self.wakes_at} if self.wakes_at else told


def known(status: Mapping[str, Any]) -> Sleep | None:
    """What a Brokerage's status says; None: it is awake."""
    told = status.get(FIELD)
    if not told:
        return None
    return Sleep(Stage(told["state"]), told["since"], told.get("message", ""), told.get("wakesAt", ""))


def going_on(
    before: Sleep | None, wish: Wish | None, *, may: bool, is_settled: bool, pods: int, now: str
) -> Sleep | None:
    """What a pass works towards; None: it is awake, and nothing has to be done for that.

    `wish`: None if nobody knows. `may`: plan and brokerage let it sleep. `is_settled`: it is what it declares, so that
    no pods are needed to find that out. `pods`: what the Deployment `app` declares. `now`: RFC 3339.
    """
    wants = may and wish is not None and wish.sleeps
    if before is None:
        return _quiet(Stage.FALLING, wish, now) if wants and is_settled and pods else None
    match before.stage:
        case Stage.FALLING if wants:
            return before if pods else _quiet(Stage.ASLEEP, wish, now)
        case Stage.ASLEEP if may and not pods and (wish is None or wish.sleeps):
            return before
        case Stage.WAKING:
            return before
        case _:
            return Sleep(Stage.WAKING, now, _woken(wish, may=may, pods=pods))


def timed(sleep: Sleep | None, now: datetime) -> Sleep | None:
    """With whether it is late."""
    if sleep is None or sleep.stage is not Stage.WAKING:
        return sleep
    return replace(sleep, is_late=(now - datetime.fromisoformat(sleep.since)).total_seconds() > LATE)


def _quiet(stage: Stage, wish: Wish | None, now: str) -> Sleep:
    until = None if wish is None else wish.until
    wakes_at = "" if until is None else stamp(datetime.fromtimestamp(until, UTC))
    return Sleep(stage, now, wish.message if wish else "", wakes_at)


def _woken(wish: Wish | None, *, may: bool, pods: int) -> str:
    if not may:
        return "it may not sleep any more"
    if wish is not None and not wish.sleeps:
        return wish.message
    return "somebody has come" if pods else "nobody knows how much it is used"


@dataclass(frozen=True)
class Standing:
    """What the last pass over one found. `may_sleep`: as plan and brokerage say; `after`: seconds without a request, as
    long as its habits are not known.

    `awake_since`, `wakes_at`: Unix seconds; the latter infinite if it has to be awake for nothing that is known.
    """

    may_sleep: bool
    after: float
    is_asleep: bool
    awake_since: float
    wakes_at: float = math.inf


class Wishes:
    """Between passes and the figures: how each brokerage stands, and whether it shall sleep, by its name.

    In memory: another process lets those sleep that do, and knows of the others when it has watched them for a while.
    """

    def __init__(self) -> None:
        self._told: dict[str, Wish] = {}
        self._standings: dict[str, Standing] = {}

    def of(self, name: str) -> Wish | None:
        return self._told.get(name)

    def tell(self, name: str, wish: Wish | None) -> bool:
        """Takes what the figures say now; whether that is another wish, so that the brokerage is to be looked at."""
        before = self._told.pop(name, None)
        if wish is not None:
            self._told[name] = wish
        return (before is not None and before.sleeps) != (wish is not None and wish.sleeps)

    def note(self, name: str, sleep: Sleep | None, *, may: bool, after: float, now: float) -> None:
        """Takes how a pass leaves it; `may`, `after`: as in `Standing`."""
        before, is_asleep = self._standings.get(name), sleep is not None and sleep.stage is Stage.ASLEEP
        # Who is resumed has just come, as who was woken.
        is_new = before is None or (before.is_asleep and not is_asleep) or (may and not before.may_sleep)
        since = now if is_new or before is None else before.awake_since
        told = sleep.wakes_at if sleep is not None else ""
        wakes_at = datetime.fromisoformat(told).timestamp() if told else math.inf
        self._standings[name] = Standing(may, after, is_asleep, since, wakes_at)

    def forget(self, name: str) -> None:
        """It is not here any more."""
        self._told.pop(name, None)
        self._standings.pop(name, None)

    def standings(self) -> dict[str, Standing]:
        return dict(self._standings)
