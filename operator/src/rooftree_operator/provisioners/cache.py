"""The tenant's place in Redis: a user with an allow-list of commands on keys and channels of its own prefix."""

import asyncio
from dataclasses import dataclass, field

from .. import names, pods
from ..adapters.kubernetes import Kubernetes
from ..adapters.redis import Redis, UserSeen, digest, patterns
from ..errors import LoginRefused, Waiting
from ..names import TenantId
from ..proofs import Proofs
from ..provisioner import Action, Plan, done
from ..tenant import Tenant


@dataclass(frozen=True)
class Seen:
    """What is there now. `proven`: the tenant got in with this password since anything was last changed."""

    password: str = field(repr=False)
    commands: frozenset[str]  # of the allow-list, as far as this server knows them
    user: UserSeen | None
    proven: bool


@dataclass(frozen=True)
class SetUser(Action):
    password: str = field(repr=False)
    commands: frozenset[str] = field(repr=False)
    upkeep = True

    def words(self, tenant: TenantId) -> str:
        return f"User {names.user(tenant)} in Redis: missing, or other rights or passwords"


@dataclass(frozen=True)
class Probe(Action):
    """Log in as the tenant, set a key, read it back and delete it."""

    password: str = field(repr=False)
    proof = True


class Cache:
    """ACL user `<id>.app` for keys and channels `<id>.*`."""

    name = "cache"
    needs = ("credentials",)
    condition = "CacheReady"

    def __init__(self, kube: Kubernetes, redis: Redis) -> None:
        self._kube = kube
        self._redis = redis
        self._proofs = Proofs()

    async def observe(self, tenant: Tenant) -> Seen:
        password, commands, user = await asyncio.gather(
            self._kube.secret_value(pods.APP_SECRET, tenant.namespace, "redis_password"),
            self._redis.commands(),
            self._redis.user(names.user(tenant.id)),
        )
        return Seen(password, commands, user, self._proofs.hold(tenant.id, password))

    def plan(self, tenant: Tenant, seen: Seen) -> Plan:
        wanted = UserSeen(True, frozenset({digest(seen.password)}), seen.commands, patterns(names.prefix(tenant.id)))
        actions: tuple[SetUser | Probe, ...] = ()
        if seen.user != wanted:
            actions = (SetUser(seen.password, seen.commands), Probe(seen.password))
        elif not seen.proven:
            actions = (Probe(seen.password),)
        message = f"Keys {names.prefix(tenant.id)}* are the tenant's own."
        return Plan(done("Provisioned", message), actions=actions)

    async def apply(self, tenant: Tenant, plan: Plan) -> None:
        if plan.actions:
            self._proofs.drop(tenant.id)
        user, prefix = names.user(tenant.id), names.prefix(tenant.id)
        for action in plan.actions:
            match action:
                case SetUser(password, commands):
                    await self._redis.set_user(user, password, commands=commands, prefix=prefix)
                case Probe(password):
                    await self._probe(tenant, user, password)
                case _:
                    raise TypeError(f"no such action: {action!r}")

    async def _probe(self, tenant: Tenant, user: str, password: str) -> None:
        try:
            await self._redis.probe(user, password, names.key(tenant.id, "probe"))
        except LoginRefused as refusal:
            message = f"Redis does not let {user} in; its user is looked at again"
            raise Waiting("RedisLoginPending", message, retry_in=0.5) from refusal
        self._proofs.add(tenant.id, password)

    async def revoke(self, tenant: TenantId) -> None:
        self._proofs.drop(tenant)
        await self._redis.disable_user(names.user(tenant))

    async def delete(self, tenant: TenantId) -> None:
        # Keys while the user is still there to be seen: whoever finds the user finds that there may be keys.
        await self._redis.delete_keys(names.prefix(tenant))
        await self._redis.delete_user(names.user(tenant))
