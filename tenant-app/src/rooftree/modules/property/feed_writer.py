"""Writes what a run read: rows, rejections, the run's counts and the events of all changes, one transaction a call."""

from collections.abc import Collection, Sequence

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.kernel import live
from rooftree.kernel.clock import Clock
from rooftree.kernel.live import Record
from rooftree.kernel.outbox import Outbox
from rooftree.kernel.unit_of_work import UnitOfWork
from rooftree.modules.property.changes import ListingChange
from rooftree.modules.property.domain import parse_page
from rooftree.modules.property.feed_journal import Run
from rooftree.modules.property.feeds_repository import FeedRepository
from rooftree.modules.property.listings_repository import ListingWriter
from rooftree.modules.property.reso import Page

_log = structlog.get_logger(__name__)


class Superseded(Exception):
    """Another run moved this feed's checkpoint."""


class FeedWriter:
    def __init__(self, unit_of_work: UnitOfWork, clock: Clock, outbox: Outbox, *, currency: str) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._outbox = outbox
        self._currency = currency

    async def store_page(self, run: Run, at: str, page: Page) -> None:
        """A page of a read with the address of the next one; the last page ends it. Raises Superseded."""
        now = self._clock.now()
        async with self._unit_of_work() as session:
            feeds = FeedRepository(session)
            if not await feeds.advance(run.feed, checkpoint=at, to=page.next_link):
                raise Superseded
            await self._store(session, run, page.records)
            told = {} if page.count is None else {"total": page.count}
            await feeds.change_run(run.id, checkpoint=page.next_link, **told)
            await live.tell(session, "feed", [Record(run.feed)])
            if page.next_link is None:
                await feeds.finish_reading(run.feed, now=now)
                await feeds.change_run(run.id, state="succeeded", finished_at=now)
        _log.debug("feed_page_stored", feed=run.feed, records=len(page.records))

    async def store(self, run: Run, records: Sequence[object]) -> None:
        """Records that were asked for by their keys."""
        async with self._unit_of_work() as session:
            await FeedRepository(session).locked(run.feed, url=run.config.url)
            await self._store(session, run, records)

    async def remove(self, run: Run, keys: Collection[str]) -> None:
        """Listings that left the feed."""
        now = self._clock.now()
        async with self._unit_of_work() as session:
            feeds = FeedRepository(session)
            await feeds.locked(run.feed, url=run.config.url)
            changes = await ListingWriter(session, run.feed).remove(keys, now=now)
            await feeds.count_run(run.id, removed=len(changes))
            await self._tell(session, run, changes)

    async def _store(self, session: AsyncSession, run: Run, records: Sequence[object]) -> None:
        now = self._clock.now()
        listings, rejected = parse_page(records, currency=self._currency, now=now)
        feeds = FeedRepository(session)
        changes = await ListingWriter(session, run.feed).save(listings.values(), currency=self._currency, now=now)
        await feeds.forget_rejections(run.feed, [f"key:{key}" for key in listings])
        await feeds.save_rejections(run.feed, rejected.values(), now=now)
        created = sum(change.change == "created" for change in changes)
        await feeds.count_run(
            run.id,
            seen=len(records),
            created=created,
            updated=len(changes) - created,
            unchanged=len(listings) - len(changes),
            rejected=len(rejected),
        )
        await self._tell(session, run, changes)

    async def _tell(self, session: AsyncSession, run: Run, changes: Sequence[ListingChange]) -> None:
        if changes:
            await FeedRepository(session).change_feed(run.feed, last_change_at=self._clock.now())
            await live.tell(session, "listing", [Record(change.property_id) for change in changes])
            await self._outbox.add(session, [change.event(run.feed) for change in changes])
