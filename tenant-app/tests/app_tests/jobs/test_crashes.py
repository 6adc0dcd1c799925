"""Whatever dies or stands still when: each effect of a job happens once, and none of a job that nobody wanted."""

import os
import random
import signal

import pytest

from ..conftest import Tenant
from . import victim
from .conftest import Workers
from .crashing import once, paused, until, wanted

# More for a release-like change; each takes about a second.
KILLS = int(os.environ.get("ROOFTREE_TEST_KILLS", "4"))
JOBS = 200
pytestmark = [pytest.mark.integration, pytest.mark.timeout(120 + 10 * KILLS)]


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


async def test_a_worker_that_stood_still_for_longer_than_its_lease_changes_nothing_more(
    stored_tenant: Tenant, workers: Workers
) -> None:
    await paused(stored_tenant, workers)
    assert workers.effects() == once(set(range(9)))
