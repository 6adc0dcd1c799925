"""Runs the workers of the operator. Knows nothing of Kopf: events arrive through the queue."""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass

import structlog
from prometheus_client import Counter, Gauge, Histogram
from structlog.contextvars import bound_contextvars

from . import tracing
from .adapters.kubernetes import BROKERAGE, OPERATION, PLAN, ApiError, Kubernetes
from .backends import Backends
from .drift import Object
from .errors import Unavailable
from .fleet_metrics import FLEET
from .gate import Backend, urgency
from .health import Health
from .lease import LeaseHolder
from .names import TenantId
from .operations.artifacts import Artifacts
from .operations.running import Operations
from .pool import Pool
from .purge import Purge
from .reconcile import Outcome, Reconciler
from .registry import PostgresRegistry
from .release import Releases
from .scaling.scaler import Scaler
from .settings import Settings
from .shards import UNATTENDED, Shards, concerns, keeper
from .spares import Spare, SpareState
from .storms import Storms
from .templates import Templates
from .together import together
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


def operation_key(name: str) -> str:
    return f"operation/{name}"


def backup_key(name: str) -> str:
    return f"backup/{name}"


def spare_key(tenant: str) -> str:
    return f"spare/{tenant}"


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
    operations: Operations
    artifacts: Artifacts
    scaler: Scaler | None = None  # None: nobody measures the load

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
        await together(
            self.lease.keep(),
            *([self._prepare()] if self.shards.is_default else []),
            self._resync(),
            self._measure(),
            *([self.scaler.run(self.health)] if self.scaler else []),
            *(self._watch(backend) for backend in self.backends),
            *(self._work(worker) for worker in range(self.settings.workers)),
        )

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
        """Ends the work on a key. A tenant or spare that is there is looked at again at its next turn at the latest."""
        kind, _, name = key.partition("/")
        if result.failed:
            self.queue.failed(key)
            return
        # What nobody waits for yet never comes before what somebody does.
        priority = Priority.RESYNC if kind == "pool" else Priority.CHILD
        self.queue.done(key, again_in=result.again_in, priority=priority)
        if kind in ("tenant", "spare") and not result.gone:
            turn = turn_in(name, self.settings.resync_seconds, asyncio.get_running_loop().time())
            self.queue.add(key, Priority.RESYNC, after=turn)

    async def _dispatch(self, kind: str, name: str) -> Outcome:
        reconcilers = {
            "tenant": self._tenant,
            "operation": self.operations.reconcile,
            "backup": self.artifacts.reconcile,
            "release": self.templates.reconcile,
            "kept": self.purge.reconcile,
            "pool": self.pool.reconcile,
            "spare": self.pool.look,
            "plan": self._plan,
        }
        return await reconcilers[kind](name)

    async def _tenant(self, name: str) -> Outcome:
        if notice := self.storms.news(tenant_key(name)):
            await self.reconciler.notify(name, notice)
        result = await self.reconciler.reconcile(name)
        if self.scaler:
            self.scaler.note(name, is_ours=not result.gone)
        return result

    async def _plan(self, name: str) -> Outcome:
        if self.shards.is_default:
            self.queue.add(pool_key(name), Priority.RESYNC)
        await self._feed_tenants(Priority(urgency.get()), plan=name)
        return Outcome()

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
        spares = await self._common() if self.shards.is_default else []
        found = await self.kube.list(BROKERAGE, labels={})
        mine = self._ours(found)
        ours = _names(mine)
        self.reconciler.census.keep(ours)
        if self.scaler:
            self.scaler.keep(ours)
        nobodys = _names(await self.shards.unattended(found))
        UNATTENDED.set(len(nobodys))
        tenants = map(tenant_key, (*ours, *nobodys))
        for key in (*map(operation_key, await self._operations(found)), *tenants, *map(spare_key, spares)):
            if key not in self.queue:
                self.queue.add(key, Priority.RESYNC)
        FLEET.take(mine, await self.kube.list(PLAN, labels={}))

    async def _operations(self, brokerages: Iterable[Object]) -> list[str]:
        """Those that are ours to do."""
        # Not backups, of which there are many: only their deletion is work, and the watch tells of it until it is done.
        known = {one["metadata"]["name"]: one for one in brokerages}
        found = await self.kube.list(OPERATION, labels={})
        return _names(one for one in found if keeper(known.get(one["spec"]["brokerage"])) == self.shards.own)

    async def _common(self) -> list[str]:
        """Feeds what belongs to no shard: all releases, kept tenants and pools. Returns the spares that are ready."""
        versions, obsolete, kept, pools = await self.releases.versions(), list[str](), list[TenantId](), list[str]()
        spares = list[Spare]()
        try:
            obsolete, kept = await self.templates.obsolete(set(versions)), await self.purge.pending()
            spares = await self.pool.spares.found()
            pools = await self.pool.plans(spares)
        except Unavailable as error:
            # The rest goes on; these wait for the next round.
            log.warning("postgres_unreachable", error=str(error))
        for tenant in kept:
            self.queue.add(kept_key(tenant.value), Priority.RESYNC)
        for plan in pools:
            self.queue.add(pool_key(plan), Priority.RESYNC)
        for version in (*versions, *obsolete):
            self.queue.add(release_key(version), Priority.RESYNC)
        return [spare.id.value for spare in spares if spare.state is SpareState.READY]

    def _ours(self, found: Iterable[Object]) -> list[Object]:
        return [one for one in found if concerns(self.shards.own, one)]

    async def _feed_tenants(self, priority: Priority, *, plan: str | None = None, within: float = 0.0) -> None:
        found = self._ours(await self.kube.list(BROKERAGE, labels={}))
        for name in _names(one for one in found if plan is None or one["spec"]["plan"] == plan):
            self.queue.add(tenant_key(name), priority, after=share(name) * within)


def _names(items: Iterable[Object]) -> list[str]:
    return [item["metadata"]["name"] for item in items]


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
