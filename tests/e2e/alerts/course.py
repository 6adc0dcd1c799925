"""Makes the faults, tracks side by side, and waits for what they make fire. One that cannot be made harms no other."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .table import Chosen, Fault
    from .watch import Seen, Watch
    from .world import World

# A machine on which a dozen faults are made is late.
SLACK = 300.0


@dataclass(frozen=True)
class Result:
    """What became of an alert: `seen`, when it fired; or `problem`, why it did not. `began`: Unix seconds."""

    fault: str
    began: float
    seen: Seen | None = None
    problem: str = ""


@dataclass
class Course:
    """`waits`: of each alert how long its expression must be true. Times are those of `clock`."""

    world: World
    watch: Watch
    waits: Mapping[str, float]
    clock: Callable[[], float] = time.time
    pause: Callable[[float], None] = time.sleep
    slack: float = SLACK
    results: dict[str, Result] = field(default_factory=dict)
    unended: list[str] = field(default_factory=list)
    """Faults that could not be taken back, with what went wrong."""

    def run(self, chosen: Chosen) -> None:
        """All of them; returns when none lasts any more."""
        with ThreadPoolExecutor(max(1, len(chosen.tracks))) as threads:
            for track in [threads.submit(self._track, track) for track in chosen.tracks]:
                track.result()
        self._track(chosen.last)

    def _track(self, faults: tuple[Fault, ...]) -> None:
        for fault in faults:
            self._make(fault)

    def _make(self, fault: Fault) -> None:
        began, stack = self.clock(), ExitStack()
        try:
            labels = stack.enter_context(fault.cause(self.world))
            assert labels.keys() == fault.alerts.keys(), f"{fault.what}: {labels.keys()}"
            self._await(fault, labels, began)
        except (Exception, pytest.fail.Exception) as problem:
            words = f"the fault could not be made: {type(problem).__name__}: {problem}"
            lacking = [alert for alert in fault.alerts if alert not in self.results]
            self.results |= {alert: Result(fault.what, began, problem=words) for alert in lacking}
        try:
            stack.close()
        except (Exception, pytest.fail.Exception) as problem:
            self.unended.append(f"{fault.what}: {type(problem).__name__}: {problem}")

    def _await(self, fault: Fault, labels: Mapping[str, Mapping[str, str]], began: float) -> None:
        """Until all have fired, or none that is left can be hoped for."""
        while left := [alert for alert in fault.alerts if alert not in self.results]:
            for alert in left:
                late = self.clock() - began - fault.alerts[alert] - self.waits[alert] > self.slack
                if seen := self.watch.fired(alert, labels[alert], began):
                    self.results[alert] = Result(fault.what, began, seen)
                elif late:
                    passed = f"{self.clock() - began:.0f} s after the fault began"
                    problem = (
                        f"with {dict(labels[alert])} it did not fire within {passed}: it {self.watch.state(alert)}"
                    )
                    self.results[alert] = Result(fault.what, began, problem=problem)
            self.pause(1.0)
