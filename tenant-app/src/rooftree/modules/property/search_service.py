"""Use cases of search. Elasticsearch answers; while it is away, PostgreSQL does, with fewer comforts."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar
from uuid import UUID

import orjson
import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.kernel.auth import Principal
from rooftree.kernel.cache import Cache
from rooftree.kernel.errors import FieldError, Unavailable, Unprocessable
from rooftree.kernel.jobs import Jobs
from rooftree.kernel.pagination import decode_cursor, encode_cursor
from rooftree.kernel.unit_of_work import UnitOfWork
from rooftree.modules.property.search import Position, Search, Sort, Source, State
from rooftree.modules.property.search_document import Json, item, map_cluster, map_point
from rooftree.modules.property.search_engine import SEARCH_SECONDS, Breaker, EngineAway, EngineRefused, IndexMissing
from rooftree.modules.property.search_index import MapAnswer, SearchIndex
from rooftree.modules.property.search_keeper import SearchKeeper
from rooftree.modules.property.search_metrics import SearchMetrics
from rooftree.modules.property.search_pages import SearchPages
from rooftree.modules.property.search_repository import FoundRow, SearchRepository
from rooftree.modules.property.search_watch import REBUILD_JOB
from rooftree.modules.property.suggestions import MIN_LETTERS, PLACES, Places, Suggested, arrange
from rooftree.modules.property.visibility import sees_all

MAP_POINTS = 300
# Cells of a map are a quarter of a tile of 256 pixels wide: 64 pixels, one cluster's disc.
FINER = 2
MAX_PRECISION = 24
SUGGESTION_SECONDS = 30.0
STATUS_SECONDS = 2.0
MAX_EXACT = 2**53  # of numbers in JSON
_log = structlog.get_logger(__name__)
T = TypeVar("T")


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


class _FromDatabase(Exception):
    """A page that must not be kept: only the index tells when its pages are out of date."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.content = content


