"""Metrics: few series whatever comes, on their own port."""

import math
import re
import socket
import urllib.request
from typing import Any
from urllib.parse import urlencode

import pytest
import structlog
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families
from rooftree import assembly
from rooftree.kernel.background import Background
from rooftree.kernel.job_queue import JobQueue
from rooftree.kernel.metrics import MAX_JOB_SERIES, MAX_REQUEST_SERIES, MAX_SERIES, Metrics
from sqlalchemy.ext.asyncio import create_async_engine

from .collector import collecting
from .conftest import Browser, Tenant
from .ports import free_port
from .property.conftest import feeds_file
from .tracing import tracing


def samples(metrics: Metrics) -> dict[str, float]:
    text = generate_latest(metrics.registry).decode()
    return {
        f"{sample.name}{sorted(sample.labels.items())}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def metrics_of(browser: Browser) -> Metrics:
    parts: assembly.Parts = browser.app.state.parts
    return parts.runtime.metrics


async def test_an_answer_counts_by_its_route_and_never_by_its_path(start: Any, tenant: Tenant) -> None:
    browser: Browser = await start(tenant)
    await browser.get("/api/v1/invitations/canary-secret")
    await browser.request("CANARY", "/probe/echo?canary=1")
    await browser.get("/livez")
    found = samples(metrics_of(browser))
    labels = [("method", "GET"), ("route", "/api/v1/invitations/{token}"), ("status", "4xx")]
    assert found[f"http_server_requests_total{labels}"] == 1
    assert found["http_server_request_duration_seconds_count[]"] == 2
    assert found["http_server_active_requests[]"] == 0
    assert "canary" not in str(found).lower()


async def test_every_operation_is_told_by_the_path_of_the_api(start: Any, tenant: Tenant) -> None:
    browser: Browser = await start(tenant)
    operations = [(m.upper(), path) for path, found in browser.app.openapi()["paths"].items() for m in found]
    for number, (method, path) in enumerate(operations):
        if number % (MAX_REQUEST_SERIES // 2) == 0:  # one process has less series than there are operations
            browser = await start(tenant)
        before = samples(metrics_of(browser))
        await browser.request(method, re.sub(r"\{\w+\}", "x", path))
        after = samples(metrics_of(browser))
        (name,) = [
            name for name in after if after[name] != before.get(name) and name.startswith("http_server_requests")
        ]
        assert f"('method', '{method}'), ('route', '{path}')" in name


def test_errors_are_told_before_the_first_one_so_that_a_rate_counts_it() -> None:
    metrics = Metrics("test")
    told = [samples(metrics)["http_server_errors_total[]"]]
    for status in (200, 404, 500, 503):
        metrics.request("GET", "/x", status, 0.1)
        told.append(samples(metrics)["http_server_errors_total[]"])
    assert told == [0, 0, 0, 1, 2]


async def test_requests_in_progress_are_counted(start: Any, tenant: Tenant) -> None:
    browser: Browser = await start(tenant)
    seen: list[float] = []

    @browser.app.get("/probe/look")
    async def look() -> None:
        seen.append(samples(metrics_of(browser))["http_server_active_requests[]"])

    await browser.get("/probe/look")
    assert seen == [1]


# What parts tell by a label, with each value that the code gives it.
TOLD = {
    "rooftree_cache_requests": ("hit", "miss", "away"),
    "rooftree_mails": ("sent", "failed"),
    "rooftree_rate_limits": ("refused", "unchecked"),
    "rooftree_searches": ("search", "database"),
    "rooftree_list_reads": ("standby", "primary", "behind", "cancelled", "busy", "away"),
    "rooftree_feed_last_success_timestamp_seconds": ("one", "two"),
    "rooftree_feed_run_failures": ("one", "two"),
}


def tell_all(metrics: Metrics) -> None:
    collectors: dict[str, Any] = metrics.registry._names_to_collectors
    for name, values in TOLD.items():
        for value in values:
            collectors[name].labels(value).inc()
    labelled = {one for one in collectors.values() if getattr(one, "_labelnames", ())}
    told = {collectors[name] for name in TOLD}
    assert {one._name for one in labelled - told} == {
        "http_server_requests",
        "rooftree_jobs",
        "rooftree_build_info",
        "rooftree_consumer_lag",
        "rooftree_dead_letters",
    }


DUE = "rooftree_jobs_due_timestamp_seconds[]"


async def test_a_process_without_jobs_tells_that_none_is_ever_due() -> None:
    metrics = Metrics("test")
    engine = create_async_engine("postgresql+psycopg://nobody@nowhere.invalid/nothing")
    assert math.isnan(samples(metrics)[DUE])
    JobQueue(engine, metrics).start(Background())
    assert samples(metrics)[DUE] == math.inf


def test_a_process_keeps_to_its_series(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every route answers in every way, every job runs and fails, and all that other parts register is there."""
    monkeypatch.setenv("ROOFTREE_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    monkeypatch.setenv("ROOFTREE_KAFKA_USER", "nobody")
    monkeypatch.setenv("ROOFTREE_ELASTICSEARCH_URL", "http://127.0.0.1:1")
    feeds = dict.fromkeys(("one", "two"), "http://127.0.0.1:1")
    files = {"kafka_password": "x", "elasticsearch_password": "x", "feeds.json": feeds_file(**feeds)}
    tenant = tenant.but(secret_files=files, database_standby_host="127.0.0.1")
    app = assembly.create_app(tenant.settings(), tenant.secrets())
    parts: assembly.Parts = app.state.parts
    metrics = parts.runtime.metrics
    routes = [(method.upper(), path) for path, operations in app.openapi()["paths"].items() for method in operations]
    for method, path in routes:
        for status in (200, 302, 404, 500):
            metrics.request(method, path, status, 0.1)
    for job in parts.queue.declared():
        with metrics.job(job.name):
            pass
        with pytest.raises(LookupError), metrics.job(job.name):
            raise LookupError
    tell_all(metrics)
    found = samples(metrics)
    requests = [name for name in found if name.startswith("http_server_requests_total")]
    assert MAX_REQUEST_SERIES <= len(requests) <= MAX_REQUEST_SERIES + 4
    assert len(found) <= MAX_SERIES, len(found)
    counted = sum(value for name, value in found.items() if name in requests)
    assert counted == 4 * len(routes)
    runs = [value for name, value in found.items() if name.startswith("rooftree_jobs_total")]
    assert len(runs) <= MAX_JOB_SERIES + 2
    assert sum(runs) == 2 * len(parts.queue.declared())


async def test_the_pool_and_the_spans_are_told(start: Any, tenant: Tenant) -> None:
    browser: Browser = await start(tenant)
    found = samples(metrics_of(browser))
    assert (found["db_client_connection_count[]"], found["db_client_connection_max[]"]) == (0, 3)
    assert found["rooftree_spans_total[('result', 'dropped')]"] == 0
    assert found["rooftree_build_info[('version', '0.1.0-dev.test')]"] == 1


def served(metrics: Metrics, query: str = "", **headers: str) -> str:
    """What Prometheus is answered."""
    port = free_port()
    metrics.serve("127.0.0.1", port)
    request = urllib.request.Request(f"http://127.0.0.1:{port}/metrics{query}", headers=headers)
    with urllib.request.urlopen(request, timeout=5) as answer:
        return answer.read().decode()


def test_metrics_have_a_port_of_their_own() -> None:
    assert 'rooftree_build_info{version="test"} 1.0' in served(Metrics("test"))


def test_what_is_read_each_second_can_be_read_alone() -> None:
    metrics = Metrics("test")
    metrics.server_spans.begin()
    names = ("rooftree_server_spans_total", "http_server_active_requests")
    text = served(metrics, "?" + urlencode([("name[]", name) for name in names]))
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert sorted(lines) == ["http_server_active_requests 1.0", "rooftree_server_spans_total 1.0"]


@pytest.mark.parametrize("ratio", [0.0, 1.0])
async def test_the_histogram_has_kept_traces_as_examples(start: Any, tenant: Tenant, ratio: float) -> None:
    browser: Browser = await start(tenant)
    with collecting() as collector:
        async with tracing(tenant, collector.url, ratio=ratio):
            answer = await browser.get("/version")
    text = served(metrics_of(browser), Accept="application/openmetrics-text;version=1.0.0")
    (family,) = [one for one in open_metrics(text) if one.name == "http_server_request_duration_seconds"]
    found = [sample.exemplar.labels for sample in family.samples if sample.exemplar]
    assert found == [{"trace_id": answer.headers["x-request-id"].replace("-", "")}] * int(ratio)


async def test_the_tenants_own_port_has_none(start: Any, tenant: Tenant) -> None:
    browser: Browser = await start(tenant)
    assert (await browser.get("/metrics")).status_code == 404


def test_a_taken_port_is_told_and_ends_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, structlog.testing.capture_logs() as log:
        Metrics("test").serve("127.0.0.1", taken.getsockname()[1])
    assert [line["event"] for line in log] == ["metrics_are_not_served"]
