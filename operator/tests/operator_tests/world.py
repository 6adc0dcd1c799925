"""A whole small platform out of fakes, and the verbs that scenario tests are written in."""

import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from rooftree_operator.adapters.kubernetes import BACKUP, BROKERAGE, LEASE, OPERATION, SECRET, Kind
from rooftree_operator.backends import Backends
from rooftree_operator.composition import graph, place
from rooftree_operator.deletion import Deletion
from rooftree_operator.drift import Object
from rooftree_operator.errors import Unavailable
from rooftree_operator.graph import Graph
from rooftree_operator.lease import DURATION
from rooftree_operator.names import TenantId
from rooftree_operator.network import Network
from rooftree_operator.operations import assembly
from rooftree_operator.operations.artifacts import Artifacts
from rooftree_operator.operations.progress import is_over
from rooftree_operator.operations.running import Operations
from rooftree_operator.pool import LOOK, Pool, supply
from rooftree_operator.purge import Purge
from rooftree_operator.reconcile import Outcome, Reconciler
from rooftree_operator.release import Releases
from rooftree_operator.shards import Shards
from rooftree_operator.templates import Templates
from rooftree_operator.tenant import Platform

from .fakes.archive import FakeArchive
from .fakes.edge import FakeEdge
from .fakes.elasticsearch import FakeElasticsearch
from .fakes.faults import Faults
from .fakes.kafka import FakeKafka
from .fakes.kubernetes import FakeKubernetes
from .fakes.postgres import FakePostgres
from .fakes.redis import FakeRedis
from .fakes.registry import FakeRegistry, FakeSpares
from .fakes.s3 import FakeS3
from .fakes.volume import FakeVolume

NAMESPACE = "rooftree-system"
NODE = [{"ipBlock": {"cidr": "10.200.0.1/32"}}]
PORTS = {
    "dns": 53,
    "postgres": 5432,
    "kafka": 9092,
    "elasticsearch": 9200,
    "redis": 6379,
    "s3": 7070,
    "telemetry": 4318,
}
NETWORK = Network.model_validate(
    {
        "enabled": True,
        "peers": {name: {"to": NODE, "ports": [{"protocol": "TCP", "port": port}]} for name, port in PORTS.items()},
        "edge": NODE,
        "monitoring": NODE,
    }
)
PLATFORM = Platform(
    NAMESPACE,
    "rooftree.localhost",
    8443,
    "10.200.0.1",
    5432,
    "10.200.0.1:9092",
    "https://10.200.0.1:9200",
    "10.200.0.1",
    6379,
    NETWORK,
    s3_url="https://10.200.0.1:7070",
    s3_region="us-east-1",
    image="localhost/operator:test",
    measures_load=True,
)
CA = "-----BEGIN CERTIFICATE-----\n"


@dataclass
class Kept:
    """Where worlds keep backups that are told of no place."""

    on_volume: bool = False


KEPT = Kept()
PASSES = 40


def now() -> datetime:
    return datetime(2026, 11, 24, 12, tzinfo=UTC)


def manifest(version: str, heads: dict[str, str], knows: Sequence[str] = ()) -> dict[str, Any]:
    return {
        "version": version,
        "modules": ["gateway", "identity", "property"],
        "rpc_port": 9443,
        "calls": {"gateway": ["identity", "property"], "identity": [], "property": ["identity"]},
        "port": 8080,
        "schemas": ["migrations", "identity"],
        "migration_heads": heads,
        "migrations": sorted({*heads.values(), *knows}),
        "clones": {"emptied": ["jobs.queue"], "masked": {"crm.people": {"name": "name"}}},
        "commands": {"serve": ["python", "-m", "rooftree.main"], "migrate": ["python", "-m", "rooftree.migrate"]},
        "probes": {"live": "/livez", "ready": "/readyz", "startup": "/startupz"},
    }


