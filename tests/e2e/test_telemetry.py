"""What a running tenant tells: one trace across all systems, few series, and no secret by any door."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import httpx2
import pytest

from . import web_tenant
from .conftest import TOPOLOGY, Edge, Kubectl, Tenant, required, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

PROMETHEUS = "http://10.200.0.1:9090"
PLATFORM = "rooftree-system"
# Spans leave every 2 s, metrics are read every 5 s.
TOLD_SECONDS = 60
MAX_SERIES = 150


@pytest.fixture(scope="module")
def ask() -> Iterator[Callable[[str], Any]]:
    """GET of an address inside the stack; its JSON, or None while it answers with an error or too late."""
    with httpx2.Client(timeout=10, trust_env=False) as client:

        def get(url: str) -> Any:
            try:
                answer = client.get(url)
            except httpx2.TransportError:
                return None
            return answer.json() if answer.status_code == 200 else None

        yield get


@pytest.fixture(scope="module")
def fed(kubectl: Kubectl, plans: None) -> Iterator[tuple[Tenant, web_tenant.WebTenant]]:
    """A brokerage with the sample's feed, imported."""
    with web_tenant.opened(kubectl) as opened:
        yield Tenant.of(kubectl.get("brokerage", opened.name)), opened


def spans_of(trace: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """By name; of several spans of one name, one."""
    return {span["operationName"]: span for span in trace["spans"]}


def test_a_request_is_one_trace_from_the_gateway_to_the_database(
    fed: tuple[Tenant, web_tenant.WebTenant], edge: Edge, ask: Callable[[str], Any]
) -> None:
    tenant, opened = fed
    token = opened.owner_link.rpartition("/")[2]
    asked, stated = "GET /api/v1/invitations/{token}", "SELECT identity.invitations"
    # In microservices the gateway hands the request on to identity, and each tells its own spans.
    processes = {"monolith": 1, "microservices": 2}[TOPOLOGY]
    traces: list[str] = []

    def look() -> Any:
        answer = edge.get(tenant.host, f"/api/v1/invitations/{token}")
        assert answer.status_code == 200
        traces.append(answer.headers["x-request-id"].replace("-", ""))
        bodies = (ask(f"{required('ROOFTREE_TEST_TRACES_URL')}/api/traces/{one}") for one in traces[-5:])
        return next((body for body in bodies if body and whole(body)), None)

    def whole(body: Any) -> bool:
        return any(leads(one, asked, stated) and len(one["processes"]) == processes for one in body["data"])

    # A pod drops the spans of a moment in which it cannot send them.
    found = until("the whole trace of a request", look, seconds=TOLD_SECONDS, every=1)
    (trace,) = found["data"]
    for process in trace["processes"].values():
        assert process["serviceName"] == "rooftree-tenant"
        tags = {tag["key"]: tag["value"] for tag in process["tags"]}
        assert (tags["rooftree.tenant"], tags["service.version"]) == (tenant.id, tenant.version)
    assert token not in json.dumps(found)


def leads(trace: dict[str, Any], cause: str, effect: str) -> bool:
    """Whether the span named `effect` is there and part of the one named `cause`, through all spans between them."""
    by_id, span = {one["spanID"]: one for one in trace["spans"]}, spans_of(trace).get(effect)
    while span is not None and span["references"]:
        span = by_id.get(span["references"][0]["spanID"])
        if span is not None and span["operationName"] == cause:
            return True
    return False


def test_a_listing_is_one_trace_from_the_feed_through_kafka_to_the_search_index(
    fed: tuple[Tenant, web_tenant.WebTenant], ask: Callable[[str], Any]
) -> None:
    tenant, _ = fed
    query = {
        "service": "rooftree-tenant",
        "operation": "process property.search",
        "tags": json.dumps({"rooftree.tenant": tenant.id}),
        "limit": 50,
    }
    wanted = {"job property.sync_feeds", "GET", "INSERT property.properties", "send events", "process property.search"}

    def complete(body: Any) -> list[dict[str, Any]]:
        traces = body["data"] if body else []
        return [trace for trace in traces if wanted <= spans_of(trace).keys() and _bulk(trace)]

    found = until(
        f"a trace of {tenant.id} with {sorted(wanted)}",
        lambda: ask(f"{required('ROOFTREE_TEST_TRACES_URL')}/api/traces?{urlencode(query)}"),
        enough=complete,
        seconds=TOLD_SECONDS,
    )
    for trace in complete(found):
        processed = [span for span in trace["spans"] if span["operationName"] == "process property.search"]
        job = spans_of(trace)["job property.sync_feeds"]
        assert {span["references"][0]["spanID"] for span in processed} == {job["spanID"]}


def _bulk(trace: dict[str, Any]) -> list[dict[str, Any]]:
    """Writes to Elasticsearch within the processing of events."""
    processed = {span["spanID"] for span in trace["spans"] if span["operationName"] == "process property.search"}
    return [
        span
        for span in trace["spans"]
        if span["operationName"] == "POST _bulk" and any(item["spanID"] in processed for item in span["references"])
    ]


def test_a_new_brokerage_has_no_dead_letters(
    fed: tuple[Tenant, web_tenant.WebTenant], kubectl: Kubectl, ask: Callable[[str], Any]
) -> None:
    tenant, _ = fed
    tags = json.dumps({"rooftree.tenant": tenant.id})
    query = urlencode({"service": "rooftree-tenant", "operation": "process property.search", "tags": tags, "limit": 1})
    # Whoever has handled an event of the feed has passed the record by which the operator proves the login.
    until(
        "the first event is handled",
        lambda: ask(f"{required('ROOFTREE_TEST_TRACES_URL')}/api/traces?{query}"),
        enough=lambda body: body and body["data"],
        seconds=TOLD_SECONDS,
    )
    assert json.loads(kubectl.ask_app(tenant.namespace, "dead-letters", "list", "--output", "json")) == []


def test_prometheus_has_the_tenants_series_and_not_too_many(
    fed: tuple[Tenant, web_tenant.WebTenant], edge: Edge, ask: Callable[[str], Any]
) -> None:
    tenant, _ = fed
    for _ in range(3):
        edge.get(tenant.host, "/version")
    selector = f'{{tenant="{tenant.id}",namespace="{tenant.namespace}"}}'

    def value(expression: str) -> list[Any]:
        answer = ask(f"{PROMETHEUS}/api/v1/query?{urlencode({'query': expression})}")
        return answer["data"]["result"] if answer else []

    until("metrics of the tenant", lambda: value(f"http_server_requests_total{selector}"), seconds=TOLD_SECONDS)
    until(
        "all of its pods are read",
        lambda: {item["value"][1] for item in value(f"up{selector}")},
        enough=lambda seen: seen == {"1"},
        seconds=TOLD_SECONDS,
    )
    counted = f'count by (pod) ({{__name__!~"up|scrape_.*",tenant="{tenant.id}",pod!=""}})'
    series = until("its series are counted", lambda: value(counted), seconds=TOLD_SECONDS)
    assert all(int(item["value"][1]) <= MAX_SERIES for item in series), series


def test_the_edge_does_not_lead_to_the_metrics(tenant: Tenant, edge: Edge) -> None:
    assert edge.get(tenant.host, "/metrics").status_code == 404


def secrets_of(kubectl: Kubectl, namespace: str) -> set[str]:
    """Every value in every Secret of a namespace that is one; of JSON its leaves."""
    found: set[str] = set()

    def collect(item: Any) -> None:
        if isinstance(item, dict | list):
            for part in item.values() if isinstance(item, dict) else item:
                collect(part)
        elif len(str(item)) >= 12 and not urlsplit(str(item)).scheme.startswith("http"):
            found.add(str(item))

    for secret in kubectl.items("secrets", "-n", namespace):
        for name, encoded in secret.get("data", {}).items():
            content = base64.b64decode(encoded).decode(errors="replace")
            if not name.endswith((".crt", ".pub")):
                collect(json.loads(content) if content.startswith(("{", "[")) else content.strip())
    return found


def test_no_secret_is_in_the_resource_its_events_logs_or_traces(
    kubectl: Kubectl, fed: tuple[Tenant, web_tenant.WebTenant], ask: Callable[[str], Any]
) -> None:
    tenant, opened = fed
    secrets = secrets_of(kubectl, tenant.namespace) | {opened.owner_link.rpartition("/")[2]}
    assert len(secrets) >= 5
    query = {"service": "rooftree-tenant", "tags": json.dumps({"rooftree.tenant": tenant.id}), "limit": 200}
    series = {"match[]": f'{{tenant="{tenant.id}"}}'}
    logs = ("--all-containers", "--tail=-1", "--ignore-errors")

    def told(by: str, address: str) -> str:
        found = until(
            f"{by} of the tenant", lambda: ask(address), enough=lambda it: it and it["data"], seconds=TOLD_SECONDS
        )
        return json.dumps(found)

    doors = {
        "resource": kubectl.run("get", "brokerage", tenant.name, "-o", "yaml", "--show-managed-fields").stdout,
        "objects": kubectl.run("get", "deployments,pods,jobs,configmaps", "-n", tenant.namespace, "-o", "yaml").stdout,
        "events": kubectl.run("get", "events", "-A", "-o", "yaml").stdout,
        "operator": kubectl.run("logs", "-n", PLATFORM, "-l", "app.kubernetes.io/name=rooftree-operator", *logs).stdout,
        "app": kubectl.run("logs", "-n", tenant.namespace, "-l", "app.kubernetes.io/name=app", *logs).stdout,
        "traces": told("traces", f"{required('ROOFTREE_TEST_TRACES_URL')}/api/traces?{urlencode(query)}"),
        "metrics": told("metrics", f"{PROMETHEUS}/api/v1/series?{urlencode(series)}"),
    }
    assert [(door, secret[:4]) for door, content in doors.items() for secret in secrets if secret in content] == []
    assert {door for door, content in doors.items() if len(content) < 200} == set()
    assert opened.owner_email not in doors["app"] + doors["traces"] + doors["metrics"] + doors["operator"]
