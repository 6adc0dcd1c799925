"""A live replay gives all policies the same requests, counts what their pods cost, and simulates the same seconds."""

from __future__ import annotations

import json
from statistics import fmean
from typing import Any, cast

import pytest
from bench_live import figures, objects, policies, seconds
from bench_live.fleet import Fleet
from bench_live.objects import Workload
from bench_live.seconds import HPA, OURS, Requests
from rooftree_local.pod_targets import targets
from rooftree_operator.names import LABEL_MANAGED_BY
from rooftree_operator.scaling import limits
from rooftree_operator.scaling.policy import Limits
from rooftree_operator.scaling.replay.hpa import HpaSettings

WORKLOAD = Workload(OURS, "0a1b2c3d", "localhost/rooftree-operator:1", 6.0, Limits(1.0, 1, 16))


def deployment(replicas: int) -> dict[str, Any]:
    made = WORKLOAD.objects(replicas)[-1]
    return {**made, "metadata": {**made["metadata"], "resourceVersion": "7"}, "status": {"availableReplicas": replicas}}


def pod(name: str, *, ready: str = "True", **metadata: Any) -> dict[str, Any]:
    since = "2020-01-01T00:00:08Z"
    return {
        "metadata": {"name": name, "creationTimestamp": "2020-01-01T00:00:00Z", **metadata},
        "status": {
            "phase": "Running",
            "startTime": "2020-01-01T00:00:00Z",
            "podIP": "10.0.0.7",
            "conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": since}],
        },
    }


# -- the seconds ------------------------------------------------------------------------------------------------------


def test_an_hour_that_is_made_short_keeps_its_mean_and_its_shape() -> None:
    hour = [100.0] * 1800 + [300.0] * 1800
    short = seconds.compressed(hour, 600)
    assert (len(short), fmean(short)) == (600, 200.0)
    assert (short[0], short[299], short[300]) == (100.0, 100.0, 300.0)
    assert fmean(seconds.scaled(short)) * seconds.DEMAND == pytest.approx(seconds.MEAN_BUSY)


def test_the_world_meets_the_very_requests_of_the_replay() -> None:
    requests = Requests.of([40.0, 10.0, 80.0], seed=3, warm_up=2)
    assert requests.seconds == 5, "the first two seconds backwards, and all"
    assert len(requests.works) == len(requests.moments)
    load = requests.load(luck=1, warm_up=2)
    assert [second.arrived for second in load.seconds] == [
        sum(int(moment) == second for moment in requests.moments) for second in range(5)
    ]
    first = [sum(0.05 * step <= moment < 0.05 * (step + 1) for moment in requests.moments) for step in range(20)]
    assert [arrivals for arrivals, _ in load.seconds[0].steps] == first
    assert Requests.of([40.0, 10.0, 80.0], seed=3, warm_up=2) == requests


def test_a_slower_start_of_pods_and_longer_work_cost_more_in_the_simulation_too() -> None:
    requests = Requests.of([30.0] * 200 + [70.0] * 100, seed=1)
    quick, slow = (seconds.simulated(requests, OURS, demand, 8.0) for demand in (0.1, 0.15))
    assert len(quick) == seconds.LUCKS
    assert fmean(one.core_seconds for one in slow) > 1.2 * fmean(one.core_seconds for one in quick)
    hpa = seconds.simulated(requests, HPA, 0.1, 8.0)
    assert {one.requests for one in hpa} == {one.requests for one in quick}
    assert fmean(one.core_seconds for one in hpa) > fmean(one.core_seconds for one in quick)


# -- the pods ---------------------------------------------------------------------------------------------------------


