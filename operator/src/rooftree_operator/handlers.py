"""The only file that speaks Kopf, which is informer, login and probes here. Handlers put keys into the queue, no more.

No create, update, resume or delete handlers: so Kopf writes no annotation and no finalizer on anything.
"""

import asyncio
import hashlib
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import aclosing, contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import kopf
from kopf._cogs.clients import api, fetching, watching

from . import names, shards
from .adapters.kubernetes import (
    AUTOSCALER,
    BACKUP,
    BINDING,
    BROKERAGE,
    BUDGET,
    DEPLOYMENT,
    JOB,
    LIMITS,
    NAMESPACE,
    OPERATION,
    PLAN,
    POLICY,
    QUOTA,
    ROUTE,
    SERVICE,
    Kind,
)
from .adapters.watched import Watched
from .health import SILENT, Health, Unhealthy
from .runtime import Operator, backup_key, operation_key, plan_key, release_key, tenant_key
from .settings import Settings
from .storms import Storms
from .workqueue import Priority, WorkQueue

# Children whose status is waited for.
AWAITED = (NAMESPACE, DEPLOYMENT, JOB, ROUTE)
# Children of which only what is declared matters: their status changes often, and is no reason to look.
DECLARED = (POLICY, SERVICE, AUTOSCALER, BUDGET, QUOTA, LIMITS, BINDING)
# The resync sees to Secrets, which nobody should be able to list, and to the one ConfigMap with the backends' CAs: to
# watch it would need the right to read every ConfigMap of the cluster.
WATCHED = (*AWAITED, *DECLARED)
KEPT = {kind.plural: kind for kind in WATCHED}
OWNED = f"{names.LABEL_MANAGED_BY}={names.MANAGER}"


def _resource(kind: Kind) -> tuple[str, str, str]:
    group, _, version = kind.api_version.rpartition("/")
    return group, version, kind.plural


def register(
    registry: kopf.OperatorRegistry,
    queue: WorkQueue,
    storms: Storms,
    health: Health,
    *,
    acts: Callable[[], bool],
    watched: Watched,
    shard: str = shards.DEFAULT,
) -> None:
    """Hooks the queue to what Kopf watches. `acts` says whether this replica works on the queue."""

    def is_own(resource: Any, item: dict[str, Any]) -> bool:
        return watched.is_own(resource.plural, _path(resource.plural, item), item)

    intake = Intake(queue, storms, shard, is_own)
    kopf.on.event(*_resource(BROKERAGE), registry=registry)(_inline(intake.brokerage))
    kopf.on.event(*_resource(PLAN), registry=registry)(_inline(intake.plan))
    kopf.on.event(*_resource(OPERATION), registry=registry)(_inline(intake.operation))
    kopf.on.event(*_resource(BACKUP), registry=registry)(_inline(intake.backup))
    ours = {names.LABEL_MANAGED_BY: names.MANAGER}
    for kind in AWAITED:
        kopf.on.event(*_resource(kind), registry=registry, labels=ours)(_inline(intake.child))
    for kind in DECLARED:
        kopf.on.event(*_resource(kind), registry=registry, labels=ours)(_inline(intake.declared))
    kopf.on.login(registry=registry)(_login)
    # On standby for the Lease the queue only fills.
    kopf.on.probe(id="queue_oldest_seconds", registry=registry)(_probe(lambda: health.queue() if acts() else 0.0))
    kopf.on.probe(id="pass_running_seconds", registry=registry)(_probe(health.workers))
    kopf.on.probe(id="watch_silent_seconds", registry=registry)(_probe(health.watches))


