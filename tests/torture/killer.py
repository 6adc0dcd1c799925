"""Kills and hangs what events need, as a seed says: relays and consumers by one hand, the backends by another.

The hands do not wait for each other, so a relay also dies while Kafka is away, and a consumer that hangs wakes up when
the database has lost its session.
"""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from rooftree.kernel.backoff import is_set_within

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ..e2e.components import Components
    from .workers import Workers

# The stack's names of the backends.
BACKENDS = {"database": "postgres", "broker": "kafka"}
# Longer than Kafka waits for a member of a group and PostgreSQL's answer may take, at times.
LONGEST_HANG_SECONDS = 25.0
LONGEST_DOWN_SECONDS = 3.0


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

    def __init__(self, workers: Workers, components: Components, note: Callable[..., None]) -> None:
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
        # A relay that works rather than the one that stands by; either consumer.
        process = alive[0] if blow.target == "relay" else alive[int(blow.pause * 1000) % len(alive)]
        if blow.kind == "kill":
            self._workers.kill(blow.target, process)
            return
        process.send_signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(blow.seconds)
        finally:
            process.send_signal(signal.SIGCONT)

    async def _strike_backend(self, blow: Blow) -> None:
        name = BACKENDS[blow.target]
        strike = self._components.kill if blow.kind == "kill" else self._components.stop
        await asyncio.to_thread(strike, name)
        await asyncio.sleep(blow.seconds)
        if blow.kind == "kill":
            await asyncio.to_thread(self._components.start, name)
        else:
            self._components.go_on()


def kills(struck: Counter[str]) -> int:
    """Without hangs."""
    return sum(count for name, count in struck.items() if name.endswith(" kill"))
