"""What others changed is set back at once and told in one event; what we wanted ourselves never is."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY
from rooftree_operator import declaration, events
from rooftree_operator.adapters.kafka import Grant
from rooftree_operator.adapters.kubernetes import (
    AUTOSCALER,
    BINDING,
    BROKERAGE,
    BUDGET,
    CONFIG,
    DEPLOYMENT,
    LIMITS,
    NAMESPACE,
    POLICY,
    QUOTA,
    ROUTE,
    SECRET,
    SERVICE,
    Kind,
)
from rooftree_operator.composition import graph
from rooftree_operator.drift import Path
from rooftree_operator.rpc_certificates import LIFE, RENEW_BEFORE
from rooftree_operator.secret_objects import decoded

from .test_hands import change, told
from .test_tenant_scenarios import FEED
from .world import CA, World, brokerage, plan
from .world import NAMESPACE as PLATFORM_NAMESPACE

ID = "acme-00000001"
USER = f"{ID}.app"
SPACE = f"tenant-{ID}"
ROOMY = {
    "database": {"connections": 60},
    "replicas": {"min": 1, "max": 3},
    "quota": {"pods": 20, "cpu": "20", "memory": "8Gi"},
}


async def settled_world(**spec: Any) -> World:
    """A ready brokerage with everything that one can have."""
    world = World()
    await world.release("1.0.0")
    world.kube.put(plan("starter", **ROOMY))
    world.kube.put(brokerage("acme", **spec))
    await world.converge("acme")
    assert world.status("acme")["phase"] == "Ready"
    return world


def inventory(world: World) -> dict[str, Any]:
    """All that is there, whatever was done last to have it so."""
    found = world.inventory()
    found["objects"]["Brokerage", None, "acme"]["status"].pop("operation", None)
    return found


def drift(world: World) -> list[str]:
    return [note for _, note in told(world, "DriftRepaired")]


def counted(part: str) -> float:
    return REGISTRY.get_sample_value("rooftree_operator_drift_repaired_total", {"part": part}) or 0.0


CHILDREN = [
    (NAMESPACE, SPACE, ("metadata", "labels", "pod-security.kubernetes.io/enforce"), "privileged"),
    (BINDING, "rooftree-operator", ("subjects", 0, "name"), "default"),
    (QUOTA, "tenant", ("spec", "hard", "pods"), "99"),
    (LIMITS, "tenant", ("spec", "limits", 0, "type"), "Pod"),
    (CONFIG, "backends-ca", ("data", "ca.crt"), "mine"),
    (POLICY, "default", ("spec", "policyTypes", 0), "Nothing"),
    (DEPLOYMENT, "app", ("spec", "template", "spec", "containers", 0, "image"), "evil:1"),
    (SERVICE, "app", ("spec", "selector", "app.kubernetes.io/name"), "evil"),
    (AUTOSCALER, "app", ("spec", "maxReplicas"), 99),
    (BUDGET, "app", ("spec", "maxUnavailable"), 9),
    (ROUTE, "app", ("spec", "hostnames", 0), "evil.example"),
]
IDS = [kind.kind for kind, *_ in CHILDREN]


@pytest.mark.parametrize(("kind", "name", "path", "value"), CHILDREN, ids=IDS)
async def test_a_changed_child_is_set_back_and_named_with_the_field_and_who_did_it(
    kind: Kind, name: str, path: Path, value: object
) -> None:
    world = await settled_world(autoscaling={"mode": "hpa"})
    before = inventory(world)
    space = SPACE if kind.namespaced else None
    world.kube.edit(kind, name, space, path, value, by="kubectl-edit")
    assert inventory(world) != before
    await world.converge("acme")
    assert inventory(world) == before
    (note,) = drift(world)
    assert note.startswith(f"changed by others and set back: {kind.kind} {name}: .")
    assert str(path[-1]).split("/")[0].split(".")[0] in note or isinstance(path[-1], int)
    assert note.endswith(" (by kubectl-edit)")
    world.forget_writes()
    await world.converge("acme")
    assert world.writes() == []


@pytest.mark.parametrize(("kind", "name"), [row[:2] for row in CHILDREN] + [(SECRET, "app"), (SECRET, "migrator")])
async def test_a_deleted_child_is_made_again_and_named(kind: Kind, name: str) -> None:
    world = await settled_world(autoscaling={"mode": "hpa"})
    before = inventory(world)
    if kind == NAMESPACE:
        await world.kube.delete(kind, name)
        world.settle()
    else:
        del world.kube.objects[kind.kind, SPACE, name]
    await world.converge("acme")
    assert inventory(world) == before
    # What goes with the namespace and needs others comes back, and is told, with a later pass.
    assert len(drift(world)) == 1 or kind == NAMESPACE
    assert f"{kind.kind} {name}: missing" in drift(world)[0]


@pytest.mark.parametrize("module", ["Deployment", "Service", "NetworkPolicy", "PodDisruptionBudget", "Secret"])
async def test_what_a_module_lost_is_made_again_and_named(module: str) -> None:
    world = await settled_world(topology="microservices")
    name = "rpc-identity" if module == "Secret" else "identity"
    del world.kube.objects[module, SPACE, name]
    await world.converge("acme")
    (note,) = drift(world)
    assert f"{module} {name}: missing" in note


def _limit(world: World) -> None:
    world.postgres.known_roles[USER] = replace(world.postgres.known_roles[USER], connection_limit=500)


def _login(world: World) -> None:
    world.postgres.known_roles[USER] = replace(world.postgres.known_roles[USER], can_login=False)


def _grant(world: World) -> None:
    world.postgres.content[ID].granted = {"migrations"}


def _public(world: World) -> None:
    world.postgres.known[ID] = replace(world.postgres.known[ID], public_can_connect=True)


BACKENDS: dict[str, tuple[str, Callable[[World], object], str]] = {
    "limit": ("database", _limit, f"Role {USER}: connection limit"),
    "login": ("database", _login, f"Role {USER}: login"),
    "role": ("database", lambda world: world.postgres.known_roles.pop(USER), f"Role {USER}: missing"),
    "grant": ("database", _grant, f"Database {ID}: rights of {USER} in identity"),
    "public": ("database", _public, f"Database {ID}: who may connect"),
    "acl": (
        "topics",
        lambda world: world.kafka.grants[USER].remove(Grant("topic", f"{ID}.", "prefixed", "write")),
        f"User {USER} in Kafka: lacks write on topic {ID}.",
    ),
    "too-much": (
        "topics",
        lambda world: world.kafka.grants[USER].add(Grant("cluster", "kafka-cluster", "literal", "create")),
        f"User {USER} in Kafka: may too much: create on cluster kafka-cluster",
    ),
    "topic": ("topics", lambda world: world.kafka.known.pop(f"{ID}.events"), f"Topic {ID}.events: missing"),
    "retention": (
        "topics",
        lambda world: world.kafka.known[f"{ID}.events"].update({"retention.ms": "1"}),
        f"Topic {ID}.events: retention.ms",
    ),
    "quota": (
        "topics",
        lambda world: world.kafka.quotas[USER].update(producer_byte_rate=1.0),
        f"User {USER} in Kafka: producer_byte_rate",
    ),
    "kafka": ("topics", lambda world: world.kafka.credentials.pop(USER), f"User {USER} in Kafka: credential"),
    "template": ("search", lambda world: world.elasticsearch.templates.pop(ID), f"Index template {ID} in Elastic"),
    "es-role": ("search", lambda world: world.elasticsearch.roles.pop(USER), f"Role {USER} in Elasticsearch"),
    "es-user": ("search", lambda world: world.elasticsearch.users.pop(USER), f"User {USER} in Elasticsearch"),
    "redis": ("cache", lambda world: world.redis.users.pop(USER), f"User {USER} in Redis: missing"),
    "key": ("storage", lambda world: world.s3.accounts.pop(USER), f"Access key {USER}: missing"),
    "bucket": ("storage", lambda world: world.s3.buckets.pop(ID), f"Bucket {ID}: missing with its objects"),
    "mark": ("storage", lambda world: world.s3.buckets[ID].tags.clear(), f"Bucket {ID}: its mark"),
}


@pytest.mark.parametrize(("part", "lose", "words"), BACKENDS.values(), ids=BACKENDS.keys())
async def test_what_a_backend_lost_is_named_once_and_counted(
    part: str, lose: Callable[[World], object], words: str
) -> None:
    world = await settled_world()
    before, count = inventory(world), counted(part)
    lose(world)
    await world.converge("acme")
    await world.converge("acme")
    assert inventory(world) == before
    (note,) = drift(world)
    assert note.startswith(f"changed by others and set back: {words}")
    assert counted(part) == count + 1
    secrets = {*decoded(world.child("acme", SECRET, "app")).values()}
    assert [secret for secret in secrets if secret in note] == []


async def test_all_that_was_changed_is_told_in_one_event() -> None:
    world = await settled_world()
    names = ("limit", "grant", "public", "acl", "retention", "quota", "template", "es-role", "redis", "bucket")
    for name in names:
        BACKENDS[name][1](world)
    del world.kube.objects[SERVICE.kind, SPACE, "app"]
    await world.converge("acme")
    (note,) = drift(world)
    assert len(note) <= events.NOTE
    assert [name for name in names if BACKENDS[name][2] not in note] == []
    assert "Service app: missing" in note


def test_a_note_that_would_be_too_long_ends_at_a_whole_entry_and_counts_the_rest() -> None:
    (notice,) = events.repaired([f"Thing {number:03}: {'x' * 90}" for number in range(30)])
    assert len(notice.message) <= events.NOTE
    assert notice.message.endswith(f"{'x' * 90}; and 21 more")
    assert events.repaired([]) == []


async def test_only_objects_that_could_be_looked_at_are_called_missing() -> None:
    world = await settled_world()
    del world.kube.objects[BINDING.kind, SPACE, "rooftree-operator"]
    await world.converge("acme")
    assert drift(world) == ["changed by others and set back: RoleBinding rooftree-operator: missing"]


async def test_a_number_of_pods_that_somebody_set_against_a_fixed_plan_is_named() -> None:
    world = await settled_world()
    world.kube.put(plan("starter", **{**ROOMY, "replicas": {"min": 2, "max": 2}}))
    await world.converge("acme")
    await world.kube.scale("app", SPACE, 5)
    await world.converge("acme")
    assert drift(world) == ["changed by others and set back: Deployment app: .spec.replicas"]


# What is no drift.


def _other_spec(world: World) -> None:
    change(world, displayName="Acme West", timeZone="America/New_York")


def _other_plan(world: World) -> None:
    world.kube.put(plan("starter", **{**ROOMY, "database": {"connections": 90}, "quota": {"pods": 30}}))


def _autoscaler(world: World) -> None:
    world.kube.objects[DEPLOYMENT.kind, SPACE, "app"]["spec"]["replicas"] = 3


def _microservices(world: World) -> None:
    change(world, topology="microservices")


def _status(world: World) -> None:
    world.kube.objects[DEPLOYMENT.kind, SPACE, "app"]["status"]["availableReplicas"] = 0


async def _restart(world: World) -> None:
    world.reconciler = replace(
        world.reconciler, graph=graph(world.kube, world.backends, CA, world.now, PLATFORM_NAMESPACE)
    )


async def test_creating_a_brokerage_is_no_drift() -> None:
    assert drift(await settled_world()) == []
    assert drift(await settled_world(topology="microservices")) == []


@pytest.mark.parametrize(
    "changing",
    [_other_spec, _other_plan, _autoscaler, _microservices, _status],
    ids=["spec", "plan", "autoscaler", "topology", "status"],
)
async def test_what_was_declared_or_belongs_to_others_is_no_drift(changing: Callable[[World], None]) -> None:
    world = await settled_world()
    changing(world)
    await world.converge("acme")
    assert drift(world) == []
    assert world.status("acme")["phase"] == "Ready"


async def test_there_and_back_between_topologies_is_no_drift() -> None:
    world = await settled_world()
    for topology in ("microservices", "monolith"):
        change(world, topology=topology)
        await world.converge("acme")
    assert drift(world) == []


async def test_another_release_is_no_drift() -> None:
    world = await settled_world()
    await world.release("1.1.0", "r2")
    await world.converge("acme")
    assert world.status("acme")["version"] == "1.1.0"
    assert drift(world) == []


async def test_a_restart_of_the_operator_is_no_drift() -> None:
    world = await settled_world()
    await _restart(world)
    await world.converge("acme")
    assert drift(world) == []


async def test_the_first_pass_of_another_version_of_the_operator_is_no_drift(monkeypatch: pytest.MonkeyPatch) -> None:
    world = await settled_world()
    _limit(world)
    monkeypatch.setattr(declaration, "_operator", lambda: "another build")
    await _restart(world)
    await world.converge("acme")
    assert world.postgres.known_roles[USER].connection_limit == 60
    assert drift(world) == []
    _limit(world)
    await world.converge("acme")
    assert len(drift(world)) == 1


async def test_the_renewal_of_certificates_and_its_rollout_are_no_drift() -> None:
    world = await settled_world(topology="microservices")
    old = decoded(world.child("acme", SECRET, "rpc-identity"))
    world.later = LIFE - RENEW_BEFORE + timedelta(seconds=1)
    await world.converge("acme")
    assert decoded(world.child("acme", SECRET, "rpc-identity")) != old
    assert drift(world) == []


async def test_credentials_that_were_renewed_for_a_feed_are_no_drift() -> None:
    metadata = {"name": "feed", "namespace": PLATFORM_NAMESPACE, "labels": {"rooftree.dev/brokerage": "acme"}}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata}
    world = World()
    await world.release("1.0.0")
    world.kube.put({**secret, "data": {"client_id": "aWQ=", "client_secret": "b25l"}})
    world.kube.put(brokerage("acme", mls=[FEED]))
    await world.converge("acme")
    world.kube.put({**secret, "data": {"client_id": "aWQ=", "client_secret": "dHdv"}})
    await world.converge("acme")
    assert '"two"' in decoded(world.child("acme", SECRET, "app"))["feeds.json"]
    assert drift(world) == []


@pytest.mark.parametrize("after", [False, True], ids=["call-fails", "answer-is-lost"])
async def test_a_change_that_a_failed_call_interrupts_is_no_drift_when_it_goes_on(after: bool) -> None:
    async def changed(at: int | None) -> tuple[dict[str, Any], int]:
        world = await settled_world()
        world.faults.calls, world.faults.at, world.faults.after = 0, at, after
        _other_plan(world)
        change(world, displayName="Acme West", topology="microservices")
        await world.converge("acme")
        assert drift(world) == [], f"told after a failure of call {at}"
        return inventory(world), world.faults.calls

    expected, calls = await changed(None)
    for at in range(1, calls + 1, 6):
        assert (await changed(at))[0] == expected, f"differs after a failure of call {at}"


@pytest.mark.parametrize("after", [False, True], ids=["call-fails", "answer-is-lost"])
async def test_a_repair_bears_any_single_failed_call(after: bool) -> None:
    async def repaired(at: int | None) -> tuple[dict[str, Any], int]:
        world = await settled_world()
        world.faults.calls, world.faults.at, world.faults.after = 0, at, after
        _limit(world)
        world.kafka.known.pop(f"{ID}.events")
        del world.kube.objects[SERVICE.kind, SPACE, "app"]
        await world.converge("acme")
        return inventory(world), world.faults.calls

    expected, calls = await repaired(None)
    for at in range(1, calls + 1, 2):
        assert (await repaired(at))[0] == expected, f"differs after a failure of call {at}"


@pytest.mark.parametrize("after", [False, True], ids=["call-fails", "answer-is-lost"])
async def test_a_loss_is_told_whatever_single_call_fails_meanwhile(after: bool) -> None:
    async def losses(at: int | None) -> tuple[str, int]:
        world = await settled_world()
        world.s3.buckets.pop(ID)
        world.kafka.known.pop(f"{ID}.events")
        world.faults.calls, world.faults.at, world.faults.after = 0, at, after
        await world.converge("acme")
        return " ".join(drift(world)), world.faults.calls

    _, calls = await losses(None)
    for at in range(1, calls + 1):
        words = (await losses(at))[0]
        assert f"Bucket {ID}: missing with its objects" in words, f"after a failure of call {at}"
        assert f"Topic {ID}.events" in words, f"after a failure of call {at}"


async def test_what_is_found_after_an_outage_is_still_drift() -> None:
    world = await settled_world()
    world.kafka.down = True
    await world.reconciler.reconcile("acme")
    world.kafka.down = False
    world.kafka.known.pop(f"{ID}.events")
    await world.converge("acme")
    assert len(drift(world)) == 1


async def test_the_digest_is_written_with_the_status_in_which_all_became_done_and_then_stays() -> None:
    world = World()
    await world.release("1.0.0")
    world.kube.put(brokerage("acme"))
    seen: list[str | None] = []
    for _ in range(6):
        await world.reconciler.reconcile("acme")
        world.settle()
        seen.append(world.status("acme").get("applied"))
        assert (seen[-1] is not None) == (world.condition("acme", "WorkloadReady")[0] == "True")
    assert len(seen[-1] or "") == declaration.LENGTH
    world.forget_writes()
    change(world, pause="Changes")
    await world.converge("acme")
    assert world.status("acme")["applied"] == seen[-1], "a pause declares nothing of the brokerage"
    assert world.kube.find(BROKERAGE, "acme") is not None
