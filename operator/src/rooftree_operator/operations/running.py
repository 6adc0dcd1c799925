"""One level-triggered, idempotent pass over one BrokerageOperation: the next of its steps, and what is told of it.

What has been done is in its status and in the world, nowhere else: after a crash a step that was begun is begun again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from prometheus_client import Histogram

from .. import final_backup, hands, kept, names, shards
from ..adapters.kubernetes import BROKERAGE, OPERATION, Kubernetes
from ..api.brokerage import BrokerageSpec
from ..api.operations import OperationKind, OperationPhase
from ..closing import Turns
from ..drift import Object
from ..errors import Blocked, Held, Unavailable, Waiting
from ..hands import Reach
from ..names import TenantId
from ..reconcile import Outcome
from ..resolving import Resolver
from ..shards import Elsewhere, Shards
from ..tenant import Fit
from .artifacts import Artifacts, released
from .progress import OperationFailed, Progress, before, is_over, mirrored, ordered, tenant_of
from .work import Run, Work

log = structlog.get_logger(__name__)

SECONDS = Histogram(
    "rooftree_operator_operation_seconds",
    "Duration of an operation.",
    ["type", "phase"],
    buckets=(1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600),
)
TURN = 5.0  # seconds after which an operation that waits for another one looks again
HELD = 10.0  # seconds; nobody tells an operation that the operator is let go on


@dataclass(frozen=True)
class Operations:
    """Everything that a pass needs. `works` has the kinds of operations by their names."""

    kube: Kubernetes
    resolver: Resolver
    works: Mapping[str, Work]
    now: Callable[[], datetime]
    namespace: str
    turns: Turns
    shards: Shards
    artifacts: Artifacts
    wake: Callable[[str], None]

    async def reconcile(self, name: str) -> Outcome:
        """Brings the operation `name` closer to its end, if it is ours: whoever has the brokerage has it."""
        item = await self.kube.get(OPERATION, name)
        if item is None:
            return Outcome(gone=True)
        try:
            async with self.shards.staying(item["spec"]["brokerage"]) as found:
                return await self._pass(item, _usable(item, found))
        except Elsewhere as other:
            return Outcome(again_in=other.retry_in, gone=True)

    async def _pass(self, item: Object, brokerage: Object | None) -> Outcome:
        """`brokerage`: None, if there is none that anything can be done of."""
        if "deletionTimestamp" in item["metadata"]:
            return await self._leave(item, brokerage)
        if is_over(item):
            return await self._rest(item, brokerage)
        return await self._go_on(await self._hold(item), brokerage)

    async def _go_on(self, item: Object, brokerage: Object | None) -> Outcome:
        progress = self._progress(item)
        if brokerage is None:
            return await self._without_brokerage(item, progress)
        if rival := await self._rival(item):
            progress.pend(f"waits for operation {rival}, which works on {item['spec']['brokerage']}")
            return await self._told(item, brokerage, progress, Outcome(again_in=TURN))
        may = hands.of(brokerage)
        if may.reach is not Reach.ALL:
            progress.pend(f"waits, as the operator is held back: {may.why}", "ChangesHeld")
            return await self._told(item, brokerage, progress, Outcome(again_in=HELD))
        try:
            run = await self._run(item, brokerage, progress)
        except Waiting as wait:
            progress.pend(wait.message)
            return await self._told(item, brokerage, progress, Outcome(again_in=wait.retry_in))
        except (Blocked, Held) as problem:
            progress.pend(problem.message, getattr(problem, "reason", "ChangesHeld"))
            return await self._told(item, brokerage, progress, Outcome(again_in=HELD))
        return await self._steps(item, run)

    async def _steps(self, item: Object, run: Run) -> Outcome:
        """All steps that can be done now. Each is told of when it begins, so that others act by it."""
        work, progress = self.works[run.order.spec.type], run.progress
        for step in work.steps:
            if progress.is_over(step):
                continue
            if progress.has_failed and step != work.steps[-1]:
                progress.skip(step)
                continue
            if progress.begin(step):
                item = await self._write(item, run.brokerage, progress)
            closed = progress.closed
            outcome = await self._step(work, step, run)
            if outcome is not None:
                told = await self._told(item, run.brokerage, progress, outcome)
                if progress.closed != closed:
                    # Only now it can be read whether visitors shall see the page.
                    self.wake(run.tenant.slug)
                return told
        progress.finish()
        phase, seconds = progress.status["phase"], progress.result["seconds"]
        SECONDS.labels(run.order.spec.type.value, phase).observe(seconds)
        log.info("operation_ended", operation=run.order.name, phase=phase, seconds=seconds)
        told = await self._told(item, run.brokerage, progress, Outcome(again_in=self._left(item, progress.status)))
        if shards.wanted(run.brokerage) != self.shards.own:
            # Only now it can be read that nothing keeps the brokerage from going to another shard.
            self.wake(run.tenant.slug)
        return told

    async def _step(self, work: Work, step: str, run: Run) -> Outcome | None:
        """None: it is over."""
        progress = run.progress
        try:
            await work.do(step, run)
        except Waiting as wait:
            progress.wait(step, wait.message)
            return Outcome(again_in=wait.retry_in)
        except OperationFailed as failure:
            log.warning("operation_failed", operation=run.order.name, step=step, reason=failure.code)
            progress.fail(step, failure)
            return None
        except Unavailable as outage:
            progress.trouble(step, outage.reason, outage.message)
            return Outcome(failed=True)
        except Exception as problem:
            # The edge of one step: it is told and tried again, as a part of a tenant is.
            log.error("step_failed", operation=run.order.name, step=step, exc_info=problem)
            progress.trouble(step, "InternalError", f"{type(problem).__name__}: {problem}"[:1000])
            return Outcome(failed=True)
        progress.done(step)
        return None

    async def _run(self, item: Object, brokerage: Object, progress: Progress) -> Run:
        spec = BrokerageSpec.model_validate(brokerage["spec"])
        tenant, choice = await self.resolver.tenant(brokerage, spec, partial(_known_id, brokerage))
        if choice.holds:
            raise Held(f"the plan of {tenant.slug} does not fit: {choice.refusal}")
        progress.status["tenantID"] = tenant.id.value
        return Run(ordered(item), tenant, brokerage, progress)

    async def _without_brokerage(self, item: Object, progress: Progress) -> Outcome:
        """There is none, or it is being deleted: nothing is done of it any more."""
        name = item["spec"]["brokerage"]
        if (tenant := tenant_of(item)) is not None:
            await self.works[item["spec"]["type"]].clean_up(tenant, ordered(item), None)
        progress.refuse(OperationFailed("BrokerageUnknown", f"there is no brokerage {name}, or it is being deleted"))
        await self._write(item, None, progress)
        return Outcome(again_in=self._left(item, progress.status))

    async def _leave(self, item: Object, brokerage: Object | None) -> Outcome:
        """It is deleted: what it has begun comes to an end first, and then what it kept goes, too."""
        metadata = item["metadata"]
        if names.FINALIZER_OPERATION not in metadata.get("finalizers", []):
            return Outcome()
        if "startedAt" in item.get("status", {}) and not is_over(item) and brokerage is not None:
            outcome = await self._give_up(item, brokerage)
            if outcome is not None:
                return outcome
        if (tenant := tenant_of(item)) is not None:
            await self.works[item["spec"]["type"]].clean_up(tenant, ordered(item), None)
        fresh = await self.kube.get(OPERATION, metadata["name"])
        if fresh is not None and fresh["metadata"]["uid"] == metadata["uid"]:
            left = [one for one in fresh["metadata"]["finalizers"] if one != names.FINALIZER_OPERATION]
            await self.kube.patch(OPERATION, metadata["name"], released(fresh["metadata"], left))
        return Outcome()

    async def _give_up(self, item: Object, brokerage: Object) -> Outcome | None:
        """Fails the step that it is at, and cleans up. None: that is done."""
        progress = self._progress(item)
        try:
            run = await self._run(item, brokerage, progress)
        except (Waiting, Blocked, Held) as problem:
            log.warning("operation_not_cleaned_up", operation=item["metadata"]["name"], reason=problem.message)
            return Outcome(again_in=HELD)
        if not progress.has_failed:
            progress.fail(progress.status["step"], OperationFailed("OperationCancelled", "somebody deleted it"))
        outcome = await self._steps(item, run)
        return None if "finishedAt" in progress.status else outcome

    async def _rest(self, item: Object, brokerage: Object | None) -> Outcome:
        """It is over; after its time to live it is deleted. What the Brokerage says of it is written once more."""
        if brokerage is not None and _names(brokerage, item):
            await self._mirror(brokerage, item, item["status"])
        left = self._left(item, item["status"])
        if left > 0:
            return Outcome(again_in=left)
        await self.kube.delete(OPERATION, item["metadata"]["name"], uid=item["metadata"]["uid"])
        return Outcome()

    def _left(self, item: Object, status: Mapping[str, Any]) -> float:
        """Seconds until it is deleted."""
        time_to_live = timedelta(seconds=ordered(item).spec.ttl_seconds_after_finished)
        return (kept.moment(status["finishedAt"]) + time_to_live - self.now()).total_seconds()

    async def _rival(self, item: Object) -> str | None:
        """The operation that has its turn before this one, on the same brokerage or on that whose backup is cloned."""
        mine, first = await self._about(item), item
        for other in await self.kube.list(OPERATION, labels={}):
            if not is_over(other) and before(other) < before(first) and mine & await self._about(other):
                first = other
        return None if first is item else first["metadata"]["name"]

    async def _about(self, item: Object) -> set[str]:
        """The brokerages whose backups it may be at."""
        spec = item["spec"]
        source = await self.artifacts.whose(spec["backup"]) if spec["type"] == OperationKind.CLONE else None
        return {spec["brokerage"], *([source] if source else [])}

    async def _hold(self, item: Object) -> Object:
        metadata = item["metadata"]
        finalizers = metadata.get("finalizers", [])
        if names.FINALIZER_OPERATION in finalizers:
            return item
        body = released(metadata, [*finalizers, names.FINALIZER_OPERATION])
        body[-1]["op"] = "add"
        return await self.kube.patch(OPERATION, metadata["name"], body)

    def _progress(self, item: Object) -> Progress:
        spec, status = item["spec"], dict(item.get("status", {}))
        tenant = tenant_of(item)
        known = {"name": spec["brokerage"], "platform": self.namespace, "operation": item["metadata"]["name"]}
        facts = {**known, **({"namespace": names.namespace(tenant), "id": tenant.value} if tenant else {})}
        return Progress(self.works[spec["type"]].steps, status, self.now(), facts)

    async def _told(self, item: Object, brokerage: Object, progress: Progress, outcome: Outcome) -> Outcome:
        await self._write(item, brokerage, progress)
        return outcome

    async def _write(self, item: Object, brokerage: Object | None, progress: Progress) -> Object:
        """The status, if it changed, and in short that of the Brokerage."""
        status = progress.as_status(item["metadata"].get("generation", 1))
        if status != item.get("status", {}):
            head = {"apiVersion": OPERATION.api_version, "kind": OPERATION.kind}
            # Exactly the version that was read: its brokerage may have been another operator's when it was.
            metadata = {name: item["metadata"][name] for name in ("name", "uid", "resourceVersion")}
            found = await self.kube.apply({**head, "metadata": metadata, "status": status}, subresource="status")
            item = {**found, "status": status}
        if brokerage is not None:
            await self._mirror(brokerage, item, status)
        return item

    async def _mirror(self, brokerage: Object, item: Object, status: Mapping[str, Any]) -> None:
        if "deletionTimestamp" in brokerage["metadata"]:
            return  # its deletion is what shows there
        if (entry := mirrored(item, status)) is not None and brokerage.get("status", {}).get("operation") != entry:
            async with self.turns.of(brokerage["metadata"]["name"]):
                await self._show(brokerage, entry, _remembered(item, status))

    async def _show(self, brokerage: Object, entry: dict[str, Any], more: dict[str, Any]) -> None:
        fresh = await self.kube.get(BROKERAGE, brokerage["metadata"]["name"])
        if fresh is None or fresh["metadata"]["uid"] != brokerage["metadata"]["uid"]:
            return
        if fresh.get("status", {}).get("operation") == entry:
            return
        metadata = {"name": fresh["metadata"]["name"], "uid": fresh["metadata"]["uid"]}
        head = {"apiVersion": BROKERAGE.api_version, "kind": BROKERAGE.kind, "metadata": metadata}
        known = {**fresh.get("status", {}), "operation": entry, **more}
        whole = {name: value for name, value in known.items() if value is not None}
        await self.kube.apply({**head, "status": whole}, subresource="status")


def _usable(item: Object, brokerage: Object | None) -> Object | None:
    """None: there is none, or it is being deleted, and this is not its last backup."""
    if brokerage is None or ("deletionTimestamp" in brokerage["metadata"] and not final_backup.is_of(item, brokerage)):
        return None
    return brokerage


async def _known_id(brokerage: Object, _: Fit) -> TenantId:
    known = brokerage.get("status", {}).get("tenantID")
    if not known:
        raise Waiting("BrokerageNotReady", f"{brokerage['metadata']['name']} is still being made", retry_in=TURN)
    return TenantId(known)


def _remembered(item: Object, status: Mapping[str, Any]) -> dict[str, Any]:
    """What else changes in the status of the Brokerage: its clone is there, or what it was found to have is no more.

    So nobody else is said to have done what an operation does that has closed it.
    """
    gone = {"applied": None} if "closed" in status else {}
    if item["spec"]["type"] != OperationKind.CLONE or status["phase"] != OperationPhase.SUCCEEDED:
        return gone
    return gone | {"source": {"backup": status["result"]["backup"], "takenAt": status["result"]["takenAt"]}}


def _names(brokerage: Object, item: Object) -> bool:
    """Whether the Brokerage's own status tells of this operation."""
    return brokerage.get("status", {}).get("operation", {}).get("name") == item["metadata"]["name"]
