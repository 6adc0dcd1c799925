"""Runs provisioners in the order of their needs, independent ones at the same time. A failure stops only its own.

What of a part's plan may be applied the hands decide; what others changed is named before it is set back.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from graphlib import TopologicalSorter
from typing import Any

import structlog
from prometheus_client import Counter

from . import tampering, tracing
from .adapters import shared_reads
from .adapters.kubernetes import KINDS, ApiError, Forbidden, Kubernetes
from .conditions import Report, State
from .drift import Object, is_current
from .errors import Blocked, Unavailable, Waiting
from .hands import Hands, Reach
from .names import TenantId
from .provisioner import Action, Plan, Provisioner
from .tenant import Tenant

log = structlog.get_logger(__name__)

REPAIRED = Counter("rooftree_operator_drift_repaired", "Passes that set back what others changed, by part.", ["part"])

SOON = 1.0  # seconds after which what was kept up is looked at again, where an other thing is held
AnyProvisioner = Provisioner[Any]


@dataclass(frozen=True)
class Result:
    """How one part stands: its own report, what else it reports, status fields; what was set back and what is held."""

    report: Report
    also: tuple[Report, ...] = ()
    fields: dict[str, Any] = field(default_factory=dict[str, Any])
    repaired: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    notes: tuple[Report, ...] = ()


@dataclass(frozen=True)
class Pass:
    """One look at all parts, in order."""

    results: tuple[Result, ...]

    @property
    def reports(self) -> list[Report]:
        return [report for result in self.results for report in (result.report, *result.also)]

    @property
    def fields(self) -> dict[str, Any]:
        return {key: value for result in self.results for key, value in result.fields.items()}

    @property
    def notes(self) -> tuple[Report, ...]:
        return tuple(note for result in self.results for note in result.notes)

    @property
    def repaired(self) -> tuple[str, ...]:
        return tuple(words for result in self.results for words in result.repaired)

    @property
    def held(self) -> tuple[str, ...]:
        return tuple(words for result in self.results for words in result.held)

    @property
    def is_done(self) -> bool:
        return all(result.report.state is State.DONE for result in self.results)


@dataclass(frozen=True)
class _Round:
    """What all parts of one pass share. `settled`: what is declared was found in place everywhere before."""

    tenant: Tenant
    hands: Hands
    settled: bool


class Graph:
    """The provisioners of a tenant. A missing or circular need fails here, at start, not later."""

    def __init__(self, provisioners: Sequence[AnyProvisioner], now: Callable[[], datetime], kube: Kubernetes) -> None:
        self._now = now
        self._kube = kube
        self.by_name = {provisioner.name: provisioner for provisioner in provisioners}
        needs = {name: set(provisioner.needs) for name, provisioner in self.by_name.items()}
        if unknown := {need for each in needs.values() for need in each} - needs.keys():
            raise ValueError(f"no provisioner is called {', '.join(sorted(unknown))}")
        self._needs = needs
        self._untold: dict[TenantId, dict[str, tuple[str, ...]]] = {}
        self._order = tuple(TopologicalSorter(needs).static_order())
        self._held_up = {_condition(part): len(self._waiting_for(name)) for name, part in self.by_name.items()}

    def _waiting_for(self, part: str) -> set[str]:
        """The parts that need `part`, directly or not."""
        direct = {name for name, needs in self._needs.items() if part in needs}
        return direct.union(*(self._waiting_for(name) for name in direct))

    def held_up(self, condition: str) -> int:
        """How many parts wait for the one with this condition; 0 also for one that no part waits for."""
        return self._held_up.get(condition, 0)

    def shown(self, condition: str) -> str:
        """The condition that people see: a part without one of its own shows in Ready."""
        return "Ready" if condition in self.by_name else condition

    async def run(self, tenant: Tenant, hands: Hands, *, settled: bool) -> Pass:
        """One pass over all of them, as far as the hands reach."""
        this = _Round(tenant, hands, settled)
        with shared_reads.shared():
            return await self._all(this)

    def told(self, tenant: TenantId, repaired: Collection[str]) -> None:
        """People know that this was set back; until then each pass says so again, as one may fail before its end."""
        untold = self._untold.pop(tenant, {})
        left = {part: words for part, words in untold.items() if not {*words} <= {*repaired}}
        for part in untold.keys() - left.keys():
            REPAIRED.labels(part).inc()
        if left:
            self._untold[tenant] = left

    async def _all(self, this: _Round) -> Pass:
        tasks: dict[str, asyncio.Task[Result]] = {}
        async with asyncio.TaskGroup() as group:
            for name in self._order:
                needed = [tasks[need] for need in sorted(self._needs[name])]
                tasks[name] = group.create_task(self._run_one(self.by_name[name], needed, this))
        return Pass(tuple(tasks[name].result() for name in self._order))

    async def _run_one(self, part: AnyProvisioner, needed: list[asyncio.Task[Result]], this: _Round) -> Result:
        found = await self._outcome(part, needed, this)
        return replace(found, report=replace(found.report, at=self._now()))

    async def _outcome(self, part: AnyProvisioner, needed: list[asyncio.Task[Result]], this: _Round) -> Result:
        condition = _condition(part)
        held: Report | None = None
        for need in needed:
            report = (await need).report
            if report.state is State.HELD:
                held = report
            elif report.state is not State.DONE:
                return _skipped(condition, report)
        try:
            with tracing.step(part.name):
                return await self._pass(part, condition, this)
        except Waiting as wait:
            return Result(Report(condition, State.WAITING, wait.reason, wait.message, wait.retry_in))
        except Blocked as block:
            return Result(Report(condition, State.BLOCKED, block.reason, block.message))
        except (Unavailable, ApiError, LookupError) as problem:
            # What is held may be what this part stands on.
            return _skipped(condition, held) if held else self._failed(part, condition, this, problem)
        except Exception as error:
            return self._failed(part, condition, this, error)

    def _failed(self, part: AnyProvisioner, condition: str, this: _Round, error: Exception) -> Result:
        """The edge of one part: others go on, the queue backs off, the condition says what happened."""
        if isinstance(error, Unavailable):
            return Result(Report(condition, State.FAILING, error.reason, error.message))
        log.error("part_failed", part=part.name, tenant=this.tenant.id.value, exc_info=error)
        message = f"{type(error).__name__}: {error}; retried, a platform admin must look if it stays"
        return Result(Report(condition, State.FAILING, "InternalError", message[:1000]))

    async def _pass(self, part: AnyProvisioner, condition: str, this: _Round) -> Result:
        plan = part.plan(this.tenant, await part.observe(this.tenant))
        mine, rest = await self._renewing(*this.hands.split(plan), this.hands)
        # Before it is set back: afterwards nobody can see any more who did it.
        before = self._untold.get(this.tenant.id, {}).get(part.name, ())
        repaired = tuple(dict.fromkeys((*before, *await self._foreign(mine, this))))
        if repaired:
            self._untold.setdefault(this.tenant.id, {})[part.name] = repaired
        if mine.objects or mine.actions:
            await part.apply(this.tenant, mine)
        verdict = plan.verdict
        report = Report(condition, verdict.state, verdict.reason, verdict.message, verdict.retry_in)
        if not rest:
            return Result(report, plan.also, dict(plan.status or {}), repaired, notes=plan.notes)
        held = await self._named(rest, this)
        if verdict.state is not State.BLOCKED:
            message = f"{this.hands.why}. Held: {'; '.join(held)}"
            again_in = SOON if mine.objects or mine.actions else None
            report = Report(condition, State.HELD, "ChangesHeld", message, again_in)
        return Result(report, plan.also, {}, repaired, held, plan.notes)

    async def _renewing(
        self, mine: Plan, rest: tuple[Object | Action, ...], hands: Hands
    ) -> tuple[Plan, tuple[Object | Action, ...]]:
        """Of what is held, the pods that are to read renewed secrets: without these, what runs does not run on."""
        if hands.reach is not Reach.UPKEEP:
            return mine, rest
        objects = [item for item in rest if not isinstance(item, Action)]
        again = [item for item in objects if hands.renews(item, (await self._seen(item))[1])]
        left = tuple(item for item in rest if item not in again)
        return replace(mine, objects=(*mine.objects, *again)), left

    async def _foreign(self, plan: Plan, this: _Round) -> tuple[str, ...]:
        """What others changed and this plan sets back, in words."""
        found: list[str] = []
        if this.settled:
            for wanted in plan.objects:
                is_known, seen = await self._seen(wanted)
                # By now it may be right: a watch may tell of that a little later.
                if is_known and not is_current(wanted, seen) and tampering.is_foreign(wanted, seen):
                    found.append(tampering.words(wanted, seen))
        told = [
            action for action in plan.actions if action.loss or (this.settled and action.drift and not action.proof)
        ]
        return (*found, *(action.words(this.tenant.id) for action in told))

    async def _named(self, items: Sequence[Object | Action], this: _Round) -> tuple[str, ...]:
        """What is held, in the same words."""
        found: list[str] = []
        for item in items:
            if isinstance(item, Action):
                found.append(item.words(this.tenant.id))
            else:
                is_known, seen = await self._seen(item)
                unknown = f"{item['kind']} {item['metadata']['name']}: out of reach"
                found.append(tampering.words(item, seen) if is_known else unknown)
        return tuple(found)

    async def _seen(self, wanted: Object) -> tuple[bool, Object | None]:
        """Whether it could be looked at, and the object as it is."""
        metadata = wanted["metadata"]
        kind = KINDS[wanted["apiVersion"], wanted["kind"]]
        try:
            return True, await self._kube.fetch(kind, metadata["name"], metadata.get("namespace"))
        except Forbidden:
            # Our rights in a namespace come by an object in it, which is set back in the same plan.
            return False, None


def _condition(part: AnyProvisioner) -> str:
    """What its reports are called."""
    return part.condition or part.name


def _skipped(condition: str, need: Report) -> Result:
    return Result(Report(condition, State.SKIPPED, "AwaitingDependency", f"waits for {need.condition}"))
