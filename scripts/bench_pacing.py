"""An open-loop load: requests begin at moments that are fixed before, however long earlier ones take."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Iterator, Sequence

# More under way than this, and it is the load that is broken: nothing is measured any more.
MOST_UNDER_WAY = 2_000


class Sends(Protocol):
    """Sends the request of this number, counted from 0; whether it was answered as it should be."""

    async def __call__(self, number: int, /) -> bool: ...


@dataclass(frozen=True, slots=True)
class Answer:
    """One request. `due` is when it was to begin, in seconds since the load began; `seconds` from then to its end, so
    that a load that lags shows as latency."""

    due: float
    seconds: float
    is_good: bool


@dataclass
class Pacer:
    """Sends what it is told to at moments of the monotonic clock, and keeps what came of each request."""

    send: Sends
    answers: list[Answer] = field(default_factory=list[Answer])
    under_way: int = 0

    async def run(self, moments: Iterable[float], began: float | None = None) -> None:
        """Sends at each of the `moments`, seconds after `began`, and returns when all are answered."""
        began = time.monotonic() if began is None else began
        async with asyncio.TaskGroup() as group:
            for number, moment in enumerate(moments):
                # Also when it is late: what is under way must go on.
                await asyncio.sleep(max(0.0, began + moment - time.monotonic()))
                if self.under_way >= MOST_UNDER_WAY:
                    raise RuntimeError(f"{MOST_UNDER_WAY} requests are under way: this machine does not bear the load")
                self.under_way += 1
                group.create_task(self._one(number, began + moment, moment))

    async def _one(self, number: int, due: float, moment: float) -> None:
        try:
            is_good = await self.send(number)
        finally:
            self.under_way -= 1
        self.answers.append(Answer(moment, time.monotonic() - due, is_good))


def constant(rate: float, seconds: float, since: float = 0.0) -> Iterator[float]:
    """So many requests a second at equal distances, the first one at `since`."""
    for number in range(round(rate * seconds)):
        yield since + number / rate


def poisson(rates: Sequence[float], dice: random.Random) -> Iterator[float]:
    """At random moments, independent of each other: so many a second on average in each second."""
    for second, rate in enumerate(rates):
        at = 0.0
        while rate > 0.0 and (at := at + dice.expovariate(rate)) < 1.0:
            yield second + at


@dataclass
class Dial:
    """Equally distant moments at a rate, in requests a second, that can be turned while the load goes on."""

    rate: float
    is_over: bool = False

    def moments(self) -> Iterator[float]:
        """Until `is_over`; a new rate holds from the next request on."""
        at = 0.0
        while not self.is_over:
            yield at
            at += 1.0 / self.rate