def brokerage(name: str, **spec: Any) -> Object:
    return {
        "apiVersion": "rooftree.dev/v1alpha1",
        "kind": "Brokerage",
        "metadata": {"name": name},
        "spec": {
            "displayName": name.title(),
            "owner": {"email": f"owner@{name}.example"},
            "plan": "starter",
            "timeZone": "America/Chicago",
            "currency": "USD",
            **spec,
        },
    }


def operation(name: str, kind: str = "Backup", *, of: str = "acme", **spec: Any) -> Object:
    return {
        "apiVersion": OPERATION.api_version,
        "kind": OPERATION.kind,
        "metadata": {"name": name},
        "spec": {"brokerage": of, "type": kind, **spec},
    }


def plan(name: str, **spec: Any) -> Object:
    return {
        "apiVersion": "rooftree.dev/v1alpha1",
        "kind": "BrokeragePlan",
        "metadata": {"name": name},
        "spec": {"displayName": name.title(), "channel": "stable", **spec},
    }


class FakeLease:
    """A Lease that is ours until `lost_after` more questions. `meanwhile` happens once, while it is asked for."""

    lost_after: int | None = None
    meanwhile: Callable[[], Awaitable[object]] | None = None

    async def is_held(self) -> bool:
        happens, self.meanwhile = self.meanwhile, None
        if happens is not None:
            await happens()
        if self.lost_after is None:
            return True
        self.lost_after -= 1
        return self.lost_after >= 0


