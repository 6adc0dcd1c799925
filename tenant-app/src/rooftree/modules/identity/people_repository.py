"""SQL of people, their invitations, offices and teams. `visible` is `permissions.may_see` for PostgreSQL."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, false, func, insert, literal, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from rooftree.contracts.access.policy import granted
from rooftree.contracts.identity.api import OWNER_ROLE, STAFF_ROLES
from rooftree.kernel.record_scope import Columns, rows
from rooftree.kernel.text import name_key
from rooftree.modules.identity.people_schemas import InvitationState
from rooftree.modules.identity.permissions import MANAGED_ROLES, Person, as_principal
from rooftree.modules.identity.tables import FamilyRow, InvitationRow, MemberRow, OfficeRow, TeamRow, UserRow

# Changes that may take the last owner wait for each other; any number that is only ours.
_OWNERS_LOCK = 0x6F776E657273


def visible(actor: Person) -> ColumnElement[bool]:
    in_office = false() if actor.office_id is None else UserRow.office_id == actor.office_id
    more = {
        "managed": and_(in_office, UserRow.role.in_(MANAGED_ROLES)),
        "colleagues": and_(
            UserRow.deactivated_at.is_(None), UserRow.role.in_(STAFF_ROLES), or_(in_office, UserRow.role == OWNER_ROLE)
        ),
    }
    columns = Columns(UserRow.id, UserRow.office_id)
    return rows(granted(actor.role, "user", "read"), as_principal(actor), columns, more=lambda _: more)


def visible_invitations(actor: Person) -> ColumnElement[bool]:
    columns = Columns(InvitationRow.invited_by, InvitationRow.office_id)
    return rows(granted(actor.role, "invitation", "read"), as_principal(actor), columns)


_mine, _theirs, _mate = aliased(MemberRow), aliased(MemberRow), aliased(UserRow)
# Of a query over people: the ids of their teams, and of who else is in these.
_TEAMS = (
    select(func.array_agg(_mine.team_id)).where(_mine.user_id == UserRow.id).scalar_subquery(),
    select(func.array_agg(_theirs.user_id.distinct()))
    .join(_mine, _mine.team_id == _theirs.team_id)
    .join(_mate, _mate.id == _theirs.user_id)
    .where(_mine.user_id == UserRow.id, _theirs.user_id != UserRow.id, _mate.deactivated_at.is_(None))
    .correlate(UserRow)
    .scalar_subquery(),
)


class PeopleRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    # -- people -------------------------------------------------------------------------------------------------------

    async def user(self, user_id: UUID, *, lock: bool = False) -> UserRow | None:
        query = select(UserRow).where(UserRow.id == user_id)
        return await self._session.scalar(query.with_for_update() if lock else query)

    async def kept(self, user_ids: Collection[UUID]) -> Sequence[UserRow]:
        """These people, as they stay until this transaction ends."""
        query = select(UserRow).where(UserRow.id.in_(user_ids)).order_by(UserRow.id).with_for_update(read=True)
        return (await self._session.scalars(query)).all()

    async def find_users(
        self,
        actor: Person,
        filters: Iterable[tuple[str, Any]],
        *,
        q: str | None,
        is_active: bool | None,
        after: tuple[str, UUID] | None,
        limit: int,
    ) -> tuple[Sequence[UserRow], int]:
        """By name, those that come `after` this name and person, with how many there are in all.

        `filters`: columns and what they must equal.
        """
        conditions = [visible(actor), *(getattr(UserRow, name) == value for name, value in filters)]
        if q:
            searched = (UserRow.name, UserRow.email)
            conditions.append(or_(*(column.icontains(q, autoescape=True) for column in searched)))
        if is_active is not None:
            conditions.append(UserRow.deactivated_at.is_(None) == is_active)
        total = await self._session.scalar(select(func.count()).select_from(UserRow).where(*conditions))
        name = func.lower(UserRow.name)
        if after is not None:
            conditions.append(tuple_(name, UserRow.id) > tuple_(func.lower(after[0]), literal(after[1])))
        query = select(UserRow).where(*conditions).order_by(name, UserRow.id).limit(limit)
        return (await self._session.scalars(query)).all(), total or 0

    async def names(self, user_ids: Collection[UUID]) -> dict[UUID, str]:
        if not user_ids:
            return {}
        query = select(UserRow.id, UserRow.name).where(UserRow.id.in_(user_ids))
        return {row[0]: row[1] for row in await self._session.execute(query)}

    async def teams_of(self, user_ids: Collection[UUID]) -> dict[UUID, tuple[UUID, ...]]:
        """Team ids of each person, sorted."""
        found: dict[UUID, list[UUID]] = {user_id: [] for user_id in user_ids}
        query = select(MemberRow.user_id, MemberRow.team_id).where(MemberRow.user_id.in_(found))
        for user_id, team_id in await self._session.execute(query.order_by(MemberRow.team_id)):
            found[user_id].append(team_id)
        return {user_id: tuple(teams) for user_id, teams in found.items()}

    async def set_teams(self, user_id: UUID, team_ids: Collection[UUID]) -> None:
        await self._session.execute(delete(MemberRow).where(MemberRow.user_id == user_id))
        if team_ids:
            values = [{"user_id": user_id, "team_id": team_id} for team_id in team_ids]
            await self._session.execute(insert(MemberRow), values)

    async def standing(self, family_id: UUID) -> tuple[UserRow, tuple[UUID, ...], tuple[UUID, ...]] | None:
        """The person of a sign-in that is not ended, their teams and team mates; None also for one who has left."""
        query = (
            select(UserRow, *_TEAMS)
            .join(FamilyRow, FamilyRow.user_id == UserRow.id)
            .where(FamilyRow.id == family_id, FamilyRow.revoked_at.is_(None), UserRow.deactivated_at.is_(None))
        )
        row = (await self._session.execute(query)).one_or_none()
        return (row[0], tuple(row[1] or ()), tuple(row[2] or ())) if row else None

    async def active(self, user_id: UUID) -> tuple[UserRow, tuple[UUID, ...], tuple[UUID, ...]] | None:
        """A person who has not left, with their teams and team mates."""
        query = select(UserRow, *_TEAMS).where(UserRow.id == user_id, UserRow.deactivated_at.is_(None))
        row = (await self._session.execute(query)).one_or_none()
        return (row[0], tuple(row[1] or ()), tuple(row[2] or ())) if row else None

    async def staff(self, email_keys: Collection[str]) -> list[tuple[UserRow, tuple[UUID, ...], tuple[UUID, ...]]]:
        """Likewise, who of the staff has one of these addresses."""
        query = select(UserRow, *_TEAMS).where(UserRow.email_key.in_(email_keys), UserRow.role.in_(STAFF_ROLES))
        found = await self._session.execute(query.where(UserRow.deactivated_at.is_(None)).order_by(UserRow.id))
        return [(row[0], tuple(row[1] or ()), tuple(row[2] or ())) for row in found]

    async def lock_owners(self) -> int:
        """How many owners are active; nobody else who asks this gets an answer before this transaction ends."""
        await self._session.execute(select(func.pg_advisory_xact_lock(_OWNERS_LOCK)))
        query = select(func.count()).select_from(UserRow)
        query = query.where(UserRow.role == OWNER_ROLE, UserRow.deactivated_at.is_(None))
        return await self._session.scalar(query) or 0

    async def end_sign_ins(
        self, user_id: UUID, *, only: Collection[UUID] | None, keep: UUID | None, because: str, now: datetime
    ) -> None:
        conditions = [FamilyRow.user_id == user_id, FamilyRow.revoked_at.is_(None)]
        if only is not None:
            conditions.append(FamilyRow.id.in_(only))
        if keep is not None:
            conditions.append(FamilyRow.id != keep)
        await self._session.execute(
            update(FamilyRow).where(*conditions).values(revoked_at=now, revoked_because=because)
        )

    # -- invitations --------------------------------------------------------------------------------------------------

    async def find_invitations(
        self, actor: Person, *, state: InvitationState | None, now: datetime, before: UUID | None, limit: int
    ) -> tuple[Sequence[InvitationRow], int]:
        """Newest first, with how many there are in all."""
        conditions = [visible_invitations(actor)]
        if state is not None:
            conditions.append(_in_state(state, now))
        total = await self._session.scalar(select(func.count()).select_from(InvitationRow).where(*conditions))
        if before is not None:
            conditions.append(InvitationRow.id < before)
        query = select(InvitationRow).where(*conditions).order_by(InvitationRow.id.desc()).limit(limit)
        return (await self._session.scalars(query)).all(), total or 0

    async def open_invitations_by(self, user_id: UUID) -> Sequence[InvitationRow]:
        query = select(InvitationRow).where(
            InvitationRow.invited_by == user_id,
            InvitationRow.accepted_at.is_(None),
            InvitationRow.revoked_at.is_(None),
        )
        return (await self._session.scalars(query.with_for_update())).all()

    # -- offices and teams --------------------------------------------------------------------------------------------

    async def office(self, office_id: UUID, *, lock: bool = False) -> OfficeRow | None:
        query = select(OfficeRow).where(OfficeRow.id == office_id)
        return await self._session.scalar(query.with_for_update() if lock else query)

    async def keep_office(self, office_id: UUID) -> bool:
        """Whether it exists; it stays until this transaction ends."""
        query = select(OfficeRow.id).where(OfficeRow.id == office_id).with_for_update(read=True, key_share=True)
        return await self._session.scalar(query) is not None

    async def find_offices(
        self, *, q: str | None, after: tuple[str, UUID] | None, limit: int
    ) -> tuple[Sequence[OfficeRow], int]:
        """By name; `q`: a part of it."""
        conditions = [OfficeRow.name_key.contains(name_key(q), autoescape=True)] if q else []
        total = await self._session.scalar(select(func.count()).select_from(OfficeRow).where(*conditions))
        if after is not None:
            conditions.append(tuple_(OfficeRow.name_key, OfficeRow.id) > tuple_(*after))
        query = select(OfficeRow).where(*conditions).order_by(OfficeRow.name_key, OfficeRow.id).limit(limit)
        return (await self._session.scalars(query)).all(), total or 0

    async def active_in_offices(self, office_ids: Collection[UUID]) -> dict[UUID, int]:
        query = (
            select(UserRow.office_id, func.count())
            .where(UserRow.office_id.in_(office_ids), UserRow.deactivated_at.is_(None))
            .group_by(UserRow.office_id)
        )
        return {office_id: count for office_id, count in await self._session.execute(query) if office_id}

    async def is_office_in_use(self, office_id: UUID, *, now: datetime) -> bool:
        """By active people, teams or invitations that are still open."""
        invited = select(InvitationRow.id).where(
            InvitationRow.office_id == office_id,
            InvitationRow.accepted_at.is_(None),
            InvitationRow.revoked_at.is_(None),
            InvitationRow.expires_at > now,
        )
        people = select(UserRow.id).where(UserRow.office_id == office_id, UserRow.deactivated_at.is_(None))
        teams = select(TeamRow.id).where(TeamRow.office_id == office_id)
        return bool(await self._session.scalar(select(or_(people.exists(), teams.exists(), invited.exists()))))

    async def delete_office(self, office_id: UUID) -> None:
        """People who left are then of no office."""
        left = update(UserRow).where(UserRow.office_id == office_id)
        await self._session.execute(left.values(office_id=None, version=UserRow.version + 1))
        await self._session.execute(delete(OfficeRow).where(OfficeRow.id == office_id))

    async def team(self, team_id: UUID, *, lock: bool = False) -> TeamRow | None:
        query = select(TeamRow).where(TeamRow.id == team_id)
        return await self._session.scalar(query.with_for_update() if lock else query)

    async def find_teams(
        self, *, q: str | None, office_id: UUID | None, after: tuple[str, UUID] | None, limit: int
    ) -> tuple[Sequence[TeamRow], int]:
        """By name; `q`: a part of it."""
        conditions = [TeamRow.name_key.contains(name_key(q), autoescape=True)] if q else []
        if office_id is not None:
            conditions.append(TeamRow.office_id == office_id)
        total = await self._session.scalar(select(func.count()).select_from(TeamRow).where(*conditions))
        if after is not None:
            conditions.append(tuple_(TeamRow.name_key, TeamRow.id) > tuple_(*after))
        query = select(TeamRow).where(*conditions).order_by(TeamRow.name_key, TeamRow.id).limit(limit)
        return (await self._session.scalars(query)).all(), total or 0

    async def teams_in(self, office_id: UUID | None, team_ids: Collection[UUID]) -> set[UUID]:
        """Those of these teams that the office has; they stay until this transaction ends."""
        query = select(TeamRow.id).where(TeamRow.office_id == office_id, TeamRow.id.in_(team_ids))
        return set(await self._session.scalars(query.order_by(TeamRow.id).with_for_update(read=True, key_share=True)))

    async def active_members(self, team_ids: Collection[UUID]) -> dict[UUID, int]:
        query = (
            select(MemberRow.team_id, func.count())
            .join(UserRow, UserRow.id == MemberRow.user_id)
            .where(MemberRow.team_id.in_(team_ids), UserRow.deactivated_at.is_(None))
            .group_by(MemberRow.team_id)
        )
        return {row[0]: row[1] for row in await self._session.execute(query)}

    async def lock_members(self, team_id: UUID) -> Sequence[UserRow]:
        query = (
            select(UserRow)
            .join(MemberRow, MemberRow.user_id == UserRow.id)
            .where(MemberRow.team_id == team_id)
            .order_by(UserRow.id)
            .with_for_update(of=UserRow)
        )
        return (await self._session.scalars(query)).all()

    async def delete_team(self, team_id: UUID) -> None:
        await self._session.execute(delete(TeamRow).where(TeamRow.id == team_id))


def _in_state(state: InvitationState, now: datetime) -> ColumnElement[bool]:
    """As `user_invitations.state` tells of one."""
    accepted, revoked = InvitationRow.accepted_at.is_not(None), InvitationRow.revoked_at.is_not(None)
    waiting = and_(~accepted, ~revoked)
    return {
        "accepted": accepted,
        "revoked": and_(~accepted, revoked),
        "open": and_(waiting, InvitationRow.expires_at > now),
        "expired": and_(waiting, InvitationRow.expires_at <= now),
    }[state]
