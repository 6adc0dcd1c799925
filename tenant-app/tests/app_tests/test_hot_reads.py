"""Statements that are kept: what they are made of, and that they fail, are traced and give up as all others do."""

from collections.abc import AsyncGenerator
from typing import Any

import psycopg
import pytest
from opentelemetry.trace import SpanKind
from rooftree.kernel.errors import Unavailable
from rooftree.kernel.hot_reads import Prepared, fetch, prepare
from rooftree.kernel.telemetry import Telemetry, TelemetrySettings, span
from rooftree.kernel.unit_of_work import UnitOfWork
from sqlalchemy import Integer, Text, bindparam, column, func, literal, select, text

from .collector import Collector, collecting
from .conftest import Browser, Tenant, TestDatabase


def test_what_differs_between_executions_is_named_and_the_rest_is_fixed() -> None:
    prepared = prepare(select(literal(7).label("seven"), bindparam("given", type_=Text()).label("given")))
    assert "%(given)s" in prepared.sql
    assert list(prepared.fixed.values()) == [7]


def test_a_list_of_parameters_cannot_be_kept() -> None:
    with pytest.raises(ValueError, match="any_"):
        prepare(select(column("id")).where(column("id", Integer()).in_([1, 2])))


@pytest.fixture
def unit_of_work(browser: Browser) -> UnitOfWork:
    return browser.app.state.parts.runtime.unit_of_work


_SUM = prepare(select((literal(40) + bindparam("given", type_=Integer())).label("sum")))


@pytest.mark.integration
async def test_rows_come_by_their_names(unit_of_work: UnitOfWork) -> None:
    async with unit_of_work.reading() as connection:
        assert await fetch(connection, _SUM, {"given": 2, "nobody asks for this": 3}) == [{"sum": 42}]


@pytest.mark.integration
async def test_within_a_transaction_it_sees_what_that_wrote(unit_of_work: UnitOfWork) -> None:
    async with unit_of_work() as session:
        await session.execute(text("SET LOCAL application_name = 'written here'"))
        shown = prepare(select(func.current_setting("application_name").label("name")))
        assert await fetch(await session.connection(), shown, {}) == [{"name": "written here"}]


@pytest.mark.integration
async def test_a_read_leaves_no_connection_that_commits_by_itself(unit_of_work: UnitOfWork) -> None:
    for _ in range(4):  # more often than there are connections
        async with unit_of_work.reading() as connection:
            await fetch(connection, _SUM, {"given": 1})
        async with unit_of_work() as session:
            raw: Any = (await (await session.connection()).get_raw_connection()).driver_connection
            assert raw.autocommit is False


@pytest.mark.integration
async def test_a_read_within_a_unit_of_work_is_refused(unit_of_work: UnitOfWork) -> None:
    async with unit_of_work():
        with pytest.raises(RuntimeError, match="open already"):
            async with unit_of_work.reading():
                pass


@pytest.mark.integration
async def test_a_mistake_is_no_outage(unit_of_work: UnitOfWork) -> None:
    with pytest.raises(psycopg.errors.UndefinedTable):
        async with unit_of_work.reading() as connection:
            await fetch(connection, Prepared("SELECT 1 FROM crm.nothing", {}), {})
    async with unit_of_work.reading() as connection:
        assert await fetch(connection, _SUM, {"given": 2}) == [{"sum": 42}]


@pytest.mark.integration
async def test_a_connection_that_ends_in_a_read_is_an_outage_and_nobody_gets_it_again(
    unit_of_work: UnitOfWork,
) -> None:
    with pytest.raises(Unavailable):
        async with unit_of_work.reading() as connection:
            await fetch(connection, Prepared("SELECT pg_terminate_backend(pg_backend_pid())", {}), {})
    async with unit_of_work.reading() as connection:
        assert await fetch(connection, _SUM, {"given": 2}) == [{"sum": 42}]


@pytest.mark.integration
async def test_idle_connections_that_were_ended_are_noticed_before_their_next_use(
    unit_of_work: UnitOfWork, database: TestDatabase
) -> None:
    """Nobody asks a connection whether it lives; one that was ended says so."""
    async with unit_of_work.reading() as connection:
        await fetch(connection, _SUM, {"given": 2})
    ended = database.rows(
        f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = '{database.user}'"
    )
    assert ended
    async with unit_of_work.reading() as connection:
        assert await fetch(connection, _SUM, {"given": 2}) == [{"sum": 42}]
    async with unit_of_work() as session:
        assert await session.scalar(text("SELECT 42")) == 42


@pytest.fixture
async def collector(tenant: Tenant) -> AsyncGenerator[tuple[Collector, Telemetry]]:
    with collecting() as running:
        telemetry = Telemetry(TelemetrySettings(otlp_endpoint=running.url), tenant.settings())
        await telemetry.start()
        yield running, telemetry
        await telemetry.stop()


@pytest.mark.integration
async def test_it_has_a_span_without_values(unit_of_work: UnitOfWork, collector: tuple[Collector, Telemetry]) -> None:
    received, telemetry = collector
    broken = Prepared("SELECT 1 FROM crm.nothing WHERE 'canary' = %(word)s", {})
    with pytest.raises(psycopg.errors.UndefinedTable), span("test", SpanKind.SERVER):
        async with unit_of_work.reading() as connection:
            await fetch(connection, broken, {"word": "canary"})
    await telemetry.stop()
    (statement,) = received.named("SELECT crm.nothing")
    assert (statement.failed, statement.attributes["error.type"]) == (True, "42P01")
    assert not any(b"canary" in body for body in received.raw)
