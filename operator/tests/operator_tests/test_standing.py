"""`status.errors`, `status.operation` and `status.constraints` through the life of a tenant."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from rooftree_operator import operation
from rooftree_operator.adapters.edge import Answer
from rooftree_operator.adapters.kubernetes import BROKERAGE, DEPLOYMENT, JOB
from rooftree_operator.api.brokerage import BrokerageStatus, Phase
from rooftree_operator.conditions import Report, State
from rooftree_operator.constraints import constraints
from rooftree_operator.operation import Situation

from .test_plans import APART
from .test_tenant_scenarios import ready_world
from .world import World, brokerage, now, plan

NOON = "2026-11-24T12:00:00Z"


def at_work(world: World, name: str = "acme") -> tuple[str, str, str]:
    """Type, state and step of the operation."""
    found = world.status(name)["operation"]
    return found["type"], found["state"], found["step"]


def wrong(world: World, name: str = "acme") -> list[tuple[str, str]]:
    """Condition and code of each error."""
    return [(entry["condition"], entry["code"]) for entry in world.status(name).get("errors", [])]


def change(world: World, name: str = "acme", **spec: Any) -> None:
    item = deepcopy(world.kube.find(BROKERAGE, name))
    assert item is not None
    item["spec"] |= spec
    world.kube.put(item)


async def test_a_create_goes_up_to_ready_and_ends_once() -> None:
    world = World()
    await world.release("1.0.0")
    world.kube.put(brokerage("acme"))
    await world.begun("acme")
    assert at_work(world) == ("Create", "Running", "WorkloadReady")
    begun = world.status("acme")["operation"]
    assert 50 < begun["progress"] < 100
    assert (begun["startedAt"], begun["message"]) == (NOON, "the app is starting")
    world.later = timedelta(seconds=9)
    await world.converge("acme")
    ended = world.status("acme")["operation"]
    assert at_work(world) == ("Create", "Succeeded", "Ready")
    assert (ended["progress"], ended["startedAt"], ended["finishedAt"]) == (100, NOON, "2026-11-24T12:00:09.000Z")
    world.later = timedelta(hours=1)
    world.forget_writes()
    await world.converge("acme")
    assert world.writes() == []


async def test_parts_without_a_condition_of_their_own_stay_behind_the_scenes() -> None:
    world = await ready_world()
    hidden = set(world.reconciler.graph.by_name)
    assert {entry["type"] for entry in world.status("acme")["conditions"]} & hidden == set()


async def test_every_status_on_the_way_is_what_the_schema_takes() -> None:
    world = World()
    await world.release("1.0.0")
    world.kube.put(brokerage("acme", plan="later"))
    for _ in range(3):
        await world.reconciler.reconcile("acme")
        given = world.status("acme")
        assert BrokerageStatus.model_validate(given).model_dump(by_alias=True, exclude_unset=True, mode="json") == given
        world.kube.put(plan("later"))
        world.settle()
    world.delete("acme")
    await world.reconciler.reconcile("acme")
    given = world.status("acme")
    assert BrokerageStatus.model_validate(given).model_dump(by_alias=True, exclude_unset=True, mode="json") == given


async def test_a_plan_that_does_not_exist_is_an_error_with_the_next_command_and_the_create_waits() -> None:
    world = World()
    await world.release("1.0.0")
    world.kube.put(brokerage("acme", plan="nowhere"))
    await world.converge("acme")
    assert world.status("acme")["errors"] == [
        {
            "code": "PlanUnknown",
            "condition": "Ready",
            "message": "there is no BrokeragePlan 'nowhere': set spec.plan to one that exists",
            "audience": "Reseller",
            "retryable": False,
            "hint": "kubectl get brokerageplans && kubectl edit brokerage acme",
            "since": "2026-11-24T12:00:00.000Z",
        }
    ]
    assert at_work(world) == ("Create", "Waiting", "Ready")
    world.later = timedelta(minutes=5)
    world.forget_writes()
    await world.reconciler.reconcile("acme")
    assert world.writes() == [], "the time of an error stays"
    world.kube.put(plan("nowhere"))
    await world.converge("acme")
    assert (wrong(world), at_work(world)) == ([], ("Create", "Succeeded", "Ready"))


async def test_an_outage_is_an_error_and_no_operation_and_heals_without_a_trace() -> None:
    world = await ready_world()
    before = world.status("acme")
    world.postgres.down = True
    await world.reconciler.reconcile("acme")
    (error,) = world.status("acme")["errors"]
    assert (error["condition"], error["code"]) == ("DatabaseReady", "PostgresUnreachable")
    assert (error["audience"], error["retryable"]) == ("Platform", True)
    assert world.status("acme")["operation"] == before["operation"]
    world.postgres.down = False
    await world.converge("acme")
    assert world.status("acme") == before


async def test_the_cause_comes_before_what_it_holds_up_and_what_only_waits_is_left_out() -> None:
    world = await ready_world()
    app = world.child("acme", DEPLOYMENT, "app")
    assert app is not None
    app["status"]["conditions"] = [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]
    feed = {"name": "mls", "url": "http://10.9.9.9/x", "tokenURL": "http://10.9.9.9/t"}
    change(world, mls=[{**feed, "credentialsSecretRef": {"name": "none"}}])
    world.redis.down = True
    await world.reconciler.reconcile("acme")
    # The workload waits for Redis; nothing waits for the feed.
    assert wrong(world) == [("CacheReady", "RedisUnreachable"), ("OutboundReady", "FeedHostRefused")]
    world.redis.down = False
    await world.reconciler.reconcile("acme")
    assert wrong(world) == [("WorkloadReady", "RolloutStuck"), ("OutboundReady", "FeedHostRefused")]


async def test_a_part_without_a_condition_of_its_own_is_wrong_in_ready() -> None:
    world = await ready_world(plan="starter")
    change(world, topology="microservices")
    await world.reconciler.reconcile("acme")
    (error,) = world.status("acme")["errors"]
    assert (error["condition"], error["code"]) == ("Ready", "PlanTooSmall")
    assert error["hint"] == "kubectl edit brokerageplan starter"
    assert at_work(world) == ("Update", "Waiting", "Ready")


class Elsewhere:
    """An edge that leads to another tenant."""

    async def version(self, host: str, port: int) -> Answer:
        return Answer("", "other-00000009", "1.0.0")


async def test_a_host_that_answers_as_somebody_else_is_an_error_of_ready() -> None:
    world = await ready_world()
    before = world.status("acme")["operation"]
    await replace(world.reconciler, edge=Elsewhere()).reconcile("acme")
    (error,) = world.status("acme")["errors"]
    assert (error["condition"], error["code"], error["audience"]) == ("Ready", "EdgeProbeFailed", "Platform")
    assert world.status("acme")["operation"] == before


async def test_a_change_of_the_spec_is_an_update_with_a_time_of_its_own() -> None:
    world = await ready_world()
    world.later = timedelta(hours=1)
    change(world, displayName="Acme & Sons")
    await world.reconciler.reconcile("acme")
    assert at_work(world) == ("Update", "Running", "WorkloadReady")
    assert world.status("acme")["operation"]["startedAt"] == "2026-11-24T13:00:00.000Z"
    world.later = timedelta(hours=1, seconds=4)
    await world.converge("acme")
    ended = world.status("acme")["operation"]
    assert (ended["type"], ended["state"]) == ("Update", "Succeeded")
    assert (ended["startedAt"], ended["finishedAt"]) == ("2026-11-24T13:00:00.000Z", "2026-11-24T13:00:04.000Z")


async def test_a_new_release_is_an_update_that_is_at_its_migrations() -> None:
    world = await ready_world()
    await world.release("1.1.0", "r2")
    await world.reconciler.reconcile("acme")
    assert at_work(world) == ("Update", "Running", "MigrationsApplied")
    (key,) = [key for key in world.kube.objects if key[0] == JOB.kind and str(key[1]).startswith("tenant-")]
    failed = {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}
    world.kube.objects[key]["status"] = {"conditions": [failed]}
    await world.reconciler.reconcile("acme")
    (error,) = world.status("acme")["errors"]
    assert error["hint"] == f"kubectl logs -n tenant-{world.tenant('acme')} -l job-name={key[2]} --tail=50"
    assert at_work(world) == ("Update", "Waiting", "MigrationsApplied")
    await world.converge("acme")
    assert world.condition("acme", "Ready")[0] == "True"
    assert (wrong(world), at_work(world)) == (
        [("VersionApplied", "UpgradeReturned")],
        ("Update", "Waiting", "VersionApplied"),
    )
    item = world.kube.find(BROKERAGE, "acme")
    assert item is not None
    annotations = {"rooftree.dev/retry-upgrade": "again"}
    world.kube.put({**item, "metadata": {**item["metadata"], "annotations": annotations}})
    await world.converge("acme")
    assert (wrong(world), at_work(world)) == ([], ("Update", "Succeeded", "Ready"))


async def test_a_deletion_tells_how_far_it_is_and_what_is_in_its_way() -> None:
    world = await ready_world()
    world.delete("acme")
    await world.reconciler.reconcile("acme")
    first = world.status("acme")["operation"]
    assert (first["type"], first["state"], first["step"]) == ("Delete", "Running", "WorkloadReady")
    assert (first["startedAt"], "finishedAt" in first) == (NOON, False)
    world.settle()
    await world.reconciler.reconcile("acme")
    assert world.status("acme")["operation"]["step"] == "NamespaceReady"
    assert world.status("acme")["operation"]["progress"] > first["progress"]
    world.postgres.down = True
    await world.reconciler.reconcile("acme")
    assert (at_work(world)[1], wrong(world)) == ("Waiting", [("Ready", "PostgresUnreachable")])
    world.postgres.down = False
    await world.converge("acme")
    assert world.kube.find(BROKERAGE, "acme") is None


async def test_a_tenant_from_before_has_no_operation_until_something_happens() -> None:
    world = await ready_world()
    item = world.kube.find(BROKERAGE, "acme")
    assert item is not None
    del item["status"]["operation"]
    world.forget_writes()
    await world.reconciler.reconcile("acme")
    assert (world.writes(), "operation" in world.status("acme")) == ([], False)


def feed_awaited(world: World) -> None:
    feed = {"name": "mls", "url": "https://feed.example/x", "tokenURL": "https://feed.example/t"}
    change(world, mls=[{**feed, "credentialsSecretRef": {"name": "none"}}])


def plan_gone(world: World) -> None:
    change(world, plan="nowhere")


def postgres_away(world: World) -> None:
    world.postgres.down = True


def rollout_stuck(world: World) -> None:
    app = world.child("acme", DEPLOYMENT, "app")
    assert app is not None
    app["status"]["conditions"] = [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]


@pytest.mark.parametrize("trouble", [feed_awaited, plan_gone, postgres_away, rollout_stuck])
async def test_a_tenant_that_stays_as_it_is_causes_no_write_however_bad_that_is(
    trouble: Callable[[World], None],
) -> None:
    world = await ready_world()
    trouble(world)
    for _ in range(3):  # what waits for something is declared first, and the app starts anew with it
        await world.reconciler.reconcile("acme")
        if trouble is feed_awaited:
            world.settle()
    assert world.status("acme")["phase"] != "Ready"
    for minutes in (1, 60):
        world.later = timedelta(minutes=minutes)
        world.forget_writes()
        await world.reconciler.reconcile("acme")
        assert world.writes() == []


READY = Report("Ready", State.DONE, "Answering", "fine")
STARTING = Report("WorkloadReady", State.WAITING, "RollingOut", "soon")
DOWN = Report("DatabaseReady", State.FAILING, "PostgresUnreachable", "no answer")


@pytest.mark.parametrize(
    ("phase", "observed", "ready", "begins"),
    [
        (Phase.READY, True, READY, None),
        (Phase.READY, False, READY, "Update"),
        (Phase.PROVISIONING, True, STARTING, "Update"),
        (Phase.DEGRADED, True, DOWN, None),
        (Phase.DEGRADED, False, DOWN, "Update"),
    ],
    ids=["at-rest", "declared-anew", "made-again", "outage", "declared-in-an-outage"],
)
def test_an_operation_begins_with_a_declaration_or_with_parts_that_are_made_again(
    phase: Phase, observed: bool, ready: Report, begins: str | None
) -> None:
    last = {"type": "Create", "state": "Succeeded", "startedAt": NOON, "finishedAt": NOON}
    found = Situation(NOON, observed, True, phase, ready, [] if ready is READY else [ready])
    now_at = operation.current(last, found, held_up=lambda _: 0, shown=str, now=now())
    assert now_at is not None
    assert (now_at == last) is (begins is None)
    assert begins in (None, now_at["type"])


async def test_what_may_not_be_done_is_known_before_anybody_tries() -> None:
    world = await ready_world()
    (constraint,) = world.status("acme")["constraints"]
    assert (constraint["type"], constraint["status"], constraint["reason"]) == (
        "Microservices",
        "False",
        "PlanTooSmall",
    )
    assert "database.connections of plan starter to at least" in constraint["message"]
    world.kube.put(plan("starter", database={"connections": 60}))
    await world.converge("acme")
    assert "constraints" not in world.status("acme")


def test_an_installation_without_an_object_store_says_that_photos_cannot_be_kept() -> None:
    bare = replace(APART, platform=replace(APART.platform, s3_url=""))
    assert [(one["type"], one["reason"]) for one in constraints(bare)] == [("Photos", "NotConfigured")]
    old = replace(APART, release=replace(APART.release, rpc_port=None))
    assert [(one["type"], one["reason"]) for one in constraints(old)] == [("Microservices", "TopologyUnknown")]
