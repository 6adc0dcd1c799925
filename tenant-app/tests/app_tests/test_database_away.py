"""A database that refuses, hangs or vanishes: proper errors in time, nobody taken out, all well when it is back."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
import structlog
from rooftree.kernel import database
from rooftree.kernel.database import POOL_SIZE, REQUEST_SECONDS, Database, Patience
from rooftree.kernel.errors import Unavailable
from rooftree.kernel.hot_reads import Prepared, fetch
from rooftree.kernel.job_queue import JobQueue
from rooftree.kernel.jobs import Job
from rooftree.kernel.metrics import Metrics
from rooftree.kernel.unit_of_work import UnitOfWork
from sqlalchemy import text

from .conftest import Browser, FakeClock, Tenant

# Who waits for a database that is away waits this long at least; who does not wait, never.
PATIENCE = REQUEST_SECONDS - 0.2
BUDGET_SECONDS = 5.0
COOKIE = f"__Host-session={'s' * 43}"


@pytest.fixture(autouse=True)
def log() -> Iterator[list[Any]]:
    """What was logged; it is not printed, which takes longer than what these tests measure."""
    with structlog.testing.capture_logs() as lines:
        yield lines


class Door:
    """Stands before PostgreSQL; closed, it takes everything and lets nothing through, as a server that hangs."""

    def __init__(self, host: str, port: int) -> None:
        self._behind = (host, port)
        self._open = asyncio.Event()
        self._open.set()
        self._writers: list[asyncio.StreamWriter] = []
        self.port = 0

    async def start(self) -> asyncio.Server:
        server = await asyncio.start_server(self._enter, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        return server

    def close(self) -> None:
        self._open.clear()

    def open(self) -> None:
        self._open.set()

    def vanish(self) -> None:
        """Who is connected never hears anything again; who comes now is let through."""
        self._open.clear()
        self._open = asyncio.Event()
        self._open.set()

    def drop(self) -> None:
        """End every connection on both sides, at once."""
        for one in self._writers:
            one.transport.abort()
        self._writers.clear()

    async def say_goodbye(self) -> None:
        """The same, and the other side has it when this ends."""
        ended = [*self._writers]
        self.drop()
        await asyncio.gather(*(one.wait_closed() for one in ended), return_exceptions=True)

    async def _enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opened = self._open
        await opened.wait()
        inner_reader, inner_writer = await asyncio.open_connection(*self._behind)
        self._writers += [writer, inner_writer]
        await asyncio.gather(self._carry(opened, reader, inner_writer), self._carry(opened, inner_reader, writer))

    async def _carry(self, opened: asyncio.Event, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while content := await source.read(65536):
            await opened.wait()
            target.write(content)
        target.close()


@pytest.fixture
async def door(stored_tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Door]:
    """The way to the test's PostgreSQL; its name stays, so that certificates are checked as always."""
    between = Door(stored_tenant.values["database_host"], stored_tenant.values["database_port"])
    server = await between.start()
    monkeypatch.setenv("PGHOSTADDR", "127.0.0.1")
    yield between
    between.open()
    server.close()
    # Else the sessions of who vanished stay, and other tests count them.
    await between.say_goodbye()


@contextmanager
def patient(seconds: float) -> Iterator[None]:
    """As a request that waits for so long."""
    token = database.patience.set(Patience(seconds))
    try:
        yield
    finally:
        database.patience.reset(token)


async def timed(answer: Any) -> tuple[float, httpx2.Response]:
    began = time.monotonic()
    given = await answer
    return time.monotonic() - began, given


def refused(answer: httpx2.Response) -> None:
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.json()["type"] == "https://rooftree.dev/problems/unavailable"


@pytest.mark.parametrize("fault", ["refuses", "hangs"])
async def test_whoever_needs_a_database_that_is_away_is_told_in_time(
    start: Callable[..., Any], tenant: Tenant, fault: str
) -> None:
    silent = Door("127.0.0.1", 1)
    silent.close()
    server = await silent.start()
    browser = await start(tenant.but(database_port=silent.port if fault == "hangs" else 1))
    asked = [timed(browser.get("/api/v1/session", headers={"Cookie": COOKIE})) for _ in range(12)]
    others = [timed(browser.get(path)) for path in ("/version", "/api/v1/tenant", "/auth/login", "/livez", "/theme.js")]
    answers = await asyncio.gather(*asked, *others)
    for seconds, answer in answers[: len(asked)]:
        assert seconds < BUDGET_SECONDS
        refused(answer)
    assert [answer.status_code for _, answer in answers[len(asked) :]] == [200, 200, 302, 200, 200]
    assert max(seconds for seconds, _ in answers[len(asked) :]) < PATIENCE
    silent.open()
    server.close()


@pytest.mark.integration
async def test_a_database_that_begins_to_hang_is_given_up_and_used_again_when_it_is_back(
    start: Callable[..., Any], stored_tenant: Tenant, door: Door
) -> None:
    browser: Browser = await start(stored_tenant.but(database_port=door.port))
    await browser.accept_owner()
    await browser.sign_in()
    assert (await browser.get("/readyz")).status_code == 200
    door.close()
    for _ in range(2):
        for seconds, answer in await asyncio.gather(*(timed(browser.get("/api/v1/session")) for _ in range(8))):
            assert seconds < BUDGET_SECONDS
            refused(answer)
    # All pods share it: taking all of them out would turn proper errors into none, and take what needs no database too.
    seconds, answer = await timed(browser.get("/readyz"))
    assert (answer.status_code, seconds < PATIENCE) == (200, True)
    door.open()
    assert (await browser.get("/api/v1/session")).status_code == 200


