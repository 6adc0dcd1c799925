"""SQL of history: what happened to prices and statuses, and which fields an edit changed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.kernel.ids import new_id
from rooftree.modules.property.listing_status import HistoryField, change_type
from rooftree.modules.property.market_time import Move
from rooftree.modules.property.tables import EditRow, HistoryRow

KEPT_EDITS = 200  # of each listing; who has an older version learns that it changed, but not where


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """A change for the history."""

    property_id: UUID
    change_type: str
    field: HistoryField
    from_value: str | None
    to_value: str | None
    reason: str | None = None


def differences(property_id: UUID, before: Any, after: Any, *, reason: str | None = None) -> list[Happened]:
    """What of two states of a listing belongs into its history; both have its columns."""
    status = change_type(before.standard_status, after.standard_status)
    found: list[Happened] = []
    if before.standard_status != after.standard_status:
        found.append(
            Happened(
                property_id=property_id,
                change_type=status,
                field="standard_status",
                from_value=before.standard_status,
                to_value=after.standard_status,
                reason=reason,
            )
        )
    prices: tuple[tuple[HistoryField, str], ...] = (("list_price", "Price Change"), ("close_price", status))
    for field, kind in prices:
        old, new = getattr(before, field), getattr(after, field)
        if old != new:
            found.append(
                Happened(
                    property_id=property_id,
                    change_type=kind,
                    field=field,
                    from_value=None if old is None else str(old),
                    to_value=None if new is None else str(new),
                    reason=reason,
                )
            )
    return found


class HistoryRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, happened: Sequence[Happened], *, at: datetime, actor: UUID | None) -> None:
        if happened:
            rows = [asdict(one) | {"id": new_id(), "at": at, "actor_id": actor} for one in happened]
            await self._session.execute(insert(HistoryRow), rows)

    async def page(self, property_id: UUID, *, limit: int, before: UUID | None) -> tuple[Sequence[HistoryRow], int]:
        """Newest first; `before` is the last one of the page before. With how many there are."""
        mine = HistoryRow.property_id == property_id
        query = select(HistoryRow).where(mine).order_by(HistoryRow.id.desc()).limit(limit)
        if before is not None:
            query = query.where(HistoryRow.id < before)
        total = await self._session.execute(select(func.count()).select_from(HistoryRow).where(mine))
        return (await self._session.scalars(query)).all(), total.scalar_one()

    async def moves(self, property_ids: Collection[UUID]) -> Mapping[UUID, list[Move]]:
        """Changes of status by listing, in their order."""
        query = (
            select(HistoryRow.property_id, HistoryRow.at, HistoryRow.to_value)
            .where(HistoryRow.property_id.in_(property_ids), HistoryRow.field == "standard_status")
            .order_by(HistoryRow.id)
        )
        found: dict[UUID, list[Move]] = {}
        for property_id, at, status in await self._session.execute(query):
            found.setdefault(property_id, []).append(Move(at, str(status)))
        return found

    # -- edits --------------------------------------------------------------------------------------------------------

    async def add_edit(
        self, property_id: UUID, revision: int, fields: Collection[str], *, at: datetime, actor: UUID
    ) -> None:
        self._session.add(
            EditRow(property_id=property_id, revision=revision, at=at, actor_id=actor, fields=sorted(fields))
        )
        old = EditRow.revision <= revision - KEPT_EDITS
        await self._session.execute(delete(EditRow).where(EditRow.property_id == property_id, old))

    async def add_first_edits(
        self, edits: Sequence[tuple[UUID, int, Collection[str]]], *, at: datetime, actor: UUID
    ) -> None:
        """Of listings that are new: id, revision and fields of each."""
        rows = [
            {"property_id": one, "revision": revision, "at": at, "actor_id": actor, "fields": sorted(fields)}
            for one, revision, fields in edits
        ]
        if rows:
            await self._session.execute(insert(EditRow), rows)

    async def edits_after(self, property_id: UUID, revision: int) -> Sequence[EditRow]:
        query = select(EditRow).where(EditRow.property_id == property_id, EditRow.revision > revision)
        return (await self._session.scalars(query.order_by(EditRow.revision))).all()

    async def last_edit(self, property_id: UUID) -> EditRow | None:
        query = select(EditRow).where(EditRow.property_id == property_id)
        return await self._session.scalar(query.order_by(EditRow.revision.desc()).limit(1))
