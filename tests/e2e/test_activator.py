"""First requests of a brokerage without pods on a real cluster: none is lost, and crawlers wake nobody.

The operator is told to leave the brokerage alone meanwhile, and its route is led to the activator by hand: what is
looked at here is the activator.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from .conftest import PLATFORM, Edge, Kubectl, Tenant, awaited, fresh_name
from .sleeping import ACTIVATOR, BOT, first_requests, led_to_activator, put_to_sleep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

FIRST = 1_000


@pytest.fixture(scope="module")
def tenant(brokerages: Callable[..., Tenant], kubectl: Kubectl) -> Iterator[Tenant]:
    """Its route leads to the activator."""
    made = brokerages(fresh_name("sleepy"))
    with led_to_activator(kubectl, made):
        yield made


@pytest.fixture
def asleep(tenant: Tenant, kubectl: Kubectl, edge: Edge) -> Tenant:
    """It has no pods, and the edge leads to the activator."""
    put_to_sleep(kubectl, edge, tenant)
    return tenant


def test_crawlers_and_the_operators_probe_wake_nobody(asleep: Tenant, kubectl: Kubectl, edge: Edge) -> None:
    assert edge.get(asleep.host, "/robots.txt").text.startswith("User-agent: *")
    for agent in (BOT, "rooftree-operator", "kube-probe/1.36"):
        answer = edge.get(asleep.host, "/version", **{"User-Agent": agent})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "3600")
    found = kubectl.get("deployment", "app", "-n", asleep.namespace)
    assert found["spec"]["replicas"] == 0


def answers_to(tenant: Tenant, number: int) -> Counter[str]:
    """Who answered so many requests at once."""
    return Counter(one.answer for one in awaited(first_requests(tenant.host, number)))


def test_of_a_thousand_first_requests_none_is_lost(asleep: Tenant, kubectl: Kubectl) -> None:
    answers = answers_to(asleep, FIRST)
    lost = FIRST - answers[asleep.id]
    print(f"\nwake_lost {lost} of {FIRST}")  # noqa: T201 - people compare the figure
    assert answers == {asleep.id: FIRST}
    said = kubectl.run("logs", "-n", PLATFORM, f"deployment/{ACTIVATOR}", "--since=60s").stdout
    told = [one for line in said.splitlines() if (one := json.loads(line))["event"] == "wake"]
    assert [one["result"] for one in told if one["namespace"] == asleep.namespace] == ["woken"]


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
