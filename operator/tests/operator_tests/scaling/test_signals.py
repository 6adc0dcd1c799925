"""The query's answer becomes what a decision is made of."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from rooftree_operator.scaling.signals import PARTS, QUERY, BadAnswer, Workload, parse


def answer(*samples: tuple[dict[str, str], str]) -> bytes:
    result = [{"metric": labels, "value": [1764470000.123, value]} for labels, value in samples]
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}}).encode()


def sample(signal: str, value: str, tenant: str = "acme-12345678", **labels: str) -> tuple[dict[str, str], str]:
    return {"tenant": tenant, "signal": signal, **labels}, value


def test_signals_of_a_workload_come_together() -> None:
    found = parse(
        answer(
            sample("arrivals", "42.5"),
            sample("recent", "50"),
            sample("deviation", "7.25"),
            sample("in_flight", "3"),
            sample("residence", "0.031"),
            sample("age", "1.5"),
            sample("measured", "4"),
            sample("waits", "0.1", part="search"),
            sample("waits", "0.6", part="database"),
        )
    )
    signals = found[Workload("acme-12345678")].signals(replicas=5, ready=4)
    assert (signals.arrivals, signals.recent, signals.deviation, signals.in_flight) == (42.5, 50.0, 7.25, 3.0)
    assert (signals.residence, signals.age, signals.measured) == (0.031, 1.5, 4)
    assert (signals.waits, signals.waits_for) == (0.6, "database")
    assert (signals.replicas, signals.ready) == (5, 4)


def test_modules_with_pods_of_their_own_are_workloads_of_their_own() -> None:
    found = parse(answer(sample("arrivals", "1", module="crm"), sample("arrivals", "2", module="property")))
    assert found[Workload("acme-12345678", "crm")].values["arrivals"] == 1.0
    assert found[Workload("acme-12345678", "property")].values["arrivals"] == 2.0


def test_a_rate_over_nothing_is_not_known() -> None:
    found = parse(answer(sample("arrivals", "0"), sample("residence", "NaN"), sample("waits", "+Inf", part="cache")))
    signals = found[Workload("acme-12345678")].signals(replicas=1, ready=1)
    assert signals.arrivals == 0.0
    assert signals.residence is None
    assert signals.waits == 0.0


def test_what_is_not_told_is_not_known() -> None:
    signals = parse(answer(sample("age", "2")))[Workload("acme-12345678")].signals(replicas=1, ready=1)
    assert signals.arrivals is None
    assert signals.in_flight is None
    assert signals.measured is None


@pytest.mark.parametrize(
    "text",
    [b"", b"<html>", b"[]", b"{}", b'{"status":"error","error":"too many samples"}', b'{"status":"success","data":{}}'],
)
def test_another_answer_is_refused(text: bytes) -> None:
    with pytest.raises(BadAnswer):
        parse(text)


def test_what_prometheus_refuses_is_told() -> None:
    refused = {"status": "error", "error": "query timed out", "data": {"resultType": "vector"}}
    with pytest.raises(BadAnswer, match="query timed out"):
        parse(json.dumps(refused).encode())


def test_only_arrivals_are_asked_for_by_their_job() -> None:
    """A pod's other metrics have the job that the pod's name gives: `app`, or its module's."""
    assert set(re.findall(r'job="(.*?)"', QUERY)) == {"arrivals"}


def test_every_part_of_the_query_has_its_name() -> None:
    for name in PARTS:
        assert f'"signal", "{name}", "", "")' in QUERY
    assert QUERY.count("label_replace(") == len(PARTS)
    assert QUERY.count("(") == QUERY.count(")")


SERIES = {
    'rooftree_server_spans_total{job="arrivals",tenant="acme",pod="a"}': "0+8x60",
    'rooftree_server_spans_total{job="arrivals",tenant="acme",pod="b"}': "0+4x60",
    # The same counter is scraped by the other job, too.
    'rooftree_server_spans_total{job="app",tenant="acme",pod="a"}': "0+8x60",
    'http_server_active_requests{job="arrivals",tenant="acme",pod="a"}': "3x60",
    'http_server_active_requests{job="arrivals",tenant="acme",pod="b"}': "2x60",
    'rooftree_span_seconds_total{job="app",tenant="acme",pod="a",part="server"}': "0+0.5x60",
    'rooftree_span_seconds_total{job="app",tenant="acme",pod="a",part="database"}': "0+0.25x60",
    'rooftree_span_seconds_total{job="app",tenant="acme",pod="a",part="search"}': "0+0.125x60",
    'rooftree_server_spans_ended_total{job="app",tenant="acme",pod="a"}': "0+8x60",
    'rooftree_server_spans_total{job="arrivals",tenant="large",pod="c",module="crm"}': "0+2x60",
}
TOLD = {
    '{signal="arrivals", tenant="acme"}': 12,
    '{signal="recent", tenant="acme"}': 12,
    '{signal="deviation", tenant="acme"}': 0,
    '{signal="in_flight", tenant="acme"}': 5,
    '{signal="age", tenant="acme"}': 0,
    '{signal="measured", tenant="acme"}': 2,
    '{signal="residence", tenant="acme"}': 0.0625,
    '{part="database", signal="waits", tenant="acme"}': 0.5,
    '{part="search", signal="waits", tenant="acme"}': 0.25,
    '{module="crm", signal="arrivals", tenant="large"}': 2,
    '{module="crm", signal="recent", tenant="large"}': 2,
    '{module="crm", signal="deviation", tenant="large"}': 0,
}


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is of Debian's prometheus")
def test_prometheus_answers_the_query_so(tmp_path: Path) -> None:
    samples = [{"labels": labels, "value": value} for labels, value in TOLD.items()]
    asked = {
        "interval": "1s",
        "input_series": [{"series": name, "values": values} for name, values in SERIES.items()],
        "promql_expr_test": [{"expr": QUERY, "eval_time": "40s", "exp_samples": samples}],
    }
    (tmp_path / "test.yaml").write_text(json.dumps({"evaluation_interval": "1s", "tests": [asked]}))
    done = subprocess.run(["promtool", "test", "rules", "test.yaml"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
