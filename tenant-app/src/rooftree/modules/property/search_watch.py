"""Sees within seconds that the search index is away, gone or of another definition, and has it made anew."""

import asyncio
from contextlib import suppress

import structlog

from rooftree.kernel.background import Loop
from rooftree.kernel.jobs import Jobs
from rooftree.modules.property.search_definition import digest
from rooftree.modules.property.search_engine import EngineAway
from rooftree.modules.property.search_keeper import SearchKeeper
from rooftree.modules.property.search_metrics import SearchMetrics

INTERVAL = 10.0
REBUILD_JOB = "property.rebuild_search"
_log = structlog.get_logger(__name__)


class SearchWatch(Loop):
    """Runs in every process; the queue sees to it that only one of them rebuilds."""

    def __init__(self, keeper: SearchKeeper, jobs: Jobs, metrics: SearchMetrics) -> None:
        super().__init__("property.search_watch")
        self._keeper = keeper
        self._jobs = jobs
        self._metrics = metrics
        self._unfinished = ""

    async def reconcile(self) -> None:
        """Now and then: repair what differs. A rebuild under way is left alone; one that was given up begins anew."""
        index = self._keeper.index
        copies = await index.physical()
        if any(index.alias in one.aliases for one in copies):
            await self._keeper.reconcile()
        building = next((one.name for one in copies if one.aliases and index.alias not in one.aliases), "")
        if building and building == self._unfinished:
            _log.warning("search_rebuild_given_up", index=building)
            await self._jobs.defer(REBUILD_JOB)
        self._unfinished = building

    async def _run(self) -> None:
        is_first = True
        while True:
            try:
                self._metrics.available.set(await self._look(is_first=is_first))
                is_first = False
            except EngineAway as error:
                self._metrics.available.set(0)
                _log.warning("search_is_away", reason=str(error))
            except Exception as error:
                # Whatever it is, the next look may go better; without one nobody would notice a lost index.
                _log.error("search_watch_failed", exc_info=error)
            with suppress(TimeoutError):
                async with asyncio.timeout(INTERVAL):
                    await self._keeper.missing.wait()
            self._keeper.missing.clear()

    async def _look(self, *, is_first: bool) -> bool:
        """Queue a rebuild if there is no index, or at first if it is of another release. Whether there is one."""
        copies = await self._keeper.index.physical()
        live = next((one for one in copies if self._keeper.index.alias in one.aliases), None)
        if live is None and not any(one.aliases for one in copies):
            _log.warning("search_index_missing")
            await self._jobs.defer(REBUILD_JOB)
        elif live is not None and is_first and live.definition != digest():
            _log.info("search_definition_changed", index=live.name, definition=live.definition)
            await self._jobs.defer(REBUILD_JOB)
        return live is not None
