"""A new operator over unchanged brokerages changes nothing in any system; what happened while none ran it notices."""

import asyncio
import json
import os
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rooftree_operator import generations, names, rotation, scram
from rooftree_operator.adapters.kubernetes import BROKERAGE, SECRET
from rooftree_operator.conditions import met
from rooftree_operator.errors import Unavailable
from rooftree_operator.names import TenantId
from rooftree_operator.proofs import is_thorough
from rooftree_operator.secret_objects import decoded
from rooftree_operator.settings import Settings
from rooftree_operator.workqueue import WorkQueue

from .fakes.faults import Died
from .running import operator
from .test_plans import TENANT
from .world import World, brokerage, plan

BILLING = {"reason": "billing"}
LARGE = {"replicas": {"min": 2, "max": 3}, "database": {"connections": 60}}
# By name, what somebody declared; each rests in another way.
FLEET: dict[str, dict[str, Any]] = {
    "acme": {},
    "birch": {"plan": "large", "topology": "microservices"},
    "cedar": {"suspend": BILLING},
    "dune": {},  # its credentials are rotated
    "elm": {"pause": "Changes"},
    "fir": {"managementPolicy": "Observe"},
    "grove": {"plan": "nonsuch"},  # it cannot be made
    "heath": {"pause": "Everything"},
    "isle": {},  # it came back by its tenant id
}


LATER = ("cedar", "elm", "fir", "heath")  # those that ran before that was declared


async def fleet() -> World:
    """Brokerages at rest, one that was deleted and kept, and spares."""
    world = World()
    await world.release("1.0.0")
    world.kube.put(plan("starter", warm=2))
    world.kube.put(plan("large", **LARGE))
    await world.fill()
    for name in (*FLEET, "kept"):
        made = {} if name in LATER else FLEET.get(name, {})
        world.kube.put(brokerage(name, **made))
        await world.converge(name)
        await world.fill()
    for name in LATER:
        await change(world, name, **FLEET[name])
    for name in ("isle", "kept"):
        world.retire(name)
        await world.converge(name)
    world.kube.put(brokerage("isle", tenantID=f"{only_kept(world, 'isle')}"))
    await world.converge("isle")
    item = world.kube.find(BROKERAGE, "dune")
    assert item is not None
    world.kube.put({**item, "metadata": {**item["metadata"], "annotations": {rotation.ANNOTATION: "1"}}})
    for _ in range(4):
        await world.converge("dune")
        world.later += generations.SIGNED_LIFE
    await world.fill()
    return world


async def change(world: World, name: str, **declared: Any) -> None:
    item = world.kube.find(BROKERAGE, name)
    assert item is not None
    world.kube.put({**item, "spec": {**item["spec"], **declared}})
    await world.converge(name)


def only_kept(world: World, slug: str) -> TenantId:
    (row,) = [row for row in world.registry.rows.values() if row.slug == slug and row.state == "kept"]
    return row.id


def phases(world: World) -> dict[str, str]:
    return {name: world.status(name).get("phase", "") for name in FLEET}


AT_REST = {
    "acme": "Ready",
    "birch": "Ready",
    "cedar": "Suspended",
    "dune": "Ready",
    "elm": "Ready",
    "fir": "Ready",
    "grove": "Pending",
    "heath": "Paused",
    "isle": "Ready",
}


class Started:
    """A new process's operator over the same systems, and its clock."""

    def __init__(self, world: World) -> None:
        self.now = 0.0
        world.reconciler = world.restarted()
        self._running = operator(world, queue=WorkQueue(lambda: self.now))
        self._running.settings = Settings()

    async def round(self) -> set[str]:
        """A round, and a pass over all that is due by then; returns the keys."""
        passed, queue = set[str](), self._running.queue
        await self._running._round()
        while (key := queue.pop()) is not None:
            result = await self._running._pass(key)
            assert not result.failed, key
            passed.add(key)
            self._running._settle(key, result)
        self.now += 2 * self._running.settings.resync_seconds
        return passed


async def test_a_restart_over_unchanged_brokerages_changes_nothing_in_any_system() -> None:
    world = await fleet()
    assert phases(world) == AT_REST
    before, running = world.inventory(), Started(world)
    world.forget_writes()
    everything = {f"tenant/{name}" for name in FLEET} | {"release/1.0.0", "pool/starter"}
    for _ in range(2):
        passed = await running.round()
        assert passed >= everything
        assert any(key.startswith("kept/kept-") for key in passed)
        assert world.writes() == []
    assert phases(world) == AT_REST
    assert world.inventory() == before


async def test_each_login_is_tried_once_after_a_restart() -> None:
    world = await fleet()
    running = Started(world)
    world.elasticsearch.logins.clear()
    looked_after = [name for name in FLEET if name not in ("fir", "grove", "heath")]
    logins = sorted(generation_in_use(world, name) for name in looked_after)
    for _ in range(2):
        await running.round()
        for backend in (world.kafka, world.elasticsearch, world.redis, world.s3):
            assert sorted(backend.logins) == logins


def generation_in_use(world: World, name: str) -> str:
    """The tenant's login in a backend."""
    return names.user(world.tenant(name), names.Slot.B if name == "dune" else names.Slot.A)


