"""Spans: what they tell, what they never tell, and that nobody waits for them."""

import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.trace import SpanKind, StatusCode
from pydantic import ValidationError
from rooftree.kernel import span_export, telemetry
from rooftree.kernel.telemetry import TelemetrySettings, span

from .collector import Collector, collecting
from .conftest import Browser, Tenant
from .tracing import tracing

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as running:
        yield running


def ids() -> tuple[str, str]:
    current = telemetry.current_ids()
    assert current is not None
    return current


def test_without_an_endpoint_a_request_still_has_ids_and_hands_them_on() -> None:
    with span("GET /x", SpanKind.SERVER):
        trace_id, span_id = ids()
        assert telemetry.current_traceparent() == f"00-{trace_id}-{span_id}-00"
        with span("inner", SpanKind.CLIENT):
            assert ids()[0] == trace_id
    assert telemetry.current_ids() is None
    assert telemetry.current_traceparent() is None


def test_a_message_joins_the_trace_that_it_carries() -> None:
    with span("process", SpanKind.CONSUMER, parent=PARENT):
        assert ids()[0] == TRACE


@pytest.mark.parametrize("parent", ["", "nonsense", "00-" + "0" * 32 + "-00f067aa0ba902b7-01", PARENT.upper()])
def test_a_malformed_parent_is_none(parent: str) -> None:
    with span("process", SpanKind.CONSUMER, parent=parent):
        assert ids()[0] != TRACE


async def test_only_requests_jobs_and_messages_begin_a_trace(tenant: Tenant, collector: Collector) -> None:
    async with tracing(tenant, collector.url):
        for kind in (SpanKind.CLIENT, SpanKind.INTERNAL, SpanKind.PRODUCER):
            with span("SELECT x", kind):
                assert telemetry.current_ids() is None
        with span("job", SpanKind.CONSUMER), span("SELECT x", SpanKind.CLIENT):
            pass
    assert sorted(item.name for item in collector.spans) == ["SELECT x", "job"]


async def test_spans_arrive_with_their_family_and_what_process_made_them(tenant: Tenant, collector: Collector) -> None:
    async with tracing(tenant, collector.url) as running:
        with span("GET /x", SpanKind.SERVER, {"http.route": "/x"}, links=[PARENT, "nonsense"]):
            trace_id, root = ids()
            with span("SELECT a.b", SpanKind.CLIENT):
                pass
    (server,) = collector.named("GET /x")
    (client,) = collector.named("SELECT a.b")
    assert (server.trace_id, server.span_id, server.parent_id) == (trace_id, root, "")
    assert (client.trace_id, client.parent_id, client.kind) == (trace_id, root, "client")
    assert (server.links, server.attributes, server.failed) == ([TRACE], {"http.route": "/x"}, False)
    assert server.resource["service.name"] == "rooftree-tenant"
    assert server.resource["rooftree.tenant"] == "acme-0a1b2c3d"
    assert server.resource["service.version"] == "0.1.0-dev.test"
    assert (running.exported.sent, running.exported.dropped) == (2, 0)


async def test_a_request_tells_all_that_the_conventions_want_but_what_tells_of_people(
    start: Any, tenant: Tenant, collector: Collector
) -> None:
    browser: Browser = await start(tenant)

    @browser.app.get("/probe/broken/{token}")
    async def work(token: str) -> None:
        raise LookupError(token)

    async with tracing(tenant, collector.url):
        await browser.get("/probe/broken/canary-token?canary=1", headers={"User-Agent": "canary-agent"})
        await browser.get("/api/v1/invitations/canary-token", headers={"X-Forwarded-For": "198.51.100.77"})
    every = {
        "http.request.method": "GET",
        "url.scheme": "https",
        "server.address": "acme.rooftree.localhost",
        "server.port": 8443,
        "network.protocol.version": "1.1",
    }
    (broken,) = collector.named("GET /probe/broken/{token}")
    told = {"http.route": "/probe/broken/{token}", "http.response.status_code": 500, "error.type": "500"}
    assert broken.attributes == every | told
    (missing,) = collector.named("GET /api/v1/invitations/{token}")
    assert missing.attributes == every | {
        "http.route": "/api/v1/invitations/{token}",
        "http.response.status_code": 404,
    }
    assert [(one.kind, one.failed) for one in (broken, missing)] == [("server", True), ("server", False)]
    assert b"198.51.100.77" not in b"".join(collector.raw)
    assert b"canary" not in b"".join(collector.raw)


async def test_a_host_is_told_only_if_it_is_the_tenants(start: Any, tenant: Tenant, collector: Collector) -> None:
    browser: Browser = await start(tenant)
    async with tracing(tenant, collector.url):
        for host in ("acme.rooftree.localhost", "ACME.rooftree.localhost:8443", "canary.test"):
            await browser.request("CANARY", "/version", headers={"Host": host})
    told = [(one.attributes.get("server.address"), one.attributes.get("server.port")) for one in collector.spans]
    own = "acme.rooftree.localhost"
    assert told == [(own, 443), (own, 8443), (None, None)]
    assert {one.attributes["http.request.method"] for one in collector.spans} == {"_OTHER"}
    assert b"canary" not in b"".join(collector.raw).lower()


