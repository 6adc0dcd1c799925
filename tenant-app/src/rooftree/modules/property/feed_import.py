"""Copies feeds: page by page, each page's rows and the address of the next page in one transaction.

The first run reads everything; later ones read what changed since the newest stored change, minus an overlap. A run
that was cut off goes on at its checkpoint, whichever process does it. A record that is no listing is stored as a
rejection with its reasons and never stops a run.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta

import structlog

from rooftree.kernel.clock import Clock
from rooftree.kernel.unit_of_work import UnitOfWork
from rooftree.modules.property.domain import parse_page
from rooftree.modules.property.repository import PropertyRepository
from rooftree.modules.property.reso import CheckpointGone, FeedConfig, FeedError, Page, ResoClient, first_page
from rooftree.modules.property.tables import FeedRow

# Servers give out changes in the order in which they were committed, not stamped; Spark's guideline is 20 minutes.
OVERLAP = timedelta(minutes=20)
_log = structlog.get_logger(__name__)
Connect = Callable[[FeedConfig], AbstractAsyncContextManager[ResoClient]]


class SyncFailed(Exception):
    """Some feeds could not be read to their end; each one's status says why."""


class Superseded(Exception):
    """Another run moved this feed's checkpoint."""


class FeedImport:
    """`connect` is `reso.open_client`; tests may put a client of their own there."""

    def __init__(
        self,
        unit_of_work: UnitOfWork,
        clock: Clock,
        configured: Callable[[], tuple[FeedConfig, ...]],
        *,
        currency: str,
        connect: Connect,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._configured = configured
        self._currency = currency
        self._connect = connect

    async def sync_all(self) -> None:
        """Bring every configured feed's copy up to date. Raises SyncFailed at the end if one could not be."""
        failed = [config.name for config in self._configured() if not await self._sync(config)]
        if failed:
            raise SyncFailed(f"feeds that failed: {', '.join(failed)}")

    async def _sync(self, config: FeedConfig) -> bool:
        try:
            url, is_resumed = await self._begin(config)
            async with self._connect(config) as client:
                await self._read(config, client, url, may_restart=is_resumed)
        except Superseded:
            _log.info("feed_import_superseded", feed=config.name)
        except FeedError as error:
            _log.warning("feed_import_failed", feed=config.name, reason=str(error))
            await self._save(config, state="failed", last_error=str(error))
            return False
        except Exception as error:
            # A bug that one feed brings to light must not keep the others from being read.
            _log.error("feed_import_broken", feed=config.name, exc_info=error)
            await self._save(config, state="failed", last_error=f"internal error: {type(error).__name__}")
            return False
        return True

    async def _begin(self, config: FeedConfig) -> tuple[str, bool]:
        """Where to read from, and whether that is the checkpoint of an earlier run."""
        async with self._unit_of_work() as session:
            repository = PropertyRepository(session)
            row = await repository.feed(config.name, lock=True)
            known = row if row and row.url == config.url else None  # another address is another feed
            checkpoint = known.checkpoint if known else None
            since = await self._since(repository, known) if known else None
            url = checkpoint or first_page(config, since=since)
            now = self._clock.now()
            values = {"url": config.url, "state": "importing", "checkpoint": url, "last_error": None}
            if checkpoint is None:
                values |= {"run_began_at": now, "complete_until": known.complete_until if known else None}
            await repository.save_feed(config.name, last_started_at=now, **values)
        _log.info("feed_import_starts", feed=config.name, resumed=checkpoint is not None, incremental=since is not None)
        return url, checkpoint is not None

    async def _since(self, repository: PropertyRepository, row: FeedRow) -> datetime | None:
        """The time after which changes may be unknown; None when there has been no complete run."""
        newest = await repository.newest(row.name)
        if newest is None or row.complete_until is None:
            return None
        # A long or interrupted run has stored late changes without earlier ones of pages that it had read before.
        return min(newest, row.complete_until) - OVERLAP

    async def _read(self, config: FeedConfig, client: ResoClient, url: str, *, may_restart: bool) -> None:
        try:
            async for at, page in _pages(client, url):
                await self._store(config, at, page)
                may_restart = False
        except CheckpointGone:
            if not may_restart:
                raise
            beginning = first_page(config, since=None)
            await self._save(config, checkpoint=beginning, run_began_at=self._clock.now(), complete_until=None)
            await self._read(config, client, beginning, may_restart=False)

    async def _store(self, config: FeedConfig, at: str, page: Page) -> None:
        now = self._clock.now()
        listings, rejected = parse_page(page.records, currency=self._currency, now=now)
        async with self._unit_of_work() as session:
            repository = PropertyRepository(session)
            if not await repository.advance(config.name, checkpoint=at, to=page.next_link):
                raise Superseded
            changed = await repository.save_listings(config.name, listings.values(), currency=self._currency, now=now)
            await repository.save_rejections(config.name, rejected.values(), now=now)
            if page.next_link is None:
                await repository.finish(config.name, now=now)
        _log.info(
            "feed_page_stored", feed=config.name, records=len(page.records), changed=changed, rejected=len(rejected)
        )

    async def _save(self, config: FeedConfig, **values: object) -> None:
        async with self._unit_of_work() as session:
            await PropertyRepository(session).save_feed(
                config.name, **{"url": config.url, "state": "importing", **values}
            )


async def _pages(client: ResoClient, url: str) -> AsyncIterator[tuple[str, Page]]:
    at: str | None = url
    while at is not None:
        page = await client.page(at)
        yield at, page
        at = page.next_link
