"""One level-triggered, idempotent pass over one Brokerage: look at everything, change what differs, write status once.

Nothing here remembers anything between passes; a crash at any point is repaired by the next pass.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import structlog

from . import conditions, diagnosis, events, operation, upgrade
from .adapters.edge import Answer
from .adapters.kubernetes import BROKERAGE, PLAN, Kubernetes
from .api.brokerage import BrokerageSpec, Phase
from .api.plan import BrokeragePlanSpec
from .conditions import SUSPENDED, Report, State
from .constraints import constraints
from .deletion import Deletion, Overtaken, is_kept
from .drift import Object
from .errors import Blocked, Unavailable, Waiting
from .graph import Graph
from .names import FINALIZER, TenantId
from .registry import Registry
from .release import Releases
from .tenant import Platform, Tenant

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


@dataclass(frozen=True)
class Reconciler:
    """Everything that a pass needs."""

    kube: Kubernetes
    registry: Registry
    releases: Releases
    graph: Graph
    deletion: Deletion
    edge: Probe
    platform: Platform
    now: Callable[[], datetime]
    instance: str

    async def reconcile(self, name: str) -> Outcome:
        """Brings the Brokerage `name` closer to what it declares."""
        brokerage = await self.kube.get(BROKERAGE, name)
        if brokerage is None:
            return Outcome()
        if "deletionTimestamp" in brokerage["metadata"]:
            return await self._delete(brokerage)
        if FINALIZER not in brokerage["metadata"].get("finalizers", []):
            brokerage = await self._hold(brokerage)
        try:
            tenant = await self._resolve(brokerage)
        except (Blocked, Waiting, Unavailable) as problem:
            return await self._report(brokerage, unresolved(problem), {})
        reports, fields = await self.graph.run(tenant)
        ready = conditions.summary(reports, tenant.url)
        if ready.state is State.DONE:
            ready = await self._probe(tenant, ready)
        version, attempt = _version(tenant, reports, fields)
        found = {"tenantID": tenant.id.value, "constraints": constraints(tenant), **fields, "upgrade": attempt}
        result = await self._report(brokerage, [ready, *reports, version], found, version=tenant.release.version)
        rests = ready.state in (State.DONE, State.SUSPENDED)
        return await self._let_go(tenant, result) if rests and tenant.spec.tenant_id else result

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

    async def _resolve(self, brokerage: Object) -> Tenant:
        metadata, spec = brokerage["metadata"], BrokerageSpec.model_validate(brokerage["spec"])
        found = await self.kube.get(PLAN, spec.plan)
        if found is None:
            raise Blocked("PlanUnknown", f"there is no BrokeragePlan {spec.plan!r}: set spec.plan to one that exists")
        plan = BrokeragePlanSpec.model_validate(found["spec"])
        status, retry = brokerage.get("status", {}), upgrade.retry_of(metadata)
        release = await self.releases.find(spec.version, plan.channel)
        failed = upgrade.given_up(status, release.version, retry)
        if failed:
            release = await self.releases.find(failed.instead, plan.channel)
        known, claim = status.get("tenantID"), TenantId(spec.tenant_id) if spec.tenant_id else None
        tenant = TenantId(known) if known else await self.registry.register(metadata["name"], metadata["uid"], claim)
        return Tenant(
            id=tenant,
            uid=metadata["uid"],
            generation=metadata["generation"],
            spec=spec,
            plan=plan,
            release=release,
            platform=self.platform,
            bucket=status.get("bucket"),
            running=status.get("version"),
            failed=failed,
            retry=retry,
            is_returning=claim is not None and "database" not in status,
            was_suspended=conditions.was_suspended(status),
        )

    async def _probe(self, tenant: Tenant, ready: Report) -> Report:
        """Ready means: it answers on its own address, as itself, in the wanted version; suspended, by the page."""
        answer = await self.edge.version(tenant.host, tenant.platform.edge_port)
        if tenant.spec.suspend or answer.suspended:
            return _of_page(tenant, answer)
        problem = answer.problem
        if not problem and answer.tenant_id != tenant.id.value:
            problem = f"{tenant.url} is answered by tenant {answer.tenant_id}"
        if not problem and answer.version != tenant.release.version:
            problem = f"{tenant.url} is answered by version {answer.version}"
        return Report("Ready", State.FAILING, "EdgeProbeFailed", problem) if problem else ready

    async def _report(
        self, brokerage: Object, reports: list[Report], fields: dict[str, Any], *, version: str | None = None
    ) -> Outcome:
        """Writes the status, once and only if it changed; says by events what is new. Ready is the first report."""
        old, ready = brokerage.get("status", {}), reports[0]
        visible = [report for report in reports if self.graph.shown(report.condition) == report.condition]
        kept = {key: value for key, value in old.items() if key not in ("conditions", "message", "phase")}
        status: dict[str, Any] = {key: value for key, value in {**kept, **fields}.items() if value is not None}
        generation = brokerage["metadata"]["generation"]
        status["observedGeneration"] = generation
        status["message"] = ready.message
        suspended = bool(brokerage["spec"].get("suspend"))
        status["phase"] = conditions.phase(
            ready, has_id="tenantID" in status, was_ready=bool(old.get("version")), suspended=suspended
        ).value
        known = old.get("conditions", [])
        shown = [*visible, *conditions.kstatus(reports)]
        fresh = conditions.merged(known, shown, generation=generation, now=self.now())
        status["conditions"] = [*fresh, *conditions.lasting(known, reports)]
        status["errors"] = self._errors(brokerage, reports, status, version or brokerage["spec"].get("version"))
        status["operation"] = self._operation(brokerage, reports, Phase(status["phase"]))
        await self._write_status(brokerage, {key: value for key, value in status.items() if value not in (None, [])})
        for notice in events.transitions(known, visible):
            await self._notify(brokerage, notice)
        return outcome(reports)

    def _errors(
        self, brokerage: Object, reports: list[Report], status: dict[str, Any], version: str | None
    ) -> list[dict[str, Any]]:
        """What is wrong. Ready only repeats a part, unless it is the only one that knows."""
        told = [report for report in reports[1:] if report.state in diagnosis.WRONG]
        return diagnosis.errors(
            told or reports[:1],
            brokerage.get("status", {}).get("errors", []),
            held_up=self.graph.held_up,
            shown=self.graph.shown,
            facts=diagnosis.facts(brokerage, status, platform=self.platform.namespace, version=version),
            now=self.now(),
        )

    def _operation(self, brokerage: Object, reports: list[Report], phase: Phase) -> dict[str, Any] | None:
        old, metadata = brokerage.get("status", {}), brokerage["metadata"]
        found = operation.Situation(
            created=metadata["creationTimestamp"],
            observed=old.get("observedGeneration") == metadata["generation"],
            was_ready=bool(old.get("version")),
            phase=phase,
            ready=reports[0],
            parts=reports[1:],
        )
        last, graph = old.get("operation"), self.graph
        return operation.current(last, found, held_up=graph.held_up, shown=graph.shown, now=self.now())

    async def _write_status(self, brokerage: Object, status: dict[str, Any]) -> None:
        if _comparable(status) == _comparable(brokerage.get("status", {})):
            return
        metadata = {"name": brokerage["metadata"]["name"], "uid": brokerage["metadata"]["uid"]}
        head = {"apiVersion": brokerage["apiVersion"], "kind": brokerage["kind"], "metadata": metadata}
        await self.kube.apply({**head, "status": status}, subresource="status")

    async def _notify(self, brokerage: Object, notice: events.Notice) -> None:
        await self.kube.create(events.build_event(brokerage, notice, now=self.now(), instance=self.instance))

    async def _delete(self, brokerage: Object) -> Outcome:
        metadata = brokerage["metadata"]
        if FINALIZER not in metadata.get("finalizers", []):
            return Outcome()
        gone: list[str] = []
        try:
            tenant = await self._known_id(brokerage)
            if tenant is not None:
                await self.deletion.run(brokerage, tenant, gone)
        except Overtaken as change:
            log.warning("deletion_stopped", brokerage=metadata["name"], reason=str(change))
            return Outcome(failed=True)
        except Waiting as wait:
            what = "is being deleted, its data is kept" if is_kept(brokerage) else "and all its data are being deleted"
            message = f"the brokerage {what}: {wait.message}"
            await self._report_deleting(brokerage, Report("Ready", State.WAITING, "Deleting", message), gone)
            return Outcome(again_in=wait.retry_in)
        except Unavailable as outage:
            message = f"{outage.message}; deletion goes on when it is back"
            await self._report_deleting(brokerage, Report("Ready", State.FAILING, outage.reason, message), gone)
            return Outcome(failed=True)
        fresh = await self.kube.get(BROKERAGE, metadata["name"])
        if fresh is not None and fresh["metadata"]["uid"] == metadata["uid"]:
            await self._release(fresh["metadata"])
        return Outcome()

    async def _known_id(self, brokerage: Object) -> TenantId | None:
        if known := brokerage.get("status", {}).get("tenantID"):
            return TenantId(known)
        entry = await self.registry.find(brokerage["metadata"]["uid"])
        return entry.id if entry else None

    async def _report_deleting(self, brokerage: Object, ready: Report, gone: list[str]) -> None:
        old, metadata = brokerage.get("status", {}), brokerage["metadata"]
        # An outage shows as something that is awaited: nothing is stalled, and nobody can do without it.
        shown = [Report("Ready", State.WAITING, ready.reason, ready.message), *conditions.kstatus([ready])]
        known = old.get("conditions", [])
        fresh = conditions.merged(known, shown, generation=metadata["generation"], now=self.now())
        others = [entry for entry in known if entry["type"] not in {entry["type"] for entry in fresh}]
        status = {**old, "phase": Phase.DELETING.value, "message": ready.message, "conditions": [*fresh, *others]}
        status["observedGeneration"] = metadata["generation"]
        status["errors"] = self._errors(brokerage, [ready], old, old.get("version"))
        steps = self.deletion.steps(brokerage)
        rest = [part for part in steps if part not in gone]
        status["operation"] = operation.deletion(
            old.get("operation"),
            started=metadata["deletionTimestamp"],
            step=self.graph.by_name[rest[0]].condition or "Ready" if rest else "Ready",
            gone=len(gone),
            parts=len(steps),
            held=ready.state is State.FAILING,
            message=ready.message,
        )
        await self._write_status(brokerage, {key: value for key, value in status.items() if value != []})

    async def _release(self, metadata: Object) -> None:
        left = [finalizer for finalizer in metadata["finalizers"] if finalizer != FINALIZER]
        body = [_unchanged(metadata), {"op": "replace", "path": "/metadata/finalizers", "value": left}]
        await self.kube.patch(BROKERAGE, metadata["name"], body)


def _of_page(tenant: Tenant, answer: Answer) -> Report:
    """Ready while the brokerage is suspended, or while its page is still shown."""
    if not tenant.spec.suspend:
        message = f"{tenant.url} still shows that the brokerage is suspended"
        return Report("Ready", State.WAITING, "Resuming", message, PAGE_GOES)
    if answer.suspended:
        message = f"{tenant.url} shows that the brokerage is suspended: remove spec.suspend to resume it"
        return Report("Ready", State.SUSPENDED, SUSPENDED, message)
    problem = answer.problem or f"{tenant.url} is answered by tenant {answer.tenant_id}"
    return Report("Ready", State.FAILING, "EdgeProbeFailed", f"the page of a suspended brokerage is missing: {problem}")


def unresolved(problem: Blocked | Waiting | Unavailable) -> list[Report]:
    """Reports for a Brokerage that could not be looked at."""
    if isinstance(problem, Unavailable):
        ready = Report("Ready", State.FAILING, problem.reason, problem.message)
        if problem.reason.startswith("Postgres"):
            return [ready, Report("DatabaseReady", State.FAILING, problem.reason, problem.message)]
        return [ready]
    state = State.BLOCKED if isinstance(problem, Blocked) else State.WAITING
    return [Report("Ready", state, problem.reason, problem.message)]


def _version(tenant: Tenant, reports: list[Report], fields: dict[str, Any]) -> tuple[Report, dict[str, str] | None]:
    """The condition of the version, and what the status says of one that failed."""
    version = tenant.release.version
    fresh = upgrade.failure(reports, version=version, running=tenant.running, retry=tenant.retry)
    running = fields.get("version", tenant.running)
    sleeps = tenant.spec.suspend is not None
    report = upgrade.report(
        tenant.slug, version=version, running=running, past=tenant.failed, fresh=fresh, sleeps=sleeps
    )
    attempt = fresh or tenant.failed
    return report, attempt.as_status() if attempt else None


def outcome(reports: list[Report]) -> Outcome:
    """What the queue does: back off on a failure, look again soon at what is awaited, else leave it to events."""
    if any(report.state is State.FAILING for report in reports):
        return Outcome(failed=True)
    waits = [
        LOST_EVENT if report.retry_in is None else report.retry_in
        for report in reports
        if report.state is State.WAITING
    ]
    return Outcome(again_in=min(waits, default=None))


def _unchanged(metadata: Object) -> Object:
    return {"op": "test", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]}


def _comparable(status: dict[str, Any]) -> dict[str, Any]:
    return {**status, "conditions": {entry["type"]: entry for entry in status.get("conditions", [])}}
