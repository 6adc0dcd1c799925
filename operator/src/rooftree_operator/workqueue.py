"""Keyed, de-duplicating priority queue in front of the reconcilers.

A key waits at most once and is worked on by at most one worker; what arrives meanwhile runs once more afterwards.
Order: whatever is due, most urgent priority first, then oldest. Failing keys back off exponentially, each on its own.
Time comes from the injected clock; the only real waiting is the event that wakes `get`.
"""

import asyncio
import hashlib
import heapq
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

BACKOFF_FIRST = 0.25  # seconds
BACKOFF_MOST = 8.0  # a healed backend shows within 10 s: 8 s and a fifth of jitter
DOUBLINGS = 16  # more than enough to reach it; a power without end would overflow
PATIENCE = 60.0  # seconds that a resync gives way: longer than a round of a thousand, half of what the probe allows
SLACK = 64  # entries of a heap that may be out of date however few keys wait


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


@dataclass(frozen=True, order=True)
class _Entry:
    priority: Priority
    due: float


_Ranked = tuple[float, float, str, _Entry]  # rank, due, key


class _Heap:
    """The keys of a line by rank. What became of a key since is noticed when it comes up; `is_current` tells."""

    def __init__(self, is_current: Callable[[_Ranked], bool]) -> None:
        self._is_current = is_current
        self._heap: list[_Ranked] = []

    def push(self, rank: float, key: str, entry: _Entry) -> None:
        heapq.heappush(self._heap, (rank, entry.due, key, entry))

    def first(self) -> _Ranked | None:
        """The least that is still so; None if there is none."""
        while self._heap and not self._is_current(self._heap[0]):
            heapq.heappop(self._heap)
        return self._heap[0] if self._heap else None

    def tidy(self, size: int) -> None:
        """Drops what is out of date when it is most of it: a key that is brought forward again and again."""
        if len(self._heap) > 2 * size + SLACK:
            self._heap = [one for one in self._heap if self._is_current(one)]
            heapq.heapify(self._heap)


