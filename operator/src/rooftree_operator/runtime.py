"""Puts the operator together and runs its workers. Knows nothing of Kopf: events arrive through the queue."""

import asyncio
import json
import time
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from prometheus_client import Counter, Gauge, Histogram
from structlog.contextvars import bound_contextvars

from . import installation, tracing
from .adapters.edge import Edge
from .adapters.kubernetes import BROKERAGE, ApiError, Kubernetes
from .adapters.postgres import Postgres
from .backends import Backends, connect
from .deletion import Deletion
from .drift import Object
from .errors import Unavailable
from .gate import Backend, urgency
from .graph import AnyProvisioner, Graph
from .health import Health
from .lease import LeaseHolder
from .names import TenantId
from .pool import Pool, supply
from .provisioners.autoscaling import Autoscaling
from .provisioners.cache import Cache
from .provisioners.certificates import Certificates
from .provisioners.credentials import Credentials
from .provisioners.database import Database
from .provisioners.disruption import Disruption
from .provisioners.migrations import Migrations
from .provisioners.modules import Modules
from .provisioners.namespace import Namespace
from .provisioners.policies import Policies
from .provisioners.rotation import Rotation
from .provisioners.route import Route
from .provisioners.search import Search
from .provisioners.storage import Storage
from .provisioners.suspension import Suspension
from .provisioners.topics import Topics
from .provisioners.workload import Workload
from .purge import Purge
from .reconcile import Outcome, Reconciler
from .registry import PostgresRegistry
from .release import Releases
from .settings import Settings
from .shards import UNATTENDED, Shards, concerns, lease_name
from .spares import PostgresSpares
from .storms import Storms
from .templates import Templates
from .tenant import Platform
from .workqueue import Priority, WorkQueue, share, turn_in

log = structlog.get_logger(__name__)

