"""Keeps children that change without end from occupying a worker: somebody else's controller that fights with ours.

What children set off is counted for each key: `BURST` looks at once, then one a second, with the least priority. So the
tenant is still looked at, and costs little; edits, deletions and its turn in a round are never held up.
"""

from collections.abc import Callable
from dataclasses import dataclass

import structlog
from prometheus_client import Counter

from .events import Notice

log = structlog.get_logger(__name__)

BURST = 100.0  # looks: a rollout with all that belongs to it sets off about thirty
RATE = 1.0  # looks a second
STORMS = Counter("rooftree_operator_storms", "Keys whose children changed so often that they had to wait.")
DELAYED = Counter("rooftree_operator_storm_delays", "Looks that children set off and that had to wait.")


@dataclass
class _Bucket:
    left: float
    at: float  # seconds, when `left` was so
    storms: bool = False


class Storms:
    """Buckets of looks by key. `clock` returns seconds, monotonic."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}
        self._untold: dict[str, str] = {}

    def wait(self, key: str) -> float:
        """Seconds until children of `key` may set off a look; 0: now."""
        left = self._bucket(key).left
        return 0.0 if left >= 1.0 else (1.0 - left) / RATE

    def count(self, key: str, child: str) -> None:
        """`child`, in words, has set a look off, which may still wait."""
        bucket = self._bucket(key)
        bucket.left -= 1.0
        if bucket.left >= 0.0:
            return
        DELAYED.inc()
        if not bucket.storms:
            bucket.storms = True
            self._untold[key] = child
            STORMS.inc()
            log.warning("storm", key=key, child=child)

    def forget(self, key: str) -> None:
        """It is gone."""
        self._buckets.pop(key, None)
        self._untold.pop(key, None)

    def news(self, key: str) -> Notice | None:
        """What people are told of a storm, once for each."""
        child = self._untold.pop(key, None)
        if child is None:
            return None
        message = (
            f"{child} and what belongs to it change without end: each change is no longer looked at at once but once a "
            "second. A platform admin must find who changes it: its managedFields name them"
        )
        return Notice("Warning", "ChildrenStorm", message)

    def _bucket(self, key: str) -> _Bucket:
        now = self._clock()
        bucket = self._buckets.setdefault(key, _Bucket(BURST, now))
        bucket.left = min(BURST, bucket.left + (now - bucket.at) * RATE)
        bucket.at = now
        # Over only when it has been calm for long, so that one storm is told once.
        bucket.storms = bucket.storms and bucket.left < BURST
        return bucket
