"""The collector's files: spans are counted before any is left out, and nothing in it grows for ever."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

FOLDER = Path(__file__).resolve().parents[2] / "observability" / "collector"
KINDS = ("receivers", "processors", "exporters", "connectors", "extensions")
# A cell has at most so many tenants; the operators are further services.
TENANTS = 2000


def merged(*names: str) -> dict[str, Any]:
    """As the collector reads several files: maps are joined, everything else is replaced."""

    def join(below: Any, above: Any) -> Any:
        if not isinstance(below, dict) or not isinstance(above, dict):
            return above
        return below | {key: join(below.get(key), value) for key, value in above.items()}

    found: dict[str, Any] = {}
    for name in names:
        found = join(found, yaml.safe_load((FOLDER / name).read_text()))
    return found


@pytest.fixture
def collector() -> dict[str, Any]:
    return merged("spans.yaml", "jaeger.yaml")


def seconds(text: str) -> float:
    """Of a duration."""
    found = re.fullmatch(r"([\d.]+)(ms|s|m)", text)
    assert found, text
    return float(found[1]) * {"ms": 0.001, "s": 1, "m": 60}[found[2]]


def test_every_part_of_a_pipeline_is_described_and_every_part_described_is_used(collector: dict[str, Any]) -> None:
    described = {name for kind in KINDS for name in collector.get(kind, {})}
    lists = [collector["service"]["extensions"]]
    lists += [names for pipeline in collector["service"]["pipelines"].values() for names in pipeline.values()]
    assert {name for names in lists for name in names} == described


def test_spans_are_counted_before_any_of_them_is_left_out(collector: dict[str, Any]) -> None:
    arriving, kept, counted = (collector["service"]["pipelines"][n] for n in ("traces", "traces/kept", "metrics/spans"))
    assert arriving == {
        "receivers": ["otlp"],
        "processors": ["memory_limiter"],
        "exporters": ["spanmetrics", "forward"],
    }
    assert (kept["receivers"], kept["processors"]) == (["forward"], ["tail_sampling", "batch"])
    assert kept["exporters"] == ["jaeger_storage_exporter"]
    assert counted == {"receivers": ["spanmetrics"], "exporters": ["prometheus"]}


def test_span_metrics_are_soon_told_of_few_things_and_forgotten(collector: dict[str, Any]) -> None:
    metrics = collector["connectors"]["spanmetrics"]
    assert [one["name"] for one in metrics["dimensions"]] == [
        "rooftree.tenant",
        "http.route",
        "http.response.status_code",
    ]
    assert metrics["exclude_dimensions"] == ["span.name"]
    assert seconds(metrics["metrics_flush_interval"]) == 5
    assert 300 <= seconds(metrics["metrics_expiration"]) <= 600
    assert metrics["histogram"]["unit"] == "s"
    buckets = [seconds(one) for one in metrics["histogram"]["explicit"]["buckets"]]
    assert buckets == sorted(set(buckets))
    assert len(buckets) <= 12
    assert metrics["exemplars"]["enabled"] is True
    assert collector["exporters"]["prometheus"]["enable_open_metrics"] is True


def test_counters_of_a_tenant_go_on_when_its_pods_are_replaced(collector: dict[str, Any]) -> None:
    metrics = collector["connectors"]["spanmetrics"]
    assert metrics["resource_metrics_key_attributes"] == ["service.name", "rooftree.tenant"]
    assert metrics["resource_metrics_cache_size"] > 2 * TENANTS


def test_nothing_grows_for_ever(collector: dict[str, Any]) -> None:
    assert collector["connectors"]["spanmetrics"]["aggregation_cardinality_limit"] > 0
    tail = collector["processors"]["tail_sampling"]
    assert 0 < tail["num_traces"] * 10 <= min(tail["decision_cache"].values()) <= 1_000_000
    assert collector["processors"]["memory_limiter"].keys() == {"check_interval", "limit_mib"}
    assert collector["extensions"]["jaeger_storage"]["backends"]["memory"]["memory"]["max_traces"] > 0


def test_failed_and_slow_traces_are_kept_whatever_part_of_the_others_is(collector: dict[str, Any]) -> None:
    failed, slow, others = collector["processors"]["tail_sampling"]["policies"]
    assert failed["status_code"]["status_codes"] == ["ERROR"]
    assert slow["latency"]["threshold_ms"] == 1000
    assert others["probabilistic"]["sampling_percentage"] == "${env:COLLECTOR_KEPT_PERCENT:-10}"


def test_every_variable_has_a_default(collector: dict[str, Any]) -> None:
    variables = re.findall(r"\$\{[^}]*\}", str(collector))
    assert variables
    assert [one for one in variables if not re.fullmatch(r"\$\{env:COLLECTOR_[A-Z_]+:-[^}]+\}", one)] == []


def test_the_histogram_is_cut_as_the_apps_own(collector: dict[str, Any]) -> None:
    from rooftree.kernel.metrics import SECONDS

    buckets = collector["connectors"]["spanmetrics"]["histogram"]["explicit"]["buckets"]
    assert tuple(seconds(one) for one in buckets) == SECONDS
