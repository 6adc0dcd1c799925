"""Mistakes that the tests of crashes must notice; `make oracles`."""

import pytest

from ..conftest import Tenant
from .conftest import Workers
from .crashing import once, paused, until, wanted

pytestmark = [pytest.mark.torture, pytest.mark.timeout(180)]


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
