"""A smaller plan that a brokerage does not fit into is refused with figures, and nothing of it is applied."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from rooftree_operator import fitting
from rooftree_operator.adapters.kubernetes import AUTOSCALER, BROKERAGE, DEPLOYMENT, NAMESPACE, QUOTA
from rooftree_operator.api.plan import BrokeragePlanSpec
from rooftree_operator.fitting import Amount, Use

from .test_hands import change, message, tenants, told
from .test_plans import APART, TENANT
from .world import World, brokerage, plan

POD = Amount(Decimal(1), Decimal(1), Decimal(320 * 2**20))
USER = "acme-00000001.app"
LARGE: dict[str, Any] = {
    "replicas": {"min": 2, "max": 4},
    "database": {"connections": 60},
    "quota": {"pods": 20, "cpu": "20", "memory": "8Gi"},
}
SMALL: dict[str, Any] = {"replicas": {"min": 1, "max": 4}, "quota": {"pods": 3, "cpu": "20", "memory": "8Gi"}}
FITTING: dict[str, Any] = {
    "replicas": {"min": 1, "max": 4},
    "quota": {"pods": 5, "cpu": "20", "memory": "8Gi"},
    "database": {"connections": 20},
}


def using(pods: int) -> Use:
    return Use(Amount().plus(POD, pods), pods, POD)


def spec(**values: Any) -> BrokeragePlanSpec:
    return BrokeragePlanSpec.model_validate({"displayName": "New", **values})


@pytest.mark.parametrize(
    ("use", "values", "reason"),
    [
        (using(1), {}, None),
        (Use(), {}, None),
        (using(1), {"quota": {"pods": 2}}, None),
        (using(2), {"replicas": {"min": 1, "max": 2}, "quota": {"pods": 2}}, "quota.pods is 2, and what runs now, "
         "with one new pod, needs 3"),
        # Those above the new most go before anything else happens.
        (using(4), {"replicas": {"min": 1, "max": 1}, "quota": {"pods": 2}}, None),
        (using(1), {"replicas": {"min": 3, "max": 3}, "quota": {"pods": 3}}, "quota.pods is 3, and its pods need 4"),
        (using(1), {"quota": {"memory": "512Mi"}}, "quota.memory is 512Mi, and its pods need 640Mi"),
        (using(3), {"replicas": {"min": 1, "max": 3}, "quota": {"memory": "1Gi"}}, "quota.memory is 1Gi, and what runs "
         "now, with one new pod, needs 1280Mi"),
        (using(1), {"quota": {"cpu": "1500m"}}, "quota.cpu is 1500m, and its pods need 2"),
        (using(3), {"replicas": {"min": 1, "max": 3}, "database": {"connections": 8}}, "database.connections is 8, and "
         "its pods need 12"),
    ],
)  # fmt: skip
def test_a_plan_is_judged_by_what_runs_and_by_what_it_needs_itself(
    use: Use, values: dict[str, Any], reason: str | None
) -> None:
    assert fitting.fits(TENANT, use, spec(**values)) == reason


def test_modules_with_pods_of_their_own_need_more_of_everything() -> None:
    enough = {"database": {"connections": 24}, "quota": {"pods": 4, "cpu": "4"}}
    assert fitting.fits(APART, Use(), spec(**enough)) is None
    for name, value, need in (("database", {"connections": 23}, "24"), ("quota", {"pods": 3}, "4")):
        reason = fitting.fits(APART, Use(), spec(**{**enough, name: value}))
        assert reason is not None
        assert reason.endswith(f"its pods need {need}")


def test_use_is_what_the_quota_counts_and_what_the_deployment_has() -> None:
    assert fitting.used(None, None) == Use()
    quota = {"status": {"used": {"pods": "3", "limits.cpu": "2500m", "limits.memory": "1Gi"}}}
    container = {"resources": {"limits": {"cpu": "500m", "memory": "320Mi"}}}
    deployment = {"spec": {"replicas": 2, "template": {"spec": {"containers": [container]}}}}
    assert fitting.used(quota, deployment) == Use(
        Amount(Decimal(3), Decimal("2.5"), Decimal(2**30)), 2, replace(POD, cpu=Decimal("0.5"))
    )


async def large_world() -> World:
    """A brokerage that an autoscaler has scaled to three pods."""
    world = World()
    await world.release("1.0.0")
    world.kube.put(plan("large", **LARGE))
    world.kube.put(plan("small", **SMALL))
    world.kube.put(brokerage("acme", plan="large", autoscaling={"mode": "hpa"}))
    await world.converge("acme")
    await world.kube.scale("app", f"tenant-{world.tenant('acme')}", 3)
    await world.converge("acme")
    world.forget_writes()
    return world


def pods_quota(world: World) -> str:
    found = world.child("acme", QUOTA, "tenant")
    assert found is not None
    return found["spec"]["hard"]["pods"]


async def test_the_former_plan_stays_in_force_and_all_else_goes_on() -> None:
    world = await large_world()
    change(world, plan="small", displayName="Acme West")
    await world.converge("acme")
    assert pods_quota(world) == "20"
    assert world.postgres.known_roles[USER].connection_limit == 60
    assert world.condition("acme", "PlanApplied") == ("False", "PlanTooSmall")
    text = message(world, "PlanApplied")
    assert "quota.pods is 3, and what runs now, with one new pod, needs 4" in text
    assert "plan large stays in force" in text
    assert "a platform admin must raise it in plan small" in text
    assert world.condition("acme", "Ready") == ("False", "PlanTooSmall")
    assert world.condition("acme", "WorkloadReady")[0] == "True"
    assert world.status("acme")["plan"]["name"] == "large"
    assert len(told(world, "PlanTooSmall")) == 2  # of PlanApplied and of Ready
    deployment = world.child("acme", DEPLOYMENT, "app")
    assert "Acme West" in str(deployment), "what is not of the plan is done"
    world.forget_writes()
    await world.converge("acme")
    assert world.writes() == []


@pytest.mark.parametrize("how", ["raised", "fewer-pods", "back"])
async def test_the_plan_comes_into_force_as_soon_as_the_brokerage_fits(how: str) -> None:
    world = await large_world()
    change(world, plan="small")
    await world.converge("acme")
    if how == "raised":
        world.kube.put(plan("small", **FITTING))
    elif how == "fewer-pods":
        await world.kube.scale("app", f"tenant-{world.tenant('acme')}", 2)
        world.settle()
    else:
        change(world, plan="large")
    await world.converge("acme")
    assert world.condition("acme", "PlanApplied") == ("absent", "absent")
    assert world.status("acme")["phase"] == "Ready"
    assert pods_quota(world) == {"raised": "5", "fewer-pods": "3", "back": "20"}[how]
    assert told(world, "DriftRepaired") == []


@pytest.mark.parametrize("gone", [False, True], ids=["made-smaller-in-place", "former-plan-gone"])
async def test_nothing_of_a_plan_is_applied_where_the_former_one_is_not_known_any_more(gone: bool) -> None:
    world = await large_world()
    if gone:
        change(world, plan="small")
        del world.kube.objects["BrokeragePlan", None, "large"]
    else:
        world.kube.put(plan("large", **{**SMALL, "database": {"connections": 12}}))
    await world.converge("acme")
    assert tenants(world) == []
    assert (pods_quota(world), world.postgres.known_roles[USER].connection_limit) == ("20", 60)
    assert world.condition("acme", "PlanApplied") == ("False", "PlanTooSmall")
    assert "nothing of it is applied" in message(world, "PlanApplied")
    assert world.condition("acme", "NamespaceReady") == ("False", "ChangesHeld")
    assert world.condition("acme", "Paused") == ("absent", "absent")
    world.elasticsearch.users.pop(USER)
    await world.converge("acme")
    assert USER in world.elasticsearch.users, "what keeps it running is kept up"
    world.forget_writes()
    await world.converge("acme")
    assert world.writes() == []
    world.kube.put(plan("small" if gone else "large", **FITTING))
    await world.converge("acme")
    assert (pods_quota(world), world.status("acme")["phase"]) == ("5", "Ready")


async def test_a_restarted_operator_still_knows_which_plan_is_in_force() -> None:
    world = await large_world()
    change(world, plan="small")
    await world.converge("acme")
    world.reconciler = world.restarted()
    world.forget_writes()
    await world.converge("acme")
    assert tenants(world) == [w for w in tenants(world) if "probe" in w], "every login is tried once, no more"
    assert pods_quota(world) == "20"


async def test_a_new_brokerage_and_one_of_an_older_operator_are_not_judged() -> None:
    world = await large_world()
    item = world.kube.find(BROKERAGE, "acme")
    assert item is not None
    del item["status"]["plan"]
    change(world, plan="small")
    await world.converge("acme")
    assert pods_quota(world) == "3"
    assert world.status("acme")["plan"]["name"] == "small"


async def test_a_plan_of_other_limits_that_suffice_is_just_applied() -> None:
    world = await large_world()
    world.kube.put(plan("small", **FITTING))
    change(world, plan="small")
    await world.converge("acme")
    assert pods_quota(world) == "5"
    scaler = world.child("acme", AUTOSCALER, "app")
    assert scaler is not None
    assert (scaler["spec"]["minReplicas"], scaler["spec"]["maxReplicas"]) == (1, 4)


async def test_a_namespace_that_is_gone_when_the_plan_changes_is_made_again_with_the_new_plan() -> None:
    world = await large_world()
    await world.kube.delete(NAMESPACE, f"tenant-{world.tenant('acme')}")
    world.settle()
    change(world, plan="small")
    await world.converge("acme")
    assert world.status("acme")["phase"] == "Ready"
    assert pods_quota(world) == "3", "nothing is in use any more"


async def test_a_plan_in_force_that_was_deleted_is_said_as_before() -> None:
    world = await large_world()
    del world.kube.objects["BrokeragePlan", None, "large"]
    await world.converge("acme")
    assert world.condition("acme", "Ready") == ("False", "PlanUnknown")


@pytest.mark.parametrize("after", [False, True], ids=["call-fails", "answer-is-lost"])
async def test_a_refused_plan_bears_any_single_failed_call(after: bool) -> None:
    async def lived(at: int | None) -> tuple[dict[str, Any], int]:
        world = await large_world()
        world.faults.calls, world.faults.at, world.faults.after = 0, at, after
        change(world, plan="small")
        await world.converge("acme")
        assert pods_quota(world) == "20"
        world.kube.put(plan("small", **FITTING))
        await world.converge("acme")
        return world.inventory(), world.faults.calls

    expected, calls = await lived(None)
    for at in range(1, calls + 1, 7):
        assert (await lived(at))[0] == expected, f"differs after a failure of call {at}"
