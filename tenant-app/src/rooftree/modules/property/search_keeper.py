"""Keeps the search index equal to the database: applies changes, builds it anew, compares, notices when it is gone.

Why nothing is lost. A document carries its row's version and never replaces a newer one, so writes may come in any
order, twice, and from several processes. Rows that nobody may see stay as documents without content: what was taken
back cannot come again by a late write. A rebuild fills a new copy from the rows in the order of their ids, while
`sync` writes every change to both copies: it reads the row first and looks which copies there are afterwards. So a
change that the rebuild read too early reaches the new copy, too, and one that came before the copy existed is read
by the rebuild. Before readers move, all versions are compared once more.
"""

import asyncio
from collections.abc import Collection, Sequence
from uuid import UUID

import structlog

from rooftree.contracts.property.events import ListingChanged
from rooftree.kernel.consumers import Received
from rooftree.kernel.job_runs import Run
from rooftree.kernel.unit_of_work import UnitOfWork
from rooftree.modules.property.search_engine import EngineAway, IndexMissing
from rooftree.modules.property.search_index import Copy, SearchIndex
from rooftree.modules.property.search_metrics import SearchMetrics
from rooftree.modules.property.search_repository import SearchRepository

PAGE = 500
_TRIES = 3
_log = structlog.get_logger(__name__)


class SearchKeeper:
    def __init__(self, unit_of_work: UnitOfWork, index: SearchIndex, metrics: SearchMetrics) -> None:
        self._metrics = metrics
        self._unit_of_work = unit_of_work
        self.index = index
        self.missing = asyncio.Event()
        """Set when a change found no index to go to."""
        self.changed = asyncio.Event()
        """Set when what searches should find has changed; not yet findable."""

    # -- changes ------------------------------------------------------------------------------------------------------

    async def apply(self, received: Sequence[Received]) -> None:
        """Bring what events are about up to date. Nothing but ids is taken from them: rows may be newer by now."""
        ids = {one.event.property_id for one in received if isinstance(one.event, ListingChanged)}
        await self.sync(ids)

    async def sync(self, ids: Collection[UUID]) -> None:
        """Write the present state of these listings to every copy. Raises EngineAway."""
        for _ in range(_TRIES):
            async with self._unit_of_work() as session:
                documents = await SearchRepository(session).documents(ids)
            gone = {str(listing_id) for listing_id in ids} - {document["id"] for document in documents}
            copies = await self.index.copies()
            if "live" not in copies:
                # A rebuild will read these rows after now; nothing is lost by going on.
                self.missing.set()
            try:
                for copy in copies:
                    await self.index.write(copy, documents, gone)
            except IndexMissing:
                continue  # swapped or lost in between
            self.changed.set()
            return
        raise EngineAway("The search index comes and goes.")

    # -- building anew ------------------------------------------------------------------------------------------------

    async def rebuild(self, run: Run | None = None) -> None:
        """Make a new copy from the database and let readers use it. Raises EngineAway; then the old one stays.

        A second attempt begins anew: what the first one filled was abandoned with it.
        """
        name = await self.index.create()
        try:
            done = await self._fill(run)
            repaired = await self._compare("building")
            await self.index.promote(name)
        except Exception:
            await self.index.abandon(name)
            raise
        self.changed.set()
        _log.info("search_rebuilt", index=name, listings=done, repaired=repaired)

    async def _fill(self, run: Run | None) -> int:
        done, last = 0, None
        await self._tell(run, done)
        while True:
            async with self._unit_of_work() as session:
                documents = await SearchRepository(session).documents_after(last, limit=PAGE)
            if not documents:
                return done
            await self.index.write("building", documents)
            done, last = done + len(documents), UUID(documents[-1]["id"])
            await self._tell(run, done)

    async def _tell(self, run: Run | None, done: int) -> None:
        """How far it is. Raises Superseded and Cancelled."""
        if run is not None:
            async with self._unit_of_work() as session:
                total = sum(share.count for share in (await SearchRepository(session).shares()).values())
                await run.step(session, done=done, total=max(done, total))

    # -- comparing ----------------------------------------------------------------------------------------------------

    async def reconcile(self) -> None:
        """Repair what differs from the database."""
        await self.index.tidy()
        if repaired := await self._compare("live"):
            self.changed.set()
            self._metrics.repaired.inc(repaired)
            _log.warning("search_repaired", listings=repaired)

    async def behind(self) -> tuple[int, int, int]:
        """Rows, documents, and how many changes of rows the index has not seen."""
        async with self._unit_of_work() as session:
            rows = await SearchRepository(session).shares()
        documents = await self.index.shares("live")
        missing = sum(share.versions for share in rows.values()) - sum(one.versions for one in documents.values())
        return (
            sum(share.count for share in rows.values()),
            sum(share.count for share in documents.values()),
            max(0, missing),
        )

    async def _compare(self, copy: Copy) -> int:
        """Write again what is older in the copy than in the database, or only there; returns how many that were.

        The database is read first: what changes meanwhile is newer in the copy, or will come by its event.
        """
        repaired = 0
        async with self._unit_of_work() as session:
            rows = await SearchRepository(session).shares()
        await self.index.refresh(copy)
        documents = await self.index.shares(copy)
        for bucket in sorted(rows.keys() | documents.keys()):
            if rows.get(bucket) != documents.get(bucket):
                repaired += await self._compare_bucket(copy, bucket)
        return repaired

    async def _compare_bucket(self, copy: Copy, bucket: str) -> int:
        async with self._unit_of_work() as session:
            rows = await SearchRepository(session).versions(bucket)
        documents = await self.index.versions(copy, bucket)
        stale = [listing_id for listing_id, version in rows.items() if documents.get(listing_id, 0) < version]
        # Only here, or new since the rows were read.
        unknown = sorted(documents.keys() - rows.keys())
        wrong = [*stale, *unknown]
        for start in range(0, len(wrong), PAGE):
            some = wrong[start : start + PAGE]
            async with self._unit_of_work() as session:
                fresh = await SearchRepository(session).documents([UUID(one) for one in some])
            await self.index.write(copy, fresh, set(some) - {document["id"] for document in fresh})
        return len(wrong)
