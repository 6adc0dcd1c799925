"""Composition of search: with an index where settings name one, else with PostgreSQL alone."""

from dataclasses import dataclass

from rooftree.kernel.jobs import Job
from rooftree.kernel.module import Runtime
from rooftree.modules.property.search_engine import ElasticsearchSettings, Engine
from rooftree.modules.property.search_index import SearchIndex
from rooftree.modules.property.search_keeper import SearchKeeper
from rooftree.modules.property.search_metrics import SearchMetrics
from rooftree.modules.property.search_pages import SearchPages, SearchRefresh
from rooftree.modules.property.search_service import SearchService
from rooftree.modules.property.search_watch import REBUILD_JOB, SearchWatch

EVERY_5_MINUTES = "*/5 * * * *"


@dataclass(frozen=True, slots=True)
class SearchParts:
    service: SearchService
    keeper: SearchKeeper | None
    watch: SearchWatch | None
    refresh: SearchRefresh | None

    @classmethod
    def build(cls, runtime: Runtime) -> "SearchParts":
        settings = runtime.section(ElasticsearchSettings)
        metrics = SearchMetrics(runtime.metrics.registry, indexed=bool(settings.elasticsearch_url))
        pages = SearchPages(runtime.cache)
        keeper = watch = refresh = None
        if settings.elasticsearch_url:
            engine = Engine(settings, runtime.secrets, runtime.settings.ca_file)
            index = SearchIndex(engine, runtime.settings.tenant_id)
            keeper = SearchKeeper(runtime.unit_of_work, index, metrics)
            watch = SearchWatch(keeper, runtime.jobs, metrics)
            refresh = SearchRefresh(keeper, pages)
        service = SearchService(
            runtime.unit_of_work,
            runtime.jobs,
            runtime.cache,
            metrics,
            pages=pages,
            keeper=keeper,
            currency=runtime.settings.currency,
        )
        return cls(service, keeper, watch, refresh)

    def jobs(self) -> tuple[Job, ...]:
        if self.keeper is None or self.watch is None:
            return ()
        return (
            Job(name=REBUILD_JOB, run=self.keeper.rebuild, single=True, tracked=True, attempts=4),
            Job(name="property.reconcile_search", run=self.watch.reconcile, cron=EVERY_5_MINUTES, single=True),
        )

    def start(self) -> None:
        for task in (self.watch, self.refresh):
            if task is not None:
                task.start()

    async def close(self) -> None:
        for task in (self.watch, self.refresh):
            if task is not None:
                await task.stop()
        if self.keeper is not None:
            await self.keeper.index.engine.close()
