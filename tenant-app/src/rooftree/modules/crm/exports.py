"""Use cases of exports: people that the list has, as a file that whoever asked can fetch for a day."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from rooftree.contracts.crm.api import ExportNotFound, ExportTooLarge
from rooftree.kernel.auth import Principal
from rooftree.kernel.clock import Clock
from rooftree.kernel.ids import new_id
from rooftree.kernel.jobs import Jobs
from rooftree.kernel.objects import ObjectNotFound, Objects
from rooftree.kernel.spreadsheets import Format
from rooftree.kernel.unit_of_work import UnitOfWork
from rooftree.modules.crm.exports_repository import ExportsRepository
from rooftree.modules.crm.summaries_repository import Filter, Summaries
from rooftree.modules.crm.tables import ExportRow

EXPORT_JOB = "crm.export_people"
EXPORT_KEPT = timedelta(hours=24)
MOST_PEOPLE = 20_000
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


def stored_filter(wanted: Filter) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, UUID) else value for name, value in asdict(wanted).items()}


def given_filter(stored: Mapping[str, Any]) -> Filter:
    ids = {name: UUID(stored[name]) if stored[name] else None for name in ("stage_id", "assigned_to")}
    return Filter(**{**stored, **ids})


def require_fits(total: int) -> None:
    """Raises `ExportTooLarge`."""
    if total > MOST_PEOPLE:
        raise ExportTooLarge(f"These are {total:,}; {MOST_PEOPLE:,} are the most. Choose fewer by the filters.")


class Exports:
    def __init__(self, unit_of_work: UnitOfWork, clock: Clock, jobs: Jobs, objects: Objects) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._jobs = jobs
        self._objects = objects

    async def begin(self, principal: Principal, kind: Format, wanted: Filter) -> BegunExport:
        """Raises `ExportTooLarge`, `StorageUnavailable` where there is none at all."""
        self._objects.require()
        async with self._unit_of_work.reading() as connection:
            _, total = await Summaries(connection, principal).page(wanted, sort="created_at", after=None, limit=1)
        require_fits(total)
        export_id, now = new_id(), self._clock.now()
        row = ExportRow(id=export_id, actor_id=principal.user_id, format=kind, wanted=stored_filter(wanted))
        row.created_at = now
        async with self._unit_of_work.effect() as session:
            await ExportsRepository(session).add(row)
            job_id = await self._jobs.ask(EXPORT_JOB, session=session, principal=principal, export_id=str(export_id))
        return BegunExport(export_id, job_id, kind, now)

    async def file(self, principal: Principal, export_id: UUID) -> ExportFile:
        """Raises `ExportNotFound`, `StorageUnavailable`."""
        async with self._unit_of_work() as session:
            row = await ExportsRepository(session).one(principal, export_id)
        if row is None or row.stored_at is None or row.stored_at <= self._clock.now() - EXPORT_KEPT:
            raise ExportNotFound
        kind = cast("Format", row.format)  # the table's own check
        try:
            content = await self._objects.get(export_name(export_id))
        except ObjectNotFound:
            raise ExportNotFound from None
        return ExportFile(f"contacts-{row.created_at:%Y-%m-%d}.{kind}", kind, content)
