"""Use cases of exports: what a list has, as a file that whoever asked can fetch for a day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from rooftree.bulk.errors import ExportNotFound, ExportTooLarge
from rooftree.bulk.exports_repository import ExportsRepository
from rooftree.bulk.subject import Subject
from rooftree.kernel.auth import Principal
from rooftree.kernel.ids import new_id
from rooftree.kernel.module import Runtime
from rooftree.kernel.objects import ObjectNotFound
from rooftree.kernel.spreadsheets import Format

EXPORT_KEPT = timedelta(hours=24)
MOST_RECORDS = 20_000
"""In one file; as many as an import takes."""


@dataclass(frozen=True, slots=True)
class BegunExport:
    id: UUID
    job_id: UUID
    format: Format
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ExportFile:
    name: str
    format: Format
    content: bytes


def export_name(export_id: UUID) -> str:
    """Where the file is, in object storage."""
    return f"exports/{export_id}/file"


def require_fits(total: int) -> None:
    """Raises `ExportTooLarge`."""
    if total > MOST_RECORDS:
        raise ExportTooLarge(f"These are {total:,}; {MOST_RECORDS:,} are the most. Filter more narrowly.")


class Exports:
    """Of one kind of records. Each module has a class of its own, by which its routes find its own."""

    def __init__(self, runtime: Runtime, subject: Subject[Any]) -> None:
        self._unit_of_work = runtime.unit_of_work
        self._clock = runtime.clock
        self._jobs = runtime.jobs
        self._objects = runtime.objects
        self._subject = subject

    async def begin(self, principal: Principal, kind: Format, wanted: Mapping[str, Any]) -> BegunExport:
        """`wanted`: as `Subject.count` takes it.

        Raises `ExportTooLarge`, `StorageUnavailable` where there is none at all.
        """
        self._objects.require()
        require_fits(await self._subject.count(principal, wanted))
        name = self._subject.names.export_job
        export_id, now = new_id(), self._clock.now()
        row = self._subject.tables.exports()
        row.id, row.actor_id, row.format = export_id, principal.user_id, kind
        row.wanted, row.created_at = dict(wanted), now
        async with self._unit_of_work.effect() as session:
            await ExportsRepository(session, self._subject.tables).add(row)
            job_id = await self._jobs.ask(name, session=session, principal=principal, export_id=str(export_id))
        return BegunExport(export_id, job_id, kind, now)

    async def file(self, principal: Principal, export_id: UUID) -> ExportFile:
        """Raises `ExportNotFound`, `StorageUnavailable`."""
        async with self._unit_of_work() as session:
            row = await ExportsRepository(session, self._subject.tables).one(principal, export_id)
        if row is None or row.stored_at is None or row.stored_at <= self._clock.now() - EXPORT_KEPT:
            raise ExportNotFound
        kind = cast("Format", row.format)  # the table's own check
        try:
            content = await self._objects.get(export_name(export_id))
        except ObjectNotFound:
            raise ExportNotFound from None
        return ExportFile(f"{self._subject.names.records}-{row.created_at:%Y-%m-%d}.{kind}", kind, content)
