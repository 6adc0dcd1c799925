"""Figures are computed from raw lines, and from nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bench_operator import figures
from bench_operator.api import dispatched
from bench_operator.process import Installation, Metrics, Operator, parsed


def lines(kind: str, *values: float) -> list[dict[str, Any]]:
    return [{"trial": kind, "value": value, "at": "2026-11-29T12:00:00+00:00"} for value in values]


def figure(name: str, *trials: list[dict[str, Any]]) -> dict[str, Any]:
    every = figures.of([line for listed in trials for line in listed], tenants=200, seed=1)
    (found,) = [one for one in every if one["figure"] == name]
    return found


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([5.0], 0.99, 5.0),
        ([3.0, 1.0, 2.0], 0.5, 2.0),
        ([float(number) for number in range(1, 101)], 0.99, 99.0),
        ([float(number) for number in range(1, 102)], 0.99, 100.0),
    ],
)
def test_a_percentile_is_a_value_that_was_measured(values: list[float], share: float, expected: float) -> None:
    assert figures.percentile(values, share) == expected


def test_a_figure_has_the_shape_that_all_benchmarks_print() -> None:
    found = figure("edit_p99", lines("edit", 0.25, 0.5, 0.75))
    assert found == {
        "figure": "edit_p99",
        "value": 0.75,
        "unit": "s",
        "n": 3,
        "spread": [0.25, 0.75],
        "seed": 1,
        "tenants": 200,
    }


def test_the_ratio_is_of_a_tenants_seconds_and_its_spread_that_of_the_bare_clients_turns() -> None:
    found = figure("create_ratio", lines("created_tenant", 0.6), lines("bare_tenant", 0.4, 0.6))
    assert found["value"] == pytest.approx(1.2)
    assert found["spread"] == [1.0, 1.5]


@pytest.mark.parametrize("kind", ["created_tenant", "bare_tenant"])
def test_there_is_no_ratio_of_one_side(kind: str) -> None:
    assert figures.of(lines(kind, 0.5), tenants=1000, seed=1) == []


def test_bytes_are_told_of_each_system_and_of_all() -> None:
    both = lines("bytes_etcd", 1000.0), lines("bytes_kafka", 500.0)
    assert figure("bytes_per_tenant", *both)["value"] == 1500
    assert figure("bytes_per_tenant.etcd", *both)["value"] == 1000
    assert figure("bytes_per_tenant.kafka", *both)["unit"] == "B"


def test_every_kind_of_write_of_a_restart_counts() -> None:
    found = figure("restart_writes", lines("restart_writes", 2.0, 3.0))
    assert found["value"] == 5


def test_what_was_not_measured_is_no_figure() -> None:
    names = {one["figure"] for one in figures.of(lines("ready", 1.0, 2.0), tenants=2, seed=1)}
    assert names == {"ready_p50", "ready_p99"}


@pytest.mark.parametrize(
    ("name", "value", "missed"),
    [
        ("create_ratio", 1.25, []),
        ("create_ratio", 1.26, ["create_ratio"]),
        ("edit_p99", 1.01, ["edit_p99"]),
        ("restart_writes", 1.0, ["restart_writes"]),
        ("ready_p99", 3600.0, []),
    ],
)
def test_a_figure_over_its_budget_is_missed(name: str, value: float, missed: list[str]) -> None:
    assert figures.missed([{"figure": name, "value": value}]) == missed


METRICS = """\
# HELP rooftree_operator_passes_total Reconcile passes.
rooftree_operator_passes_total{kind="tenant",result="done"} 40.0
rooftree_operator_passes_total{kind="tenant",result="failed"} 2.0
rooftree_operator_passes_total{kind="plan",result="done"} 3.0
rooftree_operator_passes_created{kind="tenant",result="done"} 1.7e+09
rooftree_operator_effects_total{kind="Lease",system="kubernetes",verb="update"} 9.0
rooftree_operator_effects_total{kind="Deployment/scale",system="kubernetes",verb="patch"} 5.0
rooftree_operator_effects_total{kind="topic",system="kafka",verb="create"} 0.0
rooftree_operator_effects_created{kind="topic",system="kafka",verb="create"} 1.7e+09
rooftree_operator_queue_depth 7.0
"""


def test_passes_over_tenants_are_counted_whatever_came_of_them() -> None:
    assert parsed(METRICS).passes == 42
    assert parsed(METRICS).depth == 7


def test_the_heartbeat_of_the_lease_is_no_write_and_is_told_beside_them() -> None:
    assert parsed(METRICS).writes == {("kubernetes", "patch", "Deployment/scale"): 5}
    assert parsed(METRICS).heartbeats == 9


def test_anything_else_that_is_done_to_a_lease_is_a_write() -> None:
    found = parsed(METRICS.replace('verb="update"', 'verb="create"'))
    assert found.writes[("kubernetes", "create", "Lease")] == 9
    assert found.heartbeats == 0


async def test_what_an_operator_has_written_is_read_when_it_has_had_its_passes(tmp_path: Path) -> None:
    operator, pages = Operator(Installation(tmp_path, {}), tmp_path / "log"), Pages()
    operator.metrics = pages.next  # type: ignore[method-assign]
    found = await operator.until_seen(42, within=10, depth=7)
    assert found == parsed(METRICS)
    assert pages.asked == 3, "before its page was there, and before it had had its passes, it told nothing"


class Pages:
    """What its page says when it is asked again and again."""

    def __init__(self) -> None:
        self.asked = 0

    async def next(self) -> Metrics:
        self.asked += 1
        return [Metrics(), parsed(METRICS.replace("40.0", "39.0")), parsed(METRICS)][self.asked - 1]


def test_a_restart_without_any_write_is_a_figure_of_0() -> None:
    assert figure("restart_writes", lines("restart_writes", 0.0))["value"] == 0
    assert figure("restart_lease", lines("restart_lease", 14.0))["value"] == 14


def test_of_the_apiservers_requests_only_those_of_service_accounts_are_the_operators() -> None:
    name = "apiserver_flowcontrol_dispatched_requests_total"
    text = f"""\
{name}{{flow_schema="exempt",priority_level="exempt"}} 1000
{name}{{flow_schema="service-accounts",priority_level="workload-low"}} 120
{name}{{flow_schema="kube-system-service-accounts",priority_level="workload-high"}} 77
apiserver_flowcontrol_rejected_requests_total{{flow_schema="service-accounts",priority_level="workload-low"}} 5
"""
    assert dispatched(text) == 120
