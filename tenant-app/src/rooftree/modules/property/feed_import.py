"""Copies feeds: page by page, each page's rows, events and the address of the next page in one transaction.

The first run reads everything; later ones read what changed since the newest stored change, minus an overlap. A run
that was cut off goes on at its checkpoint, whichever process does it. When reading has ended, keys are compared if
that is due, which finds what left the feed. A record that is no listing is stored as a rejection with its reasons and
never stops a run.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

import structlog

from rooftree.kernel.module import Runtime
from rooftree.modules.property.feed_comparison import FeedComparison, Withheld
from rooftree.modules.property.feed_journal import FeedJournal, Run
from rooftree.modules.property.feed_metrics import FeedMetrics
from rooftree.modules.property.feed_writer import FeedWriter, Superseded
from rooftree.modules.property.reso import AskedToWait, CheckpointGone, FeedConfig, FeedError, ResoClient

# A slow feed must not hold up the others; of the three connections to the database one is left for requests.
AT_ONCE = 2
_log = structlog.get_logger(__name__)
Configured = Callable[[], tuple[FeedConfig, ...]]
Connect = Callable[[FeedConfig], AbstractAsyncContextManager[ResoClient]]


class SyncFailed(Exception):
    """Some feeds could not be read to their end; each one's status says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedImport:
    """`connect` is `reso.open_client`; tests may put a client of their own there."""

    configured: Configured
    connect: Connect
    journal: FeedJournal
    writer: FeedWriter
    comparison: FeedComparison

    @classmethod
    def build(cls, runtime: Runtime, configured: Configured, connect: Connect) -> "FeedImport":
        unit_of_work, clock, outbox = runtime.unit_of_work, runtime.clock, runtime.outbox
        journal = FeedJournal(unit_of_work, clock, outbox, FeedMetrics(runtime.metrics.registry))
        writer = FeedWriter(unit_of_work, clock, outbox, currency=runtime.settings.currency)
        comparison = FeedComparison(unit_of_work, clock, journal, writer)
        return cls(configured=configured, connect=connect, journal=journal, writer=writer, comparison=comparison)

    async def sync_all(self) -> None:
        """Bring every configured feed's copy up to date. Raises SyncFailed at the end if one could not be."""
        configured, turns = self.configured(), asyncio.Semaphore(AT_ONCE)

        async def sync(config: FeedConfig) -> bool:
            async with turns:
                return await self._sync(config)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(sync(config)) for config in configured]
        failed = [config.name for config, task in zip(configured, tasks, strict=True) if not task.result()]
        if failed:
            raise SyncFailed(f"feeds that failed: {', '.join(failed)}")

    async def _sync(self, config: FeedConfig) -> bool:
        run: Run | None = None
        try:
            run = await self.journal.begin(config)
            if run is None:
                return True
            async with self.connect(config) as client:
                await self._read(run, client)
                await self.comparison.compare_if_due(run, client)
            await self.journal.succeed(run)
        except Superseded:
            _log.info("feed_import_superseded", feed=config.name)
        except FeedError as error:
            _log.warning("feed_import_failed", feed=config.name, reason=str(error))
            wait = error.seconds if isinstance(error, AskedToWait) else 0
            await self.journal.fail(config, run, str(error), wait=wait, withheld=isinstance(error, Withheld))
            return False
        except Exception as error:
            # A bug that one feed brings to light must not keep the others from being read.
            _log.error("feed_import_broken", feed=config.name, exc_info=error)
            await self.journal.fail(config, run, f"internal error: {type(error).__name__}")
            return False
        return True

    async def _read(self, run: Run, client: ResoClient) -> None:
        try:
            async for at, page in client.pages(run.url):
                await self.writer.store_page(run, at, page)
                run.is_resumed = False
        except CheckpointGone:
            if not run.is_resumed:
                raise
            await self.journal.begin_again(run)
            await self._read(run, client)
