"""Server spans count exactly: each one, and where its time goes, whatever part of the traces is kept."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from fastapi.responses import StreamingResponse
from opentelemetry.trace import SpanKind
from rooftree.kernel.server_spans import PARTS, ServerSpans, part_of
from rooftree.kernel.telemetry import span

from .collector import collecting
from .conftest import Browser, HandClock, Tenant, parts_of
from .test_metrics import metrics_of, samples
from .tracing import tracing


def counts(spans: ServerSpans) -> tuple[float, float, float]:
    """Begun, ended, active."""
    found = {sample.name: sample.value for family in spans.collect() for sample in family.samples}
    begun, ended = found["rooftree_server_spans_total"], found["rooftree_server_spans_ended_total"]
    return begun, ended, found["http_server_active_requests"]


def parts(spans: ServerSpans) -> dict[str, float]:
    """Seconds of each part that has some, and of the whole."""
    *_, family = spans.collect()
    found = {sample.labels["part"]: sample.value for sample in family.samples}
    assert found.keys() == set(PARTS)
    return {name: value for name, value in found.items() if value or name == "server"}


# Where an invitation is asked for, and where it is; one process, or two by TOPOLOGY.
ASKED = ("gateway", "identity")
ELSEWHERE: dict[str, dict[str, str] | None] = {
    "database": {"db.system.name": "postgresql"},
    "search": {"db.system.name": "elasticsearch", "http.request.method": "GET"},
    "cache": {"db.system.name": "redis"},
    "rpc": {"rpc.system": "grpc", "server.address": "identity"},
    "other_host": {"server.address": "feed.example"},
}


@pytest.mark.parametrize(("part", "attributes"), [*ELSEWHERE.items(), ("other_host", None), ("other_host", {})])
def test_a_part_is_told_by_what_the_clients_span_says_of_the_other_side(
    part: str, attributes: Mapping[str, str] | None
) -> None:
    assert part_of(attributes) == part


def test_a_system_that_is_new_here_breaks_nothing() -> None:
    assert part_of({"db.system.name": "mysql"}) == "other_host"


@pytest.mark.parametrize("ratio", [0.0, 0.2, 1.0])
async def test_every_request_counts_whatever_part_of_the_traces_is_kept(
    start: Any, tenant: Tenant, ratio: float
) -> None:
    browser: Browser = await start(tenant)
    metrics = metrics_of(browser)
    before = counts(metrics.server_spans)[0]
    with collecting() as collector:
        async with tracing(tenant, collector.url, ratio=ratio):
            for _ in range(50):
                await browser.get("/version")
    kept = len(collector.named("GET /version"))
    assert counts(metrics.server_spans) == (before + 50, before + 50, 0)
    labels = [("method", "GET"), ("route", "/version"), ("status", "2xx")]
    assert samples(metrics)[f"http_server_requests_total{labels}"] == 50
    assert samples(metrics)["http_server_request_duration_seconds_count[]"] == before + 50
    assert (kept == 0, kept == 50) == (ratio == 0, ratio == 1)


async def test_the_operators_looks_are_no_use_of_the_app(start: Any, tenant: Tenant) -> None:
    browser: Browser = await start(tenant)
    metrics = metrics_of(browser)
    before = counts(metrics.server_spans)
    for path, is_use in (("/version", 0), ("/api/v1/tenant", 1)):
        answer = await browser.get(path, headers={"User-Agent": "rooftree-operator"})
        assert answer.status_code < 500
        assert counts(metrics.server_spans)[0] == before[0] + is_use
    assert (await browser.get("/version", headers={"User-Agent": "rooftree-operators"})).status_code == 200
    assert counts(metrics.server_spans)[0] == before[0] + 2


@pytest.mark.parametrize("ratio", [0.0, 1.0])
async def test_the_time_of_a_request_is_split_by_what_it_waits_for(
    start: Any, tenant: Tenant, hand_clock: HandClock, ratio: float
) -> None:
    browser: Browser = await start(tenant)
    spans = metrics_of(browser).server_spans

    @browser.app.get("/probe/parts")
    async def work() -> None:
        hand_clock.pass_by(1.0)
        for seconds, attributes in zip((2.0, 4.0, 8.0, 16.0, 32.0), ELSEWHERE.values(), strict=True):
            with span("asked", SpanKind.CLIENT, attributes):
                hand_clock.pass_by(seconds)
        with span("own", SpanKind.INTERNAL):
            hand_clock.pass_by(64.0)
        with pytest.raises(LookupError), span("failed", SpanKind.CLIENT, ELSEWHERE["cache"]):
            hand_clock.break_after(128.0)

    with collecting() as collector:
        async with tracing(tenant, collector.url, ratio=ratio):
            await browser.get("/probe/parts")
            await browser.get("/probe/parts")
    found = parts(spans)
    assert found == {
        "server": 510.0,
        "database": 4.0,
        "search": 8.0,
        "cache": 272.0,
        "rpc": 32.0,
        "other_host": 64.0,
    }


async def test_what_goes_on_after_the_answer_is_not_its_time(start: Any, tenant: Tenant, hand_clock: HandClock) -> None:
    browser: Browser = await start(tenant)
    goes_on, tasks = asyncio.Event(), list[asyncio.Task[None]]()

    async def later() -> None:
        with span("GET", SpanKind.CLIENT, ELSEWHERE["cache"]):
            await goes_on.wait()
            hand_clock.pass_by(5.0)

    @browser.app.get("/probe/later")
    async def work() -> None:
        tasks.append(asyncio.create_task(later()))

    await browser.get("/probe/later")
    goes_on.set()
    await asyncio.gather(*tasks)
    assert parts(metrics_of(browser).server_spans) == {"server": 0.0}


def test_time_of_jobs_and_messages_is_not_counted(hand_clock: HandClock) -> None:
    spans = ServerSpans()
    with spans.begin():
        pass
    with span("job x", SpanKind.CONSUMER), span("GET", SpanKind.CLIENT, ELSEWHERE["cache"]):
        hand_clock.pass_by(5.0)
    assert parts(spans) == {"server": 0.0}
    assert counts(spans) == (1, 1, 0)


async def test_a_request_that_fails_is_over_too(start: Any, tenant: Tenant) -> None:
    browser: Browser = await start(tenant)
    spans = metrics_of(browser).server_spans
    before = counts(spans)[0]

    @browser.app.get("/probe/broken")
    async def work() -> None:
        raise LookupError

    assert (await browser.get("/probe/broken")).status_code == 500
    assert (await browser.get("/version", headers={"Host": "elsewhere.test"})).status_code == 421
    assert counts(spans) == (before + 2, before + 2, 0)


async def test_a_request_that_is_handed_on_counts_on_both_sides(start: Any, tenant: Tenant) -> None:
    browser: Browser = await start(tenant)
    both = {id(spans): spans for spans in (parts_of(browser.app, name).runtime.metrics.server_spans for name in ASKED)}
    before = {key: counts(spans)[0] for key, spans in both.items()}
    assert (await browser.get("/api/v1/invitations/of-nobody")).status_code == 404
    wanted = {key: (begun + 1, begun + 1, 0) for key, begun in before.items()}
    async with asyncio.timeout(5):  # the module ends a moment after its answer has arrived
        while {key: counts(spans) for key, spans in both.items()} != wanted:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_probes_do_not_count(start: Any, tenant: Tenant) -> None:
    browser: Browser = await start(tenant)
    spans = metrics_of(browser).server_spans
    before = counts(spans)
    for path in ("/livez", "/startupz"):
        await browser.get(path)
    assert counts(spans) == before


async def test_a_stream_of_events_is_answered_as_it_begins(start: Any, tenant: Tenant, hand_clock: HandClock) -> None:
    browser: Browser = await start(tenant)
    spans = metrics_of(browser).server_spans
    before, seen = counts(spans)[0], list[Any]()

    @browser.app.get("/probe/events")
    async def work() -> StreamingResponse:
        async def events() -> AsyncIterator[str]:
            yield "data: 1\n\n"
            seen.append(counts(spans))
            hand_clock.pass_by(60.0)

        return StreamingResponse(events(), media_type="text/event-stream")

    await browser.get("/probe/events")
    assert seen == [(before + 1, before + 1, 0)]
    assert counts(spans) == (before + 1, before + 1, 0)
    assert parts(spans) == {"server": 0.0}


def test_a_scrape_in_the_middle_of_a_request_sees_it_as_active() -> None:
    spans = ServerSpans()
    with spans.begin() as first:
        with spans.begin():
            assert counts(spans) == (2, 0, 2)
        assert counts(spans) == (2, 1, 1)
        assert first.end() == first.end() > 0
        assert counts(spans) == (2, 2, 0)
    assert counts(spans) == (2, 2, 0)


def test_a_request_within_another_one_leaves_the_outer_one_its_own_time(hand_clock: HandClock) -> None:
    outer, inner = ServerSpans(), ServerSpans()
    with outer.begin():
        with inner.begin(), span("GET", SpanKind.CLIENT, ELSEWHERE["cache"]):
            hand_clock.pass_by(1.0)
        with span("GET", SpanKind.CLIENT, ELSEWHERE["search"]):
            hand_clock.pass_by(2.0)
    assert (parts(inner), parts(outer)) == ({"server": 1.0, "cache": 1.0}, {"server": 3.0, "search": 2.0})


def test_counting_a_request_takes_microseconds() -> None:
    spans, count = ServerSpans(), 2000
    began = time.process_time()
    for _ in range(count):
        with spans.begin():
            pass
    assert (time.process_time() - began) / count < 100e-6
