"""The port of Kubernetes' HorizontalPodAutoscaler decides as its own code does.

`goldens/hpa.json` is written by that code (`scripts/bench_scaling/golden/hpa`): each step has all that it saw.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rooftree_operator.scaling.replay import hpa
from rooftree_operator.scaling.replay.hpa import Hpa, HpaInWorld, HpaSettings, NoMetrics, PodMetric, PodView
from rooftree_operator.scaling.replay.keda import KedaInWorld, KedaSettings
from rooftree_operator.scaling.replay.world import Service, make_load, simulate

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parents[1] / "goldens" / "hpa.json").read_text())
NEVER = -9999  # in place of when a pod became ready
SCENARIOS: dict[str, dict[str, Any]] = {one["name"]: one for one in GOLDEN["scenarios"]}


def settings_of(scenario: dict[str, Any]) -> HpaSettings:
    plain = HpaSettings(scenario["target"], scenario["floor"], scenario["ceiling"])
    window = scenario["window"]
    return plain if window < 0 else replace(plain, behavior=(hpa.UP, hpa.down(window)))


def seen(step: dict[str, Any]) -> tuple[list[PodView], dict[str, PodMetric]]:
    pods: list[PodView] = []
    metrics: dict[str, PodMetric] = {}
    for number, (started, ready, pending, use) in enumerate(step["pods"]):
        is_ready = ready != NEVER
        pods.append(PodView(str(number), started, is_ready, ready if is_ready else started, bool(pending)))
        if use >= 0:
            metrics[str(number)] = PodMetric(use, step["until"], 15)
    return pods, metrics


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_step_is_decided_as_by_kubernetes(name: str) -> None:
    scenario = SCENARIOS[name]
    settings = settings_of(scenario)
    port = Hpa(settings)
    for step in scenario["steps"]:
        current, now = step["current"], step["at"]
        port.begin(current, now)
        try:
            if scenario["external"]:
                wanted = hpa.external_replicas(current, step["usage"], settings.target, settings.tolerance)
            else:
                wanted = hpa.resource_replicas(current, *seen(step), now, settings)
            count = port.settle(current, wanted, now)
        except NoMetrics:
            count = current
        assert count == step["set"], f"{name} at {now}"


def test_the_goldens_have_something_to_decide() -> None:
    for name, scenario in SCENARIOS.items():
        changes = sum(step["set"] != step["current"] for step in scenario["steps"])
        assert changes >= 3, f"{name} has {changes}"
    every = [step for scenario in SCENARIOS.values() for step in scenario["steps"]]
    assert sum(step["set"] > step["current"] for step in every) > 20
    assert sum(step["set"] < step["current"] for step in every) > 20
    pods = [pod for step in every for pod in step["pods"]]
    assert any(pending for _, _, pending, _ in pods), "one that is not placed yet"
    assert any(ready == NEVER and not pending for _, ready, pending, _ in pods), "one that starts"
    assert any(use < 0 and ready != NEVER for _, ready, _, use in pods), "one that nobody measured"


def test_in_the_world_it_keeps_its_target_busy() -> None:
    service = Service()
    scaler = HpaInWorld(service, HpaSettings(70))
    out = simulate(make_load([350.0] * 900, seed=1, warm_up=360), scaler, service, 10)
    assert 9.5 < out.core_seconds / 900 < 12.0


def test_in_the_world_keda_keeps_its_threshold_in_flight() -> None:
    service = Service()
    scaler = KedaInWorld(service, KedaSettings(0.7))
    out = simulate(make_load([350.0] * 900, seed=1, warm_up=360), scaler, service, 10)
    assert 9.5 < out.core_seconds / 900 < 12.5


def test_nothing_is_decided_where_nothing_is_measured() -> None:
    with pytest.raises(NoMetrics):
        hpa.resource_replicas(1, [PodView("0", 0, True, 0)], {}, 100, HpaSettings())
