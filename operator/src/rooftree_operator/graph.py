"""Runs provisioners in the order of their needs, independent ones at the same time. A failure stops only its own."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from graphlib import TopologicalSorter
from typing import Any

import structlog

from .conditions import Report, State
from .errors import Blocked, Unavailable, Waiting
from .provisioner import Provisioner
from .tenant import Tenant

log = structlog.get_logger(__name__)

AnyProvisioner = Provisioner[Any]
# The part's own report, what else it reports, and the status fields that it knows.
Result = tuple[Report, tuple[Report, ...], dict[str, Any]]


class Graph:
    """The provisioners of a tenant. A missing or circular need fails here, at start, not later."""

    def __init__(self, provisioners: Sequence[AnyProvisioner], now: Callable[[], datetime]) -> None:
        self._now = now
        self.by_name = {provisioner.name: provisioner for provisioner in provisioners}
        needs = {name: set(provisioner.needs) for name, provisioner in self.by_name.items()}
        if unknown := {need for each in needs.values() for need in each} - needs.keys():
            raise ValueError(f"no provisioner is called {', '.join(sorted(unknown))}")
        self._needs = needs
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

    async def run(self, tenant: Tenant) -> tuple[list[Report], dict[str, Any]]:
        """One pass over all of them: their reports in order, and the status fields that they know."""
        tasks: dict[str, asyncio.Task[Result]] = {}
        async with asyncio.TaskGroup() as group:
            for name in self._order:
                needed = [tasks[need] for need in sorted(self._needs[name])]
                tasks[name] = group.create_task(self._run_one(self.by_name[name], needed, tenant))
        results = [tasks[name].result() for name in self._order]
        fields = {key: value for _, _, known in results for key, value in known.items()}
        return [report for own, also, _ in results for report in (own, *also)], fields

    async def _run_one(self, part: AnyProvisioner, needed: list[asyncio.Task[Result]], tenant: Tenant) -> Result:
        own, also, known = await self._outcome(part, needed, tenant)
        return replace(own, at=self._now()), also, known

    async def _outcome(self, part: AnyProvisioner, needed: list[asyncio.Task[Result]], tenant: Tenant) -> Result:
        condition = _condition(part)
        for need in needed:
            report, _, _ = await need
            if report.state is not State.DONE:
                return Report(condition, State.SKIPPED, "AwaitingDependency", f"waits for {report.condition}"), (), {}
        try:
            return await _pass(part, condition, tenant)
        except Waiting as wait:
            return Report(condition, State.WAITING, wait.reason, wait.message, wait.retry_in), (), {}
        except Blocked as block:
            return Report(condition, State.BLOCKED, block.reason, block.message), (), {}
        except Unavailable as outage:
            return Report(condition, State.FAILING, outage.reason, outage.message), (), {}
        except Exception as error:
            # The edge of one part: others go on, the queue backs off, the condition says what happened.
            log.exception("part_failed", part=part.name, tenant=tenant.id.value)
            message = f"{type(error).__name__}: {error}; retried, a platform admin must look if it stays"
            return Report(condition, State.FAILING, "InternalError", message[:1000]), (), {}


def _condition(part: AnyProvisioner) -> str:
    """What its reports are called."""
    return part.condition or part.name


async def _pass(part: AnyProvisioner, condition: str, tenant: Tenant) -> Result:
    plan = part.plan(tenant, await part.observe(tenant))
    await part.apply(tenant, plan)
    verdict = plan.verdict
    report = Report(condition, verdict.state, verdict.reason, verdict.message, verdict.retry_in, plan.repaired)
    return report, plan.also, dict(plan.status or {})
