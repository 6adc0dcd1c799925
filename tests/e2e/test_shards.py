"""A second operator for a shard: brokerages with its label are its own, are moved there and back, and lose nothing."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import (
    GONE_SECONDS,
    PLATFORM,
    READY_SECONDS,
    Edge,
    Kubectl,
    Tenant,
    fresh_name,
    inventory,
    manifest,
    until,
    upgrade,
)
from .test_backup import BACKUP_SECONDS, RESTORE_SECONDS, operate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

LABEL = "rooftree.dev/shard"
# The operator that has it hears of the move, ends its pass and says so; the other one hears that.
MOVED_SECONDS = 30
# A round of the resync at the latest, and the pass.
TOLD_SECONDS = 70
# After the last renewal: the Lease's 15 s, a minute, a round.
DESERTED_SECONDS = 150


class Shard:
    """A shard of the chart, with its operator."""

    def __init__(self, kubectl: Kubectl, chart: str) -> None:
        self.kubectl, self._chart = kubectl, chart
        self.name = fresh_name("shard")
        self.operator = f"rooftree-operator-{self.name}"

    def install(self, *shards: str) -> None:
        """Has the chart serve exactly these, besides the default one."""
        upgrade(self._chart, "--reuse-values", "--set-json", f"operator.shards={json.dumps(shards)}")

    def holder(self) -> str:
        lease = self.kubectl.run("get", "lease", self.operator, "-n", PLATFORM, "-o", "json", code=None)
        return "" if lease.returncode else json.loads(lease.stdout)["spec"].get("holderIdentity", "")

    def runs(self) -> None:
        until(f"the operator of {self.name} acts", self.holder, seconds=60)

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Its operator ends in good order, and comes back afterwards."""
        self._scale(0)
        try:
            until(f"the operator of {self.name} has let go", lambda: not self.holder(), seconds=60)
            yield
        finally:
            self._scale(1)
            self.runs()

    def _scale(self, replicas: int) -> None:
        self.kubectl.run("scale", f"deployment/{self.operator}", "-n", PLATFORM, f"--replicas={replicas}")


@pytest.fixture(scope="module")
def shard(kubectl: Kubectl, plans: None, pytestconfig: pytest.Config) -> Iterator[Shard]:
    made = Shard(kubectl, str(pytestconfig.rootpath / "charts" / "rooftree"))
    made.install(made.name)
    made.runs()
    yield made
    made.install()
    kubectl.run("delete", "lease", made.operator, "-n", PLATFORM, "--ignore-not-found")


@pytest.fixture
def made(kubectl: Kubectl, shard: Shard) -> Iterator[Callable[..., str]]:
    """Applies brokerages; they are deleted before the shard's operator is taken away."""
    names: list[str] = []

    def make(label: str = "", **spec: Any) -> str:
        names.append(fresh_name("moved"))
        item = manifest(names[-1], **spec)
        item["metadata"]["labels"] = {LABEL: label} if label else {}
        kubectl.apply(item)
        return names[-1]

    yield make
    kubectl.delete_brokerage(*names)


def move(kubectl: Kubectl, name: str, to: str) -> None:
    kubectl.run("label", "--overwrite", "brokerage", name, f"{LABEL}={to}" if to else f"{LABEL}-")


def had_by(kubectl: Kubectl, name: str) -> str:
    return kubectl.get("brokerage", name).get("status", {}).get("shard", "")


def arrives(kubectl: Kubectl, name: str, at: str) -> None:
    until(
        f"{name} in shard {at!r}",
        lambda: had_by(kubectl, name),
        enough=lambda shard: shard == at,
        seconds=MOVED_SECONDS,
    )


def ids_of(kubectl: Kubectl, tenant: Tenant) -> dict[str, str]:
    """What would be another one if it had been made again."""
    here = ("-n", tenant.namespace)
    found = [kubectl.get("namespace", tenant.namespace), *kubectl.items("deployments,secrets,httproutes", *here)]
    return {f"{one['kind']}/{one['metadata']['name']}": one["metadata"]["uid"] for one in found}


