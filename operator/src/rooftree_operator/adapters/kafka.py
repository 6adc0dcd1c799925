"""Kafka as the operator needs it: SCRAM users, ACLs, quotas, topics, groups; and a look from the tenant's side.

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
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka import errors as kafka_errors
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ConfigResource,
    ConfigResourceType,
    MemberToRemove,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
)
from kafka.net.compat import KafkaNetClient
from kafka.protocol.admin import AlterUserScramCredentialsRequest

from .. import effects, keys, scram
from ..errors import LoginRefused, Unavailable
from ..gate import Gate
from ..scram import Salted
from . import kafka_quotas

T = TypeVar("T")

REQUEST_TIMEOUT = 5_000  # milliseconds, of one request
DEADLINE = 10.0  # seconds, of one call of ours, with its wait for a thread
PING_DEADLINE = 4.0  # seconds
PROBE_BOOTSTRAP = 1_500  # milliseconds in which a new credential is known to the brokers; usually 50
THREADS = 8  # two a worker: a pass has one call under way, a deletion as well
IN_FLIGHT = 4 * THREADS  # requests on a connection; one more would fail at once, and a thread has one under way
# The library waits for a TLS handshake without end. So a host that vanished must be noticed by TCP, here after 11 s.
SOCKET_OPTIONS = [
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 2),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
]
SHA_512 = 2  # the mechanism's number in the protocol
# A Kafka that starts forgets all users if one that was deleted comes first among them (ADR 0012). Java's hash of this
# name is 0, so it comes first. Nobody has its password, and it has no rights.
GUARD = "rooftree.guard.bctaftyx"
PROBE_TYPE = "dev.rooftree.probe.v1"


@dataclass(frozen=True)
class Server:
    """How to reach Kafka. `ca_file` switches TLS with full verification on."""

    bootstrap: str
    user: str
    password: str = field(repr=False)
    ca_file: str | None


@dataclass(frozen=True, order=True)
class Grant:
    """One ACL that allows something to one principal."""

    resource: str  # topic, group, transactional_id, cluster, …
    name: str
    pattern: str  # literal or prefixed
    operation: str  # read, write, describe, …
    permission: str = "allow"
    host: str = "*"


@dataclass(frozen=True)
class AccessSeen:
    """What there is of a user and its topics."""

    iterations: int | None  # of its SCRAM-SHA-512 credential; None: there is none
    topics: Mapping[str, Mapping[str, str]]  # by name: the settings that were set for the topic itself
    grants: frozenset[Grant]
    quotas: Mapping[str, float]


class Kafka:
    """One cluster."""

    name = "kafka"

    def __init__(self, server: Server) -> None:
        self.server = server
        self.gate = Gate()
        self._threads = ThreadPoolExecutor(THREADS, "kafka")
        self._watcher = ThreadPoolExecutor(1, "kafka-ping")
        self._lock = threading.Lock()
        self._shared: KafkaAdminClient | None = None

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
        self.gate.check()
        return await self._in_thread(self._threads, lambda: work(self._admin()), DEADLINE)

    async def _in_thread(self, threads: ThreadPoolExecutor, work: Callable[[], T], within: float) -> T:
        try:
            async with asyncio.timeout(within):
                return await asyncio.get_running_loop().run_in_executor(threads, work)
        except (kafka_errors.KafkaError, TimeoutError, OSError) as error:
            raise _unavailable(self.server, error) from error

    async def ping(self) -> None:
        """Asks the cluster itself, whatever the gate says. Raises `Unavailable` if it does not answer."""
        await self._in_thread(self._watcher, lambda: self._admin().describe_cluster(), PING_DEADLINE)

    async def access(self, user: str, topics: Sequence[str]) -> AccessSeen:
        """What there is of `user` and of `topics`, in five requests."""
        return await self._call(functools.partial(_access, user=user, topics=topics))

    async def set_credential(self, user: str, salted: Salted) -> None:
        """Makes or replaces the user's SCRAM-SHA-512 credential."""
        upsertion = (user, SHA_512, salted.iterations, salted.salt, salted.password)
        await self._alter_credential("upsert", deletions=[], upsertions=[upsertion])

    async def drop_credential(self, user: str) -> None:
        """Nobody logs in as `user` any more; one that is gone is fine."""
        if (await self.access(user, ())).iterations is None:
            return
        try:
            await self._alter_credential("delete", deletions=[(user, SHA_512)], upsertions=[])
        except Unavailable as error:
            # What we saw may be older than a deletion that had just been done.
            if not isinstance(error.__cause__, kafka_errors.ResourceNotFoundError):
                raise

    async def _alter_credential(self, verb: str, **change: Any) -> None:
        with effects.sending("kafka", verb, "credential"):
            await self._call(functools.partial(_alter_credential, change=change))

    async def create_topic(self, name: str, settings: Mapping[str, str]) -> None:
        """Makes a topic of one partition with the cluster's replication; one that exists is fine."""
        wanted = {name: {"num_partitions": 1, "replication_factor": -1, "configs": dict(settings)}}
        try:
            with effects.sending("kafka", "create", "topic"):
                await self._call(lambda admin: admin.create_topics(wanted, timeout_ms=REQUEST_TIMEOUT))
        except Unavailable as error:
            if not isinstance(error.__cause__, kafka_errors.TopicAlreadyExistsError):
                raise

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
        wanted = [ACL(_principal(user), g.host, *_rule(g), ResourcePattern(*_resource(g))) for g in grants]
        with effects.sending("kafka", "create", "acl"):
            await self._call(functools.partial(_create_acls, wanted=wanted))

    async def disallow(self, user: str, grants: Sequence[Grant]) -> None:
        """Takes these ACLs of `user` away; those that are gone are fine."""
        unwanted = [
            ACLFilter(_principal(user), g.host, *_rule(g), ResourcePatternFilter(*_resource(g))) for g in grants
        ]
        with effects.sending("kafka", "delete", "acl"):
            await self._call(functools.partial(_delete_acls, unwanted=unwanted))

    async def set_quotas(self, user: str, quotas: Mapping[str, float | None]) -> None:
        """Sets quotas of `user`, and removes those that are None."""
        with effects.sending("kafka", "alter", "quota"):
            await self._call(lambda admin: kafka_quotas.alter(admin, user, dict(quotas)))

    async def probe(self, user: str, password: str, topic: str) -> None:
        """As `user`: sends one record to `topic` and reads it back. Raises `LoginRefused` if it does not get in."""
        self.gate.check()
        options = self._options(user, password, "SCRAM-SHA-512")
        try:
            with effects.sending("kafka", "produce", "probe"):
                await self._in_thread(self._threads, functools.partial(_round_trip, options, topic), DEADLINE)
        except LoginRefused:
            await self.ping()  # or is the cluster away, for everyone?
            raise


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


