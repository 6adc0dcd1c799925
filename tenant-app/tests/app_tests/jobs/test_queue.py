"""Jobs run once they are due, commit with their cause, and survive the death of their worker."""

import asyncio
import math
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog
from procrastinate import PsycopgConnector
from rooftree.kernel import job_manager, job_queue
from rooftree.kernel.background import Background
from rooftree.kernel.database import Database
from rooftree.kernel.job_queue import JobQueue
from rooftree.kernel.jobs import Job
from rooftree.kernel.metrics import Metrics
from sqlalchemy import text
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ..conftest import Browser, Tenant, TestDatabase

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_queue, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(job_queue, "HEARTBEAT_SECONDS", 0.2)


class Record:
    """Remembers runs."""

    def __init__(self) -> None:
        self.runs: list[dict[str, Any]] = []
        self.failures = 0

    async def note(self, **payload: Any) -> None:
        self.runs.append(payload)

    async def fail_first(self, **payload: Any) -> None:
        self.runs.append(payload)
        if len(self.runs) <= self.failures:
            raise RuntimeError("not yet")


@pytest.fixture
def record() -> Record:
    return Record()


Start = Callable[..., Awaitable[JobQueue]]


def due(queue: JobQueue) -> float:
    """What Prometheus is told."""
    (sample,) = next(iter(queue._metrics.jobs_due.collect())).samples
    return sample.value


@pytest.fixture
async def work(stored_tenant: Tenant) -> AsyncGenerator[Start]:
    """Start a queue with these jobs, as one process of the tenant."""
    running: list[tuple[JobQueue, Background, Database]] = []

    async def start(*jobs: Job, working: bool = True) -> JobQueue:
        pool = Database(stored_tenant.settings(), stored_tenant.secrets())
        queue, background = JobQueue(pool.engine, Metrics("test")), Background()
        queue.register(jobs)
        if working:
            queue.start(background)
        running.append((queue, background, pool))
        return queue

    yield start
    for queue, background, pool in running:
        await queue.stop()
        await background.close(5)
        await pool.close()


