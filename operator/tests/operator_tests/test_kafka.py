"""The Kafka adapter against a real cluster, and what a tenant cannot do there."""

# The library's own types lack some of its names.
# pyright: reportAttributeAccessIssue=false

import asyncio
import os
import secrets
import ssl
import threading
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition, errors
from kafka.admin import ACL, ResourcePattern
from kafka.protocol.admin import (
    DeleteRecordsRequest,
    IncrementalAlterConfigsRequest,
)
from kafka.protocol.consumer import FetchRequest
from kafka.structs import OffsetAndMetadata
from rooftree_operator import keys, names, scram
from rooftree_operator.adapters import kafka as kafka_adapter
from rooftree_operator.adapters import kafka_admin, kafka_quotas, kafka_requests
from rooftree_operator.adapters.kafka import Grant, Kafka, Server
from rooftree_operator.errors import LoginRefused, Unavailable
from rooftree_operator.names import TenantId
from rooftree_operator.provisioners.topics import EVENTS_SETTINGS, grants
from rooftree_operator.scram import Salted

from .sent import effects

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]

SOURCE = "//rooftree.dev/operator"
QUOTAS = {"producer_byte_rate": 1_048_576.0, "controller_mutation_rate": 5.0}


def server(**changes: Any) -> Server:
    bootstrap = os.environ.get("ROOFTREE_TEST_KAFKA_BOOTSTRAP")
    if not bootstrap:
        pytest.fail("ROOFTREE_TEST_KAFKA_BOOTSTRAP is not set: run `make test-integration`")
    user, password = os.environ["ROOFTREE_TEST_KAFKA_USER"], os.environ["ROOFTREE_TEST_KAFKA_PASSWORD"]
    return replace(Server(bootstrap, user, password, os.environ.get("ROOFTREE_CA_FILE") or None), **changes)


@pytest.fixture
async def kafka() -> AsyncIterator[Kafka]:
    adapter = Kafka(server())
    yield adapter
    adapter.close()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A right login on a busy machine is no wrong one."""
    monkeypatch.setattr(kafka_adapter, "PROBE_BOOTSTRAP", 5_000)


async def until(check: Callable[[], Awaitable[bool]]) -> None:
    """Brokers learn of a change from the controller, a moment later."""
    async with asyncio.timeout(30):
        while not await check():
            continue


class Home:
    """A tenant's place in Kafka."""

    def __init__(self, kafka: Kafka, tenant: TenantId) -> None:
        self.kafka, self.tenant = kafka, tenant
        self.user, self.password = names.user(tenant), keys.password()
        self.events = names.topic(tenant, "events")

    async def make(self) -> None:
        await self.kafka.set_credential(self.user, scram.salted(self.password))
        await self.kafka.create_topic(self.events, EVENTS_SETTINGS)
        await self.kafka.allow(self.user, sorted(grants(self.tenant)))
        await self.kafka.set_quotas(self.user, QUOTAS)

        async def let_in() -> bool:
            try:
                await self.kafka.probe(self.user, self.password, self.events)
            except (LoginRefused, Unavailable):
                return False
            return True

        await until(let_in)
        await until(self._coordinated)

    async def _coordinated(self) -> bool:
        """A cluster that nobody has asked for a group yet makes the topic of their offsets first."""
        try:
            await self.kafka.delete_groups([names.group(self.tenant, "absent")])
        except Unavailable:
            return False
        return True

    async def remove(self) -> None:
        prefix = names.prefix(self.tenant)
        if found := await self.kafka.topics(prefix):
            await self.kafka.delete_topics(found)
        if found := await self.kafka.groups(prefix):
            await self.kafka.delete_groups(found)
        seen = await self.kafka.access(self.user, ())
        if seen.grants:
            await self.kafka.disallow(self.user, sorted(seen.grants))
        if seen.quotas:
            await self.kafka.set_quotas(self.user, dict.fromkeys(seen.quotas))
        await self.kafka.drop_credential(self.user)

    def login(self) -> dict[str, Any]:
        ca_file = self.kafka.server.ca_file
        return {
            "bootstrap_servers": self.kafka.server.bootstrap,
            "security_protocol": "SASL_SSL" if ca_file else "SASL_PLAINTEXT",
            "ssl_context": ssl.create_default_context(cafile=ca_file) if ca_file else None,
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_plain_username": self.user,
            "sasl_plain_password": self.password,
            "request_timeout_ms": 5_000,
        }


@pytest.fixture
async def home(kafka: Kafka) -> AsyncIterator[Home]:
    """A tenant."""
    place = Home(kafka, names.mint(f"k{secrets.token_hex(3)}", secrets.token_bytes(4)))
    try:
        await place.make()
        yield place
    finally:
        await place.remove()


