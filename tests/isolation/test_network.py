"""Who reaches whom: pod by pod by port against the committed table `truth.yaml`, and at no moment otherwise.

Everything is measured in the pods' own network namespaces, and looked at from the node first: something listens there.
"""

from __future__ import annotations

import functools
import socket
import subprocess
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from ..e2e.conftest import until
from .conftest import PLATFORM
from .inside import Place, namespace_of, open_places, within

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..e2e.conftest import Kubectl, Tenant
    from .cells import Matrix
    from .conftest import Family

pytestmark = [pytest.mark.isolation, pytest.mark.e2e, pytest.mark.timeout(400, func_only=True)]

AREA = "network"
NODE = "10.200.0.1"
FEED = "mls-feed"
ACTIVATOR = "rooftree-activator"
TRUTH: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "truth.yaml").read_text())
# On the stack's own loopback meanwhile: nothing leaves the stack.
LENT = ("93.184.216.34", "169.254.169.254")
PROBE = "isolation-probe"
# Any address, the node's, and the node's on the pods' bridge, as /proc/net writes them.
REACHABLE = ("00000000", "0100C80A", "0100F40A")


def pod_address(kubectl: Kubectl, namespace: str, name: str) -> str:
    """Of the oldest that stays: under load there may be a second one, which comes without an address and goes first."""
    pods = kubectl.items("pods", "-n", namespace, "-l", f"app.kubernetes.io/name={name}")
    staying = [p for p in pods if "deletionTimestamp" not in p["metadata"] and "podIP" in p["status"]]
    return min(staying, key=lambda p: p["metadata"]["creationTimestamp"])["status"]["podIP"]


def service_address(kubectl: Kubectl, namespace: str, name: str) -> str:
    return kubectl.get("service", name, "-n", namespace)["spec"]["clusterIP"]


@pytest.fixture(scope="module")
def listeners() -> Iterator[None]:
    """Servers of the test's own at addresses that are the internet's and a cloud's."""
    with ExitStack() as stack:
        for address in LENT:
            subprocess.run(["ip", "address", "replace", f"{address}/32", "dev", "lo"], check=True)
            stack.callback(subprocess.run, ["ip", "address", "del", f"{address}/32", "dev", "lo"], check=True)
        for place in TRUTH["destinations"].values():
            if place[0] in LENT:
                stack.enter_context(socket.create_server(tuple(place), backlog=256))
        yield


def listening() -> dict[str, Place]:
    """Every TCP port of the node that something listens on and that pods could aim at, by its own name."""
    found = set()
    for file in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{file}").read_text().splitlines()[1:]:
            local, state = line.split()[1], line.split()[3]
            address, port = local.split(":")
            if state == "0A" and address[-8:] in REACHABLE:  # listening
                found.add(int(port, 16))
    named = {place[1] for place in TRUTH["destinations"].values() if place[0] == NODE}
    return {f"node's port {port}": (NODE, port) for port in sorted(found - named)}


def beside_the_operator(kubectl: Kubectl, neighbour: Tenant, other: Tenant) -> dict[str, Place]:
    """All lines of the table except the operator's own doors."""
    app, second = (pod_address(kubectl, tenant.namespace, "app") for tenant in (neighbour, other))
    activator = pod_address(kubectl, PLATFORM, ACTIVATOR)
    fixed = {name: (str(place[0]), int(place[1])) for name, place in TRUTH["destinations"].items()}
    return {
        **fixed,
        **listening(),
        "feed's service": (service_address(kubectl, FEED, FEED), 8080),
        "feed's pod": (pod_address(kubectl, FEED, FEED), 8080),
        "neighbour's app": (app, 8080),
        "neighbour's metrics": (app, 9464),
        "neighbour's service": (service_address(kubectl, neighbour.namespace, "app"), 8080),
        "the other neighbour's app": (second, 8080),
        "the other neighbour's service": (service_address(kubectl, other.namespace, "app"), 8080),
        "page for unknown hosts": (service_address(kubectl, PLATFORM, "unknown-host"), 8080),
        "activator": (service_address(kubectl, PLATFORM, ACTIVATOR), 8080),
        "activator's metrics": (activator, 8081),
    }


def destinations(kubectl: Kubectl, neighbour: Tenant, other: Tenant) -> dict[str, Place]:
    """All lines of the table."""
    operator = pod_address(kubectl, PLATFORM, "rooftree-operator")
    own = {"operator's health": (operator, 8080), "operator's metrics": (operator, 8081)}
    return {**beside_the_operator(kubectl, neighbour, other), **own}


