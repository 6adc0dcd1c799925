"""Mistakes that the torture must notice, planted into a worker as it starts, or into the tenant's database."""

# pyright: reportPrivateUsage=false
from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
from rooftree.kernel import consumption, inbox, relay
from sqlalchemy import text

if TYPE_CHECKING:
    from bench_tenant import ScratchTenant

_KEY = "ON CONFLICT (consumer, event_id) DO NOTHING"
_UNSENT = b"sent_at IS NULL"
# A relay that keeps the position up to which it has published, as many outboxes do.
_BEYOND = b"position > (SELECT coalesce(max(position), 0) FROM events.outbox WHERE sent_at IS NOT NULL)"


def offset_before_effect() -> None:
    """Messages are done when they have come, as with offsets that are committed by themselves."""
    take = consumption.Consumption._take

    async def hasty(self: Any, consumer: Any, partition: Any, state: Any, records: Any) -> None:
        state.done = records[-1].offset + 1
        await self._commit([partition])
        await take(self, consumer, partition, state, records)

    consumption.Consumption._take = hasty


def inbox_without_key() -> None:
    known = inbox._TAKE.text
    assert _KEY in known
    inbox._TAKE = text(known.replace(_KEY, ""))


def relays_that_skip_locked_rows() -> None:
    """All relays work, each on rows that it locks until they are marked."""
    unsent, mark = relay.Relay._unsent, relay.Relay._mark

    async def nobody_waits(_connection: Any) -> bool:
        return True

    async def lock(self: Any, connection: Any) -> list[Any]:
        await connection.rollback()  # of a batch that Kafka did not take
        await connection.execute(b"BEGIN")
        rows = await unsent(self, connection)
        if not rows:
            await connection.commit()
        return rows

    async def mark_and_unlock(self: Any, connection: Any, rows: Any) -> None:
        await mark(self, connection, rows)
        await connection.commit()

    relay._locked = nobody_waits
    relay._UNSENT += b" FOR UPDATE SKIP LOCKED"
    relay.Relay._unsent = lock
    relay.Relay._mark = mark_and_unlock


def relay_beyond_a_cursor() -> None:
    assert _UNSENT in relay._UNSENT
    relay._UNSENT = relay._UNSENT.replace(_UNSENT, _BEYOND)


BUGS = {
    "offset before effect": offset_before_effect,
    "inbox without key": inbox_without_key,
    "relays that skip locked rows": relays_that_skip_locked_rows,
    "relay beyond a cursor": relay_beyond_a_cursor,
}


def plant_in_database(bug: str, tenant: ScratchTenant) -> None:
    """What of a bug is no code."""
    if bug == "inbox without key":
        with psycopg.connect(tenant.admin_dsn, autocommit=True) as admin:
            admin.execute("ALTER TABLE events.inbox DROP CONSTRAINT inbox_pkey")
