"""How far the operator may go with a brokerage: what `spec.pause` and `spec.managementPolicy` mean. Pure but a gauge.

One notion for both: provisioners plan as ever, and here it is decided what of a plan may be applied and what is held.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from itertools import takewhile
from typing import Any

from prometheus_client import Gauge

from . import holds, tampering
from .conditions import Report, State
from .drift import Object
from .provisioner import Action, Plan

PAUSED = Gauge("rooftree_operator_paused", "Brokerages that the operator is held back from, by level.", ["level"])
# What a brokerage stands on, trusts and is protected by: kept up while nothing new is rolled out.
UPKEEP_KINDS = frozenset({"Namespace", "RoleBinding", "ConfigMap", "NetworkPolicy"})
# Reasons of waiting for the operator's own next step: where one of them is held, these do not go on either.
STEPS = frozenset({"Suspending", "Resuming", "Upgrading"})


class Reach(Enum):
    """How far."""

    ALL = "all"
    UPKEEP = "upkeep"
    LOOK = "look"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Hands:
    """`level` is the word in the spec that holds us back; `why` is said with everything that is held."""

    reach: Reach
    level: str | None = None
    why: str = ""

    @property
    def condition(self) -> str:
        return "Observed" if self.level == holds.OBSERVE else "Paused"

    def split(self, plan: Plan) -> tuple[Plan, tuple[Object | Action, ...]]:
        """What may be applied, and what is held: of actions all from the first held one on, as they build on it."""
        if self.reach is Reach.ALL:
            return plan, ()
        actions = tuple(takewhile(self._may_do, plan.actions))
        mine = replace(plan, objects=tuple(filter(self._may_apply, plan.objects)), actions=actions)
        rest = (action for action in plan.actions[len(actions) :] if not action.proof)
        return mine, (*(item for item in plan.objects if not self._may_apply(item)), *rest)

    def _may_apply(self, item: Object) -> bool:
        return self.reach is Reach.UPKEEP and item["kind"] in UPKEEP_KINDS

    def _may_do(self, action: Action) -> bool:
        return self.reach is Reach.UPKEEP and (action.upkeep or action.proof)

    def renews(self, item: Object, seen: Object | None) -> bool:
        """Whether an object that is held is applied all the same: pods that are to read renewed secrets."""
        return self.reach is Reach.UPKEEP and tampering.is_renewal(item, seen)

    def halted(self, report: Report) -> Report:
        """The report while something is held: what waits for a step of our own waits for whoever holds us back."""
        if report.state is not State.WAITING or report.reason not in STEPS:
            return report
        message = f"{self.why}. Until then it stays as it is: {report.message}"
        return replace(report, state=State.HELD, reason="ChangesHeld", message=message, retry_in=None)

    def reports(self, held: Iterable[str] = ()) -> tuple[Report, ...]:
        """The condition that is there only while we are held back."""
        if self.level is None:
            return ()
        what = "; ".join(held)
        message = f"{self.why}. Held now: {what}." if what else f"{self.why}."
        return (Report(self.condition, State.DONE, self.level, message),)


FREE = Hands(Reach.ALL)
WHY = {
    holds.EVERYTHING: "spec.pause is Everything: nothing is looked at, changed or deleted until it is removed",
    holds.CHANGES: "spec.pause is Changes: until it is removed nothing new is rolled out, "
    "and secrets, certificates, logins, rights and network policies are kept up",
    holds.OBSERVE: "spec.managementPolicy is Observe: nothing is changed until it is Manage",
}


def is_observed(brokerage: Object) -> bool:
    """Whether we only look at it, paused or not."""
    return brokerage["spec"].get("managementPolicy") == holds.OBSERVE


def of(brokerage: Object) -> Hands:
    """How far the spec lets us go; of a brokerage that never ran everything is new, so that `Changes` only looks."""
    level = holds.level(brokerage["spec"])
    if level is None:
        return FREE
    ran = bool(brokerage.get("status", {}).get("version"))
    upkeep = Reach.UPKEEP if ran else Reach.LOOK
    reach = {holds.EVERYTHING: Reach.NOTHING, holds.OBSERVE: Reach.LOOK, holds.CHANGES: upkeep}[level]
    return Hands(reach, level, WHY[level])


def held_by_plan(hands: Hands, refusal: str) -> Hands:
    """What is left while a plan does not fit and the former one is not known any more: nothing of it is applied."""
    return Hands(Reach.UPKEEP, None, f"the plan does not fit: {refusal}") if hands.reach is Reach.ALL else hands


class Census:
    """Counts who is held back, so that the gauge goes down again. A fact of this process, not of any tenant."""

    def __init__(self) -> None:
        self._levels: dict[str, str] = {}
        self._tell()

    def note(self, name: str, level: Any) -> None:
        """`level`: as in the spec; None: not held back, or gone."""
        self._levels.pop(name, None)
        if level is not None:
            self._levels[name] = level
        self._tell()

    def keep(self, names: Iterable[str]) -> None:
        """Only these are still there."""
        there = set(names)
        self._levels = {name: level for name, level in self._levels.items() if name in there}
        self._tell()

    def _tell(self) -> None:
        for level in holds.LEVELS:
            PAUSED.labels(level).set(sum(one == level for one in self._levels.values()))
