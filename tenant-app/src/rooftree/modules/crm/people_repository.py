"""SQL of single people as a caller sees them; `visibility` limits every query here. Lists: `summaries_repository`."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, Select, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.kernel.auth import Principal
from rooftree.modules.crm.tables import PersonRow
from rooftree.modules.crm.visibility import claimable_people, people


@dataclass(frozen=True, slots=True)
class Found:
    """A person whom the caller sees. `theirs`: and may change."""

    row: PersonRow
    theirs: bool


class PeopleRepository:
    def __init__(self, session: AsyncSession, principal: Principal) -> None:
        self._session = session
        self._principal = principal
        self._visible = people(principal, "read")
        # Never NULL, as it would be for somebody whom nobody looks after.
        self._theirs = people(principal, "update").is_(true())

    async def person(self, person_id: UUID) -> Found | None:
        return await self._one(self._query(PersonRow.id == person_id))

    async def locked(self, person_id: UUID, *, claiming: bool = False) -> Found | None:
        """Nobody else changes the person before this transaction ends. `claiming`: also whom somebody just claimed."""
        seen = claimable_people(self._principal) if claiming else self._visible
        query = select(PersonRow, self._theirs).where(seen, PersonRow.id == person_id).with_for_update(of=PersonRow)
        # Also what this session read before: until now another transaction may have changed it.
        return await self._one(query.execution_options(populate_existing=True))

    async def all_locked(self, person_ids: Collection[UUID]) -> Sequence[PersonRow]:
        """Those of them whom the caller may change; nobody else does before this transaction ends."""
        query = select(PersonRow).where(self._visible, self._theirs, PersonRow.id.in_(person_ids))
        query = query.order_by(PersonRow.id).with_for_update()
        return (await self._session.scalars(query.execution_options(populate_existing=True))).all()

    async def seen(self, person_ids: Collection[UUID]) -> Sequence[PersonRow]:
        query = select(PersonRow).where(self._visible, PersonRow.id.in_(person_ids))
        return (await self._session.scalars(query)).all()

    def _query(self, *conditions: ColumnElement[bool]) -> Select[PersonRow, bool]:
        return select(PersonRow, self._theirs).where(self._visible, *conditions)

    async def _one(self, query: Select[PersonRow, bool]) -> Found | None:
        row = (await self._session.execute(query)).one_or_none()
        return Found(row[0], row[1]) if row else None
