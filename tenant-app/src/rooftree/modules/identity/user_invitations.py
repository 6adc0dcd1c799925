"""Use cases of inviting colleagues: invite, list, send again, revoke. The one who is invited sees `invitations`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.kernel.auth import Principal
from rooftree.kernel.clock import Clock
from rooftree.kernel.errors import Conflict, Forbidden
from rooftree.kernel.ids import new_id
from rooftree.kernel.jobs import Jobs
from rooftree.kernel.pagination import cursor_id, decode_cursor, encode_cursor
from rooftree.kernel.text import email_key
from rooftree.kernel.unit_of_work import UnitOfWork
from rooftree.modules.identity import permissions
from rooftree.modules.identity.domain import INVITATION_LIFE
from rooftree.modules.identity.invitation_mail import INVITATION_JOB
from rooftree.modules.identity.invitations import InvitationGone, InvitationNotFound, Links
from rooftree.modules.identity.people_repository import PeopleRepository
from rooftree.modules.identity.people_schemas import InvitationState
from rooftree.modules.identity.repository import IdentityRepository
from rooftree.modules.identity.tables import InvitationRow
from rooftree.modules.identity.users import actor, check_place


class InvitationExists(Conflict):
    code, title = "invitation-exists", "This address is invited already"


class UserExists(Conflict):
    code, title = "user-exists", "There is an account with this address already"


@dataclass(frozen=True, slots=True)
class Invited:
    """An invitation with what follows from it now."""

    row: InvitationRow
    state: InvitationState
    invited_by: str | None


@dataclass(frozen=True, slots=True)
class InvitationPage:
    items: Sequence[Invited]
    total: int
    next_cursor: str | None


def state(row: InvitationRow, now: datetime) -> InvitationState:
    if row.accepted_at is not None:
        return "accepted"
    if row.revoked_at is not None:
        return "revoked"
    return "open" if now < row.expires_at else "expired"


class UserInvitations:
    def __init__(self, unit_of_work: UnitOfWork, clock: Clock, jobs: Jobs, *, links: Links) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._jobs = jobs
        self._links = links

    def link(self, row: InvitationRow) -> str:
        return self._links.to(row)

    async def find(
        self, principal: Principal, *, state: InvitationState | None, limit: int, cursor: str | None
    ) -> InvitationPage:
        """Newest first."""
        before = cursor_id(decode_cursor(cursor, str)[0]) if cursor else None
        async with self._unit_of_work() as session:
            people = PeopleRepository(session)
            rows, total = await people.find_invitations(
                actor(principal), state=state, now=self._clock.now(), before=before, limit=limit + 1
            )
            shown = rows[:limit]
            names = await people.names({row.invited_by for row in shown if row.invited_by})
        items = [self._invited(row, names) for row in shown]
        following = encode_cursor(str(shown[-1].id)) if len(rows) > limit else None
        return InvitationPage(items, total, following)

    async def create(
        self,
        principal: Principal,
        *,
        email: str,
        name: str,
        role: str,
        office_id: UUID | None,
        team_ids: tuple[UUID, ...],
    ) -> Invited:
        """Raises `Forbidden`, `Unprocessable`, `UserExists`, `InvitationExists`."""
        asking, now = actor(principal), self._clock.now()
        if not permissions.is_owner(asking) and office_id is None:
            office_id = asking.office_id
        if not permissions.may_invite(asking, role, office_id):
            raise Forbidden(_MAY_NOT)
        row = InvitationRow(
            id=new_id(),
            email=email,
            email_key=email_key(email),
            name=name,
            role=role,
            office_id=office_id,
            team_ids=sorted(set(team_ids)),
            invited_by=asking.id,
            links=1,
            created_at=now,
            expires_at=now + INVITATION_LIFE,
        )
        async with self._unit_of_work.effect() as session:
            people = PeopleRepository(session)
            await check_place(people, role, office_id, row.team_ids)
            await self._add(session, row)
            await self._mail(session, row)
            return self._invited(row, await people.names([asking.id]))

    async def _add(self, session: AsyncSession, row: InvitationRow) -> None:
        """In the place of one that has expired."""
        repository = IdentityRepository(session)
        if await repository.user_by_email(row.email_key):
            raise UserExists
        before = await repository.open_invitation(row.email_key)
        if before is not None and before.expires_at <= row.created_at:
            before.revoked_at = row.created_at
            await session.flush()
        if not await repository.try_add(row):
            raise InvitationExists("Send that one again, or revoke it first.")

    async def resend(self, principal: Principal, invitation_id: UUID) -> Invited:
        """With a new link and a new life. Raises `InvitationNotFound`, `Forbidden`, `InvitationGone`."""
        async with self._unit_of_work.effect() as session:
            row = await self._mine(session, principal, invitation_id)
            row.links += 1
            row.expires_at = self._clock.now() + INVITATION_LIFE
            await session.flush()
            await self._mail(session, row)
            by = [row.invited_by] if row.invited_by else []
            return self._invited(row, await PeopleRepository(session).names(by))

    async def revoke(self, principal: Principal, invitation_id: UUID) -> None:
        """Raises `InvitationNotFound`, `Forbidden`, `InvitationGone` for one that was accepted. Twice is no error."""
        async with self._unit_of_work() as session:
            row = await self._mine(session, principal, invitation_id, is_revocation=True)
            row.revoked_at = row.revoked_at or self._clock.now()

    async def _mine(
        self, session: AsyncSession, principal: Principal, invitation_id: UUID, *, is_revocation: bool = False
    ) -> InvitationRow:
        """Locked, and one that may still be acted on."""
        asking = actor(principal)
        row = await IdentityRepository(session).invitation(invitation_id, lock=True)
        if row is None or not permissions.may_see_invitation(asking, row.office_id):
            raise InvitationNotFound
        if not permissions.may_invite(asking, row.role, row.office_id):
            raise Forbidden(_MAY_NOT)
        if row.accepted_at is not None or (row.revoked_at is not None and not is_revocation):
            raise InvitationGone
        return row

    async def _mail(self, session: AsyncSession, row: InvitationRow) -> None:
        await self._jobs.defer(INVITATION_JOB, session=session, invitation_id=str(row.id), link=row.links)

    def _invited(self, row: InvitationRow, names: dict[UUID, str]) -> Invited:
        by = names.get(row.invited_by) if row.invited_by else None
        return Invited(row, state(row, self._clock.now()), by)


_MAY_NOT = "You may invite agents and coordinators into your own office only."
