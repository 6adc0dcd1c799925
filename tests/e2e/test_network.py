"""Who reaches whom: from a tenant's pod, from a stranger's pod, and that the answer is the policies' and not luck.

Every destination that must be refused is looked at from the node first: something listens there.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from rooftree_local.kubectl import is_ready

from . import web_tenant
from .conftest import Kubectl, Tenant, fresh_name, plan_manifest, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(420)]

NODE = "10.200.0.1"
PUBLIC = "93.184.216.34"  # given to the stack's own loopback meanwhile; nothing leaves the stack
UNGRANTED, HTTPS = 2222, 443
PLATFORM, FEED = "rooftree-system", "mls-feed"
SETTLED_SECONDS = 20

PROBE = """
import concurrent.futures, json, socket, sys
def look(place):
    try:
        socket.create_connection(place, timeout=5).close()
        return "open"
    except OSError as error:
        return "closed"
places = [tuple(place) for place in json.loads(sys.argv[1])]
with concurrent.futures.ThreadPoolExecutor(16) as pool:
    print(json.dumps(list(pool.map(look, places))))
"""

Place = tuple[str, int]


def from_here(place: Place) -> str:
    """How the node sees it: the processes of the stack are not under policies."""
    try:
        socket.create_connection(place, timeout=5).close()
    except OSError:
        return "closed"
    return "open"


def from_pod(kubectl: Kubectl, namespace: str, workload: str, places: dict[str, Place]) -> dict[str, str]:
    """How a running pod sees them, by name."""
    command = ("python", "-c", PROBE, json.dumps(list(places.values())))
    answer = kubectl.run("exec", "-n", namespace, f"deployment/{workload}", "--", *command).stdout
    return dict(zip(places, json.loads(answer.splitlines()[-1]), strict=True))


def pod_address(kubectl: Kubectl, namespace: str, name: str) -> str:
    """Of a pod that serves: another one may be about to come or to go."""

    def ready() -> list[str]:
        pods = kubectl.items("pods", "-n", namespace, "-l", f"app.kubernetes.io/name={name}")
        return [pod["status"]["podIP"] for pod in pods if is_ready(pod)]

    return until(f"a pod of {name} in {namespace} is ready", ready, seconds=60)[0]


@pytest.fixture(scope="module")
def listeners() -> Iterator[None]:
    """Servers of the test's own on the node's address and on a public one."""
    with ExitStack() as stack:
        subprocess.run(["ip", "address", "add", f"{PUBLIC}/32", "dev", "lo"], check=True)
        stack.callback(subprocess.run, ["ip", "address", "del", f"{PUBLIC}/32", "dev", "lo"], check=True)
        for place in ((NODE, UNGRANTED), (NODE, HTTPS), (PUBLIC, HTTPS), (PUBLIC, UNGRANTED)):
            stack.enter_context(socket.create_server(place, backlog=64))
        yield


@pytest.fixture(scope="module")
def feeding(kubectl: Kubectl, brokerages: Callable[..., Tenant]) -> Iterator[Tenant]:
    """A brokerage that reads the sample feed."""
    name = fresh_name("feed")
    feeds = yaml.safe_load(web_tenant.SAMPLE.read_text())["spec"]["mls"]
    for feed in feeds:
        feed["credentialsSecretRef"]["name"] = f"{name}-{feed['name']}"
        kubectl.apply(web_tenant.credentials(kubectl, feed["credentialsSecretRef"]["name"], name))
    yield brokerages(name, mls=feeds)
    kubectl.run("delete", "secrets", "-n", PLATFORM, "-l", f"rooftree.dev/brokerage={name}")


GRANT = [{"cidr": "0.0.0.0/0", "ports": [HTTPS]}]


@pytest.fixture(scope="module")
def granted(kubectl: Kubectl, brokerages: Callable[..., Tenant]) -> Iterator[Tenant]:
    """A brokerage without a feed, whose plan grants all public addresses on port 443."""
    name = f"open-{secrets.token_hex(3)}"
    kubectl.apply(plan_manifest(name, network={"outbound": GRANT}))
    yield brokerages(fresh_name("open"), plan=name)
    kubectl.run("delete", "brokerageplan", name)


BACKENDS = {
    "names": (NODE, 53),
    "postgres": (NODE, 5432),
    "kafka": (NODE, 9092),
    "elasticsearch": (NODE, 9200),
    "redis": (NODE, 6379),
    "objects": (NODE, 7070),
    "traces": (NODE, 4318),
    "mail": (NODE, 2525),
}
if "ROOFTREE_TEST_POSTGRES_STANDBY" in os.environ:
    BACKENDS["standby"] = (NODE, 5433)


@pytest.fixture(scope="module")
def closed(kubectl: Kubectl, listeners: None) -> dict[str, Place]:
    """What no tenant may reach, whatever its plan and feeds."""
    unknown_host = kubectl.get("service", "unknown-host", "-n", PLATFORM)["spec"]["clusterIP"]
    return {
        "apiserver": (NODE, 6443),
        "apiserver's service": ("10.96.0.1", 443),
        "kubelet": (NODE, 10250),
        "edge": (NODE, 8443),
        "prometheus": (NODE, 9090),
        "trace queries": (NODE, 16686),
        "a port of the node": (NODE, UNGRANTED),
        "the node's port 443": (NODE, HTTPS),
        "a public address's other port": (PUBLIC, UNGRANTED),
        "operator": (pod_address(kubectl, PLATFORM, "rooftree-operator"), 8081),
        "page for unknown hosts": (unknown_host, 8080),
        "activator": (pod_address(kubectl, PLATFORM, "rooftree-activator"), 8080),
    }


def feed_service(kubectl: Kubectl) -> dict[str, Place]:
    address = kubectl.get("service", FEED, "-n", FEED)["spec"]["clusterIP"]
    return {"feed's service": (address, 8080), "feed's pod": (pod_address(kubectl, FEED, "mls-feed"), 8080)}


def test_what_must_be_refused_is_there_and_open_to_the_node(
    kubectl: Kubectl, closed: dict[str, Place], feeding: Tenant
) -> None:
    places = {**closed, **BACKENDS, **feed_service(kubectl), "public": (PUBLIC, HTTPS)}
    places["app"] = (pod_address(kubectl, feeding.namespace, "app"), 8080)
    seen = {name: from_here(place) for name, place in places.items()}
    assert [name for name, state in seen.items() if state != "open"] == []


def test_names_are_resolved_inside_and_the_feed_is_reached_by_its_name(kubectl: Kubectl, feeding: Tenant) -> None:
    places = {"feed": (f"{FEED}.{FEED}.svc.cluster.local", 8080)}
    until(
        "the feed is reached",
        lambda: from_pod(kubectl, feeding.namespace, "app", places),
        enough=lambda seen: seen == {"feed": "open"},
        seconds=SETTLED_SECONDS,
        every=1,
    )


def test_a_feed_opens_its_place_for_its_own_brokerage_only(
    kubectl: Kubectl, granted: Tenant, closed: dict[str, Place]
) -> None:
    places = {**BACKENDS, **feed_service(kubectl), **closed, "public": (PUBLIC, HTTPS)}
    expected = {
        **dict.fromkeys([*BACKENDS, "public"], "open"),
        **dict.fromkeys([*feed_service(kubectl), *closed], "closed"),
    }
    # Once it has settled: the stack's firewall follows pods and policies a moment later (docs/isolation.md).
    until(
        "each place is as open as the policies say",
        lambda: from_pod(kubectl, granted.namespace, "app", places),
        enough=lambda seen: seen == expected,
        seconds=SETTLED_SECONDS,
        every=1,
    )


def policies(kubectl: Kubectl, namespace: str) -> dict[str, Any]:
    return {
        item["metadata"]["name"]: item["metadata"]["uid"] for item in kubectl.items("networkpolicies", "-n", namespace)
    }


def test_a_policy_that_somebody_removes_is_back_at_once(
    kubectl: Kubectl, granted: Tenant, closed: dict[str, Place]
) -> None:
    before = policies(kubectl, granted.namespace)
    assert set(before) >= {"default", "app"}
    kubectl.run("delete", "networkpolicies", "default", "app", "-n", granted.namespace)
    until(
        "both policies are there again",
        lambda: policies(kubectl, granted.namespace),
        enough=lambda now: set(now) == set(before) and not {before["default"], before["app"]} & set(now.values()),
        seconds=30,
    )
    until(
        "everything is refused again",
        lambda: from_pod(kubectl, granted.namespace, "app", closed),
        enough=lambda seen: set(seen.values()) == {"closed"},
        seconds=SETTLED_SECONDS,
        every=1,
    )


@pytest.mark.thorough
def test_a_grant_of_the_plan_is_taken_back_and_given_again_while_the_pods_run(
    kubectl: Kubectl, granted: Tenant, listeners: None
) -> None:
    plan = kubectl.get("brokerage", granted.name)["spec"]["plan"]

    def grant(outbound: list[dict[str, Any]], state: str) -> None:
        patch = json.dumps({"spec": {"network": {"outbound": outbound}}})
        kubectl.run("patch", "brokerageplan", plan, "--type=merge", "-p", patch)
        until(
            f"the public address is {state}",
            lambda: from_pod(kubectl, granted.namespace, "app", {"public": (PUBLIC, HTTPS)}),
            enough=lambda seen: seen == {"public": state},
            seconds=SETTLED_SECONDS,
            every=1,
        )

    try:
        grant([], "closed")
    finally:
        # Other tests, which may come later, ask of the same brokerage.
        grant(GRANT, "open")
