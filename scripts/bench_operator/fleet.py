"""Brokerages of a run: made, edited, and followed from outside, as a person with kubectl would see them."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rooftree_operator.adapters.kubernetes import BROKERAGE

from bench_operator.api import until

if TYPE_CHECKING:
    import random
    from collections.abc import AsyncIterator, Callable, Sequence

    from bench_operator.api import Api, Object

BEAT = 1.0  # seconds from one edit to the next: of one to two passes each, so that none waits for the one before
AT_ONCE = 16  # requests that make brokerages


def manifest(name: str) -> Object:
    """The least that a Brokerage declares."""
    spec = {"displayName": name, "owner": {"email": f"owner@{name}.example"}}
    return {"apiVersion": "rooftree.dev/v1alpha1", "kind": "Brokerage", "metadata": {"name": name}, "spec": spec}


def is_ready(brokerage: Object) -> bool:
    """Whether it is ready as it is declared now."""
    status, generation = brokerage.get("status", {}), brokerage["metadata"]["generation"]
    told = {one["type"]: one for one in status.get("conditions", [])}
    return status.get("observedGeneration") == generation and told.get("Ready", {}).get("status") == "True"


@dataclass
class Seen:
    """What the watch has told, with times of the monotonic clock."""

    now: dict[str, Object] = field(default_factory=dict[str, Any])
    first_status: dict[str, float] = field(default_factory=dict[str, float])
    ready: dict[str, float] = field(default_factory=dict[str, float])
    observed: dict[str, dict[int, float]] = field(default_factory=dict[str, dict[int, float]])

    def take(self, brokerage: Object, at: float) -> None:
        """Notes each thing when it is first seen."""
        name = brokerage["metadata"]["name"]
        self.now[name] = brokerage
        if status := brokerage.get("status"):
            self.first_status.setdefault(name, at)
            self.observed.setdefault(name, {}).setdefault(status.get("observedGeneration", 0), at)
        if is_ready(brokerage):
            self.ready.setdefault(name, at)

    def observed_at(self, name: str, generation: int) -> float | None:
        """When the status first spoke of this generation or a later one."""
        return min((at for told, at in self.observed.get(name, {}).items() if told >= generation), default=None)


class Fleet:
    """All brokerages of the run."""

    def __init__(self, api: Api, seen: Seen, note: Callable[..., None], source: random.Random) -> None:
        self._api = api
        self.seen = seen
        self._note = note
        self._source = source

    async def create(self, names: Sequence[str], *, within: float) -> None:
        """Makes them all at once and waits until each is ready; notes how long each took from its own creation."""
        slots, made = asyncio.Semaphore(AT_ONCE), dict[str, float]()

        async def create(name: str) -> None:
            async with slots:
                made[name] = time.monotonic()
                await self._api.create(manifest(name))

        began = time.monotonic()
        await asyncio.gather(*(create(name) for name in names))
        await self.until_ready(names, within=within)
        for name in names:
            self._note("first_status", self.seen.first_status[name] - made[name], name=name)
            self._note("ready", self.seen.ready[name] - made[name], name=name)
        seconds = max(self.seen.ready[name] for name in names) - began
        self._note("created", seconds)
        self._note("created_tenant", seconds / len(names))

    async def until_ready(self, names: Sequence[str], *, within: float) -> None:
        """Waits until all are ready as they are declared now; says of one that is not what it says itself."""

        async def all_ready() -> bool:
            return all(name in self.seen.now and is_ready(self.seen.now[name]) for name in names)

        try:
            await until(all_ready, within=within, what=f"{len(names)} brokerages were not ready")
        except TimeoutError as error:
            late = [name for name in names if name not in self.seen.now or not is_ready(self.seen.now[name])]
            told = self.seen.now.get(late[0], {}).get("status", {}).get("message", "nothing")
            raise TimeoutError(f"{error}: {len(late)} are not, and {late[0]} says {told!r}") from error

    async def edit(self, names: Sequence[str], count: int, kind: str, *, within: float) -> None:
        """Changes a name every `BEAT`, and notes as `kind` when the status speaks of that generation.

        Edits begin at fixed times, however long earlier ones take.
        """
        order = self._source.sample(list(names), len(names))
        began = time.monotonic()
        edits = list[asyncio.Task[None]]()
        for number in range(count):
            await asyncio.sleep(max(0.0, began + number * BEAT - time.monotonic()))
            edits.append(asyncio.create_task(self._edit(order[number % len(order)], number, kind, within)))
        await asyncio.gather(*edits)

    async def _edit(self, name: str, number: int, kind: str, within: float) -> None:
        began = time.monotonic()
        changed = await self._api.merge(BROKERAGE, name, {"spec": {"displayName": f"{name} {kind} {number}"}})
        generation = changed["metadata"]["generation"]

        async def observed() -> float | None:
            return self.seen.observed_at(name, generation)

        at = await until(observed, within=within, what=f"edit {number} of {name} was not observed", every=0.02)
        self._note(kind, at - began, name=name)


@asynccontextmanager
async def followed(api: Api) -> AsyncIterator[Seen]:
    """What a watch tells of all Brokerages, while this is open. Ends with the watch's own error, if it has one."""
    seen = Seen()

    async def follow() -> None:
        async for brokerage in api.follow(BROKERAGE):
            seen.take(brokerage, time.monotonic())

    async with asyncio.TaskGroup() as group:
        watch = group.create_task(follow())
        yield seen
        watch.cancel()
