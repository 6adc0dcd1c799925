"""When each alert began to fire, and since when it had been pending; and which of them a fault has made fire."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx2

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

EVERY = 2.0  # seconds between two looks
_Key = tuple[str, frozenset[tuple[str, str]]]


@dataclass(frozen=True)
class Seen:
    """An alert that has begun to fire; times are Unix seconds, as exact as looks are frequent."""

    alert: str
    labels: Mapping[str, str]
    active_at: float
    firing_at: float


class Watch:
    """Looks at the alerts for as long as the block lasts. `ask` gives them as Prometheus does."""

    def __init__(self, ask: Callable[[], list[dict[str, Any]]], clock: Callable[[], float] = time.time) -> None:
        self._ask = ask
        self._clock = clock
        self._active: dict[_Key, float] = {}
        self._firing: set[_Key] = set()
        self._seen: list[Seen] = []
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join()

    def look(self) -> None:
        """Notes what has begun since the last look. Raises `httpx2.HTTPError` without an answer."""
        now, active, firing = self._clock(), dict[_Key, float](), set[_Key]()
        for one in self._ask():
            labels = dict(one["labels"])
            name = labels.pop("alertname")
            key = (name, frozenset(labels.items()))
            active[key] = self._active.get(key, now)
            if one["state"] == "firing":
                firing.add(key)
                if key not in self._firing:
                    self._seen.append(Seen(name, labels, active[key], now))
        self._active, self._firing = active, firing

    def fired(self, alert: str, labels: Mapping[str, str], since: float) -> Seen | None:
        """The first one with at least these labels that began to fire after `since`: one that fired before is none."""
        for one in list(self._seen):
            if one.alert == alert and labels.items() <= one.labels.items() and one.firing_at >= since:
                return one
        return None

    def state(self, alert: str) -> str:
        """What is so of an alert now, in words, for whoever waits in vain."""
        firing = [dict(labels) for name, labels in self._firing if name == alert]
        pending = [dict(labels) for name, labels in self._active.keys() - self._firing if name == alert]
        return f"fires for {firing}, is pending for {pending}"

    def _run(self) -> None:
        while not self._ends.wait(EVERY):
            with suppress(httpx2.HTTPError):
                self.look()
