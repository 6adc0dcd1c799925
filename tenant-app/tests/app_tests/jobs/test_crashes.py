"""Whatever dies or stands still when: each effect of a job happens once, and none of a job that nobody wanted."""

import asyncio
import os
import random
import signal
from collections.abc import Callable
from typing import Any

import pytest
from rooftree.kernel.background import Background
from rooftree.kernel.database import Database
from rooftree.kernel.job_queue import JobQueue
from rooftree.kernel.metrics import Metrics
from rooftree.kernel.unit_of_work import UnitOfWork

from ..conftest import Tenant
from . import victim
from .conftest import Workers

# More for a release-like change; each takes about a second.
KILLS = int(os.environ.get("ROOFTREE_TEST_KILLS", "5"))
JOBS = 200
pytestmark = [pytest.mark.integration, pytest.mark.timeout(120 + 10 * KILLS)]


class Oops(Exception):
    """Whoever wants a job changes their mind before it is sure."""


async def until(condition: Callable[[], Any], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - it happens in another process
            await asyncio.sleep(0.05)


async def wanted(tenant: Tenant, numbers: range, *, apart: bool = False) -> set[int]:
    """Ask for these jobs; every tenth transaction is rolled back. `apart`: the mistake to ask outside of it."""
    pool = Database(tenant.settings(), tenant.secrets())
    unit_of_work = UnitOfWork(pool.engine)
    queue, background = JobQueue(pool.engine, Metrics("test")), Background()
    queue.register([victim.job(unit_of_work)])
    sure: set[int] = set()
    for number in numbers:
        try:
            async with unit_of_work() as session:
                if apart:
                    await queue._put(queue._jobs[victim.KIND], None, None, {"run_id": str(number), "number": number})
                else:
                    await queue.ask(victim.KIND, session=session, principal=None, number=number)
                if number % 10 == 9:
                    raise Oops
            sure.add(number)
        except Oops:
            continue
    await queue.stop()
    await background.close(1)
    await pool.close()
    return sure


def once(numbers: set[int]) -> list[tuple[int, int]]:
    return [(number, part) for number in sorted(numbers) for part in range(victim.PARTS)]


async def test_workers_killed_at_any_moment_do_each_part_of_each_job_once(
    stored_tenant: Tenant, workers: Workers
) -> None:
    workers.open_gate()
    sure = await wanted(stored_tenant, range(JOBS))
    running = [workers.start(), workers.start()]
    choice = random.Random(7)
    for kill in range(KILLS):
        goal = (kill + 1) * JOBS * victim.PARTS // (KILLS + 3)
        await until(lambda goal=goal: len(workers.effects()) >= goal)
        dying = choice.choice(running)
        dying.send_signal(signal.SIGKILL)
        dying.wait()
        running[running.index(dying)] = workers.start()
    await until(lambda: workers.states() == {"succeeded": len(sure)})
    assert workers.effects() == once(sure)


async def test_a_job_whose_transaction_was_rolled_back_leaves_nothing(stored_tenant: Tenant, workers: Workers) -> None:
    sure = await wanted(stored_tenant, range(20))
    assert 9 not in sure
    assert workers.states() == {"waiting": len(sure)}
    assert workers.database.rows("SELECT count(*) FROM jobs.procrastinate_jobs") == [(len(sure),)]


async def test_planted_asking_outside_of_the_transaction_leaves_jobs_that_nobody_wanted(
    stored_tenant: Tenant, workers: Workers
) -> None:
    sure = await wanted(stored_tenant, range(20), apart=True)
    assert workers.database.rows("SELECT count(*) FROM jobs.procrastinate_jobs") != [(len(sure),)]


async def paused(tenant: Tenant, workers: Workers, bug: str = "") -> None:
    """A worker stands still for longer than its lease within a job, which another takes over; then it goes on."""
    await wanted(tenant, range(1))
    first = workers.start(bug)
    await until(lambda: workers.effects() == [(0, 0)])
    first.send_signal(signal.SIGSTOP)
    workers.start(bug)
    attempts = "SELECT 1 FROM jobs.runs WHERE attempt = 2"
    await until(lambda: workers.database.rows(attempts))
    first.send_signal(signal.SIGCONT)
    workers.open_gate(1)
    await until(lambda: (0, 1) in workers.effects() if bug else workers.has_said(first, "job_superseded"))
    workers.open_gate(2)
    workers.open_gate(victim.LAST)
    await wanted(tenant, range(1, 9))
    await until(lambda: workers.states() == {"succeeded": 9})


async def test_a_worker_that_stood_still_for_longer_than_its_lease_changes_nothing_more(
    stored_tenant: Tenant, workers: Workers
) -> None:
    await paused(stored_tenant, workers)
    assert workers.effects() == once(set(range(9)))


async def test_planted_without_fencing_it_does_its_part_a_second_time(stored_tenant: Tenant, workers: Workers) -> None:
    await paused(stored_tenant, workers, "no fencing")
    assert workers.effects() != once(set(range(9)))


async def test_planted_without_a_lease_the_job_of_a_dead_worker_stays_where_it_is(
    stored_tenant: Tenant, workers: Workers
) -> None:
    await wanted(stored_tenant, range(1))
    first = workers.start("no lease")
    await until(lambda: workers.effects() == [(0, 0)])
    first.kill()
    first.wait()
    workers.open_gate()
    workers.start("no lease")
    await wanted(stored_tenant, range(1, 3))
    await until(lambda: workers.states().get("succeeded") == 2)
    assert workers.states() == {"succeeded": 2, "running": 1}
