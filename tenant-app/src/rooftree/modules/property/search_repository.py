"""Search in PostgreSQL: what answers while Elasticsearch is away, and what fills and checks its copy."""

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Double,
    Select,
    Text,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import REGCONFIG
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import UserDefinedType

from rooftree.modules.property.rights import OWN_FEED
from rooftree.modules.property.search import Box, Circle, Point, Position, Search, Sort
from rooftree.modules.property.search_document import Json, bucket, document, microseconds, moment
from rooftree.modules.property.tables import MediaRow, PhotoRow, PropertyRow
from rooftree.modules.property.visibility import indexed_rows, visible_rows

LANGUAGE = literal("english").cast(REGCONFIG)
EARTH_RADIUS = 6_371_008.7714  # metres; the sphere on which Elasticsearch measures, too
METRES_PER_DEGREE = 111_195.0
_PLACE = func.point(PropertyRow.longitude, PropertyRow.latitude)
_SUBDIVISION = PropertyRow.details["subdivision_name"].astext
# All that a document is made of; not what only PostgreSQL's own search needs, nor what only some people may read.
_COLUMNS = tuple(
    getattr(PropertyRow, column.key)
    for column in PropertyRow.__table__.columns
    if column.key not in {"search_text", "search_document", "fingerprint", "private_remarks", "showing_instructions"}
)
# Of own listings, which are few: looked up for the rows of an answer only.
_OWN_PHOTO = case(
    (
        PropertyRow.feed == OWN_FEED,
        select(func.jsonb_build_object("id", PhotoRow.id, "description", PhotoRow.description))
        .where(PhotoRow.property_id == PropertyRow.id, PhotoRow.state == "ready", PhotoRow.removed_at.is_(None))
        .order_by(PhotoRow.position, PhotoRow.id)
        .limit(1)
        .correlate(PropertyRow)
        .scalar_subquery(),
    )
)
_BY_ADDRESS = (PropertyRow.unparsed_address, PropertyRow.id)
_WITH_PHOTO = and_(MediaRow.property_id == PropertyRow.id, MediaRow.number == 1)


class _Polygon(UserDefinedType[str]):
    cache_ok = True

    def get_col_spec(self, **_options: Any) -> str:
        return "polygon"


@dataclass(frozen=True, slots=True)
class FoundRow:
    """A listing as search knows it, with the value that it is sorted by."""

    source: Json
    position: Position


@dataclass(frozen=True, slots=True)
class Share:
    """How many listings there are in a bucket, and the sum of their versions."""

    count: int
    versions: int


@dataclass(frozen=True, slots=True)
class _Photo:
    number: int
    description: str | None
    id: str | None = None