class SearchService:
    """Without a keeper there is no index, and PostgreSQL answers everything."""

    def __init__(
        self,
        unit_of_work: UnitOfWork,
        jobs: Jobs,
        cache: Cache,
        metrics: SearchMetrics,
        *,
        pages: SearchPages,
        keeper: SearchKeeper | None,
        currency: str,
    ) -> None:
        self.currency = currency
        self._unit_of_work = unit_of_work
        self._jobs = jobs
        self._cache = cache
        self._metrics = metrics
        self._pages = pages
        self._keeper = keeper
        self._breaker = Breaker()

    async def page(
        self, principal: Principal, wanted: Search, *, sort: Sort, limit: int, cursor: str | None, facets: bool
    ) -> bytes:
        """JSON of `find`; first pages of what many people look for are kept until a listing changes."""

        async def load() -> bytes:
            page = await self.find(principal, wanted, sort=sort, limit=limit, cursor=cursor, facets=facets)
            content = encoded(page)
            if page.source == "database":
                raise _FromDatabase(content)
            return content

        try:
            # Words and places are hardly ever the same for two people.
            if cursor is not None or wanted.tells_the_place:
                return await load()
            question = repr((sees_all(principal), wanted, sort, limit, facets))
            return await self._pages.get_or_load(question, load)
        except _FromDatabase as answer:
            return answer.content

    async def find(
        self, principal: Principal, wanted: Search, *, sort: Sort, limit: int, cursor: str | None, facets: bool = False
    ) -> Page:
        """One page of listings. Raises Unprocessable for a cursor of another list."""
        everything, after = sees_all(principal), _position(cursor, sort) if cursor else None
        currency = self.currency if facets else None

        async def ask(index: SearchIndex) -> Page:
            answer = await index.find(
                wanted, everything=everything, sort=sort, size=limit + 1, after=after and after[0], facets=currency
            )
            shown = [
                item(hit.source, everything=everything) | {"highlight": hit.highlight} for hit in answer.hits[:limit]
            ]
            following = _following([hit.position for hit in answer.hits], sort, "search", limit)
            return Page(shown, answer.total, following, "search", answer.facets)

        async def from_database() -> Page:
            return await self._find_in_database(everything, wanted, sort, limit, after)

        if after and after[1] == "database":
            return await from_database()  # goes on where it began: the two rank differently
        return await self._indexed("find", ask, from_database)

    async def _find_in_database(
        self, everything: bool, wanted: Search, sort: Sort, limit: int, after: "tuple[Position, Source | None] | None"
    ) -> Page:
        if after and after[1] == "search":
            raise _wrong_cursor()

        async def read(session: AsyncSession) -> tuple[Sequence[FoundRow], int]:
            repository = SearchRepository(session, everything=everything)
            found = await repository.search(wanted, sort=sort, limit=limit + 1, after=after and after[0])
            return found, await repository.count(wanted)

        found, total = await self._unit_of_work.read(read)
        shown = [item(row.source, everything=everything) | {"highlight": None} for row in found[:limit]]
        following = _following([row.position for row in found], sort, "database", limit)
        return Page(shown, total, following, "database", None)

    async def map(self, principal: Principal, wanted: Search, *, zoom: int) -> Map:
        """`wanted` has the box of the view."""
        everything, precision = sees_all(principal), min(zoom + FINER, MAX_PRECISION)

        async def ask(index: SearchIndex) -> MapAnswer:
            return await index.map(wanted, everything=everything, precision=precision, few=MAP_POINTS)

        async def from_database() -> MapAnswer:
            return await self._map_in_database(everything, wanted, precision)

        answer = await self._indexed("map", ask, from_database)
        return Map(
            answer.total,
            [map_cluster(cell, precision, self.currency) for cell in answer.cells],
            [map_point(document, everything=everything) for document in answer.documents],
        )

    async def _map_in_database(self, everything: bool, wanted: Search, precision: int) -> MapAnswer:
        async def read(session: AsyncSession) -> MapAnswer:
            repository = SearchRepository(session, everything=everything)
            total = await repository.count(wanted)
            if total <= MAP_POINTS:
                rows = await repository.search(wanted, sort="-modified", limit=MAP_POINTS, after=None)
                return MapAnswer(total, [], [row.source for row in rows])
            cells = await repository.clusters(wanted, precision=precision)
            alone = await repository.documents([cell["id"] for cell in cells if cell["count"] == 1])
            return MapAnswer(total, [cell for cell in cells if cell["count"] > 1], alone)

        return await self._unit_of_work.read(read)

    async def suggest(self, principal: Principal, text: str, *, limit: int) -> bytes:
        """JSON of a list of `Suggestion`, kept for half a minute: many people type the same."""
        if len(text) < MIN_LETTERS:
            return b"[]"
        everything, beginning = sees_all(principal), text.casefold()

        async def ask(index: SearchIndex) -> tuple[Places, list[Json]]:
            return await index.suggest(beginning, everything=everything, limit=limit)

        async def from_database() -> tuple[Places, list[Json]]:
            return await self._suggest_from_database(everything, beginning, limit)

        async def load() -> bytes:
            found = await self._indexed("suggest", ask, from_database)
            return encoded(arrange(beginning, *found, limit))

        audience = "staff" if everything else "public"
        return await self._cache.get_or_load(f"suggestions.{audience}.{limit}.{beginning}", SUGGESTION_SECONDS, load)

    async def _suggest_from_database(self, everything: bool, text: str, limit: int) -> tuple[Places, list[Json]]:
        async def read(session: AsyncSession) -> tuple[Places, list[Json]]:
            repository = SearchRepository(session, everything=everything)
            places: Places = {kind: await repository.places(kind, text, limit=limit) for kind in PLACES}
            return places, await repository.addresses(text, limit=limit)

        return await self._unit_of_work.read(read)

    async def _indexed(
        self, what: str, ask: Callable[[SearchIndex], Awaitable[T]], from_database: Callable[[], Awaitable[T]]
    ) -> T:
        """The index's answer within its budget; the database's while the index is away, at once if that is known."""
        allowed = self._keeper is not None and self._breaker.allows()
        found, source = await self._asked(what, ask) if allowed else None, "search"
        if found is None:
            try:
                found, source = await from_database(), "database"
            except Unavailable:
                # Nobody asked the index, which may be back: better late than not at all.
                found = await self._asked(what, ask) if self._keeper and not allowed else None
                if found is None:
                    raise
        self._metrics.answered.labels(source).inc()
        return found

    async def _asked(self, what: str, ask: Callable[[SearchIndex], Awaitable[T]]) -> T | None:
        assert self._keeper is not None
        try:
            async with asyncio.timeout(SEARCH_SECONDS):
                found = await ask(self._keeper.index)
        except (EngineAway, TimeoutError) as error:
            self._breaker.failed()
            if isinstance(error, IndexMissing):
                self._keeper.missing.set()
            _log.warning("search_answered_by_database", what=what, reason=str(error) or "too slow")
            return None
        except EngineRefused as error:
            self._breaker.succeeded()
            _log.error("search_refused", what=what, exc_info=error)
            return None
        self._breaker.succeeded()
        return found

    async def status(self) -> Status:
        """How the index is, compared with the database."""
        if self._keeper is not None:
            try:
                async with asyncio.timeout(STATUS_SECONDS):
                    return await self._index_status(self._keeper)
            except (EngineAway, TimeoutError) as error:
                _log.warning("search_is_away", reason=str(error) or "too slow")
        async with self._unit_of_work() as session:
            rows = sum(share.count for share in (await SearchRepository(session).shares()).values())
        return Status(index=None, documents=0, rows=rows, lag_events=rows, state="unavailable", progress=None)

    async def _index_status(self, keeper: SearchKeeper) -> Status:
        copies, live = await keeper.index.copies(), await keeper.index.live()
        rows, documents, missing = await keeper.behind()
        progress = {"done": await keeper.index.count("building"), "total": rows} if "building" in copies else None
        state: State = "rebuilding" if progress else "ready" if live else "unavailable"
        return Status(
            index=live.name if live else None,
            documents=documents,
            rows=rows,
            lag_events=missing,
            state=state,
            progress=progress,
        )

    async def start_rebuild(self, principal: Principal | None) -> tuple[Status, UUID]:
        """Let the index be made anew from the database; the job that does. Raises Unavailable where there is none."""
        if self._keeper is None:
            raise Unavailable("This brokerage has no search index.")
        now = await self.status()
        async with self._unit_of_work.effect() as session:
            job_id = await self._jobs.ask(REBUILD_JOB, session=session, principal=principal)
        return replace(now, state="rebuilding", progress=now.progress or {"done": 0, "total": now.rows}), job_id


