"""Which ends of a try are the job's own failures, which are deaths of its worker, and which are neither."""

import asyncio
import json
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import pytest
from procrastinate.jobs import Job as Queued
from rooftree.kernel import job_manager
from rooftree.kernel.database import Database
from rooftree.kernel.job_manager import Manager, Retry
from rooftree.kernel.job_queue import MOST_DEATHS, JobQueue
from rooftree.kernel.jobs import Job
from rooftree.kernel.metrics import Metrics

from ..conftest import Tenant

AWAY, SHUTDOWN, BUG = ConnectionError("away"), asyncio.CancelledError(), RuntimeError("canary of a bug")


class World:
    """One job on the queue, its row as our statements change it, and how its tries end."""

    def __init__(self, tenant: Tenant, *, attempts: int, hopeless: tuple[type[Exception], ...] = ()) -> None:
        self.queued = Queued(id=1, queue="test", lock=None, queueing_lock=None, task_name="test.end", task_kwargs={})
        self.ended: str | None = None
        self.payloads: list[dict[str, Any]] = []
        self.pauses: list[float] = []
        self._queue = JobQueue(Database(tenant.settings(), tenant.secrets()).engine, Metrics("test"))
        self._retry, self._manager = Retry(attempts, hopeless), Manager(self, lambda: False, self._left)
        self._run = self._queue._runner(Job(name="test.end", run=self._end, attempts=attempts), self._retry)
        self._error: BaseException = BUG

    async def _left(self, job: Any) -> None:
        raise AssertionError(job)

    async def _end(self, **payload: Any) -> None:
        self.payloads.append(payload)
        raise self._error

    async def execute_query_all_async(self, _query: str, **values: Any) -> list[Any]:
        """The database's part."""
        if (values["job_id"], values["attempts"]) != (self.queued.id, self.queued.attempts) or self.ended:
            return []
        if "status" in values:
            self.ended = values["status"]
        else:
            payload = self.queued.task_kwargs | json.loads(values.get("counts", "{}"))
            self.queued = self.queued.evolve(attempts=self.queued.attempts + 1, task_kwargs=payload)
        return [{"id": self.queued.id}]

    def _fetched(self) -> Queued:
        return self.queued.evolve(task_kwargs=dict(self.queued.task_kwargs))

    async def tries(self, errors: Iterable[BaseException]) -> None:
        """The library's part."""
        for self._error in errors:
            job = self._fetched()
            try:
                await self._run(SimpleNamespace(job=job), **job.task_kwargs)
            except BaseException as error:
                decision = self._retry.get_retry_decision(exception=error, job=job)
                if decision is not None:
                    self.pauses.append(self._retry_seconds(decision))
                    await self._manager.retry_job(job, decision.retry_at)
                    continue
                await self._manager.finish_job(job, job_manager.Status.FAILED, delete_job=False)

    def _retry_seconds(self, decision: Any) -> float:
        return round((decision.retry_at - job_manager.utcnow()).total_seconds())

    async def dies(self) -> None:
        """With its worker; another one finds it."""
        await self._queue._take_over(SimpleNamespace(job_manager=self._manager), self._fetched())  # type: ignore[arg-type]


async def test_only_failures_of_its_own_use_up_the_declared_tries(tenant: Tenant) -> None:
    world = World(tenant, attempts=3)
    await world.tries([AWAY, SHUTDOWN, AWAY, AWAY, BUG])
    await world.dies()
    await world.tries([SHUTDOWN, AWAY, BUG])
    assert (world.ended, world.pauses) == (None, [5, 0, 5, 5, 5, 0, 5, 25])
    await world.tries([BUG])
    assert world.ended == "failed"
    assert world.payloads == [{}] * 9


@pytest.mark.parametrize("put_back", [AWAY, SHUTDOWN, BUG])
async def test_only_deaths_of_its_workers_count_as_deaths(tenant: Tenant, put_back: BaseException) -> None:
    world = World(tenant, attempts=20)
    await world.tries([put_back] * 2 * MOST_DEATHS)
    for _ in range(MOST_DEATHS - 1):
        await world.dies()
        await world.tries([put_back])
        assert world.ended is None
    await world.dies()
    assert world.ended == "failed"


async def test_what_is_away_for_longer_than_hours_is_a_failure_at_last(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_manager, "_AWAY_TRIES", 4)
    world = World(tenant, attempts=2)
    await world.tries([AWAY] * 5)
    assert world.ended is None
    await world.tries([AWAY])
    assert world.ended == "failed"


async def test_what_no_other_try_would_end_otherwise_is_not_tried_again(tenant: Tenant) -> None:
    world = World(tenant, attempts=4, hopeless=(LookupError,))
    await world.tries([AWAY, BUG])
    assert world.ended is None
    await world.tries([KeyError("canary of a kind of it")])
    assert world.ended == "failed"


async def test_a_job_with_a_single_try_has_it_once_also_when_something_is_away(tenant: Tenant) -> None:
    world = World(tenant, attempts=1)
    await world.tries([AWAY])
    assert (world.ended, world.pauses) == ("failed", [])
