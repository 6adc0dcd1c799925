"""Kafka as the operator needs it: SCRAM users, ACLs, quotas, topics, groups; and a look from the tenant's side.

What every tenant's pass asks for goes together with what others ask for at that moment (`kafka_admin`).

kafka-python's admin client is synchronous; one of it is shared by a few threads (its own thread does the I/O). Every
call has a deadline, and fails at once while the gate is shut. Passwords arrive salted and hashed.
"""

# The library has no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportPrivateUsage=false, reportUnknownLambdaType=false
# pyright: reportAttributeAccessIssue=false, reportUnknownParameterType=false

import asyncio
import functools
import socket
import threading
import uuid
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka import errors as kafka_errors
from kafka.admin import ConfigResource, ConfigResourceType, MemberToRemove
from kafka.net.compat import KafkaNetClient

from .. import effects
from ..batching import Batches
from ..errors import LoginRefused, Unavailable
from ..gate import Gate
from ..scram import Salted
from . import kafka_admin
from .kafka_admin import AccessSeen, Grant

T = TypeVar("T")
ItemT = TypeVar("ItemT")
AnswerT = TypeVar("AnswerT")

REQUEST_TIMEOUT = 5_000  # milliseconds, of one request
DEADLINE = 10.0  # seconds, of one call of ours, with its wait for a thread
PING_DEADLINE = 4.0  # seconds
PROBE_BOOTSTRAP = 1_500  # milliseconds in which a new credential is known to the brokers; usually 50
IN_FLIGHT = 2_000  # requests on a connection, of which one more would fail at once; the gate lets far fewer through
# The library waits for a TLS handshake without end. So a host that vanished must be noticed by TCP, here after 11 s.
SOCKET_OPTIONS = [
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 2),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
]
PROBE = {"specversion": "1.0", "source": "//rooftree.dev/operator", "type": "dev.rooftree.probe.v1"}
USED = {"READ", "WRITE"}  # rights that the app needs on its topics


@dataclass(frozen=True)
class Server:
    """How to reach Kafka. `ca_file` switches TLS with full verification on."""

    bootstrap: str
    user: str
    password: str = field(repr=False)
    ca_file: str | None


