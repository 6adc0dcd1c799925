"""What a consumer has handled already, in the transaction of the effect: one effect for each event and consumer."""

from dataclasses import replace

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.kernel.consumers import Received

# A second process with the same event waits here for the first one's transaction.
_TAKE = text("""
    WITH taken AS (
        INSERT INTO events.inbox (consumer, event_id, aggregate_id, sequence)
        VALUES (:consumer, :event_id, :aggregate_id, :sequence)
        ON CONFLICT (consumer, event_id) DO NOTHING RETURNING 1
    )
    SELECT EXISTS (SELECT FROM taken), EXISTS (
        SELECT FROM events.inbox
        WHERE consumer = :consumer AND aggregate_id = :aggregate_id AND sequence > :sequence
    )
""")


async def take(session: AsyncSession, consumer: str, received: Received) -> Received | None:
    """Note the event as handled by this transaction; None when another one has done it."""
    values = {
        "consumer": consumer,
        "event_id": received.id,
        "aggregate_id": received.aggregate_id,
        "sequence": received.sequence,
    }
    taken, late = (await session.execute(_TAKE, values)).one()
    return replace(received, late=late) if taken else None
