"""Operations and backups over operators of several shards: whoever has the brokerage does them, and nobody else."""

from collections.abc import Awaitable, Callable
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from rooftree_operator import closing, names, shards
from rooftree_operator.adapters.kubernetes import BACKUP, BROKERAGE, OPERATION, Conflict, Kind
from rooftree_operator.drift import Object
from rooftree_operator.handlers import Intake
from rooftree_operator.operations.artifacts import LATER
from rooftree_operator.reconcile import Reconciler
from rooftree_operator.storms import Storms
from rooftree_operator.workqueue import WorkQueue

from .fakes.kubernetes import FakeKubernetes
from .running import operator
from .test_operations import content, objects
from .test_shards import OVER, at, drained, event, labelled, relabel, sharded
from .world import World, operation

DAY = timedelta(days=1)


def ordered(world: World, name: str = "first") -> Object:
    return world.kube.objects[OPERATION.kind, None, name]


def backups(world: World) -> list[str]:
    return sorted(name for kind, _, name in world.kube.objects if kind == BACKUP.kind)


async def backed_up(shard: str = "east", **spec: Any) -> tuple[World, Reconciler]:
    """A brokerage of a shard with rows, a photo and a backup `first`, and the operator of shard `east`."""
    world, east = await sharded(shard, **spec)
    content(world).rows = ["a"]
    objects(world)["photos/1"] = b"a house"
    world.kube.put(operation("first"))
    done = await world.operate("first", reconciler=east if shard else None)
    assert done["status"]["phase"] == "Succeeded", done["status"]
    await world.converge("acme", east if shard else None)
    world.forget_writes()
    return world, east


async def at_work(shard: str = "", kind: str = "write") -> tuple[World, Reconciler]:
    """A brokerage of a shard with an operation `first` whose Job takes for ever."""
    world, east = await sharded(shard)
    world.archive.stands.add(kind)
    world.kube.put(operation("first"))
    await world.operate("first", passes=3, reconciler=east if shard else None)
    assert ordered(world)["status"]["step"] == "Write"
    world.forget_writes()
    return world, east


# -- whose they are ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "status", "shard"),
    [
        ({}, {}, ""),
        ({names.LABEL_SHARD: "east"}, {}, "east"),
        ({names.LABEL_SHARD: "east"}, {"phase": "Ready"}, ""),
        ({}, {"phase": "Ready", "shard": "east"}, "east"),
    ],
)
def test_what_is_ordered_about_a_brokerage_is_of_the_shard_that_has_it_or_will_be_the_first_to(
    labels: dict[str, str], status: dict[str, str], shard: str
) -> None:
    assert shards.keeper({"metadata": {"labels": labels}, "status": status}) == shard


def test_what_is_ordered_about_a_brokerage_that_does_not_exist_is_of_the_default_shard() -> None:
    assert shards.keeper(None) == shards.DEFAULT


@pytest.mark.parametrize("shard", ["", "east"])
@pytest.mark.parametrize("kind", ["Backup", "Restore", "Drill"])
async def test_an_operation_is_done_by_the_operator_that_has_the_brokerage_and_left_alone_by_the_other(
    kind: str, shard: str
) -> None:
    world, east = await backed_up(shard)
    own, other = (east, world.reconciler) if shard else (world.reconciler, east)
    world.kube.put(operation("second", kind, **({"backup": "first"} if kind == "Restore" else {})))
    world.forget_writes()
    assert (await world.processes[other.shards.own].reconcile("second")).gone
    assert world.writes() == []
    assert "status" not in ordered(world, "second")
    done = await world.operate("second", reconciler=own)
    assert done["status"]["phase"] == "Succeeded", done["status"]
    assert content(world).rows == ["a"]
    world.forget_writes()
    world.later = 8 * DAY  # it is over, and so is the time that it stays
    world.leads(shard)
    await world.processes[other.shards.own].reconcile("second")
    assert world.writes() == []
    await world.processes[own.shards.own].reconcile("second")
    assert world.kube.find(OPERATION, "second") is None or "deletionTimestamp" in ordered(world, "second")["metadata"]


async def test_what_an_operation_kept_goes_with_it_by_the_operator_that_has_the_brokerage() -> None:
    world, east = await backed_up()
    world.kube.put(operation("back", "Restore", backup="first"))
    await world.operate("back", reconciler=east)
    ordered(world, "back")["metadata"]["deletionTimestamp"] = "2026-11-24T13:00:00Z"
    world.forget_writes()
    await world.operations.reconcile("back")
    assert world.writes() == []
    assert [name for name in world.postgres.known if ".b-" in name] != []
    await world.processes["east"].reconcile("back")
    assert [name for name in world.postgres.known if ".b-" in name] == []
    assert world.kube.find(OPERATION, "back") is None


