"""Use cases around feeds: how each is doing, its runs, starting one now, what was rejected."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from rooftree.contracts.property.api import Feed, FeedNotFound, FeedRun, FeedRunning, Progress, RunState
from rooftree.kernel import live
from rooftree.kernel.clock import Clock
from rooftree.kernel.errors import FieldError, Unprocessable
from rooftree.kernel.ids import new_id
from rooftree.kernel.jobs import Jobs
from rooftree.kernel.live import Record
from rooftree.kernel.pagination import decode_cursor, encode_cursor
from rooftree.kernel.unit_of_work import UnitOfWork
from rooftree.modules.property.feeds_repository import FeedRepository
from rooftree.modules.property.reso import FeedConfig
from rooftree.modules.property.tables import FeedRow, FeedRunRow, RejectionRow

SYNC_JOB = "property.sync_feeds"


@dataclass(frozen=True, slots=True)
class RunsPage:
    items: Sequence[FeedRun]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class RejectionsPage:
    items: Sequence[RejectionRow]
    total: int
    next_cursor: str | None


class FeedService:
    """`configured` reads the mounted configuration of feeds, which can change while we run."""

    def __init__(
        self, unit_of_work: UnitOfWork, clock: Clock, jobs: Jobs, configured: Callable[[], tuple[FeedConfig, ...]]
    ) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._jobs = jobs
        self._configured = configured

    async def feeds(self) -> tuple[Feed, ...]:
        configured = self._configured()
        async with self._unit_of_work() as session:
            repository = FeedRepository(session)
            rows, (imported, rejected) = await repository.feeds(), await repository.counts()
            running = await repository.running()
        return tuple(
            self._feed(
                config,
                rows.get(config.name),
                running.get(config.name),
                (imported.get(config.name, 0), rejected.get(config.name, 0)),
            )
            for config in configured
        )

    def _feed(self, config: FeedConfig, row: FeedRow | None, run: FeedRunRow | None, held: tuple[int, int]) -> Feed:
        imported, rejected = held
        if row is None:
            return Feed(name=config.name, url=config.url, state="idle", imported=imported, rejected=rejected)
        complete = row.last_succeeded_at or row.complete_until
        return Feed(
            name=config.name,
            url=config.url,
            state=row.state,  # type: ignore[arg-type]
            imported=imported,
            rejected=rejected,
            last_started_at=row.last_started_at,
            last_finished_at=row.last_finished_at,
            last_error=row.last_error,
            checkpoint=row.checkpoint,
            last_change_at=row.last_change_at,
            lag_seconds=max(0, int((self._clock.now() - complete).total_seconds())) if complete else None,
            progress=Progress(seen=run.seen, total=run.total) if run else None,
        )

    async def feed_runs(self, feed: str, *, limit: int) -> tuple[FeedRun, ...]:
        return tuple((await self.runs(feed, state=None, limit=limit, cursor=None)).items)

    async def runs(self, feed: str, *, state: RunState | None, limit: int, cursor: str | None) -> RunsPage:
        self._require(feed)
        before = _run_id(cursor) if cursor else None
        async with self._unit_of_work() as session:
            found = await FeedRepository(session).runs(feed, state=state, limit=limit + 1, before=before)
        items = [_run(row) for row in found[:limit]]
        return RunsPage(items, encode_cursor(str(items[-1].id)) if items and len(found) > limit else None)

    async def start_run(self, feed: str) -> FeedRun:
        """Have everything read and compared now. Raises FeedRunning. A run by hand confirms a withheld removal."""
        config = self._require(feed)
        run_id, now = new_id(), self._clock.now()
        async with self._unit_of_work.effect() as session:
            repository = FeedRepository(session)
            row = await repository.locked(feed, url=config.url)
            if await repository.running(feed):
                raise FeedRunning("Wait until it has ended.")
            kind = "incremental" if row.complete_until else "full"
            await repository.add_run(id=run_id, feed=feed, kind=kind, requested=True, started_at=now)
            await self._jobs.defer(SYNC_JOB, session=session)
            await live.tell(session, "feed", [Record(feed)])
            return _run((await repository.running(feed))[feed])

    async def rejections(self, feed: str, *, limit: int, cursor: str | None) -> RejectionsPage:
        self._require(feed)
        after = decode_cursor(cursor, int)[0] if cursor else 0
        if not isinstance(after, int) or not 0 <= after < 2**63:
            raise _wrong_cursor()
        async with self._unit_of_work() as session:
            found, total = await FeedRepository(session).rejections(feed, limit=limit + 1, after=after)
        items = found[:limit]
        return RejectionsPage(items, total, encode_cursor(items[-1].id) if len(found) > limit else None)

    def _require(self, name: str) -> FeedConfig:
        for config in self._configured():
            if config.name == name:
                return config
        raise FeedNotFound


def _run(row: FeedRunRow) -> FeedRun:
    return FeedRun(**{name: getattr(row, name) for name in FeedRun.__dataclass_fields__})


def _run_id(cursor: str) -> UUID:
    try:
        return UUID(str(decode_cursor(cursor, str)[0]))
    except ValueError:
        raise _wrong_cursor() from None


def _wrong_cursor() -> Unprocessable:
    error = FieldError("?cursor", "This is not a cursor of this list; start again without one.")
    return Unprocessable("The cursor is not valid.", errors=[error])
