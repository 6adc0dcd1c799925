"""The dry run: a file becomes rows of ours, and each is judged. Nothing of people changes.

Who is known and whom the caller may change is asked anew when the import is applied.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, cast
from uuid import UUID

from rooftree.contracts.access.policy import grant
from rooftree.contracts.identity.api import IdentityApi
from rooftree.kernel.auth import Principal
from rooftree.kernel.cells import FileUnreadable, TableTooLarge
from rooftree.kernel.clock import Clock
from rooftree.kernel.errors import Forbidden
from rooftree.kernel.job_runs import Run
from rooftree.kernel.jobs import Job
from rooftree.kernel.objects import ObjectNotFound, Objects
from rooftree.kernel.record_scope import Place
from rooftree.kernel.spreadsheets import Format, Sheet, Spreadsheets
from rooftree.kernel.text import email_key
from rooftree.kernel.unit_of_work import UnitOfWork
from rooftree.modules.crm import import_rows
from rooftree.modules.crm.askers import asker
from rooftree.modules.crm.import_fields import Column, FieldName, guessed
from rooftree.modules.crm.import_rows import Candidate, Directory
from rooftree.modules.crm.imports import CHECK_JOB, fields_of, file_name
from rooftree.modules.crm.imports_repository import VERDICTS, ImportsRepository, Line
from rooftree.modules.crm.people_matching import Matching
from rooftree.modules.crm.rights import WORKING_ROLES, may, require_place
from rooftree.modules.crm.stages_repository import Stages
from rooftree.modules.crm.tables import ImportRow

PAGE = 200
_STORED = 1_000  # rows at once, when the file is read
_SAMPLES = 3
_SAMPLE_LETTERS = 60
Judged = tuple[int, str, Sequence[Mapping[str, Any]]]
Parsed = tuple[Line, Candidate | None, Sequence[Mapping[str, Any]]]


class Desk:
    """Who asked for a job and what names mean to them, as it is now."""

    def __init__(self, unit_of_work: UnitOfWork, identity: IdentityApi, *, region: str | None) -> None:
        self._unit_of_work = unit_of_work
        self._identity = identity
        self._region = region

    async def principal(self, user_id: UUID | None) -> Principal:
        """Raises `Forbidden` for who may import no more."""
        principal = await asker(self._identity, user_id)
        if not grant(principal, "import", "update"):
            raise Forbidden("Your role does not open this.")
        require_place(principal)
        return principal

    async def directory(self, principal: Principal, columns: Sequence[Column], lines: Sequence[Line]) -> Directory:
        """What names in these rows stand for."""
        places = [place for place, column in enumerate(columns) if column.field == "assigned_to"]
        given = {line.cells[place].strip() for line in lines for place in places if line.fault is None} - {""}
        found = await self._identity.colleagues(given) if given else ()
        async with self._unit_of_work() as session:
            stages = {row.name_key: row.id for row in await Stages(session).all()}
        may_have = [one for one in found if one.role in WORKING_ROLES]
        colleagues = {
            email_key(one.email): one for one in may_have if may(principal, "assign", Place(one.id, one.office_id))
        }
        return Directory(stages, colleagues, self._region)


async def parsed(lines: Sequence[Line], columns: Sequence[Column], directory: Directory) -> list[Parsed]:
    """In a thread: numbers and addresses take their time."""
    pairs: list[tuple[str, FieldName | None]] = [(column.name, column.field) for column in columns]

    def parse() -> list[Parsed]:
        return [
            (line, *import_rows.parsed(line.number, line.cells, pairs, directory))
            if line.fault is None
            else (line, None, [import_rows.error("unreadable-row", line.fault)])
            for line in lines
        ]

    return await asyncio.to_thread(parse)


class ImportCheck:
    def __init__(
        self, unit_of_work: UnitOfWork, clock: Clock, objects: Objects, desk: Desk, spreadsheets: Spreadsheets
    ) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._objects = objects
        self._desk = desk
        self._spreadsheets = spreadsheets

    def job(self) -> Job:
        return Job(name=CHECK_JOB, run=self.check, tracked=True, attempts=4)

    async def check(self, run: Run, import_id: str) -> None:
        """Raises StorageUnavailable, after which it is tried again; `Forbidden`."""
        one = UUID(import_id)
        principal = await self._desk.principal(run.actor_id)
        async with self._unit_of_work() as session:
            row = await ImportsRepository(session).locked(one)
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
            await self._stored(run, one, sheet, fields_of(principal))
        await self._judged(run, one, principal)

    async def _failed(self, run: Run, import_id: UUID, error: FileUnreadable | TableTooLarge) -> None:
        async with self._unit_of_work() as session:
            row = await self._row(ImportsRepository(session), import_id)
            row.state, row.error_code, row.error_detail = "failed", error.code, error.detail
            self._changed(row)
            await run.step(session, message=error.detail)

    async def _stored(self, run: Run, import_id: UUID, sheet: Sheet, offered: Sequence[FieldName]) -> None:
        """The rows; whoever is killed between begins anew."""
        async with self._unit_of_work() as session:
            await ImportsRepository(session).clear_lines(import_id)
            await run.step(session, done=0, total=sheet.rows, message="Reading the file")
        for page in sheet.pages(_STORED):
            async with self._unit_of_work() as session:
                await ImportsRepository(session).add_lines(import_id, page)
                await run.step(session)
        async with self._unit_of_work() as session:
            imports = ImportsRepository(session)
            row = await self._row(imports, import_id)
            first = await imports.lines(import_id, after=0, limit=PAGE)
            fields = guessed(sheet.columns, offered)
            columns = [
                Column(name, _samples(place, first), field)
                for place, (name, field) in enumerate(zip(sheet.columns, fields, strict=True))
            ]
            row.columns, row.row_count, row.encoding = [asdict(one) for one in columns], sheet.rows, sheet.encoding
            await run.step(session)

    async def _judged(self, run: Run, import_id: UUID, principal: Principal) -> None:
        async with self._unit_of_work() as session:
            row = await self._row(ImportsRepository(session), import_id)
            columns, total = [Column(**one) for one in row.columns or ()], row.row_count
        seen, counts, after, done = _Seen(), dict.fromkeys(VERDICTS, 0), 0, 0
        while True:
            async with self._unit_of_work() as session:
                lines = await ImportsRepository(session).lines(import_id, after=after, limit=PAGE)
            if not lines:
                break
            page = await parsed(lines, columns, await self._desk.directory(principal, columns, lines))
            async with self._unit_of_work() as session:
                good = [candidate for _, candidate, _ in page if candidate is not None]
                matched = await Matching(session, principal).found(good, lock=False)
                judged = [_verdict(one, matched.by_row, matched.known, seen) for one in page]
                await ImportsRepository(session).judge(import_id, judged)
                done += len(lines)
                await run.step(session, done=done, total=total, message="Checking the rows")
            for _, verdict, _ in judged:
                counts[verdict] += 1
            after = lines[-1].number
        async with self._unit_of_work() as session:
            row = await self._row(ImportsRepository(session), import_id)
            row.state, row.counts = "checked", counts
            self._changed(row)
            await run.step(session, done=total, total=total, message=_told(counts))

    async def _row(self, imports: ImportsRepository, import_id: UUID) -> ImportRow:
        row = await imports.locked(import_id)
        assert row is not None  # is forgotten days after its last step
        return row

    def _changed(self, row: ImportRow) -> None:
        row.changed_at = self._clock.now()
        row.version += 1


class _Seen:
    """Whom and what earlier rows were about."""

    def __init__(self) -> None:
        self._rows: dict[object, int] = {}

    def row(self, candidate: Candidate, person_id: UUID | None) -> int | None:
        """The first earlier one about the same; else this row is it."""
        about = [*map(hash, candidate.keys), *([person_id] if person_id else [])]
        earlier = next((self._rows[one] for one in about if one in self._rows), None)
        if earlier is None:
            self._rows |= dict.fromkeys(about, candidate.number)
        return earlier


def _verdict(one: Parsed, by_row: Mapping[int, UUID], known: Mapping[UUID, import_rows.Known], seen: _Seen) -> Judged:
    line, candidate, errors = one
    if candidate is None:
        return line.number, "faulty", errors
    person_id = by_row.get(line.number)
    verdict, _, errors = import_rows.decided(candidate, known[person_id] if person_id else None)
    if verdict == "faulty":
        return line.number, verdict, errors
    if (earlier := seen.row(candidate, person_id)) is not None:
        return line.number, "faulty", [import_rows.repeated(earlier)]
    return line.number, verdict, ()


def _samples(place: int, lines: Sequence[Line]) -> list[str]:
    values = (line.cells[place].strip() for line in lines if line.fault is None)
    return [value[:_SAMPLE_LETTERS] for value in dict.fromkeys(filter(None, values))][:_SAMPLES]


def _told(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())
