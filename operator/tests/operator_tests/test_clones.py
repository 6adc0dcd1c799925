"""A new brokerage begins with what a backup of another one holds, and nobody sees it before that is there."""

from typing import Any

import pytest
from rooftree_operator.adapters.kubernetes import BROKERAGE, OPERATION, SECRET
from rooftree_operator.archive import masking
from rooftree_operator.archive.envelope import Damaged
from rooftree_operator.secret_objects import decoded

from .test_operations import content, leftovers, objects, written_world
from .world import World, brokerage, operation

pytestmark = pytest.mark.usefixtures("either_place")
HOST = "west.rooftree.localhost"
CLONE = "west-clone"


async def settled(world: World, name: str = "west", rounds: int = 12) -> dict[str, Any]:
    """Looks at the brokerage and at the operation that it orders, in turn, as events would; its status at the end."""
    for _ in range(rounds):
        for _ in range(3):
            await world.reconciler.reconcile(name)
            world.settle()
        if world.kube.find(OPERATION, f"{name}-clone"):
            await world.operate(f"{name}-clone", passes=1)
    await world.converge(name)
    return world.status(name)


async def cloned_world(**source: Any) -> World:
    world = await written_world(rows=("a", "job 1"))
    world.kube.put(brokerage("west", source={"backup": "first", **source}))
    await settled(world)
    return world


async def test_a_clone_has_rows_and_files_of_the_backup_without_jobs_under_a_new_id_with_new_keys() -> None:
    world = await cloned_world()
    assert world.status("west")["phase"] == "Ready", world.status("west")
    assert content(world, "west").rows == ["a"]
    assert objects(world, "west") == {"photos/1": b"a house"}
    assert world.status("west")["source"] == {"backup": "first", "takenAt": "2026-11-24T12:00:00.000Z"}
    assert world.tenant("west") != world.tenant("acme")
    keys = [decoded(world.child(name, SECRET, "app"))["signing_keys.json"] for name in ("acme", "west")]
    assert keys[0] != keys[1]
    assert [name for name in world.postgres.known if name.startswith(f"{world.tenant('west')}.")] == []
    assert content(world).rows == ["a", "job 1"], "the brokerage that it is a clone of is as it was"
    assert leftovers(world) == []


async def test_people_are_masked_on_request() -> None:
    world = await cloned_world(mask=True)
    assert content(world, "west").rows == ["masked"]


async def test_visitors_see_the_page_until_the_clone_is_there_and_the_app_never_serves_an_empty_one() -> None:
    world = await written_world()
    world.archive.stands.add("read")
    world.kube.put(brokerage("west", source={"backup": "first"}))
    seen: set[tuple[int, str]] = set()
    for _ in range(10):
        await world.reconciler.reconcile("west")
        world.settle()
        seen.add(world.edge.visit(HOST))
        if world.kube.find(OPERATION, CLONE):
            await world.operate(CLONE, passes=1)
    assert (200, "app") not in seen
    assert world.edge.visit(HOST) == (503, "page")
    assert world.condition("west", "Ready") == ("False", "Cloning")
    world.archive.stands.clear()
    await settled(world)
    assert world.edge.visit(HOST) == (200, "app")


async def test_a_clone_that_is_there_is_never_loaded_again_and_writes_nothing() -> None:
    world = await cloned_world()
    content(world, "west").rows = ["own work"]
    del world.kube.objects[OPERATION.kind, None, CLONE]
    world.forget_writes()
    await world.converge("west")
    assert (world.writes(), content(world, "west").rows) == ([], ["own work"])


async def test_a_clone_of_a_backup_that_does_not_exist_fails_and_is_tried_again_when_the_operation_goes() -> None:
    world = await written_world()
    world.kube.put(brokerage("west", source={"backup": "second"}))
    await settled(world)
    assert world.condition("west", "Ready") == ("False", "CloneFailed")
    assert "delete operation west-clone" in world.status("west")["message"]
    assert world.edge.visit(HOST) == (503, "page")
    del world.kube.objects[OPERATION.kind, None, CLONE]
    item = world.kube.find(BROKERAGE, "west")
    assert item is not None
    item["spec"]["source"]["backup"] = "first"  # as if it had been made so
    await settled(world)
    assert world.status("west")["phase"] == "Ready"


async def test_a_clone_waits_for_operations_on_the_brokerage_whose_backup_it_is() -> None:
    world = await written_world()
    world.archive.stands.add("write")
    world.kube.put(operation("aaa"))
    await world.operate("aaa", passes=2)
    world.kube.put(brokerage("west", source={"backup": "first"}))
    await settled(world, rounds=3)
    clone = world.kube.find(OPERATION, CLONE)
    assert clone is not None
    assert clone["status"]["message"] == "waits for operation aaa, which works on west"


async def test_a_release_that_knows_nothing_of_clones_makes_none() -> None:
    world = await written_world()
    release = world.kube.objects["ConfigMap", "rooftree-system", "release-1.0.0"]["data"]
    release["tenant_manifest.json"] = release["tenant_manifest.json"].replace('"clones"', '"others"')
    world.kube.put(brokerage("west", source={"backup": "first"}))
    await settled(world)
    assert "does not say what must not go along" in world.status("west")["message"]


def test_each_rule_is_a_statement_and_masks_only_where_that_is_asked_for() -> None:
    rules = masking.parsed({"emptied": ["jobs.queue"], "masked": {"crm.people": {"name": "name", "key": "email:mail"}}})
    plain = [one.as_string() for one in masking.statements(rules, "salt", mask=False)]
    assert plain == ['SET LOCAL search_path TO pg_catalog, "jobs", pg_temp', 'DELETE FROM "jobs"."queue"']
    *_, beside, update = (one.as_string() for one in masking.statements(rules, "s'alt", mask=True))
    assert '"crm"' in beside
    assert update.startswith('UPDATE "crm"."people" SET "name" = CASE WHEN "name" IS NULL THEN NULL ELSE \'Person \'')
    assert "'s''alt' || lower(\"mail\")" in update


@pytest.mark.parametrize("form", ["shout", "name; DROP TABLE x"])
def test_a_form_that_is_not_known_is_refused_and_not_run(form: str) -> None:
    with pytest.raises(Damaged, match="not known"):
        masking.parsed({"masked": {"crm.people": {"name": form}}})
