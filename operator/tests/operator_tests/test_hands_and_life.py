"""A pause, Observe and drift where they meet all else: suspension, upgrades, deletion, claims, smaller plans."""

from contextlib import suppress
from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest
from rooftree_operator.adapters.kubernetes import BROKERAGE, DEPLOYMENT, ROUTE, SECRET
from rooftree_operator.api.brokerage import BrokerageStatus
from rooftree_operator.errors import Unavailable
from rooftree_operator.names import TenantId

from .test_deletion_scenarios import annotate as order
from .test_deletion_scenarios import data_of
from .test_fitting import LARGE, SMALL, large_world, pods_quota
from .test_hands import change, message, quiet, tenants, told
from .test_suspension import BILLING, pods, running, suspended_world, world_of
from .test_tenant_scenarios import ready_world
from .test_upgrade import NEW, OLD, image, world_with
from .world import World, brokerage, plan

HELD: list[dict[str, str]] = [{"pause": "Changes"}, {"managementPolicy": "Observe"}]
BOTH = pytest.mark.parametrize("level", HELD, ids=["changes", "observe"])
FREE: dict[str, Any] = {"pause": None, "managementPolicy": "Manage"}


def schema_takes(world: World) -> bool:
    given = world.status("acme")
    return BrokerageStatus.model_validate(given).model_dump(by_alias=True, exclude_unset=True, mode="json") == given


@BOTH
@pytest.mark.parametrize("topology", ["monolith", "microservices"])
async def test_a_suspension_is_held_and_said_and_comes_when_the_pause_ends(
    level: dict[str, str], topology: str
) -> None:
    world = await world_of(topology)
    before = running(world)
    change(world, **level, suspend=BILLING)
    world.forget_writes()
    outcome = await world.converge("acme")
    assert tenants(world) == []
    assert (outcome.failed, outcome.again_in) == (False, None), "nothing is asked every five seconds"
    assert (running(world), len(pods(world)) > 0) == (before, True)
    assert world.condition("acme", "Suspended") == ("False", "ChangesHeld")
    assert world.condition("acme", "Ready") == ("False", "ChangesHeld")
    assert world.status("acme")["phase"] == "Paused"
    assert "HTTPRoute app: .spec" in message(world, "Paused" if "pause" in level else "Observed")
    assert schema_takes(world)
    await quiet(world)
    change(world, **FREE)
    await world.converge("acme")
    assert (set(running(world).values()), world.status("acme")["phase"]) == ({0}, "Suspended")
    assert told(world, "DriftRepaired") == []


@BOTH
@pytest.mark.parametrize("topology", ["monolith", "microservices"])
async def test_a_resumption_is_held_and_visitors_see_the_page_until_the_pause_ends(
    level: dict[str, str], topology: str
) -> None:
    world = await suspended_world(topology)
    change(world, **level, suspend=None)
    world.forget_writes()
    outcome = await world.converge("acme")
    assert tenants(world) == []
    assert (outcome.failed, outcome.again_in) == (False, None)
    assert set(running(world).values()) == {0}
    assert world.condition("acme", "Ready") == ("False", "ChangesHeld")
    assert "Deployment app: .spec.replicas" in message(world, "Paused" if "pause" in level else "Observed")
    await quiet(world)
    change(world, **FREE)
    await world.converge("acme")
    assert world.status("acme")["phase"] == "Ready"
    assert world.condition("acme", "Suspended") == ("absent", "absent")
    assert told(world, "DriftRepaired") == []


@pytest.mark.parametrize("level", [*HELD, {"pause": "Everything"}], ids=["changes", "observe", "everything"])
async def test_a_suspended_brokerage_that_is_held_back_stays_so_and_both_are_told(level: dict[str, str]) -> None:
    world = await suspended_world()
    change(world, **level)
    world.forget_writes()
    await world.converge("acme")
    assert tenants(world) == []
    assert world.condition("acme", "Suspended") == ("True", "Billing")
    assert world.condition("acme", "Ready") == ("False", "Suspended")
    everything = level.get("pause") == "Everything"
    assert world.status("acme")["phase"] == ("Paused" if everything else "Suspended")
    await quiet(world)


async def test_a_suspension_that_a_pause_interrupts_stays_where_it_is_and_ends_afterwards() -> None:
    world = await world_of()
    change(world, suspend=BILLING)
    while not (world.child("acme", ROUTE, "app") or {})["spec"]["rules"][0]["backendRefs"][0].get("namespace"):
        await world.reconciler.reconcile("acme")
        world.settle()
    change(world, pause="Changes")
    outcome = await world.converge("acme")
    assert (outcome.again_in, set(running(world).values())) == (None, {2})
    assert world.condition("acme", "Suspended") == ("False", "ChangesHeld")
    await quiet(world)
    change(world, pause=None)
    await world.converge("acme")
    assert world.status("acme")["phase"] == "Suspended"


