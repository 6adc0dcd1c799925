"""A replica is one virtual core that counts as the app does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from bench_live.replica import Replica
from prometheus_client.parser import text_string_to_metric_families


@asynccontextmanager
async def served(replica: Replica) -> AsyncIterator[tuple[str, aiohttp.ClientSession]]:
    server = await asyncio.start_server(replica.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, aiohttp.ClientSession() as session:
        yield f"http://127.0.0.1:{port}", session


def values(text: str) -> dict[str, float]:
    return {one.name: one.value for family in text_string_to_metric_families(text) for one in family.samples}


async def test_it_works_on_one_request_at_a_time_and_tells_how_long_each_stayed() -> None:
    replica = Replica(0.0)
    async with served(replica) as (url, session):

        async def ask() -> float:
            async with session.get(f"{url}/work?seconds=0.05") as answer:
                return float(await answer.text())

        began = time.monotonic()
        took = await asyncio.gather(*(ask() for _ in range(3)))
        passed = time.monotonic() - began
    assert min(took) >= 0.05
    assert sum(took) <= passed, "the wait is no work"
    found = values(replica.metrics([]))
    assert found["rooftree_server_spans_total"] == found["rooftree_server_spans_ended_total"] == 3
    busy = found["rooftree_replica_busy_seconds_total"]
    assert busy >= 0.15
    # 0.05 + 0.10 + 0.15 of those that come in one moment.
    assert found["rooftree_span_seconds_total"] >= busy + 0.05, "the waits count"


async def test_what_waits_is_in_flight_and_what_works_counts_while_it_does() -> None:
    replica = Replica(0.0)
    began = time.monotonic()
    under_way = [asyncio.create_task(replica.work(60.0)) for _ in range(2)]
    await asyncio.sleep(0.05)
    found = values(replica.metrics([]))
    assert found["http_server_active_requests"] == 2
    assert 0.0 < found["rooftree_replica_busy_seconds_total"] <= time.monotonic() - began
    for one in under_way:
        one.cancel()
    await asyncio.gather(*under_way, return_exceptions=True)


async def test_a_request_may_wait_at_one_replica_and_be_worked_on_by_another() -> None:
    waits, works = Replica(0.0), Replica(0.0)
    await waits.answer("/enter")
    assert values(waits.metrics([]))["http_server_active_requests"] == 1
    labour = asyncio.create_task(works.answer("/labour?seconds=0.05"))
    await asyncio.sleep(0.01)
    assert (waits.is_idle, works.is_idle) == (False, False), "neither may end now"
    assert float((await labour)[1]) >= 0.05
    assert values(works.metrics([]))["rooftree_server_spans_total"] == 0
    assert values(works.metrics([]))["rooftree_replica_busy_seconds_total"] >= 0.05
    await waits.answer("/leave?seconds=0.4")
    found = values(waits.metrics([]))
    assert (found["rooftree_server_spans_ended_total"], found["rooftree_span_seconds_total"]) == (1, 0.4)
    assert found["rooftree_replica_busy_seconds_total"] == 0
    assert waits.is_idle
    assert works.is_idle


async def test_only_the_named_metrics_are_told_and_looking_is_no_request() -> None:
    replica = Replica(0.0)
    async with served(replica) as (url, session):
        wanted = "name[]=rooftree_server_spans_total&name[]=http_server_active_requests"
        async with session.get(f"{url}/metrics?{wanted}") as answer:
            assert values(await answer.text()) == {"rooftree_server_spans_total": 0, "http_server_active_requests": 0}


async def test_it_is_ready_after_its_start_and_not_when_it_is_about_to_end() -> None:
    starting, ready = Replica(60.0), Replica(0.0)
    assert (await starting.answer("/readyz"))[0].startswith("503")
    assert (await ready.answer("/readyz"))[0].startswith("200")
    ready.is_ending = True
    assert (await ready.answer("/readyz"))[0].startswith("503")
