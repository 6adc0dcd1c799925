"""What a span tells of a statement: its kind and its table, never a value."""

from collections.abc import AsyncGenerator, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry.trace import SpanKind
from rooftree.kernel.server_spans import ServerSpans
from rooftree.kernel.statement_spans import describe, statement_span, trace_statements
from rooftree.kernel.telemetry import Telemetry, TelemetrySettings, span
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError, OperationalError

from .collector import Collector, collecting
from .conftest import Browser, HandClock, Tenant, identity_of
from .test_server_spans import parts


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("SELECT a FROM property.properties WHERE x = %(x)s", ("SELECT", "property.properties")),
        ('select a from "identity"."users"', ("SELECT", None)),
        ('SELECT a FROM "identity"."users"', ("SELECT", "identity.users")),
        ("\n  INSERT INTO events.outbox (id) SELECT 1", ("INSERT", "events.outbox")),
        ("UPDATE property.feeds SET state = 'FROM canary.secret'", ("UPDATE", "property.feeds")),
        ("DELETE FROM gateway.sessions WHERE id = 1", ("DELETE", "gateway.sessions")),
        ("WITH a AS (SELECT 1) INSERT INTO events.outbox SELECT 1", ("INSERT", "events.outbox")),
        ("WITH a AS (SELECT 1) SELECT * FROM a JOIN property.media ON true", ("SELECT", "property.media")),
        ("SELECT 'x FROM canary.secret'", ("SELECT", None)),
        ("SELECT 'it''s FROM canary.secret' FROM a.b", ("SELECT", "a.b")),
        ("SELECT $$ FROM canary.secret $$", ("SELECT", None)),
        ("SELECT $q$ FROM canary.secret $q$", ("SELECT", None)),
        ("SELECT 1 -- FROM canary.secret", ("SELECT", None)),
        ("SELECT /* FROM canary.secret */ 1", ("SELECT", None)),
        ("SELECT pg_advisory_xact_lock(1)", ("SELECT", None)),
        ("", ("OTHER", None)),
    ],
)
def test_a_statement_is_described_by_kind_and_table(statement: str, told: tuple[str, str | None]) -> None:
    assert describe(statement) == told


@pytest.fixture
def connection(hand_clock: HandClock) -> Iterator[Connection]:
    """Of an engine that is listened to as the app's is; `late()` takes two seconds, `late(2)` fails then."""
    engine = create_engine("sqlite://")
    trace_statements(SimpleNamespace(sync_engine=engine))  # type: ignore[arg-type]
    with engine.connect() as opened:
        raw: Any = opened.connection.dbapi_connection

        def late(row: int = 1) -> None:
            (hand_clock.break_after if row == 2 else hand_clock.pass_by)(2.0)

        raw.create_function("late", -1, late)
        yield opened
    engine.dispose()


def test_statements_of_a_request_are_its_time_in_the_database_though_nothing_is_recorded(
    connection: Connection, hand_clock: HandClock
) -> None:
    spans = ServerSpans()
    with spans.begin():
        connection.execute(text("SELECT late()")).all()
        with pytest.raises(OperationalError):
            connection.execute(text("SELECT late() FROM nowhere"))
        with statement_span("SELECT 1"):
            hand_clock.pass_by(0.5)
        with pytest.raises(LookupError), statement_span("SELECT 1"):
            hand_clock.break_after(0.25)
    assert parts(spans) == {"server": 2.75, "database": 2.75}


def test_a_statement_whose_rows_cannot_be_read_counts_once(connection: Connection, hand_clock: HandClock) -> None:
    spans = ServerSpans()
    with spans.begin():
        rows = connection.execute(text("SELECT late(column1) FROM (VALUES (1), (2))"))
        with pytest.raises(OperationalError):
            rows.all()
    assert parts(spans) == {"server": 4.0, "database": 2.0}


def test_statements_of_a_job_are_nobodys_time(connection: Connection) -> None:
    spans = ServerSpans()
    with spans.begin():
        pass
    with span("job x", SpanKind.CONSUMER):
        connection.execute(text("SELECT late()")).all()
    assert parts(spans) == {"server": 0.0}


@pytest.fixture
async def collector(tenant: Tenant) -> AsyncGenerator[tuple[Collector, Telemetry]]:
    with collecting() as running:
        telemetry = Telemetry(TelemetrySettings(otlp_endpoint=running.url), tenant.settings())
        await telemetry.start()
        yield running, telemetry
        await telemetry.stop()


@pytest.mark.integration
async def test_a_request_and_its_statements_are_one_trace(
    browser: Browser, collector: tuple[Collector, Telemetry]
) -> None:
    received, telemetry = collector
    link = (await identity_of(browser.app).owner_link()).url
    answer = await browser.get(f"/api/v1/invitations/{link.rpartition('/')[2]}")
    await telemetry.stop()
    (request,) = received.named("GET /api/v1/invitations/{token}")
    statement = received.named("SELECT identity.invitations")[0]
    assert request.trace_id == answer.headers["x-request-id"].replace("-", "")
    assert (statement.trace_id, statement.parent_id) == (request.trace_id, request.span_id)
    assert statement.attributes == {
        "db.system.name": "postgresql",
        "db.operation.name": "SELECT",
        "db.collection.name": "identity.invitations",
    }
    assert (request.kind, statement.kind) == ("server", "client")
    assert request.attributes["http.route"] == "/api/v1/invitations/{token}"


@pytest.mark.integration
async def test_a_failed_statement_is_told_by_its_code(browser: Browser, collector: tuple[Collector, Telemetry]) -> None:
    received, telemetry = collector
    unit_of_work = browser.app.state.parts.runtime.unit_of_work
    with span("job x", SpanKind.CONSUMER), pytest.raises(DBAPIError):
        async with unit_of_work() as session:
            await session.execute(text("SELECT CAST(:value AS integer)"), {"value": "canary"})
    await telemetry.stop()
    (statement,) = received.named("SELECT")
    assert statement.failed
    assert statement.attributes["error.type"] == "22P02"
    assert not any(b"canary" in body for body in received.raw)


@pytest.mark.integration
async def test_work_outside_of_a_trace_makes_no_spans(browser: Browser, collector: tuple[Collector, Telemetry]) -> None:
    received, telemetry = collector
    parts: Any = browser.app.state.parts
    await parts.database.ping()
    await browser.get("/readyz")
    await telemetry.stop()
    assert received.spans == []
