"""What we change of the library's queue: who ends a job must still hold it, and an end is written once it can be."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, LiteralString

import procrastinate
import structlog
from procrastinate.exceptions import JobAborted, UniqueViolation
from procrastinate.jobs import Status
from procrastinate.manager import QUEUEING_LOCK_CONSTRAINT, JobManager
from procrastinate.utils import utcnow

from rooftree.kernel.backoff import AWAY
from rooftree.kernel.database import away

if TYPE_CHECKING:
    from datetime import datetime

RESTART_SECONDS = 1.0
_FIRST_RETRY_BASE = 5
# Found within 10 s after it is back, with the time until the queue is looked at.
_AWAY_SECONDS = 5
_AWAY_TRIES = 3600
# Of a job that was taken over or put back the number of attempts has grown.
_HELD = """
    WITH held AS MATERIALIZED (
        SELECT id FROM procrastinate_jobs WHERE id = %(job_id)s AND attempts = %(attempts)s AND status = 'doing'
        FOR UPDATE
    )
"""
_FINISH = f"{_HELD} SELECT id, procrastinate_finish_job_v1(id, %(status)s, false) FROM held"  # noqa: S608 - constants
_RETRY = f"""{_HELD} SELECT id, procrastinate_retry_job_v2(
    id, %(at)s::timestamptz, %(priority)s::integer, %(queue)s::varchar, %(lock)s::varchar
) FROM held"""  # noqa: S608 - constants
_log = structlog.get_logger(__name__)


class Manager(JobManager):
    """Puts a job back only if no twin waits: else it would keep its lock for as long as its worker lives, and neither
    it nor a twin would ever run.
    """

    def __init__(self, connector: Any, stopping: Callable[[], bool], left: Callable[[Any], Awaitable[None]]) -> None:
        """`left`: told of a job that is not done any more, since its twin will be."""
        super().__init__(connector)
        self._stopping = stopping
        self._left = left

    async def finish_job(self, job: Any, status: Status, delete_job: bool) -> None:
        await self._written(_FINISH, job, status=status.value)

    async def retry_job(
        self,
        job: Any,
        retry_at: "datetime | None" = None,
        priority: int | None = None,
        queue: str | None = None,
        lock: str | None = None,
    ) -> None:
        values = {"at": retry_at or utcnow(), "priority": priority, "queue": queue, "lock": lock}
        try:
            await self._written(_RETRY, job, **values)
        except UniqueViolation as error:
            if error.constraint_name != QUEUEING_LOCK_CONSTRAINT:
                raise
            _log.info("job_left_to_its_twin", job=job.task_name, job_id=job.id)
            await self._left(job)
            await self.finish_job(job, Status.FAILED, delete_job=False)

    async def _written(self, query: LiteralString, job: Any, **values: Any) -> None:
        """Tries until the database takes it, or the process ends: then the job is one of a dead worker."""
        while True:
            try:
                rows = await self.connector.execute_query_all_async(
                    query, job_id=job.id, attempts=job.attempts, **values
                )
            except Exception as error:
                if away(error) is None or self._stopping():
                    raise
                _log.warning("job_end_not_written", exc_info=error)
                await asyncio.sleep(RESTART_SECONDS)
            else:
                if not rows:
                    _log.warning("job_superseded", job=job.task_name, job_id=job.id)
                return


class Retry(procrastinate.BaseRetryStrategy):
    """A job cut off by shutdown always runs again; a failed one as often as it was declared to."""

    def __init__(self, attempts: int) -> None:
        self._attempts = attempts

    def get_retry_decision(self, *, exception: BaseException, job: Any) -> procrastinate.RetryDecision | None:
        if isinstance(exception, JobAborted | asyncio.CancelledError):
            return procrastinate.RetryDecision(retry_in={"seconds": 0})
        if isinstance(exception, AWAY) and self._attempts > 1 and job.attempts < _AWAY_TRIES:
            return procrastinate.RetryDecision(retry_in={"seconds": _AWAY_SECONDS})
        if job.attempts + 1 >= self._attempts:
            return None
        return procrastinate.RetryDecision(retry_in={"seconds": _FIRST_RETRY_BASE ** (job.attempts + 1)})
