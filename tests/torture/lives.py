"""The stages of a brokerage's life, as people order them, and how one is lived through with a crash in it."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from rooftree_local.inventory import collect
from rooftree_local.inventory.model import Tenant as Asked
from rooftree_local.inventory.model import as_json
from rooftree_local.paths import Stack
from rooftree_operator import generations, rotation
from rooftree_operator.adapters.kubernetes import (
    AUTOSCALER,
    BINDING,
    BROKERAGE,
    BUDGET,
    CONFIG,
    DEPLOYMENT,
    LIMITS,
    NAMESPACE,
    OPERATION,
    POLICY,
    QUOTA,
    ROUTE,
    SECRET,
    SERVICE,
    Conflict,
    Kubernetes,
)
from rooftree_operator.api.rotation import RotationPhase
from rooftree_operator.conditions import stamp
from rooftree_operator.kept import moment
from rooftree_operator.names import LABEL_TENANT
from rooftree_operator.pods import APP_SECRET
from rooftree_operator.secret_objects import decoded

from ..e2e.conftest import CONFIRM, manifest, plan_manifest, required
from .crash_points import Point, Trace
from .crash_verdict import State, Verdict, compared, repeated
from .drills import PLATFORM

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .drills import Operators, Process

DECLARED = (
    NAMESPACE, QUOTA, LIMITS, SECRET, CONFIG, SERVICE, BINDING, DEPLOYMENT, ROUTE, POLICY, AUTOSCALER, BUDGET,
)  # fmt: skip
SMALL, LARGE = "torture-small", "torture-large"
ONE_POD: dict[str, Any] = {"replicas": {"min": 1, "max": 1}}
PLANS = (
    plan_manifest(SMALL, **ONE_POD),
    plan_manifest(LARGE, **ONE_POD, database={"connections": 40}, kafka={"requestPercentage": 40}),
)
DONE_SECONDS = 180.0  # a pod that starts on a busy machine, four times: a rotation has two rollouts
# Nothing is sent for so long: longer, when it is learnt what belongs to a stage, than the operator waits for an event.
QUIET_SECONDS, LEARNT_SECONDS = 1.0, 6.0
SAME_SECONDS = 30.0
LOOK_SECONDS = 0.1


class NotDone(Exception):
    """A stage does not come to its end."""


@dataclass
class Life:
    """One brokerage; `stages` that it has lived."""

    kube: Kubernetes
    slug: str = field(default_factory=lambda: f"torture-{secrets.token_hex(3)}")
    tenant: str = ""

    async def found(self) -> dict[str, Any] | None:
        return await self.kube.get(BROKERAGE, self.slug)

    async def make(self, **spec: Any) -> None:
        await self.kube.create(manifest(self.slug, plan=SMALL, deletionPolicy="Retain", **spec))

    async def edit(self, **spec: Any) -> None:
        """Sets fields as a person does; None takes one away."""

        def changed(item: dict[str, Any]) -> None:
            item["spec"] = {name: value for name, value in {**item["spec"], **spec}.items() if value is not None}

        await self._change(changed)

    async def _change(self, change: Callable[[dict[str, Any]], None]) -> None:
        while True:
            item = await self.found()
            assert item is not None
            change(item)
            try:
                await self.kube.replace({"apiVersion": BROKERAGE.api_version, "kind": BROKERAGE.kind, **item})
            except Conflict:
                continue
            return

    async def confirm(self) -> None:
        """The word that a deletion with all data wants."""
        await self.annotate(CONFIRM, self.slug)

    async def annotate(self, name: str, value: str) -> None:
        def changed(item: dict[str, Any]) -> None:
            item["metadata"].setdefault("annotations", {})[name] = value

        await self._change(changed)

    async def delete(self) -> None:
        await self.kube.delete(BROKERAGE, self.slug)

    async def is_in(self, phase: str) -> bool:
        """Whether the status tells this phase of the present spec."""
        item = await self.found()
        if item is None:
            return False
        status = item.get("status", {})
        self.tenant = status.get("tenantID", self.tenant)
        return status.get("phase") == phase and status.get("observedGeneration") == item["metadata"]["generation"]

    async def is_gone(self) -> bool:
        return await self.found() is None

    async def operate(self, kind: str, name: str, **spec: Any) -> None:
        """Orders an operation, which goes as soon as it is over, with the database that a restore has replaced."""
        head = {
            "apiVersion": OPERATION.api_version,
            "kind": OPERATION.kind,
            "metadata": {"name": f"{self.slug}-{name}"},
        }
        ordered = {"brokerage": self.slug, "type": kind, "ttlSecondsAfterFinished": 0, **spec}
        await self.kube.create({**head, "spec": ordered})

    async def has_done(self, name: str) -> bool:
        """Whether the operation has succeeded, and nothing of it is left."""
        item = await self.found()
        told = (item or {}).get("status", {}).get("operation", {})
        operation = f"{self.slug}-{name}"
        is_over = (told.get("name"), told.get("state")) == (operation, "Succeeded")
        return is_over and await self.kube.get(OPERATION, operation) is None and await self.is_in("Ready")

    async def rotates(self, phase: RotationPhase) -> bool:
        """Whether its rotation is in this phase, and all is well."""
        item = await self.found()
        told = (item or {}).get("status", {}).get("rotation", {})
        return told.get("phase") == phase and await self.is_in("Ready")

    async def is_purged(self) -> bool:
        return await self.kube.get(SECRET, f"kept-{self.tenant}", PLATFORM) is None

    async def state(self) -> State:
        found = await asyncio.to_thread(collect.inventory, Stack(required("ROOFTREE_STACK")), Asked(self.slug))
        labels = {LABEL_TENANT: self.tenant or None}
        objects = [item for kind in DECLARED for item in await self.kube.list(kind, labels=labels)]
        mine = [item for item in objects if item["metadata"]["labels"].get(LABEL_TENANT, "").startswith(self.slug)]
        brokerage = await self.found()
        here = [] if brokerage is None else [{"kind": BROKERAGE.kind, **brokerage}]
        return State.of(self.slug, json.loads(as_json(found)), [*mine, *here])


@dataclass(frozen=True)
class Stage:
    """What somebody orders, while no operator acts, and when it is done."""

    order: Callable[[Life], Awaitable[None]]
    is_done: Callable[[Life], Awaitable[bool]]


def _in(phase: str) -> Callable[[Life], Awaitable[bool]]:
    return lambda life: life.is_in(phase)


async def _update(life: Life) -> None:
    await life.edit(displayName="After", plan=LARGE, currency="CAD", owner={"email": f"new@{life.slug}.example"})


async def _undelete(life: Life) -> None:
    await life.make(tenantID=life.tenant)


async def _remove(life: Life) -> None:
    await life.edit(deletionPolicy="Delete")
    await life.confirm()
    await life.delete()


async def _restore(life: Life) -> None:
    await life.operate("Restore", "back", backup=f"{life.slug}-saved")


async def _time_passes(life: Life) -> None:
    """What the former key has signed is good no longer: its time is over in the record of the rotation."""
    secret = await life.kube.get(SECRET, APP_SECRET, f"tenant-{life.tenant}")
    assert secret is not None
    values = decoded(secret)
    record = generations.record_of(values)
    since = stamp(moment(record.since) - generations.SIGNED_LIFE)
    told = generations.turned(values, replace(record, since=since))[generations.RECORD]
    secret["data"][generations.RECORD] = base64.b64encode(told.encode()).decode()
    await life.kube.replace({"apiVersion": "v1", "kind": "Secret", **secret})


async def _purge(life: Life) -> None:
    secret = await life.kube.get(SECRET, f"kept-{life.tenant}", PLATFORM)
    assert secret is not None
    secret["metadata"]["annotations"]["rooftree.dev/purge"] = life.tenant
    await life.kube.replace({"apiVersion": "v1", "kind": "Secret", **secret})


STAGES: dict[str, Stage] = {
    "create": Stage(Life.make, _in("Ready")),
    "update": Stage(_update, _in("Ready")),
    "suspend": Stage(lambda life: life.edit(suspend={"reason": "manual"}), _in("Suspended")),
    "resume": Stage(lambda life: life.edit(suspend=None), _in("Ready")),
    # From the wish until the former logins are shut out; then until the former signing key is forgotten.
    "rotate": Stage(
        lambda life: life.annotate(rotation.ANNOTATION, "once"), lambda life: life.rotates(RotationPhase.DRAINING)
    ),
    "complete": Stage(_time_passes, lambda life: life.rotates(RotationPhase.COMPLETED)),
    "backup": Stage(lambda life: life.operate("Backup", "saved"), lambda life: life.has_done("saved")),
    "restore": Stage(_restore, lambda life: life.has_done("back")),
    "retire": Stage(Life.delete, Life.is_gone),
    "undelete": Stage(_undelete, _in("Ready")),
    "remove": Stage(_remove, Life.is_gone),
    "purge": Stage(_purge, Life.is_purged),
}


@dataclass(frozen=True)
class Learnt:
    """What an undisturbed run of a stage sent, and what there was afterwards."""

    trace: Trace
    state: State


@dataclass(frozen=True)
class Outcome:
    """Of one stage. `seconds`: from the start of the next process, or from the lost answer, to the end."""

    struck: bool
    verdict: Verdict
    repeated: tuple[str, ...]
    seconds: float
    sent: int


async def learn(operators: Operators, life: Life, stage: str) -> Learnt:
    """Lives through the stage undisturbed."""
    await STAGES[stage].order(life)
    process = await operators.start(life.kube, None)
    if not await _is_done(life, stage, process, LEARNT_SECONDS):
        raise NotDone(f"the operator ended by itself in {stage}")
    operators.stop()
    return Learnt(Trace.read(process.lines()), await life.state())


async def disturb(operators: Operators, life: Life, stage: str, point: Point | None, learnt: Learnt) -> Outcome:
    """Lives through the stage with a crash at `point`, if one is given. Raises `NotDone`."""
    await STAGES[stage].order(life)
    began = time.monotonic()
    first = last = await operators.start(life.kube, point and point.failpoint)
    if not await _is_done(life, stage, first, QUIET_SECONDS):
        if point is None or not Trace.read(first.lines()).struck(point):
            raise NotDone(f"the operator ended by itself in {stage}")
        began = time.monotonic()
        last = await operators.start(life.kube, None)
        if not await _is_done(life, stage, last, QUIET_SECONDS):
            raise NotDone(f"the operator ended by itself after {point}")
    seconds = time.monotonic() - began
    verdict = await _same(life, learnt.state)
    operators.stop()
    before = Trace.read(first.lines())
    after = Trace.read(() if last is first else last.lines())
    return Outcome(
        struck=point is not None and before.struck(point),
        verdict=verdict,
        repeated=repeated(learnt.trace, before, after),
        seconds=seconds,
        sent=before.sent.total() + after.sent.total(),
    )


async def _is_done(life: Life, stage: str, process: Process, quiet: float) -> bool:
    """Waits for the end of the stage, and until the process has sent nothing for so many seconds; False if it died."""
    deadline = time.monotonic() + DONE_SECONDS
    sent, since = -1, time.monotonic()
    while time.monotonic() < deadline:
        if not process.lives:
            return False
        lines = process.lines()
        if (now := Trace.read(lines).sent.total()) != sent:
            sent, since = now, time.monotonic()
        # Whoever has not taken the Lease yet is quiet, too.
        if lines and time.monotonic() - since >= quiet and await STAGES[stage].is_done(life):
            return True
        await asyncio.sleep(LOOK_SECONDS)
    raise NotDone(f"{stage} is not done within {DONE_SECONDS:g} s: {await life.found()}")


async def _same(life: Life, expected: State) -> Verdict:
    """What differs when the operator, which still acts, has had its time for it."""
    deadline = time.monotonic() + SAME_SECONDS
    while True:
        verdict = compared(expected, await life.state())
        if verdict.is_clean or time.monotonic() > deadline:
            return verdict


async def clear(operators: Operators, life: Life) -> None:
    """Takes away what a life that came to no good end has left."""
    process = await operators.start(life.kube, None)
    found = await life.found()
    if found is not None:
        await life.edit(deletionPolicy="Delete")
        await life.confirm()
        await life.delete()
        await _is_done(life, "remove", process, QUIET_SECONDS)
    elif life.tenant and not await life.is_purged():
        await _purge(life)
        await _is_done(life, "purge", process, QUIET_SECONDS)
    operators.stop()
