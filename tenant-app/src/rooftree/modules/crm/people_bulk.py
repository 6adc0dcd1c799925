"""What imports and exports of people are: fields, whom a row is about, and what is done for them (`bulk.subject`)."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime
from itertools import accumulate
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.bulk.cells import RowProblem
from rooftree.bulk.colleagues import colleagues
from rooftree.bulk.columns import Column, Field
from rooftree.bulk.exports import Exports
from rooftree.bulk.imports import Imports
from rooftree.bulk.subject import About, Line, Names, Outcome, Page, Taken, TakenBack, Verdict
from rooftree.bulk.tables import Tables
from rooftree.contracts.access.policy import grant
from rooftree.contracts.identity.api import IdentityApi
from rooftree.kernel.auth import Principal
from rooftree.kernel.live import MOST_RECORDS
from rooftree.kernel.outbox import Outbox
from rooftree.kernel.record_scope import Place
from rooftree.kernel.unit_of_work import UnitOfWork
from rooftree.modules.crm import import_fields, import_rows
from rooftree.modules.crm.changes import Changes
from rooftree.modules.crm.export_people import ExportedPeople, given_filter
from rooftree.modules.crm.import_page import ImportPage
from rooftree.modules.crm.import_rows import Candidate, Directory
from rooftree.modules.crm.import_undo import taken_back
from rooftree.modules.crm.people_matching import Matched, Matching
from rooftree.modules.crm.rights import WORKING_ROLES, may, require_place
from rooftree.modules.crm.stages_repository import Stages
from rooftree.modules.crm.tables import BULK

# Each is a lock in a table that all tenants of the server share.
MOST_KEYS = 400


class PeopleImports(Imports):
    """Those of people."""


class PeopleExports(Exports):
    """Likewise."""


class PeopleBulk:
    """Fulfils `bulk.subject.Subject`."""

    names = Names(module="crm", kind="people", path="people", record="contact", records="contacts")
    tables: Tables = BULK

    def __init__(self, unit_of_work: UnitOfWork, outbox: Outbox, identity: IdentityApi, *, region: str | None) -> None:
        self._unit_of_work = unit_of_work
        self._outbox = outbox
        self._identity = identity
        self._region = region
        self._exported = ExportedPeople(unit_of_work, identity)

    # -- rows ---------------------------------------------------------------------------------------------------------

    def require(self, principal: Principal) -> None:
        require_place(principal)

    def offered(self, principal: Principal) -> Sequence[Field]:
        return import_fields.open_to(assigns=bool(grant(principal, "person", "assign")))

    def guessed(self, headers: Sequence[str], offered: Sequence[Field]) -> Sequence[str | None]:
        return import_fields.guessed(headers, offered)

    async def directory(self, principal: Principal, columns: Sequence[Column], lines: Sequence[Line]) -> Directory:
        found = await colleagues(self._identity, "assigned_to", columns, lines)
        async with self._unit_of_work() as session:
            stages = {row.name_key: row.id for row in await Stages(session).all()}
        may_have = {
            key: one
            for key, one in found.items()
            if one.role in WORKING_ROLES and may(principal, "assign", Place(one.id, one.office_id))
        }
        return Directory(stages, may_have, self._region)

    def parsed(
        self, number: int, cells: Sequence[str], columns: Sequence[tuple[str, str | None]], directory: Directory
    ) -> tuple[Candidate | None, Sequence[RowProblem]]:
        return import_rows.parsed(number, cells, columns, directory)

    async def judged(self, session: AsyncSession, principal: Principal, page: Sequence[Candidate]) -> Sequence[Verdict]:
        matched = await Matching(session, principal).found(page, lock=False)
        return [_verdict(candidate, matched) for candidate in page]

    # -- effects ------------------------------------------------------------------------------------------------------

    def bounded(self, page: Sequence[Candidate]) -> int:
        """As many as have together no more keys than may be locked."""
        keys = accumulate(len(candidate.keys) for candidate in page)
        return max(1, sum(count <= MOST_KEYS for count in keys))

    async def take(
        self,
        session: AsyncSession,
        principal: Principal,
        import_id: UUID,
        page: Sequence[Candidate],
        *,
        updates: Collection[int],
        now: datetime,
    ) -> Taken:
        """Also of `updates` new people are made, where nobody has the address any more: the row tells all of them."""
        changes = Changes(session, self._outbox, now=now, actor=principal.user_id)
        outcomes = await ImportPage(session, changes, principal, import_id).take(page)
        return Taken(outcomes, lambda: changes.finish(named=len(page) <= MOST_RECORDS))

    async def former(self, principal: Principal, lines: Sequence[Outcome]) -> None:
        """Whoever looked after them before is not asked about: they are given back to nobody."""

    async def take_back(
        self, session: AsyncSession, principal: Principal, lines: Sequence[Outcome], *, former: None, now: datetime
    ) -> TakenBack:
        changes = Changes(session, self._outbox, now=now, actor=principal.user_id)
        undone = await taken_back(session, changes, principal, lines)
        return TakenBack(undone, lambda: changes.finish(named=len(lines) <= MOST_RECORDS))

    # -- exports ------------------------------------------------------------------------------------------------------

    async def count(self, principal: Principal, wanted: Mapping[str, Any]) -> int:
        return await self._exported.count(principal, given_filter(wanted))

    def pages(self, principal: Principal, wanted: Mapping[str, Any]) -> AsyncIterator[Page]:
        return self._exported.pages(principal, given_filter(wanted), self.offered(principal))


def _verdict(candidate: Candidate, matched: Matched) -> Verdict:
    person_id = matched.by_row.get(candidate.number)
    decision, _, errors = import_rows.decided(candidate, matched.known[person_id] if person_id else None)
    # Hashes: an import has many addresses, and they are long.
    about = [About(hash(one.key), one.field, one.typed) for one in candidate.contacts]
    about += [About(person_id)] if person_id else []
    return Verdict(number=candidate.number, decision=decision, errors=errors, about=about)
