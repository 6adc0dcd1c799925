"""What searches and pages read of listings."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from rooftree.modules.property.domain import HIDDEN_STATUSES
from rooftree.modules.property.search import Position, Search, Sort
from rooftree.modules.property.tables import FeedRow, MediaRow, PropertyRow
from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    exists,
    func,
    literal,
    or_,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import REGCONFIG
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.elements import SQLCoreOperations

SORT_KEYS: dict[str, SQLCoreOperations[Any]] = {
    "list_price": PropertyRow.list_price,
    "modified": PropertyRow.modification_timestamp,
    "area": func.coalesce(PropertyRow.living_area, 0),
}
LANGUAGE = literal("english").cast(REGCONFIG)


@dataclass(frozen=True, slots=True)
class Found:
    """A listing as lists show it, with its first photo if it has one."""

    row: PropertyRow
    photo: MediaRow | None

    def position(self, sort: Sort) -> Position:
        match sort.lstrip("-"):
            case "list_price":
                return Position(self.row.list_price, self.row.id)
            case "area":
                return Position(self.row.living_area or 0, self.row.id)
            case _:
                return Position(self.row.modification_timestamp, self.row.id)


class PropertyRepository:
    """`everything`: also what the internet must not show; for the brokerage's own people."""

    def __init__(self, session: AsyncSession, *, everything: bool = False) -> None:
        self._session = session
        self._everything = everything

    def _visible(self) -> ColumnElement[bool]:
        """The one visibility rule; every read of listings goes through it."""
        shown = and_(PropertyRow.removed_at.is_(None), PropertyRow.standard_status.not_in(HIDDEN_STATUSES))
        return shown if self._everything else and_(shown, PropertyRow.internet_display)

    # -- reading ------------------------------------------------------------------------------------------------------

    async def search(self, wanted: Search, *, sort: Sort, limit: int, after: Position | None) -> Sequence[Found]:
        query = self.search_query(wanted, sort=sort, limit=limit, after=after)
        return [Found(row, photo) for row, photo in await self._session.execute(query)]

    def search_query(
        self, wanted: Search, *, sort: Sort, limit: int, after: Position | None
    ) -> Select[PropertyRow, MediaRow]:
        key, falling = SORT_KEYS[sort.lstrip("-")], sort.startswith("-")
        query = (
            select(PropertyRow, MediaRow)
            .outerjoin(MediaRow, and_(MediaRow.property_id == PropertyRow.id, MediaRow.number == 1))
            .where(self._visible(), *self._conditions(wanted))
        )
        if after is not None:
            here, there = tuple_(key, PropertyRow.id), tuple_(literal(after.value), literal(after.id))
            query = query.where(here < there if falling else here > there)
        order = (key.desc(), PropertyRow.id.desc()) if falling else (key, PropertyRow.id)
        return query.order_by(*order).limit(limit)

    async def count(self, wanted: Search) -> int:
        query = select(func.count()).select_from(PropertyRow).where(self._visible(), *self._conditions(wanted))
        return (await self._session.execute(query)).scalar_one()

    def _conditions(self, wanted: Search) -> Iterable[ColumnElement[bool]]:
        for column, (low, high) in (
            (PropertyRow.list_price, wanted.list_price),
            (PropertyRow.living_area, wanted.living_area),
            (PropertyRow.bedrooms_total, (wanted.min_bedrooms, None)),
            (PropertyRow.bathrooms_total, (wanted.min_bathrooms, None)),
        ):
            if low is not None:
                yield column >= low
            if high is not None:
                yield column <= high
        if wanted.sub_types:
            yield PropertyRow.property_sub_type.in_(wanted.sub_types)
        if wanted.statuses:
            yield PropertyRow.standard_status.in_(wanted.statuses)
        if wanted.text:
            yield self._matches(wanted.text, forgiving=wanted.is_forgiving)

    def _matches(self, words: str, *, forgiving: bool) -> ColumnElement[bool]:
        plain = func.unaccent(words)
        exact = PropertyRow.search_document.bool_op("@@")(func.websearch_to_tsquery(LANGUAGE, plain))
        if not forgiving:
            return exact
        # Asked once for the whole query, not for every row: it does not refer to the outer row.
        none_exact = ~exists(select(literal(1)).select_from(PropertyRow).where(self._visible(), exact).correlate(None))
        near = func.lower(plain).bool_op("<%")(PropertyRow.search_text)
        return or_(exact, and_(none_exact, near))

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
