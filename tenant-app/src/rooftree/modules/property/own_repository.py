"""SQL of own listings: made, locked for a change, listed for those who edit them. Visibility: `visibility`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVarTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, literal, select, text, true, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.kernel.auth import Principal
from rooftree.modules.property.domain import HIDDEN_STATUSES, kind_text, search_text
from rooftree.modules.property.listing_status import CLOSED
from rooftree.modules.property.rights import OWN_FEED
from rooftree.modules.property.tables import PropertyRow
from rooftree.modules.property.visibility import editable_rows, readable_rows

_Ts = TypeVarTuple("_Ts")
_LANGUAGE = text("'english'")


class OwnListings:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def next_key(self) -> str:
        """A ListingKey that nobody had before."""
        number = await self._session.execute(text("SELECT nextval('property.listing_numbers')"))
        return f"RT-{number.scalar_one():06d}"

    async def store(self, row: PropertyRow) -> None:
        """A new or changed row, with the words that it is found by."""
        words = search_text(row.unparsed_address, row.details, row.listing_key)
        kinds = kind_text(row.property_type, row.property_sub_type, row.city, row.details)
        row.search_text = func.lower(func.unaccent(words))
        row.search_document = (
            _weighed(words, "A").op("||")(_weighed(kinds, "B")).op("||")(_weighed(row.details["public_remarks"], "C"))
        )
        self._session.add(row)
        await self._session.flush()

    async def locked(self, principal: Principal, property_id: UUID) -> tuple[PropertyRow, bool] | None:
        """The listing, of a feed or own, if the person may see it, and whether they may edit it now.

        Nobody else changes it before this ends.
        """
        # Never NULL, as it would be for a listing without an agent.
        theirs = editable_rows(principal).is_(true())
        query = select(PropertyRow, theirs).where(readable_rows(principal), PropertyRow.id == property_id)
        row = (await self._session.execute(_locking(query))).one_or_none()
        return (row[0], row[1]) if row else None

    async def by_id(self, property_id: UUID) -> PropertyRow | None:
        """For work that no person does now; locked likewise."""
        return await self._session.scalar(_locking(select(PropertyRow).where(PropertyRow.id == property_id)))

    async def elsewhere(self, agent_id: UUID, office_id: UUID) -> Sequence[PropertyRow]:
        """Listings of this agent that are not over and belong to another office, locked."""
        query = select(PropertyRow).where(
            PropertyRow.feed == OWN_FEED,
            PropertyRow.removed_at.is_(None),
            PropertyRow.list_agent_id == agent_id,
            PropertyRow.list_office_id.is_distinct_from(office_id),
            PropertyRow.standard_status != CLOSED,
        )
        return (await self._session.scalars(_locking(query.order_by(PropertyRow.id)))).all()

    async def same_home(self, row: PropertyRow) -> Sequence[UUID]:
        """Earlier own listings at the same address, latest first."""
        query = (
            select(PropertyRow.id)
            .where(
                PropertyRow.feed == OWN_FEED,
                PropertyRow.standard_status.not_in(HIDDEN_STATUSES),
                PropertyRow.id < row.id,
                func.lower(PropertyRow.unparsed_address) == row.unparsed_address.lower(),
                PropertyRow.city.is_not_distinct_from(row.city),
                PropertyRow.postal_code.is_not_distinct_from(row.postal_code),
            )
            .order_by(PropertyRow.id.desc())
        )
        return (await self._session.scalars(query)).all()

    async def mine(
        self, principal: Principal, statuses: Sequence[str], *, limit: int, after: tuple[datetime, UUID] | None
    ) -> tuple[Sequence[PropertyRow], int]:
        """What the person may edit, newest change first, and how many that are."""
        conditions: list[ColumnElement[bool]] = [editable_rows(principal)]
        if statuses:
            conditions.append(PropertyRow.standard_status.in_(statuses))
        total = await self._session.execute(select(func.count()).select_from(PropertyRow).where(*conditions))
        place = (PropertyRow.modification_timestamp, PropertyRow.id)
        query = select(PropertyRow).where(*conditions).order_by(*(column.desc() for column in place)).limit(limit)
        if after is not None:
            query = query.where(tuple_(*place) < tuple_(literal(after[0]), literal(after[1])))
        return (await self._session.scalars(query)).all(), total.scalar_one()


def _locking(query: Select[*_Ts]) -> Select[*_Ts]:
    # Also what this session read before: until now another transaction may have changed it.
    return query.with_for_update(of=PropertyRow).execution_options(populate_existing=True)


def _weighed(words: str | None, weight: str) -> ColumnElement[Any]:
    return func.setweight(func.to_tsvector(_LANGUAGE, func.unaccent(words or "")), text(f"'{weight}'"))
