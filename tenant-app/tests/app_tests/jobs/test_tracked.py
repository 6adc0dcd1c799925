"""Tracked jobs: what is told of them, and what reaches their handlers and the processes that these begin."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from opentelemetry.trace import SpanKind
from rooftree.kernel import job_manager, job_queue, job_runs
from rooftree.kernel.auth import Principal, acting
from rooftree.kernel.background import Background
from rooftree.kernel.database import Database
from rooftree.kernel.errors import Conflict
from rooftree.kernel.ids import new_id
from rooftree.kernel.job_queue import JobQueue
from rooftree.kernel.job_runs import Run
from rooftree.kernel.job_schedules import next_due
from rooftree.kernel.jobs import Job
from rooftree.kernel.metrics import Metrics
from rooftree.kernel.telemetry import span
from rooftree.kernel.unit_of_work import UnitOfWork
from rooftree.kernel.workers import Limits, WorkerFailed, Workers

from ..conftest import Tenant, TestDatabase
from .conftest import TESTS

pytestmark = pytest.mark.integration
HEAVY = "app_tests.jobs.heavy"
LIMITS = Limits(data_bytes=200 * 1024 * 1024, cpu_seconds=20, seconds=30)
ANDY = Principal(new_id(), "acme-0a1b2c3d", "agent", "web", frozenset(), office_id=new_id())


@pytest.fixture(autouse=True)
def found_by_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(TESTS)


class Replica:
    """One process's queue, with its own pool."""

    def __init__(self, tenant: Tenant, *jobs: Job) -> None:
        self.pool = Database(tenant.settings(), tenant.secrets())
        self.unit_of_work = UnitOfWork(self.pool.engine)
        self.queue, self.background = JobQueue(self.pool.engine, Metrics("test")), Background()
        self.queue.register(jobs)

    async def ask(self, name: str, **payload: Any) -> UUID:
        async with self.unit_of_work() as session:
            return await self.queue.ask(name, session=session, principal=ANDY, **payload)

    async def stop(self) -> None:
        await self.queue.stop()
        await self.background.close(5)
        await self.pool.close()


Start = Callable[..., Awaitable[Replica]]


@pytest.fixture
async def replica(stored_tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Start]:
    monkeypatch.setattr(job_queue, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(job_manager, "_FIRST_RETRY_BASE", 0)
    running: list[Replica] = []

    async def start(*jobs: Job, working: bool = True) -> Replica:
        made = Replica(stored_tenant, *jobs)
        running.append(made)
        if working:
            made.queue.start(made.background)
        return made

    yield start
    for one in running:
        await one.stop()


def run_of(database: TestDatabase, job_id: UUID) -> dict[str, Any]:
    found = database.rows(f"SELECT to_jsonb(runs) FROM jobs.runs WHERE id = '{job_id}'")
    return found[0][0]


async def ended(database: TestDatabase, job_id: UUID) -> dict[str, Any]:
    async with asyncio.timeout(20):
        while run_of(database, job_id)["finished_at"] is None:  # noqa: ASYNC110 - in another connection
            await asyncio.sleep(0.02)
    return run_of(database, job_id)


async def test_tells_who_asked_how_far_it_is_and_what_came_of_it(replica: Start, database: TestDatabase) -> None:
    seen: list[dict[str, Any]] = []

    async def count(run: Run) -> None:
        for done in (1, 2):
            async with one.unit_of_work() as session:
                await run.step(session, done=done, total=2, message=f"{done} counted", result="/api/v1/counts/1")
            seen.append(run_of(database, run.id))

    one = await replica(Job(name="test.count", run=count, tracked=True), working=False)
    job_id = await one.ask("test.count")
    waiting = run_of(database, job_id)
    assert (waiting["state"], waiting["attempt"], waiting["total"]) == ("waiting", 0, None)
    assert (waiting["actor_id"], waiting["office_id"]) == (str(ANDY.user_id), str(ANDY.office_id))
    one.queue.start(one.background)
    over = await ended(database, job_id)
    assert [(run["state"], run["done"], run["message"]) for run in seen] == [
        ("running", 1, "1 counted"),
        ("running", 2, "2 counted"),
    ]
    assert (over["state"], over["done"], over["total"], over["result"]) == ("succeeded", 2, 2, "/api/v1/counts/1")


async def test_goes_on_from_the_position_that_the_failed_attempt_recorded(
    replica: Start, database: TestDatabase
) -> None:
    began: list[Any] = []

    async def fail_once(run: Run) -> None:
        began.append(run.position)
        async with one.unit_of_work() as session:
            await run.step(session, position={"row": 7})
        if len(began) == 1:
            raise RuntimeError("canary of a bug")

    one = await replica(Job(name="test.fail", run=fail_once, tracked=True, attempts=2))
    over = await ended(database, await one.ask("test.fail"))
    assert began == [None, {"row": 7}]
    assert (over["state"], over["attempt"], over["error_code"]) == ("succeeded", 2, None)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (Conflict("The shelf is full."), ("conflict", "The shelf is full.")),
        (RuntimeError("canary of a bug"), ("internal-error", None)),
    ],
)
async def test_a_failed_job_says_why_in_words_for_people_and_nothing_of_a_bug(
    replica: Start, database: TestDatabase, error: Exception, told: tuple[str, str | None]
) -> None:
    async def fail(_run: Run) -> None:
        raise error

    one = await replica(Job(name="test.fail", run=fail, tracked=True))
    over = await ended(database, await one.ask("test.fail"))
    assert (over["state"], over["error_code"], over["error_detail"]) == ("failed", *told)


