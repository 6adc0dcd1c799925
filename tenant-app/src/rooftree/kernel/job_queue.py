"""The queue in the tenant's own database (procrastinate) and this process's worker on it.

The library loads when the worker starts or the first job is queued, never before the app is ready. It borrows
connections of the process's one pool, without LISTEN: the queue is looked at every two seconds. A worker tells every
5 s that it lives; jobs of one that has been silent for 15 s are taken over. A `single` job is not put back while its
twin waits: the twin does its work.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing, asynccontextmanager, nullcontext
from datetime import datetime
from typing import TYPE_CHECKING, Any

import structlog
from opentelemetry.trace import SpanKind
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from rooftree.kernel.background import Background
from rooftree.kernel.backoff import AWAY
from rooftree.kernel.database import away, connecting, within_patience
from rooftree.kernel.jobs import Job
from rooftree.kernel.metrics import Metrics
from rooftree.kernel.telemetry import current_traceparent, span

if TYPE_CHECKING:
    from procrastinate import App

POLL_SECONDS = 2.0
# A slow feed or a rebuild of minutes must not keep a mail waiting; they await, so they share the pool well.
AT_ONCE = 3
HEARTBEAT_SECONDS = 5.0
SILENT_SECONDS = 15.0
_STOP_SECONDS = 8.0
_LAST_WRITES_SECONDS = 2.0
_ANSWER_SECONDS = 1.0
_KEEP_FINISHED_HOURS = 12  # two runs over feeds a minute are 1,440 rows
_FORGET_SECONDS = 3600.0
_FIRST_RETRY_BASE = 5
# Found within 10 s after it is back, with the time until the queue is looked at.
_AWAY_SECONDS = 5
_AWAY_TRIES = 3600
_RESTART_SECONDS = 1.0
_log = structlog.get_logger(__name__)


class JobQueue:
    """Implements `kernel.jobs.Jobs`."""

    def __init__(self, engine: AsyncEngine, metrics: Metrics, *, only_own: bool = False) -> None:
        """`only_own`: other processes have jobs that this one does not know."""
        self._only_own = only_own
        self._engine = engine
        self._metrics = metrics
        self._jobs: dict[str, Job] = {}
        self._app: App | None = None
        self._opening = asyncio.Lock()
        self._loops: list[asyncio.Task[Any]] = []
        self._stopping = False

    def register(self, jobs: Iterable[Job]) -> None:
        for job in jobs:
            if job.name in self._jobs:
                raise ValueError(f"two jobs are called {job.name}")
            self._jobs[job.name] = job

    def declared(self) -> tuple[Job, ...]:
        return tuple(self._jobs.values())

    def start(self, background: Background, *, after: Callable[[], Awaitable[None]] | None = None) -> None:
        """Begin to work on the queue, in the background and not before `after` returns."""

        async def begin(name: str, work: Callable[[], Awaitable[None]]) -> None:
            if after is not None:
                await after()
            await self._forever(name, work)

        if self._jobs:
            self._loops = [
                background.spawn("jobs.worker", begin("worker", self._work)),
                background.spawn("jobs.rescue", begin("rescue", self._rescue)),
            ]

    async def stop(self) -> None:
        """Let running jobs end for a few seconds; what is cut off runs again elsewhere."""
        self._stopping = True
        for loop in self._loops:
            loop.cancel()
        if self._loops and self._app is not None and await self._answers(self._app):
            await asyncio.wait(self._loops, timeout=_STOP_SECONDS + _LAST_WRITES_SECONDS)
        elif self._loops:
            # Nothing can be written without a database.
            await asyncio.wait(self._loops, timeout=_LAST_WRITES_SECONDS)
        self._app = None

    async def _answers(self, app: "App") -> bool:
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                await app.connector.execute_query_async("SELECT 1")
        except Exception as error:
            _log.warning("jobs_stop_without_database", error=type(error).__name__)
            return False
        return True

    async def defer(
        self,
        name: str,
        *,
        session: AsyncSession | None = None,
        at: datetime | None = None,
        **payload: Any,
    ) -> bool:
        job = self._jobs[name]
        app = await self._opened()
        from procrastinate.exceptions import AlreadyEnqueued

        lock = name if job.single else None
        try:
            with within_patience():
                # The savepoint keeps the caller's transaction usable when the job is waiting already. It begins with
                # the first use of the session's connection within it.
                async with session.begin_nested() if session is not None else nullcontext():
                    connection = await _driver_connection(session) if session is not None else None
                    task = app.configure_task(
                        name, schedule_at=at, lock=lock, queueing_lock=lock, connection=connection
                    )
                    await task.defer_async(**payload, **_trace())
        except AlreadyEnqueued:
            return False
        except Exception as error:
            # The library makes errors of its own of the database's.
            if problem := away(error):
                raise problem from error
            raise
        return True

    async def _opened(self) -> "App":
        async with self._opening:
            if self._app is None:
                app = await asyncio.to_thread(self._build)
                await app.open_async(_Borrowed(self._engine))
                self._app = app
            return self._app

    def _build(self) -> "App":
        import procrastinate

        connector = procrastinate.PsycopgConnector()
        app = procrastinate.App(connector=connector)
        app.job_manager = _manager(connector, lambda: self._stopping)
        for job in self._jobs.values():
            lock = job.name if job.single else None
            retry = _retry_strategy(job.attempts)
            task = app.task(name=job.name, lock=lock, queueing_lock=lock, retry=retry, queue=_queue(job))(
                self._payload_only(job)
            )
            if job.cron:
                app.periodic(cron=job.cron)(task)
        return app

    def _payload_only(self, job: Job) -> Any:
        async def run(timestamp: int | None = None, traceparent: str | None = None, **payload: Any) -> None:
            # The library adds `timestamp` to periodic runs; jobs get their own payload only.
            with (
                structlog.contextvars.bound_contextvars(job=job.name),
                span(f"job {job.name}", SpanKind.CONSUMER, parent=traceparent),
                self._metrics.job(job.name),
            ):
                try:
                    await job.run(**payload)
                except Exception as error:
                    _log.warning("job_failed", exc_info=error)
                    raise

        return run

    async def _work(self) -> None:
        app = await self._opened()
        for job in self._jobs.values():
            if job.at_start:
                await self.defer(job.name)
        queues: Any = sorted({_queue(job) for job in self._jobs.values()}) if self._only_own else None
        await app.run_worker_async(
            queues=queues,
            concurrency=AT_ONCE,
            listen_notify=False,
            install_signal_handlers=False,
            fetch_job_polling_interval=POLL_SECONDS,
            update_heartbeat_interval=HEARTBEAT_SECONDS,
            stalled_worker_timeout=SILENT_SECONDS,
            shutdown_graceful_timeout=_STOP_SECONDS,
        )

    async def _rescue(self) -> None:
        """Hand jobs of dead workers to living ones and forget old ones."""
        app = await self._opened()
        loop = asyncio.get_running_loop()
        forget_at = loop.time()
        while True:
            for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=SILENT_SECONDS):
                await self._take_over(app, job)
            await app.job_manager.prune_stalled_workers(SILENT_SECONDS)
            if loop.time() >= forget_at:
                await app.job_manager.delete_old_jobs(nb_hours=_KEEP_FINISHED_HOURS, include_failed=True)
                forget_at = loop.time() + _FORGET_SECONDS
            await asyncio.sleep(HEARTBEAT_SECONDS)

    async def _take_over(self, app: "App", job: Any) -> None:
        """One job that cannot be put back must not keep the others from it."""
        _log.warning("job_taken_over", job=job.task_name, job_id=job.id)
        try:
            await app.job_manager.retry_job(job)
        except Exception as error:
            _log.warning("job_take_over_failed", job=job.task_name, job_id=job.id, exc_info=error)

    async def _forever(self, name: str, work: Any) -> None:
        """A database that is away for a while must not end the queue for good."""
        while not self._stopping:
            try:
                await work()
            except Exception as error:
                # The library makes an error of a cancellation when it cannot write; then this is the end, too.
                if self._stopping:
                    return
                _log.warning("job_loop_restarts", loop=name, exc_info=error)
            await asyncio.sleep(_RESTART_SECONDS)


def _queue(job: Job) -> str:
    """One for each module: a worker can only run what its process has."""
    return job.name.partition(".")[0]


class _Borrowed:
    """The process's one pool in the form that the library wants; each of its statements borrows for a moment."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[Any]:
        async with connecting():
            connection = await self._engine.connect()
        async with aclosing(connection), connection.begin():
            yield (await connection.get_raw_connection()).driver_connection


