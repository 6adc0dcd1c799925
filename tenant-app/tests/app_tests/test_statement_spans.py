"""What a span tells of a statement: its kind and its table, never a value."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from opentelemetry.trace import SpanKind
from rooftree.kernel.statement_spans import describe
from rooftree.kernel.telemetry import Telemetry, TelemetrySettings, span
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from .collector import Collector, collecting
from .conftest import Browser, Tenant, identity_of


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
    assert request.attributes == {
        "http.request.method": "GET",
        "url.scheme": "https",
        "http.route": "/api/v1/invitations/{token}",
        "http.response.status_code": 200,
    }


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