class SearchRepository:
    """`everything`: also what the internet must not show; for the brokerage's own people."""

    def __init__(self, session: AsyncSession, *, everything: bool = False) -> None:
        self._session = session
        self._everything = everything

    # -- finding ------------------------------------------------------------------------------------------------------

    async def search(self, wanted: Search, *, sort: Sort, limit: int, after: Position | None) -> Sequence[FoundRow]:
        query = self.search_query(wanted, sort=sort, limit=limit, after=after)
        return [
            FoundRow(_document(row), Position(_sort_value(row.sort_value), row.id))
            for row in await self._session.execute(query)
        ]

    def search_query(
        self, wanted: Search, *, sort: Sort, limit: int, after: Position | None
    ) -> Select[*tuple[Any, ...]]:
        key, falling = _sort_key(wanted, sort), sort.startswith("-") or sort == "relevance"
        query = _documents(key.label("sort_value")).where(*self._conditions(wanted))
        if after is not None:
            value = moment(int(after.value)) if sort == "-modified" else after.value
            here, there = tuple_(key, PropertyRow.id), tuple_(literal(value), literal(after.id))
            query = query.where(here < there if falling else here > there)
        order = (key.desc(), PropertyRow.id.desc()) if falling else (key, PropertyRow.id)
        return query.order_by(*order).limit(limit)

    async def count(self, wanted: Search) -> int:
        query = select(func.count()).select_from(PropertyRow).where(*self._conditions(wanted))
        return (await self._session.execute(query)).scalar_one()

    def _conditions(self, wanted: Search) -> Iterable[ColumnElement[bool]]:
        yield visible_rows(everything=self._everything, by_place=wanted.tells_the_place)
        for column, (low, high) in (
            (PropertyRow.list_price, wanted.list_price),
            (PropertyRow.living_area, wanted.living_area),
            (PropertyRow.bedrooms_total, wanted.bedrooms),
            (PropertyRow.bathrooms_total, (wanted.min_bathrooms, None)),
            (PropertyRow.year_built, wanted.year_built),
        ):
            if low is not None:
                yield column >= low
            if high is not None:
                yield column <= high
        for chosen, values in (
            (PropertyRow.property_sub_type, wanted.sub_types),
            (PropertyRow.standard_status, wanted.statuses),
            (PropertyRow.city, wanted.cities),
            (PropertyRow.postal_code, wanted.postal_codes),
            (_SUBDIVISION, wanted.subdivisions),
        ):
            if values:
                yield chosen.in_(values)
        yield from _places(wanted)
        if wanted.text:
            yield self._matches(wanted.text, forgiving=wanted.is_forgiving)

    def _matches(self, words: str, *, forgiving: bool) -> ColumnElement[bool]:
        plain = func.unaccent(words)
        exact = PropertyRow.search_document.bool_op("@@")(func.websearch_to_tsquery(LANGUAGE, plain))
        if not forgiving:
            return exact
        visible = visible_rows(everything=self._everything, by_place=True)
        # Asked once for the whole query, not for every row: it does not refer to the outer row.
        none_exact = ~exists(select(literal(1)).select_from(PropertyRow).where(visible, exact).correlate(None))
        near = func.lower(plain).bool_op("<%")(PropertyRow.search_text)
        return or_(exact, and_(none_exact, near))

    # -- the map ------------------------------------------------------------------------------------------------------

    async def clusters(self, wanted: Search, *, precision: int) -> list[Json]:
        """Listings with a place by the map tile that they lie in; of a listing that is alone, its document."""
        tiles = 2.0**precision
        sine = func.sin(func.radians(PropertyRow.latitude))
        x = func.floor((PropertyRow.longitude + 180) / 360 * tiles)
        y = func.floor((0.5 - func.ln((1 + sine) / (1 - sine)) / (4 * func.pi())) * tiles)
        query = (
            select(
                x.label("x"),
                y.label("y"),
                func.count().label("count"),
                func.avg(PropertyRow.latitude).label("latitude"),
                func.avg(PropertyRow.longitude).label("longitude"),
                func.min(PropertyRow.longitude).label("west"),
                func.min(PropertyRow.latitude).label("south"),
                func.max(PropertyRow.longitude).label("east"),
                func.max(PropertyRow.latitude).label("north"),
                func.min(PropertyRow.list_price).label("min_price"),
                func.array_agg(PropertyRow.id)[1].label("id"),
            )
            .where(*self._conditions(wanted))
            .group_by(literal_column("x"), literal_column("y"))
        )
        return [dict(row) for row in (await self._session.execute(query)).mappings()]

    # -- suggestions --------------------------------------------------------------------------------------------------

    async def places(self, column: str, beginning: str, *, limit: int) -> Sequence[tuple[str, int]]:
        """Values of city, postal code or subdivision that begin so, with how many listings they have."""
        value = {
            "city": PropertyRow.city,
            "postal_code": PropertyRow.postal_code,
            "subdivision": _SUBDIVISION,
        }[column]
        query = (
            select(value, func.count())
            .where(visible_rows(everything=self._everything, by_place=True), value.ilike(_escaped(beginning) + "%"))
            .group_by(value)
            .order_by(func.count().desc(), value)
            .limit(limit)
        )
        return [(row[0], row[1]) for row in await self._session.execute(query)]

    async def addresses(self, words: str, *, limit: int) -> list[Json]:
        """Listings whose address or key holds a word that begins so."""
        text = func.lower(func.unaccent(_escaped(words)))
        begins = or_(PropertyRow.search_text.like(text + "%"), PropertyRow.search_text.like("% " + text + "%"))
        visible, order = visible_rows(everything=self._everything, by_place=True), _BY_ADDRESS
        # Photos are looked up for these alone, not for all that begin so.
        first = select(PropertyRow.id).where(visible, begins).order_by(*order).limit(limit).correlate(None)
        query = _documents().where(PropertyRow.id.in_(first)).order_by(*order)
        return [_document(row) for row in await self._session.execute(query)]

    # -- the copy in Elasticsearch ------------------------------------------------------------------------------------

    async def documents(self, ids: Collection[UUID]) -> list[Json]:
        """What search should hold of these listings; nothing of those that do not exist."""
        query = _documents().where(indexed_rows(), PropertyRow.id.in_(ids))
        return [_document(row) for row in await self._session.execute(query)]

    async def documents_after(self, last: UUID | None, *, limit: int) -> list[Json]:
        """The next ones in the order of ids."""
        query = _documents().where(indexed_rows()).order_by(PropertyRow.id).limit(limit)
        if last is not None:
            query = query.where(PropertyRow.id > last)
        return [_document(row) for row in await self._session.execute(query)]

    async def shares(self) -> dict[str, Share]:
        """All rows in 256 buckets; equal numbers mean an equal copy."""
        share = func.right(cast(PropertyRow.id, Text), len(bucket(UUID(int=0))))
        query = select(share, func.count(), func.sum(PropertyRow.version)).where(indexed_rows()).group_by(share)
        return {row[0]: Share(row[1], int(row[2])) for row in await self._session.execute(query)}

    async def versions(self, share: str) -> dict[str, int]:
        """Id → version of one bucket."""
        mine = func.right(cast(PropertyRow.id, Text), len(share)) == share
        rows = await self._session.execute(select(PropertyRow.id, PropertyRow.version).where(indexed_rows(), mine))
        return {str(row[0]): row[1] for row in rows}


