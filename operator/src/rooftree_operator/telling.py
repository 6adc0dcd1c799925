"""Tells people how a Brokerage stands: its status, written once a pass and only if it changed, and Events."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from . import conditions, diagnosis, events, holds, operation, shards
from .adapters.kubernetes import Kubernetes
from .api.brokerage import Phase
from .conditions import Report, State
from .drift import Object
from .graph import Graph
from .hands import Hands

WRITTEN_ANEW = ("conditions", "message", "phase")
# Conditions that are there only while they are true.
GOING_ON = ("Reconciling",)
PASSING = (*GOING_ON, "Stalled")


@dataclass(frozen=True)
class Telling:
    """`platform` is the operator's namespace, `instance` the pod that speaks."""

    kube: Kubernetes
    graph: Graph
    platform: str
    now: Callable[[], datetime]
    instance: str

    async def report(
        self,
        brokerage: Object,
        reports: Sequence[Report],
        fields: dict[str, Any],
        *,
        held: tuple[Report, ...] = (),
        notes: tuple[Report, ...] = (),
        version: str | None = None,
    ) -> None:
        """What a pass found. Ready is the first report; `held` is what holds us back, `notes` what Ready is without."""
        old, ready = brokerage.get("status", {}), reports[0]
        visible = [report for report in reports if self.graph.shown(report.condition) == report.condition]
        status: dict[str, Any] = {key: value for key, value in old.items() if key not in WRITTEN_ANEW} | fields
        generation = brokerage["metadata"]["generation"]
        status |= {"observedGeneration": generation, "message": ready.message}
        phase = conditions.phase(
            ready,
            has_id=status.get("tenantID") is not None,
            was_ready=bool(old.get("version")),
            suspended=bool(brokerage["spec"].get("suspend")) or ready.state is State.SUSPENDED,
        )
        known = old.get("conditions", [])
        shown = [*visible, *notes, *held, *conditions.kstatus(reports)]
        fresh = conditions.merged(known, shown, generation=generation, now=self.now())
        status["phase"] = phase.value
        status["conditions"] = [*fresh, *conditions.lasting(known, reports)]
        status["errors"] = self._errors(brokerage, reports, status, version or brokerage["spec"].get("version"))
        status["operation"] = self._operation(brokerage, reports, phase, status.get("rotation"))
        await self._write(brokerage, status)
        turned = events.rotated(old.get("rotation"), status.get("rotation"))
        await self.notify(brokerage, [*events.transitions(known, visible), *events.holds(known, held), *turned])

    async def unattended(self, brokerage: Object) -> None:
        """A Brokerage that no operator looks after: all else as it was last seen.

        Raises `Conflict` if one has begun with it meanwhile.
        """
        old, told = brokerage.get("status", {}), shards.deserted(brokerage)
        has_begun = "tenantID" in old
        ready = [] if has_begun else [replace(told, condition="Ready")]
        fields: dict[str, Any] = {
            "observedGeneration": brokerage["metadata"]["generation"],
            "errors": self._errors(brokerage, [told], old, old.get("version")),
            shards.FIELD: shards.wanted(brokerage) if shards.holder(brokerage) is None else old.get(shards.FIELD),
        }
        if not has_begun:
            fields |= {"phase": Phase.PENDING.value, "message": told.message}
        await self._overlay(brokerage, [*ready, told, *conditions.kstatus([told])], fields, gone=PASSING, exact=True)

    async def rest(self, brokerage: Object, may: Hands) -> None:
        """A Brokerage that is not looked at: keeps the condition of the pause, and all else as it was last seen."""
        fields: dict[str, Any] = {"phase": Phase.PAUSED.value}
        if last := brokerage.get("status", {}).get("operation"):
            fields["operation"] = operation.held(last, may.why)
        await self._overlay(brokerage, may.reports(), fields, gone=GOING_ON)
        await self._holds(brokerage, may)

    async def deleting(
        self, brokerage: Object, ready: Report, may: Hands, *, gone: Sequence[str], steps: Sequence[str]
    ) -> None:
        """How far a deletion is: of its `steps` the parts that are `gone`."""
        old, metadata = brokerage.get("status", {}), brokerage["metadata"]
        rest = [part for part in steps if part not in gone]
        fields = {
            "phase": Phase.DELETING.value,
            "message": ready.message,
            "observedGeneration": metadata["generation"],
            "errors": self._errors(brokerage, [ready], old, old.get("version")),
            "operation": operation.deletion(
                old.get("operation"),
                started=metadata["deletionTimestamp"],
                step=self.graph.by_name[rest[0]].condition or "Ready" if rest else "Ready",
                gone=len(gone),
                parts=len(steps),
                held=ready.state is not State.WAITING,
                message=ready.message,
            ),
        }
        # An outage shows as something that is awaited: nothing is stalled, and nobody can do without it.
        shown = [Report("Ready", State.WAITING, ready.reason, ready.message), *conditions.kstatus([ready])]
        await self._overlay(brokerage, [*shown, *may.reports()], fields, gone=PASSING)
        await self._holds(brokerage, may)

    async def notify(self, brokerage: Object, notices: Iterable[events.Notice]) -> None:
        for notice in notices:
            await self.kube.create(events.build_event(brokerage, notice, now=self.now(), instance=self.instance))

    async def _holds(self, brokerage: Object, may: Hands) -> None:
        known = brokerage.get("status", {}).get("conditions", [])
        await self.notify(brokerage, events.holds(known, may.reports()))

    def _errors(
        self, brokerage: Object, reports: Sequence[Report], status: dict[str, Any], version: str | None
    ) -> list[dict[str, Any]]:
        """What is wrong. Ready only repeats a part, unless it is the only one that knows."""
        told = [report for report in reports[1:] if report.state in diagnosis.WRONG]
        return diagnosis.errors(
            told or reports[:1],
            brokerage.get("status", {}).get("errors", []),
            held_up=self.graph.held_up,
            shown=self.graph.shown,
            facts=diagnosis.facts(brokerage, status, platform=self.platform, version=version),
            now=self.now(),
        )

    def _operation(
        self, brokerage: Object, reports: Sequence[Report], phase: Phase, rotating: dict[str, Any] | None
    ) -> dict[str, Any] | None:
        old, metadata = brokerage.get("status", {}), brokerage["metadata"]
        found = operation.Situation(
            created=metadata["creationTimestamp"],
            observed=old.get("observedGeneration") == metadata["generation"],
            was_ready=bool(old.get("version")),
            phase=phase,
            ready=reports[0],
            parts=reports[1:],
            rotation=rotating,
        )
        last, graph = old.get("operation"), self.graph
        return operation.current(last, found, held_up=graph.held_up, shown=graph.shown, now=self.now())

    async def _overlay(
        self,
        brokerage: Object,
        shown: Sequence[Report],
        fields: dict[str, Any],
        *,
        gone: Sequence[str],
        exact: bool = False,
    ) -> None:
        """Writes these conditions and fields over the others, which stay; those of `gone` only if they are shown.

        `exact`: only if nobody has written anything since it was read, or `Conflict` is raised.
        """
        old, generation = brokerage.get("status", {}), brokerage["metadata"]["generation"]
        known = old.get("conditions", [])
        fresh = conditions.merged(known, shown, generation=generation, now=self.now())
        left = {*(entry["type"] for entry in fresh), *holds.CONDITIONS, *gone}
        # What was said while no operator looked at it is not so any more, unless it is said again.
        others = [one for one in known if one["type"] not in left and one["reason"] != shards.UNSERVED]
        errors = [one for one in old.get("errors", []) if one["code"] != shards.UNSERVED]
        status = {**old, "errors": errors, **fields, "conditions": [*fresh, *others]}
        await self._write(brokerage, status, exact=exact)

    async def _write(self, brokerage: Object, status: dict[str, Any], *, exact: bool = False) -> None:
        status = {key: value for key, value in status.items() if value not in (None, [])}
        status["operatorNamespace"] = self.platform
        if _comparable(status) == _comparable(brokerage.get("status", {})):
            return
        exactly = ("name", "uid", "resourceVersion") if exact else ("name", "uid")
        metadata = {name: brokerage["metadata"][name] for name in exactly}
        head = {"apiVersion": brokerage["apiVersion"], "kind": brokerage["kind"], "metadata": metadata}
        await self.kube.apply({**head, "status": status}, subresource="status")


def _comparable(status: dict[str, Any]) -> dict[str, Any]:
    return {**status, "conditions": {entry["type"]: entry for entry in status.get("conditions", [])}}
