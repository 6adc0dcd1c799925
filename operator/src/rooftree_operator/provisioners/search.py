"""The tenant's place in Elasticsearch: a role that ends at its own indices, the app's user, and the index template."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .. import generations, names, pods, scram
from ..adapters.elasticsearch import Elasticsearch, Login
from ..adapters.kubernetes import SECRET, Kubernetes
from ..drift import Object, differences
from ..errors import LoginRefused, Unavailable
from ..generations import Logins
from ..names import Slot, TenantId
from ..proofs import Proofs
from ..provisioner import Action, Plan, done
from ..secret_objects import decoded
from ..tenant import Tenant

MARK_CREDENTIAL = f"{names.GROUP}/credential"
PRIORITY = 500  # above the templates that a full Elasticsearch brings along
# What a cluster tells of a role beside what the role grants.
_NOT_GRANTS = ("transient_metadata", "description")


@dataclass(frozen=True)
class Seen:
    """What is there now. `proven`: the tenant got in with each password since anything was last changed."""

    logins: Logins
    role: Object | None
    users: Mapping[Slot, Object | None]  # those that get in, and the one that is to get in no more
    template: Object | None
    proven: bool


@dataclass(frozen=True)
class PutRole(Action):
    body: Object
    upkeep = True

    def words(self, tenant: TenantId) -> str:
        return f"Role {names.app_role(tenant)} in Elasticsearch: missing, or other rights"


@dataclass(frozen=True)
class PutUser(Action):
    user: str
    body: Object
    password: str = field(repr=False)
    upkeep = True

    def words(self, tenant: TenantId) -> str:
        return f"User {self.user} in Elasticsearch: missing, off, or other roles or credential"


@dataclass(frozen=True)
class DeleteUser(Action):
    """Nobody gets in with the former credentials any more."""

    user: str
    upkeep = True
    drift = False

    def words(self, tenant: TenantId) -> str:
        return f"User {self.user} in Elasticsearch: wanted no more"


@dataclass(frozen=True)
class PutTemplate(Action):
    body: Object

    def words(self, tenant: TenantId) -> str:
        return f"Index template {names.index_template(tenant)} in Elasticsearch: missing or changed"


@dataclass(frozen=True)
class Probe(Action):
    """Log in as the tenant and ask whether it may do what its role grants."""

    user: str
    password: str = field(repr=False)
    proof = True


Change = PutRole | PutUser | DeleteUser | PutTemplate
Step = Change | Probe


class Search:
    """Role and user `<id>.app`, index template `<id>`; user `<id>.app-b` for each second generation of credentials."""

    name = "search"
    needs = ("credentials",)
    condition = "SearchReady"

    def __init__(self, kube: Kubernetes, elasticsearch: Elasticsearch) -> None:
        self._kube = kube
        self._elasticsearch = elasticsearch
        self._proofs = Proofs()

    async def observe(self, tenant: Tenant) -> Seen:
        secret = await self._kube.get(SECRET, pods.APP_SECRET, tenant.namespace)
        logins = generations.logins(decoded(secret), "elasticsearch_password")
        role, template, *found = await asyncio.gather(
            self._elasticsearch.role(names.app_role(tenant.id)),
            self._elasticsearch.template(names.index_template(tenant.id)),
            *(self._elasticsearch.user(names.user(tenant.id, slot)) for slot in logins.slots),
        )
        users = dict(zip(logins.slots, found, strict=True))
        return Seen(logins, role, users, template, self._proofs.hold(tenant.id, logins.passwords.values()))

    def plan(self, tenant: Tenant, seen: Seen) -> Plan:
        role, template, passwords = build_role(tenant.id), build_template(tenant), seen.logins.passwords
        actions: list[Step] = []
        if seen.role is None or differs(role, seen.role):
            actions.append(PutRole(role))
        for slot, password in passwords.items():
            wanted, have = build_user(tenant.id, password), seen.users[slot]
            if have is None or differences(wanted, have):
                actions.append(PutUser(names.user(tenant.id, slot), wanted, password))
        if (closing := seen.logins.closing) and seen.users[closing] is not None:
            actions.append(DeleteUser(names.user(tenant.id, closing)))
        if seen.template is None or differences(template, seen.template):
            actions.append(PutTemplate(template))
        if actions or not seen.proven:
            actions += [Probe(names.user(tenant.id, slot), one) for slot, one in passwords.items()]
        pattern = names.index_pattern(tenant.id)
        return Plan(done("Provisioned", f"Indices {pattern} are the tenant's own."), actions=tuple(actions))

    async def apply(self, tenant: Tenant, plan: Plan) -> None:
        changes = [self._put(tenant, action) for action in plan.actions if isinstance(action, Change)]
        if changes:
            self._proofs.drop(tenant.id)
            await asyncio.gather(*changes)
        for action in plan.actions:
            if isinstance(action, Probe):
                await self._prove(tenant, Login(action.user, action.password))

    async def _put(self, tenant: Tenant, action: Change) -> None:
        match action:
            case PutRole(body):
                await self._elasticsearch.put_role(names.app_role(tenant.id), body)
            case PutUser(user, body, password):
                await self._elasticsearch.put_user(user, {**body, "password": password})
            case DeleteUser(user):
                await self._elasticsearch.delete_user(user)
            case PutTemplate(body):
                await self._elasticsearch.put_template(names.index_template(tenant.id), body)

    async def _prove(self, tenant: Tenant, login: Login) -> None:
        role = build_role(tenant.id)
        try:
            await self._elasticsearch.probe(login, role)
        except LoginRefused:
            # Whoever knows a password may change it, and the mark of the credential would not tell.
            body = build_user(tenant.id, login.password)
            await self._put(tenant, PutUser(login.user, body, login.password))
            try:
                await self._elasticsearch.probe(login, role)
            except LoginRefused as refusal:
                raise Unavailable("ElasticsearchRefused", str(refusal)) from refusal
        self._proofs.add(tenant.id, login.password)

    async def revoke(self, tenant: TenantId) -> None:
        self._proofs.drop(tenant)
        for user in (names.user(tenant, slot) for slot in Slot):
            if is_of(tenant, (await self._elasticsearch.user(user) or {}).get("metadata")):
                await self._elasticsearch.delete_user(user)

    async def delete(self, tenant: TenantId) -> None:
        await self._elasticsearch.delete_indices(await self._elasticsearch.indices(names.prefix(tenant)))
        if is_of(tenant, (await self._elasticsearch.template(names.index_template(tenant)) or {}).get("_meta")):
            await self._elasticsearch.delete_template(names.index_template(tenant))
        if is_of(tenant, (await self._elasticsearch.role(names.app_role(tenant)) or {}).get("metadata")):
            await self._elasticsearch.delete_role(names.app_role(tenant))


def is_of(tenant: TenantId, metadata: Any) -> bool:
    """Whether the ownership mark is the tenant's."""
    return isinstance(metadata, dict) and not differences(names.marks(tenant), metadata)