def _documents(*more: ColumnElement[Any]) -> Select[*tuple[Any, ...]]:
    photo = (
        MediaRow.number.label("photo_number"),
        MediaRow.description.label("photo_description"),
        _OWN_PHOTO.label("own_photo"),
    )
    return select(*_COLUMNS, *photo, *more).select_from(PropertyRow).outerjoin(MediaRow, _WITH_PHOTO)


def _document(row: Any) -> Json:
    photo = None if row.photo_number is None else _Photo(row.photo_number, row.photo_description)
    if row.own_photo is not None:
        photo = _Photo(1, row.own_photo["description"], row.own_photo["id"])
    return document(row, photo)


def _sort_value(value: Any) -> int | float:
    return value if isinstance(value, int | float) else microseconds(value)


def _sort_key(wanted: Search, sort: Sort) -> ColumnElement[Any]:
    match sort.lstrip("-"):
        case "list_price":
            return PropertyRow.list_price.expression
        case "area":
            return func.coalesce(PropertyRow.living_area, 0)
        case "year":
            return func.coalesce(PropertyRow.year_built, 0)
        case "distance" if wanted.near:
            return _distance(wanted.near.center)
        case "relevance" if wanted.text:
            return _rank(wanted.text)
        case _:
            return PropertyRow.modification_timestamp.expression


def _rank(words: str) -> ColumnElement[Any]:
    plain = func.unaccent(words)
    rank = func.ts_rank(PropertyRow.search_document, func.websearch_to_tsquery(LANGUAGE, plain))
    return cast(rank + func.word_similarity(func.lower(plain), PropertyRow.search_text), Double)


def _places(wanted: Search) -> Iterable[ColumnElement[bool]]:
    if wanted.box or wanted.near or wanted.polygon:
        # What the index of places says of its rows, so that it is used.
        yield and_(PropertyRow.latitude.is_not(None), PropertyRow.longitude.is_not(None))
    if wanted.box:
        yield _within(wanted.box)
    if wanted.near:
        yield _around(wanted.near)
        yield _distance(wanted.near.center) <= wanted.near.radius
    if wanted.polygon:
        corners = ",".join(f"({corner.longitude!r},{corner.latitude!r})" for corner in wanted.polygon)
        yield _PLACE.bool_op("<@")(cast(literal(f"({corners})", Text), _Polygon()))


def _within(box: Box) -> ColumnElement[bool]:
    if box.west > box.east:
        halves = Box(box.west, box.south, 180, box.north), Box(-180, box.south, box.east, box.north)
        return or_(*map(_within, halves))
    corners = func.box(func.point(box.west, box.south), func.point(box.east, box.north))
    return _PLACE.bool_op("<@")(corners)


def _around(circle: Circle) -> ColumnElement[bool]:
    """A box that holds the circle, for the index; near the poles and the date line all longitudes."""
    center, reach = circle.center, (circle.radius + 1) / METRES_PER_DEGREE * 1.01
    south, north = max(-90.0, center.latitude - reach), min(90.0, center.latitude + reach)
    shrink = math.cos(math.radians(max(abs(south), abs(north))))
    wide = reach / shrink if shrink > 0.01 else 360.0
    west, east = center.longitude - wide, center.longitude + wide
    if west < -180 or east > 180:
        west, east = -180.0, 180.0
    return _within(Box(west, south, east, north))


def _distance(center: Point) -> ColumnElement[Any]:
    """Metres along the ground."""
    latitude, longitude = func.radians(PropertyRow.latitude), func.radians(PropertyRow.longitude)
    here = math.radians(center.latitude), math.radians(center.longitude)
    half = func.power(func.sin((latitude - here[0]) / 2), 2) + math.cos(here[0]) * func.cos(latitude) * func.power(
        func.sin((longitude - here[1]) / 2), 2
    )
    return 2 * EARTH_RADIUS * func.asin(func.sqrt(func.least(1.0, half)))


def _escaped(text: str) -> str:
    """For LIKE."""
    return text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
