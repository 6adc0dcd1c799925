"""Puts the operator together and runs its workers. Knows nothing of Kopf: events arrive through the queue."""

import asyncio
import json
import random
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from prometheus_client import Counter, Gauge, Histogram

from . import names
from .adapters.edge import Edge
from .adapters.kubernetes import BROKERAGE, ApiError, Kubernetes
from .adapters.postgres import Postgres, Server
from .errors import Unavailable
from .graph import Graph
from .lease import LeaseHolder
from .provisioners.credentials import Credentials
from .provisioners.database import Database
from .provisioners.migrations import Migrations
from .provisioners.namespace import Namespace
from .provisioners.route import Route
from .provisioners.workload import Workload
from .reconcile import Outcome, Reconciler
from .registry import PostgresRegistry
from .release import Releases
from .settings import Settings
from .templates import Templates
from .tenant import Platform
from .workqueue import Priority, WorkQueue

log = structlog.get_logger(__name__)

PASSES = Counter("rooftree_operator_passes", "Reconcile passes.", ["kind", "result"])
SECONDS = Histogram(
    "rooftree_operator_pass_seconds",
    "Duration of a pass.",
    ["kind"],
    buckets=(0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
DEPTH = Gauge("rooftree_operator_queue_depth", "Keys that are due and wait for a worker.")
AGE = Gauge("rooftree_operator_queue_oldest_seconds", "How long the longest overdue key has waited.")

WATCH_POSTGRES = 3.0  # seconds between two looks whether it answers
# Logins are revoked before anything; data goes after everything that could use it; roles go with the database.
DELETE_ORDER = ("route", "workload", "namespace", "database")


def tenant_key(name: str) -> str:
    return f"tenant/{name}"


def release_key(version: str) -> str:
    return f"release/{version}"


def plan_key(name: str) -> str:
    return f"plan/{name}"


@dataclass
class Operator:
    """The running operator."""

    settings: Settings
    queue: WorkQueue
    kube: Kubernetes
    postgres: Postgres
    registry: PostgresRegistry
    reconciler: Reconciler
    templates: Templates
    releases: Releases
    lease: LeaseHolder

    async def run(self) -> None:
        """Waits for the Lease, then works until it is lost or the task is cancelled."""
        epoch = await self.lease.acquire()
        log.info("lease_acquired", epoch=epoch)
        self.postgres.take_over(epoch)
        async with asyncio.TaskGroup() as group:
            group.create_task(self.lease.keep())
            group.create_task(self._prepare())
            group.create_task(self._resync())
            group.create_task(self._watch_postgres())
            for _ in range(self.settings.workers):
                group.create_task(self._work())

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

    async def _work(self) -> None:
        while True:
            key = await self.queue.get()
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
            if result.failed:
                self.queue.failed(key)
            else:
                self.queue.done(key, again_in=result.again_in)
            log.debug("pass", key=key, seconds=round(time.monotonic() - started, 3), again_in=result.again_in)
            DEPTH.set(self.queue.depth)
            AGE.set(self.queue.oldest_age)

    async def _dispatch(self, kind: str, name: str) -> Outcome:
        match kind:
            case "tenant":
                return await self.reconciler.reconcile(name)
            case "release":
                return await self.templates.reconcile(name)
            case "plan":
                await self._feed_tenants(Priority.EDIT, plan=name)
                return Outcome()
            case _:
                raise ValueError(f"no such kind of key: {kind}")

    async def _watch_postgres(self) -> None:
        """When PostgreSQL goes or comes back, every tenant is looked at, so that conditions say so within seconds."""
        was_up = True
        while True:
            await asyncio.sleep(WATCH_POSTGRES)
            try:
                await self.postgres.ping()
                is_up = True
            except Unavailable:
                is_up = False
            if is_up != was_up:
                log.warning("postgres_changed", up=is_up)
                try:
                    await self._feed_tenants(Priority.CHILD)
                except (ApiError, Unavailable) as error:
                    log.warning("resync_failed", error=str(error))
                    continue
            was_up = is_up

    async def _resync(self) -> None:
        """Feeds everything into the queue now and then: a re-list reports nothing about what vanished."""
        while True:
            try:
                await self._feed_all()
            except (ApiError, Unavailable) as error:
                log.warning("resync_failed", error=str(error))
                await asyncio.sleep(2.0)
                continue
            await asyncio.sleep(self.settings.resync_seconds * random.uniform(0.9, 1.1))  # noqa: S311 -- spreads load

    async def _feed_tenants(self, priority: Priority, *, plan: str | None = None) -> None:
        """Every Brokerage, or those of one plan, into the queue."""
        for brokerage in await self.kube.list(BROKERAGE, labels={}):
            if plan is None or brokerage["spec"]["plan"] == plan:
                self.queue.add(tenant_key(brokerage["metadata"]["name"]), priority)

    async def _feed_all(self) -> None:
        versions = await self.releases.versions()
        for version in versions:
            self.queue.add(release_key(version), Priority.RESYNC)
        await self._feed_tenants(Priority.RESYNC)
        try:
            obsolete = await self.templates.obsolete(set(versions))
        except Unavailable as error:
            # The rest has been fed; these wait for the next round.
            log.warning("obsolete_templates_unknown", error=str(error))
            return
        for version in obsolete:
            self.queue.add(release_key(version), Priority.RESYNC)


async def build(settings: Settings, stack: AsyncExitStack) -> Operator:
    """The operator with its real adapters; `stack` closes them."""
    kube = await stack.enter_async_context(await Kubernetes.connect())
    postgres = _postgres(settings)
    edge = Edge(settings.edge_address, str(settings.edge_ca_file))
    stack.push_async_callback(edge.close)
    platform = Platform(
        namespace=settings.namespace,
        domain=settings.domain,
        edge_port=settings.edge_port,
        postgres_host=postgres.server.host,
        postgres_port=postgres.server.port,
    )
    ca = settings.postgres("ca.crt") + "\n"
    releases = Releases(kube, settings.namespace)
    registry = PostgresRegistry(postgres, json.dumps({"postgres": f"{postgres.server.host}:{postgres.server.port}"}))
    lease = LeaseHolder(kube, name=names.MANAGER, namespace=settings.namespace, identity=settings.pod_name, now=_now)
    reconciler = Reconciler(
        kube=kube,
        registry=registry,
        releases=releases,
        graph=graph(kube, postgres, ca),
        delete_order=DELETE_ORDER,
        logins=postgres,
        lease=lease,
        edge=edge,
        platform=platform,
        now=_now,
        instance=settings.pod_name,
    )
    templates = Templates(kube, postgres, releases, platform, ca)
    queue = WorkQueue(time.monotonic)
    return Operator(settings, queue, kube, postgres, registry, reconciler, templates, releases, lease)


def graph(kube: Kubernetes, postgres: Postgres, ca: str) -> Graph:
    """All parts of a tenant; a new kind of part is added here."""
    return Graph(
        (
            Namespace(kube),
            Credentials(kube, ca),
            Database(kube, postgres),
            Migrations(kube, postgres),
            Workload(kube),
            Route(kube),
        )
    )


def _postgres(settings: Settings) -> Postgres:
    server = Server(
        host=settings.postgres("host"),
        port=int(settings.postgres("port")),
        user=settings.postgres("user"),
        password=settings.postgres_password().get_secret_value(),
        database=settings.postgres("database"),
        ca_file=str(settings.postgres_dir / "ca.crt"),
    )
    return Postgres(server)


def _now() -> datetime:
    return datetime.now(UTC)