async def test_requests_wait_in_one_queue_for_the_first_pod_that_is_idle() -> None:
    fleet = Fleet()
    for name in ("a", "b", "late"):
        fleet.take_pod(pod(name, ready="False" if name == "late" else "True"), 0.0)
    assert [fleet.begin() for _ in range(3)] == ["a", "b", None]
    first, second, third = (fleet.queue() for _ in range(3))
    fleet.done("b")
    assert (first.result(), second.done()) == ("b", False)
    assert fleet.begin() is None, "others came before"
    fleet.take_pod(pod("late"), 1.0)
    assert (second.result(), third.done()) == ("late", False)
    fleet.take_pod(pod("b", deletionTimestamp="2020-01-01T00:01:00Z"), 2.0)
    fleet.done("b")
    assert not third.done(), "it is about to go"
    fleet.done("a")
    assert third.result() == "a"
    for name in ("a", "late"):
        fleet.done(name)
    assert fleet.begin() == "late", "whose turn was longest ago"


def test_who_waits_is_counted_by_the_pod_that_counts_the_fewest() -> None:
    fleet = Fleet()
    with pytest.raises(LookupError):
        fleet.enter()
    for name in ("a", "b"):
        fleet.take_pod(pod(name), 0.0)
    assert [fleet.enter() for _ in range(3)] == ["a", "b", "a"]
    for _ in range(2):
        fleet.leave("a")
    assert fleet.enter() == "a"


def test_declared_pods_cost_from_their_order_on() -> None:
    fleet = Fleet()
    for at, count in ((0.0, 2), (5.0, 2), (10.0, 5), (20.0, 1)):
        fleet.take_deployment(deployment(count), at)
    assert fleet.replicas == 1
    assert fleet.core_seconds(0.0, 30.0) == 2 * 10 + 5 * 10 + 1 * 10
    assert fleet.core_seconds(8.0, 12.0) == 2 * 2 + 5 * 2
    assert fleet.changes(0.0, 15.0) == 1


def test_a_start_lasts_from_the_order_to_readiness_whichever_watch_is_faster() -> None:
    fleet = Fleet()
    fleet.take_deployment(deployment(1), 0.0)
    fleet.take_pod(pod("first", ready="False"), 0.1)
    fleet.take_pod(pod("first"), 8.0)
    # The pod is told of before the count that asks for it.
    fleet.take_pod(pod("second", ready="False"), 99.9)
    fleet.take_deployment(deployment(2), 100.0)
    fleet.take_pod(pod("second"), 107.0)
    fleet.take_pod(pod("second"), 120.0)
    assert fleet.starts == [8.0, 7.0]


# -- who counts -------------------------------------------------------------------------------------------------------


class Cluster:
    """Has one Deployment, and keeps what is declared."""

    def __init__(self, replicas: int) -> None:
        self.replicas = replicas
        self.scaled: list[tuple[str, str, int]] = []

    async def list(self, _kind: Any, namespace: str, *, labels: dict[str, str]) -> list[dict[str, Any]]:
        found = deployment(self.replicas)
        carried = found["metadata"]["labels"]
        assert (namespace, labels.items() <= carried.items()) == (WORKLOAD.namespace, True)
        return [found]

    async def scale(self, name: str, namespace: str, replicas: int, *, version: str | None = None) -> None:
        assert version in (None, "7")
        self.scaled.append((name, namespace, replicas))


class Measures:
    """Thirty requests a second, each of which stays for 100 ms."""

    async def query(self, text: str) -> bytes:
        assert "signal" in text
        told = {"arrivals": 30.0, "recent": 30.0, "in_flight": 3.0, "age": 0.5, "measured": 1.0, "residence": 0.1}
        result = [
            {"metric": {"tenant": WORKLOAD.tenant, "signal": name}, "value": [0, str(value)]}
            for name, value in told.items()
        ]
        return json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}}).encode()


async def test_the_operators_own_scaler_counts_the_pods_of_a_replay() -> None:
    cluster = Cluster(1)
    await policies.ours(cast("Any", cluster), Measures(), WORKLOAD.namespace).tick()
    ((name, namespace, replicas),) = cluster.scaled
    assert (name, namespace) == ("app", WORKLOAD.namespace)
    assert replicas > 3


