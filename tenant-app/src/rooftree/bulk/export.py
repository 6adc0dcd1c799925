"""Makes the file of an export: the pages of a list, one after the other, with the rights of whoever asked."""

import json
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any, cast
from uuid import UUID

from rooftree.bulk.columns import Field
from rooftree.bulk.errors import ExportTooLarge
from rooftree.bulk.exports import export_name, require_fits
from rooftree.bulk.exports_repository import ExportsRepository
from rooftree.bulk.subject import Subject
from rooftree.contracts.access.askers import asker
from rooftree.contracts.identity.api import IdentityApi
from rooftree.kernel.auth import Principal
from rooftree.kernel.cells import TableTooLarge, as_text, joined
from rooftree.kernel.job_runs import Run
from rooftree.kernel.jobs import Job
from rooftree.kernel.module import Runtime
from rooftree.kernel.spreadsheets import (
    MAX_BYTES,
    MEDIA_TYPES,
    MOST_FILLED,
    Format,
    Spreadsheets,
    csv_header,
    csv_lines,
)

_NARROWER = "Filter more narrowly."
_MOST_LETTERS = 32_767  # of a cell of XLSX; a longer one would be left out without a word


class Export:
    def __init__(self, runtime: Runtime, subject: Subject[Any]) -> None:
        self._unit_of_work = runtime.unit_of_work
        self._clock = runtime.clock
        self._objects = runtime.objects
        self._identity = runtime.port(IdentityApi)
        self._spreadsheets = Spreadsheets(runtime.workers)
        self._subject = subject

    def job(self) -> Job:
        hopeless = (ExportTooLarge, TableTooLarge)
        return Job(name=self._subject.names.export_job, run=self.export, tracked=True, attempts=4, hopeless=hopeless)

    async def export(self, run: Run, export_id: str) -> None:
        """Raises `ExportTooLarge`, `TableTooLarge`, `Forbidden`, StorageUnavailable, after which it is tried again."""
        one, tables = UUID(export_id), self._subject.tables
        principal = await asker(self._identity, run.actor_id)
        async with self._unit_of_work() as session:
            row = await ExportsRepository(session, tables).wanted(one)
        if row is None or row.stored_at is not None:
            return
        kind = cast("Format", row.format)  # the table's own check
        content = await self._file(run, principal, kind, row.wanted)
        await self._objects.put(export_name(one), content, media_type=MEDIA_TYPES[kind])
        async with self._unit_of_work() as session:
            row = await ExportsRepository(session, tables).wanted(one)
            if row is not None:
                row.stored_at = self._clock.now()
                result = f"/api/v1/{self._subject.names.path}-exports/{one}"
                await run.step(session, message="The file is ready", result=result)

    async def _file(self, run: Run, principal: Principal, kind: Format, wanted: Mapping[str, Any]) -> bytes:
        fields = self._subject.offered(principal)
        made, done = ExportedFile(kind, fields), 0
        async for page in self._subject.pages(principal, wanted):
            require_fits(max(page.total, done + len(page.rows)))
            for record in page.rows:
                made.add(record)
            done += len(page.rows)
            async with self._unit_of_work() as session:
                await run.step(session, done=done, total=max(page.total, done), message="Writing the file")
        if kind != "xlsx":
            return made.content
        try:
            book = await self._spreadsheets.workbook(made.content)
        except TableTooLarge as error:
            raise ExportTooLarge(f"{error.detail} {_NARROWER}") from error
        require_imports(len(book))
        return book


class ExportedFile:
    """What is written so far; of a workbook, what `Spreadsheets.workbook` makes it of."""

    def __init__(self, kind: Format, fields: Sequence[Field]) -> None:
        self._kind: Format = kind
        self._fields = fields
        self._made = BytesIO()  # which gives its bytes away without a copy
        self._made.write(header(kind, fields))
        self._filled = 0

    @property
    def content(self) -> bytes:
        return self._made.getvalue()

    def add(self, record: Mapping[str, Any]) -> None:
        """Raises `ExportTooLarge`, `TableTooLarge`."""
        self._made.write(line(self._kind, self._fields, record))
        self._filled += sum(bool(record[field.name]) for field in self._fields)
        require_imports(self._made.tell())
        if self._kind == "xlsx" and self._filled > MOST_FILLED:
            raise ExportTooLarge(
                f"It has more than the {MOST_FILLED:,} cells that a workbook takes; ask for CSV. {_NARROWER}"
            )


def require_imports(size: int) -> None:
    """That the file can come in again. Raises `ExportTooLarge`."""
    if size > MAX_BYTES:
        raise ExportTooLarge(f"It is larger than the {MAX_BYTES // 1024**2} MiB that a file may have. {_NARROWER}")


def header(kind: Format, fields: Sequence[Field]) -> bytes:
    """The first line: of CSV, or for `Spreadsheets.workbook`; JSON lines have none."""
    labels = [field.label for field in fields]
    if kind == "jsonl":
        return b""
    return csv_header(labels) if kind == "csv" else _json(labels)


def line(kind: Format, fields: Sequence[Field], record: Mapping[str, Any]) -> bytes:
    """A record's values, likewise. Raises `TableTooLarge`."""
    if kind == "jsonl":
        return _json({field.name: record[field.name] for field in fields})
    values = (record[field.name] for field in fields)
    cells = [value if isinstance(value, str) else joined(value) for value in values]
    if kind == "csv":
        return csv_lines([cells])
    texts = [as_text(cell) for cell in cells]
    if any(len(text) > _MOST_LETTERS for text in texts):
        raise TableTooLarge("A cell holds more than a workbook takes; ask for CSV or JSON lines.")
    return _json(texts)


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"
