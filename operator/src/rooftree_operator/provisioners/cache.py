"""The tenant's place in Redis: a user with an allow-list of commands on keys and channels of its own prefix."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from .. import generations, names, pods, proofs
from ..adapters.kubernetes import SECRET, Kubernetes
from ..adapters.redis import Redis, UserSeen, digest, patterns
from ..errors import LoginRefused, Waiting
from ..generations import Logins
from ..names import Slot, TenantId
from ..proofs import Proofs
from ..provisioner import Action, Plan, done
from ..secret_objects import decoded
from ..tenant import Tenant


@dataclass(frozen=True)
class Seen:
    """What is there now. `proven`: the tenant got in with each password since anything was last changed."""

    logins: Logins
    commands: frozenset[str]  # of the allow-list, as far as this server knows them
    users: Mapping[Slot, UserSeen | None]  # those that get in, and the one that is to get in no more
    proven: bool


@dataclass(frozen=True)
class SetUser(Action):
    user: str
    password: str = field(repr=False)
    commands: frozenset[str] = field(repr=False)
    upkeep = True

    def words(self, tenant: TenantId) -> str:
        return f"User {self.user} in Redis: missing, or other rights or passwords"


@dataclass(frozen=True)
class DeleteUser(Action):
    """Nobody gets in with the former credentials any more, and whoever is in is thrown out."""

    user: str
    upkeep = True
    drift = False

    def words(self, tenant: TenantId) -> str:
        return f"User {self.user} in Redis: wanted no more"


@dataclass(frozen=True)
class Probe(Action):
    """Log in as the tenant and read a key; if `thorough`, set it before and delete it."""

    user: str
    password: str = field(repr=False)
    thorough: bool = True
    proof = True


Step = SetUser | DeleteUser | Probe


class Cache:
    """ACL user `<id>.app` for keys and channels `<id>.*`; `<id>.app-b` for each second generation of credentials."""

    name = "cache"
    needs = ("credentials",)
    condition = "CacheReady"

    def __init__(self, kube: Kubernetes, redis: Redis) -> None:
        self._kube = kube
        self._redis = redis
        self._proofs = Proofs()

    async def observe(self, tenant: Tenant) -> Seen:
        secret, commands = await asyncio.gather(
            self._kube.get(SECRET, pods.APP_SECRET, tenant.namespace), self._redis.commands()
        )
        logins = generations.logins(decoded(secret), "redis_password")
        users = {slot: await self._redis.user(names.user(tenant.id, slot)) for slot in logins.slots}
        return Seen(logins, commands, users, self._proofs.hold(tenant.id, logins.passwords.values()))

    def plan(self, tenant: Tenant, seen: Seen) -> Plan:
        actions: list[Step] = []
        for slot, password in seen.logins.passwords.items():
            rights = patterns(names.prefix(tenant.id))
            if seen.users[slot] != UserSeen(True, frozenset({digest(password)}), seen.commands, rights):
                actions.append(SetUser(names.user(tenant.id, slot), password, seen.commands))
        if (closing := seen.logins.closing) and seen.users[closing] is not None:
            actions.append(DeleteUser(names.user(tenant.id, closing)))
        if actions or not seen.proven:
            passwords, thorough = seen.logins.passwords, proofs.is_thorough(tenant, self.condition, actions)
            actions += [Probe(names.user(tenant.id, slot), one, thorough) for slot, one in passwords.items()]
        message = f"Keys {names.prefix(tenant.id)}* are the tenant's own."
        return Plan(done("Provisioned", message), actions=tuple(actions))

    async def apply(self, tenant: Tenant, plan: Plan) -> None:
        if plan.actions:
            self._proofs.drop(tenant.id)
        for action in plan.actions:
            match action:
                case SetUser(user, password, commands):
                    await self._redis.set_user(user, password, commands=commands, prefix=names.prefix(tenant.id))
                case DeleteUser(user):
                    await self._redis.delete_user(user)
                case Probe():
                    await self._probe(tenant, action)
                case _:
                    raise TypeError(f"no such action: {action!r}")

    async def _probe(self, tenant: Tenant, how: Probe) -> None:
        tries = self._redis.probe if how.thorough else self._redis.log_in
        try:
            await tries(how.user, how.password, names.key(tenant.id, "probe"))
        except LoginRefused as refusal:
            message = f"Redis does not let {how.user} in; its user is looked at again"
            raise Waiting("RedisLoginPending", message, retry_in=0.5) from refusal
        self._proofs.add(tenant.id, how.password)

    async def revoke(self, tenant: TenantId) -> None:
        self._proofs.drop(tenant)
        for slot in Slot:
            await self._redis.disable_user(names.user(tenant, slot))

    async def delete(self, tenant: TenantId) -> None:
        # Keys while the user is still there to be seen: whoever finds the user finds that there may be keys.
        await self._redis.delete_keys(names.prefix(tenant))
        for slot in Slot:
            await self._redis.delete_user(names.user(tenant, slot))
