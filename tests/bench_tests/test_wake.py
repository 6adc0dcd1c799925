"""How long a first request waits is told beside a start by hand of the same run."""

from __future__ import annotations

import asyncio
from typing import Any

import bench_wake
import pytest
from aiohttp.test_utils import TestServer
from bench_operator import api
from bench_trials import figure, told

from .fake_apiserver import FakeApiserver

ROOT = "/apis/apps/v1/namespaces/tenant-a/deployments"
PODS = "/api/v1/namespaces/tenant-a/pods"


def pod(name: str, *, ready: str = "True") -> dict[str, Any]:
    conditions = [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": ready}]
    metadata = {"name": f"{name}-1", "labels": {"app.kubernetes.io/name": name}}
    return {"metadata": metadata, "status": {"conditions": conditions}}


async def test_a_start_by_hand_lasts_until_every_deployment_has_a_ready_pod() -> None:
    cluster = FakeApiserver()
    for name in ("app", "crm"):
        cluster.put(ROOT, {"metadata": {"name": name}, "spec": {"replicas": 0}})
    async with (
        TestServer(cluster.application(), shutdown_timeout=0.1) as server,
        api.aiohttp.ClientSession() as session,
    ):
        client = api.Api(str(server.make_url("")).rstrip("/"), session)
        starting = asyncio.create_task(bench_wake.start_by_hand(client, "tenant-a", ["app", "crm"]))
        async with asyncio.timeout(10):
            while len(cluster.writes) < 2:  # noqa: ASYNC110 - the server of the test has no event for it
                await asyncio.sleep(0.005)
        assert [path for path, _ in cluster.writes] == [f"{ROOT}/app/scale", f"{ROOT}/crm/scale"]
        cluster.put(PODS, pod("app"))
        cluster.put(PODS, pod("crm", ready="False"))
        await asyncio.sleep(0.05)
        assert not starting.done()
        cluster.put(PODS, pod("crm"))
        assert 0.05 < await starting < 10


def test_the_ratio_is_of_medians_and_its_spread_that_of_the_rounds() -> None:
    lines = [{"trial": "by_hand", "value": value} for value in (2.0, 2.0, 4.0)]
    lines += [{"trial": "wake", "value": value} for value in (2.0, 3.0, 2.0)]
    lines += [{"trial": "crowd", "value": 3.0, "lost": lost} for lost in (False, True, False)]
    found = {one["figure"]: one for one in bench_wake.figures(lines, seed=1)}
    assert (found["wake_ratio"]["value"], found["wake_ratio"]["spread"]) == (1.0, [0.5, 1.5])
    assert (found["wake_p95"]["value"], found["wake_p95"]["n"]) == (3.0, 3)
    assert (found["wake_lost"]["value"], found["wake_lost"]["n"]) == (1.0, 3)


def test_the_command_fails_with_a_figure_over_its_budget(capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = (figure("wake_lost", value, "1", [value], seed=1) for value in (0.0, 1.0))
    assert told([good], bench_wake.BUDGETS) == 0
    assert told([good, bad], bench_wake.BUDGETS) == 1
    assert capsys.readouterr().out.count('"figure": "wake_lost"') == 3
