"""Puts the operator together: its real adapters, all parts of a tenant, and what works on them."""

import json
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime

from . import expiry, installation
from .adapters.edge import Edge
from .adapters.kubernetes import Kubernetes
from .adapters.postgres import Postgres
from .adapters.postgres_swaps import Swaps
from .adapters.prometheus import Prometheus
from .backends import Backends, connect
from .deletion import Deletion
from .graph import AnyProvisioner, Graph
from .health import Health
from .lease import LeaseHolder
from .operations import assembly
from .operations.artifacts import Artifacts
from .operations.bucket import BucketPlace
from .operations.claims import VolumePlace
from .operations.places import Place
from .operations.running import Operations
from .pool import Pool, supply
from .provisioners.autoscaling import Autoscaling
from .provisioners.backups import Backups as Schedules
from .provisioners.cache import Cache
from .provisioners.certificates import Certificates
from .provisioners.credentials import Credentials
from .provisioners.database import Database
from .provisioners.disruption import Disruption
from .provisioners.former_modules import FormerModules
from .provisioners.migrations import Migrations
from .provisioners.modules import Modules
from .provisioners.namespace import Namespace
from .provisioners.policies import Policies
from .provisioners.rotation import Rotation
from .provisioners.route import Route
from .provisioners.search import Search
from .provisioners.sleep import Slumber
from .provisioners.storage import Storage
from .provisioners.suspension import Suspension
from .provisioners.topics import Topics
from .provisioners.workload import Workload
from .purge import Purge
from .reconcile import Reconciler
from .registry import PostgresRegistry
from .release import Releases
from .runtime import Operator, tenant_key
from .scaling.idleness import Watch
from .scaling.scaler import Scaler
from .scaling.share import Cell
from .settings import Settings
from .shards import Shards, keeper, lease_name
from .spares import PostgresSpares
from .storms import Storms
from .templates import Templates
from .tenant import Platform
from .workqueue import Priority, WorkQueue


async def build(settings: Settings, stack: AsyncExitStack) -> Operator:
    """The operator with its real adapters; `stack` closes them."""
    kube = await stack.enter_async_context(await Kubernetes.connect(settings.most_calls.kubernetes))
    backends = connect(settings, stack)
    database = backends.postgres
    platform = installation.platform(settings, settings.backend, settings.network(), has_s3=settings.has_backend("s3"))
    by_tls = [backend.name for backend in backends if settings.has_backend(backend.name)]
    authorities = {name: settings.backend(name, "ca.crt") for name in by_tls}
    for name, pem in authorities.items():
        expiry.note_authority(name, pem)
    ca = installation.bundle(authorities.values())
    releases = Releases(kube, settings.namespace)
    registry = _registry(database, settings, platform)
    lease, shards = _lease(kube, settings), Shards(kube, database, settings.namespace, _now, settings.shard)
    parts = graph(kube, backends, ca, _now, settings.namespace)
    deletion = Deletion(kube, registry, parts, lease, settings.namespace)
    edge, pod = _edge(settings, stack), settings.pod_name
    reconciler = Reconciler(kube, registry, releases, parts, deletion, edge, shards, platform, _now, pod)
    queue = WorkQueue(time.monotonic, most_resyncs=max(1, settings.workers - 1))
    artifacts = Artifacts(kube, place(kube, backends), shards)
    spare_parts = Graph(supply(parts), _now, kube)
    return Operator(
        settings=settings,
        queue=queue,
        kube=kube,
        backends=backends,
        registry=registry,
        reconciler=reconciler,
        purge=Purge(deletion, _now),
        pool=Pool(kube, PostgresSpares(database), releases, spare_parts, deletion, platform),
        templates=Templates(kube, database, releases, platform, ca),
        releases=releases,
        lease=lease,
        storms=Storms(time.monotonic),
        health=Health(queue, time.monotonic),
        operations=_operations(reconciler, backends, artifacts, queue),
        artifacts=artifacts,
        scaler=_scaler(reconciler, settings, queue, stack),
    )


def _scaler(reconciler: Reconciler, settings: Settings, queue: WorkQueue, stack: AsyncExitStack) -> Scaler | None:
    if not settings.prometheus_url:
        return None
    prometheus = Prometheus(settings.prometheus_url)
    stack.push_async_callback(prometheus.close)
    own, watch = reconciler.shards.own, Watch(reconciler.wishes)
    return Scaler(
        reconciler.kube,
        prometheus,
        lambda one: keeper(one) == own,
        watch,
        _look_at(queue),
        Cell(settings.scaling_capacity),
    )


def _look_at(queue: WorkQueue) -> Callable[[str], None]:
    """Has a Brokerage looked at soon, by its name."""

    def look_at(name: str) -> None:
        queue.add(tenant_key(name), Priority.CHILD)

    return look_at


def _operations(reconciler: Reconciler, backends: Backends, artifacts: Artifacts, queue: WorkQueue) -> Operations:
    return assembly.operations(reconciler, backends, artifacts, Swaps(backends.postgres), _look_at(queue))


def _lease(kube: Kubernetes, settings: Settings) -> LeaseHolder:
    name, namespace = lease_name(settings.shard), settings.namespace
    return LeaseHolder(kube, name=name, namespace=namespace, identity=settings.pod_name, now=_now)


def _edge(settings: Settings, stack: AsyncExitStack) -> Edge:
    edge = Edge(settings.edge_address, str(settings.edge_ca_file))
    stack.push_async_callback(edge.close)
    return edge


def _registry(database: Postgres, settings: Settings, platform: Platform) -> PostgresRegistry:
    where = json.dumps({"postgres": f"{platform.postgres_host}:{platform.postgres_port}"})
    return PostgresRegistry(database, settings.namespace, where)


def graph(kube: Kubernetes, backends: Backends, ca: str, now: Callable[[], datetime], namespace: str) -> Graph:
    """All parts of a tenant; a new kind of part is a line here and one in `deletion` if it has to be deleted."""
    parts: tuple[AnyProvisioner, ...] = (
        Namespace(kube),
        Credentials(kube, ca),
        Database(kube, backends.postgres),
        Topics(kube, backends.kafka),
        Search(kube, backends.elasticsearch),
        Cache(kube, backends.redis),
        Storage(kube, backends.s3),
        Migrations(kube, backends.postgres),
        Policies(kube),
        Certificates(kube, now),
        Modules(kube),
        Workload(kube),
        Autoscaling(kube),
        Disruption(kube),
        FormerModules(kube),
        Route(kube, namespace),
        Suspension(kube),
        Slumber(kube, now),
        Rotation(kube, now),
        Schedules(kube, place(kube, backends), now),
    )
    return Graph(parts, now, kube)


def place(kube: Kubernetes, backends: Backends) -> Place | None:
    """Where this installation keeps backups; None: nowhere."""
    if backends.volume is not None:
        return VolumePlace(kube, backends.volume)
    return None if backends.s3 is None else BucketPlace(backends.s3)


def _now() -> datetime:
    return datetime.now(UTC)
