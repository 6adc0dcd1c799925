"""Rows become records: a page of them with its step in one transaction, so that each has its effect once.

What the dry run said is asked anew under locks (`Subject.take`), with the rights that whoever asked has then.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.bulk.columns import Column
from rooftree.bulk.desk import PAGE, Desk, Parsed, light
from rooftree.bulk.imports import APPLY
from rooftree.bulk.imports_repository import begun
from rooftree.bulk.subject import Outcome, Subject
from rooftree.kernel.job_runs import Run
from rooftree.kernel.jobs import Job
from rooftree.kernel.module import Runtime

_GOOD = ("create", "update")


class Apply:
    def __init__(self, runtime: Runtime, subject: Subject[Any], desk: Desk[Any]) -> None:
        self._unit_of_work = runtime.unit_of_work
        self._clock = runtime.clock
        self._subject = subject
        self._desk = desk

    def job(self) -> Job:
        return Job(name=self._subject.names.job(APPLY), run=self.apply, tracked=True, attempts=4)

    async def apply(self, run: Run, import_id: str) -> None:
        """Raises `Forbidden` for who may do that no longer; what was done until then stays done."""
        one, after = UUID(import_id), int(run.position or 0)
        while page := await self._page(run, one, after):
            after = page[-1].line.number
        async with self._unit_of_work() as session:
            row = await self._desk.imports(session).locked(one)
            if row is not None and row.state == "applying":
                row.state, row.outcome = "applied", row.outcome or begun(row)
                row.version += 1
                row.applied_at = row.changed_at = self._clock.now()
                await run.step(session, message="The file is applied")

    async def _page(self, run: Run, import_id: UUID, after: int) -> Sequence[Parsed[Any]]:
        """The next rows, done; none: that was all."""
        principal = await self._desk.principal(run.actor_id)
        async with self._unit_of_work() as session:
            imports = self._desk.imports(session)
            row = await imports.locked(import_id)
            if row is None or row.state != "applying":
                return ()
            columns = [Column(**column) for column in row.columns or ()]
            lines = light(await imports.lines(import_id, after=after, limit=PAGE, verdicts=_GOOD))
        page = self._bounded(await self._desk.parsed(principal, columns, lines))
        if page:
            faulty = [
                Outcome(number=one.line.number, outcome="faulty", errors=one.errors)
                for one in page
                if one.candidate is None
            ]
            updates = {one.line.number for one in page if one.line.verdict == "update"}
            rows = {one.line.number: one for one in page}
            async with self._unit_of_work() as session:
                taken = await self._subject.take(
                    session, principal, import_id, _candidates(page), updates=updates, now=self._clock.now()
                )
                told = [replace(one, errors=rows[one.number].placed(one.errors)) for one in taken.outcomes]
                outcomes = [*faulty, *told]
                await self._counted(session, run, import_id, outcomes, position=page[-1].line.number)
                await taken.finish()
        return page

    def _bounded(self, page: Sequence[Parsed[Any]]) -> Sequence[Parsed[Any]]:
        """As many rows from the first as have together no more candidates than may be taken at once."""
        places = [place for place, one in enumerate(page) if one.candidate is not None]
        most = self._subject.bounded(_candidates(page))
        return page if most >= len(places) else page[: places[most]]

    async def _counted(
        self, session: AsyncSession, run: Run, import_id: UUID, outcomes: Sequence[Outcome], *, position: int
    ) -> None:
        imports = self._desk.imports(session)
        await imports.record(import_id, outcomes)
        row = await imports.locked(import_id)
        assert row is not None  # is forgotten days after its last step
        decided = begun(row)
        row.outcome = dict(Counter(row.outcome or decided) + Counter(one.outcome for one in outcomes))
        row.applied_at = row.changed_at = self._clock.now()
        done = sum(row.outcome.values()) - sum(decided.values())
        total = sum(row.counts.get(name, 0) for name in _GOOD)
        message = f"Making {self._subject.names.records} of the rows"
        await run.step(session, done=done, total=total, position=position, message=message)


def _candidates(page: Sequence[Parsed[Any]]) -> list[Any]:
    return [one.candidate for one in page if one.candidate is not None]