def differs(wanted: Object, seen: Object) -> bool:
    """Whether a role grants anything else; what it has beside `wanted` counts, too."""

    def grants(role: Object) -> Object:
        return {key: value for key, value in role.items() if value and key not in _NOT_GRANTS}

    return grants(wanted) != grants(seen)


def build_role(tenant: TenantId) -> Object:
    own: Object = {
        "names": [names.index_pattern(tenant)],
        # `manage` because nothing less lets the app swap its alias when it has rebuilt an index.
        "privileges": ["read", "write", "manage"],
        "allow_restricted_indices": False,
    }
    return {"cluster": [], "indices": [own], "applications": [], "run_as": [], "metadata": names.marks(tenant)}


def build_user(tenant: TenantId, password: str) -> Object:
    """Without the password: whether it is still this one is told by the credential's fingerprint."""
    marks = {**names.marks(tenant), MARK_CREDENTIAL: scram.fingerprint(password)}
    return {"roles": [names.app_role(tenant)], "enabled": True, "metadata": marks}


def build_template(tenant: Tenant) -> Object:
    marks = names.marks(tenant.id)
    settings = {"number_of_shards": "1", "number_of_replicas": str(tenant.platform.elasticsearch_replicas)}
    return {
        "index_patterns": [names.index_pattern(tenant.id)],
        "priority": PRIORITY,
        # A misspelled name is an error then, and no new index.
        "allow_auto_create": False,
        "template": {"settings": {"index": settings}, "mappings": {"_meta": marks}},
        "_meta": marks,
    }
