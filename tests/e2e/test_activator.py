"""First requests of a brokerage without pods on a real cluster: none is lost, and they wait no longer than they must.

The operator is told to leave the brokerage alone meanwhile, and its route is led to the activator by hand: what is
looked at here is the activator.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import statistics
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from .conftest import EDGE, PLATFORM, TOPOLOGY, Edge, Kubectl, Tenant, fresh_name, required, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

ACTIVATOR = "rooftree-activator"
FIRST = 1_000
ROUNDS = 5
WAKE_SECONDS = {"monolith": 5.0, "microservices": 30.0}[TOPOLOGY]
WAKE_RATIO = 1.2  # of a wake to a start by hand until the pod is ready
BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


@pytest.fixture(scope="module")
def tenant(brokerages: Callable[..., Tenant], kubectl: Kubectl) -> Iterator[Tenant]:
    """Its route leads to the activator."""
    made = brokerages(fresh_name("sleepy"))
    patch(kubectl, ("brokerage", made.name), {"spec": {"pause": "Everything"}})
    modules = [name for name in deployments(kubectl, made) if name != "app"]
    told = {"X-Rooftree-Namespace": made.namespace, **({"X-Rooftree-Modules": ",".join(modules)} if modules else {})}
    headers = [{"name": name, "value": value} for name, value in told.items()]
    rule = {
        "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
        "filters": [{"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": headers}}],
        "backendRefs": [{"name": ACTIVATOR, "namespace": PLATFORM, "port": 8080}],
    }
    patch(kubectl, ("httproute", "app", "-n", made.namespace), {"spec": {"rules": [rule]}})
    yield made
    patch(kubectl, ("brokerage", made.name), {"spec": {"pause": None}})


def patch(kubectl: Kubectl, what: tuple[str, ...], change: dict[str, Any]) -> None:
    kubectl.run("patch", *what, "--type=merge", "-p", json.dumps(change))


def deployments(kubectl: Kubectl, tenant: Tenant) -> list[str]:
    found = kubectl.items("deployments", "-n", tenant.namespace, "-l", "app.kubernetes.io/name")
    return [one["metadata"]["name"] for one in found]


def scale(kubectl: Kubectl, tenant: Tenant, replicas: int) -> None:
    kubectl.run("scale", "-n", tenant.namespace, f"--replicas={replicas}", "deployment", *deployments(kubectl, tenant))


@pytest.fixture
def asleep(tenant: Tenant, kubectl: Kubectl, edge: Edge) -> Tenant:
    """It has no pods, and the edge leads to the activator."""
    put_to_sleep(kubectl, edge, tenant)
    return tenant


def put_to_sleep(kubectl: Kubectl, edge: Edge, tenant: Tenant) -> None:
    scale(kubectl, tenant, 0)
    own = ("pods", "-n", tenant.namespace, "-l", "app.kubernetes.io/name")
    until("it has no pods", lambda: not kubectl.items(*own), seconds=60)
    until(
        "the edge leads to the activator", lambda: told(edge, tenant), seconds=30, enough=lambda code: code == "asleep"
    )


def told(edge: Edge, tenant: Tenant) -> str:
    """The problem that a crawler gets."""
    answer = edge.get(tenant.host, "/", **{"User-Agent": BOT})
    kind = answer.headers.get("content-type", "")
    return answer.json()["type"].rpartition("/")[2] if kind == "application/problem+json" else f"{answer.status_code}"


def test_crawlers_and_the_operators_probe_wake_nobody(asleep: Tenant, kubectl: Kubectl, edge: Edge) -> None:
    assert edge.get(asleep.host, "/robots.txt").text.startswith("User-agent: *")
    for agent in (BOT, "rooftree-operator", "kube-probe/1.36"):
        answer = edge.get(asleep.host, "/version", **{"User-Agent": agent})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "3600")
    found = kubectl.get("deployment", "app", "-n", asleep.namespace)
    assert found["spec"]["replicas"] == 0


async def first_requests(host: str, number: int) -> Counter[str]:
    """So many requests at once; who answered them."""
    context = ssl.create_default_context(cafile=required("ROOFTREE_CA_FILE"))
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=0)
    async with httpx2.AsyncClient(verify=context, timeout=60, trust_env=False, limits=limits) as client:

        async def ask() -> str:
            headers = {"Host": f"{host}:8443"}
            try:
                url = f"https://{EDGE}/version"
                answer = await client.get(url, headers=headers, extensions={"sni_hostname": host})
            except httpx2.HTTPError as error:
                return repr(error)
            return answer.json()["tenant_id"] if answer.is_success else f"{answer.status_code} {answer.text[:200]}"

        return Counter(await asyncio.gather(*(ask() for _ in range(number))))


def test_of_a_thousand_first_requests_none_is_lost(asleep: Tenant, kubectl: Kubectl) -> None:
    answers = asyncio.run(first_requests(asleep.host, FIRST))
    lost = FIRST - answers[asleep.id]
    print(f"\nwake_lost {lost} of {FIRST}")  # noqa: T201 - people compare the figure
    assert answers == {asleep.id: FIRST}
    fields = kubectl.run(
        "get", "deployment", "app", "-n", asleep.namespace, "--show-managed-fields", "-o", "json"
    ).stdout
    managers = [one["manager"] for one in json.loads(fields)["metadata"]["managedFields"]]
    assert ACTIVATOR in managers


def test_a_first_request_waits_hardly_longer_than_a_start_by_hand(tenant: Tenant, kubectl: Kubectl, edge: Edge) -> None:
    by_hand, woken = list[float](), list[float]()
    for _ in range(ROUNDS):
        put_to_sleep(kubectl, edge, tenant)
        began = time.monotonic()
        scale(kubectl, tenant, 1)
        kubectl.run(
            "wait", "pod", "-n", tenant.namespace, "-l", "app.kubernetes.io/name", "--for=create", "--timeout=60s"
        )
        kubectl.run("wait", "pod", "-n", tenant.namespace, "-l", "app.kubernetes.io/name", "--for=condition=Ready")
        by_hand.append(time.monotonic() - began)
        put_to_sleep(kubectl, edge, tenant)
        began = time.monotonic()
        assert asyncio.run(first_requests(tenant.host, 1)) == {tenant.id: 1}
        woken.append(time.monotonic() - began)
    ratio, slowest = statistics.median(woken) / statistics.median(by_hand), max(woken)
    print(f"\nwake_ratio {ratio:.2f}, slowest wake {slowest:.2f} s; woken {woken}, by hand {by_hand}")  # noqa: T201
    assert ratio <= WAKE_RATIO
    assert slowest <= WAKE_SECONDS


def test_it_is_granted_no_more_than_to_wake_brokerages(kubectl: Kubectl, asleep: Tenant) -> None:
    account = f"--as=system:serviceaccount:{PLATFORM}:{ACTIVATOR}"
    app = ("deployment", "app", "-n", asleep.namespace)
    for what in (("get", "httproutes", "-A"), ("get", "brokerages"), ("get", "secrets", "-n", asleep.namespace)):
        assert "forbidden" in kubectl.run(*what, account, code=1).stderr.lower()
    change = ("patch", *app, "--subresource=scale", "--type=merge", account)
    for number in (0, 2):
        refused = kubectl.run(*change, "-p", json.dumps({"spec": {"replicas": number}}), code=1).stderr
        assert "the activator gives the first pod only" in refused
    kubectl.run(*change, "-p", '{"spec": {"replicas": 1}}')
    again = kubectl.run(*change, "-p", '{"spec": {"replicas": 1}}', code=1).stderr
    assert "the activator gives the first pod only" in again
    own = ("patch", "deployment", ACTIVATOR, "-n", PLATFORM, "--subresource=scale", "--type=merge", account)
    assert kubectl.run(*own, "-p", '{"spec": {"replicas": 1}}', code=1).stderr