async def test_suspending_and_resuming_are_no_drift_and_no_pods_are_as_declared() -> None:
    world = await suspended_world()
    assert told(world, "DriftRepaired") == []
    await quiet(world)
    await world.kube.scale("app", f"tenant-{world.tenant('acme')}", 2)
    await world.converge("acme")
    assert [note for _, note in told(world, "DriftRepaired")] == [
        "changed by others and set back: Deployment app: .spec.replicas"
    ]
    change(world, suspend=None)
    await world.converge("acme")
    assert len(told(world, "DriftRepaired")) == 1


@BOTH
async def test_a_held_upgrade_is_neither_said_to_go_on_nor_asked_for_again(level: dict[str, str]) -> None:
    world = await world_with()
    change(world, **level)
    await world.converge("acme")
    world.forget_writes()
    outcome = await world.converge("acme")
    assert (outcome.failed, outcome.again_in, tenants(world)) == (False, None, [])
    assert world.condition("acme", "VersionApplied") == ("False", "ChangesHeld")
    assert world.condition("acme", "Reconciling") == ("absent", "absent")
    assert "errors" not in world.status("acme")
    operation = world.status("acme")["operation"]
    assert (operation["type"], operation["state"]) == ("Update", "Waiting")
    await quiet(world)
    change(world, **FREE)
    await world.converge("acme")
    assert world.condition("acme", "VersionApplied") == ("True", "Current")
    assert world.status("acme")["operation"]["state"] == "Succeeded"


async def test_a_version_that_breaks_during_a_pause_is_taken_back_when_the_pause_ends() -> None:
    world = await world_with()
    while image(world) == OLD:
        await world.reconciler.reconcile("acme")
        world.kube.broken |= {NEW} if image(world) == NEW else set()
        world.settle()
    change(world, pause="Changes")
    outcome = await world.converge("acme")
    assert (outcome.failed, outcome.again_in) == (False, None)
    assert image(world) == NEW
    assert world.condition("acme", "VersionApplied") == ("False", "UpgradeReturned")
    assert "Deployment app: .spec.template" in message(world, "Paused")
    await quiet(world)
    change(world, pause=None)
    await world.converge("acme")
    assert (image(world), world.status("acme")["version"]) == (OLD, "1.0.0")
    assert world.condition("acme", "Ready") == ("True", "Answering")
    assert told(world, "DriftRepaired") == []


async def test_a_version_that_is_taken_back_is_no_drift_and_what_is_changed_afterwards_is() -> None:
    world = await world_with(NEW)
    await world.converge("acme")
    assert world.condition("acme", "VersionApplied") == ("False", "UpgradeReturned")
    assert told(world, "DriftRepaired") == []
    world.kafka.known.pop("acme-00000001.events")
    await world.converge("acme")
    assert len(told(world, "DriftRepaired")) == 1


async def test_what_is_taken_back_before_it_was_done_is_no_drift() -> None:
    world = await ready_world()
    larger = plan("starter", database={"connections": 20})
    world.kube.put(larger)
    world.elasticsearch.down = True
    await world.reconciler.reconcile("acme")
    assert world.postgres.known_roles["acme-00000001.app"].connection_limit == 20
    assert "applied" not in world.status("acme")
    world.elasticsearch.down = False
    world.kube.put(plan("starter"))
    await world.converge("acme")
    assert world.postgres.known_roles["acme-00000001.app"].connection_limit != 20
    assert told(world, "DriftRepaired") == []
    assert "applied" in world.status("acme")


@pytest.mark.parametrize("policy", ["Retain", "Delete"])
async def test_a_deletion_waits_for_a_pause_of_everything_whatever_becomes_of_the_data(policy: str) -> None:
    world = await ready_world()
    tenant = world.tenant("acme")
    change(world, pause="Everything", deletionPolicy=policy)
    await world.converge("acme")
    world.retire("acme")
    world.forget_writes()
    outcome = await world.converge("acme")
    assert (tenants(world), outcome.failed, outcome.again_in) == ([], False, None)
    assert world.condition("acme", "Ready") == ("False", "DeletionHeld")
    assert ("kept" if policy == "Retain" else "deleted") in world.status("acme")["message"]
    operation = world.status("acme")["operation"]
    assert (operation["type"], operation["state"], operation["progress"]) == ("Delete", "Waiting", 0)
    assert world.status("acme")["phase"] == "Deleting"
    assert world.kept(tenant) is None
    assert schema_takes(world)
    await quiet(world)
    change(world, pause=None)
    await world.converge("acme")
    assert world.kube.find(BROKERAGE, "acme") is None
    assert world.registry.state(tenant) == ("kept" if policy == "Retain" else "deleted")
    assert (world.kept(tenant) is not None) == (policy == "Retain")


