"""A brokerage is suspended and resumed: what goes, what stays, and what its visitors meet meanwhile."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from rooftree_operator import host_pages, routing
from rooftree_operator.adapters.kubernetes import (
    AUTOSCALER,
    BROKERAGE,
    DEPLOYMENT,
    GRANT,
    JOB,
    POD,
    ROUTE,
    SERVICE,
    SLICE,
)
from rooftree_operator.api.brokerage import Suspend
from rooftree_operator.drift import Object

from .test_plans import TENANT
from .world import NAMESPACE, PASSES, World, brokerage, plan

HOST = "acme.rooftree.localhost"
BILLING = {"reason": "billing", "message": "Back on Monday"}
TOPOLOGIES = pytest.mark.parametrize("topology", ["monolith", "microservices"])
CALLS = 300  # more than a suspension or a resumption takes; the tests below check that


async def world_of(topology: str = "monolith", **spec: Any) -> World:
    """One brokerage, at rest."""
    world = World()
    await world.release("1.0.0")
    world.kube.put(plan("large", replicas={"min": 2, "max": 3}, database={"connections": 60}))
    world.kube.put(brokerage("acme", plan="large", topology=topology, **spec))
    await world.converge("acme")
    return world


async def suspended_world(topology: str = "monolith") -> World:
    world = await world_of(topology)
    declare(world, suspend=BILLING)
    await world.converge("acme")
    return world


def declare(world: World, **spec: Any) -> None:
    """Changes the Brokerage's spec; None removes a field."""
    item = world.kube.find(BROKERAGE, "acme")
    assert item is not None
    changed = {name: value for name, value in {**item["spec"], **spec}.items() if value is not None}
    world.kube.put({**item, "spec": changed})


def running(world: World) -> dict[str, int]:
    """By Deployment, how many pods it wants."""
    return {
        name: item["spec"]["replicas"] for (kind, _, name), item in world.kube.objects.items() if kind == "Deployment"
    }


def pods(world: World) -> list[str]:
    return sorted(name for kind, _, name in world.kube.objects if kind == POD.kind)


def backends(world: World) -> dict[str, Any]:
    """What there is of the brokerage outside of Kubernetes, and its Secrets."""
    seen = world.inventory()
    kept = {name: seen[name] for name in ("roles", "databases", "content", "kafka", "elasticsearch", "redis", "s3")}
    secrets = {key: item["data"] for key, item in world.kube.objects.items() if key[0] == "Secret"}
    return {**kept, "secrets": secrets}


def without_brokerage(world: World) -> dict[str, Any]:
    """All that there is, but the Brokerage itself: that has another generation after each change."""
    seen = world.inventory()
    return {**seen, "objects": {key: item for key, item in seen["objects"].items() if key[0] != "Brokerage"}}


def reasons_of_events(world: World) -> list[str]:
    return [item["reason"] for key, item in world.kube.objects.items() if key[0] == "Event"]


def conditions(world: World) -> dict[str, str]:
    return {entry["type"]: entry["status"] for entry in world.status("acme")["conditions"]}


async def watched(world: World, until: Callable[[], bool]) -> list[tuple[int, str]]:
    """Lets it converge, one pass and one step of the cluster after the other; whom visitors met after each of them.

    The edge learns before pods have followed, and once more after them.
    """
    met: list[tuple[int, str]] = []
    for _ in range(PASSES):
        await world.reconciler.reconcile("acme")
        met.append(world.edge.visit(HOST))
        world.edge.learn()
        met.append(world.edge.visit(HOST))
        world.kube.settle()
        met.append(world.edge.visit(HOST))
        world.edge.learn()
        met.append(world.edge.visit(HOST))
        if until():
            return met
    raise AssertionError(f"not within {PASSES} passes; {world.status('acme')}")


