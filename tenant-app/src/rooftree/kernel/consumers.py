"""How modules hear events: plain data, so that nothing of Kafka loads before the app is ready.

A module's name of a consumer is `<module>.<purpose>`; each has a position of its own in the stream. Events of one
aggregate come in order. `Unavailable`, `BadGateway`, `ConnectionError` and `TimeoutError` mean that something is away:
the event is tried until it works. Any other error is tried a few times; then the event goes to the dead letters, and
later ones go on.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.kernel.events import IntegrationEvent

BATCH_SIZE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """An event with what its envelope tells."""

    id: UUID
    event: IntegrationEvent
    aggregate_id: UUID
    sequence: int
    """Counts the events of the aggregate, from 1 without gaps."""
    time: datetime
    actor_id: str
    traceparent: str | None = None
    late: bool = False
    """This consumer has handled a later event of the aggregate already: this one is a replayed dead letter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumer:
    """Has an effect in this database exactly once for each event: `handle` shares the transaction of its inbox row."""

    name: str
    types: tuple[type[IntegrationEvent], ...]
    handle: Callable[[AsyncSession, Received], Awaitable[None]]
    """Must not commit. What it does elsewhere may happen twice; queue a job in `session` instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """Keeps a copy elsewhere. `apply` gets up to 500 events, possibly again: it must be idempotent by versions."""

    name: str
    types: tuple[type[IntegrationEvent], ...]
    apply: Callable[[Sequence[Received]], Awaitable[None]]


Subscriber = Consumer | Projection
