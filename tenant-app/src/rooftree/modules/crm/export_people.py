"""Makes the file of an export: the pages of the list, one after the other, with the rights of whoever asked."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from rooftree.contracts.identity.api import IdentityApi, UserNotFound
from rooftree.kernel.auth import Principal
from rooftree.kernel.cells import joined
from rooftree.kernel.clock import Clock
from rooftree.kernel.job_runs import Run
from rooftree.kernel.jobs import Job
from rooftree.kernel.objects import Objects
from rooftree.kernel.spreadsheets import MEDIA_TYPES, Format, Spreadsheets, csv_header, csv_lines
from rooftree.kernel.unit_of_work import UnitOfWork
from rooftree.modules.crm.askers import asker
from rooftree.modules.crm.exports import EXPORT_JOB, export_name, given_filter, require_fits
from rooftree.modules.crm.exports_repository import ExportsRepository
from rooftree.modules.crm.import_fields import LABELS, FieldName
from rooftree.modules.crm.imports import fields_of
from rooftree.modules.crm.summaries_repository import Filter, Summaries, Summary

if TYPE_CHECKING:
    from datetime import datetime

_PAGE = 500


class PeopleExport:
    def __init__(
        self,
        unit_of_work: UnitOfWork,
        clock: Clock,
        objects: Objects,
        identity: IdentityApi,
        spreadsheets: Spreadsheets,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._objects = objects
        self._identity = identity
        self._spreadsheets = spreadsheets

    def job(self) -> Job:
        return Job(name=EXPORT_JOB, run=self.export, tracked=True, attempts=4)

    async def export(self, run: Run, export_id: str) -> None:
        """Raises `ExportTooLarge`, `Forbidden`, StorageUnavailable, after which it is tried again."""
        one = UUID(export_id)
        principal = await asker(self._identity, run.actor_id)
        async with self._unit_of_work() as session:
            row = await ExportsRepository(session).wanted(one)
        if row is None or row.stored_at is not None:
            return
        kind = cast("Format", row.format)  # the table's own check
        content = await self._file(run, principal, kind, given_filter(row.wanted))
        await self._objects.put(export_name(one), content, media_type=MEDIA_TYPES[kind])
        async with self._unit_of_work() as session:
            row = await ExportsRepository(session).wanted(one)
            if row is not None:
                row.stored_at = self._clock.now()
                await run.step(session, message="The file is ready", result=f"/api/v1/people-exports/{one}")

    async def _file(self, run: Run, principal: Principal, kind: Format, wanted: Filter) -> bytes:
        fields = fields_of(principal)
        emails: dict[UUID, str] = {}
        made = bytearray() if kind == "jsonl" else bytearray(_header(kind, fields))
        async for page in self._pages(run, principal, wanted):
            if "assigned_to" in fields:
                await self._look_up(emails, page)
            for person in page:
                values = _values(person, fields, emails)
                made += _line(kind, list(values.values()) if kind != "jsonl" else values)
        return await self._spreadsheets.workbook(bytes(made)) if kind == "xlsx" else bytes(made)

    async def _look_up(self, emails: dict[UUID, str], page: Sequence[Summary]) -> None:
        """Addresses of who looks after these people."""
        for user_id in {person["assigned_to"] for person in page} - {None} - emails.keys():
            assert user_id is not None
            try:
                emails[user_id] = (await self._identity.user(user_id)).email
            except UserNotFound:
                emails[user_id] = ""  # left a moment ago; their people follow

    async def _pages(self, run: Run, principal: Principal, wanted: Filter) -> AsyncIterator[Sequence[Summary]]:
        """As the list has them, who came first first."""
        after: tuple[str | datetime, UUID] | None = None
        done = 0
        while True:
            async with self._unit_of_work.reading() as connection:
                people = Summaries(connection, principal)
                page, total = await people.page(wanted, sort="created_at", after=after, limit=_PAGE)
            require_fits(total)
            if not page:
                return
            yield page
            after, done = (page[-1]["created_at"], page[-1]["id"]), done + len(page)
            async with self._unit_of_work() as session:
                await run.step(session, done=done, total=max(total, done), message="Writing the file")


def _values(person: Summary, fields: Sequence[FieldName], emails: Mapping[UUID, str]) -> dict[FieldName, Any]:
    whose = person["assigned_to"]
    known: dict[FieldName, Any] = {
        "name": person["name"],
        "emails": person["emails"] or [],
        "phones": [typed for typed, _ in person["phones"] or ()],
        "source": person["source"],
        "tags": person["tags"],
        "stage": person["stage_name"],
        "assigned_to": emails.get(whose, "") if whose else "",
    }
    return {name: known[name] for name in fields}


def _header(kind: Format, fields: Sequence[FieldName]) -> bytes:
    labels = [LABELS[name] for name in fields]
    return csv_header(labels) if kind == "csv" else _line(kind, labels)


def _line(kind: Format, values: Any) -> bytes:
    if kind == "jsonl":
        return json.dumps(values, ensure_ascii=False).encode() + b"\n"
    cells = [joined(value) if isinstance(value, list) else value for value in values]
    return csv_lines([cells]) if kind == "csv" else json.dumps(cells).encode() + b"\n"
