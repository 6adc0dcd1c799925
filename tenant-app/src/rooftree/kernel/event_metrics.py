"""Whether events flow: how much waits in the outbox, how far consumers are behind, what became a dead letter."""

import time
from collections.abc import Iterable
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge


class EventMetrics:
    """The outbox is told by the one process whose relay works, a consumer's lag by the one that has its partitions."""

    def __init__(self, registry: CollectorRegistry, consumers: Iterable[str]) -> None:
        self._oldest: float | None = None
        self._unsent = Gauge("rooftree_outbox_unsent", "Events not published yet.", registry=registry)
        oldest = Gauge("rooftree_outbox_oldest_seconds", "Age of the oldest of them, or 0.", registry=registry)
        # Computed when asked, so that it also grows while the relay hangs.
        oldest.set_function(self._age)
        self._relay = Gauge("rooftree_relay_working", "1 where the tenant's one relay works.", registry=registry)
        self.published = Counter("rooftree_events_published", "Events sent to Kafka.", registry=registry)
        self._lag = Gauge(
            "rooftree_consumer_lag", "Messages a consumer has before it.", ["consumer"], registry=registry
        )
        self._dead = Counter(
            "rooftree_dead_letters", "Events that a consumer could not handle.", ["consumer"], registry=registry
        )
        for consumer in consumers:
            self._lag.labels(consumer).set(0)
            self._dead.labels(consumer)

    def relay(self, works: bool) -> None:
        """Whether it is this process that publishes."""
        self._relay.set(works)
        if not works:
            self.outbox(0, None)

    def outbox(self, unsent: int, oldest: datetime | None) -> None:
        """What waits now."""
        self._unsent.set(unsent)
        self._oldest = oldest.timestamp() if oldest is not None else None

    def _age(self) -> float:
        return max(0.0, time.time() - self._oldest) if self._oldest is not None else 0.0

    def lag(self, consumer: str, messages: int) -> None:
        self._lag.labels(consumer).set(messages)

    def dead_letter(self, consumer: str) -> None:
        self._dead.labels(consumer).inc()
