"""Locks on names of what is not there yet: of two who would make it, one waits until the other's transaction ends."""

from collections.abc import Collection

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

# In the order of the array.
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(name, 0)) FROM unnest(CAST(:names AS text[])) AS name")


async def lock_names(session: AsyncSession, names: Collection[str]) -> None:
    """Until the transaction ends. Each name says first whose it is; all are locked in one order, so nobody waits for
    each other."""
    await session.execute(_LOCK, {"names": sorted(names)})
