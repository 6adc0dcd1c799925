"""SQL of leads as a caller sees them: with their people, whom `visibility` limits. Attempts of visitors are counted."""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.contracts.crm.api import LeadState
from rooftree.kernel.auth import Principal
from rooftree.modules.crm.tables import AttemptRow, LeadRow, PersonRow
from rooftree.modules.crm.visibility import claimable_people, people

LeadOwner = Literal["mine", "unassigned", "all"]


class Leads:
    def __init__(self, session: AsyncSession, principal: Principal) -> None:
        self._session = session
        self._principal = principal

    async def lead(self, lead_id: UUID) -> tuple[LeadRow, PersonRow] | None:
        query = (
            select(LeadRow, PersonRow)
            .join(PersonRow, PersonRow.id == LeadRow.person_id)
            .where(people(self._principal, "read"), LeadRow.id == lead_id)
        )
        row = (await self._session.execute(query)).one_or_none()
        return (row[0], row[1]) if row else None

    async def person_of(self, lead_id: UUID) -> UUID | None:
        """Of a lead that the caller can claim, or could have claimed before somebody else did."""
        query = (
            select(PersonRow.id)
            .join(LeadRow, PersonRow.id == LeadRow.person_id)
            .where(claimable_people(self._principal), LeadRow.id == lead_id)
        )
        return await self._session.scalar(query)

    async def find(
        self,
        *,
        state: LeadState | None,
        owner: LeadOwner,
        person_id: UUID | None,
        before: UUID | None,
        limit: int,
    ) -> tuple[list[tuple[LeadRow, PersonRow]], int]:
        """Newest first; `before` is the last one of the page before. With how many there are in all."""
        conditions: list[ColumnElement[bool]] = [people(self._principal, "read")]
        if state is not None:
            conditions.append(LeadRow.state == state)
        if person_id is not None:
            conditions.append(LeadRow.person_id == person_id)
        if owner == "mine":
            conditions.append(PersonRow.assigned_to == self._principal.user_id)
        elif owner == "unassigned":
            conditions.append(PersonRow.assigned_to.is_(None))
        with_person = PersonRow.id == LeadRow.person_id
        counted = select(func.count()).select_from(LeadRow).join(PersonRow, with_person).where(*conditions)
        total = await self._session.execute(counted)
        query = select(LeadRow, PersonRow).join(PersonRow, with_person).where(*conditions)
        query = query.order_by(LeadRow.id.desc()).limit(limit)
        if before is not None:
            query = query.where(LeadRow.id < before)
        return [(row[0], row[1]) for row in await self._session.execute(query)], total.scalar_one()


class Attempts:
    """Inquiries of visitors, counted before they are looked at."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def since(self, key: bytes, moment: datetime) -> tuple[int, datetime | None]:
        """How many, and when the oldest was; others who count the same key wait for this transaction."""
        number = int.from_bytes(key[:8], signed=True)
        await self._session.execute(select(func.pg_advisory_xact_lock(number)))
        query = select(func.count(), func.min(AttemptRow.at)).where(AttemptRow.key == key, AttemptRow.at > moment)
        count, oldest = (await self._session.execute(query)).one()
        return count, oldest

    async def count(self, keys: Iterable[bytes], *, at: datetime) -> None:
        await self._session.execute(insert(AttemptRow), [{"key": key, "at": at} for key in keys])

    async def forget(self, *, before: datetime) -> None:
        await self._session.execute(delete(AttemptRow).where(AttemptRow.at < before))
