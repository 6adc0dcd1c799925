"""A tenant's place in a real Kafka for each test, with the rights that the operator gives; and programs on it."""

# pyright: reportAttributeAccessIssue=false
import asyncio
import os
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from aiokafka import AIOKafkaConsumer
from kafka import KafkaAdminClient
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourceType,
    UserScramCredentialDeletion,
    UserScramCredentialUpsertion,
)
from rooftree.kernel import consumption, relay
from rooftree.kernel.background import Background
from rooftree.kernel.bus import Bus
from rooftree.kernel.clock import SystemClock
from rooftree.kernel.consumers import Subscriber
from rooftree.kernel.database import Database
from rooftree.kernel.kafka import Kafka, KafkaSettings
from rooftree.kernel.metrics import Metrics
from rooftree.kernel.outbox import Outbox
from rooftree.kernel.unit_of_work import UnitOfWork

from ..conftest import Tenant, TestDatabase
from .samples import Counted


@dataclass(frozen=True)
class Broker:
    """The cluster, and a user who may use what begins with `prefix`."""

    bootstrap: str
    user: str
    password: str
    prefix: str
    admin: Any


@pytest.fixture(scope="session")
def broker() -> Iterator[Broker]:
    if not (bootstrap := os.environ.get("ROOFTREE_TEST_KAFKA_BOOTSTRAP")):
        pytest.fail("These tests need ROOFTREE_TEST_KAFKA_BOOTSTRAP (`make up-backends`).")
    admin: Any = KafkaAdminClient(
        bootstrap_servers=bootstrap,
        security_protocol="SASL_SSL",
        ssl_cafile=os.environ["ROOFTREE_CA_FILE"],
        sasl_mechanism="PLAIN",
        sasl_plain_username=os.environ["ROOFTREE_TEST_KAFKA_USER"],
        sasl_plain_password=os.environ["ROOFTREE_TEST_KAFKA_PASSWORD"],
    )
    prefix = f"apptest{secrets.token_hex(5)}-"
    user, password = f"{prefix}app", secrets.token_urlsafe(16)
    admin.alter_user_scram_credentials([UserScramCredentialUpsertion(user, "SCRAM-SHA-512", password)])
    rights = [
        ACL(
            principal=f"User:{user}",
            host="*",
            operation=operation,
            permission_type=ACLPermissionType.ALLOW,
            resource_pattern=ResourcePattern(kind, prefix, ACLResourcePatternType.PREFIXED),
        )
        for kind, operation in [
            (ResourceType.TOPIC, ACLOperation.READ),
            (ResourceType.TOPIC, ACLOperation.WRITE),
            (ResourceType.GROUP, ACLOperation.READ),
        ]
    ]
    admin.create_acls(rights)
    try:
        yield Broker(bootstrap, user, password, prefix, admin)
    finally:
        admin.delete_acls(rights)
        admin.alter_user_scram_credentials([UserScramCredentialDeletion(user, "SCRAM-SHA-512")])
        admin.close()


class Site:
    """One tenant with its database and topics; starts processes' event sides and looks behind them."""

    def __init__(self, tenant: Tenant, kafka: KafkaSettings, database: TestDatabase) -> None:
        self.settings = tenant.settings()
        self.secrets = tenant.secrets()
        self.kafka_settings = kafka
        self.database = database
        self.kafka = Kafka(self.settings, kafka, self.secrets)
        self.pool = Database(self.settings, self.secrets)
        self.unit_of_work = UnitOfWork(self.pool.engine)
        self.metrics = Metrics("test")

    async def publish(self, *numbers: int, counter: UUID) -> None:
        """One transaction with an event for each number."""
        async with self.unit_of_work() as session:
            await Outbox().add(session, [Counted(counter=counter, number=number) for number in numbers])

    def bus(self, *subscribers: Subscriber, kafka: KafkaSettings | None = None) -> Bus:
        self.metrics = Metrics("test")
        return Bus(
            self.settings,
            self.secrets,
            kafka=kafka or self.kafka_settings,
            unit_of_work=self.unit_of_work,
            clock=SystemClock(),
            metrics=self.metrics,
            subscribers=subscribers,
        )

    @asynccontextmanager
    async def running(self, *subscribers: Subscriber, kafka: KafkaSettings | None = None) -> AsyncGenerator[Bus]:
        """The events' side of one process."""
        background, bus = Background(), self.bus(*subscribers, kafka=kafka)
        bus.start(background)
        try:
            yield bus
        finally:
            await bus.stop()
            await background.close(5)

    async def messages(self, topic: str) -> list[Any]:
        """All that is in a topic now, in order."""
        reader = AIOKafkaConsumer(topic, **self.kafka.arguments(), auto_offset_reset="earliest")
        await reader.start()
        try:
            ends = await reader.end_offsets(list(reader.assignment()))
            found: list[Any] = []
            while any([await reader.position(partition) < end for partition, end in ends.items()]):
                for records in (await reader.getmany(timeout_ms=200)).values():
                    found += records
            return found
        finally:
            await reader.stop()

    def numbers(self, records: Iterable[Any]) -> list[tuple[int, str]]:
        """(sequence, data) of messages."""
        return [(int(dict(record.headers)["ce_sequence"]), record.value.decode()) for record in records]

    def unsent(self) -> int:
        return self.database.rows("SELECT count(*) FROM events.outbox WHERE sent_at IS NULL")[0][0]

    def metric(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "STANDBY_SECONDS", 0.2)
    monkeypatch.setattr(relay, "_MEASURE_SECONDS", 0.2)
    monkeypatch.setattr(consumption, "_MEASURE_SECONDS", 0.2)
    monkeypatch.setattr(consumption, "FIRST_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(consumption, "LONGEST_PAUSE_SECONDS", 0.2)


@pytest.fixture
async def site(broker: Broker, stored_tenant: Tenant, database: TestDatabase) -> AsyncGenerator[Site]:
    """A tenant with two topics of one partition."""
    async for made in _site(broker, stored_tenant, database, partitions=1):
        yield made


@pytest.fixture
async def wide_site(broker: Broker, stored_tenant: Tenant, database: TestDatabase) -> AsyncGenerator[Site]:
    """The same with four partitions."""
    async for made in _site(broker, stored_tenant, database, partitions=4):
        yield made


async def _site(broker: Broker, tenant: Tenant, database: TestDatabase, partitions: int) -> AsyncGenerator[Site]:
    tenant_id = f"{broker.prefix}{secrets.token_hex(4)}"
    mine = tenant.but(tenant_id=tenant_id, secret_files={"kafka_password": broker.password})
    made = Site(mine, KafkaSettings(kafka_bootstrap=broker.bootstrap, kafka_user=broker.user), database)
    topics = [made.kafka.events, made.kafka.dead_letter]
    await asyncio.to_thread(
        broker.admin.create_topics,
        {topic: {"num_partitions": partitions, "replication_factor": 1} for topic in topics},
        wait_for_metadata=True,
    )
    yield made
    await made.pool.close()
    await asyncio.to_thread(broker.admin.delete_topics, topics)


async def until(condition: Callable[[], Any], *, seconds: float = 20) -> None:
    """Look until it is so; what is waited for happens in other connections."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def until_true(condition: Callable[[], Awaitable[Any]]) -> None:
    async with asyncio.timeout(20):
        while not await condition():  # noqa: ASYNC110
            await asyncio.sleep(0.1)
