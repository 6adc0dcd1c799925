"""The tenant's own authority for calls between modules, and a certificate for each of them; none in a monolith.

While credentials are rotated there are two, and modules trust both: pods of either generation understand each other.
When a tenant goes back to one process they stay until no pod has them any more. Pods read them when they start: a new
certificate changes the Deployment's annotation, which rolls it out.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from .. import generations, pods
from ..adapters.kubernetes import SECRET, Kubernetes
from ..generations import Record
from ..names import Slot, TenantId
from ..provisioner import Action, Plan, done
from ..release import GATEWAY
from ..rpc_certificates import Pair, is_authority, is_good, is_ours, issue, new_authority
from ..secret_objects import decoded, secret_object
from ..serving import RPC_AUTHORITY as AUTHORITY
from ..serving import rpc_secret
from ..tenant import Tenant

CA, CERTIFICATE, KEY = "ca.crt", "tls.crt", "tls.key"
FIRST = Record()


@dataclass(frozen=True)
class Seen:
    """What is there now; `modules` are those of good certificates. `record` tells who issues, and who is trusted."""

    authorities: Mapping[Slot, Pair] = field(repr=False)  # the good ones of those that are to be there
    modules: frozenset[str]
    old: frozenset[str] = frozenset()  # those whose certificate only is to be renewed
    record: Record = FIRST
    surplus: bool = False  # there is one more authority: that of a generation which is over


@dataclass(frozen=True)
class SetAuthorities(Action):
    """Make these, beside those of `trusted` that stay; whatever another has issued is worth nothing any more."""

    made: tuple[Slot, ...]
    trusted: tuple[Slot, ...]
    upkeep = True

    def words(self, tenant: TenantId) -> str:
        return f"Secret {AUTHORITY}: missing, or not good any more"


@dataclass(frozen=True)
class Issue(Action):
    """The module has none, or one that is not its own."""

    module: str
    by: Slot
    trusted: tuple[Slot, ...]
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
    needs = ("credentials",)
    condition = None

    def __init__(self, kube: Kubernetes, now: Callable[[], datetime]) -> None:
        self._kube = kube
        self._now = now

    async def observe(self, tenant: Tenant) -> Seen:
        wanted = _wanted(tenant)
        if not wanted:
            return Seen({}, frozenset())
        app, secret, *found = await asyncio.gather(
            self._kube.get(SECRET, pods.APP_SECRET, tenant.namespace),
            self._kube.get(SECRET, AUTHORITY, tenant.namespace),
            *(self._kube.get(SECRET, rpc_secret(module), tenant.namespace) for module in wanted),
        )
        record, values, now = generations.record_of(decoded(app)), decoded(secret), self._now()
        known = {slot: pair for slot in record.trusted if (pair := _pair(values, slot)) and is_authority(pair, now)}
        surplus = any(_pair(values, slot) for slot in set(Slot) - set(record.trusted))
        if len(known) < len(record.trusted):
            return Seen(known, frozenset(), frozenset(), record, surplus)
        own, bundle = known[record.in_use], _bundle(known, record.trusted)
        pairs = {module: (decoded(one), _pair(decoded(one))) for module, one in zip(wanted, found, strict=True)}
        ours = [module for module, (_, pair) in pairs.items() if pair and is_ours(own, pair, module)]
        good = [
            module
            for module, (held, pair) in pairs.items()
            if pair and is_good(own, pair, module, now) and held.get(CA) == bundle
        ]
        return Seen(known, frozenset(good), frozenset(ours) - frozenset(good), record, surplus)

    def plan(self, tenant: Tenant, seen: Seen) -> Plan:
        by, trusted = seen.record.in_use, seen.record.trusted
        wanted = [module for module in _wanted(tenant) if module not in seen.modules]
        missing = tuple(slot for slot in trusted if slot not in seen.authorities)
        making: tuple[Action, ...] = ()
        if (wanted and missing) or seen.surplus:
            making = (SetAuthorities(missing, trusted),)
        issuing = ((Renew if module in seen.old else Issue)(module, by, trusted) for module in wanted)
        return Plan(done("Provisioned", "Modules can prove who they are."), actions=(*making, *issuing))

    async def apply(self, tenant: Tenant, plan: Plan) -> None:
        now = self._now()
        for action in plan.actions:
            values = decoded(await self._kube.get(SECRET, AUTHORITY, tenant.namespace))
            known = {slot: pair for slot in Slot if (pair := _pair(values, slot))}
            match action:
                case SetAuthorities(made, trusted):
                    fresh = {slot: new_authority(_subject(tenant.id, slot), now) for slot in made}
                    stay = {slot: pair for slot, pair in (known | fresh).items() if slot in trusted}
                    await self._write(tenant, AUTHORITY, stay)
                case Issue(module, by, trusted):
                    if not known.keys() >= {by, *trusted}:
                        raise LookupError(f"secret {tenant.namespace}/{AUTHORITY} has gone")
                    issued = {Slot.A: issue(known[by], module, now)}
                    await self._write(tenant, rpc_secret(module), issued, {CA: _bundle(known, trusted)})
                case _:
                    raise TypeError(action)

    async def _write(
        self, tenant: Tenant, name: str, pairs: Mapping[Slot, Pair], more: Mapping[str, str] | None = None
    ) -> None:
        values = dict(more or {})
        for slot, pair in pairs.items():
            values |= {generations.key(slot, CERTIFICATE): pair.certificate, generations.key(slot, KEY): pair.key}
        await self._kube.apply(secret_object(tenant, name, values))

    async def revoke(self, tenant: TenantId) -> None:
        """Nothing of ours takes them but the tenant's own pods."""

    async def delete(self, tenant: TenantId) -> None:
        """Secrets go with the namespace."""


def _wanted(tenant: Tenant) -> tuple[str, ...]:
    return (GATEWAY, *tenant.modules) if tenant.modules else ()


def _subject(tenant: TenantId, slot: Slot) -> str:
    """Two authorities that are trusted at once need two names, or a certificate would be checked by the wrong one."""
    return tenant.value if slot is Slot.A else f"{tenant} {slot}"


def _bundle(known: Mapping[Slot, Pair], trusted: Iterable[Slot]) -> str:
    return "".join(known[slot].certificate for slot in trusted)


def _pair(values: Mapping[str, str], slot: Slot = Slot.A) -> Pair | None:
    certificate, key = generations.key(slot, CERTIFICATE), generations.key(slot, KEY)
    return Pair(values[certificate], values[key]) if certificate in values and key in values else None