class Visits:
    """Asks a brokerage all the time, and remembers what was not answered well."""

    def __init__(self, tenant: Tenant) -> None:
        self.bad: list[str] = []
        self.count = 0
        self._host, self._ends = tenant.host, threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        edge = Edge()
        while not self._ends.wait(0.05):
            self.count += 1
            try:
                status = edge.get(self._host, "/version").status_code
            except Exception as error:
                self.bad.append(repr(error))
            else:
                self.bad += [] if status == 200 else [str(status)]
        edge.close()

    def __enter__(self) -> Visits:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join(timeout=30)


def said_by(kubectl: Kubectl, name: str) -> set[str]:
    """The pods that have told something of a brokerage."""
    events = kubectl.items("events.events.k8s.io", "-n", "default")
    return {one["reportingInstance"] for one in events if one["regarding"].get("name") == name}


@pytest.mark.thorough
def test_a_brokerage_of_a_shard_is_made_and_deleted_by_its_operator(
    kubectl: Kubectl, shard: Shard, made: Callable[..., str]
) -> None:
    name = made(shard.name)
    tenant = Tenant.of(kubectl.wait_ready(name))
    assert had_by(kubectl, name) == shard.name
    told = said_by(kubectl, name)
    assert told
    assert all(pod.startswith(f"{shard.operator}-") for pod in told)
    kubectl.delete_brokerage(name)
    assert inventory(tenant.id)["items"] == []


def test_a_brokerage_is_moved_there_and_back_while_it_serves(
    kubectl: Kubectl, shard: Shard, made: Callable[..., str]
) -> None:
    name = made()
    tenant = Tenant.of(kubectl.wait_ready(name))
    before = ids_of(kubectl, tenant)
    with Visits(tenant) as visits:
        for to in (shard.name, ""):
            move(kubectl, name, to)
            arrives(kubectl, name, to)
            title = f"In {to or 'the default shard'}"
            change = json.dumps({"spec": {"displayName": title}})
            kubectl.run("patch", "brokerage", name, "--type=merge", "-p", change)
            generation = kubectl.get("brokerage", name)["metadata"]["generation"]
            until(
                "the edit is carried out",
                lambda: kubectl.get("brokerage", name)["status"],
                enough=lambda it, want=generation: (it["observedGeneration"], it["phase"]) == (want, "Ready"),
                seconds=READY_SECONDS,
            )
    assert visits.count > 20
    assert visits.bad == []
    assert ids_of(kubectl, tenant) == before
    assert kubectl.get("brokerage", name)["status"]["tenantID"] == tenant.id


@pytest.mark.thorough
def test_a_brokerage_that_is_moved_while_it_is_made_is_made_once(
    kubectl: Kubectl, shard: Shard, made: Callable[..., str]
) -> None:
    name = made()
    for to in (shard.name, "", shard.name):
        move(kubectl, name, to)
    tenant = Tenant.of(kubectl.wait_ready(name))
    arrives(kubectl, name, shard.name)
    namespaces = kubectl.items("namespaces", "-l", f"rooftree.dev/brokerage={name}")
    assert [one["metadata"]["name"] for one in namespaces] == [tenant.namespace]


@pytest.mark.thorough
def test_a_brokerage_that_is_moved_while_it_is_deleted_leaves_nothing(
    kubectl: Kubectl, shard: Shard, made: Callable[..., str]
) -> None:
    name = made()
    tenant = Tenant.of(kubectl.wait_ready(name))
    kubectl.delete_brokerage(name, wait=False)
    move(kubectl, name, shard.name)
    until(f"{name} to be gone", lambda: not kubectl.exists("brokerage", name), seconds=GONE_SECONDS)
    assert inventory(tenant.id)["items"] == []


