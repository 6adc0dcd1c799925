"""Wakes a brokerage: gives its Deployments their first pod, and finds out where its app answers.

However many requests ask, a brokerage is woken once at a time, and for a moment afterwards nobody asks again. That the
Deployments have pods is looked after as long as somebody waits: whoever puts a brokerage to sleep may do so just now.
The kubelet asks a pod once a second whether it is ready, and its word takes a while through the API server to the
edge; so the pod is asked here, at the address that it has before.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, field

import structlog

from ..adapters.kubernetes import SLICE, ApiError, Conflict, Kubernetes
from ..errors import Unavailable
from ..names import ACTIVATOR
from .endpoints import Address, Places, places_of
from .metrics import WAKE_SECONDS, WAKES
from .sleepers import Sleeper

log = structlog.get_logger(__name__)

POLL = 0.02  # seconds between two questions whether the app answers
MANY = 20  # wakes under way from which on each asks more seldom: a thousand questions a second are enough
AGAIN = 1.0  # seconds between two looks whether the Deployments still have pods
RETRY = 0.5  # seconds after which the API server is asked again when it did not answer
# Seconds for which an address is believed. An app that is told to stop takes requests for 3 s more.
KNOWN = 2.0

Asks = Callable[[Address], Awaitable[bool]]


@dataclass
class _Wake:
    """One that is under way."""

    places: Places = field(default_factory=Places)
    has_woken: bool = False


class Waker:
    """`is_ready` asks a pod; `patience` is how long a wake may take, in seconds."""

    def __init__(self, kube: Kubernetes, is_ready: Asks, *, patience: float) -> None:
        self._kube = kube
        self._is_ready = is_ready
        self._patience = patience
        self._under_way: dict[str, asyncio.Task[Address | None]] = {}
        self._known: dict[str, tuple[float, Address]] = {}

    async def address(self, sleeper: Sleeper) -> Address | None:
        """Where the app answers, which is woken if it sleeps; None if it did not answer in time."""
        until, known = self._known.get(sleeper.namespace, (0.0, None))
        if known is not None and time.monotonic() < until:
            return known
        task = self._under_way.get(sleeper.namespace)
        if task is None:
            task = self._under_way[sleeper.namespace] = asyncio.create_task(self._once(sleeper))
        # Whoever leaves does not take the others' wake along.
        return await asyncio.shield(task)

    def forget(self, sleeper: Sleeper, address: Address) -> None:
        """Nothing listens there."""
        if self._known.get(sleeper.namespace, (0.0, None))[1] == address:
            del self._known[sleeper.namespace]

    async def aclose(self) -> None:
        """Ends what is under way."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _once(self, sleeper: Sleeper) -> Address | None:
        try:
            return await self._wake(sleeper)
        finally:
            # Not by a callback: whoever asks between the task's end and that would have its answer at once, and with
            # nothing found ask again, in a loop in which nothing else comes to its turn.
            del self._under_way[sleeper.namespace]

    async def _wake(self, sleeper: Sleeper) -> Address | None:
        """Never raises: who waits is told in time, and asks again if there is time left."""
        began, wake, found = time.monotonic(), _Wake(), None
        helpers = [asyncio.create_task(self._keep_up(sleeper, wake)), asyncio.create_task(self._follow(sleeper, wake))]
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._patience):
                    found = await self._find(sleeper, wake)
        finally:
            for helper in helpers:
                helper.cancel()
            for problem in await asyncio.gather(*helpers, return_exceptions=True):
                if isinstance(problem, Exception):
                    log.error("wake_crashed", namespace=sleeper.namespace, exc_info=problem)
        seconds = time.monotonic() - began
        if found is not None:
            now = time.monotonic()
            self._known = {space: one for space, one in self._known.items() if one[0] > now}
            self._known[sleeper.namespace] = now + KNOWN, found
        _tell(sleeper, wake, found, seconds)
        return found

    async def _find(self, sleeper: Sleeper, wake: _Wake) -> Address:
        """The first pod that answers. What it calls must be ready before, as the kubelet tells."""
        while True:
            for address in wake.places.entrance if wake.places.ready.issuperset(sleeper.modules) else ():
                if await self._is_ready(address):
                    return address
            await asyncio.sleep(POLL * max(1.0, len(self._under_way) / MANY))

    async def _follow(self, sleeper: Sleeper, wake: _Wake) -> None:
        """Keeps `wake.places` as the API server tells of them."""
        while True:
            try:
                async with aclosing(self._kube.follow(SLICE, sleeper.namespace)) as states:
                    async for slices in states:
                        wake.places = places_of(slices)
            except (ApiError, Unavailable) as error:
                log.warning("endpoints_unknown", namespace=sleeper.namespace, error=str(error))
                await asyncio.sleep(RETRY)

    async def _keep_up(self, sleeper: Sleeper, wake: _Wake) -> None:
        """Sees to it that each Deployment has pods."""
        while True:
            await asyncio.gather(*(self._raise(name, sleeper, wake) for name in sleeper.deployments))
            await asyncio.sleep(AGAIN)

    async def _raise(self, name: str, sleeper: Sleeper, wake: _Wake) -> None:
        while True:
            try:
                if await self._kube.wake(name, sleeper.namespace, by=ACTIVATOR):
                    wake.has_woken = True
            except Conflict:
                continue  # it has changed since it was read, perhaps because another activator was faster
            except (ApiError, Unavailable) as error:
                log.warning("not_woken", namespace=sleeper.namespace, deployment=name, error=str(error))
                await asyncio.sleep(RETRY)
            else:
                return


def _tell(sleeper: Sleeper, wake: _Wake, found: Address | None, seconds: float) -> None:
    result = "late" if found is None else "woken" if wake.has_woken else "awake"
    WAKES.labels(result).inc()
    if result == "woken":
        WAKE_SECONDS.observe(seconds)
    tell = log.debug if result == "awake" else log.warning if found is None else log.info
    tell("wake", namespace=sleeper.namespace, result=result, seconds=round(seconds, 3))