def like_the_app(kubectl: Kubectl, tenant: Tenant, metadata: dict[str, str], code: str) -> dict[str, Any]:
    """A pod that has the image and the restrictions of a tenant's app, and runs this instead."""
    app = kubectl.items("pods", "-n", tenant.namespace, "-l", "app.kubernetes.io/name=app")[0]["spec"]
    container = {key: app["containers"][0][key] for key in ("image", "securityContext", "resources")}
    spec = {
        "automountServiceAccountToken": False,
        "securityContext": app["securityContext"],
        "terminationGracePeriodSeconds": 1,
        "containers": [{**container, "name": "probe", "command": ["python", "-c", code]}],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


@pytest.fixture(scope="module")
def probe(kubectl: Kubectl, family: Family) -> Iterator[str]:
    """The address of a pod in a tenant's namespace that is not the app's."""
    tenant = family.west.tenant
    pod = (f"pod/{PROBE}", "-n", tenant.namespace)
    metadata = {"name": PROBE, "namespace": tenant.namespace}
    kubectl.apply(like_the_app(kubectl, tenant, metadata, "import time; time.sleep(900)"))
    kubectl.run("wait", *pod, "--for=condition=Ready", "--timeout=110s")
    yield kubectl.get(*pod)["status"]["podIP"]
    kubectl.run("delete", *pod)


def judge(matrix: Matrix, source: str, seen: set[str], places: dict[str, Place], allowed: set[str]) -> None:
    """A cell for each place that must be closed; what must be open is a control."""
    for name, place in places.items():
        if name in allowed:
            matrix.control(AREA, f"{source} → {name}", name in seen, place)
        else:
            matrix.tried(AREA, f"{source} → {name} {place}", accepted=name in seen)


def look(address: str, places: dict[str, Place]) -> set[str]:
    """What the pod with this address reaches."""
    return within(namespace_of(address), lambda: open_places(places))


@pytest.mark.usefixtures("listeners")
def test_everything_that_must_be_closed_is_there_and_open_to_the_node(kubectl: Kubectl, family: Family) -> None:
    places = destinations(kubectl, family.double.tenant, family.inner.tenant)
    seen = open_places(places)
    assert set(places) - seen == set()
    assert {name for names in TRUTH["open"].values() for name in names} <= set(places)
    assert set(TRUTH["guarded"]) <= set(places)


@pytest.mark.usefixtures("listeners")
def test_pods_reach_what_the_table_says_and_nothing_else(
    matrix: Matrix, kubectl: Kubectl, family: Family, probe: str
) -> None:
    places = destinations(kubectl, family.double.tenant, family.inner.tenant)
    sources = {
        "app": pod_address(kubectl, family.west.tenant.namespace, "app"),
        "app with a feed": pod_address(kubectl, family.plain.tenant.namespace, "app"),
        "other pod of a tenant": probe,
        "operator": pod_address(kubectl, PLATFORM, "rooftree-operator"),
        "unknown-host": pod_address(kubectl, PLATFORM, "unknown-host"),
        "activator": pod_address(kubectl, PLATFORM, ACTIVATOR),
    }
    assert set(sources) == set(TRUTH["open"])
    for source, address in sources.items():
        # One's own doors are no neighbour's.
        others = {name: place for name, place in places.items() if place[0] != address}
        others.pop({"unknown-host": "page for unknown hosts", "activator": "activator"}.get(source, ""), None)
        judge(matrix, source, look(address, others), others, set(TRUTH["open"][source]))
    assert matrix.red() == []


def test_a_stranger_without_policies_finds_the_doors_closed(matrix: Matrix, kubectl: Kubectl, family: Family) -> None:
    every = destinations(kubectl, family.double.tenant, family.inner.tenant)
    places = {name: every[name] for name in TRUTH["guarded"]}
    stranger = pod_address(kubectl, FEED, FEED)
    judge(matrix, "a stranger", look(stranger, places), places, set())
    assert matrix.red() == []


def test_each_member_of_the_family_is_closed_to_each_other(matrix: Matrix, kubectl: Kubectl, family: Family) -> None:
    """Names that look alike make no label that fits."""
    for attacker, victim in family.pairs():
        app = pod_address(kubectl, victim.tenant.namespace, "app")
        places = {
            "app": (app, 8080),
            "metrics": (app, 9464),
            "service": (service_address(kubectl, victim.tenant.namespace, "app"), 8080),
        }
        seen = look(pod_address(kubectl, attacker.tenant.namespace, "app"), places)
        judge(matrix, f"{attacker.id} → {victim.id}", seen, places, set())
    assert matrix.red() == []


def test_datagrams_and_pings_do_not_pass_either(matrix: Matrix, kubectl: Kubectl, family: Family) -> None:
    for attacker, victim in family.pairs():
        to = pod_address(kubectl, victim.tenant.namespace, "app")
        source = namespace_of(pod_address(kubectl, attacker.tenant.namespace, "app"))
        heard = within(source, functools.partial(_says, to))
        matrix.tried(AREA, f"UDP {attacker.id} → {victim.id}", accepted=heard)
        answered = within(source, functools.partial(_pings, to))
        matrix.tried(AREA, f"ping {attacker.id} → {victim.id}", accepted=answered)
        heard = until("a datagram and a ping from the node", lambda to=to: _says(to) and _pings(to), seconds=10)
        matrix.control(AREA, "UDP and ping from the node", heard)
    assert matrix.red() == []


def _says(address: str) -> bool:
    """Whether a datagram of this thread's is heard in the pod with this address."""
    with within(namespace_of(address), functools.partial(_ear, address)) as ear:
        _send(address, ear.getsockname()[1])
        return _heard(ear)


def _pings(address: str) -> bool:
    """Whether an echo request of this thread's is answered."""
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as echo, suppress(OSError):
        echo.settimeout(0.5)
        # Type 8, code 0, and the checksum of a message that has nothing else in it.
        echo.sendto(bytes([8, 0, 0xF7, 0xFF, 0, 0, 0, 0]), (address, 0))
        while True:
            answer, (sender, _) = echo.recvfrom(1024)
            if sender == address and answer[20] == 0:
                return True
    return False


def _ear(address: str) -> socket.socket:
    """Listens in the namespace where it was made, whoever reads it."""
    ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ear.bind((address, 0))
    ear.settimeout(0.3)
    return ear


def _send(address: str, port: int) -> None:
    # A firewall that rejects tells the sender so.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mouth, suppress(ConnectionRefusedError, PermissionError):
        for _ in range(3):
            mouth.sendto(b"x", (address, port))


def _heard(ear: socket.socket) -> bool:
    try:
        return bool(ear.recv(16))
    except TimeoutError:
        return False