class WorkQueue:
    """The queue. `clock` returns seconds, monotonic; `jitter` a factor around 1.

    Of resyncs no more than `most_resyncs` are worked on at a time: with fewer than there are workers, one of these is
    free for whatever somebody waits for. While such work goes on only one resync begins, as the workers share one CPU,
    unless one has been due for `PATIENCE`.

    No operation walks all keys: what waits for its time is in one heap, what is due in one by priority and one by age.
    """

    def __init__(
        self, clock: Callable[[], float], jitter: Callable[[], float] | None = None, *, most_resyncs: int = sys.maxsize
    ) -> None:
        self._clock = clock
        self._most_resyncs = most_resyncs
        self._jitter = jitter or (lambda: random.uniform(0.8, 1.2))  # noqa: S311 -- spreads load, guards nothing
        self._waiting: dict[str, _Entry] = {}
        self._due: set[str] = set()  # those of them whose time has come
        self._later = _Heap(lambda one: one[2] not in self._due and self._waiting.get(one[2]) == one[3])
        self._urgent = _Heap(lambda one: one[2] in self._due and self._waiting[one[2]] == one[3])
        self._oldest = _Heap(lambda one: one[2] in self._due and self._waiting[one[2]] == one[3])
        self._working: dict[str, _Entry | None] = {}
        self._priorities: dict[str, Priority] = {}
        self._failures: dict[str, int] = {}
        self._changed = asyncio.Event()

    def add(self, key: str, priority: Priority, *, after: float = 0.0) -> bool:
        """Puts `key` in line; a key that waits already keeps the earlier time and the more urgent priority.

        A resync brings no news: it does not shorten the backoff of a key that fails. Tells whether there is a look
        more by this, or an earlier one.
        """
        if priority is Priority.RESYNC and key in self._failures and key in self._waiting:
            return False
        entry = _Entry(priority, self._clock() + after)
        before = self._working[key] if key in self._working else self._waiting.get(key)
        merged = _merged(before, entry)
        if key in self._working:
            self._working[key] = merged
        else:
            self._wait(key, merged)
            self._changed.set()
        return before is None or merged.due < before.due

    def _wait(self, key: str, entry: _Entry) -> None:
        if self._waiting.get(key) == entry:
            return
        self._waiting[key] = entry
        if key in self._due:
            self._rank(key, entry)
        else:
            self._later.push(entry.due, key, entry)
        for heap in (self._later, self._urgent, self._oldest):
            heap.tidy(len(self._waiting))

    def _rank(self, key: str, entry: _Entry) -> None:
        self._urgent.push(entry.priority, key, entry)
        self._oldest.push(entry.due, key, entry)

    def _advance(self) -> None:
        """Takes what has become due out of what waits for its time."""
        now = self._clock()
        while (first := self._later.first()) is not None and first[1] <= now:
            _, _, key, entry = first
            self._due.add(key)
            self._rank(key, entry)

    def __contains__(self, key: str) -> bool:
        """Whether it is worked on, or waits for that or for its turn."""
        return key in self._waiting or key in self._working

    def pop(self) -> str | None:
        """The next key that is due, now being worked on; None if nothing is due, or only one resync too many."""
        self._advance()
        if (first := self._urgent.first()) is None:
            return None
        _, due, key, _ = first
        if self._waiting[key].priority is Priority.RESYNC and not self._may_resync(self._clock() - due):
            return None
        self._due.remove(key)
        self._priorities[key] = self._waiting.pop(key).priority
        self._working[key] = None
        return key

    def _may_resync(self, waited: float) -> bool:
        """Whether one more resync may begin, that has been due for so many seconds."""
        resyncs = sum(priority is Priority.RESYNC for priority in self._priorities.values())
        is_alone = resyncs == len(self._priorities)
        return resyncs < (self._most_resyncs if is_alone or waited >= PATIENCE else 1)

    def priority(self, key: str) -> Priority:
        """Of a key that is being worked on: with which it came."""
        return self._priorities[key]

    async def get(self) -> str:
        """Waits for the next key that is due."""
        while (key := self.pop()) is None:
            self._changed.clear()
            first = self._later.first()
            timeout = None if first is None else max(0.0, first[1] - self._clock())
            try:
                async with asyncio.timeout(timeout):
                    await self._changed.wait()
            except TimeoutError:
                continue
        return key

    def done(self, key: str, *, again_in: float | None = None, priority: Priority = Priority.CHILD) -> None:
        """Ends the work on `key` well; looks at it again after `again_in` seconds if given."""
        self._failures.pop(key, None)
        self._release(key, again_in, priority)

    def failed(self, key: str) -> float:
        """Ends the work on `key` badly; returns the seconds until it is tried again."""
        count = self._failures[key] = self._failures.get(key, 0) + 1
        missed = self._working[key]
        if missed is not None and missed.priority is Priority.RESYNC:
            self._working[key] = None
        delay = min(BACKOFF_MOST, BACKOFF_FIRST * 2 ** min(count - 1, DOUBLINGS)) * self._jitter()
        self._release(key, delay, Priority.CHILD)
        return delay

    def _release(self, key: str, again_in: float | None, priority: Priority) -> None:
        missed = self._working.pop(key)
        del self._priorities[key]
        if missed is not None:
            self._wait(key, missed)
        if again_in is not None:
            self.add(key, priority, after=again_in)
        self._changed.set()

    @property
    def depth(self) -> int:
        """Keys that are due and wait for a worker."""
        self._advance()
        return len(self._due)

    @property
    def oldest_age(self) -> float:
        """Seconds that the longest overdue key has waited for a worker."""
        self._advance()
        first = self._oldest.first()
        return 0.0 if first is None else self._clock() - first[1]


def _merged(old: _Entry | None, new: _Entry) -> _Entry:
    if old is None:
        return new
    return _Entry(min(old.priority, new.priority), min(old.due, new.due))
