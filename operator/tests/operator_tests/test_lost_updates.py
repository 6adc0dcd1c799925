"""The last spec wins, however events arrive: in bursts, late, twice or never, with reads that are behind, after a 410.

Each sequence is made of a seed: edits of a brokerage come while the operator works, its watch loses events or is cut
and begins again with a list, and reads go to an apiserver that is some versions behind. Time is the queue's own. In the
end the reader has caught up; then the resync's next round at the latest has to find what was missed.
"""

import asyncio
import os
import random
from dataclasses import dataclass, field
from typing import Any

import pytest
from rooftree_operator.adapters.kubernetes import BROKERAGE, DEPLOYMENT
from rooftree_operator.drift import Object
from rooftree_operator.handlers import Intake
from rooftree_operator.runtime import tenant_key
from rooftree_operator.storms import Storms
from rooftree_operator.workqueue import Priority, WorkQueue

from .fakes.lagging import LaggingKubernetes
from .test_every_field import ROOMY
from .world import World, brokerage, plan

SEQUENCES = 300 if os.environ.get("THOROUGH") else 40
EDITS = (5, 9)
RESYNC = 50.0  # seconds, as in Settings
CONVERGED = 60.0  # seconds; a round of the resync, and what a failing key backs off
LONGEST_LAG = 4  # versions
FIELDS: dict[str, list[Any]] = {
    "displayName": ["Acme", "Acme West", "Acme East"],
    "currency": ["USD", "CAD"],
    "timeZone": ["America/Chicago", "America/Denver"],
    "plan": ["starter", "large"],
}


@dataclass
class Platform:
    """A world whose operator hears of changes by a watch, as seeds have it."""

    dice: random.Random
    world: World = field(default_factory=lambda: World(cluster=LaggingKubernetes))
    clock: float = 0.0
    resynced: float = 0.0

    def __post_init__(self) -> None:
        self.queue = WorkQueue(lambda: self.clock, lambda: 1.0)
        self.intake = Intake(self.queue, Storms(lambda: self.clock))
        self._told = 0

    @property
    def kube(self) -> LaggingKubernetes:
        assert isinstance(self.world.kube, LaggingKubernetes)
        return self.world.kube

    async def begin(self) -> None:
        await self.world.release("1.0.0")
        self.world.kube.put(plan("starter", **ROOMY))
        self.world.kube.put(plan("large", **{**ROOMY, "quota": {**ROOMY["quota"], "pods": 30}}))
        self.world.kube.put(brokerage("acme"))
        self.deliver(lost=0.0)
        await self.until_at_rest()

    def edit(self, **spec: Any) -> None:
        item = self.kube.objects[BROKERAGE.kind, None, "acme"]
        self.kube.put({**item, "spec": {**item["spec"], **spec}})

    def deliver(self, *, lost: float) -> None:
        """The watch tells of what happened since it last did: each event once, not at all or twice."""
        for version in self.kube.versions[self._told : len(self.kube.versions) - self.kube.behind]:
            for _ in range(0 if self.dice.random() < lost else self.dice.choice([1, 1, 1, 2])):
                self.intake.brokerage(event={"type": "MODIFIED", "object": version})
        self._told = max(self._told, len(self.kube.versions) - self.kube.behind)

    def gone(self) -> None:
        """410: what the watch has not told is never told; it begins again with a list of what there is."""
        self._told = len(self.kube.versions)
        self.intake.brokerage(event={"type": None, "object": self.kube.seen()})

    async def work(self) -> bool:
        """One pass, if a key is due."""
        key = self.queue.pop()
        if key is None:
            return False
        result = await self._reconciled()
        self.world.settle()
        if result is None or result.failed:
            self.queue.failed(key)
        else:
            self.queue.done(key, again_in=result.again_in)
        return True

    async def _reconciled(self) -> Any:
        try:
            return await self.world.reconciler.reconcile("acme")
        except Exception as error:
            if getattr(error, "status", None) not in (409, 422):  # a write that stands on an old read is refused
                raise
            return None

    async def until_at_rest(self) -> float:
        """Works for two rounds of the resync; the seconds after which the last spec was so, and stayed so."""
        began, right = self.clock, None
        while self.clock - began < 2 * RESYNC:
            while await self.work():
                right = None if not self.is_as_declared() else self.clock - began if right is None else right
            if self.clock - self.resynced >= RESYNC:
                self.resynced = self.clock
                self.queue.add(tenant_key("acme"), Priority.RESYNC)
            else:
                self.clock += 0.25
        assert right is not None, "the last spec was lost"
        return right

    def is_as_declared(self) -> bool:
        item: Object = self.kube.objects[BROKERAGE.kind, None, "acme"]
        spec, status = item["spec"], item.get("status", {})
        app = self.world.child("acme", DEPLOYMENT, "app") if status.get("tenantID") else None
        if app is None:
            return False
        (container,) = app["spec"]["template"]["spec"]["containers"]
        told = {entry["name"]: entry.get("value") for entry in container["env"]}
        shown = [told[f"ROOFTREE_{name}"] for name in ("DISPLAY_NAME", "CURRENCY", "TIME_ZONE")]
        hard = self.kube.objects["ResourceQuota", f"tenant-{self.world.tenant('acme')}", "tenant"]["spec"]["hard"]
        pods = {"starter": "20", "large": "30"}[spec["plan"]]
        return (shown, hard["pods"], status["phase"], status["observedGeneration"]) == (
            [spec["displayName"], spec["currency"], spec["timeZone"]],
            pods,
            "Ready",
            item["metadata"]["generation"],
        )


async def sequence(seed: int) -> float:
    """One burst of edits with all that may happen to their events; how long the last one took to be so."""
    dice = random.Random(seed)
    platform = Platform(dice)
    await platform.begin()
    lost = dice.choice([0.0, 0.3, 1.0])
    for _ in range(dice.randint(*EDITS)):
        names = dice.sample(sorted(FIELDS), dice.randint(1, 2))
        platform.edit(**{name: dice.choice(FIELDS[name]) for name in names})
        for happens in dice.sample(("410", "lag", "events", "work"), dice.randint(0, 3)):
            match happens:
                case "410":
                    platform.gone()
                case "lag":
                    platform.kube.behind = dice.randint(0, LONGEST_LAG)
                case "events":
                    platform.deliver(lost=lost)
                case _:
                    await platform.work()
    # What was delivered by now was read from whoever is behind; it catches up, and its watch says nothing more.
    while await platform.work():
        pass
    platform.kube.behind = 0
    if dice.random() < 0.5:
        platform.deliver(lost=lost)
    return await platform.until_at_rest()


@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", range(4))
def test_no_update_is_lost(part: int) -> None:
    took = [asyncio.run(sequence(seed)) for seed in range(part, SEQUENCES, 4)]
    assert len(took) == SEQUENCES // 4
    assert max(took) <= CONVERGED