async def test_what_was_going_on_when_everything_was_paused_is_said_to_wait() -> None:
    world = await ready_world()
    change(world, displayName="Acme West")
    await world.reconciler.reconcile("acme")
    assert world.status("acme")["operation"]["state"] == "Running"
    change(world, pause="Everything")
    await world.converge("acme")
    operation = world.status("acme")["operation"]
    assert (operation["type"], operation["state"]) == ("Update", "Waiting")
    assert "spec.pause is Everything" in operation["message"]
    assert world.condition("acme", "Reconciling") == ("absent", "absent")
    await quiet(world)
    change(world, pause=None)
    await world.converge("acme")
    assert world.status("acme")["operation"]["state"] == "Succeeded"


async def left_alone(policy: str = "Retain") -> tuple[World, TenantId]:
    """A brokerage that was only observed, and is deleted."""
    world = await ready_world()
    tenant = world.tenant("acme")
    world.s3.buckets[str(tenant)].objects = {"photo": b"x"}
    change(world, managementPolicy="Observe", deletionPolicy=policy)
    await world.converge("acme")
    world.retire("acme")
    await world.converge("acme")
    assert world.kube.find(BROKERAGE, "acme") is None
    return world, tenant


@pytest.mark.parametrize("policy", ["Retain", "Delete"])
async def test_what_was_only_observed_outlives_its_brokerage_whatever_the_policy_and_no_time_purges_it(
    policy: str,
) -> None:
    world, tenant = await left_alone(policy)
    before = data_of(world, tenant)
    world.later = timedelta(days=4000)
    world.forget_writes()
    await world.purges()
    assert tenants(world) == []
    assert data_of(world, tenant) == before
    assert world.registry.state(tenant) == "kept"
    assert world.child_of(tenant, DEPLOYMENT, "app") is not None
    world.kube.put(brokerage("acme", tenantID=str(tenant)))
    await world.converge("acme")
    assert (world.tenant("acme"), world.status("acme")["phase"]) == (tenant, "Ready")
    assert world.kept(tenant) is None
    assert world.s3.buckets[str(tenant)].objects == {"photo": b"x"}


async def test_a_person_can_purge_what_was_only_observed() -> None:
    world, tenant = await left_alone()
    order(world, tenant, str(tenant))
    await world.purges()
    assert world.traces(tenant) == []
    assert world.registry.state(tenant) == "deleted"


@BOTH
async def test_a_held_claim_takes_nothing_over_and_says_that_the_time_goes_on(level: dict[str, str]) -> None:
    world = await ready_world()
    tenant = world.tenant("acme")
    world.retire("acme")
    await world.converge("acme")
    world.kube.put(brokerage("acme", tenantID=str(tenant), **level))
    world.forget_writes()
    await world.converge("acme")
    assert tenants(world) == []
    assert world.registry.state(tenant) == "kept"
    assert f"{tenant} is not claimed" in world.status("acme")["message"]
    assert world.kept(tenant) is not None
    await quiet(world)
    change(world, **FREE)
    await world.converge("acme")
    assert (world.tenant("acme"), world.status("acme")["phase"]) == (tenant, "Ready")
    assert world.kept(tenant) is None


async def test_observing_a_brokerage_that_came_back_leaves_what_is_kept_of_it() -> None:
    world = await ready_world()
    tenant = world.tenant("acme")
    world.retire("acme")
    await world.converge("acme")
    kept = deepcopy(world.kept(tenant))
    world.kube.put(brokerage("acme", tenantID=str(tenant)))
    await world.converge("acme")
    assert kept is not None
    world.kube.put(kept)
    change(world, managementPolicy="Observe")
    world.forget_writes()
    await world.converge("acme")
    assert tenants(world) == []
    assert world.kept(tenant) is not None
    change(world, managementPolicy="Manage")
    await world.converge("acme")
    assert world.kept(tenant) is None