def encoded(answer: Page | Map | Sequence[Suggested]) -> bytes:
    """As JSON."""
    return orjson.dumps(answer)


def _following(positions: list[Position], sort: Sort, source: Source, limit: int) -> str | None:
    """The cursor of the next page, if there is one."""
    if len(positions) <= limit:
        return None
    # Ranks of the two engines cannot be compared; all other sort values can, so either goes on for the other.
    label = f"{sort}:{source}" if sort == "relevance" else sort
    last = positions[limit - 1]
    return encode_cursor(label, last.value, str(last.id))


def _position(cursor: str, sort: Sort) -> tuple[Position, Source | None]:
    """Where the page after a cursor starts, and who must answer it. Raises Unprocessable for one of another order."""
    kinds = (int, float) if sort in ("relevance", "distance") else int
    made_for, value, listing_id = decode_cursor(cursor, str, kinds, str)
    order, _, source = str(made_for).partition(":")
    try:
        if order != sort or (sort == "relevance") != (source in ("search", "database")):
            raise ValueError
        if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) < MAX_EXACT:
            raise ValueError
        position = Position(value, UUID(str(listing_id)))
    except ValueError:
        raise _wrong_cursor() from None
    return position, ("search" if source == "search" else "database") if source else None


def _wrong_cursor() -> Unprocessable:
    error = FieldError("?cursor", "This is not a cursor of this list; start again without one.")
    return Unprocessable("The cursor is not valid.", errors=[error])