@TOPOLOGIES
async def test_a_suspended_brokerage_has_no_pods_and_a_page_and_keeps_everything_else(topology: str) -> None:
    world = await world_of(topology)
    before = backends(world)
    kept = {key for key in world.kube.of_tenants() if key[0] not in ("Pod", "EndpointSlice")}
    assert len(pods(world)) == (2 if topology == "monolith" else 6)
    declare(world, suspend=BILLING)
    await world.converge("acme")
    assert pods(world) == []
    assert set(running(world).values()) == {0}
    assert world.edge.visit(HOST) == (402, "page")
    assert backends(world) == before
    assert kept <= set(world.kube.of_tenants())
    status = world.status("acme")
    assert (status["phase"], status["replicas"], status["version"]) == ("Suspended", 0, "1.0.0")
    assert world.condition("acme", "Ready") == ("False", "Suspended")
    assert world.condition("acme", "Suspended") == ("True", "Billing")
    assert world.condition("acme", "WorkloadReady") == ("True", "Suspended")
    others = {kind: stands for kind, stands in conditions(world).items() if kind != "Ready"}
    assert set(others.values()) == {"True"}
    assert not {"Reconciling", "Stalled"} & others.keys()


@TOPOLOGIES
async def test_a_resumed_brokerage_is_what_it_was(topology: str) -> None:
    world = await world_of(topology)
    before, stood = without_brokerage(world), conditions(world)
    declare(world, suspend=BILLING)
    await world.converge("acme")
    declare(world, suspend=None)
    await world.converge("acme")
    assert without_brokerage(world) == before
    assert conditions(world) == stood
    assert world.condition("acme", "Ready") == ("True", "Answering")
    assert world.condition("acme", "Suspended") == ("absent", "absent")
    assert world.edge.visit(HOST) == (200, "app")


@pytest.mark.parametrize(
    ("reason", "told", "status"), [("billing", "Billing", 402), ("idle", "Idle", 503), ("manual", "Manual", 503)]
)
async def test_each_reason_is_told_to_admins_and_visitors(reason: str, told: str, status: int) -> None:
    world = await world_of()
    declare(world, suspend={"reason": reason})
    await world.converge("acme")
    assert world.condition("acme", "Suspended") == ("True", told)
    assert world.edge.visit(HOST) == (status, "page")


@TOPOLOGIES
async def test_visitors_meet_the_app_and_then_the_page_and_nothing_else(topology: str) -> None:
    world = await world_of(topology)
    declare(world, suspend=BILLING)
    met = await watched(world, lambda: world.condition("acme", "Suspended")[0] == "True")
    assert set(met) == {(200, "app"), (402, "page")}
    assert met == sorted(met), "the app first, then the page"
    declare(world, suspend=None)
    met = await watched(world, lambda: world.condition("acme", "Ready")[0] == "True")
    assert set(met) == {(200, "app"), (402, "page")}
    assert met == sorted(met, reverse=True), "the page first, then the app"


async def test_pods_go_only_when_the_edge_has_accepted_the_route_to_the_page() -> None:
    world = await world_of()
    declare(world, suspend=BILLING)
    world.forget_writes()
    for _ in range(3):
        await world.reconciler.reconcile("acme")
    assert [write for write in world.kube.writes if "HTTPRoute" in write] == ["apply HTTPRoute app"]
    assert not any(write.startswith("scale") for write in world.kube.writes)
    assert world.condition("acme", "Suspended") == ("False", "Suspending")
    assert world.condition("acme", "WorkloadReady") == ("False", "Suspending")
    world.settle()
    await world.reconciler.reconcile("acme")
    assert [write for write in world.kube.writes if write.startswith("scale")] == ["scale app"]
    assert running(world) == {"app": 0}


