"""Processes of the operator are made, watched and killed as the torture needs it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import certifi
import pytest
from rooftree_operator.effects import Failpoint

from ..e2e.conftest import until
from .drills import Operators, Process, give_up_lease

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rooftree_operator.adapters.kubernetes import Kubernetes

STARTED_SECONDS = 60
HELD = {"metadata": {"name": "rooftree-operator"}, "spec": {"holderIdentity": "the dead", "leaseTransitions": 7}}


class LeaseOnly:
    """An API server with nothing but a Lease."""

    def __init__(self, lease: dict[str, Any] | None) -> None:
        self.lease = lease
        self.writes = 0

    async def get(self, *_: Any) -> dict[str, Any] | None:
        return self.lease

    async def replace(self, wanted: dict[str, Any]) -> None:
        self.lease, self.writes = wanted, self.writes + 1


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("drills")


@pytest.fixture(scope="module")
def operators(folder: Path) -> Iterator[Operators]:
    # Nobody answers there: it lives, and waits for the Lease.
    cluster = {"name": "nowhere", "cluster": {"server": "http://127.0.0.1:9"}}
    context = {"name": "nowhere", "context": {"cluster": "nowhere", "user": "nobody"}}
    config = {"clusters": [cluster], "contexts": [context], "users": [{"name": "nobody", "user": {"token": "x"}}]}
    (folder / "kubeconfig").write_text(json.dumps({**config, "current-context": "nowhere"}))
    (folder / "network.json").write_text('{"enabled": false}')
    for backend, values in BACKENDS.items():
        (folder / backend).mkdir()
        for name, value in {"user": "u", "password": "p", **values}.items():
            (folder / backend / name).write_text(value)
        (folder / backend / "ca.crt").write_text(Path(certifi.where()).read_text())
    own = {"BACKENDS_DIR": folder, "NETWORK_FILE": folder / "network.json", "DRILL": True, "METRICS_PORT": 0}
    own |= {"EDGE_CA_FILE": certifi.where(), "HEALTH_PORT": 0}
    settings = {f"ROOFTREE_OPERATOR_{name}": str(value) for name, value in own.items()}
    with Operators({**settings, "KUBECONFIG": str(folder / "kubeconfig")}, folder / "log", folder) as made:
        yield made


async def test_an_operator_lives_until_it_is_killed(operators: Operators, folder: Path) -> None:
    process = await operators.start(kube(LeaseOnly(None)), None)
    log = folder / "log"
    until("it asks for the Lease", lambda: "lease_not_acquired" in log.read_text(), seconds=STARTED_SECONDS)
    assert process.lives
    process.kill()
    assert not process.lives


async def test_one_that_cannot_start_is_seen_to_be_dead(operators: Operators, folder: Path) -> None:
    (folder / "network.json").rename(folder / "elsewhere.json")
    try:
        process = await operators.start(kube(LeaseOnly(None)), None)
        until("its end", lambda: not process.lives, seconds=STARTED_SECONDS)
    finally:
        (folder / "elsewhere.json").rename(folder / "network.json")
    assert "network.json" in (folder / "log").read_text()


async def test_the_next_one_takes_the_lease_of_the_dead_at_once_in_a_later_epoch(operators: Operators) -> None:
    cluster = LeaseOnly(HELD)
    first = await operators.start(kube(cluster), Failpoint.parse("kafka.create.topic:after:1=kill"))
    assert cluster.lease == {**HELD, "spec": {"holderIdentity": "", "leaseTransitions": 7}}
    await operators.start(kube(cluster), None)
    assert not first.lives
    operators.stop()


async def test_a_lease_that_nobody_holds_is_left_alone() -> None:
    free = {**HELD, "spec": {**HELD["spec"], "holderIdentity": ""}}
    cluster = LeaseOnly(free)
    await give_up_lease(kube(cluster))
    assert cluster.writes == 0


def test_a_line_that_is_still_being_written_is_not_read(tmp_path: Path) -> None:
    trace = tmp_path / "effects"
    process = Process(2**22 + 1, trace)
    assert (process.lives, process.lines()) == (False, [])
    trace.write_text("sent kafka.create.topic 1\ndone kafka.cre")
    assert process.lines() == ["sent kafka.create.topic 1"]


def kube(cluster: LeaseOnly) -> Kubernetes:
    found: Any = cluster
    return found


BACKENDS = {
    "postgres": {"host": "127.0.0.1", "port": "9", "database": "platform"},
    "kafka": {"bootstrap": "127.0.0.1:9"},
    "elasticsearch": {"url": "https://127.0.0.1:9"},
    "redis": {"host": "127.0.0.1", "port": "9"},
}
