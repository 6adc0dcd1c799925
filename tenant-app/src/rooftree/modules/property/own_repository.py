"""SQL of own listings: made, locked for a change, listed for those who edit them. Visibility: `visibility`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, literal, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.kernel.auth import Principal
from rooftree.modules.property.domain import HIDDEN_STATUSES, kind_text, search_text
from rooftree.modules.property.rights import OWN_FEED
from rooftree.modules.property.tables import PropertyRow
from rooftree.modules.property.visibility import editable_rows, readable_rows

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

    async def locked(self, principal: Principal, property_id: UUID) -> PropertyRow | None:
        """The listing, of a feed or own, if the person may see it; nobody else changes it before this ends."""
        query = select(PropertyRow).where(readable_rows(principal), PropertyRow.id == property_id)
        return await self._session.scalar(query.with_for_update())

    async def by_id(self, property_id: UUID) -> PropertyRow | None:
        """For work that no person does now; locked likewise."""
        query = select(PropertyRow).where(PropertyRow.id == property_id).with_for_update()
        return await self._session.scalar(query)

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


def _weighed(words: str | None, weight: str) -> ColumnElement[Any]:
    return func.setweight(func.to_tsvector(_LANGUAGE, func.unaccent(words or "")), text(f"'{weight}'"))
