"""Keyed, de-duplicating priority queue in front of the reconcilers.

A key waits at most once and is worked on by at most one worker; what arrives meanwhile runs once more afterwards.
Order: whatever is due, most urgent priority first, then oldest. Failing keys back off exponentially, each on its own.
Time comes from the injected clock; the only real waiting is the event that wakes `get`.
"""

import asyncio
import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

BACKOFF_FIRST = 0.25  # seconds
BACKOFF_MOST = 8.0  # a healed backend shows within 10 s: 8 s and a fifth of jitter
DOUBLINGS = 16  # more than enough to reach it; a power without end would overflow


def share(name: str) -> float:
    """Where in a round a key's turn is, from 0 to under 1: always the same, and spread evenly over all names."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") / 2**32


def turn_in(name: str, period: float, now: float) -> float:
    """Seconds until a key's next turn in rounds of `period` seconds: so two looks are never further apart than that."""
    return (share(name) * period - now) % period or period


class Priority(IntEnum):
    """Smaller is more urgent."""

    EDIT = 0
    DELETION = 1
    CHILD = 2
    RESYNC = 3


@dataclass
class _Entry:
    priority: Priority
    due: float


class WorkQueue:
    """The queue. `clock` returns seconds, monotonic; `jitter` a factor around 1."""

    def __init__(self, clock: Callable[[], float], jitter: Callable[[], float] | None = None) -> None:
        self._clock = clock
        self._jitter = jitter or (lambda: random.uniform(0.8, 1.2))  # noqa: S311 -- spreads load, guards nothing
        self._waiting: dict[str, _Entry] = {}
        self._working: dict[str, _Entry | None] = {}
        self._failures: dict[str, int] = {}
        self._changed = asyncio.Event()

    def add(self, key: str, priority: Priority, *, after: float = 0.0) -> None:
        """Puts `key` in line; a key that waits already keeps the earlier time and the more urgent priority.

        A resync brings no news: it does not shorten the backoff of a key that fails.
        """
        if priority is Priority.RESYNC and key in self._failures and key in self._waiting:
            return
        now = self._clock()
        entry = _Entry(priority, now + after)
        if key in self._working:
            self._working[key] = _merged(self._working[key], entry)
        else:
            self._waiting[key] = _merged(self._waiting.get(key), entry)
            self._changed.set()

    def __contains__(self, key: str) -> bool:
        """Whether it is worked on, or waits for that or for its turn."""
        return key in self._waiting or key in self._working

    def pop(self) -> str | None:
        """The next key that is due, now being worked on; None if nothing is due."""
        now = self._clock()
        due = [(entry.priority, entry.due, key) for key, entry in self._waiting.items() if entry.due <= now]
        if not due:
            return None
        key = min(due)[2]
        del self._waiting[key]
        self._working[key] = None
        return key

    async def get(self) -> str:
        """Waits for the next key that is due."""
        while (key := self.pop()) is None:
            self._changed.clear()
            due = min((entry.due for entry in self._waiting.values()), default=None)
            timeout = None if due is None else max(0.0, due - self._clock())
            try:
                async with asyncio.timeout(timeout):
                    await self._changed.wait()
            except TimeoutError:
                continue
        return key

    def done(self, key: str, *, again_in: float | None = None) -> None:
        """Ends the work on `key` well; looks at it again after `again_in` seconds if given."""
        self._failures.pop(key, None)
        self._release(key, again_in)

    def failed(self, key: str) -> float:
        """Ends the work on `key` badly; returns the seconds until it is tried again."""
        count = self._failures[key] = self._failures.get(key, 0) + 1
        missed = self._working[key]
        if missed is not None and missed.priority is Priority.RESYNC:
            self._working[key] = None
        delay = min(BACKOFF_MOST, BACKOFF_FIRST * 2 ** min(count - 1, DOUBLINGS)) * self._jitter()
        self._release(key, delay)
        return delay

    def _release(self, key: str, again_in: float | None) -> None:
        missed = self._working.pop(key)
        if missed is not None:
            self._waiting[key] = missed
        if again_in is not None:
            self.add(key, Priority.CHILD, after=again_in)
        self._changed.set()

    @property
    def depth(self) -> int:
        """Keys that are due and wait for a worker."""
        now = self._clock()
        return sum(entry.due <= now for entry in self._waiting.values())

    @property
    def oldest_age(self) -> float:
        """Seconds that the longest overdue key has waited for a worker."""
        now = self._clock()
        return max((now - entry.due for entry in self._waiting.values() if entry.due <= now), default=0.0)


def _merged(old: _Entry | None, new: _Entry) -> _Entry:
    if old is None:
        return new
    return _Entry(min(old.priority, new.priority), min(old.due, new.due))
