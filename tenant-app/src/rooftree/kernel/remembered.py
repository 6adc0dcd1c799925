"""What the database said a moment ago of what nearly every request asks, such as whether a session still stands.

Asked at most once a second for each key and process, so a change made elsewhere counts within that second. While the
database is away nothing can be changed either: what is known is then good for longer, and the database is left alone
for some seconds between two questions, each of which costs a request its time limit. What is not known cannot be
answered.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

from rooftree.kernel.clock import Clock
from rooftree.kernel.errors import Unavailable

FRESH = timedelta(seconds=1)
PATIENCE = timedelta(seconds=5)
_MOST = 5_000  # answers of about 1 KiB
K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class _Known(Generic[V]):
    answer: V
    asked_at: datetime

    def is_younger(self, age: timedelta, now: datetime) -> bool:
        return timedelta(0) <= now - self.asked_at < age


class Remembered(Generic[K, V]):
    """`while_away`: how long an answer is good at most while the database cannot be asked. `most`: answers kept.

    `absences`: whether None is one. Not where strangers choose the keys: theirs would drive out those that matter.
    """

    def __init__(self, clock: Clock, *, while_away: timedelta, most: int = _MOST, absences: bool = True) -> None:
        self._clock = clock
        self._while_away = while_away
        self._most = most
        self._absences = absences
        self._known: dict[K, _Known[V]] = {}
        self._ask_after = datetime.min.replace(tzinfo=UTC)

    def forget(self, is_meant: Callable[[K, V], bool]) -> None:
        """Something changed in this process, which shall notice at once. All others must keep what holds for them:
        the database may be away the next moment.
        """
        for key in [key for key, known in self._known.items() if is_meant(key, known.answer)]:
            del self._known[key]

    def knows(self, key: K) -> bool:
        """Whether there was an answer, however long ago."""
        return key in self._known

    async def of(self, key: K, ask: Callable[[K], Awaitable[V]]) -> V:
        """What is known of `key`, else the answer to `ask`. Raises `Unavailable` when that cannot be known."""
        now, known = self._clock.now(), self._known.get(key)
        if known is not None and known.is_younger(FRESH if now >= self._ask_after else self._while_away, now):
            return known.answer
        try:
            answer = await ask(key)
        except Unavailable:
            self._ask_after = self._clock.now() + PATIENCE
            if known is None or not known.is_younger(self._while_away, now):
                raise
            return known.answer
        self._ask_after = now
        self._keep(key, answer, now)
        return answer

    def _keep(self, key: K, answer: V, now: datetime) -> None:
        if answer is None and not self._absences:
            self._known.pop(key, None)
            return
        if len(self._known) >= self._most:
            self._known.clear()
        self._known[key] = _Known(answer, now)
