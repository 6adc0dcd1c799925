"""What we change of the library's queue: who ends a job must still hold it, and an end is written once it can be.

The library counts how often a job was put back, for whatever reason. In its payload we count apart what was the job's
own failure, and under how many workers that died it was.
"""

import asyncio
import json
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
# The library's own function, and what we count.
_RETRY = """
    UPDATE procrastinate_jobs SET status = 'todo', attempts = attempts + 1, scheduled_at = %(at)s::timestamptz,
        priority = coalesce(%(priority)s::integer, priority), queue_name = coalesce(%(queue)s::varchar, queue_name),
        lock = coalesce(%(lock)s::varchar, lock), args = args || %(counts)s::jsonb
    WHERE id = %(job_id)s AND attempts = %(attempts)s AND status = 'doing'
    RETURNING id
"""
FAILURES, DEATHS = "failures", "deaths"
"""In the payload of a job that was put back."""
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
        counts = json.dumps({name: job.task_kwargs[name] for name in (FAILURES, DEATHS) if name in job.task_kwargs})
        values = {"at": retry_at or utcnow(), "priority": priority, "queue": queue, "lock": lock, "counts": counts}
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
    """A job cut off by shutdown always runs again; a failed one as often as it was declared to.

    Neither a shutdown, nor what was away, nor the death of a worker uses up a declared try.
    """

    def __init__(self, attempts: int, hopeless: tuple[type[Exception], ...] = ()) -> None:
        self._attempts = attempts
        self._hopeless = hopeless

    def begin(self, job: Any) -> None:
        """This try counts as failed, until it is known to have ended otherwise."""
        job.task_kwargs[FAILURES] = job.task_kwargs.get(FAILURES, 0) + 1

    def excuse(self, error: BaseException, job: Any) -> None:
        """Take that back if the job itself is not to blame."""
        if self._is_cut_off(error) or self._waits(error, job):
            job.task_kwargs[FAILURES] -= 1

    def get_retry_decision(self, *, exception: BaseException, job: Any) -> procrastinate.RetryDecision | None:
        if self._is_cut_off(exception):
            return procrastinate.RetryDecision(retry_in={"seconds": 0})
        if self._waits(exception, job):
            return procrastinate.RetryDecision(retry_in={"seconds": _AWAY_SECONDS})
        failures = job.task_kwargs[FAILURES]
        if failures >= self._attempts or isinstance(exception, self._hopeless):
            return None
        return procrastinate.RetryDecision(retry_in={"seconds": _FIRST_RETRY_BASE**failures})

    def _is_cut_off(self, error: BaseException) -> bool:
        return isinstance(error, JobAborted | asyncio.CancelledError)

    def _waits(self, error: BaseException, job: Any) -> bool:
        return isinstance(error, AWAY) and self._attempts > 1 and job.attempts < _AWAY_TRIES
