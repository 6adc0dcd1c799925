"""One level-triggered, idempotent pass over one Brokerage: look at everything, change what differs, write status once.

Nothing here remembers anything between passes; a crash at any point is repaired by the next pass.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any, Protocol

import structlog

from . import closing, conditions, declaration, events, hands, pods, rotation, serving, sleeping, upgrade
from .adapters.edge import Answer
from .adapters.kubernetes import BROKERAGE, DEPLOYMENT, PLAN, Kubernetes
from .api.brokerage import BrokerageSpec, Phase
from .conditions import SUSPENDED, Report, State
from .constraints import constraints
from .deletion import Deletion, Overtaken, is_kept
from .drift import Object
from .errors import Blocked, Held, Unavailable, Waiting
from .graph import Graph, Pass
from .hands import Census, Hands, Reach
from .names import FINALIZER, TenantId
from .plans import Choice
from .registry import Registry
from .release import Releases
from .resolving import Resolver
from .shards import Elsewhere, Shards
from .telling import Telling
from .tenant import Fit, Platform, Tenant

log = structlog.get_logger(__name__)

# Children's events wake a waiting tenant; this is for an event that was lost.
LOST_EVENT = 5.0  # seconds
PAGE_GOES = 0.25  # seconds in which the edge follows a route that it has accepted


class Probe(Protocol):
    """Asks a tenant through the edge who it is."""

    async def version(self, host: str, port: int) -> Answer: ...


@dataclass(frozen=True)
class Outcome:
    """What the queue does next with the key."""

    again_in: float | None = None
    failed: bool = False
    gone: bool = False


@dataclass(frozen=True)
class Reconciler:
    """Everything that a pass needs."""

    kube: Kubernetes
    registry: Registry
    releases: Releases
    graph: Graph
    deletion: Deletion
    edge: Probe
    shards: Shards
    platform: Platform
    now: Callable[[], datetime]
    instance: str
    census: Census = field(default_factory=Census)
    turns: closing.Turns = field(default_factory=closing.Turns)
    wishes: sleeping.Wishes = field(default_factory=sleeping.Wishes)

    @property
    def _tell(self) -> Telling:
        return Telling(self.kube, self.graph, self.platform.namespace, self.now, self.instance)

    async def reconcile(self, name: str) -> Outcome:
        """Brings the Brokerage `name` closer to what it declares."""
        async with self.turns.of(name):
            brokerage = await self.kube.get(BROKERAGE, name)
            if brokerage is None:
                self.census.note(name, None)
                self.turns.forget(name)
                self.wishes.forget(name)
                return Outcome(gone=True)
            try:
                brokerage = await self.shards.enter(brokerage)
            except Elsewhere as other:
                return await self._leave_alone(brokerage, other)
            return await self._reconcile(brokerage)

    async def _reconcile(self, brokerage: Object) -> Outcome:
        """A pass over one that is ours."""
        may = hands.of(brokerage)
        self.census.note(brokerage["metadata"]["name"], may.level)
        if "deletionTimestamp" in brokerage["metadata"]:
            return await self._delete(brokerage)
        if may.reach is Reach.NOTHING:
            await self._tell.rest(brokerage, may)
            return Outcome()
        if may.reach is not Reach.LOOK and FINALIZER not in brokerage["metadata"].get("finalizers", []):
            brokerage = await self._hold(brokerage)
        spec = BrokerageSpec.model_validate(brokerage["spec"])
        operation = await closing.by(self.kube, brokerage, self.now())
        resolver = Resolver(self.kube, self.releases, self.platform, partial(self.kube.get, PLAN))
        try:
            tenant, choice = await resolver.tenant(brokerage, spec, partial(self._id, brokerage, spec, may))
        except (Blocked, Waiting, Unavailable, Held) as problem:
            reports = unresolved(problem)
            await self._tell.report(brokerage, reports, {}, held=may.reports())
            return outcome(reports)
        if may.reach is Reach.ALL and "tenantID" not in brokerage.get("status", {}):
            return await self._welcome(brokerage, tenant)
        tenant = await self._resting(brokerage, closing.closed(tenant, operation), may)
        return await self._look(brokerage, tenant, choice, may, operation)

    async def _resting(self, brokerage: Object, tenant: Tenant, may: Hands) -> Tenant:
        """With what a pass works towards between awake and asleep."""
        sleep = sleeping.timed(await self._stage(brokerage, tenant, may), self.now())
        after, now = float(tenant.plan.sleep.after_seconds), self.now().timestamp()
        self.wishes.note(tenant.slug, sleep, may=tenant.may_sleep, after=after, now=now)
        return replace(tenant, sleep=sleep)

    async def _stage(self, brokerage: Object, tenant: Tenant, may: Hands) -> sleeping.Sleep | None:
        before, wish = sleeping.known(brokerage.get("status", {})), self.wishes.of(tenant.slug)
        if tenant.spec.suspend or (before is None and not (wish and wish.sleeps)):
            return None
        if may.reach is not Reach.ALL:
            return before
        app = await self.kube.get(DEPLOYMENT, pods.APP, tenant.namespace)
        sleep = sleeping.going_on(
            before,
            wish,
            may=tenant.may_sleep,
            is_settled="Ready" in tenant.met and tenant.running == tenant.release.version,
            pods=serving.replicas(app) if app else 0,
            now=conditions.stamp(self.now()),
        )
        if wish is not None and wish.sleeps and sleep is not None and sleep.stage is sleeping.Stage.WAKING:
            # What the figures said while it slept is no reason to put it to sleep again.
            self.wishes.tell(tenant.slug, None)
        return sleep

    async def _welcome(self, brokerage: Object, tenant: Tenant) -> Outcome:
        """Says that it is known before anything is made of it: of many new ones each waits for those before it."""
        message = f"it is tenant {tenant.id} now, and its parts are made next"
        reports = [Report("Ready", State.WAITING, "Registered", message, retry_in=0.0)]
        await self._tell.report(brokerage, reports, {"tenantID": tenant.id.value, "constraints": constraints(tenant)})
        return outcome(reports)

    async def _leave_alone(self, brokerage: Object, other: Elsewhere) -> Outcome:
        """It is another operator's; if that one does not run, the default one says so in its place."""
        self.census.note(brokerage["metadata"]["name"], None)
        self.wishes.forget(brokerage["metadata"]["name"])
        for one in await self.shards.unattended([brokerage]):
            await self._tell.unattended(one)
        return Outcome(again_in=other.retry_in, gone=True)

    async def notify(self, name: str, notice: events.Notice) -> None:
        """Says something of the Brokerage `name`, if there is one."""
        brokerage = await self.kube.get(BROKERAGE, name)
        if brokerage is not None:
            await self._tell.notify(brokerage, [notice])

    async def _look(self, brokerage: Object, tenant: Tenant, choice: Choice, may: Hands, operation: str) -> Outcome:
        """All parts, as far as the hands reach, and what is told of them. `operation`: the one that has closed it."""
        if choice.holds:
            may = hands.held_by_plan(may, choice.refusal)
        status = brokerage.get("status", {})
        declared, before = declaration.digest(tenant), status.get("applied")
        # What differs while credentials are rotated, or a database takes another one's place, is what we want anew.
        settled = declared == before and not operation and not rotation.is_running(status.get("rotation"))
        seen = await self.graph.run(tenant, may, settled=settled)
        await self._tell.notify(brokerage, events.repaired(seen.repaired))
        self.graph.told(tenant.id, seen.repaired)
        version, attempt = _version(tenant, seen)
        parts = [*seen.reports, *choice.reports(tenant.spec.plan)]
        parts, version = ([may.halted(one) for one in parts], may.halted(version)) if seen.held else (parts, version)
        ready = conditions.summary(parts, tenant.url)
        if ready.state is State.DONE:
            ready = await self._probe(tenant, ready)
        found = {"tenantID": tenant.id.value, "constraints": constraints(tenant), **seen.fields, "upgrade": attempt}
        known = seen.fields.get("rotation", status.get("rotation"))
        found["rotation"] = rotation.told(known, tenant, parts, self.now())
        if may.reach is Reach.ALL and not choice.refusal:
            found["plan"] = choice.plan.status
        if seen.is_done or may.reach is not Reach.LOOK:
            # Gone while something else is being made: what differs then is ours, also if that is taken back again.
            found["applied"] = declared if seen.is_done or declared == before else None
        unserved = await self.shards.report(brokerage)
        reports = [ready, *parts, version, *([unserved] if unserved else [])]
        version, holds = tenant.release.version, may.reports(seen.held)
        await self._tell.report(brokerage, reports, found, held=holds, notes=seen.notes, version=version)
        rests = ready.state in (State.DONE, State.SUSPENDED)
        if rests and may.reach is Reach.ALL and tenant.spec.tenant_id:
            return await self._let_go(tenant, outcome(reports))
        return outcome(reports)

    async def _let_go(self, tenant: Tenant, result: Outcome) -> Outcome:
        """It came back and has all that was kept, so that nothing of it is to be kept any more."""
        try:
            await self.deletion.forget(tenant.id)
        except Overtaken as change:
            log.warning("kept_secret_stays", tenant=tenant.id.value, reason=str(change))
            return Outcome(failed=True)
        return result

    async def _hold(self, brokerage: Object) -> Object:
        """Puts our finalizer on exactly the version that we read."""
        metadata = brokerage["metadata"]
        finalizers = [*metadata.get("finalizers", []), FINALIZER]
        body = [_unchanged(metadata), {"op": "add", "path": "/metadata/finalizers", "value": finalizers}]
        return await self.kube.patch(BROKERAGE, metadata["name"], body)

    async def _id(self, brokerage: Object, spec: BrokerageSpec, may: Hands, fit: Fit) -> TenantId:
        """Known, or minted, claimed or taken from the pool in the registry now unless we only look."""
        claim = TenantId(spec.tenant_id) if spec.tenant_id else None
        if may.reach is Reach.LOOK:
            known = await self._known_id(brokerage)
            if known is None:
                unclaimed = f"; {claim} is not claimed, and goes when its time is over" if claim else ""
                raise Held(f"{may.why}; nothing has been made of it yet{unclaimed}")
            return known
        if known := brokerage.get("status", {}).get("tenantID"):
            return TenantId(known)
        return await self.registry.register(brokerage["metadata"]["name"], brokerage["metadata"]["uid"], claim, fit)

    async def _known_id(self, brokerage: Object) -> TenantId | None:
        if known := brokerage.get("status", {}).get("tenantID"):
            return TenantId(known)
        entry = await self.registry.find(brokerage["metadata"]["uid"])
        return entry.id if entry else None

    async def _probe(self, tenant: Tenant, ready: Report) -> Report:
        """Ready means: it answers on its own address, as itself, in the wanted version; suspended, by the page."""
        answer = await self.edge.version(tenant.host, tenant.platform.edge_port)
        if tenant.spec.suspend or answer.suspended:
            return _of_page(tenant, answer)
        if answer.asleep or (tenant.sleep and not answer.problem):
            return _of_sleeper(tenant, answer)
        problem = answer.problem
        if not problem and answer.tenant_id != tenant.id.value:
            problem = f"{tenant.url} is answered by tenant {answer.tenant_id}"
        if not problem and answer.version != tenant.release.version:
            problem = f"{tenant.url} is answered by version {answer.version}"
        return Report("Ready", State.FAILING, "EdgeProbeFailed", problem) if problem else ready

    async def _delete(self, brokerage: Object) -> Outcome:
        metadata, may = brokerage["metadata"], hands.of(brokerage)
        if FINALIZER not in metadata.get("finalizers", []):
            self.census.note(metadata["name"], None)
            return Outcome()
        gone: list[str] = []
        tell = partial(self._tell.deleting, brokerage, may=may, gone=gone, steps=self.deletion.steps(brokerage))
        if may.reach is Reach.NOTHING:
            what = "its data is to be kept" if is_kept(brokerage) else "all its data are to be deleted with it"
            message = f"the brokerage is to be deleted, {what}, and nothing of that is done: {may.why}"
            await tell(Report("Ready", State.HELD, "DeletionHeld", message))
            return Outcome()
        try:
            await self._leave(brokerage, gone)
        except Overtaken as change:
            log.warning("deletion_stopped", brokerage=metadata["name"], reason=str(change))
            return Outcome(failed=True)
        except Waiting as wait:
            what = "is being deleted, its data is kept" if is_kept(brokerage) else "and all its data are being deleted"
            await tell(Report("Ready", State.WAITING, "Deleting", f"the brokerage {what}: {wait.message}"))
            return Outcome(again_in=wait.retry_in)
        except Unavailable as outage:
            message = f"{outage.message}; deletion goes on when it is back"
            await tell(Report("Ready", State.FAILING, outage.reason, message))
            return Outcome(failed=True)
        fresh = await self.kube.get(BROKERAGE, metadata["name"])
        if fresh is not None and fresh["metadata"]["uid"] == metadata["uid"]:
            await self._release(fresh["metadata"])
        self.census.note(metadata["name"], None)
        return Outcome()

    async def _leave(self, brokerage: Object, gone: list[str]) -> None:
        """Deletes what is to be deleted of it, adding to `gone`; says of one that was only observed that it runs on."""
        tenant = await self._known_id(brokerage)
        if tenant is None:
            return
        await self.deletion.run(brokerage, tenant, gone)
        if hands.is_observed(brokerage):
            claim = f"a brokerage of this name with spec.tenantID {tenant} takes it over"
            await self._tell.notify(
                brokerage, [events.Notice("Normal", "Kept", f"all that it has is kept and runs on; {claim}")]
            )

    async def _release(self, metadata: Object) -> None:
        left = [finalizer for finalizer in metadata["finalizers"] if finalizer != FINALIZER]
        body = [_unchanged(metadata), {"op": "replace", "path": "/metadata/finalizers", "value": left}]
        await self.kube.patch(BROKERAGE, metadata["name"], body)