async def test_works_for_whoever_asked_in_their_trace_also_in_the_process_that_it_begins(
    replica: Start, database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[dict[str, Any]] = []

    async def look(_run: Run) -> None:
        answer = json.loads(await Workers().run(HEAVY, "trace", content=b"four", limits=LIMITS))
        told.append(answer | {"acting": acting.get()})

    monkeypatch.setenv("ROOFTREE_TENANT_ID", "acme-0a1b2c3d")
    one = await replica(Job(name="test.look", run=look, tracked=True))
    with span("request", SpanKind.SERVER) as request:
        job_id = await one.ask("test.look")
    assert (await ended(database, job_id))["state"] == "succeeded"
    (found,) = told
    assert found["TRACEPARENT"].split("-")[1] == f"{request.get_span_context().trace_id:032x}"
    assert found["ROOFTREE_ACTOR"] == found["acting"] == str(ANDY.user_id)
    assert (found["ROOFTREE_TENANT_ID"], found["content"]) == ("acme-0a1b2c3d", "four")


async def test_a_process_that_wants_too_much_memory_is_a_failed_attempt_and_no_more(
    replica: Start, database: TestDatabase
) -> None:
    async def hoard(_run: Run) -> None:
        await Workers().run(HEAVY, "memory", content=b"", limits=LIMITS)

    one = await replica(Job(name="test.hoard", run=hoard, tracked=True, attempts=2))
    over = await ended(database, await one.ask("test.hoard"))
    assert (over["state"], over["attempt"], over["error_code"]) == ("failed", 2, "worker-failed")


@pytest.mark.parametrize("limit", ["seconds", "cpu_seconds"])
async def test_a_process_that_never_ends_is_ended(limit: str) -> None:
    limits = Limits(**{"data_bytes": LIMITS.data_bytes, "cpu_seconds": 20, "seconds": 30} | {limit: 1})
    with pytest.raises(WorkerFailed):
        await Workers().run(HEAVY, "time", content=b"", limits=limits)


async def test_a_schedule_runs_once_for_three_processes_and_what_was_missed_once_at_the_start(
    replica: Start, database: TestDatabase
) -> None:
    async def nothing() -> None:
        return

    def due(cron: str, name: str) -> Job:
        return Job(name=name, run=nothing, cron=cron, single=True)

    def made(name: str) -> list[int]:
        query = "SELECT (args->>'timestamp')::bigint FROM jobs.procrastinate_jobs WHERE task_name = "
        return [row[0] for row in database.rows(f"{query}'{name}' ORDER BY 1")]

    async def all_start() -> list[Replica]:
        jobs = due("* * * * * *", "test.often"), due("0 0 1 1 *", "test.yearly")
        return [await replica(*jobs) for _ in range(3)]

    async def seen(count: int) -> None:
        async with asyncio.timeout(30):
            while len(made("test.often")) < count or not made("test.yearly"):  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    first = await all_start()
    await seen(2)
    for one in first:
        await one.queue.stop()
    before = len(made("test.often"))
    await all_start()
    await seen(before + 2)
    often = made("test.often")
    assert len(often) == len(set(often))
    assert len(made("test.yearly")) == 1
    assert dict(database.rows("SELECT kind, cron FROM jobs.schedules"))["test.yearly"] == "0 0 1 1 *"


def test_the_next_run_of_a_schedule_is_known() -> None:
    from datetime import UTC, datetime

    assert next_due("27 4 * * *", datetime(2026, 11, 28, 12, tzinfo=UTC)) == datetime(2026, 11, 29, 4, 27, tzinfo=UTC)


async def test_one_that_was_cancelled_before_it_began_leaves_room_for_the_next(
    replica: Start, database: TestDatabase
) -> None:
    began: list[UUID] = []

    async def note(run: Run) -> None:
        began.append(run.id)

    one = await replica(Job(name="test.single", run=note, tracked=True, single=True), working=False)
    first = await one.ask("test.single")
    assert await one.ask("test.single") == first
    async with one.unit_of_work() as session:
        assert await job_runs.cancel(session, first)
    second = await one.ask("test.single")
    one.queue.start(one.background)
    assert (await ended(database, second))["state"] == "succeeded"
    assert run_of(database, first)["state"] == "cancelled"
    assert began == [second]


async def test_one_that_is_cancelled_while_it_runs_ends_with_its_next_step_which_is_undone(
    replica: Start, database: TestDatabase
) -> None:
    steps: list[int] = []

    async def go_on(run: Run) -> None:
        while True:
            async with one.unit_of_work() as session:
                await run.step(session, done=len(steps) + 1)
            steps.append(1)
            if len(steps) == 3:
                async with one.unit_of_work() as session:
                    assert await job_runs.cancel(session, run.id)

    one = await replica(Job(name="test.endless", run=go_on, tracked=True, attempts=3))
    over = await ended(database, await one.ask("test.endless"))
    assert (over["state"], over["done"], over["attempt"], len(steps)) == ("cancelled", 3, 1, 3)


async def test_a_single_one_that_fails_while_its_twin_waits_is_not_told_to_be_under_way_for_ever(
    replica: Start, database: TestDatabase
) -> None:
    began, go_on, tries = asyncio.Event(), asyncio.Event(), [RuntimeError("once")]

    async def fail_first(_run: Run) -> None:
        began.set()
        await go_on.wait()
        if tries:
            raise tries.pop()

    one = await replica(Job(name="test.single", run=fail_first, tracked=True, single=True, attempts=3))
    first = await one.ask("test.single")
    await asyncio.wait_for(began.wait(), 20)
    second = await one.ask("test.single")
    assert second != first
    go_on.set()
    assert (await ended(database, second))["state"] == "succeeded"
    assert (await ended(database, first))["state"] == "cancelled"


async def test_a_payload_that_the_handler_does_not_take_is_refused_where_it_is_asked_for(replica: Start) -> None:
    async def note(run: Run, number: int) -> None:
        raise AssertionError((run, number))

    one = await replica(Job(name="test.note", run=note, tracked=True), working=False)
    with pytest.raises(TypeError, match="number"):
        await one.ask("test.note", amount=1)


LEAVE_DEAD = (
    "WITH w AS (INSERT INTO jobs.procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 minute')"
    " RETURNING id) UPDATE jobs.procrastinate_jobs SET status = 'doing', worker_id = w.id FROM w RETURNING 1"
)


async def leave_dead(database: TestDatabase) -> None:
    """Off the loop: the rescue may hold the job's row, and can only let go of it if the loop goes on."""
    await asyncio.to_thread(database.rows, LEAVE_DEAD)


async def put_back(database: TestDatabase) -> dict[str, Any]:
    """The payload of the only job, once it waits again."""
    async with asyncio.timeout(20):
        while not (found := database.rows("SELECT args FROM jobs.procrastinate_jobs WHERE status = 'todo'")):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return found[0][0]


@pytest.fixture
def quick_rescue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_queue, "HEARTBEAT_SECONDS", 0.1)


