"""From one version to another: what happens to a version that does not work, and how it is tried again."""

from typing import Any

import pytest
from rooftree_operator import upgrade
from rooftree_operator.adapters.kubernetes import BROKERAGE, DEPLOYMENT, JOB
from rooftree_operator.drift import Object

from .world import World, brokerage, manifest
from .world import plan as plan_object

OLD, NEW, NEWER = "localhost/app:1.0.0", "localhost/app:1.1.0", "localhost/app:1.2.0"
CALLS = 150  # more than an upgrade that is taken back takes; the test checks that


async def world_with(*broken: str, topology: str = "monolith") -> World:
    """A brokerage at 1.0.0 that wants 1.1.0, whose image may be one of the `broken`."""
    world = World()
    await world.release("1.0.0")
    world.kube.put(plan_object("large", database={"connections": 40}))
    world.kube.put(brokerage("acme", plan="large", topology=topology))
    await world.converge("acme")
    assert world.status("acme")["version"] == "1.0.0"
    await world.release("1.1.0", "r2", knows=("r1", "r2"))
    world.kube.broken |= set(broken)
    return world


def image(world: World, name: str = "app") -> str:
    deployment = world.child("acme", DEPLOYMENT, name)
    assert deployment is not None
    return deployment["spec"]["template"]["spec"]["containers"][0]["image"]


def annotate(world: World, value: str) -> None:
    item = world.kube.find(BROKERAGE, "acme")
    assert item is not None
    annotations = {upgrade.ANNOTATION_RETRY: value}
    world.kube.put({**item, "metadata": {**item["metadata"], "annotations": annotations}})


def events(world: World) -> list[tuple[str, str]]:
    found = [item for (kind, _, _), item in world.kube.objects.items() if kind == "Event"]
    return [(item["type"], item["reason"]) for item in found]


def migrating(world: World) -> set[str]:
    """The tenant's Jobs."""
    return {name for kind, space, name in world.kube.objects if kind == JOB.kind and space != "rooftree-system"}


def available(world: World) -> int:
    deployment = world.child("acme", DEPLOYMENT, "app")
    assert deployment is not None
    return deployment["status"]["availableReplicas"]


async def test_a_version_that_works_is_told_and_leaves_nothing_behind() -> None:
    world = await world_with()
    await world.reconciler.reconcile("acme")
    assert world.condition("acme", "VersionApplied") == ("False", "Upgrading")
    while world.status("acme")["version"] != "1.1.0":
        world.settle()
        await world.reconciler.reconcile("acme")
    assert world.condition("acme", "VersionApplied") == ("True", "Current")
    assert "upgrade" not in world.status("acme")


@pytest.mark.parametrize("topology", ["monolith", "microservices"])
async def test_a_version_whose_pods_do_not_become_ready_is_taken_back_without_a_pod_lost(topology: str) -> None:
    world = await world_with(topology=topology)
    # Migrations work, pods do not.
    await world.reconciler.reconcile("acme")
    world.settle()
    world.kube.broken.add(NEW)
    await world.converge("acme")
    status = world.status("acme")
    assert (image(world), status["version"], available(world)) == (OLD, "1.0.0", 1)
    assert world.condition("acme", "Ready") == ("True", "Answering")
    assert world.condition("acme", "MigrationsApplied") == ("True", "Ahead")
    assert world.condition("acme", "VersionApplied") == ("False", "UpgradeReturned")
    assert world.condition("acme", "Stalled") == ("True", "UpgradeReturned")
    assert (status["upgrade"]["version"], status["upgrade"]["instead"]) == ("1.1.0", "1.0.0")
    assert status["upgrade"]["reason"] == "RolloutStuck"
    told = next(one["message"] for one in status["conditions"] if one["type"] == "VersionApplied")
    assert "kubectl annotate --overwrite brokerage acme rooftree.dev/retry-upgrade=" in told
    assert ("Warning", "UpgradeReturned") in events(world)


async def test_a_version_whose_migrations_fail_changes_no_pod() -> None:
    world = await world_with(NEW)
    before = world.child("acme", DEPLOYMENT, "app")
    assert before is not None
    generation = before["metadata"]["generation"]
    await world.converge("acme")
    after = world.child("acme", DEPLOYMENT, "app")
    assert after is not None
    assert after["metadata"]["generation"] == generation
    assert world.condition("acme", "Ready") == ("True", "Answering")
    assert world.condition("acme", "MigrationsApplied") == ("True", "Current")
    assert world.status("acme")["upgrade"]["reason"] == "MigrationFailed"


async def test_a_brokerage_that_went_back_rests() -> None:
    world = await world_with(NEW)
    outcome = await world.converge("acme")
    assert (outcome.failed, outcome.again_in) == (False, None)
    world.forget_writes()
    await world.converge("acme")
    assert world.writes() == []


async def test_another_version_is_tried_at_once() -> None:
    world = await world_with(NEW)
    await world.converge("acme")
    await world.release("1.2.0", "r3", knows=("r1", "r2", "r3"))
    await world.converge("acme")
    assert (image(world), world.status("acme")["version"]) == (NEWER, "1.2.0")
    assert world.condition("acme", "Stalled") == ("absent", "absent")
    assert "upgrade" not in world.status("acme")


