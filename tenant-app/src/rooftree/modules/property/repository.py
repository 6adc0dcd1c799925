"""All SQL of property: what the import writes, what searches and pages read."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    cast,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import REGCONFIG, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.elements import SQLCoreOperations

from rooftree.kernel.ids import new_id
from rooftree.modules.property.domain import HIDDEN_STATUSES, Listing, Rejected
from rooftree.modules.property.search import Position, Search, Sort
from rooftree.modules.property.tables import FeedRow, MediaRow, PropertyRow, RejectionRow

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

    async def feed(self, name: str, *, lock: bool = False) -> FeedRow | None:
        query = select(FeedRow).where(FeedRow.name == name)
        return await self._session.scalar(query.with_for_update() if lock else query)

    async def feeds(self) -> dict[str, FeedRow]:
        return {row.name: row for row in await self._session.scalars(select(FeedRow))}

    async def counts(self) -> tuple[dict[str, int], dict[str, int]]:
        """Listings and rejections stored, by feed."""
        listings = select(PropertyRow.feed, func.count()).group_by(PropertyRow.feed)
        rejected = select(RejectionRow.feed, func.count()).group_by(RejectionRow.feed)
        results = [(await self._session.execute(query)).all() for query in (listings, rejected)]
        first, second = ({row[0]: row[1] for row in rows} for rows in results)
        return first, second

    async def rejections(self, feed: str, *, limit: int, after: int) -> tuple[Sequence[RejectionRow], int]:
        """A page in the order in which they were first seen, and how many there are."""
        mine = RejectionRow.feed == feed
        page = select(RejectionRow).where(mine, RejectionRow.id > after).order_by(RejectionRow.id).limit(limit)
        total = await self._session.execute(select(func.count()).select_from(RejectionRow).where(mine))
        return (await self._session.scalars(page)).all(), total.scalar_one()

    # -- importing ----------------------------------------------------------------------------------------------------

    async def save_feed(self, name: str, **values: Any) -> None:
        """Create or change the feed's row."""
        statement = insert(FeedRow).values(name=name, **values)
        await self._session.execute(statement.on_conflict_do_update(index_elements=[FeedRow.name], set_=values))

    async def advance(self, name: str, *, checkpoint: str | None, to: str | None) -> bool:
        """Move the feed's checkpoint. False if it is not where the caller left it: another run is at work."""
        moved = await self._session.scalars(
            update(FeedRow)
            .where(FeedRow.name == name, FeedRow.checkpoint.is_not_distinct_from(checkpoint))
            .values(checkpoint=to)
            .returning(FeedRow.name)
        )
        return moved.one_or_none() is not None

    async def finish(self, name: str, *, now: datetime) -> None:
        """The run that began at `run_began_at` has read the feed to its end."""
        done = {"state": "idle", "last_finished_at": now, "complete_until": FeedRow.run_began_at}
        await self._session.execute(update(FeedRow).where(FeedRow.name == name).values(done))

    async def newest(self, feed: str) -> datetime | None:
        """The latest change that is stored of a feed."""
        query = select(func.max(PropertyRow.modification_timestamp)).where(PropertyRow.feed == feed)
        return await self._session.scalar(query)

    async def save_listings(self, feed: str, listings: Collection[Listing], *, currency: str, now: datetime) -> int:
        """Write what is new or changed, with its photos; returns how many that were."""
        if not listings:
            return 0
        rows = [_as_row(listing) for listing in listings]
        changed = await self._session.execute(
            _UPSERT, {"feed": feed, "currency": currency, "now": now, "rows": json.dumps(rows)}
        )
        ids = {key: property_id for property_id, key in changed}
        await self._save_photos(ids, listings)
        await self._session.execute(
            delete(RejectionRow).where(
                RejectionRow.feed == feed, RejectionRow.identity.in_([f"key:{item.listing_key}" for item in listings])
            )
        )
        return len(ids)

    async def _save_photos(self, ids: Mapping[str, UUID], listings: Iterable[Listing]) -> None:
        if not ids:
            return
        await self._session.execute(delete(MediaRow).where(MediaRow.property_id.in_(ids.values())))
        photos = [
            {"property_id": str(ids[listing.listing_key]), "number": number, **asdict(photo)}
            for listing in listings
            if listing.listing_key in ids
            for number, photo in enumerate(listing.photos, start=1)
        ]
        await self._session.execute(_INSERT_PHOTOS, {"rows": json.dumps(photos)})

    async def save_rejections(self, feed: str, rejected: Collection[Rejected], *, now: datetime) -> None:
        if not rejected:
            return
        values = [
            {
                "feed": feed,
                "identity": item.identity,
                "listing_key": item.listing_key,
                "reasons": [asdict(reason) for reason in item.reasons],
                "record": item.record,
                "seen_at": now,
            }
            for item in rejected
        ]
        statement = insert(RejectionRow).values(values)
        new = {name: statement.excluded[name] for name in ("listing_key", "reasons", "record", "seen_at")}
        await self._session.execute(
            statement.on_conflict_do_update(
                index_elements=[RejectionRow.feed, RejectionRow.identity],
                set_=new,
                where=or_(
                    RejectionRow.record != cast(statement.excluded.record, RejectionRow.record.type),
                    RejectionRow.reasons != cast(statement.excluded.reasons, RejectionRow.reasons.type),
                ),
            )
        )


