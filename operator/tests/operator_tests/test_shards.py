"""Operators of several shards over one world: each has its own brokerages, and no tenant ever has two."""

import asyncio
import os
from contextlib import suppress
from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY
from rooftree_operator import shards
from rooftree_operator.adapters.kubernetes import BROKERAGE, DEPLOYMENT, POLICY, ROUTE, ApiError, Conflict
from rooftree_operator.drift import Object
from rooftree_operator.errors import Unavailable
from rooftree_operator.handlers import Intake
from rooftree_operator.lease import DURATION
from rooftree_operator.reconcile import Reconciler
from rooftree_operator.settings import Settings
from rooftree_operator.shards import DESERTED
from rooftree_operator.spares import SpareState
from rooftree_operator.storms import Storms
from rooftree_operator.workqueue import WorkQueue

from .fakes.kubernetes import FakeKubernetes, Key
from .running import operator
from .turns import until
from .world import World, brokerage, plan

LABEL = "rooftree.dev/shard"
OVER = timedelta(seconds=DURATION + 1)  # after which a Lease that was not renewed is
SEEDS = 60 if os.environ.get("THOROUGH") else 12


def labelled(name: str, shard: str, **spec: Any) -> Object:
    item = brokerage(name, **spec)
    item["metadata"]["labels"] = {LABEL: shard} if shard else {}
    return item


def relabel(world: World, shard: str, name: str = "acme") -> None:
    """Somebody moves it."""
    item = deepcopy(world.kube.objects[BROKERAGE.kind, None, name])
    item["metadata"]["labels"] = {LABEL: shard} if shard else {}
    world.kube.put(item)


def at(world: World, name: str = "acme") -> Object:
    return world.kube.objects[BROKERAGE.kind, None, name]


def changes(world: World) -> list[str]:
    """What was written but for the status, and for trying what is there."""
    return [write for write in world.writes() if "Brokerage/status" not in write and not write.startswith("probe ")]


def message(world: World, kind: str, name: str = "acme") -> str:
    return next(one["message"] for one in world.status(name)["conditions"] if one["type"] == kind)


async def sharded(shard: str = "", **spec: Any) -> tuple[World, Reconciler]:
    """A ready brokerage of a shard, and the operator of shard `east`; both operators run."""
    world = World()
    await world.release("1.0.0")
    world.leads()
    world.leads("east")
    east = world.restarted("east")
    world.kube.put(labelled("acme", shard, **spec))
    await world.converge("acme", east if shard else None)
    assert world.status("acme")["phase"] == "Ready"
    world.forget_writes()
    return world, east


# -- pure -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "status", "finalizers", "parties"),
    [
        ({}, {}, [], ("", None)),
        ({LABEL: "east"}, {}, [], ("east", None)),
        ({LABEL: "east"}, {}, ["rooftree.dev/tenant"], ("east", "")),
        ({LABEL: "east"}, {"phase": "Ready"}, [], ("east", "")),
        ({LABEL: "east"}, {"phase": "Ready", "shard": "east"}, ["rooftree.dev/tenant"], ("east", "east")),
        ({LABEL: ""}, {"phase": "Ready", "shard": "east"}, [], ("", "east")),
        ({}, {}, ["somebody.else/finalizer"], ("", None)),
    ],
)
def test_a_label_says_whose_a_brokerage_shall_be_and_the_status_whose_it_is(
    labels: dict[str, str], status: dict[str, str], finalizers: list[str], parties: tuple[str, str | None]
) -> None:
    item = {"metadata": {"labels": labels, "finalizers": finalizers}, "status": status}
    assert (shards.wanted(item), shards.holder(item)) == parties
    told = {shard for shard in ("", "east", "west") if shards.concerns(shard, item)}
    assert told == set(parties) - {None}


def test_each_shard_has_a_lease_of_its_own_and_the_default_one_the_name_it_always_had() -> None:
    assert [shards.lease_name(shard) for shard in ("", "east")] == ["rooftree-operator", "rooftree-operator-east"]


