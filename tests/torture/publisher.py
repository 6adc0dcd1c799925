"""Publishes for many aggregates by the real outbox, at a rate, whatever is away; and remembers what it was told."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING
from uuid import UUID

from rooftree.kernel.backoff import AWAY
from rooftree.kernel.outbox import Outbox
from sqlalchemy import text

from .sample import Stepped

if TYPE_CHECKING:
    from collections.abc import Callable

    from rooftree.kernel.unit_of_work import UnitOfWork

AGGREGATES = 100
# As many as the pool has connections.
AT_ONCE = 3
MOST_EVENTS = 6  # of a transaction
ROLLED_BACK = 0.05
# Some commit later than others that drew their positions after them.
LINGERING = 0.05
LONGEST_LINGER_SECONDS = 0.2
# Some much later, with aggregates of their own, so that nobody waits for them: a relay on a busy machine is slow, too.
LATE = 0.05
LATE_AGGREGATES = 10
LATE_SECONDS = (0.5, 1.0)
_AWAY_SECONDS = 0.2
_CAUSE = text("INSERT INTO public.causes (number, aggregate) VALUES (:number, :aggregate)")


class Withdrawn(Exception):
    """The use case refuses at its end: its transaction is rolled back."""


class Publisher:
    """`acknowledged`: numbers whose commit returned; `withdrawn`: rolled back; `unknown`: neither was told."""

    def __init__(self, unit_of_work: UnitOfWork, *, rate: float, seed: int) -> None:
        self._unit_of_work = unit_of_work
        self._rate = rate
        self._dice = random.Random(seed)
        self._aggregates = [UUID(int=self._dice.getrandbits(128), version=4) for _ in range(AGGREGATES)]
        self._late = [UUID(int=self._dice.getrandbits(128), version=4) for _ in range(LATE_AGGREGATES)]
        self._next = 0
        self._began = 0.0
        self.acknowledged: set[int] = set()
        self.withdrawn: set[int] = set()
        self.unknown: set[int] = set()

    async def run(self, is_enough: Callable[[int], bool]) -> float:
        """Until there are enough acknowledged events; the seconds that it took."""
        loop = asyncio.get_running_loop()
        self._began = loop.time()
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._go_on(is_enough))
        return loop.time() - self._began

    async def _go_on(self, is_enough: Callable[[int], bool]) -> None:
        while not is_enough(len(self.acknowledged)):
            # What an outage held up is made up for as fast as it goes.
            due = self._began + len(self.acknowledged) / self._rate
            await asyncio.sleep(due - asyncio.get_running_loop().time())
            late = self._dice.random() < LATE
            events = self._events(late=late)
            numbers = {event.number for event in events}
            try:
                await self._publish(events, lingers=self._linger(late=late))
            except Withdrawn:
                self.withdrawn |= numbers
            except AWAY:
                self.unknown |= numbers
                await asyncio.sleep(_AWAY_SECONDS)
            else:
                self.acknowledged |= numbers

    def _events(self, *, late: bool) -> list[Stepped]:
        events: list[Stepped] = []
        among = self._late if late else self._aggregates
        for _ in range(self._dice.randint(1, MOST_EVENTS)):
            self._next += 1
            # Some aggregates have many events, most have few.
            counter = among[int(len(among) * self._dice.random() ** 2)]
            events.append(Stepped(counter=counter, number=self._next))
        return events

    def _linger(self, *, late: bool) -> float:
        """Seconds that a transaction waits before it commits."""
        if late:
            return self._dice.uniform(*LATE_SECONDS)
        return self._dice.uniform(0, LONGEST_LINGER_SECONDS) if self._dice.random() < LINGERING else 0.0

    async def _publish(self, events: list[Stepped], *, lingers: float) -> None:
        withdraws = self._dice.random() < ROLLED_BACK
        async with self._unit_of_work() as session:
            await Outbox().add(session, events)
            causes = [{"number": event.number, "aggregate": event.counter} for event in events]
            await session.execute(_CAUSE, causes)
            if lingers:
                await asyncio.sleep(lingers)
            if withdraws:
                raise Withdrawn
