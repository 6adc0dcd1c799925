"""Lists from a real standby: one's own writes always show, and a standby in trouble is nobody's."""

import asyncio
import json
import os
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from rooftree.kernel import standby as kernel_standby
from rooftree.kernel.ears import Ears
from rooftree.kernel.errors import Unavailable
from rooftree.kernel.written import BEGINNING, WRITTEN_COOKIE, Place, Written, written
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from .cache_world import until
from .conftest import Browser, Tenant, TestDatabase
from .crm.conftest import create, patient, people
from .standby_world import StandbyServer, answered, turn
from .test_database_away import Door

pytestmark = pytest.mark.integration
_ = patient  # a fixture
SLOW_SECONDS = 3.0  # what a person is promised


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Machines of tests are slow: what is not a matter of time here has plenty of it."""
    monkeypatch.setattr(kernel_standby, "ASK_SECONDS", 20.0)
    monkeypatch.setattr(kernel_standby, "READ_SECONDS", 60.0)
    monkeypatch.setattr(kernel_standby, "FRESH_SECONDS", 5.0)


@pytest.fixture
async def server(database: TestDatabase) -> AsyncGenerator[StandbyServer]:
    dsn = os.environ.get("ROOFTREE_TEST_POSTGRES_STANDBY")
    if not dsn:
        pytest.fail("These tests need ROOFTREE_TEST_POSTGRES_STANDBY: a standby (`make up-backends`).")
    async with turn(os.environ["ROOFTREE_TEST_POSTGRES"]):
        yield StandbyServer(dsn, database.admin_dsn)


@pytest.fixture
def replicated(stored_tenant: Tenant, server: StandbyServer) -> Tenant:
    there = conninfo_to_dict(server.dsn)
    return stored_tenant.but(database_standby_host=there["host"], database_standby_port=int(str(there["port"])))


@pytest.fixture
async def reader(start: Callable[..., Any], replicated: Tenant, server: StandbyServer) -> Browser:
    """The owner's browser, whose lists come from the standby now."""
    browser: Browser = await start(replicated)
    await browser.accept_owner()
    await browser.sign_in()
    await read_at_standby(browser)
    return browser


