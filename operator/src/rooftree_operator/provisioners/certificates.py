"""The tenant's own authority for calls between modules, and a certificate for each of them; none in a monolith.

They stay when a tenant goes back to one process, and go with the namespace. Pods read them when they start: a new
certificate changes the Deployment's annotation, which rolls it out.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from ..adapters.kubernetes import SECRET, Kubernetes
from ..drift import Object
from ..names import TenantId
from ..provisioner import Action, Plan, done
from ..release import GATEWAY
from ..rpc_certificates import Pair, is_authority, is_good, is_ours, issue, new_authority
from ..secret_objects import decoded, secret_object
from ..serving import rpc_secret
from ..tenant import Tenant

AUTHORITY = "rpc-ca"
CA, CERTIFICATE, KEY = "ca.crt", "tls.crt", "tls.key"


@dataclass(frozen=True)
class Seen:
    """What is there now; `modules` are those of good certificates."""

    authority: Pair | None = field(repr=False)
    modules: frozenset[str]
    old: frozenset[str] = frozenset()  # those whose certificate only is to be renewed


@dataclass(frozen=True)
class MakeAuthority(Action):
    """A new one; whatever another has issued is worth nothing any more."""

    upkeep = True

    def words(self, tenant: TenantId) -> str:
        return f"Secret {AUTHORITY}: missing, or not good any more"


@dataclass(frozen=True)
class Issue(Action):
    """The module has none, or one that is not its own."""

    module: str
    upkeep = True

    def words(self, tenant: TenantId) -> str:
        return f"Secret {rpc_secret(self.module)}: missing, or no certificate of the module"


@dataclass(frozen=True)
class Renew(Issue):
    """The module's is old."""

    drift = False


class Certificates:
    """Secrets `rpc-ca` and `rpc-<module>`."""

    name = "certificates"
    needs = ("namespace",)
    condition = None

    def __init__(self, kube: Kubernetes, now: Callable[[], datetime]) -> None:
        self._kube = kube
        self._now = now

    async def observe(self, tenant: Tenant) -> Seen:
        wanted = _wanted(tenant)
        if not wanted:
            return Seen(None, frozenset())
        authority, *found = await asyncio.gather(
            self._kube.get(SECRET, AUTHORITY, tenant.namespace),
            *(self._kube.get(SECRET, rpc_secret(module), tenant.namespace) for module in wanted),
        )
        own, now = _pair(authority), self._now()
        if own is None or not is_authority(own, now):
            return Seen(None, frozenset())
        pairs = {module: (secret, _pair(secret)) for module, secret in zip(wanted, found, strict=True)}
        good = [
            module
            for module, (secret, pair) in pairs.items()
            if pair and is_good(own, pair, module, now) and decoded(secret).get(CA) == own.certificate
        ]
        old = [module for module, (_, pair) in pairs.items() if pair and is_ours(own, pair, module)]
        return Seen(own, frozenset(good), frozenset(old) - frozenset(good))

    def plan(self, tenant: Tenant, seen: Seen) -> Plan:
        wanted = (module for module in _wanted(tenant) if module not in seen.modules)
        missing = tuple(Renew(module) if module in seen.old else Issue(module) for module in wanted)
        making: tuple[Action, ...] = (MakeAuthority(),) if missing and seen.authority is None else ()
        return Plan(done("Provisioned", "Modules can prove who they are."), actions=(*making, *missing))

    async def apply(self, tenant: Tenant, plan: Plan) -> None:
        now, authority = self._now(), None
        for action in plan.actions:
            match action:
                case MakeAuthority():
                    authority = new_authority(tenant.id.value, now)
                    await self._write(tenant, AUTHORITY, authority)
                case Issue(module):
                    authority = authority or _pair(await self._kube.get(SECRET, AUTHORITY, tenant.namespace))
                    if authority is None:
                        raise LookupError(f"secret {tenant.namespace}/{AUTHORITY} has gone")
                    given = {CA: authority.certificate}
                    await self._write(tenant, rpc_secret(module), issue(authority, module, now), given)
                case _:
                    raise TypeError(action)

    async def _write(self, tenant: Tenant, name: str, pair: Pair, more: dict[str, str] | None = None) -> None:
        values = {CERTIFICATE: pair.certificate, KEY: pair.key, **(more or {})}
        await self._kube.apply(secret_object(tenant, name, values))

    async def revoke(self, tenant: TenantId) -> None:
        """Nothing of ours takes them but the tenant's own pods."""

    async def delete(self, tenant: TenantId) -> None:
        """Secrets go with the namespace."""


def _wanted(tenant: Tenant) -> tuple[str, ...]:
    return (GATEWAY, *tenant.modules) if tenant.modules else ()


def _pair(secret: Object | None) -> Pair | None:
    values = decoded(secret)
    return Pair(values[CERTIFICATE], values[KEY]) if CERTIFICATE in values and KEY in values else None
