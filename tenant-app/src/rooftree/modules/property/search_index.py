"""The tenant's search index: what readers ask it, and how its copies are written, built, swapped and compared.

Names: the index `<tenant>.properties-<n>`; readers use the alias `<tenant>.properties`; while the next one is built,
`<tenant>.properties.building` leads to it. Writing goes through the aliases only, and never makes an index.
"""

import asyncio
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import structlog

from rooftree.modules.property import search_queries as queries
from rooftree.modules.property.search import Position, Search, Sort
from rooftree.modules.property.search_definition import NAME, body, digest
from rooftree.modules.property.search_document import Json
from rooftree.modules.property.search_engine import SEARCH_SECONDS, Engine, EngineAway, IndexMissing
from rooftree.modules.property.search_repository import Share
from rooftree.modules.property.suggestions import Places

Copy = Literal["live", "building"]
BUILDING_REFRESH = "5s"
MERGE_SECONDS = 60.0  # 50,000 listings take 2 to 3
GRACE_SECONDS = 2 * SEARCH_SECONDS
_CONFLICT, _NOT_FOUND, _BAD = 409, 404, 400
_BUSY = frozenset({429, 503})
_BUCKETS = 256
_BUCKET_SIZE = 10_000
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    hits: list[queries.Hit]
    total: int
    facets: Json | None


@dataclass(frozen=True, slots=True)
class MapAnswer:
    """`cells`, or the listings themselves where they are few."""

    total: int
    cells: list[Json]
    documents: list[Json]


@dataclass(frozen=True, slots=True)
class Physical:
    """An index of ours, with the aliases that lead to it."""

    name: str
    aliases: frozenset[str]
    definition: str | None