PASSES = Counter("rooftree_operator_passes", "Reconcile passes.", ["kind", "result"])
SECONDS = Histogram(
    "rooftree_operator_pass_seconds",
    "Duration of a pass.",
    ["kind"],
    buckets=(0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
UP = Gauge("rooftree_operator_backend_up", "Whether the backend answers the operator.", ["backend"])

WATCH = 2.0  # seconds between two looks whether a backend answers
MEASURE = 5.0  # seconds between two readings of what metrics tell of queue, workers and watches
SPREAD = 2.0  # seconds over which tenants are looked at again when a backend went or came back


def tenant_key(name: str) -> str:
    return f"tenant/{name}"


def release_key(version: str) -> str:
    return f"release/{version}"


def plan_key(name: str) -> str:
    return f"plan/{name}"


def kept_key(tenant: str) -> str:
    return f"kept/{tenant}"


def pool_key(plan: str) -> str:
    return f"pool/{plan}"


@dataclass
class Operator:
    """The running operator."""

    settings: Settings
    queue: WorkQueue
    kube: Kubernetes
    backends: Backends
    registry: PostgresRegistry
    reconciler: Reconciler
    purge: Purge
    pool: Pool
    templates: Templates
    releases: Releases
    lease: LeaseHolder
    storms: Storms
    health: Health

    @property
    def shards(self) -> Shards:
        return self.reconciler.shards

    async def run(self) -> None:
        """Waits for the Lease, then works until it is lost or the task is cancelled."""
        epoch = await self.lease.acquire()
        log.info("lease_acquired", epoch=epoch)
        self.backends.postgres.take_over(epoch, self.lease.name)
        for gate in (self.kube.gate, *(backend.gate for backend in self.backends)):
            gate.fence = self.lease.confirm
        async with asyncio.TaskGroup() as group:
            group.create_task(self.lease.keep())
            if self.shards.is_default:
                group.create_task(self._prepare())
            group.create_task(self._resync())
            group.create_task(self._measure())
            for backend in self.backends:
                group.create_task(self._watch(backend))
            for worker in range(self.settings.workers):
                group.create_task(self._work(worker))

    async def _measure(self) -> None:
        while True:
            self.health.measure()
            await asyncio.sleep(MEASURE)

    async def _prepare(self) -> None:
        """Makes the registry's table as soon as PostgreSQL answers. Tenants that have an id do not wait for it."""
        while True:
            try:
                await self.registry.prepare()
            except Unavailable as outage:
                log.warning("postgres_unreachable", message=outage.message)
                await asyncio.sleep(1.0)
            else:
                return

    async def _work(self, worker: int) -> None:
        while True:
            key = await self.queue.get()
            priority = self.queue.priority(key)
            urgency.set(priority)
            self.health.begins(worker, key)
            with tracing.of_pass(key, priority) as trace, bound_contextvars(trace_id=f"{trace.id:032x}"):
                result = await self._pass(key)
                trace.failed = result.failed
                tell = log.info if trace.changed or trace.failed else log.debug
                seconds = round(time.monotonic() - trace.began, 3)
                tell(
                    "pass",
                    key=key,
                    priority=priority.name,
                    seconds=seconds,
                    failed=result.failed,
                    again_in=result.again_in,
                )
            self.health.ends(worker)
            self._settle(key, result)

    async def _pass(self, key: str) -> Outcome:
        """One pass, which never raises: what it could not do is tried again with a backoff."""
        kind, _, name = key.partition("/")
        started = time.monotonic()
        try:
            result = await self._dispatch(kind, name)
        except (ApiError, Unavailable) as error:
            log.warning("pass_failed", key=key, error=str(error))
            result = Outcome(failed=True)
        except Exception:
            # A bug in one tenant's pass must not stop the others; the key backs off.
            log.exception("pass_crashed", key=key)
            result = Outcome(failed=True)
        SECONDS.labels(kind).observe(time.monotonic() - started)
        PASSES.labels(kind, "failed" if result.failed else "done").inc()
        return result

    def _settle(self, key: str, result: Outcome) -> None:
        """Ends the work on a key. A tenant that is there is looked at again at its next turn at the latest."""
        kind, _, name = key.partition("/")
        if result.failed:
            self.queue.failed(key)
            return
        # What nobody waits for yet never comes before what somebody does.
        priority = Priority.RESYNC if kind == "pool" else Priority.CHILD
        self.queue.done(key, again_in=result.again_in, priority=priority)
        if kind == "tenant" and not result.gone:
            turn = turn_in(name, self.settings.resync_seconds, asyncio.get_running_loop().time())
            self.queue.add(key, Priority.RESYNC, after=turn)

    async def _dispatch(self, kind: str, name: str) -> Outcome:
        match kind:
            case "tenant":
                if notice := self.storms.news(tenant_key(name)):
                    await self.reconciler.notify(name, notice)
                return await self.reconciler.reconcile(name)
            case "release":
                return await self.templates.reconcile(name)
            case "kept":
                return await self.purge.reconcile(name)
            case "pool":
                return await self.pool.reconcile(name)
            case "plan":
                if self.shards.is_default:
                    self.queue.add(pool_key(name), Priority.RESYNC)
                await self._feed_tenants(Priority.EDIT, plan=name)
                return Outcome()
            case _:
                raise ValueError(f"no such kind of key: {kind}")

    async def _watch(self, backend: Backend) -> None:
        """When a backend goes or comes back, every tenant is looked at, so that conditions say so within seconds."""
        untold = False
        while True:
            await asyncio.sleep(WATCH)
            outage = await _outage(backend)
            UP.labels(backend.name).set(outage is None)
            if backend.gate.turn(outage):
                log.warning("backend_changed", backend=backend.name, up=outage is None, message=str(outage or ""))
                untold = True
            if untold:
                try:
                    await self._feed_tenants(Priority.CHILD, within=SPREAD)
                except (ApiError, Unavailable) as error:
                    log.warning("resync_failed", error=str(error))
                else:
                    untold = False

    async def _resync(self) -> None:
        """Every round has looked at what has no turn of its own."""
        loop, period = asyncio.get_running_loop(), self.settings.resync_seconds
        beat = loop.time()
        while True:
            try:
                await self._round()
            except (ApiError, Unavailable) as error:
                log.warning("resync_failed", error=str(error))
                await asyncio.sleep(2.0)
                continue
            beat += period
            await asyncio.sleep(max(0.0, beat - loop.time()))

    async def _round(self) -> None:
        """Feeds whatever has no turn of its own, and whichever tenant the watch has not told of."""
        if self.shards.is_default:
            await self._common()
        found = await self.kube.list(BROKERAGE, labels={})
        ours = _names(self._ours(found))
        self.reconciler.census.keep(ours)
        nobodys = _names(await self.shards.unattended(found))
        UNATTENDED.set(len(nobodys))
        for key in map(tenant_key, (*ours, *nobodys)):
            if key not in self.queue:
                self.queue.add(key, Priority.RESYNC)

    async def _common(self) -> None:
        """Feeds what belongs to no shard: all releases, kept tenants and pools."""
        versions, obsolete, kept, pools = await self.releases.versions(), list[str](), list[TenantId](), list[str]()
        try:
            obsolete, kept = await self.templates.obsolete(set(versions)), await self.purge.pending()
            pools = await self.pool.plans()
        except Unavailable as error:
            # The rest goes on; these wait for the next round.
            log.warning("postgres_unreachable", error=str(error))
        for tenant in kept:
            self.queue.add(kept_key(tenant.value), Priority.RESYNC)
        for plan in pools:
            self.queue.add(pool_key(plan), Priority.RESYNC)
        for version in (*versions, *obsolete):
            self.queue.add(release_key(version), Priority.RESYNC)

    def _ours(self, found: Iterable[Object]) -> list[Object]:
        return [one for one in found if concerns(self.shards.own, one)]

    async def _feed_tenants(self, priority: Priority, *, plan: str | None = None, within: float = 0.0) -> None:
        found = self._ours(await self.kube.list(BROKERAGE, labels={}))
        for name in _names(one for one in found if plan is None or one["spec"]["plan"] == plan):
            self.queue.add(tenant_key(name), priority, after=share(name) * within)


async def build(settings: Settings, stack: AsyncExitStack) -> Operator:
    """The operator with its real adapters; `stack` closes them."""
    kube = await stack.enter_async_context(await Kubernetes.connect(settings.most_calls.kubernetes))
    backends = connect(settings, stack)
    database = backends.postgres
    platform = installation.platform(settings, settings.backend, settings.network(), has_s3=settings.has_backend("s3"))
    ca = installation.bundle(settings.backend(backend.name, "ca.crt") for backend in backends)
    releases = Releases(kube, settings.namespace)
    registry = _registry(database, settings, platform)
    lease = _lease(kube, settings)
    parts = graph(kube, backends, ca, _now, settings.namespace)
    deletion = Deletion(kube, registry, parts, lease, settings.namespace)
    reconciler = Reconciler(
        kube=kube,
        registry=registry,
        releases=releases,
        graph=parts,
        deletion=deletion,
        edge=_edge(settings, stack),
        shards=Shards(kube, database, settings.namespace, _now, settings.shard),
        platform=platform,
        now=_now,
        instance=settings.pod_name,
    )
    queue = WorkQueue(time.monotonic)
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
    )


def _names(brokerages: Iterable[Object]) -> list[str]:
    return [one["metadata"]["name"] for one in brokerages]


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
        Route(kube, namespace),
        Suspension(kube),
        Rotation(kube, now),
    )
    return Graph(parts, now, kube)


async def _outage(backend: Backend) -> Unavailable | None:
    """Why the backend is away, if it is. One answer that came late is no outage: it would show on every tenant."""
    return await _problem(backend) and await _problem(backend)


async def _problem(backend: Backend) -> Unavailable | None:
    try:
        await backend.ping()
    except Unavailable as outage:
        return outage
    except Exception as error:
        # What no adapter foresaw ends neither the other watches nor the workers.
        message = f"{backend.name} cannot be asked: {type(error).__name__}: {error}"[:500]
        return Unavailable(f"{backend.name.capitalize()}Unreachable", message)
    return None


def _now() -> datetime:
    return datetime.now(UTC)
