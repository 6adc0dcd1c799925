"""SQL of own photos."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.kernel.auth import Principal
from rooftree.modules.property.tables import PhotoRow, PropertyRow
from rooftree.modules.property.visibility import readable_rows

_KEPT = and_(PhotoRow.removed_at.is_(None), PhotoRow.state != "uploading")


class OwnPhotos:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def of(self, property_id: UUID) -> Sequence[PhotoRow]:
        """A listing's photos in their order, those that were removed apart."""
        query = select(PhotoRow).where(PhotoRow.property_id == property_id, _KEPT)
        return (await self._session.scalars(query.order_by(PhotoRow.position, PhotoRow.id))).all()

    async def first_of(self, property_ids: Collection[UUID]) -> dict[UUID, PhotoRow]:
        """The first photo to show of each listing that has one."""
        query = (
            select(PhotoRow)
            .where(PhotoRow.property_id.in_(property_ids), _KEPT, PhotoRow.state == "ready")
            .ext(distinct_on(PhotoRow.property_id))
            .order_by(PhotoRow.property_id, PhotoRow.position, PhotoRow.id)
        )
        return {row.property_id: row for row in await self._session.scalars(query)}

    async def pictured(self, property_ids: Collection[UUID]) -> set[UUID]:
        """Which of these listings have or had a photo, be it that its files are still to be removed."""
        query = select(PhotoRow.property_id).where(PhotoRow.property_id.in_(property_ids)).distinct()
        return set(await self._session.scalars(query))

    async def readable(self, principal: Principal, photo_id: UUID) -> tuple[PhotoRow, PropertyRow] | None:
        """A photo of a listing that the person may see, also a removed one."""
        query = (
            select(PhotoRow, PropertyRow)
            .join(PropertyRow, PropertyRow.id == PhotoRow.property_id)
            .where(readable_rows(principal), PhotoRow.id == photo_id, PhotoRow.state != "uploading")
        )
        found = (await self._session.execute(query)).one_or_none()
        return (found[0], found[1]) if found else None

    async def add(self, photo_id: UUID, property_id: UUID, *, description: str | None, now: datetime) -> int:
        """A photo that is about to be stored, after all others. Returns how many the listing has then.

        Removed ones count for the place, so that a restored one comes back where it was.
        """
        mine = PhotoRow.property_id == property_id
        query = select(
            func.coalesce(func.max(PhotoRow.position), 0), func.count().filter(PhotoRow.removed_at.is_(None))
        )
        last, count = (await self._session.execute(query.where(mine))).one()
        self._session.add(
            PhotoRow(
                id=photo_id,
                property_id=property_id,
                position=last + 1,
                description=description,
                state="uploading",
                created_at=now,
            )
        )
        return count + 1

    async def locked(self, photo_id: UUID) -> PhotoRow | None:
        query = select(PhotoRow).where(PhotoRow.id == photo_id).with_for_update()
        return await self._session.scalar(query.execution_options(populate_existing=True))

    async def listing_of(self, photo_id: UUID) -> UUID | None:
        return await self._session.scalar(select(PhotoRow.property_id).where(PhotoRow.id == photo_id))

    async def change(self, photo_id: UUID, **values: object) -> None:
        await self._session.execute(update(PhotoRow).where(PhotoRow.id == photo_id).values(values))

    async def place(self, photo_ids: Sequence[UUID]) -> None:
        """Put them into this order."""
        for position, photo_id in enumerate(photo_ids, start=1):
            await self.change(photo_id, position=position)

    async def forget(self, photo_ids: Collection[UUID]) -> None:
        await self._session.execute(delete(PhotoRow).where(PhotoRow.id.in_(photo_ids)))

    async def due(self, *, removed_before: datetime, begun_before: datetime, limit: int) -> Sequence[UUID]:
        """Photos whose files nobody needs: removed long ago, of a listing that was, or never wholly received."""
        query = (
            select(PhotoRow.id)
            .join(PropertyRow, PropertyRow.id == PhotoRow.property_id)
            .where(
                or_(
                    PhotoRow.removed_at < removed_before,
                    PropertyRow.removed_at < removed_before,
                    and_(PhotoRow.state == "uploading", PhotoRow.created_at < begun_before),
                )
            )
            .order_by(PhotoRow.id)
            .limit(limit)
        )
        return (await self._session.scalars(query)).all()

    async def waiting(self, *, since: datetime) -> Sequence[UUID]:
        """Photos that should have their renditions by now."""
        query = select(PhotoRow.id).where(PhotoRow.state == "processing", PhotoRow.created_at < since)
        return (await self._session.scalars(query)).all()
