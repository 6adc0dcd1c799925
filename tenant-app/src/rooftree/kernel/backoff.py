"""Pauses before the next try, and what is tried again for as long as it takes."""

import asyncio
import random

from rooftree.kernel.errors import BadGateway, Unavailable

# Something is away; nothing is wrong with what was to be done.
AWAY = (Unavailable, BadGateway, ConnectionError, TimeoutError)


class Backoff:
    """Doubles from `first` to `longest` seconds, each shortened by up to a fifth so that many do not come at once."""

    def __init__(self, *, first: float, longest: float) -> None:
        self._first = first
        self._longest = longest
        self._next = first

    def reset(self) -> None:
        """It worked."""
        self._next = self._first

    def pause(self) -> float:
        """The seconds to wait now."""
        pause, self._next = self._next, min(self._next * 2, self._longest)
        return pause * random.uniform(0.8, 1)  # noqa: S311 - not a secret

    async def wait(self, stopping: asyncio.Event) -> bool:
        """Pause, or return True at once when it is time to stop."""
        return await is_set_within(stopping, self.pause())


async def is_set_within(event: asyncio.Event, seconds: float) -> bool:
    """Whether `event` is set now or within this time."""
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return event.is_set()
