"""Use cases of search. Elasticsearch answers; while it is away, PostgreSQL does, with fewer comforts."""

from dataclasses import asdict, dataclass
from uuid import UUID

from rooftree.contracts.identity.api import OWNER_ROLE
from rooftree.kernel.auth import Principal
from rooftree.kernel.errors import FieldError, Forbidden, Unavailable, Unprocessable
from rooftree.kernel.pagination import decode_cursor, encode_cursor
from rooftree.kernel.unit_of_work import UnitOfWork
from rooftree.modules.property.search import Position, Search, Sort, Source, State
from rooftree.modules.property.search_document import Json, item, map_cluster, map_point
from rooftree.modules.property.search_repository import SearchRepository
from rooftree.modules.property.suggestions import MIN_LETTERS, PLACES, Places, arrange
from rooftree.modules.property.visibility import is_staff

MAP_POINTS = 300
# Cells of a map are a quarter of a tile of 256 pixels wide: 64 pixels, one cluster's disc.
FINER = 2


@dataclass(frozen=True, slots=True)
class Page:
    """`items` have the fields of `FoundProperty`."""

    items: list[Json]
    total: int
    next_cursor: str | None
    source: Source
    facets: Json | None


@dataclass(frozen=True, slots=True)
class Map:
    """The fields of `PropertyMap`."""

    total: int
    clusters: list[Json]
    points: list[Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The fields of `SearchStatus`."""

    index: str | None
    documents: int
    rows: int
    lag_events: int
    state: State
    progress: Json | None


class SearchService:
    def __init__(self, unit_of_work: UnitOfWork, *, currency: str) -> None:
        self.currency = currency
        self._unit_of_work = unit_of_work

    async def find(
        self, principal: Principal, wanted: Search, *, sort: Sort, limit: int, cursor: str | None, facets: bool = False
    ) -> Page:
        after = _position(cursor, sort, "database") if cursor else None
        everything = is_staff(principal)
        async with self._unit_of_work() as session:
            repository = SearchRepository(session, everything=everything)
            found = await repository.search(wanted, sort=sort, limit=limit + 1, after=after)
            total = await repository.count(wanted)
        following = _cursor(found[limit - 1].position, sort, "database") if len(found) > limit else None
        items = [item(row.source, everything=everything) | {"highlight": None} for row in found[:limit]]
        return Page(items, total, following, "database", None)

    async def map(self, principal: Principal, wanted: Search, *, zoom: int) -> Map:
        """`wanted` has the box of the view."""
        everything = is_staff(principal)
        async with self._unit_of_work() as session:
            repository = SearchRepository(session, everything=everything)
            total = await repository.count(wanted)
            if total <= MAP_POINTS:
                rows = await repository.search(wanted, sort="-modified", limit=MAP_POINTS, after=None)
                return Map(total, [], [map_point(row.source, everything=everything) for row in rows])
            precision = zoom + FINER
            cells = await repository.clusters(wanted, precision=precision)
            alone = await repository.documents([cell["id"] for cell in cells if cell["count"] == 1])
        clusters = [map_cluster(cell, precision, self.currency) for cell in cells if cell["count"] > 1]
        return Map(total, clusters, [map_point(source, everything=everything) for source in alone])

    async def suggest(self, principal: Principal, text: str, *, limit: int) -> list[Json]:
        if len(text) < MIN_LETTERS:
            return []
        async with self._unit_of_work() as session:
            repository = SearchRepository(session, everything=is_staff(principal))
            places: Places = {kind: await repository.places(kind, text, limit=limit) for kind in PLACES}
            listings = await repository.addresses(text, limit=limit)
        return [asdict(found) for found in arrange(text, places, listings, limit)]

    async def status(self) -> Status:
        async with self._unit_of_work() as session:
            rows = sum(share.count for share in (await SearchRepository(session).shares()).values())
        return Status(index=None, documents=0, rows=rows, lag_events=0, state="unavailable", progress=None)

    async def rebuild(self, principal: Principal) -> None:
        """Let the index be made anew from the database. Raises Forbidden for all but the owner."""
        if principal.role != OWNER_ROLE:
            raise Forbidden("Only the owner of the brokerage may rebuild the search index.")
        raise Unavailable("This brokerage has no search index.")


def _label(sort: Sort, source: Source) -> str:
    """Ranks of the two engines cannot be compared, all other sort values can."""
    return f"{sort}:{source}" if sort == "relevance" else sort


def _cursor(position: Position, sort: Sort, source: Source) -> str:
    return encode_cursor(_label(sort, source), position.value, str(position.id))


def _position(cursor: str, sort: Sort, source: Source) -> Position:
    """Where the page after a cursor starts. Raises Unprocessable for a cursor of another order."""
    kinds = (int, float) if sort in ("relevance", "distance") else int
    made_for, value, listing_id = decode_cursor(cursor, str, kinds, str)
    try:
        if made_for != _label(sort, source) or not isinstance(value, int | float) or isinstance(value, bool):
            raise ValueError
        if not abs(value) < 2**53:  # also NaN
            raise ValueError
        return Position(value, UUID(str(listing_id)))
    except ValueError:
        error = FieldError("?cursor", "This is not a cursor of this list; start again without one.")
        raise Unprocessable("The cursor is not valid.", errors=[error]) from None