@pytest.mark.thorough
def test_an_operation_ends_in_the_shard_where_it_has_begun_and_its_backup_goes_along(
    kubectl: Kubectl, shard: Shard, made: Callable[..., str]
) -> None:
    name = made(shard.name)
    kubectl.wait_ready(name)
    backup, drill = f"{name}-backup", f"{name}-drill"

    def told() -> dict[str, Any]:
        return kubectl.get("brokerageoperation", backup).get("status", {})

    spec = {"brokerage": name, "type": "Backup"}
    kubectl.apply(
        {
            "apiVersion": "rooftree.dev/v1alpha1",
            "kind": "BrokerageOperation",
            "metadata": {"name": backup},
            "spec": spec,
        }
    )
    try:
        until("it has begun", lambda: "startedAt" in told(), seconds=60, every=0.05)
        move(kubectl, name, "")
        until("the brokerage is moved", lambda: had_by(kubectl, name) == "", seconds=BACKUP_SECONDS, every=0.05)
        assert told()["phase"] == "Succeeded", "the brokerage is moved only when it is over"
        operate(kubectl, drill, RESTORE_SECONDS, brokerage=name, type="Drill")
        kubectl.run("delete", "brokeragebackup", backup, "--timeout=60s")
    finally:
        kubectl.run("delete", "brokerageoperation", backup, drill, "--ignore-not-found", "--timeout=60s")


@pytest.mark.thorough
def test_what_a_shard_has_whose_operator_ended_is_taken_over_when_it_is_moved(
    kubectl: Kubectl, shard: Shard, made: Callable[..., str]
) -> None:
    name = made(shard.name)
    tenant = Tenant.of(kubectl.wait_ready(name))
    before = ids_of(kubectl, tenant)
    with shard.stopped():
        move(kubectl, name, "")
        arrives(kubectl, name, "")
        kubectl.run("delete", "networkpolicy", "app", "-n", tenant.namespace)
        policy = ("networkpolicy", "app", "-n", tenant.namespace)
        until("it is repaired", lambda: kubectl.exists(*policy), seconds=MOVED_SECONDS)
        assert ids_of(kubectl, tenant) == before


@pytest.mark.thorough
def test_a_label_that_no_operator_serves_is_told_and_a_brokerage_that_runs_is_kept_up(
    kubectl: Kubectl, shard: Shard, made: Callable[..., str]
) -> None:
    nobody = f"no-{shard.name}"
    running, new = made(), made(nobody)
    tenant = Tenant.of(kubectl.wait_ready(running))
    move(kubectl, running, nobody)
    for name in (running, new):
        until(
            f"{name} says so",
            lambda name=name: kubectl.conditions(name).get("ShardServed", {}).get("reason"),
            enough=lambda reason: reason == "ShardUnserved",
            seconds=TOLD_SECONDS,
        )
    assert kubectl.conditions(running)["Ready"]["status"] == "True"
    assert kubectl.conditions(new)["Ready"]["status"] == "False"
    told = kubectl.run("brokerage", "why", new, code=1).stdout
    assert "ShardServed is False: ShardUnserved" in told
    assert f"kubectl label --overwrite brokerage {new} {LABEL}-" in told
    kubectl.run("delete", "networkpolicy", "app", "-n", tenant.namespace)
    policy = ("networkpolicy", "app", "-n", tenant.namespace)
    until("it is repaired all the same", lambda: kubectl.exists(*policy), seconds=MOVED_SECONDS)
    move(kubectl, new, shard.name)
    kubectl.wait_ready(new)
    assert had_by(kubectl, new) == shard.name
    move(kubectl, running, "")
    until(
        "nothing is said any more",
        lambda: kubectl.conditions(running),
        enough=lambda it: not {"ShardServed", "Stalled"} & it.keys(),
        seconds=MOVED_SECONDS,
    )


@pytest.mark.thorough
def test_brokerages_of_an_operator_that_stays_away_say_so_and_no_longer_when_it_is_back(
    kubectl: Kubectl, shard: Shard, made: Callable[..., str]
) -> None:
    name = made(shard.name)
    kubectl.wait_ready(name)
    with shard.stopped():
        until(
            f"{name} says so",
            lambda: kubectl.conditions(name).get("ShardServed", {}).get("reason"),
            enough=lambda reason: reason == "ShardUnserved",
            seconds=DESERTED_SECONDS,
        )
        assert kubectl.conditions(name)["Ready"]["status"] == "True"
        assert had_by(kubectl, name) == shard.name
    until(
        "nothing is said any more",
        lambda: kubectl.conditions(name),
        enough=lambda it: not {"ShardServed", "Stalled"} & it.keys(),
        seconds=MOVED_SECONDS,
    )
