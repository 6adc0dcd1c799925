"""What an import did is taken back, as far as nobody has touched it since (`Subject.take_back`); the rest is counted.

Whoever asks must be allowed to change these records now.
"""

from typing import Any
from uuid import UUID

from rooftree.bulk.desk import PAGE, Desk
from rooftree.bulk.imports import UNDO
from rooftree.bulk.subject import Subject
from rooftree.kernel.job_runs import Run
from rooftree.kernel.jobs import Job
from rooftree.kernel.module import Runtime


class Undo:
    def __init__(self, runtime: Runtime, subject: Subject[Any], desk: Desk[Any]) -> None:
        self._unit_of_work = runtime.unit_of_work
        self._clock = runtime.clock
        self._subject = subject
        self._desk = desk

    def job(self) -> Job:
        return Job(name=self._subject.names.job(UNDO), run=self.undo, tracked=True, attempts=4)

    async def undo(self, run: Run, import_id: str) -> None:
        """Raises `Forbidden` for who may do that no longer."""
        one, after = UUID(import_id), int(run.position or 0)
        while (number := await self._page(run, one, after)) is not None:
            after = number
        async with self._unit_of_work() as session:
            imports = self._desk.imports(session)
            row = await imports.locked(one)
            if row is not None and row.state == "undoing":
                row.undone, row.kept = await imports.undone_counts(one)
                row.state, row.version = "undone", row.version + 1
                row.undone_at = row.changed_at = self._clock.now()
                await run.step(session, message=f"{row.undone} as before, {row.kept} kept")

    async def _page(self, run: Run, import_id: UUID, after: int) -> int | None:
        """The number of the last row that was taken back; None: that was all."""
        principal = await self._desk.principal(run.actor_id)
        async with self._unit_of_work() as session:
            lines = await self._desk.imports(session).done(import_id, after=after, limit=PAGE)
        if not lines:
            return None
        former = await self._subject.former(principal, lines)
        async with self._unit_of_work() as session:
            imports = self._desk.imports(session)
            row = await imports.locked(import_id)
            if row is None or row.state != "undoing":
                return None
            taken = await self._subject.take_back(session, principal, lines, former=former, now=self._clock.now())
            await imports.undone(import_id, taken.undone)
            counts = row.undone, row.kept = await imports.undone_counts(import_id)
            total = sum(row.outcome.get(name, 0) for name in ("create", "update"))
            number = lines[-1].number
            message = f"Taking {self._subject.names.records} back"
            await run.step(session, done=sum(counts), total=total, position=number, message=message)
            await taken.finish()
        return number
