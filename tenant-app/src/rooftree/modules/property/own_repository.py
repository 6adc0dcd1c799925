"""SQL of own listings: made, locked for a change, listed for those who edit them. Visibility: `visibility`."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, TypeVarTuple, cast
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    Table,
    Text,
    bindparam,
    delete,
    func,
    insert,
    literal,
    select,
    text,
    true,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.kernel.auth import Principal
from rooftree.kernel.name_locks import lock_names
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

    async def next_keys(self, count: int) -> list[str]:
        """ListingKeys that nobody had before."""
        numbers = text("SELECT nextval('property.listing_numbers') FROM generate_series(1, :count)")
        return [f"RT-{number:06d}" for number in await self._session.scalars(numbers, {"count": count})]

    async def lock_keys(self, keys: Collection[str]) -> None:
        """Who else brings one of them waits until this transaction ends: two files at once make one listing."""
        await lock_names(self._session, {f"property.listing {key}" for key in keys})

    async def by_keys(self, keys: Collection[str], *, lock: bool) -> dict[str, PropertyRow]:
        """Own listings that have one of these, whosever they are and also deleted ones."""
        query = select(PropertyRow).where(PropertyRow.feed == OWN_FEED, PropertyRow.listing_key.in_(keys))
        query = query.order_by(PropertyRow.id)
        return {row.listing_key: row for row in await self._session.scalars(_locking(query) if lock else query)}

    async def store(self, row: PropertyRow) -> None:
        """A new or changed row, with the words that it is found by."""
        for name, value in _found_by(*_words(row)).items():
            setattr(row, name, value)
        self._session.add(row)
        await self._session.flush()

    async def add_all(self, rows: Sequence[PropertyRow]) -> None:
        """New ones in one go; the rows are copied, not kept."""
        if not rows:
            return
        weights = ("words_a", "words_b", "words_c")
        computed = _found_by(*(bindparam(name, type_=Text()) for name in weights))
        table = cast("Table", PropertyRow.__table__)
        columns = [column.key for column in table.columns if column.key not in computed]
        values = [
            {name: getattr(row, name) for name in columns} | dict(zip(weights, _words(row), strict=True))
            for row in rows
        ]
        await self._session.execute(insert(table).values(computed), values)

    async def remove(self, property_ids: Collection[UUID]) -> None:
        """For good, with all that hangs on them."""
        await self._session.execute(delete(PropertyRow).where(PropertyRow.id.in_(property_ids)))

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

    async def by_ids(self, property_ids: Collection[UUID]) -> Sequence[PropertyRow]:
        """Likewise; those that are still there."""
        query = select(PropertyRow).where(PropertyRow.id.in_(property_ids)).order_by(PropertyRow.id)
        return (await self._session.scalars(_locking(query))).all()

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
        conditions = _mine(principal, statuses)
        total = await self.count(principal, statuses)
        place = (PropertyRow.modification_timestamp, PropertyRow.id)
        query = select(PropertyRow).where(*conditions).order_by(*(column.desc() for column in place)).limit(limit)
        if after is not None:
            query = query.where(tuple_(*place) < tuple_(literal(after[0]), literal(after[1])))
        return (await self._session.scalars(query)).all(), total

    async def count(self, principal: Principal, statuses: Sequence[str]) -> int:
        """How many `mine` are."""
        query = select(func.count()).select_from(PropertyRow).where(*_mine(principal, statuses))
        return (await self._session.execute(query)).scalar_one()

    async def made(
        self, principal: Principal, statuses: Sequence[str], *, limit: int, after: UUID | None
    ) -> Sequence[PropertyRow]:
        """Of `mine` those after this one, in the order in which they were made."""
        query = select(PropertyRow).where(*_mine(principal, statuses)).order_by(PropertyRow.id).limit(limit)
        return (await self._session.scalars(query if after is None else query.where(PropertyRow.id > after))).all()


def _mine(principal: Principal, statuses: Sequence[str]) -> list[ColumnElement[bool]]:
    return [editable_rows(principal), *([PropertyRow.standard_status.in_(statuses)] if statuses else [])]


def _words(row: PropertyRow) -> tuple[str, str, str]:
    """What it is found by, from what tells most to what tells least."""
    kinds = kind_text(row.property_type, row.property_sub_type, row.city, row.details)
    return search_text(row.unparsed_address, row.details, row.listing_key), kinds, row.details["public_remarks"] or ""


def _found_by(words: Any, kinds: Any, remarks: Any) -> dict[str, ColumnElement[Any]]:
    """Columns of search."""
    document = _weighed(words, "A").op("||")(_weighed(kinds, "B")).op("||")(_weighed(remarks, "C"))
    return {"search_text": func.lower(func.unaccent(words)), "search_document": document}


def _locking(query: Select[*_Ts]) -> Select[*_Ts]:
    # Also what this session read before: until now another transaction may have changed it.
    return query.with_for_update(of=PropertyRow).execution_options(populate_existing=True)


def _weighed(words: Any, weight: str) -> ColumnElement[Any]:
    return func.setweight(func.to_tsvector(_LANGUAGE, func.unaccent(words)), text(f"'{weight}'"))
