"""What pages read of listings."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.modules.property.tables import FeedRow, MediaRow, PropertyRow
from rooftree.modules.property.visibility import visible_rows


class PropertyRepository:
    """`everything`: also what the internet must not show; for the brokerage's own people."""

    def __init__(self, session: AsyncSession, *, everything: bool = False) -> None:
        self._session = session
        self._everything = everything

    def _visible(self) -> ColumnElement[bool]:
        return visible_rows(everything=self._everything)

    async def property(self, property_id: UUID) -> PropertyRow | None:
        query = select(PropertyRow).where(self._visible(), PropertyRow.id == property_id)
        return await self._session.scalar(query)

    async def photos(self, property_id: UUID) -> Sequence[MediaRow]:
        query = select(MediaRow).where(MediaRow.property_id == property_id).order_by(MediaRow.number)
        return (await self._session.scalars(query)).all()

    async def photo(self, property_id: UUID, number: int) -> tuple[str, str] | None:
        """Feed and address of a photo of a visible listing."""
        query = (
            select(PropertyRow.feed, MediaRow.url)
            .join(MediaRow, MediaRow.property_id == PropertyRow.id)
            .where(self._visible(), PropertyRow.id == property_id, MediaRow.number == number)
        )
        row = (await self._session.execute(query)).one_or_none()
        return (row[0], row[1]) if row else None

    async def feed(self, name: str) -> FeedRow | None:
        return await self._session.scalar(select(FeedRow).where(FeedRow.name == name))