class Kafka:
    """One cluster."""

    name = "kafka"

    def __init__(self, server: Server, most: int = 8) -> None:
        self.server = server
        self.gate = Gate(self.name, most)
        self._threads = ThreadPoolExecutor(most, "kafka")
        self._watcher = ThreadPoolExecutor(1, "kafka-ping")
        self._lock = threading.Lock()
        self._shared: KafkaAdminClient | None = None
        self._looks = self._batches("access", kafka_admin.access, _user)
        self._credentials = self._batches("credential", kafka_admin.set_credentials, _user)
        self._rights = self._batches("allow", kafka_admin.allow, _user)
        self._refusals = self._batches("disallow", kafka_admin.disallow, _user)
        self._quotas = self._batches("quota", kafka_admin.set_quotas, _user)
        create = functools.partial(kafka_admin.create_topics, timeout_ms=REQUEST_TIMEOUT)
        self._new_topics = self._batches("topic", create, lambda topic: topic.name)

    def close(self) -> None:
        """Gives the connections up; calls under way end with an error."""
        # Not under the lock: whoever makes the client holds it for as long as the cluster hangs.
        if self._shared is not None:
            self._shared.close()
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._watcher.shutdown(wait=False, cancel_futures=True)

    def _admin(self) -> Any:
        """The shared client; made when first needed, as making it needs the cluster. It reconnects by itself."""
        with self._lock:
            if self._shared is None:
                self._shared = _connected(self._options(self.server.user, self.server.password, "PLAIN"))
            return self._shared

    def _options(self, user: str, password: str, mechanism: str) -> dict[str, Any]:
        ca_file = self.server.ca_file
        return {
            "bootstrap_servers": self.server.bootstrap,
            "security_protocol": "SASL_SSL" if ca_file else "SASL_PLAINTEXT",
            "ssl_cafile": ca_file,
            "sasl_mechanism": mechanism,
            "sasl_plain_username": user,
            "sasl_plain_password": password,
            "request_timeout_ms": REQUEST_TIMEOUT,
            "bootstrap_timeout_ms": REQUEST_TIMEOUT,
            "reconnect_backoff_max_ms": 1_000,
            "socket_options": SOCKET_OPTIONS,
            "client_id": "rooftree-operator",
        }

    async def _call(self, work: Callable[[Any], T]) -> T:
        """Runs `work` with the admin client in a thread. Raises `Unavailable` if the cluster does not do it now."""
        async with self.gate.call():
            return await self._in_thread(self._threads, lambda: self._fenced(work), DEADLINE)

    def _fenced(self, work: Callable[[Any], T]) -> T:
        admin = self._admin()
        self.gate.fence()  # the connection may have taken long, or the thread was not there yet
        return work(admin)

    async def _in_thread(self, threads: ThreadPoolExecutor, work: Callable[[], T], within: float) -> T:
        try:
            async with asyncio.timeout(within):
                return await asyncio.get_running_loop().run_in_executor(threads, work)
        except (kafka_errors.KafkaError, TimeoutError, OSError) as error:
            raise _unavailable(self.server, error) from error

    async def ping(self) -> None:
        """Asks the cluster itself, whatever the gate says. Raises `Unavailable` if it does not answer."""
        await self._in_thread(self._watcher, lambda: self._admin().describe_cluster(), PING_DEADLINE)

    async def _together(
        self, work: Callable[[Any, Sequence[ItemT]], Sequence[AnswerT | Exception]], items: Sequence[ItemT]
    ) -> Sequence[AnswerT | Exception]:
        """Runs `work` for several who asked; an entry that Kafka refuses is refused to its own asker."""
        together = functools.partial(self._fenced, lambda admin: work(admin, items))
        found = await self._in_thread(self._threads, together, DEADLINE)
        return [self._refusal(one) if isinstance(one, kafka_errors.KafkaError) else one for one in found]

    def _refusal(self, error: kafka_errors.KafkaError) -> Unavailable:
        refusal = _unavailable(self.server, error)
        refusal.__cause__ = error
        return refusal

    def _batches(
        self,
        kind: str,
        work: Callable[[Any, Sequence[ItemT]], Sequence[AnswerT | Exception]],
        key: Callable[[ItemT], Hashable],
    ) -> Batches[ItemT, AnswerT]:
        return Batches(kind, self.gate, functools.partial(self._together, work), key)

    async def access(self, user: str, topics: Sequence[str]) -> AccessSeen:
        """What there is of `user` and of `topics`."""
        return await self._looks.ask(kafka_admin.Looked(user, tuple(topics)))

    async def set_credential(self, user: str, salted: Salted) -> None:
        """Makes or replaces the user's SCRAM-SHA-512 credential."""
        with effects.sending("kafka", "upsert", "credential"):
            await self._credentials.ask(kafka_admin.Credential(user, salted))

    async def drop_credential(self, user: str) -> None:
        """Nobody logs in as `user` any more; one that is gone is fine."""
        if (await self.access(user, ())).iterations is None:
            return
        try:
            with effects.sending("kafka", "delete", "credential"):
                await self._credentials.ask(kafka_admin.Credential(user, None))
        except Unavailable as error:
            # What we saw may be older than a deletion that had just been done.
            if not isinstance(error.__cause__, kafka_errors.ResourceNotFoundError):
                raise

    async def create_topic(self, name: str, settings: Mapping[str, str]) -> None:
        """Makes a topic of one partition with the cluster's replication; one that exists is fine."""
        with effects.sending("kafka", "create", "topic"):
            await self._new_topics.ask(kafka_admin.NewTopic(name, settings))

    async def set_topic(self, name: str, settings: Mapping[str, str]) -> None:
        """Changes settings of a topic, and leaves the others."""
        wanted = ConfigResource(ConfigResourceType.TOPIC, name, configs=dict(settings))
        with effects.sending("kafka", "alter", "topic"):
            await self._call(lambda admin: admin.alter_configs([wanted], incremental=True))

    async def topics(self, prefix: str) -> list[str]:
        """All topics whose names begin with `prefix`."""
        found = await self._call(lambda admin: admin.list_topics())
        return sorted(name for name in found if name.startswith(prefix))

    async def delete_topics(self, names: Sequence[str]) -> None:
        """Deletes topics with all their records; those that are gone are fine."""
        with effects.sending("kafka", "delete", "topic"):
            await self._call(functools.partial(_delete_topics, names=names))

    async def groups(self, prefix: str) -> list[str]:
        """All consumer groups whose names begin with `prefix`."""
        found = await self._call(lambda admin: admin.list_groups())
        return sorted(group["group_id"] for group in found if group["group_id"].startswith(prefix))

    async def delete_groups(self, names: Sequence[str]) -> list[str]:
        """Deletes groups with their offsets; those that are gone are fine. Returns those that still have members."""
        with effects.sending("kafka", "delete", "group"):
            results: dict[str, str] = await self._call(lambda admin: admin.delete_groups(list(names)))
        refused = {name: result for name, result in results.items() if result not in ("OK", "GroupIdNotFoundError")}
        if others := sorted(set(refused.values()) - {"NonEmptyGroupError"}):
            raise Unavailable("KafkaRefused", f"Kafka does not delete groups: {', '.join(others)}")
        return sorted(refused)

    async def expel(self, groups: Sequence[str]) -> None:
        """Removes all members of these groups, as if they had left."""
        with effects.sending("kafka", "expel", "member"):
            await self._call(functools.partial(_expel, groups=groups))

    async def allow(self, user: str, grants: Sequence[Grant]) -> None:
        """Allows it; what is allowed already is fine."""
        with effects.sending("kafka", "create", "acl"):
            await self._rights.ask(kafka_admin.Rights(user, tuple(grants)))

    async def disallow(self, user: str, grants: Sequence[Grant]) -> None:
        """Takes these ACLs of `user` away; those that are gone are fine."""
        with effects.sending("kafka", "delete", "acl"):
            await self._refusals.ask(kafka_admin.Rights(user, tuple(grants)))

    async def set_quotas(self, user: str, quotas: Mapping[str, float | None]) -> None:
        """Sets quotas of `user`, and removes those that are None."""
        with effects.sending("kafka", "alter", "quota"):
            await self._quotas.ask(kafka_admin.Quotas(user, quotas))

    async def probe(self, user: str, password: str, topic: str) -> None:
        """As `user`: sends one record to `topic` and reads it back. Raises `LoginRefused` if it does not get in."""
        options = self._options(user, password, "SCRAM-SHA-512")
        try:
            async with self.gate.call("probe"):
                with effects.sending("kafka", "produce", "probe"):
                    await self._in_thread(self._threads, functools.partial(_round_trip, options, topic), DEADLINE)
        except LoginRefused:
            await self.ping()  # or is the cluster away, for everyone?
            raise

    async def log_in(self, user: str, password: str, topic: str) -> None:
        """As `user`: asks what it may do with `topic`, and changes nothing. Raises as `probe` does."""
        options = self._options(user, password, "SCRAM-SHA-512")
        try:
            async with self.gate.call("log in"):
                await self._in_thread(self._threads, functools.partial(_ask_rights, options, topic), DEADLINE)
        except LoginRefused:
            await self.ping()  # as above
            raise


