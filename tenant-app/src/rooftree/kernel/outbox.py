"""Where events wait, in the transaction of what they tell, until the relay has published them.

The sequence of an aggregate is a row that its transaction locks: numbers are gapless, and a second transaction waits
for the first before it draws its numbers and positions. So `position` orders the events of one aggregate even though
it says nothing about when a transaction committed.
"""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.kernel import events
from rooftree.kernel.auth import acting
from rooftree.kernel.events import IntegrationEvent
from rooftree.kernel.ids import new_id
from rooftree.kernel.telemetry import current_traceparent

CHANNEL = "events_outbox"
# An event is a fact, not a document; the relay holds 500 of them at a time.
MAX_EVENT_BYTES = 64 * 1024

# Aggregates are locked in the order of their ids, so that two batches never wait for each other.
_ADD = text(f"""
    WITH given AS (
        SELECT * FROM unnest(
            CAST(:ids AS uuid[]), CAST(:aggregates AS uuid[]), CAST(:types AS text[]), CAST(:data AS text[])
        ) WITH ORDINALITY AS given (id, aggregate_id, type, data, place)
    ), counted AS (
        INSERT INTO events.sequences AS known (aggregate_id, last)
        SELECT aggregate_id, count(*) FROM given GROUP BY aggregate_id ORDER BY aggregate_id
        ON CONFLICT (aggregate_id) DO UPDATE SET last = known.last + excluded.last
        RETURNING aggregate_id, last
    ), numbered AS (
        SELECT given.*, counted.last - count(*) OVER (PARTITION BY aggregate_id)
            + row_number() OVER (PARTITION BY aggregate_id ORDER BY place) AS sequence
        FROM given JOIN counted USING (aggregate_id)
    ), stored AS (
        INSERT INTO events.outbox (id, aggregate_id, sequence, type, data, actor_id, traceparent)
        SELECT id, aggregate_id, sequence, type, data, :actor_id, :traceparent FROM numbered ORDER BY place
    )
    SELECT pg_notify('{CHANNEL}', '')
""")  # noqa: S608 - a constant


class Outbox:
    """How modules publish."""

    async def add(self, session: AsyncSession, published: Sequence[IntegrationEvent]) -> None:
        """Publish with the caller's transaction, in this order. Raises `ValueError` for an event over 64 KiB.

        Holds the aggregates' sequences until the transaction ends: add near its end.
        """
        if not published:
            return
        data = [events.dump(event) for event in published]
        for event, content in zip(published, data, strict=True):
            if len(content.encode()) > MAX_EVENT_BYTES:
                raise ValueError(f"{event.type} of {event.aggregate_id} is larger than {MAX_EVENT_BYTES} bytes")
        values = {
            "ids": [new_id() for _ in published],
            "aggregates": [event.aggregate_id for event in published],
            "types": [event.type for event in published],
            "data": data,
            "actor_id": acting.get(),
            "traceparent": current_traceparent(),
        }
        await session.execute(_ADD, values)