@pytest.fixture
async def neighbour(kafka: Kafka, home: Home) -> AsyncIterator[Home]:
    """A tenant whose id begins with the first one's, and ends otherwise."""
    place = Home(kafka, names.mint(f"{home.tenant}-b"[:30].strip("-"), secrets.token_bytes(4)))
    assert place.tenant.value.startswith(home.tenant.value)
    try:
        await place.make()
        yield place
    finally:
        await place.remove()


async def test_what_was_made_is_seen_and_what_was_removed_is_gone(kafka: Kafka, home: Home) -> None:
    seen = await kafka.access(home.user, [home.events, names.topic(home.tenant, "absent")])
    assert seen.iterations == scram.iterations(home.password)
    assert seen.topics == {home.events: EVENTS_SETTINGS}
    assert seen.grants == grants(home.tenant)
    assert seen.quotas == QUOTAS
    await home.remove()

    async def gone() -> bool:
        left = await kafka.access(home.user, [home.events])
        return (left.iterations, left.topics, left.grants, left.quotas) == (None, {}, frozenset(), {})

    await until(gone)


async def test_doing_everything_twice_is_fine(home: Home) -> None:
    await home.make()
    await home.remove()
    await home.remove()


async def test_drift_of_each_kind_is_seen(kafka: Kafka, home: Home) -> None:
    more = Grant("cluster", "kafka-cluster", "literal", "describe")
    await kafka.allow(home.user, [more])
    await kafka.set_topic(home.events, {"retention.ms": "1000"})
    await kafka.set_quotas(home.user, {"producer_byte_rate": None, "request_percentage": 10.0})
    await kafka.set_credential(home.user, replace(scram.salted("other"), iterations=4096))

    async def seen() -> bool:
        now = await kafka.access(home.user, [home.events])
        return (
            now.grants == grants(home.tenant) | {more}
            and now.topics[home.events] == {**EVENTS_SETTINGS, "retention.ms": "1000"}
            and now.quotas == {"controller_mutation_rate": 5.0, "request_percentage": 10.0}
            and now.iterations == 4096
        )

    await until(seen)


@pytest.mark.usefixtures("patient")
async def test_a_wrong_password_is_refused_and_a_foreign_topic_too(kafka: Kafka, home: Home, neighbour: Home) -> None:
    tries: tuple[Callable[..., Awaitable[None]], ...] = (kafka.probe, kafka.log_in)
    for try_ in tries:
        with pytest.raises(LoginRefused):
            await try_(home.user, "wrong", home.events)
        with pytest.raises(Unavailable, match="TopicAuthorizationFailed"):
            await try_(home.user, home.password, neighbour.events)


@pytest.mark.usefixtures("patient")
async def test_what_a_login_is_proven_with_is_an_event_that_consumers_pass_over(kafka: Kafka, home: Home) -> None:
    await kafka.probe(home.user, home.password, home.events)
    consumer = AIOKafkaConsumer(home.events, auto_offset_reset="earliest", **home.login())
    await consumer.start()
    try:
        record = await asyncio.wait_for(consumer.getone(), 20)
    finally:
        await consumer.stop()
    headers = {name: value.decode() for name, value in record.headers}
    uuid.UUID(headers.pop("ce_id"))
    assert headers == {"ce_specversion": "1.0", "ce_source": SOURCE, "ce_type": "dev.rooftree.probe.v1"}


@pytest.mark.usefixtures("patient")
async def test_a_login_that_is_only_tried_sends_no_record_and_notices_a_right_that_is_missing(
    kafka: Kafka, home: Home
) -> None:
    async def ends() -> list[int]:
        consumer = AIOKafkaConsumer(home.events, **home.login())
        await consumer.start()
        try:
            return list((await consumer.end_offsets(consumer.assignment())).values())
        finally:
            await consumer.stop()

    there, before = await ends(), effects("kafka")
    assert len(there) == 1
    await kafka.log_in(home.user, home.password, home.events)
    assert (await ends(), effects("kafka")) == (there, before)
    await kafka.disallow(home.user, [Grant("topic", names.prefix(home.tenant), "prefixed", "write")])

    async def noticed() -> bool:
        try:
            await kafka.log_in(home.user, home.password, home.events)
        except Unavailable as refusal:
            return "TopicAuthorizationFailed" in refusal.message and "no WRITE" in refusal.message
        return False

    await until(noticed)


async def test_many_calls_at_the_same_time_are_all_answered(kafka: Kafka, home: Home) -> None:
    answers = await asyncio.gather(*(kafka.access(home.user, [home.events]) for _ in range(40)))
    assert {seen.iterations for seen in answers} == {scram.iterations(home.password)}


