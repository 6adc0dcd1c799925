"""Events wait in the transaction of their cause, numbered without gaps."""

import asyncio
from uuid import UUID

import psycopg
import pytest
from rooftree.kernel.auth import acting
from rooftree.kernel.database import Database
from rooftree.kernel.ids import new_id
from rooftree.kernel.outbox import CHANNEL, MAX_EVENT_BYTES, Outbox
from rooftree.kernel.unit_of_work import UnitOfWork

from ..conftest import Tenant, TestDatabase
from .samples import Counted

pytestmark = pytest.mark.integration

COLUMNS = "SELECT aggregate_id, sequence, data::json->>'number' FROM events.outbox ORDER BY position"


@pytest.fixture
async def unit_of_work(stored_tenant: Tenant):
    opened = Database(stored_tenant.settings(), stored_tenant.secrets())
    yield UnitOfWork(opened.engine)
    await opened.close()


def counted(counter: UUID, *numbers: int) -> list[Counted]:
    return [Counted(counter=counter, number=number) for number in numbers]


async def test_events_are_numbered_per_aggregate_in_the_order_given(
    unit_of_work: UnitOfWork, database: TestDatabase
) -> None:
    one, two = new_id(), new_id()
    async with unit_of_work() as session:
        await Outbox().add(session, [*counted(two, 1), *counted(one, 2, 3), *counted(two, 4)])
        await Outbox().add(session, counted(one, 5))
        await Outbox().add(session, [])
    assert database.rows(COLUMNS) == [(two, 1, "1"), (one, 1, "2"), (one, 2, "3"), (two, 2, "4"), (one, 3, "5")]


async def test_what_is_rolled_back_leaves_no_event_and_no_gap(unit_of_work: UnitOfWork, database: TestDatabase) -> None:
    counter = new_id()

    async def fails() -> None:
        async with unit_of_work() as session:
            await Outbox().add(session, counted(counter, 1, 2))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fails()
    async with unit_of_work() as session:
        await Outbox().add(session, counted(counter, 3))
    assert database.rows(COLUMNS) == [(counter, 1, "3")]


async def test_concurrent_writers_of_the_same_aggregates_draw_gapless_numbers_in_the_order_of_positions(
    unit_of_work: UnitOfWork, database: TestDatabase
) -> None:
    counters = [new_id() for _ in range(5)]

    async def write(writer: int) -> None:
        for _ in range(10):
            # Opposite orders would deadlock if the statement locked in the order given.
            order = counters if writer % 2 else counters[::-1]
            async with unit_of_work() as session:
                await Outbox().add(session, [event for counter in order for event in counted(counter, writer, writer)])

    await asyncio.gather(*(write(writer) for writer in range(3)))
    rows = database.rows(COLUMNS)
    assert len(rows) == 3 * 10 * 5 * 2
    for counter in counters:
        assert [sequence for aggregate, sequence, _ in rows if aggregate == counter] == list(range(1, 61))


async def test_the_second_writer_of_an_aggregate_waits_for_the_first_whatever_commits_between(
    unit_of_work: UnitOfWork, database: TestDatabase
) -> None:
    shared, other = new_id(), new_id()
    first_added, go_on = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        async with unit_of_work() as session:
            await Outbox().add(session, counted(shared, 1))
            first_added.set()
            await go_on.wait()

    async def then(counter: UUID, number: int) -> None:
        async with unit_of_work() as session:
            await Outbox().add(session, counted(counter, number))

    running = asyncio.create_task(first())
    await first_added.wait()
    waiting = asyncio.create_task(then(shared, 2))
    await then(other, 3)
    assert not waiting.done()
    go_on.set()
    await asyncio.gather(running, waiting)
    assert [row for row in database.rows(COLUMNS) if row[0] == shared] == [(shared, 1, "1"), (shared, 2, "2")]


async def test_commit_wakes_who_listens(unit_of_work: UnitOfWork, database: TestDatabase) -> None:
    async with await psycopg.AsyncConnection.connect(database.admin_dsn, autocommit=True) as listener:
        await listener.execute(f"LISTEN {CHANNEL}".encode())
        async with unit_of_work() as session:
            await Outbox().add(session, counted(new_id(), 1, 2))
        heard = [notice.channel async for notice in listener.notifies(timeout=5, stop_after=1)]
    assert heard == [CHANNEL]


async def test_event_tells_for_whom_it_happened(unit_of_work: UnitOfWork, database: TestDatabase) -> None:
    async with unit_of_work() as session:
        await Outbox().add(session, counted(new_id(), 1))
        token = acting.set("0198c0de-0000-7000-8000-000000000001")
        await Outbox().add(session, counted(new_id(), 2))
        acting.reset(token)
    actors = [row[0] for row in database.rows("SELECT actor_id FROM events.outbox ORDER BY position")]
    assert actors == ["system", "0198c0de-0000-7000-8000-000000000001"]


async def test_event_that_kafka_would_refuse_is_refused_at_once(unit_of_work: UnitOfWork) -> None:
    async with unit_of_work() as session:
        with pytest.raises(ValueError, match="larger than"):
            await Outbox().add(session, [Counted(counter=new_id(), number=1, note="x" * MAX_EVENT_BYTES)])
