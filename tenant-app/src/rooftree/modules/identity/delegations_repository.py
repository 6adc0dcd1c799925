"""SQL of delegations. `visible` is `permissions` for PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, any_, false, func, or_, select, true, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from rooftree.contracts.access.policy import granted
from rooftree.kernel.auth import Delegation
from rooftree.kernel.record_scope import Columns, rows
from rooftree.modules.identity.permissions import Person, as_principal
from rooftree.modules.identity.tables import DelegationRow, UserRow

_whose = aliased(UserRow)


def visible(actor: Person) -> ColumnElement[bool]:
    """One's own ones, given or taken, and those over records of people whom one answers for."""
    grant = granted(actor.role, "delegation", "read")
    if "company" in grant.ways:
        return true()
    # An array, which an index of delegations can be asked for; rows of two tables joined by OR could not be.
    theirs = select(UserRow.id).where(rows(grant, as_principal(actor), Columns(UserRow.id, UserRow.office_id)))
    reached = func.array(theirs.correlate(None).scalar_subquery(), type_=ARRAY(Uuid()))
    return or_(DelegationRow.for_user_id == any_(reached), DelegationRow.assistant_id == actor.id)


class DelegationsRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, row: DelegationRow) -> None:
        self._session.add(row)
        await self._session.flush()

    async def supersede(self, row: DelegationRow) -> None:
        """End what holds of the same between these two: the last word counts, and there are never many."""
        older = update(DelegationRow).where(
            DelegationRow.assistant_id == row.assistant_id,
            DelegationRow.for_user_id == row.for_user_id,
            DelegationRow.resources.contained_by(row.resources),
            DelegationRow.revoked_at.is_(None),
            DelegationRow.expires_at > row.created_at,
        )
        await self._session.execute(older.values(revoked_at=row.created_at, revoked_by=row.granted_by))

    async def find(
        self, actor: Person, *, user_id: UUID | None, now: datetime | None, before: UUID | None, limit: int
    ) -> tuple[Sequence[DelegationRow], int]:
        """Newest first, with how many there are in all. `now`: only those that hold then."""
        conditions = [visible(actor)]
        if user_id is not None:
            conditions.append(or_(DelegationRow.assistant_id == user_id, DelegationRow.for_user_id == user_id))
        if now is not None:
            conditions += [DelegationRow.revoked_at.is_(None), DelegationRow.expires_at > now]
        counted = select(func.count()).select_from(DelegationRow).where(*conditions)
        total = (await self._session.execute(counted)).scalar_one()
        query = select(DelegationRow).where(*conditions)
        if before is not None:
            query = query.where(DelegationRow.id < before)
        rows_found = await self._session.scalars(query.order_by(DelegationRow.id.desc()).limit(limit))
        return rows_found.all(), total

    async def locked(self, actor: Person, delegation_id: UUID) -> tuple[DelegationRow, UserRow] | None:
        """One that the actor may see, with the person whose records they are."""
        query = (
            select(DelegationRow, _whose)
            .join(_whose, _whose.id == DelegationRow.for_user_id)
            .where(visible(actor), DelegationRow.id == delegation_id)
            .with_for_update(of=DelegationRow)
        )
        row = (await self._session.execute(query)).one_or_none()
        return (row[0], row[1]) if row else None

    async def held_by(self, assistant_id: UUID, *, now: datetime) -> tuple[Delegation, ...]:
        """What holds now, of people who are here."""
        query = (
            select(DelegationRow)
            .join(_whose, _whose.id == DelegationRow.for_user_id)
            .where(
                DelegationRow.assistant_id == assistant_id,
                DelegationRow.revoked_at.is_(None),
                DelegationRow.expires_at > now,
                _whose.deactivated_at.is_(None),
            )
            .order_by(DelegationRow.id)
        )
        return tuple(
            Delegation(row.for_user_id, frozenset(row.resources), row.expires_at)
            for row in await self._session.scalars(query)
        )

    async def end_of(self, user_id: UUID, *, taken: bool, given: bool, now: datetime) -> Sequence[UUID]:
        """End what this person took, or what was given over their records. Ids of the assistants."""
        meant = or_(
            DelegationRow.assistant_id == user_id if taken else false(),
            DelegationRow.for_user_id == user_id if given else false(),
        )
        ended = update(DelegationRow).where(meant, DelegationRow.revoked_at.is_(None), DelegationRow.expires_at > now)
        found = await self._session.scalars(ended.values(revoked_at=now).returning(DelegationRow.assistant_id))
        return found.all()