async def test_it_is_reconciling_until_the_last_pod_has_ended() -> None:
    world = await world_of()
    declare(world, suspend=BILLING)
    await world.reconciler.reconcile("acme")
    world.settle()
    await world.reconciler.reconcile("acme")
    world.settle()
    assert len(pods(world)) == 2, "they are ending"
    outcome = await world.reconciler.reconcile("acme")
    assert outcome.again_in == 1.0
    assert world.condition("acme", "Suspended") == ("False", "PodsLeaving")
    assert world.condition("acme", "Reconciling") == ("True", "PodsLeaving")
    assert world.status("acme")["phase"] == "Suspended"
    world.settle()
    outcome = await world.reconciler.reconcile("acme")
    assert (outcome.failed, outcome.again_in) == (False, None)
    assert world.condition("acme", "Reconciling") == ("absent", "absent")


@TOPOLOGIES
async def test_a_resumption_starts_all_pods_in_its_first_pass_and_is_waited_for_by_events_alone(topology: str) -> None:
    world = await suspended_world(topology)
    declare(world, suspend=None)
    await world.reconciler.reconcile("acme")
    assert set(running(world).values()) == {2}, "the plan's least"
    route = world.child("acme", ROUTE, "app")
    assert routing.leads_to_page(route)
    world.kube.settle()  # the pods are there, which the operator hears
    await world.reconciler.reconcile("acme")
    assert not routing.leads_to_page(world.child("acme", ROUTE, "app"))
    assert world.condition("acme", "Ready")[1] == "RouteChanging"
    world.settle()  # the edge has accepted the route, which the operator hears
    await world.reconciler.reconcile("acme")
    assert world.condition("acme", "Ready") == ("True", "Answering")


async def test_visitors_are_led_to_the_app_only_when_the_edge_can_find_a_pod() -> None:
    world = await suspended_world()
    space = f"tenant-{world.tenant('acme')}"
    declare(world, suspend=None)
    await world.reconciler.reconcile("acme")
    world.settle()
    late = world.kube.objects[SLICE.kind, space, "app"]
    ready, late["endpoints"] = late["endpoints"], [{"conditions": {"ready": False}}]
    outcome = await world.reconciler.reconcile("acme")
    assert outcome.again_in == 0.2
    assert world.condition("acme", "RouteReady") == ("False", "Resuming")
    assert routing.leads_to_page(world.child("acme", ROUTE, "app"))
    late["endpoints"] = ready
    await world.reconciler.reconcile("acme")
    assert not routing.leads_to_page(world.child("acme", ROUTE, "app"))


async def test_visitors_are_not_led_to_a_gateway_before_all_its_modules_can_answer() -> None:
    world = await suspended_world("microservices")
    declare(world, suspend=None)
    await world.reconciler.reconcile("acme")
    world.settle()
    starting = world.child("acme", DEPLOYMENT, "property")
    assert starting is not None
    starting["status"]["availableReplicas"] = 0
    await world.reconciler.reconcile("acme")
    assert routing.leads_to_page(world.child("acme", ROUTE, "app"))
    await world.converge("acme")
    assert world.edge.visit(HOST) == (200, "app")


async def test_an_edge_that_still_shows_the_page_is_waited_for_and_is_no_failure() -> None:
    world = await suspended_world()
    declare(world, suspend=None)
    await world.reconciler.reconcile("acme")
    world.settle()
    await world.reconciler.reconcile("acme")
    world.kube.settle()  # accepted, and not followed yet
    outcome = await world.reconciler.reconcile("acme")
    assert (outcome.failed, outcome.again_in) == (False, 0.25)
    assert world.condition("acme", "Ready") == ("False", "Resuming")
    assert "EdgeProbeFailed" not in reasons_of_events(world)


@pytest.mark.parametrize("passes", [1, 2, 3])
async def test_who_is_resumed_before_the_pods_have_gone_loses_no_visitor(passes: int) -> None:
    world = await world_of()
    declare(world, suspend=BILLING)
    for _ in range(passes):
        await world.reconciler.reconcile("acme")
        world.settle()
    declare(world, suspend=None)
    met = await watched(world, lambda: world.condition("acme", "Ready")[0] == "True")
    assert {who for _, who in met} <= {"app", "page"}
    assert running(world) == {"app": 2}


