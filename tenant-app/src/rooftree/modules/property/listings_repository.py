"""What the import writes of one feed's listings: new and changed ones, their photos, tombstones.

The caller holds the lock of the feed's row, so that nobody else writes these rows in between.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.kernel.ids import new_id
from rooftree.modules.property.changes import ListingChange, changed_groups
from rooftree.modules.property.domain import Listing
from rooftree.modules.property.history_repository import Happened, HistoryRepository, differences
from rooftree.modules.property.tables import MediaRow, PropertyRow
from rooftree.modules.property.values import Photo


class ListingWriter:
    def __init__(self, session: AsyncSession, feed: str) -> None:
        self._session = session
        self._feed = feed
        self._mine = PropertyRow.feed == feed

    async def newest(self) -> datetime | None:
        """The latest change that is stored."""
        return await self._session.scalar(select(func.max(PropertyRow.modification_timestamp)).where(self._mine))

    async def count(self) -> int:
        """How many listings are here, tombstones apart."""
        query = select(func.count()).select_from(PropertyRow).where(self._mine, PropertyRow.removed_at.is_(None))
        return (await self._session.execute(query)).scalar_one()

    async def stamps(self) -> Sequence[tuple[str, datetime, datetime | None, bool]]:
        """Key, times of the last change and of the last change of photos, and whether it is a tombstone, of all."""
        query = select(
            PropertyRow.listing_key,
            PropertyRow.modification_timestamp,
            PropertyRow.photos_change_timestamp,
            PropertyRow.removed_at.is_not(None),
        ).where(self._mine)
        return [(row[0], row[1], row[2], row[3]) for row in await self._session.execute(query)]

    async def save(self, listings: Collection[Listing], *, currency: str, now: datetime) -> list[ListingChange]:
        """Write what is new, changed or back, with its photos; returns what that was, in the order given."""
        wanted = await self._to_write(listings)
        if not wanted:
            return []
        before = await self._before([listing.listing_key for listing in wanted])
        photos = await self._photos([row.id for row in before.values()])
        written = await self._session.execute(
            _UPSERT,
            {"feed": self._feed, "currency": currency, "now": now, "rows": json.dumps([_as_row(i) for i in wanted])},
        )
        now_there = {key: (property_id, version) for property_id, key, version in written}
        changes: list[ListingChange] = []
        happened: list[Happened] = []
        replaced: list[tuple[UUID, Listing]] = []
        for listing in wanted:
            property_id, version = now_there[listing.listing_key]
            earlier = before.get(listing.listing_key)
            changed = changed_groups(earlier, photos.get(property_id, ()), listing)
            if "photos" in changed:
                replaced.append((property_id, listing))
            is_new = earlier is None or earlier.removed_at is not None
            if earlier is not None:
                happened += differences(property_id, earlier, listing)
            changes.append(
                ListingChange(
                    property_id=property_id,
                    version=version,
                    change="created" if is_new else "updated",
                    changed=changed,
                    listing_key=listing.listing_key,
                    standard_status=listing.standard_status,
                    list_price=listing.list_price,
                    currency=currency,
                    modification_timestamp=listing.modification_timestamp,
                )
            )
        await self._replace_photos(replaced)
        await HistoryRepository(self._session).add(happened, at=now, actor=None)
        return changes

    async def remove(self, keys: Collection[str], *, now: datetime) -> list[ListingChange]:
        """Turn listings into tombstones; returns those that were none yet."""
        removed = await self._session.scalars(
            update(PropertyRow)
            .where(self._mine, PropertyRow.listing_key.in_(keys), PropertyRow.removed_at.is_(None))
            .values(removed_at=now, updated_at=now, version=PropertyRow.version + 1)
            .returning(PropertyRow)
        )
        return [
            ListingChange(
                property_id=row.id,
                version=row.version,
                change="removed",
                changed=(),
                listing_key=row.listing_key,
                standard_status=row.standard_status,
                list_price=row.list_price,
                currency=row.currency,
                modification_timestamp=row.modification_timestamp,
            )
            for row in removed
        ]

    async def _to_write(self, listings: Collection[Listing]) -> list[Listing]:
        keys = [listing.listing_key for listing in listings]
        query = select(PropertyRow.listing_key, PropertyRow.fingerprint).where(
            self._mine, PropertyRow.listing_key.in_(keys), PropertyRow.removed_at.is_(None)
        )
        known = {row[0]: row[1] for row in await self._session.execute(query)} if keys else {}
        return [listing for listing in listings if known.get(listing.listing_key) != listing.fingerprint]

    async def _before(self, keys: Collection[str]) -> dict[str, PropertyRow]:
        query = select(PropertyRow).where(self._mine, PropertyRow.listing_key.in_(keys))
        return {row.listing_key: row for row in await self._session.scalars(query)}

    async def _photos(self, ids: Collection[UUID]) -> dict[UUID, tuple[Photo, ...]]:
        if not ids:
            return {}
        query = select(MediaRow).where(MediaRow.property_id.in_(ids)).order_by(MediaRow.property_id, MediaRow.number)
        found: dict[UUID, tuple[Photo, ...]] = {}
        for row in await self._session.scalars(query):
            photo = Photo(url=row.url, description=row.description, width=row.width, height=row.height)
            found[row.property_id] = (*found.get(row.property_id, ()), photo)
        return found

    async def _replace_photos(self, replaced: Iterable[tuple[UUID, Listing]]) -> None:
        listings: Mapping[UUID, Listing] = dict(replaced)
        if not listings:
            return
        await self._session.execute(delete(MediaRow).where(MediaRow.property_id.in_(listings)))
        photos = [
            {"property_id": str(property_id), "number": number, **asdict(photo)}
            for property_id, listing in listings.items()
            for number, photo in enumerate(listing.photos, start=1)
        ]
        await self._session.execute(_INSERT_PHOTOS, {"rows": json.dumps(photos)})


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
    "latitude": "double precision",
    "longitude": "double precision",
    "bedrooms_total": "integer",
    "bathrooms_total": "integer",
    "living_area": "integer",
    "lot_size_area": "integer",
    "year_built": "integer",
    "internet_display": "boolean",
    "internet_address_display": "boolean",
    "modification_timestamp": "timestamptz",
    "photos_change_timestamp": "timestamptz",
    "details": "jsonb",
}
_NAMES = ", ".join(_COLUMNS)
# One statement for a page: the values travel as one JSON parameter.
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
        ({_NAMES}, currency, fingerprint, search_text, search_document, updated_at, version, removed_at) = (
            {", ".join(f"excluded.{name}" for name in _COLUMNS)}, excluded.currency, excluded.fingerprint,
            excluded.search_text, excluded.search_document, excluded.updated_at, old.version + 1, NULL)
    RETURNING id, listing_key, version
""")  # noqa: S608 - names of this file, no values
_INSERT_PHOTOS = text("""
    INSERT INTO property.media (property_id, number, url, description, width, height)
    SELECT property_id, number, url, description, width, height
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS new
        (property_id uuid, number integer, url text, description text, width integer, height integer)
""")


def _as_row(listing: Listing) -> dict[str, Any]:
    row = {name: getattr(listing, name) for name in _COLUMNS}
    photos_changed = listing.photos_change_timestamp
    return row | {
        "id": str(new_id()),
        "modification_timestamp": listing.modification_timestamp.isoformat(),
        "photos_change_timestamp": photos_changed.isoformat() if photos_changed else None,
        "fingerprint": listing.fingerprint.hex(),
        "search_text": listing.search_text,
        "kind_text": listing.kind_text,
    }
