"""However a brokerage is moved between shards, no two operators ever act on it or an operation of it at a time, and it
ends where it shall be.

Operators of two shards work at the same time over one world, in an order that a seed makes up. One of them may be
killed anywhere; what it was about to do then never happens, as its Lease is over before anybody else acts.
"""

import asyncio
import os
import random
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, fields, replace

import pytest
from rooftree_operator import shards
from rooftree_operator.adapters.kubernetes import BACKUP, BROKERAGE, OPERATION, ApiError, Kind
from rooftree_operator.drift import Object
from rooftree_operator.handlers import Intake
from rooftree_operator.operations.progress import is_over
from rooftree_operator.reconcile import Outcome
from rooftree_operator.runtime import operation_key
from rooftree_operator.shards import Shards
from rooftree_operator.storms import Storms
from rooftree_operator.workqueue import Priority, WorkQueue

from .fakes.kubernetes import FakeKubernetes
from .test_shards import OVER, event, labelled, relabel
from .turns import others_run
from .world import World, operation

SEEDS = 40 if os.environ.get("THOROUGH") else 6
MOVES = 10
LONGEST = 300  # turns between two moves; a pass that makes a brokerage takes about so many
AT_REST = 1500  # turns


class YieldingKubernetes(FakeKubernetes):
    """Others go on before each answer."""

    async def get(self, kind: Kind, name: str, namespace: str | None = None) -> Object | None:
        await others_run()
        found = await super().get(kind, name, namespace)
        await others_run()
        return found

    async def apply(self, wanted: Object, *, subresource: str | None = None) -> Object:
        await others_run()
        return await super().apply(wanted, subresource=subresource)


@dataclass
class Referee:
    """Who acts on the brokerage or an operation of it now. Two at a time are a foul."""

    acting: list[str] = field(default_factory=list[str])
    passes: list[str] = field(default_factory=list[str])
    fouls: list[str] = field(default_factory=list[str])

    def enters(self, shard: str) -> None:
        if self.acting:
            self.fouls.append(f"{shard!r} began while {self.acting} was at it")
        self.acting.append(shard)
        self.passes.append(shard)

    @contextmanager
    def watching(self, shard: str) -> Iterator[None]:
        try:
            yield
        finally:
            if shard in self.acting:
                self.acting.remove(shard)


@dataclass(frozen=True)
class Watched(Shards):
    """Tells the referee when a pass begins to act, on the brokerage or on an operation of it."""

    referee: Referee = field(default_factory=Referee)

    async def enter(self, brokerage: Object) -> Object:
        found = await super().enter(brokerage)
        self.referee.enters(self.own)
        return found

    @asynccontextmanager
    async def staying(self, name: str) -> AsyncGenerator[Object | None]:
        async with super().staying(name) as found:
            self.referee.enters(self.own)
            yield found