async def test_pods_that_are_just_about_to_go_are_no_reason_to_lead_visitors_to_the_app() -> None:
    world = await world_of()
    declare(world, suspend=BILLING)
    await world.reconciler.reconcile("acme")
    world.settle()
    await world.reconciler.reconcile("acme")
    assert running(world) == {"app": 0}
    declare(world, suspend=None)
    for _ in range(2):  # none of which the cluster has noticed yet
        await world.reconciler.reconcile("acme")
        assert routing.leads_to_page(world.child("acme", ROUTE, "app"))
    await world.converge("acme")
    assert world.edge.visit(HOST) == (200, "app")


@TOPOLOGIES
async def test_a_second_pass_over_a_suspended_brokerage_writes_nothing(topology: str) -> None:
    world = await suspended_world(topology)
    for change in ({}, {"suspend": {"reason": "idle"}}, {"displayName": "Other"}, {"suspend": None}):
        declare(world, **change)
        await world.converge("acme")
        world.forget_writes()
        await world.converge("acme")
        assert world.writes() == []


@TOPOLOGIES
async def test_a_brokerage_that_is_created_suspended_gets_everything_but_pods(topology: str) -> None:
    world = World()
    await world.release("1.0.0")
    world.kube.put(plan("large", replicas={"min": 2, "max": 3}, database={"connections": 60}))
    world.kube.put(brokerage("acme", plan="large", topology=topology, suspend=BILLING))
    for _ in range(PASSES):
        await world.reconciler.reconcile("acme")
        world.settle()
        assert pods(world) == []
    assert world.condition("acme", "Ready") == ("False", "Suspended")
    assert world.status("acme")["phase"] == "Suspended"
    assert world.edge.visit(HOST) == (402, "page")
    assert str(world.tenant("acme")) in world.postgres.known
    assert world.child("acme", SERVICE, "app") is not None
    assert reasons_of_events(world).count("Suspended") == 1
    world.forget_writes()
    await world.converge("acme")
    assert world.writes() == []
    declare(world, suspend=None)
    met = await watched(world, lambda: world.condition("acme", "Ready")[0] == "True")
    assert set(met) == {(200, "app"), (402, "page")}
    await world.converge("acme")
    expected = (await world_of(topology)).inventory()
    assert _without_ids(world.inventory()) == _without_ids(expected)


def _without_ids(inventory: dict[str, Any]) -> dict[str, Any]:
    """What can be compared between two worlds: each mints ids of its own."""
    return {"kinds": sorted((kind, name.startswith("tenant-") or name) for kind, _, name in inventory["objects"])}


@TOPOLOGIES
async def test_a_new_version_reaches_a_suspended_brokerage_without_a_pod_of_the_app(topology: str) -> None:
    world = await suspended_world(topology)
    await world.release("1.1.0", "r2")
    jobs = 0
    for _ in range(PASSES):
        await world.reconciler.reconcile("acme")
        world.settle()
        jobs += any(key[0] == JOB.kind and key[1] != NAMESPACE for key in world.kube.objects)
        assert pods(world) == []
    assert jobs
    for name in running(world):
        deployment = world.child("acme", DEPLOYMENT, name)
        assert deployment is not None
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        assert container["image"] == "localhost/app:1.1.0"
    assert world.condition("acme", "MigrationsApplied")[0] == "True"
    assert world.condition("acme", "Ready") == ("False", "Suspended")
    declare(world, suspend=None)
    await world.converge("acme")
    assert world.status("acme")["version"] == "1.1.0"


async def test_a_new_version_that_comes_with_the_suspension_rolls_no_pods() -> None:
    world = await world_of()
    await world.release("1.1.0")
    declare(world, suspend=BILLING)
    await world.reconciler.reconcile("acme")
    await world.reconciler.reconcile("acme")
    assert _image(world) == "localhost/app:1.0.0"
    await world.converge("acme")
    assert _image(world) == "localhost/app:1.1.0"
    assert pods(world) == []


