"""SQL of what people are told of jobs and schedules. Rows are written by the kernel (`kernel.job_runs`)."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.contracts.access.policy import grant
from rooftree.kernel.auth import Principal
from rooftree.kernel.job_runs import RUNS
from rooftree.kernel.record_scope import Columns, rows

_SCHEDULES = text("""
    SELECT schedules.kind, schedules.cron, to_timestamp(max(defers.defer_timestamp)) AS last_due_at
    FROM jobs.schedules LEFT JOIN jobs.procrastinate_periodic_defers AS defers ON defers.task_name = schedules.kind
    GROUP BY schedules.kind, schedules.cron ORDER BY schedules.kind
""")


class JobsRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def page(
        self, principal: Principal, *, kind: str | None, state: str | None, before: UUID | None, limit: int
    ) -> Sequence[Any]:
        """Newest first."""
        query = select(RUNS).where(_visible(principal, "read")).order_by(RUNS.c.id.desc()).limit(limit)
        if kind is not None:
            query = query.where(RUNS.c.kind == kind)
        if state is not None:
            query = query.where(RUNS.c.state == state)
        if before is not None:
            query = query.where(RUNS.c.id < before)
        return (await self._session.execute(query)).all()

    async def one(self, principal: Principal, run_id: UUID, action: str) -> Any | None:
        query = select(RUNS).where(RUNS.c.id == run_id, _visible(principal, action))
        return (await self._session.execute(query)).first()

    async def schedules(self) -> Sequence[Any]:
        return (await self._session.execute(_SCHEDULES)).all()


def _visible(principal: Principal, action: str) -> Any:
    return rows(grant(principal, "job", action), principal, Columns(RUNS.c.actor_id, RUNS.c.office_id))
