"""What is asked of workers that die or stand still, and what they must have done."""

import asyncio
import signal
from collections.abc import Callable
from typing import Any

from rooftree.kernel.background import Background
from rooftree.kernel.database import Database
from rooftree.kernel.job_queue import JobQueue
from rooftree.kernel.metrics import Metrics
from rooftree.kernel.unit_of_work import UnitOfWork

from ..conftest import Tenant
from . import victim
from .conftest import Workers


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
    if bug:  # else the one who stood still may end the job before the other is at its part
        await until(lambda: workers.effects().count((0, 1)) > 1)
    workers.open_gate(victim.LAST)
    await wanted(tenant, range(1, 9))
    await until(lambda: workers.states() == {"succeeded": 9})
