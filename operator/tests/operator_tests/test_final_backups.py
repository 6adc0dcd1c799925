"""`deletionPolicy: Snapshot`: nothing goes before the last backup is whole, and a new brokerage begins with it."""

from typing import Any

import pytest
from rooftree_operator import names
from rooftree_operator.adapters.kubernetes import BACKUP, BROKERAGE, OPERATION

from .test_clones import settled
from .test_operations import content, objects
from .test_pool_scenarios import new, warm_world
from .test_tenant_scenarios import ready_world
from .world import World, brokerage

pytestmark = pytest.mark.usefixtures("either_place")


async def leaving_world(world: World | None = None) -> tuple[World, str]:
    """A brokerage with rows and a photo that somebody deletes; the name of its last backup."""
    if world is None:
        world = await ready_world(deletionPolicy="Snapshot")
    content(world).rows = ["a"]
    objects(world)["photos/1"] = b"a house"
    world.retire("acme")
    item = world.kube.find(BROKERAGE, "acme")
    assert item is not None
    return world, names.final_backup("acme", item["metadata"]["uid"])


async def gone(world: World, name: str, rounds: int = 8) -> None:
    for _ in range(rounds):
        await world.reconciler.reconcile("acme")
        world.settle()
        if world.kube.find(OPERATION, name):
            await world.operate(name, passes=1)
    if world.kube.find(BACKUP, name):
        await world.converge("acme")


async def test_the_last_backup_comes_first_and_stays_and_all_else_goes() -> None:
    world, name = await leaving_world()
    tenant = world.tenant("acme")
    world.archive.stands.add("write")
    await gone(world, name, rounds=3)
    assert str(tenant) in world.postgres.known
    assert world.postgres.known_roles[f"{tenant}.app"].can_login
    assert world.condition("acme", "Ready") == ("False", "Deleting")
    assert f"backup {name}: writing the backup" in world.status("acme")["message"]
    assert world.status("acme")["operation"]["type"] == "Delete"
    world.archive.stands.clear()
    await gone(world, name)
    assert world.kube.find(BROKERAGE, "acme") is None
    assert str(tenant) not in world.postgres.known
    assert str(tenant) not in world.s3.buckets
    item = world.kube.find(BACKUP, name)
    assert item is not None
    assert item["status"]["phase"] == "Complete"


async def test_of_a_brokerage_that_took_a_spare_the_last_backup_bears_its_name() -> None:
    world = await warm_world()
    spare = await new(world, deletionPolicy="Snapshot")
    assert str(spare).startswith("pool-")
    world, name = await leaving_world(world)
    await gone(world, name)
    assert world.kube.find(BROKERAGE, "acme") is None
    (item,) = [one for key, one in world.kube.objects.items() if key[0] == BACKUP.kind]
    assert (item["metadata"]["name"], item["status"]["phase"]) == (name, "Complete")
    assert item["spec"] == {"brokerage": "acme", "tenantID": str(spare)}
    assert item["metadata"]["labels"][names.LABEL_BROKERAGE] == "acme"


async def test_a_new_brokerage_of_the_same_name_begins_with_it() -> None:
    world, name = await leaving_world()
    await gone(world, name)
    world.kube.put(brokerage("acme", source={"backup": name}))
    await settled(world, "acme")
    assert world.status("acme")["phase"] == "Ready"
    assert (content(world).rows, objects(world)) == (["a"], {"photos/1": b"a house"})


async def test_nothing_is_deleted_while_the_last_backup_cannot_be_written_and_it_is_said_what_to_do() -> None:
    world, name = await leaving_world()
    world.archive.fails.add("write")
    await gone(world, name, rounds=4)
    assert world.condition("acme", "Ready") == ("False", "FinalBackupFailed")
    assert f"delete operation and backup {name}" in world.status("acme")["message"]
    assert content(world).rows == ["a"]
    world.archive.fails.clear()
    for kind in (OPERATION, BACKUP):
        del world.kube.objects[kind.kind, None, name]
    await gone(world, name)
    assert world.kube.find(BROKERAGE, "acme") is None


async def test_a_brokerage_that_never_had_data_needs_no_last_backup() -> None:
    world = World()
    await world.release("1.0.0")
    world.kube.put(brokerage("acme", plan="gone", deletionPolicy="Snapshot"))
    await world.converge("acme")
    world.retire("acme")
    await world.converge("acme")
    assert world.kube.find(BROKERAGE, "acme") is None
    assert [key for key in world.kube.objects if key[0] == OPERATION.kind] == []


async def test_with_the_last_backup_that_is_deleted_goes_the_tenants_place() -> None:
    world, name = await leaving_world()
    tenant: Any = world.tenant("acme")
    await gone(world, name)
    assert world.backups(tenant)
    await world.kube.delete(BACKUP, name)
    await world.artifacts.reconcile(name)
    assert world.backups(tenant) is None