def _user(asked: kafka_admin.Looked | kafka_admin.Credential | kafka_admin.Rights | kafka_admin.Quotas) -> str:
    return asked.user


def _connected(options: dict[str, Any]) -> Any:
    """A new admin client. One that does not connect leaves its thread behind: that is ended here."""
    made: list[Any] = []

    def network(**settings: Any) -> Any:
        made.append(KafkaNetClient(**settings))
        return made[-1]

    try:
        return KafkaAdminClient(**options, max_in_flight_requests_per_connection=IN_FLIGHT, kafka_client=network)
    except kafka_errors.KafkaError:
        for client in made:
            client.close()
            client._manager._net.stop()
        raise


def _delete_topics(admin: Any, *, names: Sequence[str]) -> None:
    answer = admin.delete_topics(list(names), timeout_ms=REQUEST_TIMEOUT, raise_errors=False)
    for topic in answer["topics"]:
        error = kafka_errors.for_code(topic["error_code"])
        if error not in (kafka_errors.NoError, kafka_errors.UnknownTopicOrPartitionError):
            raise error(topic.get("error_message"))


def _expel(admin: Any, *, groups: Sequence[str]) -> None:
    for name, group in admin.describe_groups(list(groups)).items():
        if members := [MemberToRemove(member_id=member["member_id"]) for member in group["members"]]:
            admin.remove_group_members(name, members)