async def test_the_same_version_is_tried_again_only_when_somebody_says_so() -> None:
    world = await world_with(NEW)
    await world.converge("acme")
    world.kube.broken.clear()
    item = world.kube.find(BROKERAGE, "acme")
    assert item is not None
    world.kube.put({**item, "spec": {**item["spec"], "displayName": "Acme & Daughters"}})
    await world.converge("acme")
    assert world.status("acme")["version"] == "1.0.0"
    annotate(world, "again")
    await world.converge("acme")
    assert (image(world), world.status("acme")["version"]) == (NEW, "1.1.0")
    assert "upgrade" not in world.status("acme")


async def test_a_retry_that_fails_again_goes_back_again() -> None:
    world = await world_with(NEW)
    await world.converge("acme")
    (first,) = migrating(world)
    annotate(world, "again")
    while world.condition("acme", "MigrationsApplied")[1] != "MigrationFailed":
        await world.reconciler.reconcile("acme")
        world.settle()
    (second,) = migrating(world) - {first}
    assert f"job-name={second} " in world.status("acme")["errors"][0]["hint"]
    await world.converge("acme")
    assert image(world) == OLD
    assert world.status("acme")["upgrade"]["retry"] == "again"
    assert len(migrating(world)) == 2, "a retry has a job of its own: the first one stays failed"


async def test_what_failed_is_still_known_while_the_plan_is_not() -> None:
    world = await world_with(NEW)
    await world.converge("acme")
    plan = world.kube.objects.pop(("BrokeragePlan", None, "large"))
    await world.converge("acme")
    assert world.condition("acme", "Ready") == ("False", "PlanUnknown")
    world.kube.put(plan)
    await world.converge("acme")
    assert image(world) == OLD
    assert world.condition("acme", "VersionApplied") == ("False", "UpgradeReturned")


async def test_a_new_brokerage_has_no_version_to_go_back_to() -> None:
    world = World()
    await world.release("1.0.0")
    world.kube.broken.add(OLD)
    world.kube.put(brokerage("acme"))
    await world.converge("acme")
    assert world.condition("acme", "Ready") == ("False", "RolloutStuck")
    assert "upgrade" not in world.status("acme")


async def test_pods_that_get_stuck_by_something_else_are_no_failed_upgrade() -> None:
    world = await world_with()
    await world.converge("acme")
    world.kube.broken.add(NEW)
    item = world.kube.find(BROKERAGE, "acme")
    assert item is not None
    world.kube.put({**item, "spec": {**item["spec"], "displayName": "Acme & Daughters"}})
    await world.converge("acme")
    assert world.condition("acme", "WorkloadReady") == ("False", "RolloutStuck")
    assert "upgrade" not in world.status("acme")


async def test_an_older_version_runs_on_the_database_of_a_newer_one() -> None:
    world = await world_with()
    await world.converge("acme")
    item = world.kube.find(BROKERAGE, "acme")
    assert item is not None
    old: Object = manifest("1.0.0", {"identity": "r1"})
    assert set(old["migrations"]) == {"r1"}
    world.kube.put({**item, "spec": {**item["spec"], "version": "1.0.0"}})
    await world.converge("acme")
    assert world.status("acme")["version"] == "1.0.0"
    assert world.condition("acme", "MigrationsApplied") == ("True", "Ahead")
    assert world.condition("acme", "VersionApplied") == ("True", "Current")


async def test_a_suspended_brokerage_waits_for_nobody_and_takes_its_new_version_when_it_is_resumed() -> None:
    world = await world_with()
    item = world.kube.find(BROKERAGE, "acme")
    assert item is not None
    awake = item["spec"]
    world.kube.put({**item, "spec": {**awake, "suspend": {"reason": "billing"}}})
    outcome = await world.converge("acme")
    assert (outcome.failed, outcome.again_in) == (False, None)
    assert world.condition("acme", "VersionApplied") == ("Unknown", "Suspended")
    assert world.status("acme")["version"] == "1.0.0"
    item = world.kube.find(BROKERAGE, "acme")
    assert item is not None
    world.kube.put({**item, "spec": awake})
    await world.converge("acme")
    assert world.status("acme")["version"] == "1.1.0"
    assert world.condition("acme", "VersionApplied") == ("True", "Current")


@pytest.mark.parametrize("after", [False, True], ids=["call-fails", "answer-is-lost"])
async def test_going_back_after_any_single_failed_call_ends_equal(after: bool) -> None:
    async def end(at: int) -> tuple[Any, int]:
        world = await world_with(NEW)
        world.faults.calls, world.faults.at, world.faults.after = 0, at, after
        await world.converge("acme")
        return world.inventory(), world.faults.calls

    expected, _ = await end(0)
    for at in range(1, CALLS):
        found, reached = await end(at)
        assert found == expected, f"differs after a failure of call {at}"
        if at > reached:
            return
    pytest.fail("CALLS is too small")