class SearchIndex:
    def __init__(self, engine: Engine, tenant_id: str) -> None:
        self.engine = engine
        self._tenant_id = tenant_id
        self.alias = f"{tenant_id}.{NAME}"
        self._aliases: dict[Copy, str] = {"live": self.alias, "building": f"{self.alias}.building"}
        self._numbered = re.compile(re.escape(self.alias) + r"-(\d+)")

    # -- reading ------------------------------------------------------------------------------------------------------

    async def find(
        self,
        wanted: Search,
        *,
        everything: bool,
        sort: Sort,
        size: int,
        after: Position | None = None,
        facets: str | None = None,
    ) -> Answer:
        """One page. `facets`: with facets, prices in this currency."""

        def build(forgiving: bool) -> Json:
            return queries.page(
                wanted,
                everything=everything,
                sort=sort,
                size=size,
                after=after,
                facets=facets,
                forgiving=forgiving,
            )

        answer, _ = await self._spelled(wanted, build, everything=everything)
        return Answer(queries.hits(answer), queries.total(answer), queries.facets(answer) if facets else None)

    async def map(self, wanted: Search, *, everything: bool, precision: int, few: int) -> MapAnswer:
        """What lies in `wanted.box`: up to `few` listings, or their number by tile."""

        def build(forgiving: bool) -> Json:
            return queries.cells(wanted, everything=everything, precision=precision, forgiving=forgiving)

        answer, forgiving = await self._spelled(wanted, build, everything=everything)
        total = queries.total(answer)
        if total <= few:
            all_of_them = queries.page(
                wanted, everything=everything, sort="-modified", size=few, forgiving=forgiving, highlighted=False
            )
            found = queries.hits(await self._search(all_of_them)) if total else []
            return MapAnswer(total, [], [hit.source for hit in found])
        buckets: list[Json] = answer["aggregations"]["cells"]["buckets"]
        return MapAnswer(
            total,
            [queries.cell_numbers(bucket) for bucket in buckets if bucket["doc_count"] > 1],
            [bucket["first"]["hits"]["hits"][0]["_source"] for bucket in buckets if bucket["doc_count"] == 1],
        )

    async def suggest(self, text: str, *, everything: bool, limit: int) -> tuple[Places, list[Json]]:
        """Places that begin so, and listings; spelled nearly alike if nothing is."""
        for forgiving in (False, True) if len(text) >= queries.FORGIVEN_LETTERS else (False,):
            body = queries.suggestions(text, everything=everything, limit=limit, forgiving=forgiving)
            answer = await self._search(body)
            places = queries.places(answer)
            found = [hit["_source"] for hit in answer["hits"]["hits"]]
            if found or any(places.values()):
                return places, found
        return {}, []

    async def _spelled(self, wanted: Search, build: Callable[[bool], Json], *, everything: bool) -> tuple[Json, bool]:
        """The answer, and whether words that are spelled nearly alike count: only when none is found exactly."""
        answer = await self._search(build(False))
        if not wanted.is_forgiving or queries.total(answer):
            return answer, False
        both = [queries.exactly(wanted, everything=everything), build(True)]
        exact, nearly = map(_whole, await self.engine.searches(f"/{self.alias}/_msearch", both))
        return (answer, False) if queries.total(exact) else (nearly, True)

    async def _search(self, content: Json) -> Json:
        return _whole(await self.engine.search(f"/{self.alias}/_search", content))

    # -- writing ------------------------------------------------------------------------------------------------------

    async def copies(self) -> list[Copy]:
        """Those that there are: changes must reach all of them."""
        found = {alias for physical in await self.physical() for alias in physical.aliases}
        return [copy for copy, alias in self._aliases.items() if alias in found]

    async def write(self, copy: Copy, documents: Iterable[Json], gone: Collection[str] = ()) -> int:
        """Put documents there unless newer ones are, take `gone` away; returns how many it refused for good.

        Raises IndexMissing, or EngineAway when some could not be written now; writing all again does no harm.
        """
        lines: list[Json] = []
        for document in documents:
            lines += [_versioned(document), document]
        lines += [{"delete": {"_id": listing_id}} for listing_id in gone]
        if not lines:
            return 0
        answer = await self.engine.bulk(
            f"/{self._aliases[copy]}/_bulk",
            lines,
            require_alias="true",
            filter_path="errors,items.*._id,items.*.status,items.*.error.type",
        )
        return _refused(answer) if answer["errors"] else 0

    async def refresh(self, copy: Copy) -> None:
        """Make all that was written findable."""
        await self.engine.post(f"/{self._aliases[copy]}/_refresh")

    # -- comparing ----------------------------------------------------------------------------------------------------

    async def count(self, copy: Copy) -> int:
        return (await self.engine.get(f"/{self._aliases[copy]}/_count"))["count"]

    async def shares(self, copy: Copy) -> dict[str, Share]:
        """As `SearchRepository.shares`."""
        terms = {"terms": {"field": "bucket", "size": _BUCKETS}, "aggs": {"versions": {"sum": {"field": "version"}}}}
        query = {"size": 0, "aggs": {"buckets": terms}}
        answer = await self.engine.post(f"/{self._aliases[copy]}/_search", query, request_cache="false")
        buckets = answer["aggregations"]["buckets"]["buckets"]
        return {item["key"]: Share(item["doc_count"], int(item["versions"]["value"])) for item in buckets}

    async def versions(self, copy: Copy, bucket: str) -> dict[str, int]:
        """As `SearchRepository.versions`."""
        found: dict[str, int] = {}
        query: Json = {
            "size": _BUCKET_SIZE,
            "version": True,
            "_source": False,
            "track_total_hits": False,
            "query": {"term": {"bucket": bucket}},
            "sort": ["id"],
        }
        while True:
            answer = await self.engine.post(f"/{self._aliases[copy]}/_search", query)
            hits = answer["hits"]["hits"]
            found |= {hit["_id"]: hit["_version"] for hit in hits}
            if len(hits) < _BUCKET_SIZE:
                return found
            query["search_after"] = hits[-1]["sort"]

    # -- building -----------------------------------------------------------------------------------------------------

    async def physical(self) -> list[Physical]:
        """All indices of this name, whatever led to them."""
        found = await self.engine.get(f"/{self.alias}*", filter_path="*.aliases,*.mappings._meta")
        return [
            Physical(name, frozenset(content.get("aliases") or {}), _definition(content))
            for name, content in found.items()
            if name == self.alias or self._numbered.fullmatch(name)
        ]

    async def live(self) -> Physical | None:
        return next((one for one in await self.physical() if self.alias in one.aliases), None)

    async def create(self) -> str:
        """Begin a new copy: changes go there from now on, readers do not. Takes away what earlier attempts left."""
        existing = await self.physical()
        for one in existing:
            if self.alias not in one.aliases:
                await self.discard(one.name)
        numbers = [int(match[1]) for one in existing if (match := self._numbered.fullmatch(one.name))]
        name = f"{self.alias}-{max(numbers, default=0) + 1}"
        content = body(self._tenant_id)
        content["settings"] = {"index": content["settings"]["index"] | {"refresh_interval": BUILDING_REFRESH}}
        content["aliases"] = {self._aliases["building"]: {}}
        await self.engine.send("PUT", f"/{name}", content, timeout=30.0)
        _log.info("search_index_created", index=name, definition=digest())
        return name

    async def promote(self, name: str) -> None:
        """Let readers use this copy, in one step, and the old one go. Raises if it is no longer being built."""
        interval = body(self._tenant_id)["settings"]["index"]["refresh_interval"]
        await self.engine.send("PUT", f"/{name}/_settings", {"index": {"refresh_interval": interval}}, timeout=30.0)
        await self._join(name)
        await self.engine.post(f"/{name}/_refresh")
        old = [one for one in await self.physical() if one.name != name]
        actions: list[Json] = [
            {"remove": {"index": name, "alias": self._aliases["building"], "must_exist": True}},
            {"add": {"index": name, "alias": self.alias}},
        ]
        for one in old:
            if one.name == self.alias:  # not ours: something wrote to the alias while it did not exist
                actions.append({"remove_index": {"index": one.name}})
            elif self.alias in one.aliases:
                actions.append({"remove": {"index": one.name, "alias": self.alias}})
        await self.engine.post("/_aliases", {"actions": actions})
        _log.info("search_index_promoted", index=name, replaced=[one.name for one in old])
        # Searches that found the old one by its alias are still reading it.
        await asyncio.sleep(GRACE_SECONDS)
        await self.tidy()

    async def _join(self, name: str) -> None:
        """Make one piece of a new copy: searches cost a tenth less. Later changes make new pieces, joined by and by."""
        try:
            await self.engine.send("POST", f"/{name}/_forcemerge?max_num_segments=1", timeout=MERGE_SECONDS)
        except EngineAway as error:
            _log.warning("search_index_not_joined", index=name, reason=str(error))

    async def tidy(self) -> None:
        """Delete copies that nothing leads to."""
        for one in await self.physical():
            if not one.aliases and one.name != self.alias:
                await self.discard(one.name)

    async def abandon(self, name: str) -> None:
        """Delete a copy that failed, unless readers use it: an answer that was lost may have been a success."""
        live = await self.live()
        if live is None or live.name != name:
            await self.discard(name)

    async def discard(self, name: str) -> None:
        """Delete a copy, if it is there."""
        try:
            await self.engine.send("DELETE", f"/{name}", timeout=30.0)
        except IndexMissing:
            return


