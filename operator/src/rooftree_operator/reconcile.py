"""One level-triggered, idempotent pass over one Brokerage: look at everything, change what differs, write status once.

Nothing here remembers anything between passes; a crash at any point is repaired by the next pass.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

import structlog

from . import conditions, declaration, events, hands, plans
from .adapters.edge import Answer
from .adapters.kubernetes import BROKERAGE, Kubernetes
from .api.brokerage import BrokerageSpec, ManagementPolicy, Phase
from .conditions import Report, State
from .drift import Object
from .errors import Blocked, Held, Unavailable, Waiting
from .graph import Graph
from .hands import Census, Hands, Reach
from .names import FINALIZER, TenantId
from .plans import Choice
from .registry import Registry
from .release import Releases
from .tenant import Platform, Tenant

log = structlog.get_logger(__name__)

# Children's events wake a waiting tenant; this is for an event that was lost.
LOST_EVENT = 5.0  # seconds


class Holding(Protocol):
    """Knows whether this operator is still the one that acts."""

    async def is_held(self) -> bool: ...


class Probe(Protocol):
    """Asks a tenant through the edge who it is."""

    async def version(self, host: str, port: int) -> Answer: ...


class Overtaken(Exception):
    """The world changed under a deletion; the next pass looks at it afresh."""


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
    delete_order: tuple[str, ...]
    lease: Holding
    edge: Probe
    platform: Platform
    now: Callable[[], datetime]
    instance: str
    census: Census = field(default_factory=Census)

    async def reconcile(self, name: str) -> Outcome:
        """Brings the Brokerage `name` closer to what it declares."""
        brokerage = await self.kube.get(BROKERAGE, name)
        if brokerage is None:
            self.census.note(name, None)
            return Outcome()
        may = hands.of(brokerage)
        self.census.note(name, may.level)
        if "deletionTimestamp" in brokerage["metadata"]:
            return await self._delete(brokerage)
        if may.reach is Reach.NOTHING:
            return await self._rest(brokerage, may)
        if may.reach is not Reach.LOOK and FINALIZER not in brokerage["metadata"].get("finalizers", []):
            brokerage = await self._hold(brokerage)
        try:
            tenant, choice = await self._resolve(brokerage, may)
        except (Blocked, Waiting, Unavailable, Held) as problem:
            return await self._report(brokerage, unresolved(problem), {}, may.reports())
        return await self._look(brokerage, tenant, choice, may)

    async def _look(self, brokerage: Object, tenant: Tenant, choice: Choice, may: Hands) -> Outcome:
        """All parts, as far as the hands reach, and what is told of them."""
        if choice.refusal and not choice.is_former:
            may = hands.held_by_plan(may, choice.refusal)
        declared = declaration.digest(tenant)
        settled = brokerage.get("status", {}).get("applied") == declared
        seen = await self.graph.run(tenant, may, settled=settled)
        for notice in events.repaired(seen.repaired):
            await self._notify(brokerage, notice)
        reports = [*seen.reports, *choice.reports(tenant.spec.plan)]
        ready = conditions.summary(reports, tenant.url)
        if ready.state is State.DONE:
            ready = await self._probe(tenant, ready)
        shown = [report for report in reports if report.condition not in self.graph.by_name]
        fields = {"tenantID": tenant.id.value, **seen.fields}
        if may.reach is Reach.ALL and not choice.refusal:
            fields["plan"] = choice.plan.status
        if seen.is_done:
            fields["applied"] = declared
        return await self._report(brokerage, [ready, *shown], fields, may.reports(seen.held))

    async def _hold(self, brokerage: Object) -> Object:
        """Puts our finalizer on exactly the version that we read."""
        metadata = brokerage["metadata"]
        finalizers = [*metadata.get("finalizers", []), FINALIZER]
        body = [_unchanged(metadata), {"op": "add", "path": "/metadata/finalizers", "value": finalizers}]
        return await self.kube.patch(BROKERAGE, metadata["name"], body)

    async def _resolve(self, brokerage: Object, may: Hands) -> tuple[Tenant, Choice]:
        """The tenant under the plan that is in force; its id is minted and registered unless we only look."""
        metadata, spec = brokerage["metadata"], BrokerageSpec.model_validate(brokerage["spec"])
        status = brokerage.get("status", {})
        named = await plans.wanted(self.kube, spec.plan)
        release = await self.releases.find(spec.version, named.spec.channel)
        id_ = await self._id(brokerage, spec, may)
        tenant = Tenant(
            id_, metadata["uid"], metadata["generation"], spec, named.spec, release, self.platform, status.get("bucket")
        )
        choice = await plans.choose(self.kube, tenant, named, status.get("plan"))
        if choice.is_former:
            release = await self.releases.find(spec.version, choice.plan.spec.channel)
            tenant = replace(tenant, plan=choice.plan.spec, release=release)
        return tenant, choice

    async def _id(self, brokerage: Object, spec: BrokerageSpec, may: Hands) -> TenantId:
        if may.reach is Reach.LOOK:
            known = await self._known_id(brokerage)
            if known is None:
                raise Held(f"{may.why}; nothing has been made of it yet")
            return known
        if known := brokerage.get("status", {}).get("tenantID"):
            return TenantId(known)
        claim, metadata = TenantId(spec.tenant_id) if spec.tenant_id else None, brokerage["metadata"]
        return await self.registry.register(metadata["name"], metadata["uid"], claim)

    async def _probe(self, tenant: Tenant, ready: Report) -> Report:
        """Ready means: it answers on its own address, as itself, in the wanted version."""
        answer = await self.edge.version(tenant.host, tenant.platform.edge_port)
        problem = answer.problem
        if not problem and answer.tenant_id != tenant.id.value:
            problem = f"{tenant.url} is answered by tenant {answer.tenant_id}"
        if not problem and answer.version != tenant.release.version:
            problem = f"{tenant.url} is answered by version {answer.version}"
        return Report("Ready", State.FAILING, "EdgeProbeFailed", problem) if problem else ready

    async def _report(
        self, brokerage: Object, reports: list[Report], fields: dict[str, Any], held: tuple[Report, ...]
    ) -> Outcome:
        """Writes the status, once and only if it changed; says by events what is new. `held`: what holds us back."""
        old, ready = brokerage.get("status", {}), reports[0]
        kept = {key: value for key, value in old.items() if key not in ("conditions", "message", "phase")}
        status: dict[str, Any] = {**kept, **fields}
        generation = brokerage["metadata"]["generation"]
        status["observedGeneration"] = generation
        status["message"] = ready.message
        status["phase"] = conditions.phase(ready, has_id="tenantID" in status, was_ready=bool(old.get("version"))).value
        known = old.get("conditions", [])
        shown = [*reports, *held, *conditions.kstatus(ready)]
        status["conditions"] = conditions.merged(known, shown, generation=generation, now=self.now())
        await self._write_status(brokerage, status)
        for notice in (*events.transitions(known, reports), *events.holds(known, held)):
            await self._notify(brokerage, notice)
        return outcome(reports)

    async def _rest(self, brokerage: Object, may: Hands) -> Outcome:
        """Keeps the condition of the pause, and everything else as it was."""
        known = brokerage.get("status", {}).get("conditions", [])
        await self._overlay(brokerage, list(may.reports()), {"phase": Phase.PAUSED.value})
        for notice in events.holds(known, may.reports()):
            await self._notify(brokerage, notice)
        return Outcome()

    async def _write_status(self, brokerage: Object, status: dict[str, Any]) -> None:
        if _comparable(status) == _comparable(brokerage.get("status", {})):
            return
        metadata = {"name": brokerage["metadata"]["name"], "uid": brokerage["metadata"]["uid"]}
        head = {"apiVersion": brokerage["apiVersion"], "kind": brokerage["kind"], "metadata": metadata}
        await self.kube.apply({**head, "status": status}, subresource="status")

    async def _notify(self, brokerage: Object, notice: events.Notice) -> None:
        await self.kube.create(events.build_event(brokerage, notice, now=self.now(), instance=self.instance))

    async def _delete(self, brokerage: Object) -> Outcome:
        metadata, may = brokerage["metadata"], hands.of(brokerage)
        if FINALIZER not in metadata.get("finalizers", []):
            self.census.note(metadata["name"], None)
            return Outcome()
        if may.reach is Reach.NOTHING:
            message = f"the brokerage is to be deleted, and nothing of it is: {may.why}"
            await self._report_deleting(brokerage, Report("Ready", State.HELD, "DeletionHeld", message), may)
            return Outcome()
        try:
            tenant = await self._known_id(brokerage)
            if tenant is not None:
                observed = may.level == ManagementPolicy.OBSERVE
                await (self._keep if observed else self._delete_parts)(brokerage, tenant)
        except Overtaken as change:
            log.warning("deletion_stopped", brokerage=metadata["name"], reason=str(change))
            return Outcome(failed=True)
        except Waiting as wait:
            message = f"the brokerage and all its data are being deleted: {wait.message}"
            await self._report_deleting(brokerage, Report("Ready", State.WAITING, "Deleting", message), may)
            return Outcome(again_in=wait.retry_in)
        except Unavailable as outage:
            message = f"{outage.message}; deletion goes on when it is back"
            await self._report_deleting(brokerage, Report("Ready", State.WAITING, outage.reason, message), may)
            return Outcome(failed=True)
        fresh = await self.kube.get(BROKERAGE, metadata["name"])
        if fresh is not None and fresh["metadata"]["uid"] == metadata["uid"]:
            await self._release(fresh["metadata"])
        self.census.note(metadata["name"], None)
        return Outcome()

    async def _known_id(self, brokerage: Object) -> TenantId | None:
        if known := brokerage.get("status", {}).get("tenantID"):
            return TenantId(known)
        entry = await self.registry.find(brokerage["metadata"]["uid"])
        return entry.id if entry else None

    async def _keep(self, brokerage: Object, tenant: TenantId) -> None:
        """Whoever only observed a brokerage does not end it: it runs on, and can be claimed by its id."""
        await self._confirm(brokerage)
        await self.registry.keep(tenant)
        message = (
            f"all that it has is kept and runs on; a brokerage of this name with spec.tenantID {tenant} takes it over"
        )
        await self._notify(brokerage, events.Notice("Normal", "Kept", message))

    async def _delete_parts(self, brokerage: Object, tenant: TenantId) -> None:
        """Logins first, so that nothing changes data any more; data after what could use it; the tombstone last."""
        await self._confirm(brokerage)
        await self._revoke(tenant)
        for part in self.delete_order:
            await self._confirm(brokerage)
            await self.graph.by_name[part].delete(tenant)
        await self.registry.bury(tenant)

    async def _revoke(self, tenant: TenantId) -> None:
        """Closes the logins of all backends; one that is away keeps no other one open."""
        closing = (part.revoke(tenant) for part in self.graph.by_name.values())
        for problem in await asyncio.gather(*closing, return_exceptions=True):
            if problem is not None:
                raise problem

    async def _confirm(self, brokerage: Object) -> None:
        """Right before what cannot be undone: it is still wanted, and still ours to do. Raises `Overtaken`."""
        metadata = brokerage["metadata"]
        fresh = await self.kube.get(BROKERAGE, metadata["name"])
        if fresh is None or fresh["metadata"]["uid"] != metadata["uid"]:
            raise Overtaken("the brokerage is another one now")
        if "deletionTimestamp" not in fresh["metadata"]:
            raise Overtaken("the brokerage is not being deleted")
        if hands.of(fresh) != hands.of(brokerage):
            raise Overtaken("the brokerage was paused, resumed or is only observed now")
        if not await self.lease.is_held():
            raise Overtaken("another operator acts now")

    async def _report_deleting(self, brokerage: Object, ready: Report, may: Hands) -> None:
        shown = [ready, *conditions.kstatus(ready), *may.reports()]
        generation = brokerage["metadata"]["generation"]
        fields = {"phase": Phase.DELETING.value, "message": ready.message, "observedGeneration": generation}
        known = brokerage.get("status", {}).get("conditions", [])
        await self._overlay(brokerage, shown, fields)
        for notice in events.holds(known, may.reports()):
            await self._notify(brokerage, notice)

    async def _overlay(self, brokerage: Object, shown: list[Report], fields: dict[str, Any]) -> None:
        """Writes these conditions and fields over the others, which stay; what holds us back only as it is now."""
        old, generation = brokerage.get("status", {}), brokerage["metadata"]["generation"]
        known = old.get("conditions", [])
        fresh = conditions.merged(known, shown, generation=generation, now=self.now())
        gone = {*(entry["type"] for entry in fresh), *events.HOLDS}
        others = [entry for entry in known if entry["type"] not in gone]
        await self._write_status(brokerage, {**old, **fields, "conditions": [*fresh, *others]})

    async def _release(self, metadata: Object) -> None:
        left = [finalizer for finalizer in metadata["finalizers"] if finalizer != FINALIZER]
        body = [_unchanged(metadata), {"op": "replace", "path": "/metadata/finalizers", "value": left}]
        await self.kube.patch(BROKERAGE, metadata["name"], body)


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


def outcome(reports: list[Report]) -> Outcome:
    """What the queue does: back off on a failure, look again soon at what is awaited, else leave it to events."""
    if any(report.state is State.FAILING for report in reports):
        return Outcome(failed=True)
    waits = [report.retry_in or LOST_EVENT for report in reports if report.state is State.WAITING]
    waits += [report.retry_in for report in reports if report.state is State.HELD and report.retry_in]
    return Outcome(again_in=min(waits, default=None))


def _unchanged(metadata: Object) -> Object:
    return {"op": "test", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]}


def _comparable(status: dict[str, Any]) -> dict[str, Any]:
    return {**status, "conditions": {entry["type"]: entry for entry in status.get("conditions", [])}}
