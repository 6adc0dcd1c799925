"""The acting operator stopped, as a node that hangs would stop it: the other one takes over, and what wakes up does
nothing of what it was about to do."""

from __future__ import annotations

import json
import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rooftree_local.kubectl import is_ready

from ..conftest import GONE_SECONDS, READY_SECONDS, Database, Tenant, fresh_name, manifest, required, until
from ..test_rights import OPERATOR, PLATFORM
from .test_replicas import app_process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..conftest import Kubectl

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600, func_only=True)]
NAME = "rooftree-operator"
# Longer than anybody waits for the Lease, and shorter than the kubelet lets a probe fail.
STOPPED_SECONDS = 35.0
TAKEOVER_SECONDS = 20.0
ENDED_SECONDS = 20.0  # in which the one that wakes up notices, ends, and is started again
TENANTS = 3
GONE = {"deletionTimestamp": ""}
READS = {"get", "list", "watch"}


class Operators:
    """The replicas of an operator, by the name of its Deployment and Lease, seen from beside them."""

    def __init__(self, kubectl: Kubectl, name: str = NAME) -> None:
        self._kubectl, self.name = kubectl, name

    def scale(self, replicas: int) -> None:
        self._kubectl.run("scale", f"deployment/{self.name}", "-n", PLATFORM, f"--replicas={replicas}")
        until(f"{replicas} operators", self.ready, seconds=READY_SECONDS, enough=lambda it: len(it) == replicas)

    def replicas(self) -> int:
        return self._kubectl.get("deployment", self.name, "-n", PLATFORM)["spec"]["replicas"]

    def ready(self) -> dict[str, dict[str, Any]]:
        """Pods that are, by name."""
        pods = self._kubectl.items("pods", "-n", PLATFORM, "-l", f"app.kubernetes.io/name={self.name}")
        return {pod["metadata"]["name"]: pod for pod in pods if is_ready(pod)}

    def lease(self) -> tuple[str, int]:
        """Who acts, in which epoch."""
        spec = self._kubectl.get("lease", self.name, "-n", PLATFORM)["spec"]
        return spec.get("holderIdentity", ""), spec["leaseTransitions"]

    def acting(self) -> tuple[str, int]:
        """The same, once it is one of those that are there."""
        return until("an operator that acts", self.lease, seconds=60, enough=lambda it: it[0] in self.ready())

    def restarts(self, pod: str) -> int:
        found = self._kubectl.get("pod", pod, "-n", PLATFORM)["status"]["containerStatuses"]
        return sum(one["restartCount"] for one in found)


@dataclass
class Stopped:
    """The one that acted, by SIGSTOP. Moments are Unix seconds, as the API server's log has them."""

    operators: Operators
    name: str
    epoch: int
    process: int
    restarts: int
    at: float
    woken: float = 0.0

    @classmethod
    def now(cls, operators: Operators) -> Stopped:
        name, epoch = operators.lease()
        process = app_process(operators.ready()[name]["metadata"]["uid"], b"rooftree_operator")
        restarts = operators.restarts(name)
        os.kill(process, signal.SIGSTOP)
        return cls(operators, name, epoch, process, restarts, time.time())

    def followed(self) -> float:
        """Seconds until another one acts."""
        holder, epoch = until(
            "another operator to act", self.operators.lease, seconds=60, enough=lambda it: it[1] > self.epoch, every=0.1
        )
        assert holder != self.name
        assert epoch == self.epoch + 1
        return time.time() - self.at

    def wake(self) -> None:
        """After its time; returns when it has ended and is back as a candidate."""
        until("the time to pass", lambda: time.time() >= self.at + STOPPED_SECONDS, seconds=STOPPED_SECONDS + 5)
        self.woken = time.time()
        os.kill(self.process, signal.SIGCONT)
        until(
            f"the end of {self.name}",
            lambda: self.operators.restarts(self.name),
            seconds=ENDED_SECONDS,
            enough=lambda count: count > self.restarts,
        )

    def let_go(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.process, signal.SIGCONT)

    def writes(self, since: float, until_: float) -> list[str]:
        """What it asked the API server to change between two moments."""
        found: list[str] = []
        folder = Path(required("ROOFTREE_CA_FILE")).parents[1] / "logs"
        for file in sorted(folder.glob("audit*.log")):
            for event in (json.loads(line) for line in file.read_text().splitlines() if OPERATOR in line):
                pods = event["user"].get("extra", {}).get("authentication.kubernetes.io/pod-name", [])
                moment = datetime.fromisoformat(event["requestReceivedTimestamp"].replace("Z", "+00:00")).timestamp()
                if self.name in pods and since <= moment < until_ and event["verb"] not in READS:
                    found.append(f"{datetime.fromtimestamp(moment, UTC):%T.%f} {event['verb']} {event['requestURI']}")
        return found


