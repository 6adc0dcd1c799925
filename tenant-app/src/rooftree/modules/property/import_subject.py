"""Imports and exports of own listings, as `rooftree.bulk` asks for them."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.bulk.cells import RowProblem
from rooftree.bulk.colleagues import Addresses, colleagues, still_here
from rooftree.bulk.columns import Column, Field
from rooftree.bulk.exports import Exports
from rooftree.bulk.imports import Imports
from rooftree.bulk.subject import Line, Names, Outcome, Page, Taken, TakenBack, Verdict
from rooftree.bulk.tables import Tables
from rooftree.contracts.access.policy import grant
from rooftree.contracts.identity.api import IdentityApi
from rooftree.kernel.auth import Principal
from rooftree.kernel.errors import Forbidden
from rooftree.kernel.outbox import Outbox
from rooftree.kernel.settings import Settings
from rooftree.kernel.unit_of_work import UnitOfWork
from rooftree.modules.property import export_rows, import_fields, import_page, import_rows, rights
from rooftree.modules.property.import_page import Brokerage, ListingPage
from rooftree.modules.property.import_rows import Candidate, Directory
from rooftree.modules.property.import_undo import Former, ListingUndo, former_agents
from rooftree.modules.property.listing_saver import tell
from rooftree.modules.property.own_repository import OwnListings
from rooftree.modules.property.tables import BULK

_EXPORTED = 50  # at once: one may have more than 100 KiB


class ListingImports(Imports):
    """Those of listings."""


class ListingExports(Exports):
    """Likewise."""


class ListingBulk:
    """Fulfils `Subject[Candidate]`. An export's `wanted` is `{"status": […]}`, none: all."""

    tables: Tables = BULK
    names = Names(module="property", kind="properties", path="property", record="listing", records="listings")

    def __init__(self, unit_of_work: UnitOfWork, outbox: Outbox, identity: IdentityApi, settings: Settings) -> None:
        self._unit_of_work = unit_of_work
        self._outbox = outbox
        self._identity = identity
        self._brokerage = Brokerage(settings.display_name, settings.currency)

    def require(self, principal: Principal) -> None:
        if not grant(principal, "listing", "create"):
            raise Forbidden("Your role does not open this.")
        rights.makes_of_office(principal)

    def offered(self, principal: Principal) -> list[Field]:
        return import_fields.open_to(assigns=rights.gives_away(principal))

    def guessed(self, headers: Sequence[str], offered: Sequence[Field]) -> list[str | None]:
        return import_fields.guessed(headers, offered)

    # -- imports ------------------------------------------------------------------------------------------------------

    async def directory(self, principal: Principal, columns: Sequence[Column], lines: Sequence[Line]) -> Directory:
        found = await colleagues(self._identity, "list_agent", columns, lines)
        own = await self._identity.user(principal.user_id) if rights.brings_own(principal) else None
        return Directory(self._brokerage.currency, found, own)

    def parsed(
        self, number: int, cells: Sequence[str], columns: Sequence[tuple[str, str | None]], directory: Directory
    ) -> tuple[Candidate | None, Sequence[RowProblem]]:
        return import_rows.parsed(number, cells, columns, directory)

    def bounded(self, page: Sequence[Candidate]) -> int:
        return len(page)

    async def judged(self, session: AsyncSession, principal: Principal, page: Sequence[Candidate]) -> Sequence[Verdict]:
        return await import_page.judged(session, principal, page, self._brokerage)

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
        taking = ListingPage(session, self._outbox, principal, self._brokerage, now=now)
        outcomes = await taking.take(page, updates)
        return Taken(outcomes, lambda: tell(session, self._outbox, taking.told))

    async def former(self, principal: Principal, lines: Sequence[Outcome]) -> Former:
        """Agents to whom these listings may go back, as they are now. Outside of transactions."""
        return await still_here(self._identity, former_agents(lines))

    async def take_back(
        self, session: AsyncSession, principal: Principal, lines: Sequence[Outcome], *, former: Former, now: datetime
    ) -> TakenBack:
        undo = ListingUndo(session, self._outbox, principal, former, now=now)
        undone = await undo.take_back(lines)
        return TakenBack(undone, lambda: tell(session, self._outbox, undo.told))

    # -- exports ------------------------------------------------------------------------------------------------------

    async def count(self, principal: Principal, wanted: Mapping[str, Any]) -> int:
        async with self._unit_of_work() as session:
            return await OwnListings(session).count(principal, wanted["status"])

    async def pages(self, principal: Principal, wanted: Mapping[str, Any]) -> AsyncIterator[Page]:
        """In the order in which they were made: it does not change while somebody edits them."""
        fields, after = self.offered(principal), None
        addresses = Addresses(self._identity)
        emails: Mapping[UUID, str] = {}
        are_told = any(field.name == "list_agent" for field in fields)
        total = await self.count(principal, wanted)
        while True:
            async with self._unit_of_work() as session:
                rows = await OwnListings(session).made(principal, wanted["status"], limit=_EXPORTED, after=after)
            if not rows:
                return
            if are_told:
                emails = await addresses.of({row.list_agent_id for row in rows if row.list_agent_id is not None})
            yield Page([export_rows.values(row, fields, emails) for row in rows], total)
            after = rows[-1].id
