"""Credentials are rotated while operations are at work: each Job gets in to its end, and both come to theirs."""

import os
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from rooftree_operator import names
from rooftree_operator.adapters.kubernetes import JOB, OPERATION
from rooftree_operator.api.rotation import RotationPhase
from rooftree_operator.errors import Unavailable
from rooftree_operator.names import Slot
from rooftree_operator.operations.progress import is_over
from rooftree_operator.reconcile import Outcome

from .test_operations import content, leftovers, restored, written_world
from .test_rotation import LATER, change, passes, secret, told
from .test_tenant_scenarios import ready_world
from .world import World, operation

STRIDE = 1 if os.environ.get("THOROUGH") else 67  # all calls in `make full`
CALLS = 1500  # more than both take together; the test checks that
RUNNING = [phase for phase in RotationPhase if phase not in (RotationPhase.PENDING, RotationPhase.COMPLETED)]


async def looks(world: World, times: int = 8) -> None:
    for _ in range(times):
        await world.reconciler.reconcile("acme")
        world.settle()


async def standing(world: World, name: str = "first") -> None:
    """A backup is being written, and that takes long."""
    world.archive.stands.add("write")
    world.kube.put(operation(name))
    await world.operate(name, passes=3)
    assert [key for key in world.kube.objects if key[0] == JOB.kind and key[2].startswith("operation")]


async def finished(world: World, name: str = "first") -> str:
    world.archive.stands.clear()
    return (await world.operate(name))["status"]["phase"]


async def test_a_rotation_ends_no_phase_while_an_operation_is_at_work_and_says_for_which_it_waits() -> None:
    world = await ready_world()
    await standing(world)
    change(world, "one")
    await looks(world)
    assert (told(world)["phase"], told(world)["message"]) == ("Preparing", "operation first is at work")
    assert world.condition("acme", "Ready")[0] == "True"
    world.forget_writes()
    outcome = await world.reconciler.reconcile("acme")
    assert (world.writes(), outcome.again_in) == ([], 5.0)
    assert await finished(world) == "Succeeded"
    await passes(world)
    assert told(world)["phase"] == "Completed"
    assert "message" not in told(world)


async def test_an_operation_that_has_not_begun_keeps_no_rotation_up() -> None:
    world = await ready_world(pause="Changes")
    world.kube.put(operation("first"))
    await world.operate("first", passes=2)
    assert (world.kube.find(OPERATION, "first") or {})["status"]["phase"] == "Pending"
    change(world, "one", pause=None)
    await passes(world)
    assert told(world)["phase"] == "Completed"


async def test_the_operation_of_a_neighbour_keeps_no_rotation_up() -> None:
    world = await ready_world()
    ours = operation("other", of="west")
    world.kube.put({**ours, "status": {"phase": "Running", "startedAt": "2026-11-24T12:00:00Z"}})
    change(world, "one")
    await passes(world)
    assert told(world)["phase"] == "Completed"


@pytest.mark.parametrize("phase", RUNNING)
async def test_an_operation_that_begins_during_a_rotation_gets_in_to_its_end(phase: RotationPhase) -> None:
    world = await ready_world()
    content(world).rows = ["a", "b"]
    change(world, "one")
    await passes(world, until=phase)
    await standing(world)
    world.later += LATER
    await looks(world)
    assert told(world)["phase"] == phase, "it stays where it is"
    # A Job looks for its files when a pod of it begins, however late: the fake does so only now.
    assert await finished(world) == "Succeeded"
    await passes(world)
    assert told(world)["phase"] == "Completed"
    content(world).rows = []
    assert (await restored(world))["phase"] == "Succeeded"
    assert content(world).rows == ["a", "b"]


async def test_after_a_rotation_jobs_have_the_second_login_and_find_its_files() -> None:
    world = await written_world()
    change(world, "one")
    await passes(world)
    await standing(world, "second")
    (job,) = [item for key, item in world.kube.objects.items() if key[0] == JOB.kind and "operation" in key[2]]
    env = {one["name"]: one["value"] for one in job["spec"]["template"]["spec"]["containers"][0]["env"]}
    tenant = world.tenant("acme")
    assert env["ROOFTREE_DATABASE_USER"] == names.migrator_role(tenant, Slot.B)
    assert env["ROOFTREE_S3_ACCESS_KEY"] == names.user(tenant, Slot.B)
    files = world.kube.folders(names.namespace(tenant), job["spec"]["template"]["spec"])
    assert files["app"]["s3_secret_key"] == secret(world)["b.s3_secret_key"]
    assert await finished(world, "second") == "Succeeded"


async def test_a_restore_of_a_backup_from_before_a_rotation_keeps_the_new_logins() -> None:
    world = await written_world()
    change(world, "one")
    await passes(world)
    before = secret(world)
    content(world).rows = []
    assert (await restored(world))["phase"] == "Succeeded"
    assert content(world).rows == ["a", "b"]
    assert secret(world) == before
    tenant = world.tenant("acme")
    entering = world.postgres.known[str(tenant)].can_connect
    assert {names.app_role(tenant), names.migrator_role(tenant, Slot.B)} <= entering
    assert world.status("acme")["phase"] == "Ready"


async def once(look: Callable[[str], Awaitable[Outcome]], key: str) -> Outcome:
    """One pass, after which the cluster has its turn."""
    try:
        return await look(key)
    except Unavailable as error:
        if error.reason != "Injected":
            raise
        return Outcome(failed=True)


async def both(world: World, name: str) -> None:
    """Passes over the brokerage and the operation in turn, until both are over and nothing is left to do."""
    for _ in range(200):
        tenant = await once(world.reconciler.reconcile, "acme")
        world.settle()
        await once(world.operations.reconcile, name)
        world.settle()
        if tenant.again_in and tenant.again_in > 60:
            world.later += timedelta(seconds=tenant.again_in)
        found = world.kube.find(OPERATION, name) or {}
        if is_over(found) and told(world).get("phase") == "Completed" and tenant == Outcome():
            return
    raise AssertionError(f"they wait for each other: {world.status('acme')}, {world.kube.find(OPERATION, name)}")


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", ["Backup", "Restore"])
async def test_both_at_once_come_to_their_ends_after_any_single_failed_call(kind: str) -> None:
    reached = 0
    for at in range(0, CALLS, STRIDE):
        world = await written_world()
        content(world).rows = ["newer"] if kind == "Restore" else ["a", "b"]
        world.kube.put(operation("next", kind, **({"backup": "first"} if kind == "Restore" else {})))
        change(world, "one")
        world.faults.expect(at, after=bool(at % 2), kills=False)
        await both(world, "next")
        reached = world.faults.calls
        world.faults.over()
        status = (world.kube.find(OPERATION, "next") or {})["status"]
        assert status["phase"] == "Succeeded", f"after a failure of call {at}: {status}"
        assert (content(world).rows, leftovers(world)) == (["a", "b"], []), f"after a failure of call {at}"
        assert world.status("acme")["phase"] == "Ready"
        if at > reached:
            break
    assert reached < CALLS
