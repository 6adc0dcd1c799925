"""What a paused or only observed brokerage is spared, what goes on for it all the same, and how people see it."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client import REGISTRY
from rooftree_operator import hands
from rooftree_operator.adapters.kafka import Grant
from rooftree_operator.adapters.kubernetes import (
    BINDING,
    BROKERAGE,
    CONFIG,
    DEPLOYMENT,
    POLICY,
    QUOTA,
    SECRET,
    SERVICE,
    Kind,
)
from rooftree_operator.composition import graph
from rooftree_operator.hands import Reach

from .test_tenant_scenarios import ready_world
from .world import CA, NAMESPACE, World, brokerage, now, plan

USER = "acme-00000001.app"
LEVELS: list[dict[str, str]] = [{"pause": "Changes"}, {"pause": "Everything"}, {"managementPolicy": "Observe"}]
WORDS = ["changes", "everything", "observe"]
LARGER: dict[str, Any] = {
    "database": {"connections": 20},
    "quota": {"pods": 9},
    "kafka": {"requestPercentage": 50},
    "replicas": {"min": 1, "max": 3},
}


def change(world: World, **spec: Any) -> None:
    """As a person edits it; None takes a field away."""
    item = world.kube.find(BROKERAGE, "acme")
    assert item is not None
    left = {name: value for name, value in {**item["spec"], **spec}.items() if value is not None}
    world.kube.put({**item, "spec": left})


def told(world: World, *reasons: str) -> list[tuple[str, str]]:
    events = [item for (kind, _, _), item in world.kube.objects.items() if kind == "Event"]
    return [(event["reason"], event["note"]) for event in events if event["reason"] in reasons]


def message(world: World, kind: str) -> str:
    return next(c["message"] for c in world.status("acme")["conditions"] if c["type"] == kind)


def counted(level: str) -> float | None:
    return REGISTRY.get_sample_value("rooftree_operator_paused", {"level": level})


def tenants(world: World) -> list[str]:
    """Everything that was written but what the operator says of it."""
    return [write for write in world.writes() if "Brokerage" not in write and "Event" not in write]


async def quiet(world: World) -> None:
    """Nothing is left to do or to say, whether the operator was restarted or not."""
    world.forget_writes()
    await world.converge("acme")
    assert world.writes() == []


@pytest.mark.parametrize(
    ("spec", "status", "reach", "level"),
    [
        ({}, {}, Reach.ALL, None),
        ({"managementPolicy": "Manage"}, {}, Reach.ALL, None),
        ({"pause": "Changes"}, {"version": "1.0.0"}, Reach.UPKEEP, "Changes"),
        ({"pause": "Changes"}, {}, Reach.LOOK, "Changes"),
        ({"managementPolicy": "Observe"}, {}, Reach.LOOK, "Observe"),
        ({"managementPolicy": "Observe", "pause": "Changes"}, {"version": "1"}, Reach.LOOK, "Observe"),
        ({"managementPolicy": "Observe", "pause": "Everything"}, {}, Reach.NOTHING, "Everything"),
    ],
)
def test_the_hands_are_a_function_of_the_spec(
    spec: dict[str, str], status: dict[str, str], reach: Reach, level: str | None
) -> None:
    found = hands.of({"spec": spec, "status": status})
    assert (found.reach, found.level) == (reach, level)


@pytest.mark.parametrize("level", LEVELS, ids=WORDS)
async def test_a_paused_or_observed_brokerage_that_is_as_declared_is_written_to_once_and_says_so(
    level: dict[str, str],
) -> None:
    world = await ready_world()
    change(world, **level)
    world.forget_writes()
    await world.converge("acme")
    (word,) = level.values()
    kind = "Observed" if word == "Observe" else "Paused"
    assert tenants(world) == []
    assert world.condition("acme", kind) == ("True", word)
    assert [reason for reason, _ in told(world, "Paused", "Observed", "HoldEnded")] == [kind]
    await quiet(world)
    assert counted(word) == 1.0
    change(world, pause=None, managementPolicy="Manage")
    await world.converge("acme")
    assert world.condition("acme", kind) == ("absent", "absent")
    assert world.status("acme")["phase"] == "Ready"
    assert [reason for reason, _ in told(world, "Paused", "Observed", "HoldEnded")] == [kind, "HoldEnded"]
    assert counted(word) == 0.0
    await quiet(world)


@pytest.mark.parametrize("level", LEVELS, ids=WORDS)
async def test_a_new_release_and_a_larger_plan_are_held_and_come_when_the_pause_ends(level: dict[str, str]) -> None:
    world = await ready_world()
    change(world, **level)
    await world.converge("acme")
    before = world.inventory()["objects"]
    await world.release("1.1.0", "r2")
    world.kube.put(plan("starter", **LARGER))
    change(world, displayName="Acme West")
    world.forget_writes()
    await world.converge("acme")
    assert tenants(world) == []
    assert {key: item for key, item in before.items() if key[0] == "Deployment"} == {
        key: item for key, item in world.inventory()["objects"].items() if key[0] == "Deployment"
    }
    await quiet(world)
    change(world, pause=None, managementPolicy="Manage")
    await world.converge("acme")
    assert (world.status("acme")["version"], world.status("acme")["phase"]) == ("1.1.0", "Ready")
    assert world.postgres.known_roles[USER].connection_limit == 20
    assert world.kafka.quotas[USER]["request_percentage"] == 50.0
    assert told(world, "DriftRepaired") == []


@pytest.mark.parametrize("level", [LEVELS[0], LEVELS[2]], ids=["changes", "observe"])
async def test_the_conditions_name_each_object_and_action_that_is_held(level: dict[str, str]) -> None:
    world = await ready_world()
    change(world, **level, displayName="Acme West", autoscaling={"mode": "hpa"})
    world.kube.put(plan("starter", **LARGER))
    await world.converge("acme")
    expected = {
        "NamespaceReady": "ResourceQuota tenant: .spec.hard.pods",
        "DatabaseReady": f"Role {USER}: connection limit",
        "TopicsReady": f"User {USER} in Kafka: request_percentage",
        "WorkloadReady": "Deployment app: .spec.template.spec.containers[0].env",
    }
    for kind, words in expected.items():
        assert world.condition("acme", kind) == ("False", "ChangesHeld")
        assert words in message(world, kind)
        assert words in message(world, "Observed" if "managementPolicy" in level else "Paused")
    assert "HorizontalPodAutoscaler app: missing" in str(world.status("acme")["conditions"])
    for kind in ("SearchReady", "CacheReady", "StorageReady", "MigrationsApplied", "RouteReady"):
        assert world.condition("acme", kind)[0] == "True", "what is as declared says so"
    assert world.condition("acme", "Ready") == ("False", "ChangesHeld")
    assert world.status("acme")["phase"] == "Paused"
    assert world.status("acme")["observedGeneration"] == 2
    assert "until it is" in world.status("acme")["message"]
    assert world.condition("acme", "Stalled") == world.condition("acme", "Reconciling") == ("absent", "absent")


def _lost(kind: Kind, name: str) -> Callable[[World], object]:
    def lose(world: World) -> None:
        del world.kube.objects[kind.kind, f"tenant-{world.tenant('acme')}", name]

    return lose


def _no_login(world: World) -> None:
    world.postgres.known_roles[USER] = replace(world.postgres.known_roles[USER], can_login=False)


def _no_membership(world: World) -> None:
    owner = "acme-00000001.owner"
    world.postgres.known_roles[owner] = replace(world.postgres.known_roles[owner], members=frozenset())


def _no_grant(world: World) -> None:
    world.postgres.content["acme-00000001"].granted = set()


KEPT_UP: dict[str, Callable[[World], object]] = {
    "secret": _lost(SECRET, "app"),
    "rights-in-the-namespace": _lost(BINDING, "rooftree-operator"),
    "ca": _lost(CONFIG, "backends-ca"),
    "policy": _lost(POLICY, "default"),
    "role": lambda world: world.postgres.known_roles.pop(USER),
    "login": _no_login,
    "membership": _no_membership,
    "grant": _no_grant,
    "kafka-login": lambda world: world.kafka.credentials.pop(USER),
    "kafka-right": lambda world: world.kafka.grants[USER].remove(Grant("topic", "acme-00000001.", "prefixed", "write")),
    "search-role": lambda world: world.elasticsearch.roles.pop(USER),
    "search-user": lambda world: world.elasticsearch.users.pop(USER),
    "cache-user": lambda world: world.redis.users.pop(USER),
    "storage-key": lambda world: world.s3.accounts.pop(USER),
}


@pytest.mark.parametrize("lose", KEPT_UP.values(), ids=KEPT_UP.keys())
async def test_what_keeps_a_brokerage_running_is_given_back_while_changes_are_paused(
    lose: Callable[[World], object],
) -> None:
    world = await ready_world()
    change(world, pause="Changes")
    await world.converge("acme")
    before = world.inventory()
    lose(world)
    assert world.inventory() != before
    await world.converge("acme")
    assert world.inventory() == before
    assert len(told(world, "DriftRepaired")) == 1


HELD: dict[str, Callable[[World], object]] = {
    "deployment": _lost(DEPLOYMENT, "app"),
    "service": _lost(SERVICE, "app"),
    "quota": _lost(QUOTA, "tenant"),
    "topic": lambda world: world.kafka.known.pop("acme-00000001.events"),
    "template": lambda world: world.elasticsearch.templates.pop("acme-00000001"),
    "bucket": lambda world: world.s3.buckets.pop("acme-00000001"),
}


@pytest.mark.parametrize("level", [LEVELS[0], LEVELS[2]], ids=["changes", "observe"])
@pytest.mark.parametrize("lose", HELD.values(), ids=HELD.keys())
async def test_what_would_roll_something_out_is_only_named(
    lose: Callable[[World], object], level: dict[str, str]
) -> None:
    world = await ready_world()
    change(world, **level)
    lose(world)
    world.forget_writes()
    await world.converge("acme")
    assert tenants(world) == []
    assert "missing" in world.status("acme")["message"]
    assert world.condition("acme", "Ready") == ("False", "ChangesHeld")


@pytest.mark.parametrize("lose", KEPT_UP.values(), ids=KEPT_UP.keys())
async def test_an_observed_brokerage_gets_nothing_back_and_says_what_it_would(lose: Callable[[World], object]) -> None:
    world = await ready_world()
    change(world, managementPolicy="Observe")
    await world.converge("acme")
    lose(world)
    world.forget_writes()
    outcome = await world.converge("acme")
    assert tenants(world) == []
    assert not outcome.failed
    assert world.condition("acme", "Ready") == ("False", "ChangesHeld")
    assert "InternalError" not in str(world.status("acme"))
    await quiet(world)


async def test_what_cannot_be_looked_at_is_not_called_missing() -> None:
    world = await ready_world()
    change(world, managementPolicy="Observe")
    KEPT_UP["rights-in-the-namespace"](world)
    await world.converge("acme")
    text = message(world, "NamespaceReady")
    assert "RoleBinding rooftree-operator: missing" in text
    assert "ResourceQuota tenant: out of reach" in text


async def test_a_restarted_operator_does_not_even_try_the_logins_of_an_observed_brokerage() -> None:
    world = await ready_world()
    change(world, managementPolicy="Observe")
    await world.converge("acme")
    parts = graph(world.kube, world.backends, CA, now, NAMESPACE)
    world.reconciler = replace(world.reconciler, graph=parts)
    await quiet(world)


@pytest.mark.parametrize("level", LEVELS, ids=WORDS)
async def test_nothing_is_made_of_a_new_brokerage_that_is_held_and_no_finalizer_keeps_it(level: dict[str, str]) -> None:
    world = World()
    await world.release("1.0.0")
    world.kube.put(brokerage("acme", **level))
    world.forget_writes()
    await world.converge("acme")
    item = world.kube.find(BROKERAGE, "acme")
    assert item is not None
    assert (tenants(world), item["metadata"].get("finalizers", [])) == ([], [])
    assert world.registry.rows == {}
    (word,) = level.values()
    assert world.condition("acme", "Observed" if word == "Observe" else "Paused") == ("True", word)
    await quiet(world)
    change(world, pause=None, managementPolicy="Manage")
    await world.converge("acme")
    assert world.status("acme")["phase"] == "Ready"


async def test_everything_paused_is_not_looked_at_and_its_conditions_stay_as_they_were() -> None:
    world = await ready_world()
    change(world, pause="Everything", displayName="Acme West")
    await world.converge("acme")
    for backend in (world.postgres, world.kafka, world.redis, world.elasticsearch, world.s3):
        backend.down = True
    outcome = await world.converge("acme")
    assert not outcome.failed
    assert world.condition("acme", "DatabaseReady") == ("True", "Provisioned")
    status = world.status("acme")
    generations = {entry["type"]: entry["observedGeneration"] for entry in status["conditions"]}
    assert (status["observedGeneration"], generations["Ready"], generations["Paused"]) == (1, 1, 2)
    assert status["phase"] == "Paused"


async def test_one_level_after_the_other_is_told_each() -> None:
    world = await ready_world()
    for level in ("Changes", "Everything", None):
        change(world, pause=level)
        await world.converge("acme")
    reasons = [(reason, note.split(":")[0]) for reason, note in told(world, "Paused", "HoldEnded")]
    assert reasons == [
        ("Paused", "Changes"),
        ("Paused", "Everything"),
        ("HoldEnded", "Paused (Everything) has ended"),
    ]


async def test_a_deletion_waits_while_everything_is_paused_and_says_so() -> None:
    world = await ready_world()
    change(world, pause="Everything")
    await world.converge("acme")
    before = world.inventory()
    world.delete("acme")
    world.forget_writes()
    await world.converge("acme")
    assert tenants(world) == []
    assert world.condition("acme", "Ready") == ("False", "DeletionHeld")
    assert "spec.pause is Everything" in world.status("acme")["message"]
    assert world.condition("acme", "Paused") == ("True", "Everything")
    assert (world.inventory()["roles"], world.inventory()["databases"]) == (before["roles"], before["databases"])
    await quiet(world)
    change(world, pause=None)
    await world.converge("acme")
    assert world.kube.find(BROKERAGE, "acme") is None
    assert world.kube.of_tenants() == []
    assert counted("Everything") == 0.0


async def test_a_deletion_that_is_under_way_stops_where_everything_is_paused() -> None:
    world = await ready_world()
    world.delete("acme")
    item = world.kube.find(BROKERAGE, "acme")
    assert item is not None
    old = deepcopy(item)
    change(world, pause="Everything")
    world.forget_writes()
    assert (await world.reconciler._delete(old)).failed
    assert tenants(world) == []


async def test_changes_that_are_paused_hold_no_deletion() -> None:
    world = await ready_world()
    change(world, pause="Changes")
    await world.converge("acme")
    world.delete("acme")
    await world.converge("acme")
    assert world.kube.find(BROKERAGE, "acme") is None
    assert world.kube.of_tenants() == []
    assert counted("Changes") == 0.0


async def test_an_observed_brokerage_that_is_deleted_keeps_all_and_can_be_taken_over_by_its_id() -> None:
    world = await ready_world()
    tenant = world.tenant("acme")
    change(world, managementPolicy="Observe")
    await world.converge("acme")
    world.s3.buckets[str(tenant)].objects = {"photo": b"x"}
    before = world.inventory()
    world.delete("acme")
    await world.converge("acme")
    assert world.kube.find(BROKERAGE, "acme") is None
    after = world.inventory()
    parts = ("roles", "databases", "content", "kafka", "elasticsearch", "redis", "s3")
    assert {part: after[part] for part in parts} == {part: before[part] for part in parts}
    assert world.child_of(tenant, DEPLOYMENT, "app") is not None
    assert after["registry"] == {str(tenant): "kept"}
    assert [str(tenant) in note for _, note in told(world, "Kept")] == [True]
    assert counted("Observe") == 0.0
    world.kube.put(brokerage("acme", tenantID=str(tenant)))
    await world.converge("acme")
    assert world.tenant("acme") == tenant
    assert world.status("acme")["phase"] == "Ready"
    assert world.s3.buckets[str(tenant)].objects == {"photo": b"x"}


@pytest.mark.parametrize("after", [False, True], ids=["call-fails", "answer-is-lost"])
async def test_the_deletion_of_an_observed_brokerage_bears_any_single_failed_call(after: bool) -> None:
    for at in range(1, 40):
        world = await ready_world()
        tenant = world.tenant("acme")
        change(world, managementPolicy="Observe")
        await world.converge("acme")
        before = world.inventory()["databases"]
        world.delete("acme")
        world.faults.calls, world.faults.at, world.faults.after = 0, at, after
        await world.converge("acme")
        assert world.kube.find(BROKERAGE, "acme") is None, f"stays after a failure of call {at}"
        assert world.inventory()["registry"] == {str(tenant): "kept"}
        assert world.inventory()["databases"] == before
        if at > world.faults.calls:
            return
    pytest.fail("a deletion of 40 calls")


async def test_a_held_brokerage_that_vanishes_is_counted_no_more() -> None:
    world = World()
    await world.release("1.0.0")
    world.kube.put(brokerage("acme", managementPolicy="Observe"))
    await world.converge("acme")
    assert counted("Observe") == 1.0
    del world.kube.objects["Brokerage", None, "acme"]
    await world.converge("acme")
    assert counted("Observe") == 0.0


@pytest.mark.parametrize("level", LEVELS, ids=WORDS)
@pytest.mark.parametrize("after", [False, True], ids=["call-fails", "answer-is-lost"])
async def test_a_pause_and_its_end_bear_any_single_failed_call(level: dict[str, str], after: bool) -> None:
    async def lived(at: int | None) -> tuple[dict[str, Any], int]:
        world = await ready_world()
        world.faults.calls, world.faults.at, world.faults.after = 0, at, after
        change(world, **level, displayName="Acme West")
        await world.converge("acme")
        change(world, pause=None, managementPolicy="Manage")
        await world.converge("acme")
        return world.inventory(), world.faults.calls

    expected, calls = await lived(None)
    for at in range(1, calls + 1, 4):
        found, _ = await lived(at)
        assert found == expected, f"differs after a failure of call {at}"