@pytest.mark.usefixtures("patient")
async def test_tenants_that_come_together_each_get_what_they_asked_for(kafka: Kafka) -> None:
    homes = [Home(kafka, names.mint(f"k{secrets.token_hex(3)}", secrets.token_bytes(4))) for _ in range(8)]
    try:
        await asyncio.gather(*(home.make() for home in homes))
        seen = await asyncio.gather(*(kafka.access(home.user, [home.events]) for home in homes))
        for home, found in zip(homes, seen, strict=True):
            assert found.iterations == scram.iterations(home.password)
            assert (found.topics, found.grants) == ({home.events: EVENTS_SETTINGS}, grants(home.tenant))
            assert found.quotas == QUOTAS
    finally:
        await asyncio.gather(*(home.remove() for home in homes))


async def test_of_several_that_come_together_only_the_one_that_kafka_refuses_fails(kafka: Kafka, home: Home) -> None:
    broken = names.user(names.mint("broken", secrets.token_bytes(4)))
    fine = {"producer_byte_rate": 2_097_152.0}
    results = await asyncio.gather(
        kafka.set_quotas(home.user, fine),
        kafka.set_quotas(broken, {"no_such_quota": 1.0}),
        kafka.create_topic(f"{home.events}-more", EVENTS_SETTINGS),
        kafka.create_topic(f"{home.events}-broken", {"cleanup.policy": "no-such-policy"}),
        kafka.set_credential(home.user, scram.salted(home.password)),
        kafka.set_credential(broken, replace(scram.salted("x"), iterations=1)),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [type(None), Unavailable] * 3
    assert all(isinstance(result, Unavailable) and result.reason == "KafkaRefused" for result in results[1::2])

    async def seen() -> bool:
        found = await kafka.access(home.user, [f"{home.events}-more", f"{home.events}-broken"])
        return set(found.topics) == {f"{home.events}-more"} and found.quotas["producer_byte_rate"] == 2_097_152.0

    await until(seen)


async def test_a_cluster_that_is_away_is_told_within_the_deadline() -> None:
    away = Kafka(server(bootstrap="10.200.0.1:1"))
    with pytest.raises(Unavailable) as caught:
        await away.ping()
    assert caught.value.reason == "KafkaUnreachable"
    away.close()


async def test_a_tenant_produces_consumes_and_commits_in_its_own_place(home: Home) -> None:
    producer = AIOKafkaProducer(**home.login())
    await producer.start()
    sent = await producer.send_and_wait(home.events, b"sold")
    await producer.stop()
    group = names.group(home.tenant, "property.search")
    consumer = AIOKafkaConsumer(home.events, **home.login(), group_id=group, auto_offset_reset="earliest")
    await consumer.start()
    while (await consumer.getone()).offset != sent.offset:
        continue
    await consumer.stop()
    assert await home.kafka.groups(names.prefix(home.tenant)) == [group]


async def test_looking_for_a_cluster_that_is_away_leaves_no_threads_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_adapter, "REQUEST_TIMEOUT", 200)
    away = Kafka(server(bootstrap="10.200.0.1:1"))
    before = threading.active_count()
    for _ in range(3):
        with pytest.raises(Unavailable):
            await away.ping()
    assert threading.active_count() <= before + 1, "the one that pings"
    away.close()


@pytest.fixture
async def silent() -> AsyncIterator[str]:
    """A server that takes connections and never says a word."""

    taken: list[asyncio.StreamWriter] = []
    listener = await asyncio.start_server(lambda _, writer: taken.append(writer), "127.0.0.1", 0)
    host, port = listener.sockets[0].getsockname()
    yield f"{host}:{port}"
    listener.close()
    for writer in taken:
        writer.close()


async def test_a_cluster_that_hangs_is_told_within_the_deadline(silent: str) -> None:
    hanging = Kafka(server(bootstrap=silent))
    async with asyncio.timeout(kafka_adapter.PING_DEADLINE + 1.0):
        with pytest.raises(Unavailable) as caught:
            await hanging.ping()
    assert caught.value.reason == "KafkaUnreachable"
    hanging.close()


async def test_a_consumer_that_never_left_is_removed_from_its_group(home: Home) -> None:
    group = names.group(home.tenant, "property.search")
    consumer = AIOKafkaConsumer(home.events, **home.login(), group_id=group, session_timeout_ms=30_000)
    await consumer.start()
    try:
        assert await home.kafka.delete_groups([group]) == [group]
        await home.kafka.expel([group])
        assert await home.kafka.delete_groups([group]) == []
    finally:
        await consumer.stop()


def as_tenant(home: Home) -> Any:
    """An admin client that is logged in as the tenant."""
    return KafkaAdminClient(**home.kafka._options(home.user, home.password, "SCRAM-SHA-512"))


REFUSALS = (
    errors.TopicAuthorizationFailedError,
    errors.GroupAuthorizationFailedError,
    errors.ClusterAuthorizationFailedError,
    errors.TransactionalIdAuthorizationFailedError,
)


