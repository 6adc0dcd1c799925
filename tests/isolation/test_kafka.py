"""Kafka: every request that the broker offers, in every version, by each tenant at the others' topics, groups and ids.

The list of requests is the broker's own: one that the matrix does not know fails a test.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from rooftree.manifest import manifest

from ..e2e.conftest import required, until
from .kafka_messages import MORE
from .kafka_values import VALUES
from .kafka_wire import API_VERSIONS, AUTHENTICATE, HANDSHAKE, Message, Target, Wire, codes, known, record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .cells import Matrix
    from .conftest import Family, Member

pytestmark = [pytest.mark.isolation, pytest.mark.e2e, pytest.mark.timeout(400, func_only=True)]

AREA = "kafka"
PLANTED_SECONDS = 60
MESSAGES = {**known(), **MORE}
LOGGING_IN = {HANDSHAKE, API_VERSIONS, AUTHENTICATE}
# Not authorised: a topic, a group, the cluster, a transactional id, a delegation token. Tokens are switched off (61).
REFUSALS = {29, 30, 31, 53, 61, 65}
# Topics may be named by their ids, which nobody tells: unknown (100) is then the answer to whoever may not see one.
UNKNOWN_ID = 100
# They answer everybody, and what they tell is searched: the brokers, and of topics, groups and so on one's own.
SILENT = {
    "ListGroups",
    "ListTransactions",
    "DescribeCluster",
    "FindCoordinator",
    "GetTelemetrySubscriptions",
    "PushTelemetry",
    "DescribeLogDirs",
}
# What the app needs on its own: refused there, the same request would prove nothing elsewhere.
OWN = {
    "Produce",
    "Fetch",
    "ListOffsets",
    "Metadata",
    "OffsetCommit",
    "OffsetFetch",
    "JoinGroup",
    "Heartbeat",
    "LeaveGroup",
    "SyncGroup",
    "DescribeGroups",
    "InitProducerId",
    "OffsetForLeaderEpoch",
    "AddPartitionsToTxn",
    "AddOffsetsToTxn",
    "EndTxn",
    "TxnOffsetCommit",
    "DescribeProducers",
    "DescribeTransactions",
    "DescribeTopicPartitions",
    "ConsumerGroupDescribe",
}
# From this version on it is what brokers ask each other.
BROKERS_ONLY = {"AddPartitionsToTxn": 4}
# What nobody may on one's own either: topics are the operator's.
KEPT = {
    "CreateTopics",
    "DeleteTopics",
    "DeleteRecords",
    "CreatePartitions",
    "AlterConfigs",
    "IncrementalAlterConfigs",
    "DescribeConfigs",
    "DeleteGroups",
    "AlterPartitionReassignments",
    "ElectLeaders",
}


@dataclass
class Client:
    """One user, on as many connections as it needs: a request that the broker cannot read ends one."""

    user: str
    password: str
    mechanism: str = "SCRAM-SHA-512"
    wire: Wire | None = None

    def connected(self) -> Wire:
        if self.wire is None:
            self.wire = Wire(self.user, self.password, mechanism=self.mechanism)
        return self.wire

    def ask(self, message: Message, version: int, target: Target) -> tuple[dict[str, Any], bytes]:
        from .kafka_wire import filled

        return self.connected().ask(message, version, filled(message, version, target))

    def close(self) -> None:
        if self.wire is not None:
            self.wire.close()
            self.wire = None


@pytest.fixture(scope="module")
def admin() -> Iterator[Client]:
    user, password = (required(f"ROOFTREE_TEST_KAFKA_{name}") for name in ("USER", "PASSWORD"))
    client = Client(user, password, "PLAIN")
    yield client
    client.close()


@pytest.fixture(scope="module")
def clients(family: Family) -> Iterator[dict[str, Client]]:
    """By id of the tenant; each has sent a record with its canary and noted an offset in a group of its own."""
    found = {member.id: Client(member.user, member.passwords["kafka"]) for member in family.members}
    for member in family.members:
        plant(found[member.id], member)
    yield found
    for client in found.values():
        client.close()


def plant(client: Client, member: Member) -> None:
    own = target(member.id, member.id)
    sent = replace(own, more={**own.more, "Produce.Records": record(member.canary.encode())})
    find = by_name("FindCoordinator")
    for kind in (0, 1):  # of a group, of a transactional id; being asked, the broker makes its own topics
        client.ask(find, 3, replace(own, more={**own.more, "FindCoordinator.KeyType": kind}))
    for name, version, aim in (("Produce", 9, sent), ("OffsetCommit", 8, own), ("InitProducerId", 4, own)):
        until(
            f"{name} of {member.id}",
            lambda name=name, version=version, aim=aim: client.ask(by_name(name), version, aim)[0],
            enough=lambda answer: set(codes(answer)) <= {0},
            seconds=PLANTED_SECONDS,
        )


def by_name(name: str) -> Message:
    return next(message for message in MESSAGES.values() if message.name == name)


def target(attacker: str, victim: str, *, topic: str = "", topic_id: uuid.UUID | None = None) -> Target:
    """Everything that is called like the victim's."""
    topic = topic or f"{victim}.events"
    more = {
        **VALUES,
        "ResourceName": topic,
        "DescribeConfigs.ResourceType": 2,
        "AlterConfigs.ResourceType": 2,
        "IncrementalAlterConfigs.ResourceType": 2,
        "CreateAcls.Principal": f"User:{attacker}.app",
        "AlterClientQuotas.EntityName": f"{victim}.app",
        "DescribeUserScramCredentials.Name": f"{victim}.app",
        "AlterUserScramCredentials.Name": f"{victim}.app",
        "OwnerPrincipalName": f"{victim}.app",
        "PrincipalName": f"{victim}.app",
        "FindCoordinator.Key": f"{victim}.canary",
        "FindCoordinator.CoordinatorKeys": [f"{victim}.canary"],
    }
    return Target(topic, topic_id or uuid.uuid4(), f"{victim}.canary", f"{victim}.canary", more)


