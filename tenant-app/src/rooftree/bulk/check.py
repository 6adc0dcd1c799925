"""The dry run: a file becomes rows of ours, and each is judged. No record changes.

What is known and what the caller may change is asked anew when the import is applied.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, cast
from uuid import UUID

from rooftree.bulk.cells import RowProblem, error
from rooftree.bulk.columns import Column, Field
from rooftree.bulk.desk import PAGE, Desk, Parsed, light
from rooftree.bulk.imports import CHECK, file_name
from rooftree.bulk.imports_repository import ImportsRepository
from rooftree.bulk.subject import DECISIONS, About, Line, Subject, Verdict
from rooftree.bulk.tables import ImportTable
from rooftree.kernel.auth import Principal
from rooftree.kernel.cells import FileUnreadable, TableTooLarge
from rooftree.kernel.job_runs import Run
from rooftree.kernel.jobs import Job
from rooftree.kernel.module import Runtime
from rooftree.kernel.objects import ObjectNotFound
from rooftree.kernel.spreadsheets import Format, Sheet, Spreadsheets

_STORED = 1_000  # rows at once, when the file is read
_SAMPLES = 3
_SAMPLE_LETTERS = 60
Judged = tuple[int, str, Sequence[RowProblem]]


class Check:
    def __init__(self, runtime: Runtime, subject: Subject[Any], desk: Desk[Any]) -> None:
        self._unit_of_work = runtime.unit_of_work
        self._clock = runtime.clock
        self._objects = runtime.objects
        self._spreadsheets = Spreadsheets(runtime.workers)
        self._subject = subject
        self._desk = desk

    def job(self) -> Job:
        return Job(name=self._subject.names.job(CHECK), run=self.check, tracked=True, attempts=4)

    async def check(self, run: Run, import_id: str) -> None:
        """Raises StorageUnavailable, after which it is tried again; `Forbidden`."""
        one = UUID(import_id)
        principal = await self._desk.principal(run.actor_id)
        async with self._unit_of_work() as session:
            row = await self._desk.imports(session).locked(one)
        if row is None or row.state != "checking":
            return
        if row.columns is None:
            try:
                content = await self._objects.get(file_name(one))
                sheet = await self._spreadsheets.read(cast("Format", row.format), content)
            except (FileUnreadable, TableTooLarge) as error:
                await self._failed(run, one, error)
                return
            except ObjectNotFound:
                await self._failed(run, one, FileUnreadable("The file is not there any more."))
                return
            await self._stored(run, one, sheet, self._subject.offered(principal))
        await self._judged(run, one, principal)

    async def _failed(self, run: Run, import_id: UUID, error: FileUnreadable | TableTooLarge) -> None:
        async with self._unit_of_work() as session:
            row = await self._row(self._desk.imports(session), import_id)
            row.state, row.error_code, row.error_detail = "failed", error.code, error.detail
            self._changed(row)
            await run.step(session, message=error.detail)

    async def _stored(self, run: Run, import_id: UUID, sheet: Sheet, offered: Sequence[Field]) -> None:
        """The rows; whoever is killed between begins anew."""
        async with self._unit_of_work() as session:
            await self._desk.imports(session).clear_lines(import_id)
            await run.step(session, done=0, total=sheet.rows, message="Reading the file")
        for page in sheet.pages(_STORED):
            async with self._unit_of_work() as session:
                await self._desk.imports(session).add_lines(import_id, page)
                await run.step(session)
        async with self._unit_of_work() as session:
            imports = self._desk.imports(session)
            row = await self._row(imports, import_id)
            first = await imports.lines(import_id, after=0, limit=PAGE)
            fields = self._subject.guessed(sheet.columns, offered)
            columns = [
                Column(name, _samples(place, first), field)
                for place, (name, field) in enumerate(zip(sheet.columns, fields, strict=True))
            ]
            row.columns, row.row_count, row.encoding = [asdict(one) for one in columns], sheet.rows, sheet.encoding
            await run.step(session)

    async def _judged(self, run: Run, import_id: UUID, principal: Principal) -> None:
        async with self._unit_of_work() as session:
            row = await self._row(self._desk.imports(session), import_id)
            columns, total = [Column(**one) for one in row.columns or ()], row.row_count
        seen, after, done = _Seen(), 0, 0
        counts: dict[str, int] = dict.fromkeys(DECISIONS, 0)
        while True:
            async with self._unit_of_work() as session:
                lines = light(await self._desk.imports(session).lines(import_id, after=after, limit=PAGE))
            if not lines:
                break
            page = await self._desk.parsed(principal, columns, lines)
            async with self._unit_of_work() as session:
                good = [one.candidate for one in page if one.candidate is not None]
                verdicts = {one.number: one for one in await self._subject.judged(session, principal, good)}
                judged = [self._decided(one, verdicts, seen) for one in page]
                await self._desk.imports(session).judge(import_id, judged)
                done += len(lines)
                await run.step(session, done=done, total=total, message="Checking the rows")
            for _, verdict, _ in judged:
                counts[verdict] += 1
            after = lines[-1].number
        async with self._unit_of_work() as session:
            row = await self._row(self._desk.imports(session), import_id)
            row.state, row.counts = "checked", counts
            self._changed(row)
            await run.step(session, done=total, total=total, message=_told(counts))

    async def _row(self, imports: ImportsRepository, import_id: UUID) -> ImportTable:
        row = await imports.locked(import_id)
        assert row is not None  # is forgotten days after its last step
        return row

    def _changed(self, row: ImportTable) -> None:
        row.changed_at = self._clock.now()
        row.version += 1

    def _decided(self, one: Parsed[Any], verdicts: Mapping[int, Verdict], seen: "_Seen") -> Judged:
        number = one.line.number
        if one.candidate is None:
            return number, "faulty", one.errors
        verdict = verdicts[number]
        if verdict.decision == "faulty":
            return number, "faulty", one.placed(verdict.errors)
        if (earlier := seen.row(number, verdict.about)) is not None:
            row, about = earlier
            why = f"Row {row} is about the same {self._subject.names.record}."
            return number, "faulty", one.placed([error("repeated", why, field=about.field, value=about.value)])
        return number, verdict.decision, ()


class _Seen:
    """What earlier rows were about."""

    def __init__(self) -> None:
        self._rows: dict[Hashable, int] = {}

    def row(self, number: int, about: Sequence[About]) -> tuple[int, About] | None:
        """The first earlier one about the same, and what that is; else this row is it."""
        earlier = next(((self._rows[one.what], one) for one in about if one.what in self._rows), None)
        if earlier is None:
            self._rows |= {one.what: number for one in about}
        return earlier


def _samples(place: int, lines: Sequence[Line]) -> list[str]:
    values = (line.cells[place].strip() for line in lines if line.fault is None)
    return [value[:_SAMPLE_LETTERS] for value in dict.fromkeys(filter(None, values))][:_SAMPLES]


def _told(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())
