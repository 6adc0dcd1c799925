"""The queue in the tenant's own database (procrastinate) and this process's worker on it.

The library loads when the worker starts or the first job is queued, never before the app is ready. It borrows
connections of the process's one pool, without LISTEN: the queue is looked at every two seconds. A worker tells every
5 s that it lives; jobs of one that has been silent for 15 s are taken over, and what that one still writes of them is
refused (`kernel.job_manager`, `kernel.job_runs`). A `single` job is not put back while its twin waits: the twin does
its work. What was due while no process ran is done once at the next start.
"""

import asyncio
import math
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing, asynccontextmanager, nullcontext, suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import structlog
from opentelemetry.trace import SpanKind
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from rooftree.kernel import job_runs
from rooftree.kernel.auth import Principal, acting
from rooftree.kernel.background import Background
from rooftree.kernel.database import away, connecting, within_patience
from rooftree.kernel.errors import Unavailable
from rooftree.kernel.ids import new_id
from rooftree.kernel.job_runs import Cancelled, Claim, Superseded
from rooftree.kernel.jobs import Job
from rooftree.kernel.metrics import Metrics
from rooftree.kernel.telemetry import current_traceparent, span
from rooftree.kernel.unit_of_work import UnitOfWork

if TYPE_CHECKING:
    from procrastinate import App

    from rooftree.kernel.job_manager import Retry

POLL_SECONDS = 2.0
# A slow feed or a rebuild of minutes must not keep a mail waiting; they await, so they share the pool well.
AT_ONCE = 3
HEARTBEAT_SECONDS = 5.0
SILENT_SECONDS = 15.0
_STOP_SECONDS = 8.0
_LAST_WRITES_SECONDS = 2.0
_ANSWER_SECONDS = 1.0
# What a schedule has put there waits until somebody is awake; what is being done is done to its end.
_DUE = """
    SELECT extract(epoch FROM min(CASE WHEN status = 'doing' THEN now() ELSE coalesce(scheduled_at, now()) END)) AS due
    FROM procrastinate_jobs
    WHERE (status = 'doing' AND task_name = ANY(%(names)s)) OR (status = 'todo' AND task_name = ANY(%(ordered)s))
"""
_KEEP_FINISHED_HOURS = 12  # two runs over feeds a minute are 1,440 rows
_FORGET_SECONDS = 3600.0
# A job under which so many workers died is not given to another one.
MOST_DEATHS = 5
_RESTART_SECONDS = 1.0
_MISSED_SECONDS = 400 * 86_400  # longer than between any two times of a schedule
RUN_ID = "run_id"
"""In the payload of a tracked job."""
_log = structlog.get_logger(__name__)


class WorkersDied(Unavailable):
    """Whoever did this was killed, again and again."""

    code, title = "workers-died", "The work was broken off too often"


