"""Kills and hangs what events need, as a seed says: relays and consumers by one hand, the backends by another.

The hands do not wait for each other, so a relay also dies while Kafka is away, and a consumer that hangs wakes up when
the database has lost its session.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import time
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import psycopg
from rooftree.kernel.backoff import is_set_within

from .sample import effects

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bench_tenant import ScratchTenant

    from ..e2e.components import Components
    from .workers import Process, Workers

# The stack's names of the backends.
BACKENDS = {"database": "postgres", "broker": "kafka"}
# Longer than Kafka waits for a member of a group and PostgreSQL's answer may take, at times.
LONGEST_HANG_SECONDS = 25.0
LONGEST_DOWN_SECONDS = 3.0
# So long work gathers for a worker that is about to be killed; a relay is killed up to 0.3 s later.
HELD_UP_SECONDS = 2.5
_MIDST = 0.1
# Then it is struck although it does nothing.
LONGEST_IDLE_SECONDS = 30.0
_LOOK_SECONDS = 0.05


class Blow(NamedTuple):
    """`pause`: seconds before it; `seconds`: how long a hang lasts, or a backend is away before it is started."""

    target: str
    kind: str
    pause: float
    seconds: float


WORKERS_DECK = [("relay", "kill")] * 3 + [("consumer", "kill")] * 3 + [("relay", "hang"), ("consumer", "hang")]
BACKENDS_DECK = [("database", "kill"), ("broker", "kill")] * 2 + [("database", "hang"), ("broker", "hang")]


def blows(seed: int, deck: Sequence[tuple[str, str]], *, pause: float) -> Iterator[Blow]:
    """Without end: each card of the deck once before any of them twice; `pause` is the mean."""
    dice = random.Random(f"{seed} {deck}")
    while True:
        for target, kind in dice.sample(deck, len(deck)):
            # Most hangs are short.
            longest = LONGEST_HANG_SECONDS * dice.random() ** 2 if kind == "hang" else LONGEST_DOWN_SECONDS
            yield Blow(target, kind, dice.uniform(0.2, 1.8) * pause, dice.uniform(0.1, 1) * longest)


class Killer:
    """Strikes, and counts by kind; `note` keeps each blow."""

    def __init__(
        self, tenant: ScratchTenant, workers: Workers, components: Components, note: Callable[..., None]
    ) -> None:
        self._tenant = tenant
        self._workers = workers
        self._components = components
        self._note = note
        self.struck: Counter[str] = Counter()

    async def strike(self, planned: Iterator[Blow], over: asyncio.Event) -> None:
        """Until it is over; all is up again then."""
        for blow in planned:
            if await is_set_within(over, blow.pause):
                return
            began = time.monotonic()
            if blow.target in BACKENDS:
                await self._strike_backend(blow)
            else:
                await self._strike_worker(blow)
            self.struck[f"{blow.target} {blow.kind}"] += 1
            self._note("blow", target=blow.target, kind=blow.kind, seconds=round(time.monotonic() - began, 2))

    async def _strike_worker(self, blow: Blow) -> None:
        alive = self._workers.alive[blow.target]
        if blow.target == "consumer":
            await self._working()
        # A relay that works rather than the one that stands by; either consumer.
        process = alive[0 if blow.target == "relay" else int(blow.pause * 1000) % len(alive)]
        if blow.kind == "hang":
            await _held([process], blow.seconds)
            return
        # Then it has something to do, and dies in the middle of it.
        await _held(alive, HELD_UP_SECONDS)
        if blow.target == "consumer":
            await self._working()
        else:
            await asyncio.sleep(blow.seconds * _MIDST)
        self._workers.kill(blow.target, process)

    async def _working(self) -> None:
        """A consumer is struck while effects happen: after the last blow its group waits for a member that is dead."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_IDLE_SECONDS):
                before = after = await asyncio.to_thread(self._effects)
                while before is None or after is None or before == after:
                    await asyncio.sleep(_LOOK_SECONDS)
                    before, after = after, await asyncio.to_thread(self._effects)

    def _effects(self) -> int | None:
        """How many there were, or None while nobody can tell."""
        try:
            return effects(self._tenant)
        except psycopg.OperationalError:
            return None

    async def _strike_backend(self, blow: Blow) -> None:
        name = BACKENDS[blow.target]
        strike = self._components.kill if blow.kind == "kill" else self._components.stop
        await asyncio.to_thread(strike, name)
        await asyncio.sleep(blow.seconds)
        if blow.kind == "kill":
            await asyncio.to_thread(self._components.start, name)
            if blow.target == "broker":
                await asyncio.to_thread(self._tenant.let_into_kafka)
        else:
            self._components.go_on()


async def _held(processes: Sequence[Process], seconds: float) -> None:
    for process in processes:
        process.send_signal(signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        for process in processes:
            process.send_signal(signal.SIGCONT)


def kills(struck: Counter[str]) -> int:
    """Without hangs."""
    return sum(count for name, count in struck.items() if name.endswith(" kill"))