def _of_page(tenant: Tenant, answer: Answer) -> Report:
    """Ready while the brokerage is suspended, or while its page is still shown."""
    if not tenant.spec.suspend:
        message = f"{tenant.url} still shows that the brokerage is suspended"
        return Report("Ready", State.WAITING, "Resuming", message, PAGE_GOES)
    if answer.suspended and tenant.closed_by:
        message = f"{tenant.url} shows a page until operation {tenant.closed_by} is done"
        return Report("Ready", State.SUSPENDED, SUSPENDED, message)
    if answer.suspended:
        message = f"{tenant.url} shows that the brokerage is suspended: remove spec.suspend to resume it"
        return Report("Ready", State.SUSPENDED, SUSPENDED, message)
    problem = answer.problem or f"{tenant.url} is answered by tenant {answer.tenant_id}"
    return Report("Ready", State.FAILING, "EdgeProbeFailed", f"the page of a suspended brokerage is missing: {problem}")


def _of_sleeper(tenant: Tenant, answer: Answer) -> Report:
    """Ready while it falls asleep, sleeps or wakes: whoever asks is answered, at once or when the app has begun."""
    if tenant.is_asleep and answer.asleep:
        return Report("Ready", State.DONE, "Asleep", f"Nobody uses it; a request to {tenant.url} wakes it.")
    if tenant.is_asleep:
        return Report("Ready", State.DONE, "FallingAsleep", f"{tenant.url} is about to wait for requests.", PAGE_GOES)
    if tenant.sleep is None or tenant.is_waking:
        again_in = PAGE_GOES if tenant.sleep is None else None
        return Report("Ready", State.DONE, "Waking", f"Requests to {tenant.url} wait until its app answers.", again_in)
    return Report("Ready", State.DONE, "FallingAsleep", f"Nobody uses it: {tenant.sleep.message}.")


