"""An operator that was stopped wakes up with what it was about to do: its successor does it, and it does nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from rooftree_operator.adapters import elasticsearch, kafka, kubernetes, postgres, postgres_sessions, redis, s3, volume
from rooftree_operator.adapters.kafka import Grant
from rooftree_operator.adapters.watched import Watched
from rooftree_operator.deletion import DATA, RUNNING
from rooftree_operator.errors import Unavailable
from rooftree_operator.gate import Gate
from rooftree_operator.lease import DURATION, MARGIN, LeaseHolder
from rooftree_operator.scram import Salted

from .fakes.kafka_cluster import Cluster as KafkaCluster
from .test_lease import Cluster
from .turns import until
from .world import World, brokerage

STALE = Unavailable("NotTheHolder", "another operator may act by now")


def stale() -> None:
    raise STALE


def awake() -> None:
    """Nobody was stopped."""


def fences(world: World, fence: Callable[[], None]) -> None:
    for gate in (world.kube.gate, *(backend.gate for backend in world.backends)):
        gate.fence = fence


@dataclass
class Clock:
    """The system's clock, and the loop's, which notices later."""

    now: float = 5000.0


async def holder(monkeypatch: pytest.MonkeyPatch) -> tuple[LeaseHolder, Clock]:
    clock = Clock()
    monkeypatch.setattr("rooftree_operator.lease.time.monotonic", lambda: clock.now)
    found = LeaseHolder(
        Cluster(),
        name="rooftree-operator",
        namespace="rooftree-system",
        identity="one",
        now=lambda: datetime(2026, 11, 24, 12, tzinfo=UTC),
    )
    await found.acquire()
    return found, clock


async def test_a_holder_may_act_until_shortly_before_anybody_else_may(monkeypatch: pytest.MonkeyPatch) -> None:
    lease, clock = await holder(monkeypatch)
    clock.now += DURATION - MARGIN - 0.1
    lease.confirm()
    assert await lease._renew()
    clock.now += DURATION - MARGIN - 0.1
    lease.confirm()
    clock.now += 0.2
    with pytest.raises(Unavailable, match="another operator may act"):
        lease.confirm()
    assert lease.held, "it has not noticed yet by itself"
    clock.now -= 1.0
    await lease.release()
    with pytest.raises(Unavailable):
        lease.confirm()


async def test_a_call_that_waited_while_the_process_was_stopped_is_not_made() -> None:
    gate, began = Gate("postgres", 1), list[str]()

    async def call(name: str, ends: asyncio.Event) -> None:
        async with gate.call():
            began.append(name)
            await ends.wait()

    ends = asyncio.Event()
    first = asyncio.create_task(call("first", ends))
    await until(lambda: began)
    second = asyncio.create_task(call("second", ends))
    await until(lambda: gate._line)
    gate.fence = stale
    ends.set()
    await first
    with pytest.raises(Unavailable):
        await second
    gate.fence = awake
    await call("third", ends)
    assert began == ["first", "third"]


GRANT = Grant("topic", "acme-1.", "prefixed", "read")
ROLE = {"connection_limit": 1, "comment": "", "exists": False, "verifier": None}
POSTGRES: dict[str, Callable[[Any], Awaitable[Any]]] = {
    "drop database": lambda a: a.drop_database("x"),
    "drop template": lambda a: a.drop_template("x"),
    "drop roles": lambda a: a.drop_roles(["x"]),
    "revoke logins": lambda a: a.revoke_logins(["x"]),
    "create database": lambda a: a.create_database("x", owner=None, template="t"),
    "role": lambda a: a.ensure_role("x", **ROLE),
    "reassign": lambda a: a.reassign("x", old="a", new="b"),
}
KAFKA: dict[str, Callable[[Any], Awaitable[Any]]] = {
    "delete topics": lambda a: a.delete_topics(["x"]),
    "delete groups": lambda a: a.delete_groups(["x"]),
    "expel": lambda a: a.expel(["x"]),
    "disallow": lambda a: a.disallow("x", [GRANT]),
    "drop credential": lambda a: a.drop_credential("x"),
    "set credential": lambda a: a.set_credential("x", Salted(4096, b"s", b"p")),
    "quotas": lambda a: a.set_quotas("x", {"producer_byte_rate": None}),
    "create topic": lambda a: a.create_topic("x", {}),
    "probe": lambda a: a.probe("x", "p", "t"),
}
ELASTICSEARCH: dict[str, Callable[[Any], Awaitable[Any]]] = {
    "delete indices": lambda a: a.delete_indices(["x"]),
    "delete role": lambda a: a.delete_role("x"),
    "delete user": lambda a: a.delete_user("x"),
    "delete template": lambda a: a.delete_template("x"),
    "put user": lambda a: a.put_user("x", {}),
}
REDIS: dict[str, Callable[[Any], Awaitable[Any]]] = {
    "delete keys": lambda a: a.delete_keys("x"),
    "delete user": lambda a: a.delete_user("x"),
    "disable user": lambda a: a.disable_user("x"),
    "set user": lambda a: a.set_user("x", "p", commands=frozenset(), prefix="x."),
}
S3: dict[str, Callable[[Any], Awaitable[Any]]] = {
    "delete objects": lambda a: a.delete_objects("x", ["k"]),
    "delete bucket": lambda a: a.delete_bucket("x"),
    "delete key": lambda a: a.delete_key("x"),
    "abort uploads": lambda a: a.abort_uploads("x"),
    "create bucket": lambda a: a.create_bucket("x", {}),
}
VOLUME: dict[str, Callable[[Any], Awaitable[Any]]] = {
    "make": lambda a: a.make("x", "y"),
    "delete": lambda a: a.delete("x", "y"),
    "delete tenant": lambda a: a.delete_tenant("x"),
}
SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x", "namespace": "n"}}
KUBERNETES: dict[str, Callable[[Any], Awaitable[Any]]] = {
    "delete": lambda a: a.delete(kubernetes.NAMESPACE, "x"),
    "apply": lambda a: a.apply(SECRET),
    "create": lambda a: a.create(SECRET),
    "replace": lambda a: a.replace(SECRET),
    "patch": lambda a: a.patch(kubernetes.BROKERAGE, "x", []),
    "scale": lambda a: a.scale("x", "n", 0),
}
CALLS = [
    pytest.param(system, call, id=f"{system} {name}")
    for system, calls in {
        "postgres": POSTGRES,
        "kafka": KAFKA,
        "elasticsearch": ELASTICSEARCH,
        "redis": REDIS,
        "s3": S3,
        "volume": VOLUME,
        "kubernetes": KUBERNETES,
    }.items()
    for name, call in calls.items()
]


def adapter(system: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The real one. It has nobody to talk to: a request fails in another way than the fence does."""
    monkeypatch.setattr("ssl.create_default_context", lambda **_: False)
    match system:
        case "postgres":
            return postgres.Postgres(postgres_sessions.Server("127.0.0.1", 1, "u", "p", "d", None))
        case "kafka":
            return kafka.Kafka(kafka.Server("127.0.0.1:1", "u", "p", None))
        case "elasticsearch":
            return elasticsearch.Elasticsearch(elasticsearch.Server("http://127.0.0.1:1", "u", "p", "ca"))
        case "redis":
            return redis.Redis(redis.Server("127.0.0.1", 1, "u", "p", None))
        case "s3":
            return s3.S3(s3.Server("http://127.0.0.1:1", "r", "u", "p", "ca"))
        case "volume":
            return volume.Volume(Path("/nowhere"), {})
        case _:
            kube = kubernetes.Kubernetes.__new__(kubernetes.Kubernetes)
            kube.gate, kube.watched = Gate("kubernetes"), Watched()
            return kube


