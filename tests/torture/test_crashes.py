"""The operator dies at every effect of a brokerage's life, and the brokerage is as if nothing had been: `make torture`.

`TORTURE_POINTS` says how many crash points of those that there are (0: all), `TORTURE_SEED` which; `TORTURE_POINT`
names a single one, as a trial's line tells it, to try it again.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rooftree_operator.adapters.kubernetes import Kubernetes

from ..e2e.conftest import Kubectl
from .crash_points import LIVES, Point, next_life, points, sample, sure
from .drills import Operators, environment, stood_down
from .lives import LARGE, PLANS, SMALL, Learnt, Life, NotDone, clear, disturb, learn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

pytestmark = [pytest.mark.torture, pytest.mark.timeout(6 * 3600)]

WHOLE_POINTS = 300
MOST_FAILURES = 10
# Together these have every stage.
LEARNT_FROM = ("whole", "purged", "rotated", "restored")
HARM = ("orphans", "missing", "duplicates", "repeated")


class Torture:
    """A run: what was learnt, what is left to try, what came of it."""

    def __init__(self, kube: Kubernetes, operators: Operators, note: Callable[..., None]) -> None:
        self._kube, self._operators, self._note = kube, operators, note
        self.learnt: dict[str, Learnt] = {}
        self.trials: list[dict[str, Any]] = []

    async def learn(self) -> None:
        for name in LEARNT_FROM:
            life = Life(self._kube)
            for stage in LIVES[name]:
                found = await learn(self._operators, life, stage)
                self.learnt.setdefault(stage, found)
                self._note("learnt", stage=stage, effects=dict(sorted(found.trace.sent.items())))

    async def run(self, pending: Mapping[str, list[Point]]) -> None:
        """Lives, one after the other, until every point was tried."""
        while (name := next_life(pending)) is not None and self.failures < MOST_FAILURES:
            life = Life(self._kube)
            for stage in LIVES[name]:
                point = pending[stage].pop() if pending.get(stage) else None
                if not await self._trial(life, stage, point):
                    await clear(self._operators, life)
                    break

    async def _trial(self, life: Life, stage: str, point: Point | None) -> bool:
        """Whether the life can go on."""
        facts: dict[str, Any] = {"point": str(point) if point else None, "stage": stage, "tenant": life.tenant}
        try:
            outcome = await disturb(self._operators, life, stage, point, self.learnt[stage])
        except NotDone as problem:
            facts |= {"struck": point is not None, "problem": str(problem)}
        else:
            harm = {name: list(getattr(outcome.verdict, name)) for name in HARM[:3]} | {
                "repeated": list(outcome.repeated)
            }
            facts |= {"struck": outcome.struck, "seconds": round(outcome.seconds, 2), "effects": outcome.sent, **harm}
        self.trials.append(facts)
        self._note("crash", **facts)
        return not is_failed(facts)

    @property
    def failures(self) -> int:
        return sum(map(is_failed, self.trials))


def is_failed(trial: Mapping[str, Any]) -> bool:
    return "problem" in trial or any(trial[name] for name in HARM)


@pytest.fixture
async def torture(note: Callable[..., None], raw: Path) -> AsyncIterator[Torture]:
    kubectl = Kubectl()
    kubectl.apply(*PLANS)
    async with AsyncExitStack() as stack:
        stack.callback(kubectl.run, "delete", "brokerageplans", SMALL, LARGE, code=None)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        settings = environment(kubectl, folder)
        stack.enter_context(stood_down(kubectl))
        operators = stack.enter_context(Operators(settings, raw.with_suffix(".operator.log"), folder))
        kube = await stack.enter_async_context(await Kubernetes.connect())
        yield Torture(kube, operators, note)


async def test_a_crash_anywhere_in_a_life_does_no_harm(torture: Torture, figure: Callable[..., None]) -> None:
    count, seed = int(os.environ.get("TORTURE_POINTS") or 12), int(os.environ.get("TORTURE_SEED") or 1)
    await torture.learn()
    every = points({stage: found.trace.sent for stage, found in torture.learnt.items()})
    single = os.environ.get("TORTURE_POINT")
    among = sure(every) if 0 < count < WHOLE_POINTS else every
    chosen = [Point.parse(single)] if single else sample(among, count, seed)
    await torture.run({stage: [point for point in chosen if point.stage == stage] for stage in torture.learnt})
    tell(torture.trials, figure, seed=seed, of=len(every))
    struck = sum(trial["struck"] for trial in torture.trials)
    assert [trial for trial in torture.trials if is_failed(trial)] == []
    assert struck >= min(len(chosen) * 0.9, WHOLE_POINTS), "too many points were never reached"


def tell(trials: list[dict[str, Any]], figure: Callable[..., None], **facts: Any) -> None:
    """The figures, of the trials' lines alone."""
    aimed = [trial for trial in trials if trial["point"]]
    struck = [trial for trial in aimed if trial["struck"]]
    seconds = sorted(trial["seconds"] for trial in struck if "seconds" in trial)
    figure("crash_points", len(struck), unit="1", n=len(aimed), unreached=len(aimed) - len(struck), **facts)
    for name in HARM:
        figure(name, sum(len(trial.get(name, ())) for trial in trials), unit="1", n=len(trials), **facts)
    figure("not_done", sum("problem" in trial for trial in trials), unit="1", n=len(trials), **facts)
    if seconds:
        figure("recovery_p95", seconds[int(len(seconds) * 0.95)], unit="s", n=len(seconds), most=seconds[-1], **facts)
