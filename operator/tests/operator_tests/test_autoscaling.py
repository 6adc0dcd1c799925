"""Who sets the number of pods: the autoscaler between the plan's limits, and nobody of ours against it."""

from typing import Any

from rooftree_operator.adapters.kubernetes import AUTOSCALER, BUDGET, DEPLOYMENT
from rooftree_operator.drift import Object

from .world import World, brokerage, plan

ROOMY: dict[str, Any] = {"database": {"connections": 60}, "quota": {"pods": 20, "cpu": "20", "memory": "8Gi"}}


async def world_with(minimum: int, maximum: int) -> World:
    world = World()
    await world.release("1.0.0")
    world.kube.put(plan("starter", replicas={"min": minimum, "max": maximum}, **ROOMY))
    world.kube.put(brokerage("acme", autoscaling={"mode": "hpa"}))
    await world.converge("acme")
    return world


async def replan(world: World, minimum: int, maximum: int) -> None:
    world.kube.put(plan("starter", replicas={"min": minimum, "max": maximum}, **ROOMY))
    world.forget_writes()
    await world.converge("acme")


def child(world: World, kind: str) -> Object:
    found = world.kube.objects[kind, f"tenant-{world.tenant('acme')}", "app"]
    return found["spec"]


async def test_between_two_limits_an_autoscaler_decides() -> None:
    world = await world_with(1, 3)
    spec = child(world, AUTOSCALER.kind)
    assert (spec["minReplicas"], spec["maxReplicas"]) == (1, 3)
    assert spec["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "app"}


async def test_no_more_pods_are_counted_than_connections_suffice_for_with_one_more_during_a_rollout() -> None:
    world = await world_with(1, 5)
    world.kube.put(plan("starter", replicas={"min": 1, "max": 5}, **{**ROOMY, "database": {"connections": 19}}))
    await world.converge("acme")
    assert child(world, AUTOSCALER.kind)["maxReplicas"] == 3, "four for each of three, and four for a new one"


async def test_a_count_that_the_autoscaler_set_stays_though_the_plan_begins_at_one() -> None:
    world = await world_with(1, 2)
    child(world, DEPLOYMENT.kind)["replicas"] = 2  # as the autoscaler does it: the apiserver tells nobody's field
    await world.converge("acme")
    assert child(world, DEPLOYMENT.kind)["replicas"] == 2


async def test_other_limits_of_the_plan_reach_the_autoscaler_and_leave_the_pods_to_it() -> None:
    world = await world_with(1, 3)
    await world.kube.scale("app", f"tenant-{world.tenant('acme')}", 3)
    await replan(world, 2, 5)
    spec = child(world, AUTOSCALER.kind)
    assert (spec["minReplicas"], spec["maxReplicas"]) == (2, 5)
    assert child(world, DEPLOYMENT.kind)["replicas"] == 3
    assert not any(write.startswith("scale") for write in world.kube.writes)


async def test_a_plan_that_fixes_the_number_has_no_autoscaler_and_is_followed_by_us() -> None:
    world = await world_with(1, 3)
    await replan(world, 2, 2)
    assert world.child("acme", AUTOSCALER, "app") is None
    assert child(world, DEPLOYMENT.kind)["replicas"] == 2
    await replan(world, 3, 3)
    assert child(world, DEPLOYMENT.kind)["replicas"] == 3
    await replan(world, 1, 4)
    assert child(world, AUTOSCALER.kind)["maxReplicas"] == 4
    assert child(world, DEPLOYMENT.kind)["replicas"] == 3, "from now on the autoscaler decides"


async def test_pods_that_somebody_set_to_none_stay_none() -> None:
    world = await world_with(2, 2)
    child(world, DEPLOYMENT.kind)["replicas"] = 0
    await replan(world, 2, 2)
    assert child(world, DEPLOYMENT.kind)["replicas"] == 0


async def test_a_drain_takes_one_pod_at_a_time_and_is_never_blocked() -> None:
    world = await world_with(1, 1)
    spec = child(world, BUDGET.kind)
    assert spec["maxUnavailable"] == 1
    assert spec["selector"] == {"matchLabels": {"app.kubernetes.io/name": "app"}}
