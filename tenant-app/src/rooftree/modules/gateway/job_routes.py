"""HTTP of jobs and schedules."""

from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from rooftree.contracts.access.routes import needs
from rooftree.kernel.api_route import ApiRoute
from rooftree.kernel.auth import CurrentPrincipal
from rooftree.kernel.module import provided
from rooftree.kernel.problems import responses
from rooftree.kernel.sparse import SPARSE
from rooftree.modules.gateway.job_list import JobList
from rooftree.modules.gateway.job_schemas import (
    JobError,
    JobOutput,
    JobPage,
    JobProgress,
    JobQuery,
    ScheduleOutput,
    Schedules,
)

router = APIRouter(prefix="/api/v1", route_class=ApiRoute)
JobsDep = Annotated[JobList, Depends(provided(JobList))]
_COPIED = (
    *("id", "kind", "state", "attempt", "message", "result", "actor_id"),
    *("created_at", "started_at", "changed_at", "finished_at"),
)


@router.get("/jobs", dependencies=[*needs("job", "read"), SPARSE], responses=responses(401, 422))
async def list_jobs(query: Annotated[JobQuery, Query()], principal: CurrentPrincipal, jobs: JobsDep) -> JobPage:
    """Newest first; forgotten 30 days after their end."""
    page = await jobs.page(principal, kind=query.kind, state=query.state, cursor=query.cursor, limit=query.limit)
    return JobPage(items=[_output(row) for row in page.items], next_cursor=page.next_cursor)


@router.get("/jobs/{job_id}", dependencies=[*needs("job", "read"), SPARSE], responses=responses(401, 404, 422))
async def get_job(job_id: UUID, principal: CurrentPrincipal, jobs: JobsDep) -> JobOutput:
    return _output(await jobs.one(principal, job_id))


@router.post(
    "/jobs/{job_id}/cancellation",
    dependencies=needs("job", "cancel"),
    status_code=202,
    responses=responses(401, 403, 404, 409, 422),
)
async def cancel_job(job_id: UUID, principal: CurrentPrincipal, jobs: JobsDep) -> JobOutput:
    """One that waits never begins; one that runs ends with its next step. What it has done stays done."""
    return _output(await jobs.cancel(principal, job_id))


@router.get("/schedules", dependencies=[*needs("schedule", "read"), SPARSE], responses=responses(401, 403))
async def list_schedules(jobs: JobsDep) -> Schedules:
    return Schedules(items=[ScheduleOutput(**asdict(one)) for one in await jobs.schedules()])


def _output(row: Any) -> JobOutput:
    is_over = row.state in ("succeeded", "failed", "cancelled")
    return JobOutput(
        **{name: getattr(row, name) for name in _COPIED},
        progress=JobProgress(done=row.done, total=row.total),
        error=JobError(code=row.error_code, detail=row.error_detail) if row.error_code else None,
        is_ending=row.cancel_requested_at is not None and not is_over,
    )
