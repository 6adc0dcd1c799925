"""Use cases of invitations: the owner's one-time link, looking at one, accepting one."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from rooftree.contracts.identity.api import OWNER_ROLE, Contact, OwnerLink
from rooftree.kernel.auth import acting
from rooftree.kernel.clock import Clock
from rooftree.kernel.errors import Conflict, FieldError, Gone, NotFound, Unprocessable
from rooftree.kernel.ids import new_id
from rooftree.kernel.outbox import Outbox
from rooftree.kernel.text import email_key, tidy
from rooftree.kernel.unit_of_work import UnitOfWork
from rooftree.modules.identity.domain import (
    NAME_MAX,
    OWNER_LINK_LIFE,
    invitation_link,
    invitation_token,
    password_weakness,
)
from rooftree.modules.identity.passwords import Passwords
from rooftree.modules.identity.people_repository import PeopleRepository
from rooftree.modules.identity.repository import IdentityRepository
from rooftree.modules.identity.standing import Standings
from rooftree.modules.identity.tables import InvitationRow, UserRow
from rooftree.modules.identity.users import changed


class InvitationNotFound(NotFound):
    code, title = "invitation-not-found", "There is no such invitation"


class InvitationGone(Gone):
    code, title = "invitation-gone", "This invitation was used or has expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """What the invited person may see before accepting."""

    email: str
    name: str
    role: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Links:
    """Makes the one-time links of invitations."""

    key: bytes
    public_url: str

    def to(self, row: InvitationRow) -> str:
        return f"{self.public_url}/invite/{invitation_token(self.key, row.id, row.links)}"


class Invitations:
    def __init__(
        self,
        unit_of_work: UnitOfWork,
        clock: Clock,
        passwords: Passwords,
        outbox: Outbox,
        *,
        links: Links,
        owner: Contact,
        standings: Standings,
    ) -> None:
        """`owner` is whom the operator was given."""
        self._standings = standings
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._passwords = passwords
        self._outbox = outbox
        self._links = links
        self._owner = owner

    async def owner_link(self) -> OwnerLink:
        """The open link, or a new one when there is none; the sign-in page once the owner is here."""
        now = self._clock.now()
        key = email_key(self._owner.email)
        async with self._unit_of_work() as session:
            repository = IdentityRepository(session)
            if await repository.user_by_email(key):
                return OwnerLink(url=f"{self._links.public_url}/auth/login", accepted=True, expires_at=None)
            await repository.revoke_open_invitations(OWNER_ROLE, except_email=key, now=now)
            invitation = await repository.open_invitation(key)
            if invitation is not None and (invitation.expires_at <= now or invitation.role != OWNER_ROLE):
                invitation.revoked_at = now
                await session.flush()
                invitation = None
            if invitation is None:
                invitation = await self._new(repository, self._owner.email, self._owner.name, OWNER_ROLE, now)
            return OwnerLink(url=self._links.to(invitation), accepted=False, expires_at=invitation.expires_at)

    async def _new(
        self, repository: IdentityRepository, email: str, name: str, role: str, now: datetime
    ) -> InvitationRow:
        row = InvitationRow(
            id=new_id(),
            email=email,
            email_key=email_key(email),
            name=name,
            role=role,
            team_ids=[],
            links=1,
            created_at=now,
            expires_at=now + OWNER_LINK_LIFE,
        )
        if await repository.try_add(row):
            return row
        # Somebody else invited the same address a moment ago.
        other = await repository.open_invitation(row.email_key)
        if other is None:
            raise Conflict("The invitation changed at this moment; try again.")
        return other

    async def show(self, token: str) -> Invitation:
        """Raises `InvitationNotFound`, `InvitationGone`."""
        link = self._link(token)
        async with self._unit_of_work() as session:
            row = await self._opened(IdentityRepository(session), link)
            return Invitation(email=row.email, name=row.name, role=row.role, expires_at=row.expires_at)

    async def accept(self, token: str, *, name: str, password: str) -> None:
        """Create the user. Raises `InvitationNotFound`, `InvitationGone`, `Unprocessable`, `Conflict`."""
        invitation = await self.show(token)
        name = tidy(name)
        _check(name, password, invitation.email)
        # Hashing waits for a thread: outside of any transaction, and only for who holds a link.
        hashed = await self._passwords.hash(password)
        now = self._clock.now()
        async with self._unit_of_work() as session:
            repository, people = IdentityRepository(session), PeopleRepository(session)
            row = await self._opened(repository, self._link(token), lock=True)
            user = UserRow(
                id=new_id(),
                email=row.email,
                email_key=row.email_key,
                name=name,
                role=row.role,
                office_id=row.office_id,
                password_hash=hashed,
                created_at=now,
                version=1,
            )
            if not await repository.try_add(user):
                raise Conflict("There is an account with this address already.")
            row.accepted_at, row.accepted_by = now, user.id
            # Teams may have gone since the invitation was sent.
            teams = await people.teams_in(row.office_id, row.team_ids)
            await people.set_teams(user.id, teams)
            acting.set(str(user.id))
            await self._outbox.add(session, [changed(user, tuple(teams), "created")])
        self._standings.forget((), team_ids=teams)

    def _link(self, token: str) -> tuple[UUID, int]:
        """Which invitation this is a link to, and its how many-th. Asks no database: a forged one needs none."""
        link = invitation_link(self._links.key, token)
        if link is None:
            raise InvitationNotFound
        return link

    async def _opened(
        self, repository: IdentityRepository, link: tuple[UUID, int], *, lock: bool = False
    ) -> InvitationRow:
        invitation_id, number = link
        row = await repository.invitation(invitation_id, lock=lock)
        if row is None:
            raise InvitationNotFound
        if row.accepted_at or row.revoked_at or row.links != number or row.expires_at <= self._clock.now():
            raise InvitationGone
        return row


def _check(name: str, password: str, email: str) -> None:
    errors: list[FieldError] = []
    if not name or len(name) > NAME_MAX:
        errors.append(FieldError("/name", f"Use 1 to {NAME_MAX} characters."))
    if weakness := password_weakness(password, email=email, name=name):
        errors.append(FieldError("/password", weakness))
    if errors:
        raise Unprocessable(errors=errors)
