"""What pages read of listings."""

from collections.abc import Sequence
from functools import lru_cache
from uuid import UUID

from sqlalchemy import ColumnElement, Select, bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.kernel.auth import Principal
from rooftree.kernel.record_scope import parameters
from rooftree.modules.property.tables import FeedRow, MediaRow, PropertyRow
from rooftree.modules.property.visibility import granted, readable_rows_of


@lru_cache
def _listing(readable: ColumnElement[bool]) -> Select[PropertyRow]:
    """Kept for what was granted: to put its scope together costs more than the rest of the statement."""
    return select(PropertyRow).where(readable, PropertyRow.id == bindparam("property_id"))


class PropertyRepository:
    """Reads what this person may see; without one, what everybody may."""

    def __init__(self, session: AsyncSession, principal: Principal | None) -> None:
        self._session = session
        theirs = granted(principal)
        self._readable = readable_rows_of(theirs)
        self._who = parameters(theirs.read, principal)

    async def property(self, property_id: UUID) -> PropertyRow | None:
        return await self._session.scalar(_listing(self._readable), {**self._who, "property_id": property_id})

    async def photos(self, property_id: UUID) -> Sequence[MediaRow]:
        query = select(MediaRow).where(MediaRow.property_id == property_id).order_by(MediaRow.number)
        return (await self._session.scalars(query)).all()

    async def photo(self, property_id: UUID, number: int) -> tuple[str, str] | None:
        """Feed and address of a photo of a visible listing."""
        query = (
            select(PropertyRow.feed, MediaRow.url)
            .join(MediaRow, MediaRow.property_id == PropertyRow.id)
            .where(self._readable, PropertyRow.id == property_id, MediaRow.number == number)
        )
        row = (await self._session.execute(query, self._who)).one_or_none()
        return (row[0], row[1]) if row else None

    async def feed(self, name: str) -> FeedRow | None:
        return await self._session.scalar(select(FeedRow).where(FeedRow.name == name))
