"""Use cases of imports: bring a file, see what would become of it, say what its columns mean, apply it, undo that.

Each step is a job (`check`, `apply`, `undo`) that is asked for in the transaction of its request.
The file itself is in object storage; a row of it exists before, so that a file which nobody knows of cannot come to be.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.bulk.columns import Column, Field, misfits
from rooftree.bulk.errors import ImportNotFound, ImportNotReady
from rooftree.bulk.imports_repository import Import, ImportsRepository
from rooftree.bulk.subject import Kind, Line, Subject
from rooftree.bulk.tables import ImportTable
from rooftree.contracts.identity.api import IdentityApi
from rooftree.kernel.auth import Principal
from rooftree.kernel.errors import FieldError, Forbidden, Unprocessable
from rooftree.kernel.ids import new_id
from rooftree.kernel.module import Runtime
from rooftree.kernel.pagination import cursor_id, decode_cursor, encode_cursor, invalid_cursor
from rooftree.kernel.preconditions import require
from rooftree.kernel.receiving import announced
from rooftree.kernel.spreadsheets import MEDIA_TYPES, Format, csv_header, csv_lines, require_format

CHECK, APPLY, UNDO = "check_import", "apply_import", "undo_import"
KEPT = timedelta(days=7)
"""After its last step; and how long one can be undone."""
_ERROR_ROWS = 1_000  # at once, of errors.csv
_MOST_NUMBER = 2**31 - 1


@dataclass(frozen=True, slots=True)
class ShownImport:
    """`created_by`: a name, None when it is not known any more. `fields`: which the caller may fill."""

    row: Import
    kind: Kind
    created_by: str | None
    fields: Sequence[Field]


@dataclass(frozen=True, slots=True)
class ImportsPage:
    items: Sequence[ShownImport]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class ErrorsPage:
    """The row's number and the error of each."""

    items: Sequence[tuple[int, Mapping[str, Any]]]
    total: int
    next_cursor: str | None


def file_name(import_id: UUID) -> str:
    """Where the file is, in object storage."""
    return f"imports/{import_id}/file"