@pytest.mark.parametrize("shard", ["East", "a.b", "-a", "a-", "1a", "a" * 31, " "])
def test_a_name_that_would_be_none_of_a_lease_is_refused(shard: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROOFTREE_OPERATOR_SHARD", shard)
    with pytest.raises(ValueError, match="shard"):
        Settings()


def test_a_shard_is_named_by_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().shard == ""
    monkeypatch.setenv("ROOFTREE_OPERATOR_SHARD", "a" * 30)
    assert Settings().shard == "a" * 30


# -- each its own -----------------------------------------------------------------------------------------------------


async def test_each_operator_makes_and_changes_its_own_brokerages_only() -> None:
    world = World()
    await world.release("1.0.0")
    world.leads()
    world.leads("east")
    east = world.restarted("east")
    world.kube.put(labelled("acme", ""))
    world.kube.put(labelled("birch", "east"))
    world.forget_writes()
    assert (await world.converge("acme", east)).gone
    assert (await world.converge("birch")).gone
    assert world.writes() == []
    await world.converge("acme")
    await world.converge("birch", east)
    assert [world.status(name)["phase"] for name in ("acme", "birch")] == ["Ready", "Ready"]
    assert [world.status(name).get("shard") for name in ("acme", "birch")] == [None, "east"]
    world.delete("birch")
    await world.converge("birch")
    assert world.kube.find(BROKERAGE, "birch") is not None, "another shard's is not deleted here"
    await world.converge("birch", east)
    assert world.kube.find(BROKERAGE, "birch") is None


@pytest.mark.parametrize("shard", ["", "east"])
async def test_a_second_pass_over_an_unchanged_brokerage_of_a_shard_writes_nothing(shard: str) -> None:
    world, east = await sharded(shard)
    for one in (world.reconciler, east):
        await world.converge("acme", one)
    assert world.writes() == []


@pytest.mark.parametrize("shard", ["", "east"])
async def test_a_new_operator_of_a_shard_writes_nothing_over_an_unchanged_brokerage(shard: str) -> None:
    world, _ = await sharded(shard)
    for one in (world.restarted(), world.restarted("east")):
        await world.converge("acme", one)
    assert changes(world) == []
    assert not any("Brokerage/status" in write for write in world.writes())


async def test_a_new_brokerage_is_told_its_tenant_and_its_shard_by_the_operator_that_has_it() -> None:
    world, east = await sharded()
    world.kube.put(labelled("birch", "east"))
    assert (await world.reconciler.reconcile("birch")).gone
    assert world.status("birch") == {}
    assert (await east.reconcile("birch")).again_in == 0
    assert world.condition("birch", "Ready") == ("False", "Registered")
    assert (world.status("birch")["shard"], "tenantID" in world.status("birch")) == ("east", True)
    assert [write for write in changes(world) if "Brokerage" not in write] == ["register birch"]


async def test_an_operator_that_cannot_reach_postgresql_looks_after_its_shard_after_a_restart_all_the_same() -> None:
    world, _ = await sharded("east")
    world.postgres.down = True
    del world.kube.objects[POLICY.kind, f"tenant-{world.tenant('acme')}", "app"]
    await world.converge("acme", world.restarted("east"))
    assert world.child("acme", POLICY, "app") is not None


# -- a move -----------------------------------------------------------------------------------------------------------


async def test_a_brokerage_that_is_moved_changes_hands_once_and_nothing_of_it_changes() -> None:
    world, east = await sharded()
    before = world.inventory()
    relabel(world, "east")
    assert (await east.reconcile("acme")).again_in == shards.SOON
    assert world.writes() == []
    assert (await world.reconciler.reconcile("acme")).gone
    assert world.status("acme")["shard"] == "east"
    await world.converge("acme", east)
    await world.converge("acme")
    assert changes(world) == []
    assert world.status("acme")["phase"] == "Ready"
    relabel(world, "")
    await east.reconcile("acme")
    await world.converge("acme")
    assert "shard" not in world.status("acme"), "as if there never had been any"
    after = world.inventory()
    del before["objects"]["Brokerage", None, "acme"], after["objects"]["Brokerage", None, "acme"]
    assert after == before


async def test_a_brokerage_that_is_moved_while_a_pass_is_under_way_is_left_alone_until_that_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    await world.release("1.0.0")
    world.leads()
    world.leads("east")
    east = world.restarted("east")
    world.kube.put(labelled("acme", ""))
    await world.reconciler.reconcile("acme")
    database, goes_on, waits = world.postgres.create_database, asyncio.Event(), asyncio.Event()

    async def slow(*args: Any, **kwargs: Any) -> None:
        waits.set()
        await goes_on.wait()
        await database(*args, **kwargs)

    monkeypatch.setattr(world.postgres, "create_database", slow)
    old = asyncio.create_task(world.reconciler.reconcile("acme"))
    await until(waits.is_set)
    relabel(world, "east")
    world.forget_writes()
    for _ in range(3):
        assert (await east.reconcile("acme")).again_in == shards.SOON
    assert world.writes() == []
    goes_on.set()
    await old
    monkeypatch.undo()
    assert world.status("acme").get("shard") is None, "the pass that has ended gives nothing away"
    await world.reconciler.reconcile("acme")
    await world.converge("acme", east)
    assert (world.status("acme")["phase"], world.status("acme")["shard"]) == ("Ready", "east")
    assert len(world.registry.rows) == 1


async def test_who_was_read_before_a_move_takes_and_gives_nothing() -> None:
    world, east = await sharded()
    relabel(world, "east")
    stale = deepcopy(at(world))
    relabel(world, "")
    with pytest.raises(Conflict):
        await world.reconciler.shards.enter(stale)
    world.later = OVER
    with pytest.raises(Conflict):
        await east.shards.enter(stale)
    assert "shard" not in world.status("acme")


async def test_a_new_brokerage_that_is_moved_before_anything_is_made_of_it_has_one_owner() -> None:
    world, east = await sharded()
    world.kube.put(labelled("birch", ""))
    stale = await world.reconciler.shards.enter(deepcopy(at(world, "birch")))
    relabel(world, "east", "birch")
    await east.reconcile("birch")
    with pytest.raises(ApiError):
        await world.reconciler._hold(stale)
    assert world.status("birch")["shard"] == "east"
    await world.converge("birch", east)
    assert world.status("birch")["phase"] == "Ready"


async def test_a_brokerage_that_is_deleted_while_it_is_moved_is_deleted_by_one_after_the_other() -> None:
    world, east = await sharded()
    tenant = world.tenant("acme")
    world.delete("acme")
    await world.reconciler.reconcile("acme")
    assert world.status("acme")["phase"] == "Deleting"
    assert world.child("acme", ROUTE, "app") is None
    relabel(world, "east")
    world.forget_writes()
    await east.reconcile("acme")
    assert world.writes() == []
    await world.reconciler.reconcile("acme")
    assert changes(world) == []
    assert world.status("acme")["shard"] == "east"
    await world.converge("acme", east)
    assert world.kube.find(BROKERAGE, "acme") is None
    assert world.traces(tenant) == []
    assert world.registry.state(tenant) == "deleted"


async def test_a_paused_brokerage_is_moved_and_stays_paused() -> None:
    world, east = await sharded()
    item = deepcopy(at(world))
    item["spec"]["pause"] = "Everything"
    world.kube.put(item)
    relabel(world, "east")
    await world.reconciler.reconcile("acme")
    await world.converge("acme", east)
    assert (world.status("acme")["phase"], world.status("acme")["shard"]) == ("Paused", "east")
    assert [write for write in changes(world) if not write.startswith("create Event")] == []


class OlderKubernetes(FakeKubernetes):
    """Its definition of Brokerages knows nothing of shards."""

    def _store(self, key: Key, item: Object, old: Object | None) -> Object:
        item.get("status", {}).pop("shard", None)
        return super()._store(key, item, old)


@pytest.mark.parametrize("label", ["", "east"])
async def test_where_the_definitions_are_older_nobody_acts_on_what_would_be_two_operators(label: str) -> None:
    world = World(cluster=OlderKubernetes)
    await world.release("1.0.0")
    world.leads()
    world.leads("east")
    world.kube.put(labelled("acme", label))
    if not label:
        await world.converge("acme")
        relabel(world, "east")
    world.forget_writes()
    for one in (world.reconciler, world.restarted("east")):
        with suppress(ApiError):
            await one.reconcile("acme")
    assert changes(world) == []


# -- an operator that does not run ------------------------------------------------------------------------------------


async def test_what_an_operator_has_that_runs_no_more_is_taken_when_its_lease_is_over_and_its_sessions_have_ended() -> (
    None
):
    world, east = await sharded()
    world.leads(epoch=7)
    relabel(world, "east")
    world.later = timedelta(seconds=DURATION)
    assert (await east.reconcile("acme")).again_in == shards.SOON
    world.later = OVER
    world.postgres.down = True
    with pytest.raises(Unavailable):
        await east.reconcile("acme")
    assert "shard" not in world.status("acme"), "what it has begun in PostgreSQL may go on"
    world.postgres.down = False
    await world.converge("acme", east)
    assert world.status("acme")["shard"] == "east"
    assert "end sessions of rooftree-operator before 8" in world.writes()


async def test_what_an_operator_has_that_has_ended_itself_is_taken_at_once() -> None:
    world, east = await sharded()
    relabel(world, "east")
    world.leads(holder="")
    await east.reconcile("acme")
    assert world.status("acme")["shard"] == "east"


async def test_a_brokerage_stays_with_who_has_it_while_nobody_serves_its_new_shard_and_that_is_told() -> None:
    world, _ = await sharded()
    relabel(world, "esat")
    del world.kube.objects[DEPLOYMENT.kind, f"tenant-{world.tenant('acme')}", "app"]
    await world.converge("acme")
    assert world.child("acme", DEPLOYMENT, "app") is not None, "it is repaired as ever"
    assert world.condition("acme", "Ready") == ("True", "Answering")
    assert world.condition("acme", "ShardServed") == ("False", "ShardUnserved")
    assert world.condition("acme", "Stalled") == ("True", "ShardUnserved")
    assert "no operator serves shard 'esat' (label rooftree.dev/shard)" in message(world, "ShardServed")
    assert "the default shard goes on with it" in message(world, "ShardServed")
    (error,) = world.status("acme")["errors"]
    assert (error["code"], error["audience"]) == ("ShardUnserved", "Platform")
    world.forget_writes()
    await world.converge("acme")
    assert world.writes() == []
    relabel(world, "")
    await world.converge("acme")
    assert world.condition("acme", "ShardServed") == ("absent", "absent")
    assert world.condition("acme", "Stalled") == ("absent", "absent")


async def test_a_new_brokerage_of_a_shard_that_nobody_serves_says_so_and_is_made_when_somebody_does() -> None:
    world, east = await sharded()
    world.kube.put(labelled("birch", "esat"))
    await world.converge("birch", east)
    assert world.status("birch") == {}, "one operator speaks for those that do not run"
    await world.converge("birch")
    assert world.status("birch")["phase"] == "Pending"
    assert world.condition("birch", "Ready") == ("False", "ShardUnserved")
    assert "nothing of it is made, changed or repaired" in world.status("birch")["message"]
    assert changes(world) == []
    world.forget_writes()
    await world.converge("birch")
    assert world.writes() == []
    for shard, reconciler in (("east", east), ("", world.reconciler)):
        relabel(world, shard, "birch")
        await world.reconciler.reconcile("birch")
        await east.reconcile("birch")
        await world.converge("birch", reconciler)
        assert (world.status("birch")["phase"], world.status("birch").get("shard", "")) == ("Ready", shard)
        assert world.condition("birch", "ShardServed") == ("absent", "absent")


async def test_what_is_said_for_an_operator_that_does_not_run_never_undoes_what_it_does_when_it_begins() -> None:
    world, _ = await sharded()
    world.kube.put(labelled("birch", "west"))
    stale = deepcopy(at(world, "birch"))
    world.leads("west")
    await world.restarted("west").reconcile("birch")
    begun = deepcopy(world.status("birch"))
    with pytest.raises(Conflict):
        await world.reconciler._tell.unattended(stale)
    assert world.status("birch") == begun
    assert begun["shard"] == "west"


async def test_an_operator_that_has_been_gone_for_more_than_a_restart_is_told_on_its_brokerages() -> None:
    world, _ = await sharded("east")
    world.later = timedelta(seconds=DURATION) + DESERTED
    await world.converge("acme")
    assert world.writes() == []
    world.later += timedelta(seconds=1)
    await world.converge("acme")
    assert world.condition("acme", "ShardServed") == ("False", "ShardUnserved")
    assert world.condition("acme", "Ready") == ("True", "Answering"), "it still serves"
    assert (world.status("acme")["phase"], world.status("acme")["shard"]) == ("Ready", "east")
    world.leads("east", epoch=2)
    await world.converge("acme", world.restarted("east"))
    assert world.condition("acme", "ShardServed") == ("absent", "absent")
    assert world.condition("acme", "Stalled") == ("absent", "absent")
    assert "errors" not in world.status("acme")


async def test_what_was_said_while_nobody_looked_is_over_also_for_a_brokerage_that_is_only_paused() -> None:
    world, _ = await sharded("east")
    world.later = 2 * OVER + DESERTED
    await world.converge("acme")
    assert world.condition("acme", "Stalled") == ("True", "ShardUnserved")
    item = deepcopy(at(world))
    item["spec"]["pause"] = "Everything"
    world.kube.put(item)
    world.leads("east", epoch=2)
    await world.converge("acme", world.restarted("east"))
    for kind in ("ShardServed", "Stalled"):
        assert world.condition("acme", kind) == ("absent", "absent")
    assert "errors" not in world.status("acme")


async def test_a_brokerage_of_a_shard_that_was_given_up_goes_on_in_another_one() -> None:
    world, _ = await sharded("east")
    world.later = OVER
    relabel(world, "")
    del world.kube.objects[DEPLOYMENT.kind, f"tenant-{world.tenant('acme')}", "app"]
    await world.converge("acme")
    assert world.child("acme", DEPLOYMENT, "app") is not None
    assert "shard" not in world.status("acme")


async def test_of_a_brokerage_that_a_living_operator_has_no_other_one_says_anything() -> None:
    world, east = await sharded("east")
    relabel(world, "esat")
    await world.converge("acme", east)
    assert world.condition("acme", "ShardServed") == ("False", "ShardUnserved")
    world.forget_writes()
    await world.converge("acme")
    assert await world.reconciler.shards.unattended([at(world)]) == []
    assert world.writes() == []


# -- what belongs to no shard -----------------------------------------------------------------------------------------


async def test_a_spare_of_the_default_shard_is_taken_by_a_brokerage_of_another_one() -> None:
    world, east = await sharded()
    world.kube.put(plan("starter", warm=1))
    await world.fill()
    (spare,) = world.spares.rows
    world.kube.put(labelled("birch", "east"))
    await world.converge("birch", east)
    assert world.tenant("birch") == spare
    assert world.spares.rows[spare].state is SpareState.TAKEN
    await world.fill()
    assert world.status("birch")["phase"] == "Ready"


async def test_a_tenant_that_one_shard_kept_comes_back_in_another_and_is_purged_by_the_default_one() -> None:
    world, east = await sharded("east")
    tenant = world.tenant("acme")
    world.retire("acme")
    await world.converge("acme", east)
    assert world.registry.state(tenant) == "kept"
    world.kube.put(labelled("acme", "", tenantID=str(tenant)))
    await world.converge("acme")
    assert world.tenant("acme") == tenant
    world.retire("acme")
    await world.converge("acme")
    world.later = timedelta(days=31)
    await world.purges()
    assert world.registry.state(tenant) == "deleted"


async def test_a_round_of_a_shard_feeds_its_own_brokerages_and_nothing_that_belongs_to_all() -> None:
    world, east = await sharded()
    world.kube.put(plan("starter", warm=1))
    for name, shard in (("birch", "east"), ("cedar", "esat"), ("doug", "east")):
        world.kube.put(labelled(name, shard))
    world.kube.put({**at(world, "doug"), "metadata": {**at(world, "doug")["metadata"], "labels": {}}})
    world.kube.put({**at(world, "doug"), "status": {"shard": "east"}})  # it was moved, and is still there
    default, other = operator(world), operator(world, reconciler=east)
    await default._round()
    await other._round()
    assert drained(default.queue) == {
        "release/1.0.0",
        "pool/starter",
        "tenant/acme",
        "tenant/cedar",
        "tenant/doug",
    }
    assert drained(other.queue) == {"tenant/birch", "tenant/doug"}
    await default._round()
    drained(default.queue)
    assert REGISTRY.get_sample_value("rooftree_operator_unattended") == 1.0, "cedar"
    for one in (default, other):
        await one._dispatch("plan", "starter")
    assert drained(default.queue) == {"pool/starter", "tenant/acme", "tenant/doug"}
    assert drained(other.queue) == {"tenant/birch", "tenant/doug"}


def drained(queue: WorkQueue) -> set[str]:
    found = set[str]()
    while (key := queue.pop()) is not None:
        queue.done(key)
        found.add(key)
    return found


# -- what is watched --------------------------------------------------------------------------------------------------


def event(item: Object, kind: str = "MODIFIED") -> dict[str, Any]:
    return {"type": kind, "object": deepcopy(item)}


def test_an_operator_hears_of_its_own_brokerages_and_of_one_that_goes_or_comes() -> None:
    queue = WorkQueue(lambda: 0.0)
    intake = Intake(queue, Storms(lambda: 0.0), "east")
    item = labelled("acme", "east")
    item["metadata"]["uid"] = "u"
    intake.brokerage(event(item))
    assert drained(queue) == {"tenant/acme"}
    item["status"] = {"shard": "east"}
    intake.brokerage(event(item))
    assert drained(queue) == {"tenant/acme"}, "it has just become ours"
    item["status"] |= {"phase": "Ready"}
    intake.brokerage(event(item))
    assert drained(queue) == set(), "our own writes are no news"
    item["metadata"]["labels"] = {}
    intake.brokerage(event(item))
    assert drained(queue) == {"tenant/acme"}, "it is to be given away"
    item["status"] |= {"shard": ""}
    intake.brokerage(event(item))
    assert drained(queue) == set(), "it is another one's"
    item["metadata"]["labels"] = {LABEL: "east"}
    intake.brokerage(event(item))
    assert drained(queue) == {"tenant/acme"}, "it is to come back"
    item["status"] |= {"shard": "east"}
    intake.brokerage(event(item))
    assert drained(queue) == {"tenant/acme"}, "it is back, and nobody waits for the next look"


@pytest.mark.parametrize("shard", ["", "east"])
def test_children_are_looked_at_by_the_operator_of_their_brokerage_and_releases_by_that_of_the_default_shard(
    shard: str,
) -> None:
    queue = WorkQueue(lambda: 0.0)
    intake = Intake(queue, Storms(lambda: 0.0), shard)
    for name in ("", "east"):
        intake.brokerage(event(labelled(f"of-{name}", name)))
    drained(queue)
    for labels in (
        {"rooftree.dev/brokerage": "of-"},
        {"rooftree.dev/brokerage": "of-east"},
        {"rooftree.dev/release": "1.0.0"},
    ):
        intake.child(event({"kind": "Job", "metadata": {"name": "x", "labels": labels}}))
    assert drained(queue) == {f"tenant/of-{shard}", *([] if shard else ["release/1.0.0"])}
