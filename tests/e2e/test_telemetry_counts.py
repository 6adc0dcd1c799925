"""What is counted of requests is in Prometheus: to the second, once, split by what is waited for, with examples."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from .conftest import TOPOLOGY, Edge, Tenant, required, until
from .test_telemetry import PROMETHEUS, TOLD_SECONDS, ask

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
_ = ask  # a fixture

REQUESTS = 25
# Read each second; the rest is for a machine that is busy.
ARRIVED_SECONDS = 20


class Prometheus:
    """Asks of one tenant."""

    def __init__(self, ask: Callable[[str], Any], tenant: Tenant) -> None:
        self._ask = ask
        self._tenant = tenant

    def series(self, expression: str) -> list[dict[str, Any]]:
        """`TENANT` in the expression stands for the tenant's id."""
        query = urlencode({"query": expression.replace("TENANT", f'"{self._tenant.id}"')})
        answer = self._ask(f"{PROMETHEUS}/api/v1/query?{query}")
        return answer["data"]["result"] if answer else []

    def value(self, expression: str) -> float:
        """Of the one series that an expression gives; 0 while there is none."""
        return sum(float(one["value"][1]) for one in self.series(expression))

    def examples(self, selector: str) -> list[dict[str, str]]:
        now = time.time()
        query = {"query": selector.replace("TENANT", f'"{self._tenant.id}"'), "start": now - 300, "end": now + 60}
        answer = self._ask(f"{PROMETHEUS}/api/v1/query_exemplars?{urlencode(query)}")
        return [one["labels"] for series in answer["data"] for one in series["exemplars"]] if answer else []


@pytest.fixture
def prometheus(ask: Callable[[str], Any], tenant: Tenant) -> Prometheus:
    return Prometheus(ask, tenant)


def test_requests_are_seen_within_seconds(prometheus: Prometheus, tenant: Tenant, edge: Edge) -> None:
    begun = "sum(rooftree_server_spans_total{tenant=TENANT})"
    until("arrivals", lambda: prometheus.series(begun), seconds=TOLD_SECONDS)
    before = prometheus.value(begun)
    for _ in range(REQUESTS):
        assert edge.get(tenant.host, "/version").status_code == 200
    until(
        "the requests among the arrivals",
        lambda: prometheus.value(begun) - before,
        enough=lambda arrived: arrived >= REQUESTS,
        seconds=ARRIVED_SECONDS,
    )
    reads = "min(count_over_time(rooftree_server_spans_total{tenant=TENANT}[20s]))"
    until("a read each second", lambda: prometheus.value(reads) >= 15, seconds=TOLD_SECONDS)


@pytest.mark.parametrize("metric", ["rooftree_server_spans_total", "http_server_active_requests"])
def test_each_pod_tells_its_arrivals_once_and_says_what_it_is(
    prometheus: Prometheus, tenant: Tenant, metric: str
) -> None:
    selector = f"{metric}{{tenant=TENANT}}"
    # The pods of the gateway are called `app` in either topology, and have no label of a module.
    expected = {None} if TOPOLOGY == "monolith" else {None, "identity"}

    def told() -> list[dict[str, str]]:
        return [one["metric"] for one in prometheus.series(selector)]

    found = until(metric, told, enough=lambda it: expected <= {one.get("module") for one in it}, seconds=TOLD_SECONDS)
    assert {(one["job"], one["namespace"]) for one in found} == {("arrivals", tenant.namespace)}
    assert set(Counter(one["pod"] for one in found).values()) == {1}
    assert TOPOLOGY != "monolith" or {one.get("module") for one in found} == expected


def test_the_time_of_requests_is_split(prometheus: Prometheus, tenant: Tenant, edge: Edge) -> None:
    # The gateway looks for the session, and identity is asked for the invitation.
    edge.get(tenant.host, "/api/v1/session", Cookie="__Host-session=" + "x" * 43)
    edge.get(tenant.host, "/api/v1/invitations/of-nobody")
    parts = "sum by (part) (rooftree_span_seconds_total{tenant=TENANT})"

    def seconds() -> dict[str, float]:
        return {one["metric"]["part"]: float(one["value"][1]) for one in prometheus.series(parts)}

    elsewhere = ["database"] if TOPOLOGY == "monolith" else ["database", "rpc"]
    found = until(
        f"seconds in {elsewhere}",
        seconds,
        enough=lambda it: all(it.get(part) for part in elsewhere),
        seconds=TOLD_SECONDS,
    )
    assert found.keys() == {"server", "database", "search", "cache", "rpc", "other_host"}
    assert found["server"] > 0
    assert "rpc" in elsewhere or found["rpc"] == 0


def test_the_histograms_examples_lead_to_traces(
    prometheus: Prometheus, tenant: Tenant, edge: Edge, ask: Callable[[str], Any]
) -> None:
    selector = "http_server_request_duration_seconds_bucket{tenant=TENANT}"

    def led() -> bool:
        edge.get(tenant.host, "/version")
        # By their time: a pod drops the spans of a moment in which it cannot send them.
        newest = sorted(one["trace_id"] for one in prometheus.examples(selector))[-5:]
        return any(ask(f"{required('ROOFTREE_TEST_TRACES_URL')}/api/traces/{one}") for one in newest)

    until("an example of a request leads to a trace", led, seconds=TOLD_SECONDS, every=1)


def test_the_collector_counts_the_tenants_spans_by_route_and_status(
    prometheus: Prometheus, tenant: Tenant, edge: Edge
) -> None:
    for _ in range(3):
        edge.get(tenant.host, "/version")
    served = 'traces_span_metrics_duration_seconds_count{tenant=TENANT,span_kind="SPAN_KIND_SERVER"}'
    found = until(
        "span metrics of the tenant",
        lambda: [one["metric"] for one in prometheus.series(served)],
        enough=lambda all_: any(one.get("http_route") == "/version" for one in all_),
        seconds=TOLD_SECONDS,
    )
    (one,) = [one for one in found if one.get("http_route") == "/version"]
    assert one["http_response_status_code"] == "200"
    assert one.keys().isdisjoint({"span_name", "rooftree_tenant", "exported_instance", "otel_scope_name", "pod"})
    buckets = "count(count by (le) (traces_span_metrics_duration_seconds_bucket{tenant=TENANT}))"
    assert prometheus.value(buckets) <= 13
