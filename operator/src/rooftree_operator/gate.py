"""Where every call to a system begins: whether the system answers, and how many calls it has at a time.

While a backend is away calls to it fail at once instead of waiting for their timeout: so one that hangs costs each pass
nothing. While it has as many calls as it may, further ones wait, and the most urgent goes first. Every adapter holds
one gate and makes each call in it; only `ping` and what keeps the Lease pass around it. The watch of the running
operator turns it.
"""

import asyncio
import heapq
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from itertools import count
from typing import Protocol

from prometheus_client import Gauge, Histogram

from . import tracing
from .errors import Unavailable

WAITING = Gauge("rooftree_operator_backend_calls_waiting", "Calls that wait for others to end.", ["backend"])
IN_FLIGHT = Gauge("rooftree_operator_backend_calls_in_flight", "Calls that are under way.", ["backend"])
WAITED = Histogram(
    "rooftree_operator_backend_wait_seconds",
    "How long a call waited before it began.",
    ["backend"],
    buckets=(0.001, 0.01, 0.1, 1, 10),
)

# Of the pass that makes a call; smaller is more urgent, as in the queue.
urgency: ContextVar[int] = ContextVar("urgency", default=0)


class Gate:
    """Open until the watch says otherwise. `most`: calls at a time; `name`: of the system, in metrics."""

    def __init__(self, name: str = "", most: int = 8) -> None:
        self.fence: Callable[[], None] = lambda: None
        """Raises `Unavailable` when this process may not act any more; asked right before each call begins."""
        self._name = name
        self._outage: Unavailable | None = None
        self._free = most
        self._line: list[tuple[int, int, asyncio.Future[None]]] = []
        self._order = count()
        WAITING.labels(name)  # told from the beginning, as 0

    def check(self) -> None:
        """Raises `Unavailable`, as the watch saw it, while the backend is away; also when we may not act any more."""
        self.fence()
        if self._outage is not None:
            raise Unavailable(self._outage.reason, self._outage.message)

    @asynccontextmanager
    async def call(self, what: str = "") -> AsyncGenerator[None]:
        """One call, as urgent as the pass that makes it. Raises `Unavailable` if the backend is or goes away.

        The trace of the pass tells it by `what`, a word of the code's. Not to be nested: the inner call could wait for
        the outer one.
        """
        self.check()
        with tracing.step(f"{self._name} {what}".rstrip(), is_call=True):
            await self._enter()
            try:
                self.fence()  # the wait may have been long
                yield
            finally:
                IN_FLIGHT.labels(self._name).dec()
                self._pass_on()

    async def _enter(self) -> None:
        began = time.monotonic()
        if self._free:
            self._free -= 1
        else:
            with tracing.step("wait"):
                await self._turn()
        WAITED.labels(self._name).observe(time.monotonic() - began)
        IN_FLIGHT.labels(self._name).inc()

    async def _turn(self) -> None:
        """Waits until one that ends hands its place over."""
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._line, (urgency.get(), next(self._order), mine))
        WAITING.labels(self._name).inc()
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled() and mine.exception() is None:
                self._pass_on()
            raise
        finally:
            WAITING.labels(self._name).dec()

    def _pass_on(self) -> None:
        """Gives a place to the most urgent that still waits."""
        while self._line:
            _, _, waiting = heapq.heappop(self._line)
            if not waiting.done():
                waiting.set_result(None)
                return
        self._free += 1

    def turn(self, outage: Unavailable | None) -> bool:
        """Takes what a look found; says whether the backend went or came back. Whoever waits is told of an outage."""
        changed = (outage is None) != (self._outage is None)
        self._outage = outage
        if outage is not None:
            line, self._line = self._line, []
            for _, _, waiting in line:
                if not waiting.done():
                    waiting.set_exception(Unavailable(outage.reason, outage.message))
        return changed


class Backend(Protocol):
    """A system that tenants live in, as far as its watch is concerned."""

    @property
    def name(self) -> str: ...
    @property
    def gate(self) -> Gate: ...

    async def ping(self) -> None:
        """Asks the system itself, however the gate stands. Raises `Unavailable` within a few seconds."""
        ...
