"""Use cases over jobs: see how those that one may see are doing, ask for the end of one, see when schedules run."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from rooftree.kernel import job_runs
from rooftree.kernel.auth import Principal
from rooftree.kernel.clock import Clock
from rooftree.kernel.errors import Conflict, NotFound
from rooftree.kernel.job_schedules import next_due
from rooftree.kernel.pagination import cursor_id, decode_cursor, encode_cursor
from rooftree.kernel.unit_of_work import UnitOfWork
from rooftree.modules.gateway.jobs_repository import JobsRepository


class JobNotFound(NotFound):
    code, title = "job-not-found", "There is no such job"


class JobEnded(Conflict):
    code, title = "job-ended", "The job has ended already"


@dataclass(frozen=True, slots=True)
class JobsPage:
    items: Sequence[Any]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Schedule:
    kind: str
    cron: str
    last_due_at: datetime | None
    next_due_at: datetime


class JobList:
    def __init__(self, unit_of_work: UnitOfWork, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    async def page(
        self, principal: Principal, *, kind: str | None, state: str | None, cursor: str | None, limit: int
    ) -> JobsPage:
        """Newest first."""
        before = cursor_id(decode_cursor(cursor, str)[0]) if cursor else None
        async with self._unit_of_work() as session:
            found = await JobsRepository(session).page(
                principal, kind=kind, state=state, before=before, limit=limit + 1
            )
        items = found[:limit]
        return JobsPage(items, encode_cursor(str(items[-1].id)) if len(found) > limit else None)

    async def one(self, principal: Principal, run_id: UUID) -> Any:
        """Raises JobNotFound."""
        async with self._unit_of_work() as session:
            return await _required(JobsRepository(session), principal, run_id, "read")

    async def cancel(self, principal: Principal, run_id: UUID) -> Any:
        """One that waits never begins; one that runs ends with its next step. Raises JobNotFound, JobEnded."""
        async with self._unit_of_work() as session:
            jobs = JobsRepository(session)
            await _required(jobs, principal, run_id, "cancel")
            if not await job_runs.cancel(session, run_id):
                raise JobEnded
            return await _required(jobs, principal, run_id, "cancel")

    async def schedules(self) -> list[Schedule]:
        async with self._unit_of_work() as session:
            rows = await JobsRepository(session).schedules()
        now = self._clock.now()
        return [Schedule(row.kind, row.cron, row.last_due_at, next_due(row.cron, now)) for row in rows]


async def _required(jobs: JobsRepository, principal: Principal, run_id: UUID, action: str) -> Any:
    row = await jobs.one(principal, run_id, action)
    if row is None:
        raise JobNotFound
    return row
