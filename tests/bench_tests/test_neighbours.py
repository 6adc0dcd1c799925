"""What others notice of a noisy neighbour is told by pairs of windows, and the noise is ten times its plan."""

from __future__ import annotations

import math
import subprocess
import sys
import time
from typing import Any

import bench_neighbours
import bench_noise
import pytest
from bench_neighbours import DIMENSIONS, Loud, turns

from ..e2e.conftest import Tenant

TENANT = Tenant(
    "noisy", "noisy-0a1b2c3d", "tenant-noisy-0a1b2c3d", "noisy", "https://noisy.rooftree.localhost:8443", "1"
)
LOUD = Loud(TENANT, "__Host-session=x", "secret", ("app-1", "app-2"))


def window(dimension: str, pair: int, seconds: list[float], *, loud: bool, errors: int = 0) -> dict[str, Any]:
    told = {"dimension": dimension, "pair": pair, "loud": loud, "errors": ["search 503"] * errors, "seconds": seconds}
    return {"trial": "window", "value": max(seconds), **told}


def test_pairs_of_windows_alternate_their_order() -> None:
    assert list(turns(3)) == [(0, False), (0, True), (1, True), (1, False), (2, False), (2, True)]


def test_the_ratio_is_of_all_loud_to_all_quiet_windows_and_its_spread_that_of_the_pairs() -> None:
    lines = [
        window("redis", 0, [0.1] * 100, loud=False),
        window("redis", 0, [0.1] * 100, loud=True, errors=1),
        window("redis", 1, [0.1] * 99 + [0.4], loud=False, errors=5),
        window("redis", 1, [0.3] * 100, loud=True, errors=2),
        window("cpu", 0, [0.2], loud=False),
        window("cpu", 0, [0.2], loud=True),
    ]
    found = {one["figure"]: one for one in bench_neighbours.figures(lines, seed=1)}
    ratio = found["neighbour_ratio_redis"]
    assert (ratio["value"], ratio["n"], ratio["spread"]) == (3.0, 200, [1.0, 3.0])
    assert (ratio["p99_loud"], ratio["p99_quiet"]) == (0.3, 0.1)
    errors = found["neighbour_errors_redis"]
    assert (errors["value"], errors["spread"]) == (3.0, [1.0, 2.0]), "those of quiet windows are nobody's noise"
    assert found["neighbour_ratio_cpu"]["value"] == 1.0
    assert found.keys() <= bench_neighbours.BUDGETS.keys()


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_the_noise_is_ten_times_what_the_plan_grants(dimension: str) -> None:
    told = LOUD.noise(dimension, 30.0)
    assert told["kind"] in bench_noise.KINDS
    assert told["seconds"] == 30.0
    plan = bench_neighbours.LOUD
    expected = {
        "api": ("rate", 10 * bench_neighbours.API["reads"] / 60),
        "postgres": ("at_once", 10 * plan["database"]["connections"]),
        "kafka": ("bytes_per_second", 10 * plan["kafka"]["producerBytesPerSecond"]),
        "elasticsearch": ("rate", 10 * bench_neighbours.API["searches"] / 60),
        "redis": ("rate", 10 * bench_neighbours.API["searches"] / 60),
    }
    if dimension == "cpu":
        assert [words[4] for words in told["commands"]] == ["app-1", "app-2"]
        assert int(told["commands"][0][-1]) == math.ceil(10 * float(plan["resources"]["limits"]["cpu"])), (
            "whole processes"
        )
    else:
        name, value = expected[dimension]
        assert told[name] == value


def test_processes_that_burn_end_by_themselves_and_all_together() -> None:
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", bench_neighbours.BURN, "0.3", "3"], timeout=20, check=False)
    assert done.returncode == 0
    assert 0.3 <= time.monotonic() - began < 20


async def test_commands_tell_what_they_ended_with() -> None:
    words = [[sys.executable, "-c", f"raise SystemExit({code})"] for code in (0, 3)]
    found = await bench_noise.commands({"commands": words})
    assert (found["pushed"], found["codes"]) == (2, [0, 3])


async def test_so_many_requests_are_made_at_a_time() -> None:
    numbers, under_way, most = set[int](), 0, 0

    async def send(number: int) -> bool:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await bench_noise.asyncio.sleep(0.01)
        under_way -= 1
        numbers.add(number)
        return True

    await bench_noise._at_once(send, 4, time.monotonic() + 0.5)
    assert most == 4
    assert len(numbers) >= 8
    assert numbers == set(range(len(numbers))), "each request has a number of its own"
