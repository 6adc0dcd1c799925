"""Use cases of invitations: the owner's one-time link, looking at one, accepting one."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from rooftree.contracts.identity.api import OWNER_ROLE, OwnerLink
from rooftree.kernel.clock import Clock
from rooftree.kernel.errors import Conflict, FieldError, Gone, NotFound, Unprocessable
from rooftree.kernel.ids import new_id
from rooftree.kernel.unit_of_work import UnitOfWork
from rooftree.modules.identity.domain import (
    INVITATION_LIFE,
    NAME_MAX,
    email_key,
    invitation_id,
    invitation_token,
    password_weakness,
)
from rooftree.modules.identity.passwords import Passwords
from rooftree.modules.identity.repository import IdentityRepository
from rooftree.modules.identity.tables import InvitationRow, UserRow


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


class Invitations:
    def __init__(
        self,
        unit_of_work: UnitOfWork,
        clock: Clock,
        passwords: Passwords,
        *,
        key: bytes,
        public_url: str,
        owner: tuple[str, str],
    ) -> None:
        """`key` makes the links; `owner` is the e-mail address and name the operator was given."""
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._passwords = passwords
        self._key = key
        self._public_url = public_url
        self._owner_email, self._owner_name = owner

    async def owner_link(self) -> OwnerLink:
        """The open link, or a new one when there is none; the sign-in page once the owner is here."""
        now = self._clock.now()
        key = email_key(self._owner_email)
        async with self._unit_of_work() as session:
            repository = IdentityRepository(session)
            if await repository.user_by_email(key):
                return OwnerLink(url=f"{self._public_url}/auth/login", accepted=True, expires_at=None)
            await repository.revoke_open_invitations(OWNER_ROLE, except_email=key, now=now)
            invitation = await repository.open_invitation(key)
            if invitation is not None and invitation.expires_at <= now:
                invitation.revoked_at = now
                await session.flush()
                invitation = None
            if invitation is None:
                invitation = await self._new(repository, self._owner_email, self._owner_name, OWNER_ROLE, now)
            token = invitation_token(self._key, invitation.id)
            return OwnerLink(url=f"{self._public_url}/invite/{token}", accepted=False, expires_at=invitation.expires_at)

    async def _new(
        self, repository: IdentityRepository, email: str, name: str, role: str, now: datetime
    ) -> InvitationRow:
        row = InvitationRow(
            id=new_id(),
            email=email,
            email_key=email_key(email),
            name=name,
            role=role,
            created_at=now,
            expires_at=now + INVITATION_LIFE,
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
        invitation_id = self._id(token)
        async with self._unit_of_work() as session:
            row = self._open(await IdentityRepository(session).invitation(invitation_id))
            return Invitation(email=row.email, name=row.name, role=row.role, expires_at=row.expires_at)

    async def accept(self, token: str, *, name: str, password: str) -> None:
        """Create the user. Raises `InvitationNotFound`, `InvitationGone`, `Unprocessable`, `Conflict`."""
        invitation = await self.show(token)
        name = " ".join(name.split())
        _check(name, password, invitation.email)
        # Hashing waits for a thread: outside of any transaction, and only for who holds a link.
        hashed = await self._passwords.hash(password)
        now = self._clock.now()
        async with self._unit_of_work() as session:
            repository = IdentityRepository(session)
            row = self._open(await repository.invitation(self._id(token), lock=True))
            user = UserRow(
                id=new_id(),
                email=row.email,
                email_key=row.email_key,
                name=name,
                role=row.role,
                password_hash=hashed,
                created_at=now,
            )
            if not await repository.try_add(user):
                raise Conflict("There is an account with this address already.")
            row.accepted_at, row.accepted_by = now, user.id

    def _id(self, token: str) -> UUID:
        found = invitation_id(self._key, token)
        if found is None:
            raise InvitationNotFound
        return found

    def _open(self, row: InvitationRow | None) -> InvitationRow:
        if row is None:
            raise InvitationNotFound
        if row.accepted_at or row.revoked_at or row.expires_at <= self._clock.now():
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
