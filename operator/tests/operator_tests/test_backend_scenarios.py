"""A tenant's place in Kafka and Redis over fakes that keep state."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from rooftree_operator import scram
from rooftree_operator.adapters.kafka import Grant
from rooftree_operator.adapters.kubernetes import BROKERAGE, DEPLOYMENT
from rooftree_operator.adapters.redis import digest
from rooftree_operator.composition import graph
from rooftree_operator.errors import Unavailable

from .test_tenant_scenarios import ready_world
from .world import CA, NAMESPACE, World, brokerage, now

USER = "acme-00000001.app"
EVENTS = "acme-00000001.events"
LOOKALIKE = "acme-000000012"  # begins like the tenant, and is not


async def test_ready_comes_after_one_probe_as_the_tenant_in_each_backend() -> None:
    world = await ready_world()
    for condition in ("DatabaseReady", "TopicsReady", "CacheReady"):
        assert world.condition("acme", condition) == ("True", "Provisioned")
    assert [write for write in world.kafka.writes if "probe" in write] == [f"probe {EVENTS}"]
    assert [write for write in world.redis.writes if "probe" in write] == ["probe acme-00000001.probe"]


async def test_a_restarted_operator_logs_in_once_and_changes_nothing() -> None:
    world = await ready_world()
    restarted = replace(world.reconciler, graph=graph(world.kube, world.backends, CA, now, NAMESPACE))
    world.forget_writes()
    world.elasticsearch.logins.clear()
    for _ in range(3):
        await restarted.reconcile("acme")
    assert world.writes() == []
    assert (world.kafka.logins, world.redis.logins, world.elasticsearch.logins) == ([USER], [USER], [USER])


async def test_a_tenant_has_its_two_topics_its_prefix_and_the_quotas_of_its_plan() -> None:
    world = await ready_world()
    assert sorted(world.kafka.known) == ["acme-00000001.dead-letter", EVENTS]
    assert {(grant.name, grant.pattern) for grant in world.kafka.grants[USER]} == {("acme-00000001.", "prefixed")}
    assert {grant.resource for grant in world.kafka.grants[USER]} == {"topic", "group", "transactional_id"}
    assert world.kafka.may(USER, f"{LOOKALIKE}.events") == set()
    assert world.kafka.quotas[USER]["producer_byte_rate"] == 1_048_576.0
    assert world.redis.users[USER].patterns == {"~acme-00000001.*", "&acme-00000001.*"}


@pytest.mark.parametrize("backend", ["kafka", "redis"])
async def test_one_backend_away_leaves_the_others_and_the_running_pods_alone(backend: str) -> None:
    world = await ready_world()
    condition, reason = {
        "kafka": ("TopicsReady", "KafkaUnreachable"),
        "redis": ("CacheReady", "RedisUnreachable"),
    }[backend]
    getattr(world, backend).down = True
    world.forget_writes()
    assert (await world.reconciler.reconcile("acme")).failed
    assert world.condition("acme", condition) == ("False", reason)
    assert world.condition("acme", "DatabaseReady")[0] == "True"
    assert world.condition("acme", "WorkloadReady") == ("Unknown", "AwaitingDependency")
    assert [write for write in world.writes() if "Brokerage/status" not in write and "create Event" not in write] == []
    getattr(world, backend).down = False
    await world.converge("acme")
    assert world.status("acme")["phase"] == "Ready"


async def test_a_new_tenant_gets_all_else_while_kafka_is_away() -> None:
    world = World()
    await world.release("1.0.0")
    world.kafka.down = True
    world.kube.put(brokerage("acme"))
    assert (await world.begun("acme")).failed
    assert world.condition("acme", "TopicsReady") == ("False", "KafkaUnreachable")
    assert world.condition("acme", "DatabaseReady")[0] == "True"
    assert world.condition("acme", "CacheReady")[0] == "True"
    assert world.child("acme", DEPLOYMENT, "app") is None
    world.kafka.down = False
    await world.converge("acme")
    assert world.status("acme")["phase"] == "Ready"


async def test_nobody_calls_a_backend_that_the_watch_found_away() -> None:
    world = await ready_world()
    world.kafka.gate.turn(Unavailable("KafkaUnreachable", "no answer"))
    world.kafka.down = True  # a call would say something else
    await world.reconciler.reconcile("acme")
    assert world.condition("acme", "TopicsReady") == ("False", "KafkaUnreachable")
    assert "no answer" in str(world.status("acme")["conditions"])
    assert "does not answer" not in str(world.status("acme")["conditions"])


async def test_a_login_that_kafka_does_not_know_yet_is_waited_for() -> None:
    world = World()
    await world.release("1.0.0")
    world.kafka.slow_logins = 1
    world.kube.put(brokerage("acme"))
    outcome = await world.begun("acme")
    assert (outcome.failed, outcome.again_in) == (False, 0.5)
    assert world.condition("acme", "TopicsReady") == ("False", "KafkaLoginPending")
    await world.converge("acme")
    assert world.status("acme")["phase"] == "Ready"


def _retention(world: World) -> None:
    world.kafka.known[EVENTS]["retention.ms"] = "1"


def _cluster_right(world: World) -> None:
    world.kafka.grants[USER].add(Grant("cluster", "kafka-cluster", "literal", "create"))


def _lost_right(world: World) -> None:
    world.kafka.grants[USER].remove(Grant("topic", "acme-00000001.", "prefixed", "write"))


def _quota(world: World) -> None:
    world.kafka.quotas[USER].update(producer_byte_rate=1.0, connection_creation_rate=5.0)


def _other_password(world: World) -> None:
    salted = scram.salted("chosen by somebody")
    world.kafka.credentials[USER] = replace(salted, iterations=1, password=b"")


def _no_file(world: World) -> None:
    world.redis.restart(without_file=True)


def _more_commands(world: World) -> None:
    found = world.redis.users[USER]
    world.redis.users[USER] = replace(found, commands=found.commands | {"keys"})


def _more_keys(world: World) -> None:
    found = world.redis.users[USER]
    world.redis.users[USER] = replace(found, patterns=found.patterns | {"~*"})


def _another_password(world: World) -> None:
    found = world.redis.users[USER]
    world.redis.users[USER] = replace(found, passwords=found.passwords | {digest("back door")})


def _disabled(world: World) -> None:
    world.redis.users[USER] = replace(world.redis.users[USER], enabled=False)


@pytest.mark.parametrize(
    "drift",
    [
        lambda world: world.kafka.known.pop(EVENTS),
        _retention,
        _cluster_right,
        _lost_right,
        _quota,
        lambda world: world.kafka.credentials.pop(USER),
        _other_password,
        _no_file,
        _more_commands,
        _more_keys,
        _another_password,
        _disabled,
    ],
    ids=[
        "topic-gone",
        "retention",
        "right-too-many",
        "right-too-few",
        "quotas",
        "credential-gone",
        "other-credential",
        "acl-file-lost",
        "command-too-many",
        "keys-too-many",
        "password-too-many",
        "user-off",
    ],
)
async def test_each_drift_is_repaired_and_proven_again(drift: Callable[[World], object]) -> None:
    world = await ready_world()
    before = world.inventory()
    credential, user = world.kafka.credentials[USER].iterations, world.redis.users[USER]
    drift(world)
    changed = world.kafka if drift is _other_password or world.inventory()["kafka"] != before["kafka"] else world.redis
    world.forget_writes()
    await world.converge("acme")
    assert world.inventory() == before
    assert (world.kafka.credentials[USER].iterations, world.redis.users[USER]) == (credential, user)
    assert world.redis.file == world.redis.users
    assert len([write for write in changed.writes if "probe" in write]) == 1
    world.forget_writes()
    await world.converge("acme")
    assert world.writes() == []


async def test_logins_close_in_all_backends_before_pods_and_data_go() -> None:
    world = await ready_world()
    world.redis.keys = {"acme-00000001.listing"}
    world.delete("acme")
    await world.reconciler.reconcile("acme")
    assert USER not in world.kafka.credentials
    assert {grant.resource for grant in world.kafka.grants[USER]} == {"group"}, "consumers may still leave"
    assert not world.redis.users[USER].enabled
    assert not world.postgres.known_roles[USER].can_login
    assert EVENTS in world.kafka.known
    assert world.redis.keys == {"acme-00000001.listing"}
    await world.converge("acme")
    assert world.kube.find(BROKERAGE, "acme") is None
    assert (world.kafka.known, world.kafka.grants, world.kafka.quotas) == ({}, {}, {})
    assert (world.redis.users, world.redis.file, world.redis.keys) == ({}, {}, set())


@pytest.mark.parametrize("backend", ["kafka", "redis"])
async def test_a_backend_away_holds_a_deletion_but_no_other_login_open(backend: str) -> None:
    world = await ready_world()
    world.delete("acme")
    getattr(world, backend).down = True
    assert (await world.reconciler.reconcile("acme")).failed
    assert world.condition("acme", "Ready") == ("False", f"{backend.title()}Unreachable")
    assert not world.postgres.known_roles[USER].can_login
    assert USER not in world.kafka.credentials or backend == "kafka"
    assert not world.redis.users[USER].enabled or backend == "redis"
    assert world.child("acme", DEPLOYMENT, "app") is not None, "pods end only when nobody gets in any more"
    getattr(world, backend).down = False
    await world.converge("acme")
    assert world.kube.find(BROKERAGE, "acme") is None


async def test_a_consumer_that_never_left_its_group_does_not_hold_the_deletion_up() -> None:
    world = await ready_world()
    group, other = "acme-00000001.property.search", f"{LOOKALIKE}.property.search"
    world.kafka.members = {group: 1, other: 1}
    world.delete("acme")
    while "Namespace" in str(world.kube.of_tenants()):
        await world.reconciler.reconcile("acme")
        assert world.kafka.members == {group: 1, other: 1}, "as long as there are pods, nobody is removed"
        world.settle()
    await world.converge("acme")
    assert world.kube.find(BROKERAGE, "acme") is None
    assert world.kafka.members == {other: 1}


async def test_a_deletion_leaves_whoever_only_looks_alike_alone() -> None:
    world = await ready_world()
    world.kafka.known[f"{LOOKALIKE}.events"] = {}
    world.kafka.credentials[f"{LOOKALIKE}.app"] = scram.salted("x")
    world.redis.keys = {f"{LOOKALIKE}.listing", "acme-00000001", "acme-00000001.listing"}
    world.delete("acme")
    await world.converge("acme")
    assert list(world.kafka.known) == [f"{LOOKALIKE}.events"]
    assert list(world.kafka.credentials) == [f"{LOOKALIKE}.app"]
    assert world.redis.keys == {f"{LOOKALIKE}.listing", "acme-00000001"}