def attempts(home: Home, topic: str, group: str) -> dict[str, Callable[[Any], Any]]:
    """What a tenant might try on `topic`, on `group` and on the cluster."""
    place, everything = TopicPartition(topic, 0), kafka_admin._acls_of(home.user)
    own = Grant("topic", topic, "literal", "all")
    rule = ACL(f"User:{home.user}", "*", *kafka_admin.rule(own), ResourcePattern(*kafka_admin.resource(own)))
    stolen = kafka_admin.Credential(home.user, Salted(4096, b"0123456789abcdef", b"x" * 64))
    return {
        "create topic": lambda admin: admin.create_topics({f"{topic}-more": {"num_partitions": 1}}),
        "delete topic": lambda admin: admin.delete_topics([topic]),
        "more partitions": lambda admin: admin.create_partitions({topic: 2}),
        "delete records": lambda admin: _sent(admin, DeleteRecordsRequest(topics=[(topic, [(0, 0)])], timeout_ms=1000)),
        "alter topic": lambda admin: _sent(
            admin, IncrementalAlterConfigsRequest(resources=[(2, topic, [("retention.ms", 0, "1")])])
        ),
        "read offsets": lambda admin: admin.list_group_offsets(group),
        "set offsets": lambda admin: _raised(admin.alter_group_offsets(group, {place: OffsetAndMetadata(0, "", -1)})),
        "delete group": lambda admin: _raised(admin.delete_groups([group])),
        "grant": lambda admin: _raised(admin.create_acls([rule])),
        "list grants": lambda admin: _sent(admin, everything),
        "set password": lambda admin: _raised(kafka_admin._alter(admin, [stolen])),
        "set quota": lambda admin: _raised(kafka_quotas.alter(admin, {home.user: {"producer_byte_rate": 1e9}})),
    }


def _sent(admin: Any, request: Any) -> None:
    """Raises the refusal that is in the answer to a request of one's own."""
    answer = str(kafka_requests.send(admin, request))
    for refusal in REFUSALS:
        if f"error_code={refusal.errno}" in answer:
            raise refusal(answer)


def _raised(answer: Any) -> None:
    """Some answers hold the error instead of raising it."""
    text = str(answer)
    found = [refusal for refusal in REFUSALS if refusal.__name__ in text]
    if found:
        raise found[0](text)


ATTEMPTS = sorted(attempts(Home(None, names.mint("acme", b"0000")), "t", "g"))  # type: ignore[arg-type]
ALLOWED_ON_OWN = {"read offsets", "set offsets"}


@pytest.mark.parametrize("attempt", ATTEMPTS)
async def test_a_tenant_is_refused_whatever_it_tries_on_a_neighbour_or_the_cluster(
    home: Home, neighbour: Home, attempt: str
) -> None:
    admin = as_tenant(home)
    try:
        group = names.group(neighbour.tenant, "property.search")
        with pytest.raises(REFUSALS):
            attempts(home, neighbour.events, group)[attempt](admin)
        if attempt not in ALLOWED_ON_OWN:
            with pytest.raises(REFUSALS):
                attempts(home, home.events, names.group(home.tenant, "property.search"))[attempt](admin)
    finally:
        admin.close()
    seen = await home.kafka.access(home.user, [home.events])
    assert (seen.iterations, seen.grants) == (scram.iterations(home.password), grants(home.tenant))
    assert (seen.topics, seen.quotas) == ({home.events: EVENTS_SETTINGS}, QUOTAS)


async def test_a_tenant_neither_sees_nor_reads_nor_sends_as_its_neighbour(home: Home, neighbour: Home) -> None:
    admin = as_tenant(home)
    assert set(admin.list_topics()) == {home.events}
    assert admin.list_groups() == []
    part = FetchRequest.FetchTopic.FetchPartition(partition=0, fetch_offset=0, partition_max_bytes=1000)
    for topic, refused in ((home.events, False), (neighbour.events, True)):
        asked = FetchRequest.FetchTopic(topic=topic, partitions=[part])
        # Version 12 is the last one that names topics; later ones ask by an id, which a stranger cannot learn.
        request = FetchRequest(max_wait_ms=100, min_bytes=1, max_bytes=1000, topics=[asked], max_version=12)
        with pytest.raises(errors.TopicAuthorizationFailedError) if refused else nullcontext():
            _sent(admin, request)
    admin.close()
    options = home.kafka._options(home.user, home.password, "SCRAM-SHA-512")
    producer: Any = KafkaProducer(**options, transactional_id=f"{neighbour.tenant}.relay", max_block_ms=5_000)
    with pytest.raises(REFUSALS):
        producer.init_transactions()
    producer.close(timeout=1)