class Imports:
    """Of one kind of records. Each module has a class of its own, by which its routes find its own."""

    def __init__(self, runtime: Runtime, subject: Subject[Any]) -> None:
        self._unit_of_work = runtime.unit_of_work
        self._clock = runtime.clock
        self._jobs = runtime.jobs
        self._objects = runtime.objects
        self._receiving = runtime.tables
        self._identity = runtime.port(IdentityApi)
        self._subject = subject

    # -- looking ------------------------------------------------------------------------------------------------------

    async def page(self, principal: Principal, *, limit: int, cursor: str | None) -> ImportsPage:
        before = cursor_id(decode_cursor(cursor, str)[0]) if cursor else None
        async with self._unit_of_work() as session:
            found = await self._repository(session).page(principal, before=before, limit=limit + 1)
        following = encode_cursor(str(found[limit - 1].id)) if len(found) > limit else None
        return ImportsPage(await self._shown(principal, found[:limit]), following)

    async def show(self, principal: Principal, import_id: UUID) -> ShownImport:
        """Raises `ImportNotFound`."""
        async with self._unit_of_work() as session:
            found = await self._readable(session, principal, import_id)
        return (await self._shown(principal, [found]))[0]

    async def errors(self, principal: Principal, import_id: UUID, *, limit: int, cursor: str | None) -> ErrorsPage:
        """Raises `ImportNotFound`."""
        after = _error_place(cursor) if cursor else (0, 0)
        async with self._unit_of_work() as session:
            await self._readable(session, principal, import_id)
            found, total = await self._repository(session).errors(import_id, after=after, limit=limit + 1)
        following = encode_cursor(*found[limit - 1][:2]) if len(found) > limit else None
        return ErrorsPage([(number, error) for number, _, error in found[:limit]], total, following)

    async def faulty(self, principal: Principal, import_id: UUID) -> AsyncIterator[bytes]:
        """All faulty rows as CSV, in parts. Raises `ImportNotFound`."""
        async with self._unit_of_work() as session:
            found = await self._readable(session, principal, import_id)
        return self._faulty(found)

    async def _faulty(self, shown: Import) -> AsyncIterator[bytes]:
        yield csv_header([*(column.name for column in shown.columns), "error"])
        after, width = 0, len(shown.columns)
        while True:
            async with self._unit_of_work() as session:
                lines = await self._repository(session).lines(
                    shown.id, after=after, limit=_ERROR_ROWS, verdicts=["faulty"]
                )
            if not lines:
                return
            after = lines[-1].number
            yield csv_lines(_returned(line, width) for line in lines)

    async def _shown(self, principal: Principal, found: Sequence[Import]) -> list[ShownImport]:
        """Outside of transactions: identity has its own."""
        names = await self._identity.names({one.actor_id for one in found}) if found else {}
        kind, fields = self._subject.names.kind, self._subject.offered(principal)
        return [ShownImport(one, kind, names.get(one.actor_id), fields) for one in found]

    # -- steps --------------------------------------------------------------------------------------------------------

    async def upload(
        self,
        principal: Principal,
        body: AsyncIterator[bytes],
        *,
        file_name: str,
        content_type: str,
        length: str | None,
        again: Callable[[], Awaitable[Principal]],
    ) -> ShownImport:
        """Take a file and begin its dry run. `again` tells who the caller is when it has arrived.

        Raises `UnsupportedMediaType`, what `kernel.receiving` raises, `Forbidden`, `StorageUnavailable`.
        """
        kind, size = require_format(content_type), announced(length)
        self._objects.require()
        self._subject.require(principal)
        async with self._receiving.turn():
            content = await self._receiving.whole(body, size)
            principal = await again()
            import_id = await self._announce(principal, file_name, kind)
            await self._store(import_id, content, kind)
        async with self._unit_of_work.effect() as session:
            row = await self._repository(session).locked(import_id)
            assert row is not None  # is forgotten after an hour at the earliest
            await self._begin(session, principal, row, "checking", CHECK)
            shown = await self._readable(session, principal, import_id)
        return (await self._shown(principal, [shown]))[0]

    async def remap(
        self, principal: Principal, import_id: UUID, mapping: Mapping[str, str | None], *, version: int
    ) -> ShownImport:
        """Raises `ImportNotFound`, `Forbidden`, `VersionConflict`, `ImportNotReady`, `Unprocessable`."""
        async with self._unit_of_work() as session:
            row = await self._at(session, principal, import_id, "checked", version)
            columns = [Column(**one) for one in row.columns or ()]
            row.columns = [asdict(one) for one in _remapped(columns, mapping, self._subject.offered(principal))]
            await self._begin(session, principal, row, "checking", CHECK)
            shown = await self._readable(session, principal, import_id)
        return (await self._shown(principal, [shown]))[0]

    async def apply(self, principal: Principal, import_id: UUID, *, version: int) -> ShownImport:
        """Raises `ImportNotFound`, `Forbidden`, `VersionConflict`, `ImportNotReady`."""
        self._subject.require(principal)
        async with self._unit_of_work.effect() as session:
            row = await self._at(session, principal, import_id, "checked", version)
            await self._begin(session, principal, row, "applying", APPLY)
            shown = await self._readable(session, principal, import_id)
        return (await self._shown(principal, [shown]))[0]

    async def undo(self, principal: Principal, import_id: UUID, *, version: int) -> ShownImport:
        """Raises `ImportNotFound`, `Forbidden`, `VersionConflict`, `ImportNotReady`, which it also is after a week."""
        async with self._unit_of_work.effect() as session:
            row = await self._at(session, principal, import_id, "applied", version)
            if row.applied_at is not None and row.applied_at <= self._clock.now() - KEPT:
                raise ImportNotReady("It was applied too long ago.")
            await self._begin(session, principal, row, "undoing", UNDO)
            shown = await self._readable(session, principal, import_id)
        return (await self._shown(principal, [shown]))[0]

    async def _announce(self, principal: Principal, name: str, kind: Format) -> UUID:
        import_id, now = new_id(), self._clock.now()
        row = self._subject.tables.imports()
        row.id, row.file_name, row.format, row.state = import_id, name, kind, "receiving"
        row.row_count, row.counts = 0, {}
        row.outcome, row.actor_id, row.office_id = {}, principal.user_id, principal.office_id
        row.created_at = row.changed_at = now
        row.version = 0
        async with self._unit_of_work() as session:
            await self._repository(session).add(row)
        return import_id

    async def _store(self, import_id: UUID, content: bytes, kind: Format) -> None:
        """Raises StorageUnavailable; as the file may arrive yet, only `keeper` forgets it, after an hour."""
        await self._objects.put(file_name(import_id), content, media_type=MEDIA_TYPES[kind])

    async def _at(
        self, session: AsyncSession, principal: Principal, import_id: UUID, wanted: str, version: int
    ) -> ImportTable:
        """The import, locked, which the caller may change and which is at this step."""
        found = await self._readable(session, principal, import_id)
        if found.actor_id != principal.user_id:
            raise Forbidden("Whoever brought the file says what becomes of it.")
        imports = self._repository(session)
        row = await imports.locked(import_id)
        if row is None:
            raise ImportNotFound
        require(version, current=row.version)
        if (state := await imports.state(row)) != wanted:
            raise ImportNotReady(f"It is {state}; this is for one that is {wanted}.")
        return row

    async def _begin(self, session: AsyncSession, principal: Principal, row: ImportTable, state: str, job: str) -> None:
        row.state, row.changed_at = state, self._clock.now()
        row.version += 1
        row.job_id = await self._jobs.ask(
            self._subject.names.job(job), session=session, principal=principal, import_id=str(row.id)
        )
        await session.flush()

    async def _readable(self, session: AsyncSession, principal: Principal, import_id: UUID) -> Import:
        found = await self._repository(session).one(principal, import_id)
        if found is None:
            raise ImportNotFound
        return found

    def _repository(self, session: AsyncSession) -> ImportsRepository:
        return ImportsRepository(session, self._subject.tables)


def _returned(line: Line, width: int) -> list[str]:
    """A faulty row as it was, what is wrong with it, and what it has beyond the columns."""
    cells = [*line.cells, *[""] * (width - len(line.cells))]
    return [*cells[:width], " ".join(error["message"] for error in line.errors), *cells[width:]]


def _remapped(columns: Sequence[Column], mapping: Mapping[str, str | None], offered: Sequence[Field]) -> list[Column]:
    """Raises `Unprocessable`."""
    known = {column.name for column in columns}
    errors = [FieldError(_pointer(name), "There is no such column.") for name in mapping if name not in known]
    changed = [replace(one, field=mapping[one.name]) if one.name in mapping else one for one in columns]
    errors += [FieldError(_pointer(name), why) for name, why in misfits(changed, offered)]
    if errors:
        raise Unprocessable(errors=errors)
    return changed


def _pointer(name: str) -> str:
    escaped = name.replace("~", "~0").replace("/", "~1")
    return f"/mapping/{escaped}"


def _error_place(cursor: str) -> tuple[int, int]:
    number, place = (int(part or 0) for part in decode_cursor(cursor, int, int))
    if not (0 <= number <= _MOST_NUMBER and 0 <= place <= _MOST_NUMBER):
        raise invalid_cursor()
    return number, place