async def until(condition: Callable[[], Any]) -> None:
    """Look until it is so; what is waited for happens in another connection, which sets no event here."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_deferred_job_runs_with_its_payload(work: Start, record: Record) -> None:
    queue = await work(Job(name="test.note", run=record.note))
    assert await queue.defer("test.note", number=7)
    await until(lambda: record.runs)
    assert record.runs == [{"number": 7}]


async def test_it_is_told_when_there_is_work_to_do_next(work: Start, record: Record) -> None:
    gate = asyncio.Event()

    async def lasts() -> None:
        await gate.wait()

    daily = Job(name="test.daily", run=record.note, cron="17 4 * * *", single=True)
    queue = await work(Job(name="test.note", run=record.note), Job(name="test.lasts", run=lasts), daily)
    assert math.isnan(due(queue)), "nobody has looked yet"
    await until(lambda: due(queue) == math.inf)  # a schedule's times wait until somebody is there
    later, soon = (datetime.now(UTC) + timedelta(hours=hours) for hours in (3, 2))
    await queue.defer("test.note", at=later)
    await until(lambda: due(queue) == pytest.approx(later.timestamp(), abs=1))
    await queue.defer("test.note", at=soon)
    await until(lambda: due(queue) == pytest.approx(soon.timestamp(), abs=1))
    await queue.defer("test.lasts")
    await until(lambda: due(queue) == pytest.approx(time.time(), abs=5))  # what goes on now
    gate.set()
    await until(lambda: due(queue) == pytest.approx(soon.timestamp(), abs=1))


async def test_a_schedule_may_keep_awake_as_long_as_there_is_something_for_it(work: Start, record: Record) -> None:
    feeds = ["one"]
    sync = Job(name="test.sync", run=record.note, cron="17 4 * * *", single=True, stays_awake=lambda: bool(feeds))
    queue = await work(sync)
    await until(lambda: due(queue) == pytest.approx(time.time(), abs=5))
    feeds.clear()
    await until(lambda: due(queue) == math.inf)


async def test_job_runs_only_if_its_transaction_commits(work: Start, record: Record, browser: Browser) -> None:
    queue = await work(Job(name="test.note", run=record.note))
    unit_of_work = browser.app.state.parts.runtime.unit_of_work

    async def fails() -> None:
        async with unit_of_work() as session:
            await queue.defer("test.note", session=session, number=1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fails()
    async with unit_of_work() as session:
        await queue.defer("test.note", session=session, number=2)
        assert record.runs == []
    await until(lambda: record.runs)
    assert record.runs == [{"number": 2}]


async def test_single_job_waits_at_most_once_and_spares_the_transaction(
    work: Start, record: Record, browser: Browser, database: TestDatabase
) -> None:
    queue = await work(Job(name="test.single", run=record.note, single=True), working=False)
    assert await queue.defer("test.single")
    assert not await queue.defer("test.single")
    async with browser.app.state.parts.runtime.unit_of_work() as session:
        await session.execute(text("INSERT INTO identity.attempts (key, at) VALUES ('before', now())"))
        assert not await queue.defer("test.single", session=session)
        await session.execute(text("INSERT INTO identity.attempts (key, at) VALUES ('after', now())"))
    assert database.rows("SELECT count(*) FROM jobs.procrastinate_jobs") == [(1,)]
    assert database.rows("SELECT count(*) FROM identity.attempts") == [(2,)]


async def test_job_at_start_runs_once_for_all_processes(
    work: Start, record: Record, database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    both_queued, defer = asyncio.Barrier(2), JobQueue.defer

    async def defer_together(self: JobQueue, name: str, **options: Any) -> bool:
        queued = await defer(self, name, **options)
        await both_queued.wait()
        return queued

    monkeypatch.setattr(JobQueue, "defer", defer_together)
    job = Job(name="test.start", run=record.note, at_start=True, single=True)
    await work(job)
    await work(job)
    await until(lambda: database.rows("SELECT 1 FROM jobs.procrastinate_jobs WHERE status = 'succeeded'"))
    assert database.rows("SELECT count(*) FROM jobs.procrastinate_jobs") == [(1,)]
    assert record.runs == [{}]


LEAVE_DEAD = (
    "WITH w AS (INSERT INTO jobs.procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 minute')"
    " RETURNING id) UPDATE jobs.procrastinate_jobs SET status = 'doing', worker_id = w.id FROM w RETURNING 1"
)


async def test_single_job_of_a_dead_worker_gives_way_to_the_one_that_a_new_process_queued(
    work: Start, record: Record, database: TestDatabase
) -> None:
    job = Job(name="test.start", run=record.note, at_start=True, single=True)
    other = Job(name="test.other", run=record.note)
    idle = await work(job, other, working=False)
    await idle.defer("test.start")
    await idle.defer("test.other", number=2)
    database.rows(LEAVE_DEAD)
    # The new process queues its own before it begins to look for dead workers' jobs.
    assert await idle.defer("test.start")
    await work(job, other)
    await until(lambda: len(record.runs) == 2)
    await until(lambda: not database.rows("SELECT 1 FROM jobs.procrastinate_jobs WHERE status IN ('todo', 'doing')"))
    found = database.rows("SELECT task_name, status::text FROM jobs.procrastinate_jobs ORDER BY id")
    assert found == [("test.start", "failed"), ("test.other", "succeeded"), ("test.start", "succeeded")]


async def test_single_job_that_fails_while_its_twin_waits_leaves_the_work_to_it(
    work: Start, record: Record, database: TestDatabase
) -> None:
    began, go_on = asyncio.Event(), asyncio.Event()

    async def fail_first() -> None:
        began.set()
        await go_on.wait()
        await record.fail_first()

    record.failures = 1
    queue = await work(Job(name="test.fail", run=fail_first, single=True, attempts=3))
    await queue.defer("test.fail")
    await asyncio.wait_for(began.wait(), 20)
    assert await queue.defer("test.fail")
    go_on.set()
    await until(lambda: len(record.runs) == 2)
    await until(lambda: database.rows("SELECT 1 FROM jobs.procrastinate_jobs WHERE status = 'succeeded'"))
    found = database.rows("SELECT status::text, attempts FROM jobs.procrastinate_jobs ORDER BY id")
    assert found == [("failed", 1), ("succeeded", 1)]


async def test_failed_job_is_tried_as_often_as_declared(
    work: Start, record: Record, monkeypatch: pytest.MonkeyPatch, database: TestDatabase
) -> None:
    monkeypatch.setattr(job_manager, "_FIRST_RETRY_BASE", 0)
    record.failures = 5
    queue = await work(Job(name="test.fail", run=record.fail_first, attempts=3))
    await queue.defer("test.fail")
    await until(lambda: database.rows("SELECT 1 FROM jobs.procrastinate_jobs WHERE status = 'failed'"))
    assert len(record.runs) == 3


async def test_job_whose_end_cannot_be_written_for_a_moment_does_not_keep_its_lock(
    work: Start, record: Record, monkeypatch: pytest.MonkeyPatch, database: TestDatabase
) -> None:
    asked, failures = PsycopgConnector.execute_query_all_async, [PoolTimeout("no connection in time")]

    async def fail_first(self: PsycopgConnector, query: Any, **arguments: Any) -> Any:
        if failures and "procrastinate_finish_job" in query:
            raise failures.pop()
        return await asked(self, query, **arguments)

    monkeypatch.setattr(PsycopgConnector, "execute_query_all_async", fail_first)
    queue = await work(Job(name="test.note", run=record.note, single=True))
    await queue.defer("test.note", number=1)
    await until(lambda: database.rows("SELECT 1 FROM jobs.procrastinate_jobs WHERE status = 'succeeded'"))
    assert record.runs == [{"number": 1}]


async def test_job_that_needs_what_is_away_is_tried_until_it_is_back(
    work: Start, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_manager, "_AWAY_SECONDS", 0)

    async def reach() -> None:
        await record.note()
        if len(record.runs) <= 5:
            raise ConnectionError("away")

    queue = await work(Job(name="test.reach", run=reach, attempts=2))
    await queue.defer("test.reach")
    await until(lambda: len(record.runs) == 6)


async def test_job_of_a_dead_worker_is_taken_over(work: Start, record: Record, database: TestDatabase) -> None:
    job = Job(name="test.note", run=record.note, single=True)
    idle = await work(job, working=False)
    await idle.defer("test.note", number=3)
    # What a killed process leaves behind: a job in progress, a worker whose heart stopped.
    database.rows(LEAVE_DEAD)
    await work(job)
    await until(lambda: record.runs)
    assert record.runs == [{"number": 3}]


async def test_job_cut_off_by_shutdown_runs_again(
    work: Start, record: Record, monkeypatch: pytest.MonkeyPatch, database: TestDatabase
) -> None:
    monkeypatch.setattr(job_queue, "_STOP_SECONDS", 0.1)
    began = asyncio.Event()

    async def endless() -> None:
        began.set()
        await asyncio.Event().wait()

    queue = await work(Job(name="test.long", run=endless))
    await queue.defer("test.long")
    await asyncio.wait_for(began.wait(), 20)
    await queue.stop()
    assert database.rows("SELECT status::text FROM jobs.procrastinate_jobs") == [("todo",)]
    await work(Job(name="test.long", run=record.note))
    await until(lambda: record.runs)


async def test_periodic_job_is_deferred_by_its_cron(work: Start, record: Record, database: TestDatabase) -> None:
    await work(Job(name="test.cron", run=record.note, cron="* * * * * *", single=True))
    await until(lambda: record.runs)
    assert record.runs[0] == {}


async def test_queue_recovers_when_the_database_was_away(work: Start, record: Record, database: TestDatabase) -> None:
    queue = await work(Job(name="test.note", run=record.note))
    await queue.defer("test.note", number=1)
    await until(lambda: record.runs)
    database.rows(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{database.user}'")

    async def deferred() -> bool:
        try:
            return await queue.defer("test.note", number=2)
        except Exception:
            return False

    async with asyncio.timeout(20):
        while not await deferred():  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    await until(lambda: len(record.runs) >= 2)


async def test_stopping_does_not_wait_for_a_database_that_is_away(
    work: Start, record: Record, database: TestDatabase
) -> None:
    queue = await work(Job(name="test.note", run=record.note))
    await queue.defer("test.note", number=1)
    await until(lambda: record.runs)
    with database.without_login():
        async with asyncio.timeout(6):
            await queue.stop()


async def test_a_job_whose_end_cannot_be_written_does_not_hold_up_the_end_of_the_process(
    work: Start, database: TestDatabase
) -> None:
    began, go_on = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        began.set()
        await go_on.wait()

    queue = await work(Job(name="test.wait", run=wait))
    await queue.defer("test.wait")
    await began.wait()
    with database.without_login(), structlog.testing.capture_logs() as lines:
        go_on.set()
        await until(lambda: any(line["event"] == "job_end_not_written" for line in lines))
        async with asyncio.timeout(6):
            await queue.stop()
            await asyncio.wait(queue._loops)


def test_two_jobs_of_one_name_are_a_bug(stored_tenant: Tenant, record: Record) -> None:
    queue = JobQueue(Database(stored_tenant.settings(), stored_tenant.secrets()).engine, Metrics("test"))
    job = Job(name="test.note", run=record.note)
    with pytest.raises(ValueError, match=r"test\.note"):
        queue.register([job, job])