def _whole(answer: Json) -> Json:
    """Raises EngineAway for half the truth."""
    if answer["timed_out"] or answer["_shards"]["failed"]:
        raise EngineAway("Elasticsearch has only a part of the answer.")
    return answer


def _versioned(document: Json) -> Json:
    return {"index": {"_id": document["id"], "version": document["version"], "version_type": "external_gte"}}


def _definition(content: Mapping[str, Any]) -> str | None:
    return ((content.get("mappings") or {}).get("_meta") or {}).get("definition")


def _refused(answer: Json) -> int:
    """What a bulk could not do. A conflict means that something newer is there; a missing one is gone already."""
    refused = 0
    for item in answer["items"]:
        ((action, result),) = item.items()
        status = result["status"]
        if status < _BAD or status == _CONFLICT or (action == "delete" and "error" not in result):
            continue
        kind = result.get("error", {}).get("type", "unknown")
        if status == _NOT_FOUND:
            raise IndexMissing(f"Elasticsearch has no such index: {kind}.")
        if status in _BUSY:
            raise EngineAway(f"Elasticsearch is busy: {status} {kind}.")
        # One listing that cannot be indexed must not keep the others from it.
        _log.error("listing_not_indexed", property_id=result["_id"], status=status, error=kind)
        refused += 1
    return refused