def _access(admin: Any, *, user: str, topics: Sequence[str]) -> AccessSeen:
    credential = admin.describe_user_scram_credentials([user])[user]["credential_infos"]
    iterations = [info["iterations"] for info in credential if int(info["mechanism"]) == SHA_512]
    present = [] if not topics else [t["name"] for t in admin.describe_topics(list(topics)) if not t["error_code"]]
    settings: dict[str, Any] = {}
    if present:
        resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in present]
        settings = admin.describe_configs(resources)["topic"]
    acls, _ = admin.describe_acls(_all_of(user))
    return AccessSeen(
        iterations=iterations[0] if iterations else None,
        topics={name: {key: entry["value"] for key, entry in settings.get(name, {}).items()} for name in present},
        grants=frozenset(_seen(acl) for acl in acls),
        quotas=kafka_quotas.describe(admin, user),
    )


def _alter_credential(admin: Any, *, change: Mapping[str, Any]) -> None:
    """The guard is there before anybody else comes or goes; setting it twice is fine."""
    if not admin.describe_user_scram_credentials([GUARD])[GUARD]["credential_infos"]:
        made = scram.salted(keys.password())
        guard = (GUARD, SHA_512, made.iterations, made.salt, made.password)
        with effects.sending("kafka", "upsert", "guard"):
            _send_credential(admin, AlterUserScramCredentialsRequest(deletions=[], upsertions=[guard]))
    _send_credential(admin, AlterUserScramCredentialsRequest(**change))


def _send_credential(admin: Any, request: Any) -> None:
    manager = admin._manager  # the public method takes a clear password only, and hides the error's code
    for result in manager.run(manager.send, request).results:
        if result.error_code:
            raise kafka_errors.for_code(result.error_code)(result.error_message)


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


def _create_acls(admin: Any, *, wanted: list[ACL]) -> None:
    if failed := admin.create_acls(wanted)["failed"]:
        raise failed[0]("an ACL was not made")


def _delete_acls(admin: Any, *, unwanted: list[ACLFilter]) -> None:
    for _, _, error in admin.delete_acls(unwanted):
        if error is not kafka_errors.NoError:
            raise error("an ACL was not deleted")


def _principal(user: str) -> str:
    return f"User:{user}"


def _all_of(user: str) -> ACLFilter:
    anything = ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY)
    return ACLFilter(_principal(user), None, ACLOperation.ANY, ACLPermissionType.ANY, anything)


def _rule(grant: Grant) -> tuple[ACLOperation, ACLPermissionType]:
    return ACLOperation[grant.operation.upper()], ACLPermissionType[grant.permission.upper()]


def _resource(grant: Grant) -> tuple[ResourceType, str, ACLResourcePatternType]:
    return ResourceType[grant.resource.upper()], grant.name, ACLResourcePatternType[grant.pattern.upper()]


def _seen(acl: Any) -> Grant:
    pattern = acl.resource_pattern
    return Grant(
        resource=pattern.resource_type.name.lower(),
        name=pattern.resource_name,
        pattern=pattern.pattern_type.name.lower(),
        operation=acl.operation.name.lower(),
        permission=acl.permission_type.name.lower(),
        host=acl.host,
    )


def _round_trip(options: dict[str, Any], topic: str) -> None:
    """Consumers skip the record by its type."""
    mark = uuid.uuid4().bytes
    limits: dict[str, Any] = {**options, "bootstrap_timeout_ms": PROBE_BOOTSTRAP}
    try:
        producer: Any = KafkaProducer(**limits, max_block_ms=REQUEST_TIMEOUT, acks="all")
    except kafka_errors.KafkaTimeoutError as error:
        raise LoginRefused from error  # tried again until the time was up; the library does not tell why
    try:
        headers = [("ce_type", PROBE_TYPE.encode())]
        sent = producer.send(topic, value=mark, headers=headers, partition=0).get(timeout=REQUEST_TIMEOUT / 1000)
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
    if not records or records[0].value != mark:
        raise kafka_errors.KafkaTimeoutError(f"a record sent to {topic} was not read back")


def _unavailable(server: Server, error: Exception) -> Unavailable:
    """Tells a cluster that is away from one that answers and refuses."""
    words = f"{type(error).__name__}: {' '.join(str(error).split())}".rstrip(": ")[:500]
    silent = isinstance(error, kafka_errors.RequestTimedOutError)  # an answer in form only: the client makes it
    if isinstance(error, kafka_errors.BrokerResponseError) and not silent:
        return Unavailable("KafkaRefused", f"Kafka at {server.bootstrap} refuses: {words}")
    return Unavailable("KafkaUnreachable", f"Kafka at {server.bootstrap} does not answer: {words}")
