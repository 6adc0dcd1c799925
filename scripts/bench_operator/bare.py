"""A bare client that makes what the operator makes of a brokerage, and does nothing else: the measure for its speed.

It looks at nothing, compares nothing, proves nothing and tells no status. In Kubernetes it creates copies of a
tenant's objects under another id; in each backend it sends what makes the tenant's place there, by the operator's own
adapters. As many tenants at a time as the operator has workers; in each tenant all systems at the same time. It is
done with a tenant when its pods are available and it is answered by the edge, as the operator is when it says Ready.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
import uuid
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import aiohttp
from rooftree_operator import generations, installation, names, pods, scram
from rooftree_operator.adapters.kubernetes import (
    AUTOSCALER,
    BINDING,
    BROKERAGE,
    BUDGET,
    CONFIG,
    DEPLOYMENT,
    GRANT,
    LIMITS,
    NAMESPACE,
    PLAN,
    POLICY,
    QUOTA,
    ROUTE,
    SECRET,
    SERVICE,
    Kubernetes,
)
from rooftree_operator.adapters.sigv4 import Key
from rooftree_operator.api.brokerage import BrokerageSpec
from rooftree_operator.database_actions import EnsureRole, GrantRole
from rooftree_operator.database_roles import plan_roles
from rooftree_operator.names import TEMPLATE_OWNER, TenantId
from rooftree_operator.provisioners import search, storage, topics
from rooftree_operator.release import Releases
from rooftree_operator.resolving import Resolver
from rooftree_operator.secret_objects import decoded

from bench_operator.api import trust, until

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rooftree_operator.backends import Backends
    from rooftree_operator.registry import Registry
    from rooftree_operator.settings import Settings
    from rooftree_operator.tenant import Fit, Tenant

    from bench_operator.api import Api, Object

# The namespace first, pods last: their ServiceAccount is made by the control plane meanwhile.
MADE = (
    NAMESPACE, BINDING, QUOTA, LIMITS, SECRET, CONFIG, POLICY, SERVICE, ROUTE, GRANT, AUTOSCALER, BUDGET, DEPLOYMENT,
)  # fmt: skip
OWN = "bench-bare"
# What the apiserver and controllers add.
ADDED = ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "ownerReferences", "finalizers")
REVISION = "deployment.kubernetes.io/revision"
ADDRESSES = ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy")


def copied(item: Object, original: TenantId, copy: TenantId) -> Object:
    """The object as it would be created for another tenant, and not the operator's to look after."""
    text = json.dumps({key: value for key, value in item.items() if key != "status"})
    # In one pass: the copy's slug begins with the original's.
    ours = {original.value: copy.value, original.slug: copy.slug}
    text = re.sub("|".join(map(re.escape, ours)), lambda found: ours[found[0]], text)
    wanted: Object = json.loads(text)
    wanted["metadata"] = {key: value for key, value in wanted["metadata"].items() if key not in ADDED}
    wanted["metadata"]["labels"][names.LABEL_MANAGED_BY] = OWN
    wanted["metadata"].get("annotations", {}).pop(REVISION, None)
    if item["kind"] == NAMESPACE.kind:
        wanted.pop("spec", None)
    if item["kind"] == SERVICE.kind and wanted["spec"].get("clusterIP") != "None":
        wanted["spec"] = {key: value for key, value in wanted["spec"].items() if key not in ADDRESSES}
    return wanted


@dataclass(frozen=True)
class Original:
    """A tenant that the operator made: what it was made from, and all its objects in the order of their creation."""

    tenant: Tenant
    objects: tuple[Object, ...]
    secrets: dict[str, dict[str, str]] = field(repr=False)


async def original(api: Api, settings: Settings, name: str) -> Original:
    """Reads the tenant of the Brokerage `name`. KUBECONFIG is the administrator's."""
    brokerage = await api.get(BROKERAGE, name)
    platform = installation.platform(settings, settings.backend, settings.network(), has_s3=settings.has_backend("s3"))
    known = TenantId(brokerage["status"]["tenantID"])

    async def id_(_: Fit) -> TenantId:
        return known

    async with await Kubernetes.connect() as kube:

        async def plan(wanted: str) -> Object | None:
            return await kube.get(PLAN, wanted)

        resolver = Resolver(kube, Releases(kube, settings.namespace), platform, plan)
        tenant, _ = await resolver.tenant(brokerage, BrokerageSpec.model_validate(brokerage["spec"]), id_)
    labels = f"{names.LABEL_TENANT}={known},{names.LABEL_MANAGED_BY}={names.MANAGER}"
    objects = [item for kind in MADE for item in await api.list(kind, labels=labels)]
    secrets = {item["metadata"]["name"]: decoded(item) for item in objects if item["kind"] == SECRET.kind}
    return Original(tenant, tuple(objects), secrets)


@dataclass
class Available:
    """Deployments of the bare client's that have a pod, as a watch tells."""

    namespaces: set[str] = field(default_factory=set[str])

    async def follow(self, api: Api) -> None:
        async for item in api.follow(DEPLOYMENT, labels=f"{names.LABEL_MANAGED_BY}={OWN}"):
            if item.get("status", {}).get("availableReplicas"):
                self.namespaces.add(item["metadata"]["namespace"])