# What a process has of its own; the rest is what the systems keep.
LINKS = {"gate", "faults", "_postgres", "_now", "_spares", "_kube"}


def systems(world: World) -> list[Any]:
    return [
        world.kube,
        world.postgres,
        world.kafka,
        world.elasticsearch,
        world.redis,
        world.s3,
        world.spares,
        world.registry,
        world.edge,
    ]


def frozen(world: World) -> bytes:
    kept = [{name: value for name, value in vars(one).items() if name not in LINKS} for one in systems(world)]
    return pickle.dumps((world.later, world.heads, kept))


async def successor(state: bytes) -> list[str]:
    """What an operator changes that finds the systems so."""
    world = World()
    world.later, world.heads, kept = pickle.loads(state)
    for one, values in zip(systems(world), kept, strict=True):
        vars(one).update(values)
    world.forget_writes()
    await Started(world).round()
    return world.writes()


async def test_nothing_that_is_declared_hangs_on_the_process_that_declares_it(tmp_path: Path) -> None:
    world, state = await fleet(), tmp_path / "state"
    state.write_bytes(frozen(world))
    # Python walks sets in another order in each process.
    program = (
        "import asyncio, json, pathlib, sys; from operator_tests.test_restart import successor; "
        "print(json.dumps(asyncio.run(successor(pathlib.Path(sys.argv[1]).read_bytes()))))"
    )
    path = os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-W", "ignore", "-c", program, str(state)]
        ran = await asyncio.to_thread(
            subprocess.run, command, env=environment, capture_output=True, text=True, check=True
        )
        assert json.loads(ran.stdout.splitlines()[-1]) == []


ID = "acme-00000001"
USER, TOPIC = f"{ID}.app", f"{ID}.events"


async def acme() -> World:
    world = World()
    await world.release("1.0.0")
    world.kube.put(brokerage("acme"))
    await world.converge("acme")
    return world


async def restarted(world: World) -> list[str]:
    """A new process until it has nothing more to do; returns what it changed."""
    world.reconciler = world.restarted()
    world.forget_writes()
    await world.converge("acme")
    return world.writes()


async def test_a_login_that_does_not_work_any_more_is_found_by_a_new_operator_though_everything_looks_as_ever() -> None:
    world = await acme()
    secrets = decoded(world.child("acme", SECRET, "app"))
    known = world.kafka.credentials[USER].iterations
    world.kafka.credentials[USER] = replace(scram.salted("somebody's"), iterations=known)
    world.elasticsearch.passwords[USER] = "somebody's"
    assert f"probe {TOPIC}" in await restarted(world)
    assert world.kafka.lets_in(USER, secrets["kafka_password"])
    assert world.elasticsearch.lets_in(USER, secrets["elasticsearch_password"])
    assert await restarted(world) == []


async def test_what_was_not_in_place_before_the_restart_is_tried_thoroughly() -> None:
    world = World()
    await world.release("1.0.0")
    world.kube.put(brokerage("acme"))
    for backend in ("kafka", "elasticsearch", "redis", "s3"):
        getattr(world, backend).probe = broken
    await world.converge("acme")
    for backend in ("kafka", "elasticsearch", "redis", "s3"):
        del getattr(world, backend).probe
    probes = sorted(write for write in await restarted(world) if "probe" in write)
    assert probes == [f"probe {ID}.events", f"probe {ID}.probe", f"probe {ID}/rooftree/probe"]
    assert world.elasticsearch.logins == [USER]
    assert world.status("acme")["phase"] == "Ready"
    assert await restarted(world) == []


async def broken(*_: Any, **__: Any) -> None:
    """The process dies before it has tried anything."""
    raise Unavailable("Injected", "no answer")


@pytest.mark.parametrize("backend", ["kafka", "elasticsearch", "redis", "s3"])
async def test_a_process_that_dies_between_a_repair_and_its_proof_has_a_successor_that_gets_in(backend: str) -> None:
    world = await acme()
    before, system = world.inventory(), getattr(world, backend)
    {
        "kafka": world.kafka.credentials.clear,
        "elasticsearch": world.elasticsearch.users.clear,
        "redis": world.redis.users.clear,
        "s3": world.s3.accounts.clear,
    }[backend]()
    system.probe = dies
    with pytest.raises(BaseExceptionGroup) as death:
        await world.reconciler.reconcile("acme")
    assert death.group_contains(Died)
    del system.probe
    system.logins.clear()
    assert await restarted(world) == []
    assert system.logins == [USER]
    assert world.inventory() == before


async def dies(*_: Any, **__: Any) -> None:
    raise Died


@pytest.mark.parametrize(
    ("met", "changes", "thorough"),
    [((), (), True), (("TopicsReady",), (), False), (("TopicsReady",), ("SetQuotas",), True), (("Ready",), (), True)],
)
def test_a_look_is_thorough_if_anything_changes_or_the_condition_was_not_true(
    met: tuple[str, ...], changes: tuple[str, ...], thorough: bool
) -> None:
    assert is_thorough(replace(TENANT, met=frozenset(met)), "TopicsReady", changes) is thorough


def test_a_condition_that_is_false_or_unknown_is_not_met() -> None:
    entries = [{"type": kind, "status": kind} for kind in ("True", "False", "Unknown")]
    assert met({"conditions": entries}) == {"True"}
    assert met({}) == frozenset()