class Intake:
    """Turns events into keys.

    What the first listing after a start tells is no news, as far as a status speaks of it already: it is looked at like
    everything else, and an edit that is made then does not wait for all of it.

    A child of which only the declaration matters is no news as we have written it ourselves (`is_own`): the pass that
    did so knows. Where a status is waited for, our own event may be the only one that brings the next step. An event
    that comes before the answer to its write brings a look that finds nothing to do.

    Brokerages of all shards are watched, as a selector would not tell of one that leaves while a watch is broken.
    """

    def __init__(
        self,
        queue: WorkQueue,
        storms: Storms,
        shard: str = shards.DEFAULT,
        is_own: Callable[[Any, dict[str, Any]], bool] = lambda _resource, _item: False,
    ) -> None:
        self._queue = queue
        self._storms = storms
        self._is_own = is_own
        self._shard = shard
        self._elsewhere: set[str] = set()
        self._seen: dict[str, str] = {}
        self._plans: set[str] = set()
        self._children: dict[str, str] = {}
        self._operations: dict[str, str] = {}

    def brokerage(self, event: Any, **_: Any) -> None:
        brokerage: dict[str, Any] = event["object"]
        metadata: dict[str, Any] = brokerage["metadata"]
        name = metadata["name"]
        if event["type"] != "DELETED" and not shards.concerns(self._shard, brokerage):
            self._elsewhere.add(name)
            self._seen.pop(name, None)
            return
        self._elsewhere.discard(name)
        if event["type"] == "DELETED":
            self._seen.pop(name, None)
            self._storms.forget(tenant_key(name))
            # Nothing is left to do of it, but what is counted of it.
            self._queue.add(tenant_key(name), Priority.CHILD)
            return
        # Our own status writes come back as events, too; they are no reason to look again.
        declared = _declared(metadata, shards.holder(brokerage) or shards.DEFAULT)
        if self._seen.get(name) != declared:
            is_known = _is_listed(event) and name not in self._seen and _is_observed(event["object"])
            self._seen[name] = declared
            edit = Priority.RESYNC if is_known else Priority.EDIT
            self._queue.add(tenant_key(name), Priority.DELETION if metadata.get("deletionTimestamp") else edit)

    def plan(self, event: Any, **_: Any) -> None:
        name = event["object"]["metadata"]["name"]
        is_known = _is_listed(event) and name not in self._plans
        self._plans.add(name)
        self._queue.add(plan_key(name), Priority.RESYNC if is_known else Priority.EDIT)

    def operation(self, event: Any, **_: Any) -> None:
        """Also when it is over: another one may wait for that. Our own status writes are no reason to look again."""
        item: dict[str, Any] = event["object"]
        name, declared = item["metadata"]["name"], _declared(item["metadata"], item.get("status", {}).get("phase"))
        if event["type"] == "DELETED":
            self._operations.pop(name, None)
            self._storms.forget(operation_key(name))
        elif item["spec"].get("brokerage") not in self._elsewhere and self._operations.get(name) != declared:
            self._operations[name] = declared
            self._queue.add(operation_key(name), Priority.EDIT)

    def backup(self, event: Any, **_: Any) -> None:
        """Of any shard: it is told once only, and may have become ours before it is done."""
        metadata: dict[str, Any] = event["object"]["metadata"]
        if event["type"] != "DELETED" and metadata.get("deletionTimestamp"):
            self._queue.add(backup_key(metadata["name"]), Priority.DELETION)

    def child(self, event: Any, **_: Any) -> None:
        item: dict[str, Any] = event["object"]
        labels: dict[str, str] = item["metadata"].get("labels", {})
        owner = labels.get(names.LABEL_BROKERAGE)
        if owner in self._elsewhere:
            return
        if operation := labels.get(names.LABEL_OPERATION):
            self._look(operation_key(operation), item)
        elif owner:
            self._look(tenant_key(owner), item)
        elif (version := labels.get(names.LABEL_RELEASE)) and self._shard == shards.DEFAULT:
            self._look(release_key(version), item)

    def _look(self, key: str, child: dict[str, Any]) -> None:
        wait = self._storms.wait(key)
        if self._queue.add(key, Priority.RESYNC if wait else Priority.CHILD, after=wait):
            self._storms.count(key, f"{child.get('kind', 'a child')} {child['metadata']['name']}")

    def declared(self, event: Any, resource: Any = None, **_: Any) -> None:
        """A child that is looked at again only if it went, or if somebody else changed more than its status."""
        item: dict[str, Any] = event["object"]
        uid, content = item["metadata"]["uid"], _content(item)
        if event["type"] == "DELETED":
            self._children.pop(uid, None)
        elif self._children.get(uid) == content:
            return
        else:
            self._children[uid] = content
            if not _is_listed(event) and self._is_own(resource, item):
                return
        self.child(event)


def _inline(take: Callable[..., None]) -> Callable[..., Any]:
    """A handler that Kopf calls in its loop. It would call each of the plain ones in a thread, for nothing."""

    async def handler(**told: Any) -> None:
        take(**told)

    # Not by functools.wraps: Kopf looks through that and takes the handler for a plain one.
    handler.__name__, handler.__qualname__ = take.__name__, take.__qualname__
    return handler


def _probe(look: Callable[[], float]) -> Callable[..., float]:
    """What Kopf calls for a look at the health."""

    def probe(**_: Any) -> float:
        try:
            return look()
        except Unhealthy as problem:
            # Kopf retries any other error inside the request, which would hang the probe instead of failing it.
            raise kopf.PermanentError(str(problem)) from problem

    return probe


@contextmanager
def listening(health: Health, watched: Watched) -> Generator[None]:
    """Tells `health` and `watched` of everything that the listings and watches tell.

    Kopf hands on no bookmark and not that a watch began anew, which alone tell a watch that has nothing to say from one
    that is deaf, nor where a listing ends, which alone tells what went while nobody watched. So its innermost streams
    are wrapped, which are not public: a test with the real Kopf notices if that changes.
    """
    request: Callable[..., Awaitable[Any]] = api.request
    fetch: Callable[..., AsyncGenerator[Any]] = fetching.fetch_objs  # type: ignore[assignment]
    stream: Callable[..., AsyncGenerator[Any]] = watching.watch_objs  # type: ignore[assignment]

    async def listed(**options: Any) -> AsyncGenerator[Any]:
        plural, told, version = options["resource"].plural, set[str](), "0"
        async with aclosing(fetch(**options)) as chunks:
            async for items, version in chunks:
                told |= watched.lists(plural, [(_path(plural, item), item) for item in items])
                yield items, version
        watched.listed(plural, told, version)

    async def heard(**options: Any) -> AsyncGenerator[Any]:
        plural = options["resource"].plural
        async with aclosing(stream(**options)) as events:
            async for event in events:
                health.hears(plural)
                if event["type"] == "ERROR":
                    watched.breaks(plural)
                else:
                    watched.hears(plural, event["type"], _path(plural, event["object"]), event["object"])
                yield event

    async def answered(*, url: str, **options: Any) -> Any:
        answer = await request(url=url, **options)
        if plural := _watch_of(url):
            health.hears(plural)
            watched.opens(plural)
        return answer

    api.request = answered  # type: ignore[assignment]
    fetching.fetch_objs, watching.watch_objs = listed, heard  # type: ignore[assignment]
    try:
        yield
    finally:
        api.request = request  # type: ignore[assignment]
        fetching.fetch_objs, watching.watch_objs = fetch, stream  # type: ignore[assignment]


