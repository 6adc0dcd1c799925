"""`python -m app_tests.jobs.victim <settings as JSON> [bug]`: one process's worker, to be killed at any moment.

Each job has three parts. A part is a row of `public.effects`, written with the step that says so. The job number 0
waits for gates in `public.gates`: before its second part for that of its attempt, before its third for `LAST`.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from rooftree.kernel import job_queue, job_runs
from rooftree.kernel.background import Background
from rooftree.kernel.database import Database
from rooftree.kernel.job_queue import JobQueue
from rooftree.kernel.job_runs import Run
from rooftree.kernel.jobs import Job
from rooftree.kernel.metrics import Metrics
from rooftree.kernel.settings import Secrets, Settings
from rooftree.kernel.unit_of_work import UnitOfWork
from sqlalchemy import text

KIND, PARTS = "test.count", 3
ALL, LAST = 0, 99  # gates
# Mistakes that the tests must notice.
BUGS = ("no lease", "no fencing")
_EFFECT = text("INSERT INTO public.effects (number, part) VALUES (:number, :part)")
_GATE = text("SELECT 1 FROM public.gates WHERE gate = :gate OR gate = 0")


def impatient() -> None:
    job_queue.POLL_SECONDS, job_queue.HEARTBEAT_SECONDS, job_queue.SILENT_SECONDS = 0.1, 0.2, 1.5


def plant(bug: str) -> None:
    async def nothing(*_: Any, **__: Any) -> None:
        return

    if bug == "no lease":
        JobQueue._take_over = nothing
    elif bug == "no fencing":
        job_runs.Claim.hold = nothing


def job(unit_of_work: UnitOfWork) -> Job:
    async def count(run: Run, number: int) -> None:
        for part in range(run.position or 0, PARTS):
            while number == 0 and part > 0 and not await opened(min(run.attempt, 2) if part == 1 else LAST):  # noqa: ASYNC110 - in the database
                await asyncio.sleep(0.05)
            async with unit_of_work() as session:
                await session.execute(_EFFECT, {"number": number, "part": part})
                await run.step(session, done=part + 1, total=PARTS, position=part + 1)

    async def opened(gate: int) -> bool:
        async with unit_of_work() as session:
            return (await session.execute(_GATE, {"gate": gate})).first() is not None

    return Job(name=KIND, run=count, tracked=True, attempts=50)


async def main(given: dict[str, Any], bug: str = "") -> None:
    impatient()
    job_queue.MOST_DEATHS = 50  # a test kills for longer than anybody has bad luck
    plant(bug)
    settings, secrets = Settings(**given["settings"]), Secrets(Path("/nowhere"), given["secrets"])
    engine = Database(settings, secrets).engine
    queue = JobQueue(engine, Metrics("test"))
    queue.register([job(UnitOfWork(engine))])
    queue.start(Background())
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1]), *sys.argv[2:3]))
