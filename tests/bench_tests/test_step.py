"""The load before the step is one pod's, and three times as much is more than one's: by the operator's own policy."""

from __future__ import annotations

import json
from math import sqrt
from typing import Any

import bench_step
import pytest
from bench_pacing import Dial
from rooftree_operator.scaling.policy import Limits, Signals, State, decide

DEMANDS = [0.003, 0.008, 0.02, 0.045]


def limits(demand: float) -> Limits:
    return Limits(bench_step.objective_for(demand) / 1000, ceiling=4)


def wanted(demand: float, arrivals: float, recent: float, deviation: float) -> int:
    """What the policy declares of one pod."""
    signals = Signals(
        replicas=1,
        ready=1,
        arrivals=arrivals,
        recent=recent,
        deviation=deviation,
        in_flight=arrivals * demand,
        residence=demand,
    )
    return decide(signals, limits(demand), State(demand=demand), 0.0)[0].replicas


@pytest.mark.parametrize("demand", DEMANDS)
def test_one_pod_bears_the_load_before_the_step(demand: float) -> None:
    rate = bench_step.base_rate(demand, limits(demand))
    assert rate <= bench_step.MOST_RATE
    assert rate * demand >= 0.05, "a load worth the name"
    assert wanted(demand, rate, rate, sqrt(rate)) == 1
    assert wanted(demand, 1.15 * rate, 1.15 * rate, sqrt(rate)) == 1, "with some to spare"


@pytest.mark.parametrize("demand", DEMANDS)
def test_three_seconds_of_the_step_need_more_pods(demand: float) -> None:
    rate = bench_step.base_rate(demand, limits(demand))
    stepped = bench_step.FACTOR * rate
    mean = (17 * rate + 3 * stepped) / 20
    deviation = sqrt((17 * rate**2 + 3 * stepped**2) / 20 - mean**2)
    assert wanted(demand, mean, stepped, deviation) >= 2
    assert bench_step.pods_for(stepped, demand, limits(demand)) >= 2


def test_requests_that_take_too_long_are_refused() -> None:
    with pytest.raises(RuntimeError, match="too long for a load"):
        bench_step.objective_for(2.0)


def deployment(replicas: int, there: int) -> dict[str, Any]:
    status = {"replicas": there, "availableReplicas": there}
    return {"metadata": {"name": "app"}, "spec": {"replicas": replicas}, "status": status}


def test_only_a_count_above_one_after_the_step_is_the_answer() -> None:
    seen = bench_step.Seen()
    for at, one in enumerate((deployment(2, 2), deployment(1, 2), deployment(1, 1), deployment(2, 1))):
        assert seen.has_one is (at == 3)
        seen.take(one, float(at))
    assert seen.changes == [(0.0, 2), (1.0, 1), (3.0, 2)]
    assert seen.up_since(0.5) == 3.0
    assert seen.up_since(3.5) is None


def test_the_reason_is_that_of_the_brokerages_own_last_change() -> None:
    lines = [
        {"event": "scaled", "tenant_id": "a-1", "why": "2: first"},
        {"event": "scaled", "tenant_id": "a-1", "why": "2: second"},
        {"event": "scaled", "tenant_id": "b-2", "why": "3: another's"},
        {"event": "pass", "tenant_id": "a-1"},
    ]
    log = "\n".join(map(json.dumps, lines)) + "\nTraceback (most recent call last):\n"
    assert bench_step.last_reason(log, "a-1") == "2: second"
    assert bench_step.last_reason(log, "c-3") == ""


def test_a_step_that_is_not_answered_counts_as_the_longest() -> None:
    lines = [{"trial": "step", "value": value} for value in (3.0, bench_step.LONGEST, 4.0)]
    (median, late) = bench_step.figures(lines, seed=1)
    assert (median["figure"], median["value"]) == ("step_p50", 4.0)
    assert (late["figure"], late["value"], late["n"]) == ("step_p95", bench_step.LONGEST, 3)


def test_a_dial_is_turned_while_the_load_goes_on() -> None:
    dial = Dial(10.0)
    moments = dial.moments()
    first = [next(moments) for _ in range(3)]
    dial.rate = 100.0
    assert [*first, next(moments)] == pytest.approx([0.0, 0.1, 0.2, 0.21])
    dial.is_over = True
    assert list(moments) == []