@pytest.fixture
def lasting(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an app knows of the primary stays fresh: only what a session wrote keeps it from the standby."""
    monkeypatch.setattr(kernel_standby, "FRESH_SECONDS", 3600.0)


async def read_at_standby(browser: Browser) -> list[str]:
    """The list as the standby has it, once it answers."""
    found: list[str] = []

    async def is_answered() -> bool:
        nonlocal found
        before = answered(browser, "standby")
        found = await people(browser)
        return answered(browser, "standby") > before

    await until(is_answered, "the standby does not answer")
    return found


async def test_what_a_session_wrote_shows_in_its_lists_while_the_standby_lags(
    reader: Browser, server: StandbyServer
) -> None:
    async with server.held_back():
        for number in range(3):
            await create(reader, name=f"Ada {number}", emails=[f"ada{number}@client.test"], phones=[])
            assert len(await people(reader)) == number + 1
        assert answered(reader, "behind") >= 3
    assert await read_at_standby(reader) == ["Ada 2", "Ada 1", "Ada 0"]


async def test_a_session_carries_its_writes_to_every_process(
    reader: Browser, start: Callable[..., Any], replicated: Tenant, server: StandbyServer, lasting: None
) -> None:
    other: Browser = await start(replicated)
    other.cookies.update(reader.cookies)
    assert await read_at_standby(other) == []
    async with server.held_back():
        await create(reader)
        other.cookies.delete(WRITTEN_COOKIE)
        # The control: the other process knows nothing of the write, and without the cookie asks the standby.
        assert await people(other) == []
        other.cookies.update(reader.cookies)
        assert await people(other) == ["Ada Canary"]


async def test_what_others_wrote_shows_soon_however_far_the_standby_lags(
    reader: Browser, start: Callable[..., Any], replicated: Tenant, server: StandbyServer
) -> None:
    other: Browser = await start(replicated)
    other.cookies.update(reader.cookies)
    await read_at_standby(other)
    other.cookies.delete(WRITTEN_COOKIE)
    async with server.held_back():
        await create(reader)
        began = time.monotonic()

        async def shows() -> bool:
            return await people(other) == ["Ada Canary"]

        await until(shows, "the other process goes on reading what is old")
        assert time.monotonic() - began < kernel_standby.FRESH_SECONDS + SLOW_SECONDS


async def test_a_standby_that_has_all_is_asked_where_the_log_goes_on_in_a_new_file(
    reader: Browser, server: StandbyServer
) -> None:
    with psycopg.connect(server.primary_dsn, autocommit=True) as primary:
        primary.execute("SELECT pg_switch_wal()")
    reader.app.state.parts.runtime.ears.hear(json.dumps({"id": "1", "resource": "person", "records": []}))
    before = answered(reader, "primary")
    await people(reader)
    assert answered(reader, "primary") == before + 1
    await server.caught_up()
    before = answered(reader, "standby")
    await people(reader)
    assert answered(reader, "standby") == before + 1


async def test_a_request_of_no_session_reads_at_the_primary(reader: Browser, server: StandbyServer) -> None:
    token = written.set(None)
    before = answered(reader, "standby")
    assert await unit_of_work(reader).read(in_recovery) is False
    written.reset(token)
    assert answered(reader, "standby") == before


async def test_a_standby_killed_while_people_read_costs_nobody_an_error_and_comes_back(
    reader: Browser, server: StandbyServer
) -> None:
    await create(reader)
    await read_at_standby(reader)
    answers: list[tuple[int, float]] = []
    over = asyncio.Event()

    async def reads() -> None:
        while not over.is_set():
            began = time.monotonic()
            answer = await reader.get("/api/v1/people")
            answers.append((answer.status_code, time.monotonic() - began))
            assert answer.json()["total"] == 1

    async def lasts(count: int) -> None:
        already = len(answers)

        async def is_done() -> bool:
            return len(answers) >= already + count

        await until(is_done, "people wait")

    try:
        async with asyncio.TaskGroup() as running:
            for _ in range(4):
                running.create_task(reads())
            await lasts(40)
            await asyncio.to_thread(server.kill)
            await lasts(80)
            over.set()
    finally:
        await server.made_anew()
    assert answered(reader, "away") > 0
    assert {status for status, _ in answers} == {200}
    assert max(seconds for _, seconds in answers) < SLOW_SECONDS
    await read_at_standby(reader)


async def test_a_standby_that_hangs_slows_one_read_and_no_more(
    start: Callable[..., Any], replicated: Tenant, reader: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = Door(replicated.values["database_standby_host"], replicated.values["database_standby_port"])
    listening = await door.start()
    browser: Browser = await start(replicated.but(database_standby_host="127.0.0.1", database_standby_port=door.port))
    browser.cookies.update(reader.cookies)
    await read_at_standby(browser)
    monkeypatch.setattr(kernel_standby, "ASK_SECONDS", 1.0)
    door.close()
    took: list[float] = []
    for _ in range(5):
        began = time.monotonic()
        assert await people(browser) == []
        took.append(time.monotonic() - began)
    assert sorted(took)[-1] < kernel_standby.ASK_SECONDS + SLOW_SECONDS
    assert answered(browser, "away") >= 2
    assert sum(seconds >= kernel_standby.ASK_SECONDS for seconds in took) <= 2
    door.open()
    await read_at_standby(browser)
    listening.close()


async def test_a_standby_that_says_goodbye_and_is_not_to_be_reached_slows_one_read_and_no_more(
    start: Callable[..., Any], replicated: Tenant, reader: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = Door(replicated.values["database_standby_host"], replicated.values["database_standby_port"])
    listening = await door.start()
    browser: Browser = await start(replicated.but(database_standby_host="127.0.0.1", database_standby_port=door.port))
    browser.cookies.update(reader.cookies)
    await read_at_standby(browser)
    monkeypatch.setattr(kernel_standby, "ASK_SECONDS", 1.0)
    door.close()
    await door.say_goodbye()
    took: list[float] = []
    for _ in range(5):
        began = time.monotonic()
        assert await people(browser) == []
        took.append(time.monotonic() - began)
    assert sum(seconds >= kernel_standby.ASK_SECONDS for seconds in took) <= 1
    assert answered(browser, "away") >= 4
    door.open()
    await read_at_standby(browser)
    listening.close()


@pytest.mark.usefixtures("lasting")
async def test_a_standby_of_another_history_is_not_asked_however_far_it_has_come(reader: Browser) -> None:
    there = as_reader(reader, unit_of_work(reader).read(in_recovery), Place(timeline=1, position=1))
    assert await there is True
    elsewhere = as_reader(reader, unit_of_work(reader).read(in_recovery), Place(timeline=2, position=1))
    assert await elsewhere is False


async def test_a_standby_that_became_a_primary_itself_answers_nothing(reader: Browser, server: StandbyServer) -> None:
    server.ask("SELECT pg_promote()")
    try:
        await create(reader)
        for _ in range(3):
            assert await people(reader) == ["Ada Canary"]
            assert await as_reader(reader, unit_of_work(reader).read(in_recovery)) is False
        assert answered(reader, "behind") >= 3
    finally:
        server.kill()
        await server.made_anew()
    assert await read_at_standby(reader) == ["Ada Canary"]


@pytest.mark.usefixtures("lasting")
async def test_a_query_that_replay_cancels_is_answered_by_the_primary(reader: Browser, server: StandbyServer) -> None:
    asked: list[bool] = []

    async def slow(session: AsyncSession) -> int:
        asked.append(await in_recovery(session))
        if asked[-1]:
            # Replay of the lock below waits for this one, and does not wait for long.
            locked = asyncio.create_task(asyncio.to_thread(lock_people, server.primary_dsn))
            await session.execute(text("SELECT count(*) FROM crm.people, pg_sleep(60)"))
            await locked
        return (await session.execute(text("SELECT count(*) FROM crm.people"))).scalar_one()

    await create(reader)
    await read_at_standby(reader)
    assert await as_reader(reader, unit_of_work(reader).read(slow)) == 1
    assert asked == [True, False]
    assert answered(reader, "cancelled") == 1
    await read_at_standby(reader)


async def test_what_only_reads_cannot_write_wherever_it_is_answered(reader: Browser) -> None:
    async def writes(session: AsyncSession) -> None:
        await session.execute(text("DELETE FROM crm.people"))

    with pytest.raises(DBAPIError, match="read-only"):
        await as_reader(reader, unit_of_work(reader).read(writes))
    with pytest.raises(DBAPIError, match="read-only"):
        await unit_of_work(reader).read(writes)
    async with unit_of_work(reader)() as session:
        await session.execute(text("DELETE FROM crm.people"))


async def test_without_the_primary_nothing_is_read_that_may_be_old(reader: Browser, database: TestDatabase) -> None:
    with database.without_login():

        async def refuses() -> bool:
            try:
                return await unit_of_work(reader).read(in_recovery)
            except Unavailable:
                return True

        await until(refuses, "somebody still answers")


def unit_of_work(browser: Browser) -> Any:
    return browser.app.state.parts.runtime.unit_of_work


async def as_reader(browser: Browser, read: Coroutine[Any, Any, Any], place: Place = BEGINNING) -> Any:
    """Within a request of a session that wrote until there."""
    await people(browser)
    token = written.set(Written("s" * 43, is_noting=False, place=place))
    try:
        return await read
    finally:
        written.reset(token)


async def in_recovery(session: AsyncSession) -> bool:
    return bool((await session.execute(text("SELECT pg_is_in_recovery()"))).scalar_one())


def lock_people(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("LOCK TABLE crm.people IN ACCESS EXCLUSIVE MODE")
        connection.execute("COMMENT ON TABLE crm.people IS NULL")


async def test_whoever_hears_of_a_change_reads_it_however_far_the_standby_lags(
    reader: Browser, start: Callable[..., Any], replicated: Tenant, server: StandbyServer, lasting: None
) -> None:
    other: Browser = await start(replicated)
    other.cookies.update(reader.cookies)
    async with server.held_back():
        await create(other)
        reader.cookies.delete(WRITTEN_COOKIE)
        # The control: this process knows nothing of the write yet.
        assert await people(reader) == []
        ears: Ears = reader.app.state.parts.runtime.ears
        ears.hear(json.dumps({"id": "1", "resource": "person", "records": []}))
        assert await people(reader) == ["Ada Canary"]
    assert await read_at_standby(reader) == ["Ada Canary"]
