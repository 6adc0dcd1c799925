"""Workers of imports that are killed, and what they have done."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from rooftree.kernel.job_runs import Claim, Run, Superseded

from ..conftest import Tenant, parts_of
from ..crm.conftest import done
from ..jobs.crashing import until
from .files import Bulk, Files, working

TESTS = Path(__file__).parents[2]
ROWS = 150


class Victims:
    """One worker of a module at a time; `kill_at`: another one follows it as soon as this is so."""

    def __init__(self, tenant: Tenant, module: str, bug: str) -> None:
        settings = tenant.settings().model_dump(exclude_none=True)
        values = {name: str(value) for name, value in settings.items()}
        given = json.dumps({"settings": values, "secrets": tenant.secret_files})
        self._program = [sys.executable, "-m", "app_tests.bulk.victim", given, module, bug]
        self.running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.running = subprocess.Popen(self._program, cwd=TESTS, stdout=subprocess.DEVNULL)

    async def kill_at(self, condition: Any) -> None:
        await until(condition)
        self.kill()
        self.start()

    def kill(self) -> None:
        assert self.running is not None
        self.running.kill()
        self.running.wait()


class Stopped(Exception):
    """A worker that was ended in a test's own process."""


@contextmanager
def victims(tenant: Tenant, module: str, bug: str = "") -> Iterator[Victims]:
    made = Victims(tenant, module, bug)
    made.start()
    try:
        yield made
    finally:
        made.kill()


def count(bulk: Bulk, table: str) -> int:
    return bulk.database.rows(f"SELECT count(*) FROM {table}")[0][0]


@dataclass(frozen=True)
class Crash:
    """Of imports of one module; `records`: its table, with those of `content` alone, which has `ROWS` rows."""

    module: str
    records: str
    files: Files
    content: str

    def state(self, bulk: Bulk) -> str:
        return bulk.database.rows(f"SELECT state FROM {self.module}.imports")[0][0]

    async def while_applied(self, bulk: Bulk, tenant: Tenant, bug: str = "") -> dict[str, Any]:
        """The import, applied by one who was killed and another one."""
        async with working(bulk.owner, tenant):
            shown = await self.files.checked(bulk.owner, self.content)
        done(await self.files.step(bulk.owner, shown, "application"), 202)
        with victims(tenant, self.module, bug) as one:
            await one.kill_at(lambda: count(bulk, self.records) >= 40)
            await until(lambda: self.state(bulk) == "applied")
        return done(await bulk.owner.get(f"{self.files.imports}/{shown['id']}"))

    async def overtaken(self, bulk: Bulk, tenant: Tenant, ends: type[Exception] = Superseded) -> list[Any]:
        """How many rows were taken back, or not, when one who has read them stands still until another one has undone
        them. `ends`: how the first one does."""
        async with working(bulk.owner, tenant):
            shown = await self.files.applied(bulk.owner, await self.files.checked(bulk.owner, self.content))
        run_id = UUID(done(await self.files.step(bulk.owner, shown, "undo"), 202)["job_id"])
        (job,) = [
            job
            for job in parts_of(bulk.brokerage.app, self.module).queue.declared()
            if job.name == f"{self.module}.undo_import"
        ]
        subject: Any = job.run.__self__._subject  # type: ignore[attr-defined]
        former, workers = subject.former, self._workers(bulk, run_id)

        async def stand_still(*given: Any) -> Any:
            subject.former = once
            with pytest.raises(Stopped):
                await job.run(next(workers), import_id=shown["id"])
            return await former(*given)

        async def once(*given: Any) -> Any:
            subject.former = stop
            return await former(*given)

        async def stop(*_: Any) -> Any:
            raise Stopped

        subject.former = stand_still
        try:
            with pytest.raises(ends):
                await job.run(next(workers), import_id=shown["id"])
        finally:
            del subject.former
        return bulk.database.rows(f"""
            SELECT undone, count(*) FROM {self.module}.import_lines WHERE undone IS NOT NULL GROUP BY undone
        """)

    def _workers(self, bulk: Bulk, run_id: UUID) -> Iterator[Run]:
        """Each has the job when it is asked for, and no other one then."""
        for attempt in (1, 2):
            ((job_id, actor_id),) = bulk.database.rows(f"""
                UPDATE jobs.procrastinate_jobs AS job SET status = 'doing', attempts = {attempt} FROM jobs.runs AS run
                WHERE run.id = '{run_id}' AND job.args->>'run_id' = '{run_id}' RETURNING job.id, run.actor_id
            """)
            bulk.database.rows(f"UPDATE jobs.runs SET state = 'running' WHERE id = '{run_id}' RETURNING 1")
            yield Run(id=run_id, attempt=attempt, actor_id=actor_id, position=None, claim=Claim(job_id, attempt))

    async def while_undone(self, bulk: Bulk, tenant: Tenant, shown: dict[str, Any]) -> None:
        done(await self.files.step(bulk.owner, shown, "undo"), 202)
        with victims(tenant, self.module) as one:
            await one.kill_at(lambda: count(bulk, self.records) <= ROWS - 60)
            await until(lambda: self.state(bulk) == "undone")
