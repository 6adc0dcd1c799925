"""`python -m app_tests.bulk.victim <settings as JSON> <module> [bug]`: a worker to be killed at any moment."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from rooftree import assembly
from rooftree.bulk import apply, undo
from rooftree.kernel import job_runs
from rooftree.kernel.background import Background
from rooftree.kernel.job_queue import JobQueue
from rooftree.kernel.metrics import Metrics
from rooftree.kernel.settings import Secrets, Settings

from ..jobs.victim import impatient

# Mistakes that the tests must notice.
BUGS = ("no position",)


def plant(bug: str) -> None:
    if bug == "no position":
        begin = job_runs.begin

        async def from_the_first(*given: Any) -> Any:
            run = await begin(*given)
            if run is not None:
                object.__setattr__(run, "position", None)
            return run

        job_runs.begin = from_the_first


async def main(given: dict[str, Any], module: str, bug: str = "") -> None:
    impatient()
    plant(bug)
    apply.PAGE = undo.PAGE = 10
    settings, secrets = Settings(**given["settings"]), Secrets(Path("/nowhere"), given["secrets"])
    parts = assembly.build(assembly.find(), settings, secrets)
    queue = JobQueue(parts.database.engine, Metrics("test"), only_own=True)
    queue.register(job for job in parts.queue.declared() if job.tracked and job.name.startswith(f"{module}."))
    queue.start(Background())
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1]), *sys.argv[2:4]))