def versions(client: Client, message: Message) -> list[int]:
    """Those that both sides know."""
    low, high = client.connected().offered[message.key]
    return list(range(max(low, message.versions[0]), min(high, message.versions[1]) + 1))


def is_refused(answer: dict[str, Any]) -> bool:
    found = set(codes(answer))
    return bool(found & REFUSALS) or found == {UNKNOWN_ID} or found == {0, UNKNOWN_ID}


def attempt(
    matrix: Matrix, client: Client, message: Message, version: int, aim: Target, what: str, marks: list[str]
) -> None:
    """One request, which must be refused for want of rights."""
    try:
        answer, raw = client.ask(message, version, aim)
    except ConnectionError as error:
        client.close()
        matrix.tried(AREA, what, accepted=True, answer=f"not answered: {error}")
        return
    accepted = message.name not in SILENT and not is_refused(answer)
    sent = f"{aim.topic} {aim.group} {aim.more}"
    matrix.tried(AREA, what, accepted=accepted, answer=f"{answer}", sent=sent, marks=marks)
    matrix.tried(
        AREA, f"{what} (raw)", accepted=False, answer=raw, sent=sent, marks=marks
    ) if message.name in SILENT else None


def sweep(
    matrix: Matrix, family: Family, client: Client, attacker: Member, victim: Member, topic_id: uuid.UUID
) -> None:
    """Every request in every version."""
    aim = target(attacker.id, victim.id, topic_id=topic_id)
    for message in MESSAGES.values():
        if message.key in LOGGING_IN or message.key not in client.connected().offered:
            continue
        for version in versions(client, message):
            what = f"{attacker.id}: {message.name} v{version} at {victim.id}"
            attempt(matrix, client, message, version, aim, what, family.marks(attacker))


def topic_ids(admin: Client, family: Family) -> dict[str, uuid.UUID]:
    """Of every `events` topic; only the administrator is told them all."""
    found = {}
    for member in family.members:
        answer, _ = admin.ask(by_name("Metadata"), 12, target("", member.id))
        found[member.id] = uuid.UUID(answer["topics"][0]["topic_id"])
    return found


def snapshot(admin: Client, family: Family) -> list[Any]:
    """What there is of the family: offsets in topics and groups, settings, rights, credentials, quotas."""
    seen: list[Any] = []
    for member in family.members:
        aim = target("", member.id)
        everything = replace(aim, more={**aim.more, "ListOffsets.Timestamp": -2})
        for name, version, at in (
            ("ListOffsets", 6, everything),
            ("OffsetFetch", 7, aim),
            ("DescribeConfigs", 4, aim),
            ("DescribeUserScramCredentials", 0, aim),
        ):
            seen.append(admin.ask(by_name(name), version, at)[0])
    listed = (("DescribeAcls", 3, "resources"), ("DescribeClientQuotas", 1, "entries"), ("ListGroups", 4, "groups"))
    for name, version, part in listed:
        found = map(str, admin.ask(by_name(name), version, target("", ""))[0][part] or ())
        # Their order changes when others come and go.
        seen.append(sorted(item for item in found if any(member.id in item for member in family.members)))
    return seen