async def test_a_request_of_no_route_is_named_after_its_method_alone(
    start: Any, tenant: Tenant, collector: Collector
) -> None:
    browser: Browser = await start(tenant)
    async with tracing(tenant, collector.url):
        await browser.get("/version", headers={"Host": "elsewhere.test"})
    (request,) = collector.spans
    assert (request.name, request.failed) == ("GET", False)
    assert "http.route" not in request.attributes
    assert request.attributes["http.response.status_code"] == 421


async def test_an_error_is_told_by_its_class_alone(tenant: Tenant, collector: Collector) -> None:
    async with tracing(tenant, collector.url):
        with pytest.raises(ValueError, match="canary"), span("job", SpanKind.CONSUMER):
            raise ValueError("canary")
    (job,) = collector.named("job")
    assert job.failed
    assert job.attributes == {"error.type": "ValueError"}
    assert b"canary" not in collector.raw[0]


async def test_an_ended_span_changes_no_more_and_ends_once(tenant: Tenant, collector: Collector) -> None:
    async with tracing(tenant, collector.url) as running:
        with span("root", SpanKind.SERVER, {"early": 1}) as root:
            root.record_exception(ValueError("canary"))
            root.add_event("canary")
        root.set_attribute("late", 2)
        root.set_attributes({"later": 3})
        root.update_name("canary")
        root.set_status(StatusCode.ERROR)
        root.end()
    (received,) = collector.spans
    assert (received.name, received.attributes, received.failed) == ("root", {"early": 1}, False)
    assert b"canary" not in collector.raw[0]
    assert running.exported.sent == 1


async def test_the_ratio_decides_for_whole_traces(tenant: Tenant, collector: Collector) -> None:
    async with tracing(tenant, collector.url, ratio=0.25):
        for _ in range(400):
            with span("root", SpanKind.SERVER), span("leaf", SpanKind.CLIENT):
                pass
    roots, leaves = ({item.trace_id for item in collector.named(name)} for name in ("root", "leaf"))
    assert roots == leaves
    assert 50 <= len(roots) <= 150


async def test_what_is_not_kept_has_ids_and_says_so_to_whom_it_calls(tenant: Tenant, collector: Collector) -> None:
    async with tracing(tenant, collector.url, ratio=0.0):
        with span("root", SpanKind.SERVER) as root, span("leaf", SpanKind.CLIENT) as leaf:
            assert (root.is_recording(), leaf.is_recording()) == (False, False)
            trace_id, span_id = ids()
            assert telemetry.current_traceparent() == f"00-{trace_id}-{span_id}-00"
        with span("process", SpanKind.CONSUMER, parent=f"00-{trace_id}-{span_id}-00"):
            assert ids()[0] == trace_id
            assert ids()[1] != span_id
    assert collector.spans == []


async def test_a_trace_that_is_kept_elsewhere_is_kept_here_whatever_the_ratio(
    tenant: Tenant, collector: Collector
) -> None:
    async with tracing(tenant, collector.url, ratio=0.0):
        with span("process", SpanKind.CONSUMER, parent=PARENT), span("leaf", SpanKind.CLIENT):
            pass
    assert {item.trace_id for item in collector.spans} == {TRACE}
    assert sorted(item.name for item in collector.spans) == ["leaf", "process"]


async def test_a_collector_that_is_away_costs_nothing_but_the_spans(tenant: Tenant) -> None:
    async with tracing(tenant, "http://127.0.0.1:1") as running:
        began = time.perf_counter()
        for _ in range(span_export.MAX_WAITING + 500):
            with span("root", SpanKind.SERVER):
                pass
        took = time.perf_counter() - began
    assert took < 2
    assert running.exported.sent == 0
    assert running.exported.dropped == span_export.MAX_WAITING + 500


async def test_a_hung_collector_holds_up_the_stop_for_some_seconds_at_most(tenant: Tenant) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        async with tracing(tenant, f"http://127.0.0.1:{silent.getsockname()[1]}"):
            for _ in range(1500):
                with span("root", SpanKind.SERVER):
                    pass
            began = time.monotonic()
    assert time.monotonic() - began < 8


def test_libraries_get_no_tracer_of_ours() -> None:
    from opentelemetry import trace

    assert type(trace.get_tracer_provider()).__name__ == "ProxyTracerProvider"


def test_importing_it_loads_no_sdk() -> None:
    program = "import sys, rooftree.kernel.telemetry; sys.exit('opentelemetry.sdk' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


@pytest.mark.parametrize("endpoint", ["ftp://x", "collector:4318", "http://user:pass@x", "http://x?token=1"])
def test_an_endpoint_is_a_plain_http_address(endpoint: str) -> None:
    with pytest.raises(ValidationError):
        TelemetrySettings(otlp_endpoint=endpoint)