def _image(world: World) -> str:
    deployment = world.child("acme", DEPLOYMENT, "app")
    assert deployment is not None
    return deployment["spec"]["template"]["spec"]["containers"][0]["image"]


@pytest.mark.parametrize(("minimum", "maximum"), [(1, 1), (3, 3), (1, 4)])
async def test_a_changed_plan_reaches_a_suspended_brokerage_and_starts_nothing(minimum: int, maximum: int) -> None:
    world = await suspended_world()
    declare(world, autoscaling={"mode": "hpa"})
    changed = plan("large", replicas={"min": minimum, "max": maximum}, database={"connections": 50})
    world.kube.put(changed)
    await world.converge("acme")
    assert running(world) == {"app": 0}
    assert (world.child("acme", AUTOSCALER, "app") is not None) is (minimum < maximum)
    assert world.postgres.known_roles[f"{world.tenant('acme')}.app"].connection_limit == 50
    declare(world, suspend=None)
    await world.converge("acme")
    assert running(world) == {"app": minimum}


async def test_a_plan_that_fixes_the_number_brings_no_pod_back_while_they_go() -> None:
    world = await world_of()
    world.kube.put(plan("large", replicas={"min": 3, "max": 3}))
    declare(world, suspend=BILLING)
    world.forget_writes()
    await world.converge("acme")
    assert [write for write in world.kube.writes if write.startswith("scale")] == ["scale app"]
    assert running(world) == {"app": 0}


@pytest.mark.parametrize(("old", "new"), [("monolith", "microservices"), ("microservices", "monolith")])
async def test_the_topology_can_be_changed_while_suspended(old: str, new: str) -> None:
    world = await suspended_world(old)
    declare(world, topology=new)
    await world.converge("acme")
    assert set(running(world).values()) == {0}
    declare(world, suspend=None)
    met = await watched(world, lambda: world.condition("acme", "Ready")[0] == "True")
    assert {who for _, who in met} == {"app", "page"}
    await world.converge("acme")
    wanted = {"app"} if new == "monolith" else {"app", "identity", "property"}
    assert running(world) == dict.fromkeys(wanted, 2)


async def test_pods_that_somebody_starts_by_hand_are_stopped_again() -> None:
    world = await suspended_world()
    await world.kube.scale("app", f"tenant-{world.tenant('acme')}", 1)
    world.settle()
    await world.converge("acme")
    assert pods(world) == []
    assert world.condition("acme", "Suspended") == ("True", "Billing")


async def test_pods_that_somebody_set_to_none_stay_none_after_a_suspension_is_over() -> None:
    world = await suspended_world()
    declare(world, suspend=None)
    await world.converge("acme")
    await world.kube.scale("app", f"tenant-{world.tenant('acme')}", 0)
    await world.converge("acme")
    assert running(world) == {"app": 0}


def _postgres_away(world: World) -> None:
    world.postgres.down = True


def _plan_too_small(world: World) -> None:
    world.kube.put(plan("large", replicas={"min": 2, "max": 3}, database={"connections": 4}))


def _no_feed_secret(world: World) -> None:
    feed = {"name": "a", "url": "http://x.example", "tokenURL": "http://x.example/t"}
    declare(world, mls=[{**feed, "credentialsSecretRef": {"name": "missing"}}])


def _stuck(world: World) -> None:
    deployment = world.child("acme", DEPLOYMENT, "app")
    assert deployment is not None
    late = [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]
    deployment["status"] = {"conditions": late, "replicas": 2, "observedGeneration": 1}