async def test_a_suspended_brokerage_fits_into_a_plan_that_its_pods_did_not_fit_into() -> None:
    world = await large_world()
    change(world, plan="small")
    await world.converge("acme")
    assert world.condition("acme", "Ready") == ("False", "PlanTooSmall")
    change(world, suspend=BILLING)
    await world.converge("acme")
    assert (pods_quota(world), world.status("acme")["phase"]) == (str(SMALL["quota"]["pods"]), "Suspended")
    assert world.condition("acme", "PlanApplied") == ("absent", "absent")
    change(world, suspend=None)
    await world.converge("acme")
    assert (running(world), world.status("acme")["phase"]) == ({"app": 1}, "Ready")


async def test_a_smaller_plan_that_comes_with_a_suspension_is_not_refused_for_pods_that_are_about_to_go() -> None:
    world = await large_world()
    change(world, plan="small", suspend=BILLING)
    await world.reconciler.reconcile("acme")
    assert pods_quota(world) == str(SMALL["quota"]["pods"])
    await world.converge("acme")
    assert world.status("acme")["phase"] == "Suspended"
    assert told(world, "PlanTooSmall") == []


async def test_a_plan_that_is_too_small_by_itself_holds_no_suspension_but_the_resumption() -> None:
    tiny = {**LARGE, "replicas": {"min": 4, "max": 4}, "quota": {"pods": 4, "cpu": "20", "memory": "8Gi"}}
    world = await large_world()
    world.kube.put(plan("tiny", **tiny))
    change(world, plan="tiny", suspend=BILLING)
    await world.converge("acme")
    assert (running(world), world.status("acme")["plan"]["name"]) == ({"app": 0}, "large")
    assert world.condition("acme", "PlanApplied") == ("False", "PlanTooSmall")
    world = await large_world()
    world.kube.put(plan("large", **tiny))
    change(world, suspend=BILLING)
    await world.converge("acme")
    assert (running(world), world.status("acme")["phase"]) == ({"app": 0}, "Suspended")
    assert "it is applied as long as no pod runs" in message(world, "PlanApplied")
    change(world, suspend=None)
    outcome = await world.converge("acme")
    assert (running(world), outcome.failed, outcome.again_in) == ({"app": 0}, False, None)
    assert world.condition("acme", "Ready") == ("False", "PlanTooSmall")
    await quiet(world)
    world.kube.put(plan("large", **{**tiny, "quota": {"pods": 9, "cpu": "20", "memory": "8Gi"}}))
    await world.converge("acme")
    assert (running(world), world.status("acme")["phase"]) == ({"app": 4}, "Ready")


async def test_secrets_are_kept_up_for_a_suspended_brokerage_whose_changes_are_paused() -> None:
    world = await suspended_world()
    change(world, pause="Changes")
    await world.converge("acme")
    del world.kube.objects[SECRET.kind, f"tenant-{world.tenant('acme')}", "migrator"]
    await world.converge("acme")
    assert world.child("acme", SECRET, "migrator") is not None
    assert set(running(world).values()) == {0}


@pytest.mark.parametrize("after", [False, True], ids=["call-fails", "answer-is-lost"])
async def test_a_suspension_over_a_pause_bears_any_single_failed_call(after: bool) -> None:
    async def lived(at: int | None) -> tuple[dict[str, Any], int]:
        world = await world_of()
        world.faults.calls, world.faults.at, world.faults.after = 0, at, after
        change(world, suspend=BILLING)
        with suppress(Unavailable):  # the one that is injected; the pass that follows is that of the pause
            await world.reconciler.reconcile("acme")
        change(world, pause="Changes")
        await world.converge("acme")
        change(world, pause=None)
        await world.converge("acme")
        return world.inventory(), world.faults.calls

    expected, calls = await lived(None)
    for at in range(1, calls + 1, 5):
        assert (await lived(at))[0] == expected, f"differs after a failure of call {at}"


@pytest.mark.parametrize("after", [False, True], ids=["call-fails", "answer-is-lost"])
async def test_leaving_an_observed_brokerage_and_taking_it_over_bears_any_single_failed_call(after: bool) -> None:
    async def lived(at: int | None) -> tuple[dict[str, Any], int]:
        world = await ready_world()
        tenant = world.tenant("acme")
        change(world, managementPolicy="Observe")
        await world.converge("acme")
        world.faults.calls, world.faults.at, world.faults.after = 0, at, after
        world.retire("acme")
        await world.converge("acme")
        assert world.kube.find(BROKERAGE, "acme") is None
        world.kube.put(brokerage("acme", tenantID=str(tenant)))
        await world.converge("acme")
        return world.inventory(), world.faults.calls

    expected, calls = await lived(None)
    for at in range(1, calls + 1, 3):
        assert (await lived(at))[0] == expected, f"differs after a failure of call {at}"
