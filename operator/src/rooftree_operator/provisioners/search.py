"""The tenant's place in Elasticsearch: a role that ends at its own indices, the app's user, and the index template."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from .. import names, pods, scram
from ..adapters.elasticsearch import Elasticsearch, Login
from ..adapters.kubernetes import Kubernetes
from ..drift import Object, differences
from ..errors import LoginRefused, Unavailable
from ..names import TenantId
from ..proofs import Proofs
from ..provisioner import Action, Plan, done
from ..tenant import Tenant

MARK_CREDENTIAL = f"{names.GROUP}/credential"
PRIORITY = 500  # above the templates that a full Elasticsearch brings along
# What a cluster tells of a role beside what the role grants.
_NOT_GRANTS = ("transient_metadata", "description")


@dataclass(frozen=True)
class Seen:
    """What is there now. `proven`: the tenant got in with this password since anything was last changed."""

    password: str = field(repr=False)
    role: Object | None
    user: Object | None
    template: Object | None
    proven: bool


@dataclass(frozen=True)
class PutRole(Action):
    body: Object
    upkeep = True

    def words(self, tenant: TenantId) -> str:
        return f"Role {names.user(tenant)} in Elasticsearch: missing, or other rights"


@dataclass(frozen=True)
class PutUser(Action):
    body: Object
    password: str = field(repr=False)
    upkeep = True

    def words(self, tenant: TenantId) -> str:
        return f"User {names.user(tenant)} in Elasticsearch: missing, off, or other roles or credential"


@dataclass(frozen=True)
class PutTemplate(Action):
    body: Object

    def words(self, tenant: TenantId) -> str:
        return f"Index template {names.index_template(tenant)} in Elasticsearch: missing or changed"


@dataclass(frozen=True)
class Probe(Action):
    """Log in as the tenant and use its indices."""

    password: str = field(repr=False)
    proof = True


Step = PutRole | PutUser | PutTemplate | Probe


class Search:
    """Role and user `<id>.app`, index template `<id>`."""

    name = "search"
    needs = ("credentials",)
    condition = "SearchReady"

    def __init__(self, kube: Kubernetes, elasticsearch: Elasticsearch) -> None:
        self._kube = kube
        self._elasticsearch = elasticsearch
        self._proofs = Proofs()

    async def observe(self, tenant: Tenant) -> Seen:
        user = names.user(tenant.id)
        password = await self._kube.secret_value(pods.APP_SECRET, tenant.namespace, "elasticsearch_password")
        role, found, template = await asyncio.gather(
            self._elasticsearch.role(user),
            self._elasticsearch.user(user),
            self._elasticsearch.template(names.index_template(tenant.id)),
        )
        return Seen(password, role, found, template, self._proofs.hold(tenant.id, password))

    def plan(self, tenant: Tenant, seen: Seen) -> Plan:
        role, user, template = build_role(tenant.id), build_user(tenant.id, seen.password), build_template(tenant)
        actions: list[Step] = []
        if seen.role is None or differs(role, seen.role):
            actions.append(PutRole(role))
        if seen.user is None or differences(user, seen.user):
            actions.append(PutUser(user, seen.password))
        if seen.template is None or differences(template, seen.template):
            actions.append(PutTemplate(template))
        if actions or not seen.proven:
            actions.append(Probe(seen.password))
        pattern = names.index_pattern(tenant.id)
        return Plan(done("Provisioned", f"Indices {pattern} are the tenant's own."), actions=tuple(actions))

    async def apply(self, tenant: Tenant, plan: Plan) -> None:
        changes = [
            self._put(tenant, action) for action in plan.actions if isinstance(action, PutRole | PutUser | PutTemplate)
        ]
        if changes:
            self._proofs.drop(tenant.id)
            await asyncio.gather(*changes)
        for action in plan.actions:
            if isinstance(action, Probe):
                await self._prove(tenant, action.password)

    async def _put(self, tenant: Tenant, action: Step) -> None:
        user = names.user(tenant.id)
        match action:
            case PutRole(body):
                await self._elasticsearch.put_role(user, body)
            case PutUser(body, password):
                await self._elasticsearch.put_user(user, {**body, "password": password})
            case PutTemplate(body):
                await self._elasticsearch.put_template(names.index_template(tenant.id), body)
            case Probe():
                raise TypeError("a probe changes nothing")

    async def _prove(self, tenant: Tenant, password: str) -> None:
        try:
            await self._probe(tenant.id, password)
        except LoginRefused:
            # Whoever knows a password may change it, and the mark of the credential would not tell.
            await self._put(tenant, PutUser(build_user(tenant.id, password), password))
            try:
                await self._probe(tenant.id, password)
            except LoginRefused as refusal:
                raise Unavailable("ElasticsearchRefused", str(refusal)) from refusal
        self._proofs.add(tenant.id, password)

    async def _probe(self, tenant: TenantId, password: str) -> None:
        login = Login(names.user(tenant), password)
        index = names.index_alias(tenant, "probe")
        await self._elasticsearch.probe(login, prefix=names.prefix(tenant), index=index)

    async def revoke(self, tenant: TenantId) -> None:
        self._proofs.drop(tenant)
        if is_of(tenant, (await self._elasticsearch.user(names.user(tenant)) or {}).get("metadata")):
            await self._elasticsearch.delete_user(names.user(tenant))

    async def delete(self, tenant: TenantId) -> None:
        await self._elasticsearch.delete_indices(await self._elasticsearch.indices(names.prefix(tenant)))
        if is_of(tenant, (await self._elasticsearch.template(names.index_template(tenant)) or {}).get("_meta")):
            await self._elasticsearch.delete_template(names.index_template(tenant))
        if is_of(tenant, (await self._elasticsearch.role(names.user(tenant)) or {}).get("metadata")):
            await self._elasticsearch.delete_role(names.user(tenant))


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
    return {"roles": [names.user(tenant)], "enabled": True, "metadata": marks}


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
