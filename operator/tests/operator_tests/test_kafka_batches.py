"""Several tenants' requests to Kafka in one: fewer of them, the same effect, and each refusal for its own tenant."""

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from rooftree_operator import batching, names, scram
from rooftree_operator.adapters.kafka import AccessSeen, Kafka, Server
from rooftree_operator.batching import Batches
from rooftree_operator.errors import Unavailable
from rooftree_operator.gate import Gate, urgency
from rooftree_operator.names import TenantId
from rooftree_operator.provisioners.topics import DEAD_LETTER_SETTINGS, EVENTS_SETTINGS, grants
from rooftree_operator.workqueue import Priority

from .fakes.kafka_cluster import Cluster
from .turns import others_run, until

QUOTAS: dict[str, float] = {"producer_byte_rate": 1024.0, "controller_mutation_rate": 5.0}


@dataclass
class Place:
    """The adapter over a cluster that counts."""

    cluster: Cluster
    kafka: Kafka

    async def first_pass(self, tenant: TenantId) -> AccessSeen:
        """What provisioner `topics` asks for and does for a new tenant, and what it finds afterwards."""
        user = names.user(tenant)
        topics = [names.topic(tenant, name) for name in ("events", "dead-letter")]
        await self.kafka.access(user, topics)
        await self.kafka.set_credential(user, scram.Salted(4096 + len(user), b"salt", b"salted"))
        await self.kafka.allow(user, sorted(grants(tenant)))
        await self.kafka.set_quotas(user, QUOTAS)
        await asyncio.gather(
            self.kafka.create_topic(topics[0], EVENTS_SETTINGS),
            self.kafka.create_topic(topics[1], DEAD_LETTER_SETTINGS),
        )
        return await self.kafka.access(user, topics)


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    cluster = Cluster()
    kafka = Kafka(Server("kafka:9092", "admin", "secret", None))
    kafka._shared = cluster.admin()
    yield Place(cluster, kafka)
    kafka._shared = None
    kafka.close()


def tenants(count: int) -> list[TenantId]:
    return [names.mint(f"tenant-{number}", number.to_bytes(4, "big")) for number in range(count)]


def as_it_should_be(tenant: TenantId) -> AccessSeen:
    topics = {names.topic(tenant, "events"): EVENTS_SETTINGS, names.topic(tenant, "dead-letter"): DEAD_LETTER_SETTINGS}
    return AccessSeen(4096 + len(names.user(tenant)), topics, grants(tenant), QUOTAS)


async def test_a_single_tenant_is_made_and_seen_as_declared(place: Place) -> None:
    (tenant,) = tenants(1)
    assert await place.first_pass(tenant) == as_it_should_be(tenant)


async def test_what_is_taken_away_is_gone_and_nothing_else(place: Place) -> None:
    one, other = tenants(2)
    await place.first_pass(one)
    await place.first_pass(other)
    user = names.user(one)
    await place.kafka.disallow(user, sorted(grants(one)))
    await place.kafka.set_quotas(user, dict.fromkeys(QUOTAS))
    await place.kafka.drop_credential(user)
    await place.kafka.drop_credential(user)
    assert await place.kafka.access(user, ()) == AccessSeen(None, {}, frozenset(), {})
    assert await place.first_pass(other) == as_it_should_be(other)


@pytest.mark.parametrize(("workers", "most"), [(1, 700), (4, 350), (16, 270), (50, 220)])
async def test_the_first_passes_of_fifty_tenants_take_a_fraction_of_the_requests(
    place: Place, workers: int, most: int
) -> None:
    first, *others = tenants(51)
    await place.first_pass(first)  # makes the guard, once for all
    place.cluster.requests.clear()
    free = asyncio.Semaphore(workers)

    async def worker(tenant: TenantId) -> AccessSeen:
        async with free:
            return await place.first_pass(tenant)

    assert await asyncio.gather(*map(worker, others)) == [as_it_should_be(tenant) for tenant in others]
    sent = Counter(place.cluster.requests)
    # Of 750 that they took while each request held one entry: 700, 330, 240 and 210 here.
    assert sent.total() <= most, sent
    # Kafka describes these of one user at a time; they go out together.
    assert sent["DescribeAcls"] == sent["DescribeClientQuotas"] == 2 * len(others)


async def test_a_refused_entry_fails_only_for_whoever_asked(place: Place) -> None:
    good, bad, other = tenants(3)
    place.cluster.refused = {names.user(bad), names.topic(bad, "events")}
    kafka = place.kafka

    async def everything(tenant: TenantId) -> list[object]:
        user = names.user(tenant)
        results = await asyncio.gather(
            kafka.set_credential(user, scram.Salted(4100, b"salt", b"salted")),
            kafka.allow(user, sorted(grants(tenant))),
            kafka.set_quotas(user, QUOTAS),
            kafka.create_topic(names.topic(tenant, "events"), EVENTS_SETTINGS),
            kafka.disallow(user, [sorted(grants(other))[0]]),
            return_exceptions=True,
        )
        return [*results]

    results = await asyncio.gather(*map(everything, (good, bad, other)))
    assert results[0] == results[2] == [None] * 5
    assert [type(result) for result in results[1]] == [Unavailable] * 5
    assert {result.reason for result in results[1] if isinstance(result, Unavailable)} == {"KafkaRefused"}
    assert place.cluster.requests.count("AlterClientQuotas") == 1, "they went together"
    seen = await asyncio.gather(
        *(kafka.access(names.user(tenant), ()) for tenant in (good, bad, other)), return_exceptions=True
    )
    assert isinstance(seen[1], Unavailable)
    assert isinstance(seen[0], AccessSeen)
    assert seen[0].grants == grants(good)


