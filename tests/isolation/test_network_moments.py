"""No moment is open: while a tenant comes and goes, its pods are looked at from their very first second, both ways.

A watcher sees each new network namespace before anything runs in it, listens in it, and tries from it all the time;
neighbours try to get in. A policy that comes late, or goes early, leaves a sample that was open.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from ..e2e.conftest import Kubectl, fresh_name, manifest, until
from .inside import Place, addresses, enter, folder, namespace_of, open_places
from .test_network import AREA, FEED, NODE, like_the_app, pod_address

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .cells import Matrix
    from .conftest import Family

pytestmark = [pytest.mark.isolation, pytest.mark.timeout(400, func_only=True)]

DOOR = 7777  # a listener of the test's own in the new pod
# In a namespace without policies of its own. kube-router learns of a pod by its status, up to a second after it was
# made; until then nothing keeps a stranger off, and the app, which listens later, is what is looked at.
STRANGER = "a stranger"
LOOK_SECONDS = 0.15
EVERY = 0.002
FIRST_SECOND = 20  # samples at least, of each new pod
SEEN_SECONDS = 60


@dataclass
class Watched:
    """One new pod. `opened`: what was reached, with the seconds after its namespace came to be."""

    name: str
    born: float
    address: str = ""
    samples: int = 0
    first_second: int = 0
    opened: list[tuple[str, float]] = field(default_factory=list)

    def note(self, seen: set[str], asked: int) -> None:
        age = time.monotonic() - self.born
        self.samples += asked
        self.first_second += asked if age < 1 + LOOK_SECONDS else 0
        self.opened += [(name, round(age, 3)) for name in sorted(seen)]


class Watcher:
    """Follows every pod that is made while it runs."""

    def __init__(self, outward: dict[str, Place], neighbours: dict[str, Path]) -> None:
        self._outward = outward
        self._neighbours = neighbours
        self._folder = folder()
        self._known = set(os.listdir(self._folder))
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self.pods: list[Watched] = []
        self.failed: list[Exception] = []  # who does not look sees nothing open

    def __enter__(self) -> Watcher:
        self._start(self._look)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        def run() -> None:
            try:
                work(*arguments)
            except Exception as error:
                self.failed.append(error)

        thread = threading.Thread(target=run)
        self._threads.append(thread)
        thread.start()

    def _look(self) -> None:
        while not self._stop.is_set():
            for name in set(os.listdir(self._folder)) - self._known:
                self._known.add(name)
                pod = Watched(name, time.monotonic())
                self.pods.append(pod)
                self._start(self._from_within, pod)
            self._stop.wait(EVERY)

    def _from_within(self, pod: Watched) -> None:
        self._enter(self._folder / pod.name)
        with socket.socket() as door:
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            door.bind(("0.0.0.0", DOOR))
            door.listen(256)
            while not self._stop.is_set() and (self._folder / pod.name).exists():
                if not pod.address and (found := addresses()):
                    (pod.address,) = found
                    for neighbour, namespace in self._neighbours.items():
                        self._start(self._from_outside, pod, neighbour, namespace)
                pod.note(open_places(self._outward, LOOK_SECONDS), len(self._outward))
                self._stop.wait(EVERY)

    def _enter(self, path: Path) -> None:
        """The file is there a moment before the namespace is."""
        while not self._stop.is_set():
            with suppress(OSError):
                enter(path)
                return

    def _from_outside(self, pod: Watched, neighbour: str, namespace: Path) -> None:
        enter(namespace)
        inward = {f"{neighbour} → its app": (pod.address, 8080)}
        if neighbour != STRANGER:
            inward[f"{neighbour} → the new pod"] = (pod.address, DOOR)
        while not self._stop.is_set() and (self._folder / pod.name).exists():
            pod.note(open_places(inward, LOOK_SECONDS), len(inward))
            self._stop.wait(EVERY)


def watcher(kubectl: Kubectl, family: Family) -> Watcher:
    app = pod_address(kubectl, family.plain.tenant.namespace, "app")
    service = kubectl.get("service", "app", "-n", family.plain.tenant.namespace)["spec"]["clusterIP"]
    outward = {
        "neighbour's app": (app, 8080),
        "neighbour's service": (service, 8080),
        "neighbour's metrics": (app, 9464),
        "apiserver": (NODE, 6443),
        "apiserver's service": ("10.96.0.1", 443),
        "kubelet": (NODE, 10250),
        "edge": (NODE, 8443),
        "prometheus": (NODE, 9090),
        "operator's metrics": (pod_address(kubectl, "rooftree-system", "rooftree-operator"), 8081),
    }
    neighbours = {
        "a neighbour": namespace_of(app),
        STRANGER: namespace_of(pod_address(kubectl, FEED, FEED)),
    }
    return Watcher(outward, neighbours)


# Serves nothing, but where the app would.
LISTENS = "import http.server as h; h.HTTPServer(('', 8080), h.BaseHTTPRequestHandler).serve_forever()"


def test_a_pod_that_is_open_is_seen_so(matrix: Matrix, kubectl: Kubectl, family: Family) -> None:
    """In a namespace without policies: a watcher that saw nothing there would prove nothing elsewhere."""
    name = fresh_name("open")
    kubectl.run("create", "namespace", name)
    open_ = {"apiserver", "apiserver's service", "kubelet", "edge", "prometheus", f"{STRANGER} → its app"}
    try:
        account = ("serviceaccount", "default", "-n", name)
        until("pods may be made in it", lambda: kubectl.exists(*account), seconds=SEEN_SECONDS)
        with watcher(kubectl, family) as watching:
            kubectl.apply(like_the_app(kubectl, family.west.tenant, {"name": "open", "namespace": name}, LISTENS))
            until("it is open", lambda: _opened(watching), enough=lambda seen: open_ <= set(seen), seconds=SEEN_SECONDS)
    finally:
        kubectl.run("delete", "namespace", name)
    assert watching.failed == []
    for what in open_:
        matrix.control(AREA, f"an open pod: {what}", what in _opened(watching))


def _opened(watching: Watcher) -> dict[str, float]:
    """What was reached of or by any new pod, with the age of the pod when it was first."""
    found: dict[str, float] = {}
    for pod in watching.pods:
        for what, age in list(pod.opened):
            found[what] = min(age, found.get(what, age))
    return found


def test_a_tenant_that_comes_and_goes_is_never_open(matrix: Matrix, kubectl: Kubectl, family: Family) -> None:
    name = fresh_name("coming")
    with watcher(kubectl, family) as watching:
        try:
            kubectl.apply(manifest(name))
            kubectl.wait_ready(name)
        finally:
            kubectl.delete_brokerage(name)
    assert watching.pods
    assert watching.failed == []
    for pod in watching.pods:
        assert pod.first_second >= FIRST_SECOND, pod
        for what, age in pod.opened:
            matrix.tried(AREA, f"a pod {age} s old: {what}", accepted=True)
        for _ in range(pod.samples - len(pod.opened)):
            matrix.tried(AREA, "a sample while a tenant came and went", accepted=False)
    assert matrix.red() == []