def unresolved(problem: Blocked | Waiting | Unavailable | Held) -> list[Report]:
    """Reports for a Brokerage that could not be looked at."""
    if isinstance(problem, Held):
        return [Report("Ready", State.HELD, "ChangesHeld", problem.message)]
    if isinstance(problem, Unavailable):
        ready = Report("Ready", State.FAILING, problem.reason, problem.message)
        if problem.reason.startswith("Postgres"):
            return [ready, Report("DatabaseReady", State.FAILING, problem.reason, problem.message)]
        return [ready]
    state = State.BLOCKED if isinstance(problem, Blocked) else State.WAITING
    return [Report("Ready", state, problem.reason, problem.message)]


def _version(tenant: Tenant, seen: Pass) -> tuple[Report, dict[str, str] | None]:
    """The condition of the version, and what the status says of one that failed."""
    version = tenant.release.version
    fresh = upgrade.failure(seen.reports, version=version, running=tenant.running, retry=tenant.retry)
    running: Any = seen.fields.get("version", tenant.running)
    rests = SUSPENDED if tenant.spec.suspend else Phase.ASLEEP.value if tenant.is_asleep else ""
    report = upgrade.report(tenant.slug, version=version, running=running, past=tenant.failed, fresh=fresh, rests=rests)
    attempt = fresh or tenant.failed
    return report, attempt.as_status() if attempt else None


def outcome(reports: Iterable[Report]) -> Outcome:
    """What the queue does: back off on a failure, look again soon at what is awaited, else leave it to events."""
    found = list(reports)
    if any(report.state is State.FAILING for report in found):
        return Outcome(failed=True)
    waits = [
        LOST_EVENT if report.retry_in is None else report.retry_in
        for report in found
        if report.state is State.WAITING
        or (report.state is State.HELD and report.retry_in)
        or (report.state is State.DONE and report.retry_in is not None)
    ]
    return Outcome(again_in=min(waits, default=None))


def _unchanged(metadata: Object) -> Object:
    return {"op": "test", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]}