async def test_a_cluster_that_does_not_answer_is_told_to_everybody_who_asked(place: Place) -> None:
    place.cluster.silent = True
    results = await asyncio.gather(
        *(place.kafka.access(names.user(tenant), ()) for tenant in tenants(3)), return_exceptions=True
    )
    assert [getattr(result, "reason", None) for result in results] == ["KafkaUnreachable"] * 3
    assert len({id(result) for result in results}) == 3
    place.cluster.silent = False
    (tenant,) = tenants(1)
    assert await place.first_pass(tenant) == as_it_should_be(tenant)


async def test_a_batch_that_waits_for_the_gate_is_told_when_the_cluster_goes_away(place: Place) -> None:
    place.cluster.hold = threading.Event()
    place.kafka.gate = Gate("kafka", 1)
    held = Kafka(Server("kafka:9092", "admin", "secret", None), 1)
    held._shared = place.kafka._shared
    first = asyncio.create_task(held.access("a", ()))
    await until(lambda: not held.gate._free)
    second = asyncio.create_task(held.set_quotas("b", QUOTAS))
    await until(lambda: bool(held.gate._line))
    held.gate.turn(Unavailable("KafkaUnreachable", "no answer"))
    with pytest.raises(Unavailable, match="no answer"):
        await second
    place.cluster.hold.set()
    assert (await first).iterations is None
    held.gate.turn(None)
    await held.set_quotas("b", QUOTAS)
    assert place.cluster.quotas == {"b": QUOTAS}
    held._shared = None
    held.close()


@dataclass
class Sender:
    """Answers each entry with itself when it is told to."""

    sent: list[list[str]] = field(default_factory=list)
    free: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, items: list[str]) -> list[str | Exception]:
        self.sent.append(list(items))
        await self.free.wait()
        return [ValueError(item) if item.startswith("bad") else item for item in items]


def batches(sender: Callable[[list[str]], Awaitable[list[str | Exception]]], most: int = 4) -> Batches[str, str]:
    return Batches("test", Gate("test", most), sender, lambda item: item.partition(" ")[0])  # type: ignore[arg-type]


async def test_whoever_asks_alone_waits_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "LINGER", 1000.0)
    sender = Sender()
    sender.free.set()
    line = batches(sender)
    async with asyncio.timeout(5):
        assert [await line.ask("a"), await line.ask("b")] == ["a", "b"]
    assert sender.sent == [["a"], ["b"]]


async def test_what_comes_while_an_answer_is_under_way_goes_together_before_that_answer_is_there() -> None:
    sender = Sender()
    line = batches(sender)
    tasks = [asyncio.create_task(line.ask("a"))]
    await until(lambda: len(sender.sent) == 1)
    for name in ("b", "c"):
        tasks.append(asyncio.create_task(line.ask(name)))
        await others_run()
    await until(lambda: len(sender.sent) == 2)
    sender.free.set()
    assert await asyncio.gather(*tasks) == ["a", "b", "c"]
    assert sender.sent == [["a"], ["b", "c"]]


async def test_two_entries_of_one_user_go_one_after_the_other() -> None:
    sender = Sender()
    line = batches(sender)
    tasks = [asyncio.create_task(line.ask(name)) for name in ("a first", "a second", "b")]
    await until(lambda: len(sender.sent) == 1)
    tasks.append(asyncio.create_task(line.ask("c")))
    await until(lambda: len(sender.sent) == 2)
    assert sender.sent == [["a first", "b"], ["c"]]
    sender.free.set()
    assert await asyncio.gather(*tasks) == ["a first", "a second", "b", "c"]
    assert sender.sent == [["a first", "b"], ["c"], ["a second"]]


async def test_a_request_holds_so_many_entries_and_the_others_come_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "MOST", 2)
    sender = Sender()
    sender.free.set()
    line = batches(sender)
    assert await asyncio.gather(*map(line.ask, "abcde")) == list("abcde")
    assert sender.sent == [["a", "b"], ["c", "d"], ["e"]]


async def test_an_entry_whose_asker_gave_up_is_not_sent_and_a_bad_one_harms_no_other() -> None:
    sender = Sender()
    sender.free.set()
    line = batches(sender)
    tasks = [asyncio.create_task(line.ask(name)) for name in ("a", "given-up", "bad", "b")]
    await others_run()
    tasks[1].cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert sender.sent == [["a", "bad", "b"]]
    assert [type(result) for result in results] == [str, asyncio.CancelledError, ValueError, str]


async def test_an_edit_takes_what_a_resync_asked_for_along_instead_of_waiting_behind_it() -> None:
    sender = Sender()
    line = batches(sender, most=1)
    gate = line._gate

    async def ask(name: str, how: Priority) -> str:
        urgency.set(how)
        return await line.ask(name)

    async with gate.call():
        resync = asyncio.create_task(ask("resync", Priority.RESYNC))
        await until(lambda: len(gate._line) == 1)
        edit = asyncio.create_task(ask("edit", Priority.EDIT))
        await until(lambda: len(gate._line) == 2)
        assert min(gate._line)[0] == Priority.EDIT
    sender.free.set()
    assert await asyncio.gather(resync, edit) == ["resync", "edit"]
    assert sender.sent == [["resync", "edit"]]
