"""The tenant's place in Kafka: a user that ends at its own prefix, its quotas, and the topics of the release."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby

from .. import generations, names, pods, proofs, scram
from ..adapters.kafka import AccessSeen, Grant, Kafka
from ..adapters.kubernetes import SECRET, Kubernetes
from ..errors import LoginRefused, Waiting
from ..generations import Logins
from ..names import Slot, TenantId
from ..proofs import Proofs
from ..provisioner import Plan, done
from ..secret_objects import decoded
from ..tenant import Tenant
from ..topic_actions import Allow, Close, CreateTopic, Disallow, Probe, SetCredential, SetQuotas, SetTopic, Step

MIB = 1024 * 1024
HOUR = 3_600_000  # milliseconds
DEAD_LETTER = "dead-letter"
# Two weeks: longer than any outage of a consumer that nobody looks at. An event takes about 1 KiB, so 256 MiB hold
# five imports of 50,000 listings. Of 2,000 tenants all topics together take 2,000 x (256 + 64 + 2 x 16) MiB at most.
EVENTS_SETTINGS = {
    "cleanup.policy": "delete",
    "retention.ms": str(14 * 24 * HOUR),
    "retention.bytes": str(256 * MIB),
    # Only whole segments are removed.
    "segment.bytes": str(16 * MIB),
}
# A month: people look at what could not be handled, and replay it.
DEAD_LETTER_SETTINGS = {
    **EVENTS_SETTINGS,
    "retention.ms": str(30 * 24 * HOUR),
    "retention.bytes": str(64 * MIB),
}
# No right on the cluster, none to create, delete or alter anything.
OPERATIONS = {
    "topic": ("read", "write", "describe"),
    "group": ("read", "describe"),
    "transactional_id": ("write", "describe"),
}
# What is left to a tenant that is being deleted: consumers may leave their groups, which then can be deleted, too.
LEAVING = ("group",)


@dataclass(frozen=True)
class Seen:
    """What is there now. `proven`: the tenant got in with each password since anything was last changed."""

    logins: Logins
    access: Mapping[Slot, AccessSeen]  # of users that get in, and of the one that is to get in no more
    proven: bool

    @property
    def topics(self) -> Mapping[str, Mapping[str, str]]:
        return self.access[self.logins.in_use].topics


class Topics:
    """User `<id>.app` and topics `<id>.events` and `<id>.dead-letter`.

    User `<id>.app-b`, with the same rights and quotas, for each second generation of credentials.
    """

    name = "topics"
    needs = ("credentials",)
    condition = "TopicsReady"

    def __init__(self, kube: Kubernetes, kafka: Kafka) -> None:
        self._kube = kube
        self._kafka = kafka
        self._proofs = Proofs()

    async def observe(self, tenant: Tenant) -> Seen:
        secret = await self._kube.get(SECRET, pods.APP_SECRET, tenant.namespace)
        logins = generations.logins(decoded(secret), "kafka_password")
        wanted = [names.topic(tenant.id, name) for name in tenant.release.topics]
        access: dict[Slot, AccessSeen] = {}
        for slot in logins.slots:
            asked = wanted if slot is logins.in_use else ()
            access[slot] = await self._kafka.access(names.user(tenant.id, slot), asked)
        return Seen(logins, access, self._proofs.hold(tenant.id, logins.passwords.values()))

    def plan(self, tenant: Tenant, seen: Seen) -> Plan:
        passwords = seen.logins.passwords
        actions: list[Step] = [
            step
            for slot, password in passwords.items()
            for step in plan_user(tenant, slot, password, seen.access[slot])
        ]
        actions += [*plan_closing(tenant, seen), *plan_topics(tenant, seen.topics)]
        topics = [names.topic(tenant.id, name) for name in tenant.release.topics]
        if not topics:
            return Plan(done("Provisioned", "This release has no topics."), actions=tuple(actions))
        if actions or not seen.proven:
            thorough = proofs.is_thorough(tenant, self.condition, actions)
            actions += [Probe(names.user(tenant.id, slot), topics[0], one, thorough) for slot, one in passwords.items()]
        message = f"Topics {', '.join(topics)} are the tenant's own."
        return Plan(done("Provisioned", message), actions=tuple(actions))

    async def apply(self, tenant: Tenant, plan: Plan) -> None:
        if plan.actions:
            self._proofs.drop(tenant.id)
        for _, alike in groupby(plan.actions, type):
            # Kafka makes several topics with one request.
            done_so_far = await asyncio.gather(*(self._do(tenant, action) for action in alike), return_exceptions=True)
            for problem in done_so_far:
                if problem is not None:
                    raise problem

    async def _do(self, tenant: Tenant, action: Step) -> None:
        kafka = self._kafka
        match action:
            case SetCredential(user, password):
                await kafka.set_credential(user, scram.salted(password))
            case Close(user, grants, quotas):
                await self._close(user, grants, quotas)
            case CreateTopic(topic, settings):
                await kafka.create_topic(topic, settings)
            case SetTopic(topic, settings):
                await kafka.set_topic(topic, settings)
            case Allow(user, grants):
                await kafka.allow(user, grants)
            case Disallow(user, grants):
                await kafka.disallow(user, grants)
            case SetQuotas(user, quotas):
                await kafka.set_quotas(user, quotas)
            case Probe():
                await self._probe(tenant, action)

    async def _close(self, user: str, grants: tuple[Grant, ...], quotas: tuple[str, ...]) -> None:
        await self._kafka.drop_credential(user)
        if grants:
            await self._kafka.disallow(user, grants)
        if quotas:
            await self._kafka.set_quotas(user, dict.fromkeys(quotas))

    async def _probe(self, tenant: Tenant, how: Probe) -> None:
        tries = self._kafka.probe if how.thorough else self._kafka.log_in
        try:
            await tries(how.user, how.password, how.topic)
        except LoginRefused as refusal:
            # Brokers learn of a credential a moment later; and one with our number of iterations may be another's.
            await self._kafka.set_credential(how.user, scram.salted(how.password))
            message = f"Kafka does not let {how.user} in yet; its credential has been set again"
            raise Waiting("KafkaLoginPending", message, retry_in=0.5) from refusal
        self._proofs.add(tenant.id, how.password)

    async def revoke(self, tenant: TenantId) -> None:
        self._proofs.drop(tenant)
        for user in (names.user(tenant, slot) for slot in Slot):
            seen = await self._kafka.access(user, ())
            if seen.iterations is not None:
                await self._kafka.drop_credential(user)
            # Whoever is logged in stays so, but may do nothing any more.
            if closing := sorted(grant for grant in seen.grants if grant.resource not in LEAVING):
                await self._kafka.disallow(user, closing)

    async def delete(self, tenant: TenantId) -> None:
        kafka, prefix = self._kafka, names.prefix(tenant)
        if topics := await kafka.topics(prefix):
            await kafka.delete_topics(topics)
        if (groups := await kafka.groups(prefix)) and (busy := await kafka.delete_groups(groups)):
            # The pods are gone: a consumer that was killed would else count as a member until its session times out.
            await kafka.expel(busy)
            raise Waiting("ConsumersLeaving", f"consumers of {', '.join(busy)} are being removed", retry_in=0.5)
        for user in (names.user(tenant, slot) for slot in Slot):
            seen = await kafka.access(user, ())
            if seen.quotas:
                await kafka.set_quotas(user, dict.fromkeys(seen.quotas))
            if seen.grants:
                await kafka.disallow(user, sorted(seen.grants))
            if seen.iterations is not None:
                await kafka.drop_credential(user)


def plan_user(tenant: Tenant, slot: Slot, password: str, seen: AccessSeen) -> list[Step]:
    """What its credential, quotas and ACLs lack, or have too much."""
    actions: list[Step] = []
    user = names.user(tenant.id, slot)
    # The number of iterations tells whether it is the credential that we made of this password.
    if seen.iterations != scram.iterations(password):
        actions.append(SetCredential(user, password))
    allowed = grants(tenant.id)
    if missing := allowed - seen.grants:
        actions.append(Allow(user, tuple(sorted(missing))))
    if foreign := seen.grants - allowed:
        actions.append(Disallow(user, tuple(sorted(foreign))))
    wanted, have = quotas(tenant), seen.quotas
    if wanted != have:
        changed: dict[str, float | None] = {key: value for key, value in wanted.items() if have.get(key) != value}
        actions.append(SetQuotas(user, {**changed, **dict.fromkeys(have.keys() - wanted.keys())}))
    return actions


def plan_closing(tenant: Tenant, seen: Seen) -> list[Step]:
    """What is left of the user that is to get in no more. Its consumers have left: the pods are gone."""
    slot = seen.logins.closing
    if slot is None:
        return []
    found = seen.access[slot]
    if found.iterations is None and not found.grants and not found.quotas:
        return []
    return [Close(names.user(tenant.id, slot), tuple(sorted(found.grants)), tuple(sorted(found.quotas)))]


def plan_topics(tenant: Tenant, topics: Mapping[str, Mapping[str, str]]) -> list[Step]:
    """Topics to make, or whose settings differ; a topic that the release names no more stays with its records."""
    actions: list[Step] = []
    for name in tenant.release.topics:
        topic = names.topic(tenant.id, name)
        wanted = DEAD_LETTER_SETTINGS if name == DEAD_LETTER else EVENTS_SETTINGS
        have = topics.get(topic)
        if have is None:
            actions.append(CreateTopic(topic, wanted))
        elif differing := {key: value for key, value in wanted.items() if have.get(key) != value}:
            actions.append(SetTopic(topic, differing))
    return actions


def grants(tenant: TenantId) -> frozenset[Grant]:
    """Everything that the tenant may do. The prefix ends in a delimiter that no id contains."""
    prefix = names.prefix(tenant)
    return frozenset(
        Grant(resource, prefix, "prefixed", operation)
        for resource, operations in OPERATIONS.items()
        for operation in operations
    )


def quotas(tenant: Tenant) -> dict[str, float]:
    limits = tenant.plan.kafka
    return {
        "producer_byte_rate": float(limits.producer_bytes_per_second),
        "consumer_byte_rate": float(limits.consumer_bytes_per_second),
        "request_percentage": float(limits.request_percentage),
        "controller_mutation_rate": float(limits.mutations_per_second),
    }
