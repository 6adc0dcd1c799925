"""How runs over a feed begin and end, and what is told of it: rows of feeds and runs, events of outages.

At most one run of a feed is going on. One that is found running was asked for by a person or cut off; the next run
goes on with it. Each method is one transaction.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.contracts.property.events import FeedFailed, FeedRecovered
from rooftree.kernel import live
from rooftree.kernel.clock import Clock
from rooftree.kernel.ids import new_id
from rooftree.kernel.live import Record
from rooftree.kernel.outbox import Outbox
from rooftree.kernel.unit_of_work import UnitOfWork
from rooftree.modules.property import replication
from rooftree.modules.property.domain import READING
from rooftree.modules.property.feed_metrics import FeedMetrics
from rooftree.modules.property.feeds_repository import FeedRepository
from rooftree.modules.property.listings_repository import ListingWriter
from rooftree.modules.property.reso import FeedConfig, first_page
from rooftree.modules.property.tables import FeedRow, FeedRunRow

_log = structlog.get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class Run:
    """What one run is doing. `id` becomes that of the comparison when reading has ended."""

    id: UUID
    config: FeedConfig
    url: str
    is_resumed: bool
    requested: bool

    @property
    def feed(self) -> str:
        return self.config.name


class FeedJournal:
    def __init__(self, unit_of_work: UnitOfWork, clock: Clock, outbox: Outbox, metrics: FeedMetrics) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._outbox = outbox
        self._metrics = metrics

    async def begin(self, config: FeedConfig) -> Run | None:
        """Where to read from. None while the feed wants to be left alone."""
        now = self._clock.now()
        async with self._unit_of_work() as session:
            feeds = FeedRepository(session)
            row = await _current(session, feeds, config)
            self._metrics.known(config.name, row.last_succeeded_at)
            running = (await feeds.running(config.name)).get(config.name)
            if row.retry_at is not None and now < row.retry_at:
                await _end_early(feeds, running, row.retry_at, now)
                return None
            if running is not None and running.kind == "purge":
                # A comparison writes last; one that was cut off is made anew.
                await feeds.forget_run(running.id)
            since = await _since(session, row)
            url = row.checkpoint or first_page(config, since=since)
            run = Run(
                id=running.id if running and running.kind != "purge" else new_id(),
                config=config,
                url=url,
                is_resumed=row.checkpoint is not None,
                requested=running is not None and running.requested,
            )
            kind = "full" if row.complete_until is None else "incremental"
            if running is None or running.id != run.id:
                await feeds.add_run(id=run.id, feed=run.feed, kind=kind, requested=run.requested, started_at=now)
            await feeds.change_run(run.id, kind=kind, checkpoint=url)
            values: dict[str, Any] = {"last_started_at": now, "checkpoint": url, "retry_at": None}
            if row.checkpoint is None:
                values |= {"run_began_at": now}
            values |= {} if row.complete_until else {"state": "importing"}
            await feeds.change_feed(run.feed, **values)
            await live.tell(session, "feed", [Record(run.feed)])
        _log.info("feed_import_starts", feed=run.feed, resumed=run.is_resumed, kind=kind)
        return run

    async def begin_again(self, run: Run) -> None:
        """The feed no longer knows the checkpoint: read all of it."""
        run.url, run.is_resumed = first_page(run.config, since=None), False
        async with self._unit_of_work() as session:
            feeds = FeedRepository(session)
            values = {"checkpoint": run.url, "run_began_at": self._clock.now(), "complete_until": None}
            await feeds.change_feed(run.feed, state="importing", **values)
            await feeds.change_run(run.id, kind="full", checkpoint=run.url)

    async def begin_comparison(self, run: Run, total: int | None) -> bool:
        """Whether keys have to be compared now; then `run` is the comparison."""
        now = self._clock.now()
        async with self._unit_of_work() as session:
            feeds = FeedRepository(session)
            row = await feeds.locked(run.feed, url=run.config.url)
            if await feeds.running(run.feed):
                return False  # somebody asked for a run just now; it will compare
            due = row.withheld_at is not None or replication.must_compare(
                total=total,
                held=await held(session, run.feed),
                surplus=row.surplus,
                compared_at=row.compared_at,
                now=now,
            )
            if not due and not run.requested:
                return False
            run.id = new_id()
            values = {"kind": "purge", "requested": run.requested, "started_at": now, "total": total}
            await feeds.add_run(id=run.id, feed=run.feed, **values)
        return True

    async def succeed(self, run: Run) -> None:
        """Everything was read, and compared if that was due."""
        now = self._clock.now()
        async with self._unit_of_work() as session:
            feeds = FeedRepository(session)
            row = await feeds.locked(run.feed, url=run.config.url)
            if row.outage_id is not None and row.outage_told_at is not None:
                recovered = FeedRecovered(
                    feed=run.feed,
                    outage_id=row.outage_id,
                    run_id=run.id,
                    failed_at=row.outage_told_at,
                    recovered_at=now,
                )
                await self._outbox.add(session, [recovered])
            values = {"last_succeeded_at": now, "last_error": None, **_NO_OUTAGE}
            await feeds.change_feed(run.feed, state="idle", **values)
            await feeds.compact_runs(run.feed, now=now)
            await live.tell(session, "feed", [Record(run.feed)])
        self._metrics.succeeded(run.feed, now)

    async def fail(
        self, config: FeedConfig, run: Run | None, reason: str, *, wait: float = 0, withheld: bool = False
    ) -> None:
        """Keep why; tell it when it has lasted. `wait`: seconds that the feed asked for."""
        now = self._clock.now()
        async with self._unit_of_work() as session:
            feeds = FeedRepository(session)
            row = await feeds.locked(config.name, url=config.url)
            if run is not None:
                await feeds.change_run(run.id, state="failed", finished_at=now, error=reason)
            failures = row.failures + 1
            values: dict[str, Any] = {"state": "failed", "last_error": reason, "failures": failures}
            pause = replication.patience(wait)
            if pause:
                values["retry_at"] = now + pause
            outage = replication.is_outage(
                failures=failures, last_succeeded_at=row.last_succeeded_at, wait=pause, is_withheld=withheld, now=now
            )
            if outage and run is not None and row.outage_id is None:
                failed = FeedFailed(feed=config.name, outage_id=new_id(), run_id=run.id, reason=reason, failed_at=now)
                values |= {"outage_id": failed.outage_id, "outage_told_at": now}
                await self._outbox.add(session, [failed])
            await feeds.change_feed(config.name, **values)
            await feeds.compact_runs(config.name, now=now)
            await live.tell(session, "feed", [Record(config.name)])
        self._metrics.failed(config.name)


async def _current(session: AsyncSession, feeds: FeedRepository, config: FeedConfig) -> FeedRow:
    """What is known of the feed as it is configured and as this release reads it."""
    row = await feeds.locked(config.name, url=config.url)
    if row.url != config.url:  # another address is another feed
        await feeds.change_feed(config.name, url=config.url, **_NOTHING_KNOWN)
        await session.refresh(row)
    if row.reading != READING:
        # Rows that another release read hold less, or other values, than the same records give now.
        await feeds.change_feed(config.name, reading=READING, checkpoint=None, complete_until=None)
        await session.refresh(row)
    return row


async def held(session: AsyncSession, feed: str) -> int:
    """How many of the feed's records are here, as listings or as rejections."""
    return await ListingWriter(session, feed).count() + await FeedRepository(session).count_rejections(feed)


async def _since(session: AsyncSession, row: FeedRow) -> datetime | None:
    return replication.since(await ListingWriter(session, row.name).newest(), row.complete_until)


async def _end_early(feeds: FeedRepository, running: FeedRunRow | None, until: datetime, now: datetime) -> None:
    if running is not None:
        error = f"the feed asked us not to call before {until:%H:%M:%S} UTC"
        await feeds.change_run(running.id, state="failed", finished_at=now, error=error)


_NO_OUTAGE: dict[str, Any] = {"failures": 0, "outage_id": None, "outage_told_at": None}
_NOTHING_KNOWN: dict[str, Any] = {
    **dict.fromkeys(("checkpoint", "run_began_at", "complete_until", "surplus", "compared_at", "retry_at")),
    **dict.fromkeys(("withheld_at", "withheld_keys", "last_succeeded_at")),
}