@dataclass
class World:
    """The platform. `faults` is shared by all fakes."""

    faults: Faults = field(default_factory=Faults)
    later: timedelta = timedelta()
    """How far the operator's clock is ahead of `now`."""
    cluster: type[FakeKubernetes] = FakeKubernetes
    on_volume: bool = field(default_factory=lambda: KEPT.on_volume)
    """Whether backups lie on a volume, and not in the object store."""

    def __post_init__(self) -> None:
        self.kube = self.cluster(self.faults)
        self.postgres = FakePostgres(self.faults)
        self.kafka = FakeKafka(self.faults)
        self.redis = FakeRedis(self.faults)
        self.elasticsearch = FakeElasticsearch(self.faults)
        self.s3 = FakeS3(self.faults)
        self.volume = FakeVolume(self.faults)
        self.backends = self.with_place(on_volume=self.on_volume)
        self.spares = FakeSpares(self.postgres, self.now)
        self.registry = FakeRegistry(self.postgres, NAMESPACE, self.spares)
        self.lease = FakeLease()
        self.edge = FakeEdge(self.kube)
        self.archive = FakeArchive(self.kube, self.postgres, self.s3, self.volume)
        self.releases = Releases(self.kube, NAMESPACE)
        self.templates = Templates(self.kube, self.postgres, self.releases, PLATFORM, CA)
        self.heads: dict[str, frozenset[str]] = {}
        self.woken: list[str] = []
        self.processes: dict[str, Operations] = {}
        self.reconciler = self.restarted()
        self.kube.put(plan("starter"))

    def with_place(self, *, on_volume: bool) -> Backends:
        """The systems of an installation that keeps backups there."""
        volume = self.volume if on_volume else None
        self.platform = replace(PLATFORM, claims=1 if on_volume else 0)
        return Backends(self.postgres, self.kafka, self.elasticsearch, self.redis, self.s3, volume)

    def restarted(self, shard: str = "") -> Reconciler:
        """What a new process of the operator of a shard works with."""
        parts = graph(self.kube, self.backends, CA, self.now, NAMESPACE)
        deletion = Deletion(self.kube, self.registry, parts, self.lease, NAMESPACE)
        self.purge = Purge(deletion, self.now)
        spare_parts = Graph(supply(parts), self.now, self.kube)
        self.pool = Pool(self.kube, self.spares, self.releases, spare_parts, deletion, self.platform)
        self.woken.clear()
        reconciler = Reconciler(
            kube=self.kube,
            registry=self.registry,
            releases=self.releases,
            graph=parts,
            deletion=deletion,
            edge=self.edge,
            shards=Shards(self.kube, self.postgres, NAMESPACE, self.now, shard),
            platform=self.platform,
            now=self.now,
            instance="test",
        )
        self.processes[shard] = self.operations_of(reconciler)
        return reconciler

    def operations_of(self, reconciler: Reconciler) -> Operations:
        """What the process of `reconciler` does of operations, and of backups that are to go."""
        swaps: Any = self.postgres
        artifacts = Artifacts(self.kube, place(self.kube, self.backends), reconciler.shards)
        return assembly.operations(reconciler, self.backends, artifacts, swaps, self.woken.append)

    @property
    def operations(self) -> Operations:
        """The default shard's."""
        return self.processes[""]

    @property
    def artifacts(self) -> Artifacts:
        """The default shard's."""
        return self.operations.artifacts

    def leads(self, shard: str = "", *, epoch: int = 1, holder: str = "somebody") -> None:
        """An operator of the shard runs, until a Lease is over from now on; without a `holder` it has just ended."""
        name = f"rooftree-operator-{shard}" if shard else "rooftree-operator"
        spec = {
            "holderIdentity": holder,
            "leaseDurationSeconds": DURATION,
            "renewTime": f"{self.now():%Y-%m-%dT%H:%M:%SZ}",
            "leaseTransitions": epoch,
        }
        metadata = {"name": name, "namespace": NAMESPACE}
        self.kube.put({"apiVersion": LEASE.api_version, "kind": LEASE.kind, "metadata": metadata, "spec": spec})

    def lowest(self) -> dict[tuple[str | None, str], int]:
        """The fewest pods that each Deployment had available since it first was."""
        return dict(self.kube.lowest)

    def now(self) -> datetime:
        return now() + self.later

    async def release(self, version: str, revision: str = "r1", knows: Sequence[str] = ("r1",)) -> None:
        """Offers a version on the stable channel and makes its template database."""
        heads = {"identity": revision}
        told = json.dumps(manifest(version, heads, knows))
        data = {"image": f"localhost/app:{version}", "tenant_manifest.json": told}
        labels = {"rooftree.dev/release": version}
        metadata = {"name": f"release-{version}", "namespace": NAMESPACE, "labels": labels}
        self.kube.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
        channels = {"name": "channels", "namespace": NAMESPACE}
        self.kube.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": channels, "data": {"stable": version}})
        self.heads[f"localhost/app:{version}"] = frozenset(heads.values())
        for _ in range(3):
            await self.templates.reconcile(version)
            self.settle()

    def settle(self) -> None:
        """Lets everything around the operator do its work."""
        jobs = [
            item for (kind, _, name), item in self.kube.objects.items() if kind == "Job" and "operation" not in name
        ]
        images = {_database(job): job["spec"]["template"]["spec"]["containers"][0]["image"] for job in jobs}
        for database in self.kube.settle():
            if database in self.postgres.content:
                self.postgres.migrated(database, self.heads[images[database]])
        self.archive.settle()
        self.edge.learn()

    async def converge(self, name: str, reconciler: Reconciler | None = None) -> Outcome:
        """Passes over a Brokerage and settling until the operator, or that of another shard, has nothing more to do."""
        return await self._until_at_rest((reconciler or self.reconciler).reconcile, name)

    async def operate(self, name: str, passes: int = PASSES, reconciler: Reconciler | None = None) -> Object:
        """Passes over an operation, and over whichever tenant it wakes, until it is over or nothing moves any more."""
        operations = self.processes[reconciler.shards.own] if reconciler else self.operations
        for _ in range(passes):
            try:
                outcome = await operations.reconcile(name)
            except Unavailable as error:
                if error.reason != "Injected":
                    raise
                continue
            woken, self.woken[:] = list(self.woken), []
            for tenant in woken:
                await self.converge(tenant, reconciler)
            self.settle()
            found = self.kube.find(OPERATION, name)
            if found is None or is_over(found) or not (outcome.failed or outcome.again_in is not None):
                return found or {}
        return self.kube.find(OPERATION, name) or {}

    async def begun(self, name: str) -> Outcome:
        """A new Brokerage after its first pass, in which it is only told its tenant, and the next one."""
        assert (await self.reconciler.reconcile(name)).again_in == 0
        return await self.reconciler.reconcile(name)

    async def purges(self) -> None:
        """What a resync sets off: passes over all kept tenants until the operator has nothing more to do."""
        for _ in range(PASSES):
            try:
                pending = await self.purge.pending()
            except Unavailable as error:
                if error.reason != "Injected":
                    raise
                continue
            for tenant in pending:
                await self._until_at_rest(self.purge.reconcile, tenant.value)
            return

    async def fill(self, plan: str = "starter") -> None:
        """Passes over a plan's pool until the operator has nothing more to do."""
        outcome = Outcome(failed=True)
        for _ in range(PASSES):
            try:
                outcome = await self.pool.reconcile(plan)
            except Unavailable as error:
                if error.reason != "Injected":
                    raise
                outcome = Outcome(failed=True)
            self.settle()
            if not outcome.failed and outcome.again_in in (None, LOOK):
                return

    async def _until_at_rest(self, look: Callable[[str], Awaitable[Outcome]], name: str) -> Outcome:
        outcome = Outcome(failed=True)
        for _ in range(PASSES):
            try:
                outcome = await look(name)
            except Exception as error:
                if "Injected" not in getattr(error, "reason", ""):
                    raise
                outcome = Outcome(failed=True)
            await self._drop_backups()
            self.settle()
            if not outcome.failed and outcome.again_in is None:
                return outcome
        return outcome

    async def _drop_backups(self) -> None:
        """What the events of backups that are deleted set off."""
        for kind, _, name in [key for key in self.kube.objects if key[0] == BACKUP.kind]:
            if "deletionTimestamp" in self.kube.objects[kind, None, name]["metadata"]:
                try:
                    for operations in self.processes.values():
                        await operations.artifacts.reconcile(name)
                except Unavailable as error:
                    if error.reason != "Injected":
                        raise

    def writes(self) -> list[str]:
        return [*self.kube.writes, *(write for backend in self._fakes() for write in backend.writes)]

    def forget_writes(self) -> None:
        self.kube.writes.clear()
        for backend in self._fakes():
            backend.writes.clear()

    def _fakes(self) -> tuple[FakePostgres | FakeKafka | FakeElasticsearch | FakeRedis | FakeS3 | FakeVolume, ...]:
        return self.postgres, self.kafka, self.elasticsearch, self.redis, self.s3, self.volume

    def backups(self, tenant: TenantId) -> dict[str, bytes] | None:
        """What lies in the tenant's place for backups, by `<backup>/…`; None: there is no such place."""
        if self.on_volume:
            return self.volume.files.get(str(tenant))
        bucket = self.s3.buckets.get(f"{tenant}-backups")
        return None if bucket is None else bucket.objects

    def status(self, name: str) -> dict[str, Any]:
        return (self.kube.find(BROKERAGE, name) or {}).get("status", {})

    def condition(self, name: str, kind: str) -> tuple[str, str]:
        """Status and reason of a condition."""
        found = {entry["type"]: entry for entry in self.status(name).get("conditions", [])}
        entry = found.get(kind, {"status": "absent", "reason": "absent"})
        return entry["status"], entry["reason"]

    def tenant(self, name: str) -> TenantId:
        return TenantId(self.status(name)["tenantID"])

    def child(self, name: str, kind: Kind, child: str) -> Object | None:
        return self.child_of(self.tenant(name), kind, child)

    def child_of(self, tenant: TenantId, kind: Kind, child: str) -> Object | None:
        """The same, of a tenant whose Brokerage may be gone."""
        return self.kube.find(kind, child, f"tenant-{tenant}")

    def delete(self, name: str) -> None:
        """Somebody deletes it with all its data."""
        item = self.kube.find(BROKERAGE, name)
        assert item is not None
        item["spec"]["deletionPolicy"] = "Delete"
        self.retire(name)

    def retire(self, name: str) -> None:
        """Somebody deletes it under the policy that it has."""
        item = self.kube.find(BROKERAGE, name)
        assert item is not None
        item["metadata"]["deletionTimestamp"] = f"{self.now():%Y-%m-%dT%H:%M:%SZ}"

    def kept(self, tenant: TenantId) -> Object | None:
        """The Secret with what brings it back."""
        return self.kube.find(SECRET, f"kept-{tenant}", NAMESPACE)

    def traces(self, tenant: TenantId) -> list[str]:
        """What there is of a tenant outside the registry, in words."""
        there = {system: found for system, found in self.inventory().items() if system != "registry"}
        return sorted(path for path in _paths(there) if tenant.value in path)

    def inventory(self) -> dict[str, Any]:
        """Everything that is there, without what differs between two equal worlds."""
        objects = {key: _comparable(item) for key, item in self.kube.objects.items() if key[0] != "Event"}
        roles = {name: (r.can_login, r.connection_limit, r.members) for name, r in self.postgres.known_roles.items()}
        rows = {str(row.id): row.state for row in self.registry.rows.values()}
        return {
            "objects": objects,
            "roles": roles,
            "databases": dict(self.postgres.known),
            "content": {name: deepcopy(vars(content)) for name, content in self.postgres.content.items()},
            "registry": rows,
            "kafka": {
                "users": sorted(self.kafka.credentials),
                "grants": {user: frozenset(grants) for user, grants in self.kafka.grants.items()},
                "quotas": deepcopy(self.kafka.quotas),
                "topics": deepcopy(self.kafka.known),
                "groups": sorted(self.kafka.members),
            },
            "elasticsearch": {
                "roles": dict(self.elasticsearch.roles),
                "users": sorted(self.elasticsearch.users),
                "templates": dict(self.elasticsearch.templates),
                "indices": sorted(self.elasticsearch.known),
            },
            "redis": {
                "users": {name: (u.enabled, u.commands, u.patterns) for name, u in self.redis.users.items()},
                "saved": sorted(self.redis.file),
                "keys": sorted(self.redis.keys),
            },
            "s3": {
                "keys": {name: account.role for name, account in self.s3.accounts.items()},
                "buckets": deepcopy(self.s3.buckets),
            },
            "volume": {"folders": sorted(self.volume.made), "files": deepcopy(self.volume.files)},
        }