async def test_an_operation_without_a_brokerage_is_the_default_shards() -> None:
    world, _ = await sharded("east")
    world.kube.put(operation("first", of="nobody"))
    world.forget_writes()
    assert (await world.processes["east"].reconcile("first")).gone
    assert world.writes() == []
    assert (await world.operate("first"))["status"]["error"]["code"] == "BrokerageUnknown"


async def test_an_operation_whose_brokerage_went_in_its_middle_is_cleaned_up_by_the_default_shard() -> None:
    world, east = await at_work("east")
    tenant = world.tenant("acme")
    world.delete("acme")
    await world.converge("acme", east)
    assert world.kube.find(BROKERAGE, "acme") is None
    await world.processes["east"].reconcile("first")
    assert "finishedAt" not in ordered(world)["status"]
    await world.operations.reconcile("first")
    assert ordered(world)["status"]["error"]["code"] == "BrokerageUnknown"
    assert not any(name.endswith(".backup") for name in world.s3.accounts)
    assert [path for path in world.traces(tenant) if "BrokerageOperation" not in path] == []


async def test_an_operation_on_a_brokerage_that_is_new_to_a_shard_waits_for_its_operator() -> None:
    world, east = await sharded()
    world.kube.put(labelled("birch", "east"))
    world.kube.put(operation("first", of="birch"))
    world.forget_writes()
    assert (await world.operations.reconcile("first")).gone
    assert world.writes() == []
    await world.processes["east"].reconcile("first")
    assert "is still being made" in ordered(world)["status"]["message"]
    await world.converge("birch", east)
    assert (await world.operate("first", reconciler=east))["status"]["phase"] == "Succeeded"


@pytest.mark.parametrize("shard", ["", "east"])
async def test_a_backup_that_is_deleted_is_removed_by_the_operator_that_has_the_brokerage(shard: str) -> None:
    world, _ = await backed_up(shard)
    own, other = world.processes[shard].artifacts, world.processes["east" if shard == "" else ""].artifacts
    await world.kube.delete(BACKUP, "first")
    world.forget_writes()
    assert (await other.reconcile("first")).again_in == LATER, "nobody tells of it again when the brokerage is moved"
    assert world.writes() == []
    await own.reconcile("first")
    assert backups(world) == []
    assert (await other.reconcile("first")).again_in is None


async def test_a_backup_whose_brokerage_is_moved_while_it_is_to_go_is_removed_by_the_new_operator() -> None:
    world, _ = await backed_up("")
    await world.kube.delete(BACKUP, "first")
    relabel(world, "east")
    await world.reconciler.reconcile("acme")
    assert (await world.processes[""].artifacts.reconcile("first")).again_in == LATER
    await world.processes["east"].artifacts.reconcile("first")
    assert backups(world) == []


async def test_backups_by_the_schedule_their_drills_and_what_is_not_kept_are_the_shards_that_has_the_brokerage() -> (
    None
):
    policy = {"schedule": "0 13 * * *", "drill": "0 13 * * *", "retention": {"count": 1}}
    world, east = await sharded("east", backup=policy)
    for day in (0, 1, 2):
        world.later = day * DAY + timedelta(hours=2)
        world.leads("east")
        await world.converge("acme")
        assert world.writes() == [], "the default shard orders nothing"
        await world.converge("acme", east)
        for name in [name for kind, _, name in world.kube.objects if kind == OPERATION.kind]:
            assert (await world.operations.reconcile(name)).gone
            await world.operate(name, reconciler=east)
        for kind, _, name in [key for key in world.kube.objects if key[0] in (BACKUP.kind, OPERATION.kind)]:
            made = world.kube.objects[kind, None, name]["metadata"]
            if made["creationTimestamp"] == "2026-11-24T12:00:00Z":  # the fake gives all objects this one
                made["creationTimestamp"] = f"{world.now():%Y-%m-%dT%H:%M:%SZ}"
        await world.converge("acme", east)
        world.forget_writes()
    assert backups(world) == ["acme-20261126-1300"]
    assert world.condition("acme", "BackupsProven")[0] == "True"


async def test_a_clone_of_a_brokerage_of_another_shard_waits_for_its_operations_and_is_the_new_ones() -> None:
    world, east = await backed_up("")
    world.archive.stands.add("write")
    world.kube.put(operation("another"))
    await world.operate("another", passes=3)
    world.kube.put(labelled("birch", "east", source={"backup": "first"}))
    await world.converge("birch", east)
    clone = "birch-clone"
    ordered(world, clone)["metadata"]["creationTimestamp"] = "2026-11-24T12:00:01Z"
    assert (await world.operations.reconcile(clone)).gone
    await world.processes["east"].reconcile(clone)
    assert "waits for operation another" in ordered(world, clone)["status"]["message"]
    world.archive.stands.clear()
    await world.operate("another")
    await world.operate(clone, reconciler=east)
    await world.converge("birch", east)
    assert ordered(world, clone)["status"]["phase"] == "Succeeded"
    assert (world.status("birch")["phase"], content(world, "birch").rows) == ("Ready", ["a"])