def probe_headers(mark: uuid.UUID) -> list[tuple[str, bytes]]:
    """Of a CloudEvent 1.0 that consumers pass over by its type; what is no event at all they would put aside."""
    return [(f"ce_{name}", value.encode()) for name, value in {**PROBE, "id": str(mark)}.items()]


def _round_trip(options: dict[str, Any], topic: str) -> None:
    """Consumers skip the record by its type."""
    mark = uuid.uuid4()
    limits: dict[str, Any] = {**options, "bootstrap_timeout_ms": PROBE_BOOTSTRAP}
    try:
        producer: Any = KafkaProducer(**limits, max_block_ms=REQUEST_TIMEOUT, acks="all")
    except kafka_errors.KafkaTimeoutError as error:
        raise LoginRefused from error  # tried again until the time was up; the library does not tell why
    try:
        sending = producer.send(topic, value=mark.bytes, headers=probe_headers(mark), partition=0)
        sent = sending.get(timeout=REQUEST_TIMEOUT / 1000)
    finally:
        producer.close(timeout=1)
    consumer: Any = KafkaConsumer(**limits, group_id=None, enable_auto_commit=False)
    try:
        place = TopicPartition(topic, 0)
        consumer.assign([place])
        consumer.seek(place, sent.offset)
        records = consumer.poll(timeout_ms=REQUEST_TIMEOUT, max_records=1).get(place, [])
    finally:
        consumer.close()
    if not records or records[0].value != mark.bytes:
        raise kafka_errors.KafkaTimeoutError(f"a record sent to {topic} was not read back")


def _ask_rights(options: dict[str, Any], topic: str) -> None:
    """The broker's own word for it; ACLs that are there may not be in force yet."""
    try:
        tenant = _connected({**options, "bootstrap_timeout_ms": PROBE_BOOTSTRAP})
    except kafka_errors.KafkaTimeoutError as error:
        raise LoginRefused from error  # as in `_round_trip`
    try:
        (found,) = tenant.describe_topics([topic])
    finally:
        tenant.close()
    error = kafka_errors.for_code(found["error_code"])
    if error is not kafka_errors.NoError:
        raise error(topic)
    if lacking := USED - set(found["authorized_operations"]):
        raise kafka_errors.TopicAuthorizationFailedError(f"{topic}: no {', '.join(sorted(lacking))}")


def _unavailable(server: Server, error: Exception) -> Unavailable:
    """Tells a cluster that is away from one that answers and refuses."""
    words = f"{type(error).__name__}: {' '.join(str(error).split())}".rstrip(": ")[:500]
    silent = isinstance(error, kafka_errors.RequestTimedOutError)  # an answer in form only: the client makes it
    if isinstance(error, kafka_errors.BrokerResponseError) and not silent:
        return Unavailable("KafkaRefused", f"Kafka at {server.bootstrap} refuses: {words}")
    return Unavailable("KafkaUnreachable", f"Kafka at {server.bootstrap} does not answer: {words}")