@pytest.fixture(scope="module")
def operators(kubectl: Kubectl, plans: None) -> Iterator[Operators]:
    found = Operators(kubectl)
    before = found.replicas()
    found.scale(2)
    yield found
    found.scale(before)


@pytest.fixture
def names(kubectl: Kubectl) -> Iterator[list[str]]:
    chosen = [fresh_name("over") for _ in range(TENANTS)]
    yield chosen
    kubectl.delete_brokerage(*chosen)


@pytest.fixture
def stop(operators: Operators) -> Iterator[Callable[[], Stopped]]:
    made: list[Stopped] = []

    def now() -> Stopped:
        made.append(Stopped.now(operators))
        return made[-1]

    yield now
    for one in made:
        one.let_go()
    until("both operators", operators.ready, seconds=READY_SECONDS, enough=lambda it: len(it) == 2)


def all_ready(kubectl: Kubectl, names: list[str]) -> list[Tenant]:
    return [Tenant.of(kubectl.wait_ready(name)) for name in names]


def sessions_of(superuser: Database, epoch: int, name: str = NAME) -> int:
    row = superuser.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", (f"{name}/{epoch}",)
    ).fetchone()
    return row[0] if row else 0


def test_brokerages_that_are_being_made_are_finished_by_the_other_operator(
    kubectl: Kubectl,
    operators: Operators,
    names: list[str],
    stop: Callable[[], Stopped],
    superuser: Database,
    figure: Callable[..., None],
) -> None:
    operators.acting()
    began = time.time()
    kubectl.apply(*(manifest(name) for name in names))
    until(
        "ids",
        lambda: [kubectl.get("brokerage", name).get("status", {}).get("tenantID") for name in names],
        seconds=60,
        enough=any,
        every=0.05,
    )
    stopped = stop()
    takeover = stopped.followed()
    all_ready(kubectl, names)
    finished = time.time() - stopped.at
    stopped.wake()
    assert stopped.writes(began, stopped.at), "it had been at it"
    effects = stopped.writes(stopped.woken, time.time())
    figure(
        "operator stopped while it makes brokerages",
        takeover_seconds=round(takeover, 2),
        ready_seconds=round(finished, 2),
        stale_effects=len(effects),
    )
    assert takeover <= TAKEOVER_SECONDS
    assert effects == []
    assert sessions_of(superuser, stopped.epoch) == 0
    all_ready(kubectl, names)


def test_brokerages_that_are_being_deleted_go_and_their_namesakes_lose_nothing_when_it_wakes_up(
    kubectl: Kubectl,
    operators: Operators,
    names: list[str],
    stop: Callable[[], Stopped],
    superuser: Database,
    figure: Callable[..., None],
) -> None:
    operators.acting()
    kubectl.apply(*(manifest(name) for name in names))
    old = all_ready(kubectl, names)
    began = time.time()
    kubectl.delete_brokerage(*names, wait=False)
    until(
        "a deletion that has begun",
        lambda: {space["metadata"]["name"]: space["metadata"] for space in kubectl.items("namespaces")},
        seconds=60,
        enough=lambda spaces: any("deletionTimestamp" in spaces.get(one.namespace, GONE) for one in old),
        every=0.05,
    )
    stopped = stop()
    takeover = stopped.followed()
    for name in names:
        until(f"{name} to be gone", lambda name=name: not kubectl.exists("brokerage", name), seconds=GONE_SECONDS)
    kubectl.apply(*(manifest(name) for name in names))
    new = all_ready(kubectl, names)
    stopped.wake()
    assert stopped.writes(began, stopped.at), "it had been at it"
    effects = stopped.writes(stopped.woken, time.time())
    figure(
        "operator stopped while it deletes brokerages",
        takeover_seconds=round(takeover, 2),
        stale_effects=len(effects),
    )
    assert takeover <= TAKEOVER_SECONDS
    assert effects == []
    assert sessions_of(superuser, stopped.epoch) == 0
    there = {row[0] for row in superuser.execute("SELECT datname FROM pg_database").fetchall()}
    assert {one.database for one in new} <= there
    assert not {one.database for one in old} & there
    all_ready(kubectl, names)
    for name in names:
        assert all(one["status"] == "True" for kind, one in kubectl.conditions(name).items() if kind.endswith("Ready"))
