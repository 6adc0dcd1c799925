"""The page of replays as the process that it is in a pod: its own loop, its signals, real connections."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import aiohttp
import pytest
from rooftree_operator.counterfactual.recorded import LATE, WARM_UP

from .activated import DEADLINE, until
from .counterfactual.measured import TENANT, Prometheus, always, serving, usual
from .test_activator_process import free_port

pytestmark = pytest.mark.usefixtures("socket_enabled")


@dataclass
class Process:
    """The running process, and whom it asks."""

    own: asyncio.subprocess.Process
    prometheus: Prometheus
    url: str

    async def get(self, query: str, accept: str = "text/html") -> tuple[int, str, str]:
        """Status, type and body."""
        async with (
            aiohttp.ClientSession() as http,
            asyncio.timeout(60),  # six hours are replayed in some 6 s
            http.get(f"{self.url}/{query}", headers={"Accept": accept}) as answer,
        ):
            assert answer.headers["Cache-Control"] == "no-store"
            assert "aiohttp" not in answer.headers["Server"]
            return answer.status, answer.content_type, await answer.text()

    async def told(self, query: str) -> tuple[int, str, dict[str, object]]:
        status, kind, text = await self.get(query, "application/json")
        return status, kind, json.loads(text)


@asynccontextmanager
async def started(prometheus: str, **settings: str) -> AsyncGenerator[tuple[asyncio.subprocess.Process, str]]:
    port = free_port()
    told = {"PROMETHEUS_URL": prometheus, "HOST": "127.0.0.1", "PORT": str(port), **settings}
    own = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "rooftree_operator.counterfactual"),
        env={**os.environ, **{f"ROOFTREE_COUNTERFACTUAL_{name}": value for name, value in told.items()}},
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        await answers(f"http://127.0.0.1:{port}/livez")
        yield own, f"http://127.0.0.1:{port}"
    finally:
        with suppress(ProcessLookupError):
            own.kill()
        await own.wait()


async def answers(url: str) -> None:
    async with aiohttp.ClientSession() as http, asyncio.timeout(DEADLINE):
        while True:
            with suppress(aiohttp.ClientError):
                async with http.get(url) as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.02)


@pytest.fixture
async def process() -> AsyncGenerator[Process]:
    prometheus = Prometheus()
    async with serving(prometheus) as asked, started(asked) as (own, url):
        yield Process(own, prometheus, url)


async def test_it_replays_the_last_hour_for_people_and_for_programs(process: Process) -> None:
    status, kind, text = await process.get(f"?tenant={TENANT}&hours=0.25")
    assert (status, kind) == (200, "text/html")
    assert "HPA 70%" in text
    assert "<svg" in text
    status, kind, found = await process.told(f"?tenant={TENANT}&hours=0.25")
    assert (status, kind) == (200, "application/json")
    assert found["secondsMeasured"] == 900
    assert found["until"] == pytest.approx(time.time() - LATE, abs=DEADLINE)
    asked = process.prometheus.asked[0]
    assert asked["path"] == "/api/v1/query_range"
    # The first value is of the second that ends with it.
    assert int(asked["end"]) - int(asked["start"]) == 900 + WARM_UP - 1
    assert asked["step"] == "1"


async def test_six_hours_are_asked_for_in_as_many_points_as_prometheus_gives(process: Process) -> None:
    process.prometheus.signals = usual(arrivals=always(1.0), ceiling=always(2))
    status, _, found = await process.told(f"?tenant={TENANT}&hours=6&hpa=70")
    assert status == 200
    assert found["secondsMeasured"] == 6 * 3600
    assert process.prometheus.asked[0]["step"] == "2"


async def test_a_tenant_that_nobody_measured_is_not_found(process: Process) -> None:
    status, kind, text = await process.get("?tenant=birch-0a1b2c3d")
    assert (status, kind) == (404, "text/html")
    assert "Nothing that arrived was measured" in text
    assert 'value="birch-0a1b2c3d"' in text, "the form keeps it"
    status, kind, found = await process.told("?tenant=birch-0a1b2c3d")
    assert (status, kind, found["title"], found["status"]) == (
        404,
        "application/problem+json",
        "Nothing to replay",
        404,
    )


@pytest.mark.parametrize("query", ["", "?tenant=acme", f"?tenant={TENANT}&hours=100", f"?tenant={TENANT}&floor=x"])
async def test_what_cannot_be_meant_is_a_bad_request_and_asks_nobody(process: Process, query: str) -> None:
    assert (await process.get(query))[0] == 400
    assert (await process.told(query))[:2] == (400, "application/problem+json")
    assert process.prometheus.asked == []


async def test_what_prometheus_refuses_is_told(process: Process) -> None:
    process.prometheus.refuses = "query timed out in expression evaluation"
    status, _, text = await process.get(f"?tenant={TENANT}")
    assert status == 502
    assert "query timed out in expression evaluation" in text


async def test_a_prometheus_that_is_away_is_told() -> None:
    async with started(f"http://127.0.0.1:{free_port()}") as (own, url):
        status, _, text = await Process(own, Prometheus(), url).get(f"?tenant={TENANT}")
    assert status == 502
    assert "Prometheus does not answer" in text


async def test_whoever_asks_for_too_much_is_told_in_time_and_probes_are_answered_meanwhile() -> None:
    async with serving(Prometheus()) as asked, started(asked, PATIENCE_SECONDS="0.2") as (own, url):
        process = Process(own, Prometheus(), url)
        replay = asyncio.create_task(process.get(f"?tenant={TENANT}&hours=6"))
        await answers(f"{url}/livez")
        status, _, text = await replay
    assert status == 503
    assert "ask for fewer hours" in text


async def test_told_to_stop_it_still_answers_whoever_waits(process: Process) -> None:
    replay = asyncio.create_task(process.get(f"?tenant={TENANT}&hours=0.25"))
    await until("Prometheus is asked", lambda: process.prometheus.asked)
    process.own.send_signal(signal.SIGTERM)
    async with asyncio.timeout(DEADLINE):
        assert (await replay)[0] == 200
        assert await process.own.wait() == 0
    assert process.own.stderr is not None
    events = [json.loads(line)["event"] for line in (await process.own.stderr.read()).splitlines()]
    assert events == ["serving", "replayed", "stopped"]