class JobQueue:
    """Implements `kernel.jobs.Jobs`."""

    def __init__(self, engine: AsyncEngine, metrics: Metrics, *, only_own: bool = False) -> None:
        """`only_own`: other processes have jobs that this one does not know."""
        self._only_own = only_own
        self._engine = engine
        self._unit_of_work = UnitOfWork(engine)
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
            if job.cron and (job.tracked or not job.single):
                raise ValueError(f"{job.name}: what a schedule puts on the queue is single, and not tracked")
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
        else:
            self._metrics.jobs_due.set(math.inf)  # nobody wakes a module for jobs that it does not have

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
        if not job.tracked:
            return await self._put(job, session, at, payload)
        if session is None:
            async with self._unit_of_work() as own:
                return await self.defer(name, session=own, at=at, **payload)
        return await self._tracked(job, session, None, at, payload) is not None

    async def ask(self, name: str, *, session: AsyncSession, principal: Principal | None, **payload: Any) -> UUID:
        job = self._jobs[name]
        run_id = await self._tracked(job, session, principal, None, payload) or await job_runs.waiting(session, name)
        if run_id is None:
            # Queued by a release that did not track it, or begun this moment.
            raise Unavailable("It is about to begin; ask again.")
        return run_id

    async def _tracked(
        self, job: Job, session: AsyncSession, principal: Principal | None, at: datetime | None, payload: dict[str, Any]
    ) -> UUID | None:
        """The new run; None: a single one is waiting already."""
        run_id = new_id()
        if not await self._put(job, session, at, {**payload, RUN_ID: str(run_id)}):
            return None
        await job_runs.add(session, run_id, job.name, principal)
        return run_id

    async def _put(self, job: Job, session: AsyncSession | None, at: datetime | None, payload: dict[str, Any]) -> bool:
        """False: a single one is waiting already."""
        job.check(payload)
        app = await self._opened()
        from procrastinate.exceptions import AlreadyEnqueued

        lock = job.name if job.single else None
        try:
            with within_patience():
                # The savepoint keeps the caller's transaction usable when the job is waiting already. It begins with
                # the first use of the session's connection within it.
                async with session.begin_nested() if session is not None else nullcontext():
                    connection = await _driver_connection(session) if session is not None else None
                    task = app.configure_task(
                        job.name, schedule_at=at, lock=lock, queueing_lock=lock, connection=connection
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

        from rooftree.kernel.job_manager import Manager, Retry

        connector = procrastinate.PsycopgConnector()
        # What a tenant slept through is done once, however long that was.
        app = procrastinate.App(connector=connector, periodic_defaults={"max_delay": _MISSED_SECONDS})
        app.job_manager = Manager(connector, lambda: self._stopping, self._left)
        for job in self._jobs.values():
            lock, retry = job.name if job.single else None, Retry(job.attempts, job.hopeless)
            task = app.task(
                name=job.name, lock=lock, queueing_lock=lock, retry=retry, queue=_queue(job), pass_context=True
            )(self._runner(job, retry))
            if job.cron:
                app.periodic(cron=job.cron)(task)
        return app

    def _runner(self, job: Job, retry: "Retry") -> Any:
        async def run(
            context: Any,
            timestamp: int | None = None,
            traceparent: str | None = None,
            failures: int = 0,
            deaths: int = 0,
            **payload: Any,
        ) -> None:
            # The library adds `timestamp` to periodic runs; jobs get their own payload only.
            retry.begin(context.job)
            with (
                structlog.contextvars.bound_contextvars(job=job.name),
                span(f"job {job.name}", SpanKind.CONSUMER, parent=traceparent),
                self._metrics.job(job.name),
            ):
                try:
                    if RUN_ID in payload:
                        await self._run_tracked(job, retry, context.job, payload)
                    else:
                        await job.run(**payload)
                except BaseException as error:
                    retry.excuse(error, context.job)
                    if isinstance(error, Exception):
                        _log.warning("job_failed", exc_info=error)
                    raise

        return run

    async def _run_tracked(self, job: Job, retry: "Retry", queued: Any, payload: dict[str, Any]) -> None:
        """With a row that tells how it goes. What another has now, or nobody wants any more, just ends here."""
        run_id, claim = UUID(payload.pop(RUN_ID)), Claim(queued.id, queued.attempts)
        try:
            async with self._unit_of_work() as session:
                run = await job_runs.begin(session, run_id, claim)
            if run is None:
                return
            token = acting.set(str(run.actor_id) if run.actor_id else acting.get())
            try:
                await job.run(run, **payload)
            finally:
                acting.reset(token)
            await self._end(run_id, "succeeded", claim)
        except Superseded:
            _log.warning("job_superseded", job_id=queued.id)
        except Cancelled:
            await self._end(run_id, "cancelled", claim)
        except Exception as error:
            again = retry.get_retry_decision(exception=error, job=queued) is not None
            await self._end(run_id, "waiting" if again else "failed", claim, error)
            raise

    async def _end(
        self, run_id: UUID, state: job_runs.State, claim: Claim | None, error: Exception | None = None
    ) -> None:
        """A database that is away then makes another attempt of it, like any end that cannot be written."""
        with suppress(Superseded):
            async with self._unit_of_work() as session:
                await job_runs.end(session, run_id, state, claim=claim, error=error)

    async def _work(self) -> None:
        app = await self._opened()
        async with self._unit_of_work() as session:
            await job_runs.schedule(session, {job.name: job.cron for job in self._jobs.values() if job.cron})
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
            self._metrics.jobs_due.set(await self._due(app))
            if loop.time() >= forget_at:
                await app.job_manager.delete_old_jobs(nb_hours=_KEEP_FINISHED_HOURS, include_failed=True)
                async with self._unit_of_work() as session:
                    await job_runs.forget(session)
                forget_at = loop.time() + _FORGET_SECONDS
            await asyncio.sleep(HEARTBEAT_SECONDS)

    async def _due(self, app: "App") -> float:
        """When there is work to do next, in Unix seconds; infinite: never."""
        if any(job.stays_awake is not None and job.stays_awake() for job in self._jobs.values()):
            return time.time()
        ordered = [job.name for job in self._jobs.values() if not job.cron]
        row = await app.connector.execute_query_one_async(_DUE, names=list(self._jobs), ordered=ordered)
        return math.inf if row["due"] is None else float(row["due"])

    async def _take_over(self, app: "App", job: Any) -> None:
        """One job that cannot be put back must not keep the others from it."""
        from rooftree.kernel.job_manager import DEATHS

        deaths = job.task_kwargs.get(DEATHS, 0) + 1
        _log.warning("job_taken_over", job=job.task_name, job_id=job.id, deaths=deaths)
        try:
            if deaths < MOST_DEATHS:
                await app.job_manager.retry_job(job.evolve(task_kwargs={**job.task_kwargs, DEATHS: deaths}))
            else:
                await self._bury(app, job)
        except Exception as error:
            _log.warning("job_take_over_failed", job=job.task_name, job_id=job.id, exc_info=error)

    async def _left(self, job: Any) -> None:
        if RUN_ID in job.task_kwargs:
            await self._end(UUID(job.task_kwargs[RUN_ID]), "cancelled", None)

    async def _bury(self, app: "App", job: Any) -> None:
        """Whatever it does, it takes its worker with it."""
        from procrastinate.jobs import Status

        if RUN_ID in job.task_kwargs:
            await self._end(UUID(job.task_kwargs[RUN_ID]), "failed", Claim(job.id, job.attempts), WorkersDied())
        await app.job_manager.finish_job(job, Status.FAILED, delete_job=False)

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


def _trace() -> dict[str, str]:
    """The caller's trace, for the payload: the job's run becomes part of it."""
    traceparent = current_traceparent()
    return {"traceparent": traceparent} if traceparent else {}


async def _driver_connection(session: AsyncSession) -> Any:
    connection = await session.connection()
    return (await connection.get_raw_connection()).driver_connection