@pytest.mark.parametrize("trouble", [_postgres_away, _plan_too_small, _no_feed_secret, _stuck])
async def test_a_brokerage_in_trouble_can_be_suspended_all_the_same(trouble: Callable[[World], None]) -> None:
    world = await world_of("microservices")
    trouble(world)
    await world.reconciler.reconcile("acme")
    declare(world, suspend=BILLING)
    for _ in range(8):
        await world.reconciler.reconcile("acme")
        world.settle()
    assert pods(world) == []
    assert world.condition("acme", "Suspended") == ("True", "Billing")
    assert world.status("acme")["phase"] == "Suspended"
    assert world.edge.visit(HOST) == (402, "page")


async def test_what_is_wrong_with_a_suspended_brokerage_is_told_and_heals() -> None:
    world = await suspended_world()
    world.postgres.down = True
    assert (await world.reconciler.reconcile("acme")).failed
    assert world.condition("acme", "Ready") == ("False", "PostgresUnreachable")
    assert world.condition("acme", "Suspended") == ("True", "Billing")
    world.postgres.down = False
    await world.converge("acme")
    assert world.condition("acme", "Ready") == ("False", "Suspended")


async def test_a_host_that_does_not_show_the_page_is_told_and_heals() -> None:
    world = await suspended_world()
    world.edge.page_is_down = True
    assert (await world.reconciler.reconcile("acme")).failed
    assert world.condition("acme", "Ready") == ("False", "EdgeProbeFailed")
    assert "the page of a suspended brokerage is missing" in world.status("acme")["message"]
    assert "answers 503" in world.status("acme")["message"]
    world.edge.page_is_down = False
    await world.converge("acme")
    assert world.condition("acme", "Ready") == ("False", "Suspended")


async def test_suspension_and_resumption_are_told_by_one_event_each() -> None:
    world = await suspended_world()
    world.postgres.down = True
    await world.reconciler.reconcile("acme")
    world.postgres.down = False
    await world.converge("acme")
    declare(world, plan="gone")
    await world.converge("acme")
    assert world.condition("acme", "Ready") == ("False", "PlanUnknown")
    assert world.condition("acme", "Suspended") == ("True", "Billing"), "it still is, though nobody can look at it"
    declare(world, plan="large")
    await world.converge("acme")
    assert reasons_of_events(world).count("Suspended") == 1
    assert "Resumed" not in reasons_of_events(world)
    declare(world, suspend=None)
    await world.converge("acme")
    await world.converge("acme")
    assert reasons_of_events(world).count("Suspended") == 1
    assert reasons_of_events(world).count("Resumed") == 1


async def test_another_reason_changes_the_page_and_nothing_else() -> None:
    world = await suspended_world()
    world.forget_writes()
    declare(world, suspend={"reason": "manual"})
    await world.converge("acme")
    assert world.edge.visit(HOST) == (503, "page")
    assert world.condition("acme", "Suspended") == ("True", "Manual")
    changed = {write for write in world.kube.writes if not write.startswith("create Event")}
    assert changed == {"apply HTTPRoute app", "apply Brokerage/status acme"}


async def test_a_route_that_is_lost_meanwhile_keeps_no_pods_away() -> None:
    world = await suspended_world()
    del world.kube.objects[ROUTE.kind, f"tenant-{world.tenant('acme')}", "app"]
    await world.converge("acme")
    assert world.edge.visit(HOST) == (402, "page")
    declare(world, suspend=None)
    del world.kube.objects[ROUTE.kind, f"tenant-{world.tenant('acme')}", "app"]
    await world.converge("acme")
    assert running(world) == {"app": 2}
    assert world.condition("acme", "Ready")[0] == "True"


async def test_a_status_that_is_lost_meanwhile_keeps_no_pods_away() -> None:
    world = await suspended_world()
    item = world.kube.find(BROKERAGE, "acme")
    assert item is not None
    item["status"] = {"tenantID": item["status"]["tenantID"]}
    declare(world, suspend=None)
    await world.converge("acme")
    assert running(world) == {"app": 2}