class Process:
    """An operator of a shard that hears of everything, late, and works with one worker."""

    def __init__(self, world: World, shard: str, referee: Referee) -> None:
        self.world, self.shard, self.referee = world, shard, referee
        made = world.restarted(shard)
        known = {one.name: getattr(made.shards, one.name) for one in fields(Shards)}
        self.reconciler = replace(made, shards=Watched(**known, referee=referee))
        operations = world.operations_of(self.reconciler)
        self.works = {"tenant": self.reconciler, "operation": operations, "backup": operations.artifacts}
        self.leaving: set[str] = set()  # backups that are to go, of which it has heard
        self.clock = 0.0
        self.queue = WorkQueue(lambda: self.clock, lambda: 1.0)
        self.intake = Intake(self.queue, Storms(lambda: 0.0), shard)

    async def work(self) -> None:
        """One pass if there is a reason; its time goes on by a second each."""
        self.clock += 1.0
        self._hear()
        if (key := self.queue.pop()) is None:
            await others_run()
            return
        kind, _, name = key.partition("/")
        with self.referee.watching(self.shard):
            try:
                found = await self.works[kind].reconcile(name)
            except ApiError as error:
                self.referee.fouls += [] if error.status in (409, 422) else [str(error)]
                found = Outcome(failed=True)
        if found.failed:
            self.queue.failed(key)
        else:
            self.queue.done(key, again_in=found.again_in)
            if kind == "tenant" and not found.gone:
                self.queue.add(key, Priority.RESYNC, after=20.0)

    def _hear(self) -> None:
        """Of what there is; in a regular look of operations whose brokerage was moved; of a backup that goes once."""
        if (item := self.world.kube.find(BROKERAGE, "acme")) is not None:
            self.intake.brokerage(event(item))
        for item in [item for key, item in self.world.kube.objects.items() if key[0] == OPERATION.kind]:
            self.intake.operation(event(item))
            key = operation_key(item["metadata"]["name"])
            if self.clock % 20 == 0 and key not in self.queue:
                self.queue.add(key, Priority.RESYNC)
        for item in [item for key, item in self.world.kube.objects.items() if key[0] == BACKUP.kind]:
            if "deletionTimestamp" in item["metadata"] and item["metadata"]["name"] not in self.leaving:
                self.leaving.add(item["metadata"]["name"])
                self.intake.backup(event(item))


async def _works(process: Process) -> None:
    while True:
        await process.work()


async def _turns(world: World, count: int) -> None:
    """Others go on; what surrounds the operators does, too."""
    for number in range(count):
        await others_run()
        if number % 20 == 0:
            world.settle()


async def life(seed: int, *, killed: bool) -> tuple[World, Referee]:
    """Somebody moves a brokerage about and orders backups while operators work, and deletes it in the end, or not."""
    dice, referee = random.Random(seed), Referee()
    world = World(cluster=YieldingKubernetes)
    await world.release("1.0.0")
    for shard in ("", "east"):
        world.leads(shard)
    world.kube.put(labelled("acme", dice.choice(["", "east"])))
    working = {shard: asyncio.create_task(_works(Process(world, shard, referee))) for shard in ("", "east")}
    orders = dice.sample(range(MOVES), k=3)
    for number in range(MOVES):
        await _turns(world, dice.randrange(LONGEST))
        relabel(world, dice.choice(["", "east"]))
        if number in orders:
            world.kube.put(operation(f"backup-{number}"))
    last = dice.choice(["", "east"])
    if killed:
        dead = "east" if last == "" else ""
        ended = working.pop(dead)
        ended.cancel()
        await asyncio.wait({ended})
        world.later = OVER
        world.leads(last, epoch=1)
    if dice.random() < 0.5:
        world.delete("acme")
    relabel(world, last)
    await _turns(world, AT_REST)
    for task in working.values():
        assert not task.done(), task.result()
        task.cancel()
    return world, referee


@pytest.mark.parametrize("killed", [False, True], ids=["both run", "one is killed"])
@pytest.mark.parametrize("seed", range(SEEDS))
async def test_no_two_passes_overlap_and_the_brokerage_ends_as_declared(seed: int, killed: bool) -> None:
    world, referee = await life(seed, killed=killed)
    assert referee.fouls == []
    assert set(referee.passes) == {"", "east"}, "both had it"
    item = world.kube.find(BROKERAGE, "acme")
    done = [one for key, one in world.kube.objects.items() if key[0] == OPERATION.kind]
    assert [one["metadata"]["name"] for one in done if not is_over(one)] == []
    if item is None:
        assert {row.state for row in world.registry.rows.values()} == {"deleted"}
        left = [path for tenant in world.registry.rows for path in world.traces(tenant)]
        assert [path for path in left if OPERATION.kind not in path] == [], "operations stay for their time"
    else:
        assert (world.status("acme")["phase"], shards.holder(item)) == ("Ready", shards.wanted(item))
        assert [row.state for row in world.registry.rows.values()] == ["live"]
        assert [one["status"]["phase"] for one in done] == ["Succeeded"] * 3
        assert world.archive.ran == ["write"] * 3, "each was written once"