def _manager(connector: Any, stopping: Callable[[], bool]) -> Any:
    from procrastinate.exceptions import UniqueViolation
    from procrastinate.jobs import Status
    from procrastinate.manager import QUEUEING_LOCK_CONSTRAINT, JobManager

    class Manager(JobManager):
        """Writes how a job ended, and puts one back only if no twin waits.

        Else it would keep its lock for as long as its worker lives, and neither it nor a twin would ever run.
        """

        async def finish_job(self, *args: Any, **options: Any) -> None:
            await _written(lambda: super(Manager, self).finish_job(*args, **options), stopping)

        async def retry_job(self, job: Any, *args: Any, **options: Any) -> None:
            try:
                await _written(lambda: super(Manager, self).retry_job(job, *args, **options), stopping)
            except UniqueViolation as error:
                if error.constraint_name != QUEUEING_LOCK_CONSTRAINT:
                    raise
                _log.info("job_left_to_its_twin", job=job.task_name, job_id=job.id)
                await self.finish_job(job, Status.FAILED, delete_job=False)

    return Manager(connector)


async def _written(write: Callable[[], Awaitable[None]], stopping: Callable[[], bool]) -> None:
    """Tries until the database takes it, or the process ends: then the job is one of a dead worker."""
    while True:
        try:
            return await write()
        except Exception as error:
            if away(error) is None or stopping():
                raise
            _log.warning("job_end_not_written", exc_info=error)
            await asyncio.sleep(_RESTART_SECONDS)


def _retry_strategy(attempts: int) -> Any:
    import procrastinate
    from procrastinate.exceptions import JobAborted

    class Retry(procrastinate.BaseRetryStrategy):
        """A job cut off by shutdown always runs again; a failed one as often as it was declared to."""

        def get_retry_decision(self, *, exception: BaseException, job: Any) -> Any:
            if isinstance(exception, JobAborted | asyncio.CancelledError):
                return procrastinate.RetryDecision(retry_in={"seconds": 0})
            if isinstance(exception, AWAY) and attempts > 1 and job.attempts < _AWAY_TRIES:
                return procrastinate.RetryDecision(retry_in={"seconds": _AWAY_SECONDS})
            if job.attempts + 1 >= attempts:
                return None
            return procrastinate.RetryDecision(retry_in={"seconds": _FIRST_RETRY_BASE ** (job.attempts + 1)})

    return Retry()


def _trace() -> dict[str, str]:
    """The caller's trace, for the payload: the job's run becomes part of it."""
    traceparent = current_traceparent()
    return {"traceparent": traceparent} if traceparent else {}


async def _driver_connection(session: AsyncSession) -> Any:
    connection = await session.connection()
    return (await connection.get_raw_connection()).driver_connection