_COLUMNS = {
    "listing_key": "text",
    "standard_status": "text",
    "property_type": "text",
    "property_sub_type": "text",
    "list_price": "bigint",
    "close_price": "bigint",
    "unparsed_address": "text",
    "city": "text",
    "state_or_province": "text",
    "postal_code": "text",
    "bedrooms_total": "integer",
    "bathrooms_total": "integer",
    "living_area": "integer",
    "lot_size_area": "integer",
    "year_built": "integer",
    "internet_display": "boolean",
    "modification_timestamp": "timestamptz",
    "details": "jsonb",
}
_NAMES = ", ".join(_COLUMNS)
# One statement for a page: the values travel as one JSON parameter, unchanged rows are not touched.
_UPSERT = text(f"""
    INSERT INTO property.properties AS old
        (id, feed, currency, {_NAMES}, fingerprint, search_text, search_document, updated_at)
    SELECT id, :feed, :currency, {_NAMES}, decode(fingerprint, 'hex'), lower(unaccent(search_text)),
        setweight(to_tsvector('english', unaccent(search_text)), 'A')
            || setweight(to_tsvector('english', unaccent(kind_text)), 'B')
            || setweight(to_tsvector('english', unaccent(coalesce(details ->> 'public_remarks', ''))), 'C'),
        :now
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS new
        (id uuid, fingerprint text, search_text text, kind_text text,
         {", ".join(f"{name} {kind}" for name, kind in _COLUMNS.items())})
    ON CONFLICT (feed, listing_key) DO UPDATE SET
        ({_NAMES}, currency, fingerprint, search_text, search_document, updated_at) = (
            {", ".join(f"excluded.{name}" for name in _COLUMNS)}, excluded.currency, excluded.fingerprint,
            excluded.search_text, excluded.search_document, excluded.updated_at)
        WHERE old.fingerprint <> excluded.fingerprint
    RETURNING id, listing_key
""")  # noqa: S608 - names of this file, no values
_INSERT_PHOTOS = text("""
    INSERT INTO property.media (property_id, number, url, description, width, height)
    SELECT property_id, number, url, description, width, height
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS new
        (property_id uuid, number integer, url text, description text, width integer, height integer)
""")


def _as_row(listing: Listing) -> dict[str, Any]:
    row = {name: getattr(listing, name) for name in _COLUMNS}
    return row | {
        "id": str(new_id()),
        "modification_timestamp": listing.modification_timestamp.isoformat(),
        "fingerprint": listing.fingerprint.hex(),
        "search_text": listing.search_text,
        "kind_text": listing.kind_text,
    }