def test_every_request_of_the_broker_is_part_of_the_matrix(clients: dict[str, Client]) -> None:
    offered = next(iter(clients.values())).connected().offered
    assert set(offered) - set(MESSAGES) == set()
    for key in set(offered) - LOGGING_IN:
        assert versions(next(iter(clients.values())), MESSAGES[key]), MESSAGES[key].name


def test_no_request_reaches_what_is_anothers(
    matrix: Matrix, family: Family, clients: dict[str, Client], admin: Client
) -> None:
    ids, before = topic_ids(admin, family), settled(admin, family)
    for attacker, victim in family.pairs():
        sweep(matrix, family, clients[attacker.id], attacker, victim, ids[victim.id])
    assert matrix.red() == []
    assert settled(admin, family) == before


def settled(admin: Client, family: Family) -> list[Any]:
    """The snapshot once every consumer of every app has joined its group: they do so in their own time."""
    groups = {f"{member.id}.{name}" for member in family.members for name in manifest("")["consumers"]}
    until(
        "all groups of the apps are stable",
        lambda: {
            group["group_id"]: group["group_state"]
            for group in admin.ask(by_name("ListGroups"), 4, target("", ""))[0]["groups"]
            if group["group_id"] in groups
        },
        enough=lambda states: set(states) == groups and set(states.values()) == {"Stable"},
        seconds=PLANTED_SECONDS,
    )
    return snapshot(admin, family)


def test_the_prefix_ends_at_its_delimiter(matrix: Matrix, family: Family, clients: dict[str, Client]) -> None:
    """Names that begin as one's own and are not, those of Kafka itself, and wildcards."""
    for attacker in family.members:
        client = clients[attacker.id]
        own = attacker.id
        for name in (own, f"{own}x.events", f"{own}-west.events", f"{own}_.events", own[:-1], "__consumer_offsets"):
            aim = replace(target(own, name, topic=name), group=name, transactional_id=name)
            for key in OWN | KEPT:
                message = by_name(key)
                named = [version for version in versions(client, message) if not _by_id(message, version)]
                what = f"{own}: {message.name} v{named[-1]} at {name!r}"
                attempt(matrix, client, message, named[-1], aim, what, family.marks(attacker))
    assert matrix.red() == []


def _by_id(message: Message, version: int) -> bool:
    """Whether this version names topics by their ids."""
    first = {"Produce": 13, "Fetch": 13, "OffsetCommit": 10, "OffsetFetch": 10, "Metadata": 14}
    return version >= first.get(message.name, 99)


def test_the_same_requests_work_on_ones_own_and_topics_stay_the_operators(
    matrix: Matrix, family: Family, clients: dict[str, Client], admin: Client
) -> None:
    ids = topic_ids(admin, family)
    for member in family.members:
        client = clients[member.id]
        aim = target(member.id, member.id, topic_id=ids[member.id])
        for name in sorted(OWN):
            for version in versions(client, by_name(name)):
                if version >= BROKERS_ONLY.get(name, 99):
                    continue
                answer, _ = client.ask(by_name(name), version, aim)
                matrix.control(AREA, f"{name} v{version}", not is_refused(answer), answer)
        for name in sorted(KEPT):
            version = versions(client, by_name(name))[-1]
            what = f"{member.id}: {name} v{version} at its own"
            attempt(matrix, client, by_name(name), version, aim, what, family.marks(member))
    assert matrix.red() == []


def test_nobody_logs_in_with_anothers_name(matrix: Matrix, family: Family) -> None:
    for attacker, victim in family.pairs():
        for mechanism in ("SCRAM-SHA-512", "PLAIN"):
            try:
                Wire(victim.user, attacker.passwords["kafka"], mechanism=mechanism).close()
                seen = "logged in"
            except (PermissionError, ConnectionError) as error:
                seen = str(error)
            what = f"{attacker.id} as {victim.user} by {mechanism}"
            matrix.tried(AREA, what, accepted=seen == "logged in", answer=seen, sent=victim.user)
    assert matrix.red() == []