def _watch_of(url: str) -> str | None:
    """The kind that a request watches, if it does."""
    parts = urlsplit(url)
    return parts.path.rpartition("/")[2] if "watch" in parse_qs(parts.query) else None


def _path(plural: str, item: dict[str, Any]) -> str:
    """Where an object of a watched kind is; nowhere for others, and for what a bookmark has in place of one."""
    kind, metadata = KEPT.get(plural), item["metadata"]
    return kind.path(metadata.get("name"), metadata.get("namespace")) if kind else ""


def _login(settings: kopf.OperatorSettings, logger: Any, **_: Any) -> kopf.ConnectionInfo | None:
    return kopf.login_with_service_account(settings=settings, logger=logger) or kopf.login_with_kubeconfig(
        settings=settings, logger=logger
    )


def _is_listed(event: Any) -> bool:
    """Whether it tells what is there, and not that anything happened."""
    return event["type"] is None


def _is_observed(brokerage: dict[str, Any]) -> bool:
    """Whether its status speaks of what it declares now."""
    return brokerage.get("status", {}).get("observedGeneration") == brokerage["metadata"].get("generation")


def _declared(metadata: dict[str, Any], *more: str | None) -> str:
    """What people can change on an object, and what `more` there is to hear of, in short."""
    told = ("uid", "generation", "deletionTimestamp", "annotations", "labels")
    parts = [*(metadata.get(key) for key in told), *more]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _content(item: dict[str, Any]) -> str:
    """All of a child but its status, in short."""
    passing = ("resourceVersion", "managedFields", "generation")
    metadata = {name: value for name, value in item["metadata"].items() if name not in passing}
    rest = {name: value for name, value in item.items() if name not in ("metadata", "status")}
    return hashlib.sha256(json.dumps([metadata, rest], sort_keys=True).encode()).hexdigest()[:16]


class _NoDiffs(kopf.DiffBaseStorage):
    """Nothing is compared with what it was: that would take a copy of each object that a watch tells of."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        return kopf.BodyEssence({})

    def fetch(self, **_: Any) -> None:
        return None

    def store(self, **_: Any) -> None:
        raise NotImplementedError("nothing is ever stored on an object")


def configured() -> kopf.OperatorSettings:
    """Settings for production (see the operator notes of the project)."""
    settings = kopf.OperatorSettings()
    settings.watching.server_timeout = 300
    settings.watching.client_timeout = SILENT
    settings.watching.connect_timeout = 10
    settings.watching.chunk_size = 500
    for kind in WATCHED:
        settings.watching.label_selectors[_resource(kind)] = OWNED
    settings.networking.connect_timeout = 10
    settings.networking.request_timeout = 30
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.peering.standalone = True
    settings.execution.default_backoff = 5
    settings.batching.exit_timeout = 1
    settings.persistence.diffbase_storage = _NoDiffs()
    return settings


async def run(settings: Settings, operator: Operator) -> None:
    """Kopf and the workers together; the end of one is the end of both."""
    registry = kopf.OperatorRegistry()
    own = operator.shards.own
    health, watched = operator.health, operator.kube.watched
    register(
        registry, operator.queue, operator.storms, health, acts=lambda: operator.lease.held, watched=watched, shard=own
    )
    health.listens(kind.plural for kind in (BROKERAGE, PLAN, OPERATION, BACKUP, *WATCHED))
    watched.keeps(KEPT)
    with listening(health, watched):
        await _together(registry, settings, operator)


async def _together(registry: kopf.OperatorRegistry, settings: Settings, operator: Operator) -> None:
    stop = asyncio.Event()
    informer = asyncio.create_task(
        kopf.operator(
            registry=registry,
            settings=configured(),
            clusterwide=True,
            standalone=True,
            stop_flag=stop,
            liveness_endpoint=f"http://0.0.0.0:{settings.health_port}/healthz",
        )
    )
    workers = asyncio.create_task(operator.run())
    try:
        ended, _ = await asyncio.wait({informer, workers}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stop.set()
        workers.cancel()
        await asyncio.gather(informer, workers, return_exceptions=True)
        # Only now, when nothing of ours can have an effect any more. Kopf cancels tasks that it does not know.
        await operator.lease.release()
    for task in ended:
        task.result()