@pytest.mark.integration
async def test_who_is_signed_in_goes_on_with_what_needs_no_database(
    start: Callable[..., Any], stored_tenant: Tenant, door: Door, clock: FakeClock
) -> None:
    browser: Browser = await start(stored_tenant.but(database_port=door.port))
    await browser.accept_owner()
    await browser.sign_in()
    assert (await browser.get("/probe/whoami")).status_code == 200
    door.close()
    clock.advance(minutes=4)
    for most in (BUDGET_SECONDS, PATIENCE, PATIENCE):
        seconds, answer = await timed(browser.get("/probe/whoami"))
        assert (answer.status_code, seconds < most) == (200, True)
    door.open()


@pytest.mark.integration
async def test_a_hang_within_a_transaction_ends_it_in_time(
    start: Callable[..., Any], stored_tenant: Tenant, door: Door
) -> None:
    browser: Browser = await start(stored_tenant.but(database_port=door.port))
    unit_of_work = browser.app.state.parts.runtime.unit_of_work

    async def cut_off() -> None:
        async with unit_of_work() as session:
            await session.execute(text("SELECT 1"))
            door.close()
            await session.execute(text("SELECT 2"))

    with patient(2.0):
        began = time.monotonic()
        with pytest.raises(Unavailable):
            await cut_off()
        assert time.monotonic() - began < BUDGET_SECONDS
        door.open()
    with patient(10.0):
        async with unit_of_work() as session:
            assert await session.scalar(text("SELECT 3")) == 3


async def _changing(unit_of_work: UnitOfWork) -> None:
    async with unit_of_work() as session:
        await session.execute(text("SELECT pg_sleep(0.2)"))


async def _reading(unit_of_work: UnitOfWork) -> None:
    async with unit_of_work.reading() as connection:
        await fetch(connection, Prepared("SELECT pg_sleep(0.2)", {}), {})


@pytest.mark.integration
@pytest.mark.parametrize("use", [_changing, _reading])
async def test_of_a_machine_that_vanished_one_request_hears_and_not_one_for_each_connection(
    start: Callable[..., Any],
    stored_tenant: Tenant,
    door: Door,
    use: Callable[[UnitOfWork], Coroutine[Any, Any, None]],
) -> None:
    browser: Browser = await start(stored_tenant.but(database_port=door.port))
    unit_of_work = browser.app.state.parts.runtime.unit_of_work
    await asyncio.gather(*(use(unit_of_work) for _ in range(POOL_SIZE)))
    door.vanish()
    with patient(0.5), pytest.raises(Unavailable):
        await use(unit_of_work)
    for _ in range(POOL_SIZE + 1):
        with patient(10.0):
            await use(unit_of_work)


@pytest.mark.integration
async def test_a_pooler_that_starts_again_costs_no_request(
    start: Callable[..., Any], stored_tenant: Tenant, door: Door
) -> None:
    """It ends all connections at once and says nothing to PostgreSQL's clients beyond that."""
    browser: Browser = await start(stored_tenant.but(database_port=door.port))
    unit_of_work = browser.app.state.parts.runtime.unit_of_work
    for use in (_changing, _reading):
        await asyncio.gather(*(use(unit_of_work) for _ in range(POOL_SIZE)))
        door.drop()
        await asyncio.gather(*(use(unit_of_work) for _ in range(2 * POOL_SIZE)))


@pytest.mark.integration
async def test_all_transactions_of_a_request_share_its_patience(
    start: Callable[..., Any], stored_tenant: Tenant, door: Door
) -> None:
    browser: Browser = await start(stored_tenant.but(database_port=door.port))
    unit_of_work = browser.app.state.parts.runtime.unit_of_work
    with patient(3.0):
        began = time.monotonic()
        async with unit_of_work() as session:
            await session.execute(text("SELECT pg_sleep(1.5)"))
        door.close()
        with pytest.raises(Unavailable):
            async with unit_of_work() as session:
                await session.execute(text("SELECT 2"))
        assert time.monotonic() - began < 4


@pytest.mark.integration
async def test_a_statement_that_nobody_waits_for_any_more_ends_in_the_server_too(
    start: Callable[..., Any], stored_tenant: Tenant
) -> None:
    browser: Browser = await start(stored_tenant)
    unit_of_work = browser.app.state.parts.runtime.unit_of_work
    with patient(0.5), pytest.raises(Unavailable):
        async with unit_of_work() as session:
            await session.execute(text("SELECT pg_sleep(12)"))
    count = text("SELECT count(*) FROM pg_stat_activity WHERE usename = current_user AND query LIKE '%pg_sleep(12)%'")
    async with asyncio.timeout(5):
        while True:
            async with unit_of_work() as session:
                # This one's own text has the words, too.
                if await session.scalar(count) == 1:
                    return
            await asyncio.sleep(0.1)


async def test_a_job_that_cannot_be_queued_now_is_no_bug(tenant: Tenant) -> None:
    async def nothing() -> None:
        """Never runs."""

    pool = Database(tenant.settings(), tenant.secrets())
    queue = JobQueue(pool.engine, Metrics("test"))
    queue.register([Job(name="test.nothing", run=nothing)])
    with pytest.raises(Unavailable):
        await queue.defer("test.nothing")
    await pool.close()