async def test_the_edge_knows_the_grant_before_a_route_needs_it() -> None:
    world = await world_of()
    tenant = world.tenant("acme")
    grant = world.kube.find(GRANT, f"tenant-{tenant}", NAMESPACE)
    assert grant is not None
    named = [(one["kind"], one["name"]) for one in grant["spec"]["to"]]
    assert named == [("Service", "unknown-host"), ("Service", "rooftree-activator")]
    # An operator before suspensions made none.
    del world.kube.objects[GRANT.kind, NAMESPACE, f"tenant-{tenant}"]
    declare(world, suspend=BILLING)
    outcome = await world.reconciler.reconcile("acme")
    assert outcome.again_in == 1.0
    assert not routing.leads_to_page(world.child("acme", ROUTE, "app"))
    met = await watched(world, lambda: world.condition("acme", "Suspended")[0] == "True")
    assert set(met) == {(200, "app"), (402, "page")}


async def test_a_grant_that_is_lost_comes_back_and_visitors_notice_nothing() -> None:
    world = await world_of()
    key = (GRANT.kind, NAMESPACE, f"tenant-{world.tenant('acme')}")
    del world.kube.objects[key]
    world.forget_writes()
    await world.reconciler.reconcile("acme")
    assert key in world.kube.objects
    grant, event = world.writes()
    assert grant == f"apply ReferenceGrant {key[2]}"
    assert event.startswith("create Event"), "the status says what it said before, and the loss is told once"
    assert reasons_of_events(world).count("DriftRepaired") == 1


@TOPOLOGIES
async def test_no_apply_of_ours_contains_replicas(topology: str) -> None:
    world = await suspended_world(topology)
    declare(world, suspend=None)
    await world.converge("acme")
    assert not any("replicas" in item.get("spec", {}) for item in world.kube.applied.values())


@pytest.mark.parametrize("after", [False, True], ids=["call-fails", "answer-is-lost"])
@pytest.mark.parametrize("suspends", [True, False], ids=["suspend", "resume"])
async def test_converging_after_any_single_failed_call_ends_equal(suspends: bool, after: bool) -> None:
    start, end = await world_of(), await suspended_world()
    if not suspends:
        start, end = end, start
    reached = 0
    for at in range(1, CALLS):
        world = deepcopy(start)
        declare(world, suspend=BILLING if suspends else None)
        world.faults.calls, world.faults.at, world.faults.after = 0, at, after
        await world.converge("acme")
        reached = world.faults.calls
        assert (running(world), _route(world)) == (running(end), _route(end)), f"differs after a failure of call {at}"
        assert world.condition("acme", "Ready")[1] == ("Suspended" if suspends else "Answering")
        assert conditions(world) == conditions(end)
        if at > reached:
            break
    assert reached < CALLS


def _route(world: World) -> Object:
    route = world.child("acme", ROUTE, "app")
    assert route is not None
    return route["spec"]


@pytest.mark.parametrize("created", [False, True], ids=["suspended-later", "created-suspended"])
async def test_deleting_a_suspended_brokerage_leaves_nothing(created: bool) -> None:
    world = await (world_of(suspend=BILLING) if created else suspended_world())
    tenant = world.tenant("acme")
    world.delete("acme")
    await world.converge("acme")
    assert world.kube.find(BROKERAGE, "acme") is None
    assert [key for key in world.kube.objects if str(tenant) in str(key)] == []
    assert str(tenant) not in world.postgres.known


def test_a_visitors_own_headers_are_overruled() -> None:
    names = {host_pages.HEADER_REASON, host_pages.HEADER_NAME, host_pages.HEADER_MESSAGE}
    for told in ({"reason": "idle"}, BILLING):
        spec = TENANT.spec.model_copy(update={"suspend": Suspend.model_validate(told)})
        (rule,) = routing.build_route(replace(TENANT, spec=spec))["spec"]["rules"]
        (change,) = [one["requestHeaderModifier"] for one in rule["filters"]]
        decided = {entry["name"] for entry in change["set"]} | set(change.get("remove", []))
        assert decided == names