async def test_the_last_backup_is_of_the_shard_that_has_the_brokerage_and_afterwards_of_the_default_one() -> None:
    world, east = await sharded("east", deletionPolicy="Snapshot")
    content(world).rows = ["a"]
    world.retire("acme")
    name = names.final_backup("acme", at(world)["metadata"]["uid"])
    await world.converge("acme")
    assert world.writes() == []
    await world.converge("acme", east)
    assert (await world.operations.reconcile(name)).gone
    assert (await world.operate(name, reconciler=east))["status"]["phase"] == "Succeeded"
    await world.converge("acme", east)
    assert world.kube.find(BROKERAGE, "acme") is None
    await world.kube.delete(BACKUP, name)
    await world.processes["east"].artifacts.reconcile(name)
    assert backups(world) == [name]
    await world.artifacts.reconcile(name)
    assert backups(world) == []


# -- moves ------------------------------------------------------------------------------------------------------------


async def test_a_brokerage_is_not_given_away_while_an_operation_is_at_work_on_it_and_is_when_that_is_over() -> None:
    world, east = await at_work()
    relabel(world, "east")
    for _ in range(2):
        await world.converge("acme")
        assert (await east.reconcile("acme")).again_in == shards.SOON
    assert "shard" not in world.status("acme")
    assert world.condition("acme", "Ready") == ("True", "Answering")
    for kind in ("ShardServed", "Stalled"):
        assert world.condition("acme", kind) == ("absent", "absent"), "the shard is served"
    assert (await world.processes["east"].reconcile("first")).again_in == shards.SOON
    world.archive.stands.clear()
    world.settle()
    over: list[bool] = []
    operations = replace(world.operations, wake=lambda _: over.append("finishedAt" in ordered(world)["status"]))
    while "finishedAt" not in ordered(world)["status"]:
        await operations.reconcile("first")
    assert over == [True], "whoever looks now finds it over, and nobody waits for the next regular look"
    assert ordered(world)["status"]["phase"] == "Succeeded"
    await world.reconciler.reconcile("acme")
    assert world.status("acme")["shard"] == "east"
    assert world.status("acme")["operation"]["state"] == "Succeeded"
    await world.converge("acme", east)
    assert (await world.operations.reconcile("first")).gone
    world.forget_writes()
    await world.processes["east"].reconcile("first")
    await world.converge("acme", east)
    assert world.writes() == []


async def test_a_restore_comes_to_its_end_where_it_has_begun() -> None:
    world, east = await backed_up("")
    content(world).rows = ["newer"]
    world.kube.put(operation("back", "Restore", backup="first"))
    await world.operate("back", passes=2)
    relabel(world, "east")
    assert (await world.operate("back"))["status"]["phase"] == "Succeeded"
    assert content(world).rows == ["a"]
    await world.reconciler.reconcile("acme")
    await world.converge("acme", east)
    assert (world.status("acme")["phase"], world.status("acme")["shard"]) == ("Ready", "east")


async def test_an_operation_that_has_not_begun_and_one_of_a_neighbour_hold_no_move_up() -> None:
    world, east = await sharded()
    world.kube.put(operation("first"))
    other = operation("other", of="birch")
    world.kube.put({**other, "status": {"phase": "Running", "startedAt": "2026-11-24T12:00:00Z"}})
    relabel(world, "east")
    await world.reconciler.reconcile("acme")
    assert world.status("acme")["shard"] == "east"
    assert (await world.operations.reconcile("first")).gone
    assert (await world.operate("first", reconciler=east))["status"]["phase"] == "Succeeded"


async def test_a_brokerage_that_is_being_deleted_stays_until_its_last_backup_is_written() -> None:
    world, east = await sharded("east", deletionPolicy="Snapshot")
    world.archive.stands.add("write")
    world.retire("acme")
    name = names.final_backup("acme", at(world)["metadata"]["uid"])
    await east.reconcile("acme")
    await world.operate(name, passes=3, reconciler=east)
    relabel(world, "")
    await east.reconcile("acme")
    assert world.status("acme")["shard"] == "east"
    world.archive.stands.clear()
    await world.operate(name, reconciler=east)
    await east.reconcile("acme")
    assert "shard" not in world.status("acme")
    await world.converge("acme")
    assert world.kube.find(BROKERAGE, "acme") is None
    assert backups(world) == [name]