def _paths(node: Any, path: str = "") -> Iterator[str]:
    """Every key and value of a tree, with the keys that lead to it."""
    if isinstance(node, dict):
        for key, child in node.items():
            yield from _paths(child, f"{path} {key}")
    elif isinstance(node, list | tuple | set | frozenset):
        for child in node:
            yield from _paths(child, path)
    else:
        yield f"{path} {node}"
    yield path


def _database(job: Object) -> str:
    env = {entry["name"]: entry["value"] for entry in job["spec"]["template"]["spec"]["containers"][0]["env"]}
    return env["ROOFTREE_DATABASE_NAME"]


def _comparable(item: Object) -> Any:
    """Generated secrets differ, and so do versions, times and hashes of them."""
    if item["kind"] == "Secret":
        return sorted(item["data"])
    metadata = {name: item["metadata"].get(name) for name in ("name", "namespace", "labels", "finalizers")}
    text = json.dumps({**item, "metadata": metadata}, sort_keys=True)
    parsed = json.loads(text)
    parsed.get("spec", {}).get("template", {}).get("metadata", {}).pop("annotations", None)
    for parent in parsed.get("status", {}).get("parents", []):
        for condition in parent["conditions"]:
            condition.pop("observedGeneration")
    parsed.get("status", {}).pop("observedGeneration", None)
    return parsed
