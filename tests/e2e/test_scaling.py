"""Load decides how many pods a brokerage has: more when it comes, none when nobody does."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from .conftest import IS_WHOLE, TOPOLOGY, Edge, Kubectl, Tenant, awaited, fresh_name, plan_manifest, until
from .sleeping import first_requests
from .test_telemetry import PROMETHEUS, TOLD_SECONDS, ask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(700)]
_ = ask  # a fixture

# Fewer milliseconds than any request takes: whoever comes needs as many pods as there may be.
TIGHT = {"replicas": {"min": 1, "max": 2}, "autoscaling": {"objectiveMilliseconds": 20}}
SCALED_SECONDS = 90
# A minute without a request, a look of Prometheus and a pass; the rest is for a machine that is busy.
SLEEPY_SECONDS = 150
AWAKE_SECONDS = 60
VISITORS = 6
STRANGER = "__Host-session=" + "x" * 43  # whom the database is asked about


@contextmanager
def crowd(edge: Edge, tenant: Tenant, path: str = "/api/v1/session") -> Iterator[None]:
    """People who ask one after the other as fast as they are answered."""
    over = threading.Event()

    def visit() -> None:
        while not over.is_set():
            with suppress(httpx2.TransportError):  # who is not answered in time asks again
                edge.get(tenant.host, path, Cookie=STRANGER)

    with ThreadPoolExecutor(VISITORS) as pool:
        visits = [pool.submit(visit) for _ in range(VISITORS)]
        try:
            yield
        finally:
            over.set()
    for one in visits:
        one.result()


def wanted(kubectl: Kubectl, tenant: Tenant, name: str = "app") -> int:
    return kubectl.get("deployment", name, "-n", tenant.namespace)["spec"]["replicas"]


def plan(kubectl: Kubectl, **spec: Any) -> str:
    name = fresh_name("load")
    kubectl.apply(plan_manifest(name, **spec))
    return name


def test_a_crowd_brings_a_pod_within_seconds_and_the_operator_says_why(
    kubectl: Kubectl, brokerages: Callable[..., Tenant], edge: Edge, ask: Callable[[str], Any]
) -> None:
    tenant = brokerages(plan=plan(kubectl, **TIGHT))
    assert not kubectl.exists("horizontalpodautoscaler", "app", "-n", tenant.namespace)
    limits = kubectl.get("deployment", "app", "-n", tenant.namespace)["metadata"]["annotations"]["rooftree.dev/scaling"]
    assert json.loads(limits) == {"floor": 1, "ceiling": 2, "objectiveMilliseconds": 20}
    with crowd(edge, tenant):
        until("a second pod", lambda: wanted(kubectl, tenant) == 2, seconds=SCALED_SECONDS)
        query = f'rooftree_scaling_replicas{{tenant="{tenant.id}",module="app",kind="wanted"}}'
        until(
            "what is wanted as a metric",
            lambda: ask(f"{PROMETHEUS}/api/v1/query?query={query}"),
            enough=lambda found: bool(found) and [one["value"][1] for one in found["data"]["result"]] == ["2"],
            seconds=TOLD_SECONDS,
        )
    said = kubectl.run("logs", "-n", "rooftree-system", "deployment/rooftree-operator", "--since=120s").stdout
    scaled = [json.loads(line) for line in said.splitlines() if '"event": "scaled"' in line]
    (why,) = {one["why"] for one in scaled if one.get("tenant_id") == tenant.id and one["before"] == 1}
    assert why.startswith("2: "), why
    assert "requests/s" in why, why
    if IS_WHOLE:  # what restless minutes have shown is forgotten in minutes
        until("the second pod goes when nobody comes", lambda: wanted(kubectl, tenant) == 1, seconds=400)


@pytest.mark.skipif(TOPOLOGY == "monolith", reason="one process has all modules")
def test_with_modules_of_their_own_who_is_asked_gets_a_pod_and_nobody_else(
    kubectl: Kubectl, brokerages: Callable[..., Tenant], edge: Edge
) -> None:
    tenant = brokerages(plan=plan(kubectl, **TIGHT))
    with crowd(edge, tenant, f"/api/v1/invitations/{'x' * 43}"):
        for name in ("app", "identity"):
            until(
                f"a second pod of {name}", lambda name=name: wanted(kubectl, tenant, name) == 2, seconds=SCALED_SECONDS
            )
    found = {
        one["metadata"]["name"]: one["spec"]["replicas"] for one in kubectl.items("deployments", "-n", tenant.namespace)
    }
    others = set(found) - {"app", "identity"}
    assert {name: found[name] for name in others} == {"crm": 1, "property": 1}


def test_one_that_nobody_uses_falls_asleep_and_the_first_visitor_is_answered(
    kubectl: Kubectl, brokerages: Callable[..., Tenant], edge: Edge
) -> None:
    tenant = brokerages(plan=plan(kubectl, sleep={"enabled": True, "afterSeconds": 60}), sleep="whenIdle")
    edge.get(tenant.host, "/api/v1/session")

    def seen() -> dict[str, Any]:
        return kubectl.get("brokerage", tenant.name)["status"]

    status = until("it sleeps", seen, enough=lambda it: it["phase"] == "Asleep", seconds=SLEEPY_SECONDS)
    assert status["sleep"]["state"] == "Asleep"
    assert kubectl.conditions(tenant.name)["Ready"]["status"] == "True"
    until(
        "no pod is left",
        lambda: not kubectl.items("pods", "-n", tenant.namespace, "-l", "app.kubernetes.io/name"),
        seconds=60,
    )
    # The operator looks at it meanwhile, which is no use.
    (asked,) = awaited(first_requests(tenant.host, 1))  # the activator lets it wait for 30 s
    assert asked.answer == tenant.id, asked
    print(f"\nfirst answer after {asked.seconds:.2f} s")  # noqa: T201 - people compare the figure
    until("it is awake", seen, enough=lambda it: it["phase"] == "Ready" and "sleep" not in it, seconds=AWAKE_SECONDS)
    assert edge.get(tenant.host, "/version").json()["tenant_id"] == tenant.id