async def test_a_pass_over_an_operation_that_is_under_way_has_the_brokerage_to_its_end() -> None:
    world, _ = await sharded()
    relabel(world, "east")
    world.forget_writes()
    async with world.reconciler.shards.staying("acme") as found:
        assert found is not None
        assert (await world.reconciler.reconcile("acme")).again_in == shards.SOON
        assert world.writes() == []
    await world.reconciler.reconcile("acme")
    assert world.status("acme")["shard"] == "east"


async def test_no_operation_begins_on_a_brokerage_that_is_just_being_given_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, _ = await sharded()
    world.kube.put(operation("first"))
    looks = closing.at_work

    async def meanwhile(*about: Any) -> str:
        found = await looks(*about)
        assert (await world.operations.reconcile("first")).again_in == shards.SOON
        return found

    monkeypatch.setattr(closing, "at_work", meanwhile)
    relabel(world, "east")
    await world.reconciler.reconcile("acme")
    assert world.status("acme")["shard"] == "east"
    assert "status" not in ordered(world)


async def test_an_operation_of_an_operator_that_runs_no_more_is_brought_to_its_end_by_the_one_that_takes_over() -> None:
    world, _ = await at_work("east")
    world.later = OVER
    relabel(world, "")
    await world.converge("acme")
    assert "shard" not in world.status("acme")
    world.archive.stands.clear()
    assert (await world.operate("first"))["status"]["phase"] == "Succeeded"
    assert backups(world) == ["first"]
    assert world.archive.ran == ["write"], "its Job went on"


class Meanwhile(FakeKubernetes):
    """Once, while the Brokerage is read for a pass over an operation, something else happens."""

    happens: Callable[[], Awaitable[object]] | None = None

    async def get(self, kind: Kind, name: str, namespace: str | None = None) -> Object | None:
        if kind is BROKERAGE and self.happens is not None:
            happens, self.happens = self.happens, None
            await happens()
        return await super().get(kind, name, namespace)


async def test_who_read_an_operation_before_its_brokerage_was_moved_writes_nothing_over_what_was_done_since() -> None:
    world = World(cluster=Meanwhile)
    await world.release("1.0.0")
    world.leads()
    world.leads("east")
    world.restarted("east")
    world.kube.put(labelled("acme", ""))
    await world.converge("acme")
    item = operation("first")
    item["metadata"]["finalizers"] = [names.FINALIZER_OPERATION]
    world.kube.put(item)

    async def others() -> None:
        """The default shard does it, and gives the brokerage to the one that has read the operation before."""
        await world.operate("first")
        relabel(world, "east")
        await world.reconciler.reconcile("acme")

    assert isinstance(world.kube, Meanwhile)
    world.kube.happens = others
    with pytest.raises(Conflict):
        await world.processes["east"].reconcile("first")
    done = deepcopy(ordered(world))
    assert done["status"]["phase"] == "Succeeded"
    await world.processes["east"].reconcile("first")
    assert ordered(world) == done
    assert world.archive.ran == ["write"]


# -- what is fed and watched ------------------------------------------------------------------------------------------


async def test_a_round_of_a_shard_feeds_the_operations_of_its_brokerages() -> None:
    world, east = await sharded("east")
    world.kube.put(labelled("birch", ""))
    for number, of in enumerate(("acme", "birch", "nobody")):
        world.kube.put(operation(f"op-{number}", of=of))
    default, other = operator(world), operator(world, reconciler=east)
    for one in (default, other):
        await one._round()
    told = [{key for key in drained(one.queue) if key.startswith("operation/")} for one in (default, other)]
    assert told == [{"operation/op-1", "operation/op-2"}, {"operation/op-0"}]


@pytest.mark.parametrize("shard", ["", "east"])
def test_operations_and_their_jobs_are_heard_of_by_the_operator_of_the_brokerage_and_backups_by_all(shard: str) -> None:
    queue = WorkQueue(lambda: 0.0)
    intake = Intake(queue, Storms(lambda: 0.0), shard)
    for name in ("", "east"):
        intake.brokerage(event(labelled(f"of-{name}", name)))
    drained(queue)
    for name in ("", "east"):
        item = operation(f"op-{name}", of=f"of-{name}")
        intake.operation(event(item))
    assert drained(queue) == {f"operation/op-{shard}"}
    for name in ("", "east"):
        labels = {names.LABEL_BROKERAGE: f"of-{name}", names.LABEL_OPERATION: f"op-{name}"}
        intake.child(event({"kind": "Job", "metadata": {"name": "x", "labels": labels}}))
    assert drained(queue) == {f"operation/op-{shard}"}
    for name in ("a", "b"):
        leaving = {"name": name, "deletionTimestamp": "2026-11-24T12:00:00Z"}
        intake.backup(event({"kind": BACKUP.kind, "metadata": leaving}))
    assert drained(queue) == {"backup/a", "backup/b"}