def test_a_pods_use_is_what_it_worked_between_two_looks() -> None:
    before, now = {"a": (100.0, 5.0), "gone": (100.0, 1.0)}, {"a": (115.0, 15.5), "new": (115.0, 3.0)}
    found = policies.metrics_of(before, now)
    assert found.keys() == {"a"}
    assert (found["a"].value, found["a"].at, found["a"].window) == (700, 115.0, 15.0)


async def test_the_ported_autoscaler_counts_by_the_use_of_the_replicas() -> None:
    cluster, fleet = Cluster(2), Fleet()
    fleet.take_deployment(deployment(2), 0.0)
    for name in ("a", "b"):
        fleet.take_pod(pod(name), 0.0)
    hpa = policies.LiveHpa(cast("Any", cluster), fleet, WORKLOAD.namespace, cast("Any", None), HpaSettings(70))
    remembered = policies.Hpa(hpa.settings)
    await hpa.decide(remembered)
    assert cluster.scaled == [], "nothing is measured"
    was, used = ({name: busy for name in ("a", "b")} for busy in ((985.0, 0.0), (1000.0, 14.0)))  # noqa: C420
    hpa.metrics = policies.metrics_of(was, used)
    await hpa.decide(remembered)
    assert cluster.scaled == [("app", WORKLOAD.namespace, 3)], "two pods of 0.93 cores are three of 0.62"


# -- what is made -----------------------------------------------------------------------------------------------------


def test_the_workload_looks_like_a_brokerages_and_the_operator_does_not_take_it_for_its_own() -> None:
    namespace, config, made = WORKLOAD.objects(4)
    assert limits.of(made) == WORKLOAD.limits
    assert made["spec"]["replicas"] == 4
    assert LABEL_MANAGED_BY not in json.dumps([namespace, config, made])
    template = made["spec"]["template"]
    running = {
        "metadata": {**template["metadata"], "name": "app-1", "namespace": WORKLOAD.namespace},
        "spec": template["spec"],
        "status": {"phase": "Running", "podIP": "10.0.0.7"},
    }
    (found,) = targets([running])
    assert found["targets"] == ["10.0.0.7:9464"]
    assert found["labels"]["tenant"] == WORKLOAD.tenant
    assert "module" not in found["labels"]
    assert config["data"][objects.PROGRAM].startswith('"""One replica')


# -- the figures ------------------------------------------------------------------------------------------------------


def trial(policy: str, trace: str, value: float, simulated: float, *, over: int = 5) -> dict[str, Any]:
    counts = {"requests": 1000, "over": over, "lost": 0, "start": 8.0, "simulated_over": 4.0}
    return {"trial": "live", "policy": policy, "trace": trace, "value": value, "simulated": simulated, **counts}


def test_figures_sum_over_traces_and_tell_the_farthest_from_the_simulation() -> None:
    lines = [
        trial(OURS, "noisy", 3600.0, 3600.0, over=15),
        trial(HPA, "noisy", 7200.0, 7000.0),
        trial(OURS, "diurnal", 1800.0, 2000.0),
        trial(HPA, "diurnal", 1800.0, 1800.0),
        {"trial": "change", "value": 3, "policy": OURS, "trace": "noisy", "second": 1.0},
    ]
    found = {one["figure"]: one for one in figures.of(lines, seed=1)}
    assert (found["live_core_hours_ours"]["value"], found["live_core_hours_hpa"]["value"]) == (1.5, 2.5)
    assert (found["live_ratio"]["value"], found["live_ratio"]["spread"]) == (0.6, [0.5, 1.0])
    assert found["live_to_simulation"]["value"] == pytest.approx(0.1)
    late = found["live_over_objective"]
    assert (late["value"], late["n"], late["simulated"]) == (0.01, 2000, 0.004)
    assert found["live_over_objective_hpa"]["value"] == 0.005