class Bare:
    """The client."""

    def __init__(self, api: Api, backends: Backends, registry: Registry, original: Original, edge: str) -> None:
        self._api = api
        self._backends = backends
        self._original = original
        self._edge = edge
        self._available = Available()
        self._registry = registry

    async def create(self, slugs: Sequence[str], *, workers: int, within: float, note: Callable[..., None]) -> None:
        """Makes tenants; notes the seconds that each took on average."""
        slots = asyncio.Semaphore(workers)
        async with asyncio.TaskGroup() as group:
            watch = group.create_task(self._available.follow(self._api))
            began = time.monotonic()
            await asyncio.gather(*(self._create(slug, slots, within) for slug in slugs))
            seconds = time.monotonic() - began
            watch.cancel()
        note("bare", seconds, count=len(slugs), objects=len(self._original.objects))
        note("bare_tenant", seconds / len(slugs))

    async def _create(self, slug: str, slots: asyncio.Semaphore, within: float) -> None:
        async with slots:
            tenant = await self.make(slug)
        where = tenant.namespace

        async def is_available() -> bool:
            return where in self._available.namespaces

        await until(is_available, within=within, what=f"{where} had no pod", every=0.02)
        await until(lambda: self._answers(tenant), within=within, what=f"{slug} was not answered", every=0.05)

    async def make(self, slug: str) -> Tenant:
        """Everything that a tenant has, under a new id; nothing is waited for."""
        known = await self._registry.register(slug, str(uuid.uuid4()), None)
        tenant = replace(self._original.tenant, id=known)
        await asyncio.gather(
            self._objects(known),
            self._postgres(tenant),
            self._kafka(tenant),
            self._elasticsearch(tenant),
            self._redis(known),
            self._s3(known),
        )
        return tenant

    async def _answers(self, tenant: Tenant) -> bool:
        """As the operator asks: a new connection, with the tenant's host."""
        connector = aiohttp.TCPConnector(ssl=trust(), force_close=True)
        async with aiohttp.ClientSession(connector=connector) as session:
            url, host = f"https://{self._edge}/version", f"{tenant.host}:{tenant.platform.edge_port}"
            async with session.get(url, headers={"Host": host}, server_hostname=tenant.host) as answer:
                return answer.ok and (await answer.json())["tenant_id"] == tenant.id.value

    async def _objects(self, known: TenantId) -> None:
        for item in self._original.objects:
            await self._api.create(copied(item, self._original.tenant.id, known))

    async def _postgres(self, tenant: Tenant) -> None:
        postgres, known = self._backends.postgres, tenant.id
        name, owner = names.database(known), names.owner_role(known)
        migrator, app = names.migrator_role(known), names.app_role(known)
        values, migrators = (self._original.secrets[secret] for secret in (pods.APP_SECRET, pods.MIGRATOR_SECRET))
        app_logins = generations.logins(values, "database_password")
        migrator_logins = generations.logins(values, "database_password", secret=migrators)
        for action in plan_roles(tenant, {}, app_logins, migrator_logins):
            if isinstance(action, EnsureRole):
                verifier = scram.verifier(action.password) if action.password else None
                limit, comment = action.connection_limit, action.comment
                await postgres.ensure_role(
                    action.name, verifier=verifier, connection_limit=limit, comment=comment, exists=False
                )
            elif isinstance(action, GrantRole):
                await postgres.grant_role(action.role, to=action.to)
        await postgres.create_database(name, owner=owner, template=names.template_database(tenant.release.version))
        await postgres.secure_database(name, connect=[app, migrator], create=(), comment=names.mark(known))
        await postgres.reassign(name, old=TEMPLATE_OWNER, new=owner)
        await postgres.grant_schemas(name, tenant.release.schemas, owner=owner, app=app)

    async def _kafka(self, tenant: Tenant) -> None:
        kafka, user = self._backends.kafka, names.user(tenant.id)
        await kafka.set_credential(user, scram.salted(self._app("kafka_password")))
        await kafka.allow(user, sorted(topics.grants(tenant.id)))
        await kafka.set_quotas(user, dict(topics.quotas(tenant)))
        for name in tenant.release.topics:
            settings = topics.DEAD_LETTER_SETTINGS if name == topics.DEAD_LETTER else topics.EVENTS_SETTINGS
            await kafka.create_topic(names.topic(tenant.id, name), settings)

    async def _elasticsearch(self, tenant: Tenant) -> None:
        server, user, password = (
            self._backends.elasticsearch,
            names.user(tenant.id),
            self._app("elasticsearch_password"),
        )
        await asyncio.gather(
            server.put_role(names.app_role(tenant.id), search.build_role(tenant.id)),
            server.put_user(user, {**search.build_user(tenant.id, password), "password": password}),
            server.put_template(names.index_template(tenant.id), search.build_template(tenant)),
        )

    async def _redis(self, known: TenantId) -> None:
        redis = self._backends.redis
        commands, prefix = await redis.commands(), names.prefix(known)
        await redis.set_user(names.user(known), self._app("redis_password"), commands=commands, prefix=prefix)

    async def _s3(self, known: TenantId) -> None:
        s3, bucket = self._backends.s3, names.bucket(known)
        if s3 is None:
            return
        user = names.user(known)
        await s3.put_key(Key(user, self._app("s3_secret_key")))
        await s3.create_bucket(bucket, names.marks(known))
        await s3.set_policy(bucket, storage.build_policy(known, [user]))

    def _app(self, key: str) -> str:
        return self._original.secrets[pods.APP_SECRET][key]