@pytest.mark.parametrize(("system", "call"), CALLS)
async def test_no_adapter_sends_anything_for_an_operator_that_may_not_act_any_more(
    monkeypatch: pytest.MonkeyPatch, system: str, call: Callable[[Any], Awaitable[Any]]
) -> None:
    used = adapter(system, monkeypatch)
    used.gate.fence = stale
    with pytest.raises(Unavailable) as caught:
        await call(used)
    assert caught.value.reason == "NotTheHolder"


async def test_a_postgres_session_that_began_too_late_for_the_successors_fence_does_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    used, ran = adapter("postgres", monkeypatch), list[str]()

    class Session:
        async def __aenter__(self) -> "Session":
            return self

        async def __aexit__(self, *_: object) -> None:
            pass

        async def close(self) -> None:
            pass

        async def execute(self, *_: Any) -> None:
            ran.append("statement")

    async def connect(**_: Any) -> Session:
        used.gate.fence = stale  # stopped while it connects
        return Session()

    monkeypatch.setattr(psycopg.AsyncConnection, "connect", connect)
    with pytest.raises(Unavailable):
        await used.drop_database("acme")
    assert ran == []


async def test_a_thread_that_begins_its_request_after_the_stop_does_not_send_it() -> None:
    cluster = KafkaCluster()
    used = kafka.Kafka(kafka.Server("kafka:9092", "admin", "secret", None))
    used._shared = cluster.admin()
    calls = 0

    def fence() -> None:
        nonlocal calls
        calls += 1
        if calls > 3:  # of the asker, of the request at the gate, after its wait; the next one is the thread's
            stale()

    used.gate.fence = fence
    with pytest.raises(Unavailable, match="another operator"):
        await used.set_quotas("acme", {"producer_byte_rate": 1.0})
    assert cluster.requests == []
    used._shared = None
    used.close()


STEPS = 1 + len(RUNNING + DATA)  # questions to the Lease: before the logins are revoked, and before each part goes


@pytest.mark.parametrize("question", range(STEPS))
async def test_a_deletion_that_is_stopped_between_a_check_and_its_effect_has_no_effect_and_the_successor_ends_it(
    question: int,
) -> None:
    world = World()
    await world.release("1.0.0")
    world.kube.put(brokerage("acme"))
    await world.converge("acme")
    tenant = world.tenant("acme")
    world.delete("acme")
    asked = 0

    async def is_held() -> bool:
        nonlocal asked
        asked += 1
        if asked > question:
            # The apiserver's yes arrived; then the process stood still, and somebody else took over.
            world.forget_writes()
            fences(world, stale)
        return True

    world.lease.is_held = is_held  # type: ignore[method-assign]
    with pytest.raises(Unavailable, match="another operator may act"):
        await passes(world)
    assert asked == question + 1
    assert world.writes() == []
    fences(world, awake)
    world.lease.is_held = type(world.lease).is_held.__get__(world.lease)  # type: ignore[method-assign]
    world.reconciler = world.restarted()
    await world.converge("acme")
    assert world.traces(tenant) == []
    assert world.registry.state(tenant) == "deleted"


async def passes(world: World) -> None:
    """Of the old holder, until it may not even look any more."""
    for _ in range(40):
        await world.reconciler.reconcile("acme")
        world.settle()
