"""Compares all keys of a feed with what is stored: removes what left, reads what no other run saw, heals rejections.

Nothing is removed before the list of keys was read to its end and the feed, asked for a missing record by its key,
has it no more: a list that is read by pages while records come and go can skip one. When the list is suspiciously
short, the removal is withheld until it is confirmed (`replication.may_remove`).
"""

from collections.abc import Iterator, Sequence

from rooftree.kernel.clock import Clock
from rooftree.kernel.unit_of_work import UnitOfWork
from rooftree.modules.property import replication
from rooftree.modules.property.feed_journal import FeedJournal, Run, held
from rooftree.modules.property.feed_writer import FeedWriter
from rooftree.modules.property.feeds_repository import FeedRepository
from rooftree.modules.property.listings_repository import ListingWriter
from rooftree.modules.property.replication import Difference, Listed, Refused, Stored
from rooftree.modules.property.reso import (
    KEY_PAGE_SIZE,
    KEYS_PER_QUERY,
    MAX_KEYS,
    FeedError,
    ResoClient,
    count_page,
    key_page,
    records_page,
)

REMOVED_AT_ONCE = 500  # each with its event, in one transaction


class Withheld(FeedError):
    """The feed lists suspiciously little; nothing was removed."""


class FeedComparison:
    def __init__(self, unit_of_work: UnitOfWork, clock: Clock, journal: FeedJournal, writer: FeedWriter) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._journal = journal
        self._writer = writer

    async def compare_if_due(self, run: Run, client: ResoClient) -> None:
        """Raises FeedError; `Withheld` when the feed lists too little to be believed."""
        total = (await client.page(count_page(run.config), size=1)).count
        if not await self._journal.begin_comparison(run, total):
            return
        listed = await _all_keys(run, client)
        difference = await self._difference(run, listed)
        await self._require_credible(run, difference)
        unread = difference.unread if len(difference.unread) <= replication.MAX_READ_BY_KEY else ()
        there = await self._read(run, client, (*unread, *difference.missing))
        for keys in _batches([key for key in difference.missing if key not in there], REMOVED_AT_ONCE):
            await self._writer.remove(run, keys)
        await self._finish(run, difference, total)

    async def _difference(self, run: Run, listed: Sequence[Listed]) -> Difference:
        async with self._unit_of_work() as session:
            stamps = await ListingWriter(session, run.feed).stamps()
            refused = [Refused(*row) for row in await FeedRepository(session).rejected_stamps(run.feed)]
        stored = {key: Stored(modified, photos, removed) for key, modified, photos, removed in stamps}
        return replication.compare(listed, stored, refused)

    async def _require_credible(self, run: Run, difference: Difference) -> None:
        now = self._clock.now()
        async with self._unit_of_work() as session:
            feeds = FeedRepository(session)
            row = await feeds.locked(run.feed, url=run.config.url)
            if replication.may_remove(
                difference,
                requested=run.requested,
                withheld_at=row.withheld_at,
                withheld_keys=row.withheld_keys,
                now=now,
            ):
                return
            if row.withheld_keys != difference.digest:
                await feeds.change_feed(run.feed, withheld_at=now, withheld_keys=difference.digest)
            await feeds.change_run(run.id, seen=difference.listed)
        raise Withheld(
            f"the feed no longer lists {len(difference.missing):,} of {difference.live:,} listings; their removal is "
            "withheld until the feed lists them again, a run is started by hand, or an hour has passed without a change"
        )

    async def _read(self, run: Run, client: ResoClient, keys: Sequence[str]) -> set[str]:
        """Store the records with these keys; returns the keys of those that the feed has."""
        there: set[str] = set()
        for some in _batches(keys, KEYS_PER_QUERY):
            async for _, page in client.pages(records_page(run.config, some)):
                wanted = [
                    record
                    for record, listed in zip(page.records, replication.read_listed(page.records), strict=True)
                    if listed.key in some
                ]
                there |= {listed.key for listed in replication.read_listed(wanted) if listed.key}
                await self._writer.store(run, wanted)
        return there

    async def _finish(self, run: Run, difference: Difference, total: int | None) -> None:
        now = self._clock.now()
        async with self._unit_of_work() as session:
            feeds = FeedRepository(session)
            await feeds.locked(run.feed, url=run.config.url)
            await feeds.forget_rejections(run.feed, difference.healed)
            surplus = None if total is None else total - await held(session, run.feed)
            is_read = len(difference.unread) <= replication.MAX_READ_BY_KEY
            values = {"surplus": surplus, "compared_at": now, "withheld_at": None, "withheld_keys": None}
            # What is too much to be asked for by key is read from the beginning by the next run.
            await feeds.change_feed(run.feed, **values, **({} if is_read else {"complete_until": None}))
            await feeds.change_run(run.id, state="succeeded", finished_at=now, seen=difference.listed)


async def _all_keys(run: Run, client: ResoClient) -> list[Listed]:
    listed: list[Listed] = []
    async for _, page in client.pages(key_page(run.config), size=KEY_PAGE_SIZE):
        listed += replication.read_listed(page.records)
        if len(listed) > MAX_KEYS:
            raise FeedError(f"the feed lists more than {MAX_KEYS:,} keys")
    return listed


def _batches(keys: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), size):
        yield keys[start : start + size]
