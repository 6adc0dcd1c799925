"""One fault under load: when it began, when the backend was back, when all was well; and what that says."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx2
import psycopg

from ..conftest import until
from .lines import NEEDS_DATABASE
from .load import show

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from .load import Answer, Load

ANSWER_SECONDS = 3.0
RECOVERY_SECONDS = 10.0
# So long is looked on, to know how long it takes instead of only that it takes too long.
PATIENCE_SECONDS = 90.0
CALM_SECONDS = 3.0
NEEDS: Mapping[str, frozenset[str]] = {"postgres": NEEDS_DATABASE}


@dataclass
class Trial:
    """Times by the monotonic clock, but `back_at`, which is Unix seconds as the database's clock tells them."""

    load: Load
    began: float = 0.0
    back: float = 0.0
    back_at: float = 0.0
    recovered: float = 0.0
    marks: dict[str, float] = field(default_factory=dict)
    """Seconds from `back` to when each part was well."""

    def begins(self) -> None:
        self.began = time.monotonic()

    def lasts(self, seconds: float) -> None:
        pause(self.began + seconds - time.monotonic())

    def is_back(self) -> None:
        self.back, self.back_at = time.monotonic(), time.time()

    def recovers(self, checks: Mapping[str, Callable[[], object]]) -> None:
        """Looks until everything is well; notes when each part was for the first time."""
        left = dict(checks)

        def look() -> list[str]:
            for name in [name for name, check in left.items() if _holds(check)]:
                self.marks[name] = round(time.monotonic() - self.back, 2)
                del left[name]
            return list(left)

        until("all is well again", look, seconds=PATIENCE_SECONDS, enough=lambda missing: not missing)
        self.recovered = time.monotonic()
        pause(CALM_SECONDS)


def pause(seconds: float) -> None:
    """Lets the load go on."""
    end = time.monotonic() + seconds
    until("the time to pass", lambda: time.monotonic() >= end, seconds=seconds + 5, every=0.05)


def _holds(check: Callable[[], object]) -> bool:
    try:
        return bool(check())
    except (psycopg.OperationalError, httpx2.HTTPError):
        return False  # what is asked is not there yet


@dataclass(frozen=True)
class Judgement:
    """What the answers say of a trial. `needed` is what was away."""

    answers: list[Answer]
    unneeded: list[Answer]
    improper: list[Answer]
    refused: int
    slowest: Answer
    last_bad: float

    @classmethod
    def of(cls, trial: Trial, component: str) -> Judgement:
        answers = [one for one in trial.load.answers if one.ended >= trial.began]
        needs = NEEDS.get(component, frozenset())
        bad = [one for one in answers if not one.is_good]
        needing = [one for one in bad if one.kind in needs]
        return cls(
            answers=answers,
            unneeded=[one for one in bad if one.kind not in needs],
            improper=[one for one in needing if not one.is_proper],
            refused=sum(one.is_proper for one in needing),
            slowest=max(answers, key=lambda one: one.seconds),
            last_bad=max((one.ended for one in bad), default=0.0),
        )

    def figures(self, trial: Trial) -> dict[str, Any]:
        recovery = max(trial.recovered, self.last_bad) - trial.back
        return {
            "requests": len(self.answers),
            "unneeded_errors": len(self.unneeded),
            "unneeded_kinds": dict(Counter(f"{one.kind} {one.status}" for one in self.unneeded)),
            "refused": self.refused,
            "improper_errors": len(self.improper),
            "slowest_seconds": round(self.slowest.seconds, 2),
            "slowest_kind": self.slowest.kind,
            "answer_budget": ANSWER_SECONDS,
            "recovery_seconds": round(recovery, 2),
            "recovery_budget": RECOVERY_SECONDS,
            "recovery_parts": trial.marks,
        }


def all_good(answers: Iterable[Answer]) -> None:
    bad = [one for one in answers if not one.is_good]
    assert not bad, f"{Counter(one.kind for one in bad)}: {show(bad)}"