@pytest.mark.usefixtures("quick_rescue")
async def test_a_job_under_which_every_worker_dies_is_given_up(replica: Start, database: TestDatabase) -> None:
    async def note(_run: Run) -> None:
        raise AssertionError("every worker dies before it begins")

    one = await replica(Job(name="test.note", run=note, tracked=True), working=False)
    job_id = await one.ask("test.note")
    one.background.spawn("rescue", one.queue._rescue())
    for deaths in range(1, job_queue.MOST_DEATHS):
        await leave_dead(database)
        assert (await put_back(database))["deaths"] == deaths
    await leave_dead(database)
    over = await ended(database, job_id)
    assert (over["state"], over["error_code"]) == ("failed", "workers-died")


@pytest.mark.usefixtures("quick_rescue")
async def test_one_for_which_something_was_away_for_long_outlives_the_death_of_its_process(
    replica: Start, database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_manager, "_AWAY_SECONDS", 0)
    tries, last_words, go_on = 0, asyncio.Event(), asyncio.Event()

    async def reach(_run: Run) -> None:
        nonlocal tries
        tries += 1
        if tries <= 2 * job_queue.MOST_DEATHS:
            raise ConnectionError("away")
        if not last_words.is_set():
            last_words.set()
            await go_on.wait()

    one = await replica(Job(name="test.reach", run=reach, tracked=True, attempts=4))
    job_id = await one.ask("test.reach")
    await asyncio.wait_for(last_words.wait(), 20)
    await leave_dead(database)
    over = await ended(database, job_id)
    go_on.set()
    assert (over["state"], over["error_code"], tries) == ("succeeded", None, 2 * job_queue.MOST_DEATHS + 2)
