"""Identity as other modules use it; fulfils the contract with the use cases beside it."""

from collections.abc import Collection
from dataclasses import replace
from uuid import UUID

from rooftree.contracts.identity.api import (
    OWNER_ROLE,
    WEB_CLIENT_ID,
    Contact,
    OwnerLink,
    TokenRefused,
    Tokens,
    User,
    UserNotFound,
)
from rooftree.kernel.auth import Principal
from rooftree.kernel.clock import Clock
from rooftree.kernel.text import email_key
from rooftree.kernel.unit_of_work import UnitOfWork
from rooftree.modules.identity.domain import FAMILY_LIFE, THROTTLE_WINDOW
from rooftree.modules.identity.grants import Grants
from rooftree.modules.identity.invitations import Invitations
from rooftree.modules.identity.people_repository import PeopleRepository
from rooftree.modules.identity.repository import IdentityRepository
from rooftree.modules.identity.standing import Standings, told
from rooftree.modules.identity.tokens import TokenIssuer
from rooftree.modules.identity.users import Users


class IdentityService:
    def __init__(
        self,
        unit_of_work: UnitOfWork,
        clock: Clock,
        *,
        grants: Grants,
        invitations: Invitations,
        users: Users,
        standings: Standings,
        issuer: TokenIssuer,
        first_owner: Contact,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._grants = grants
        self._invitations = invitations
        self._users = users
        self._standings = standings
        self._issuer = issuer
        self._first_owner = first_owner

    async def authenticate(self, access_token: str) -> Principal:
        principal = self._issuer.authenticate(access_token, self._clock.now())
        standing = await self._standings.of(principal.sign_in_id) if principal.sign_in_id else None
        if standing is None or standing.user_id != principal.user_id:
            raise TokenRefused
        now = self._clock.now()
        return replace(
            principal,
            role=standing.role,
            office_id=standing.office_id,
            team_ids=standing.team_ids,
            team_mates=standing.team_mates,
            delegations=tuple(one for one in standing.delegations if now < one.until),
            token=access_token,
        )

    async def exchange_code(self, *, code: str, verifier: str, redirect_uri: str, client_id: str) -> Tokens:
        granted = await self._grants.exchange_code(
            code=code, verifier=verifier, redirect_uri=redirect_uri, client_id=client_id
        )
        return granted.tokens

    async def refresh(self, *, refresh_token: str, client_id: str, idempotency_key: str | None = None) -> Tokens:
        granted = await self._grants.refresh(
            refresh_token=refresh_token, client_id=client_id, idempotency_key=idempotency_key
        )
        return granted.tokens

    async def revoke(self, refresh_token: str) -> None:
        await self._grants.revoke(refresh_token, client_id=WEB_CLIENT_ID)

    async def end_sign_ins(
        self, user_id: UUID, *, only: Collection[UUID] | None = None, keep: UUID | None = None, because: str
    ) -> None:
        now = self._clock.now()
        async with self._unit_of_work() as session:
            people = PeopleRepository(session)
            await people.end_sign_ins(user_id, only=only, keep=keep, because=because, now=now)
        self._standings.forget([user_id])

    async def require_manages(self, principal: Principal, user_id: UUID) -> None:
        await self._users.require_manages(principal, user_id)

    async def user(self, user_id: UUID) -> User:
        async with self._unit_of_work() as session:
            found = await PeopleRepository(session).active(user_id)
            if found is None:
                raise UserNotFound
            return await told(session, *found, now=self._clock.now())

    async def colleagues(self, emails: Collection[str]) -> tuple[User, ...]:
        async with self._unit_of_work() as session:
            found = await PeopleRepository(session).staff({email_key(email) for email in emails})
            return tuple([await told(session, *one, now=self._clock.now()) for one in found])

    async def names(self, user_ids: Collection[UUID]) -> dict[UUID, str]:
        return await self._standings.names(user_ids)

    async def has_office(self, office_id: UUID) -> bool:
        async with self._unit_of_work() as session:
            return await PeopleRepository(session).office(office_id) is not None

    async def owner_link(self) -> OwnerLink:
        return await self._invitations.owner_link()

    async def owners(self) -> tuple[Contact, ...]:
        async with self._unit_of_work() as session:
            rows = await IdentityRepository(session).active_users(OWNER_ROLE)
        return tuple(Contact(name=row.name, email=row.email) for row in rows) or (self._first_owner,)

    async def forget_expired(self) -> None:
        """Daily: drop sign-ins and attempts that no longer matter."""
        now = self._clock.now()
        async with self._unit_of_work() as session:
            await IdentityRepository(session).forget_expired(sign_ins=now - FAMILY_LIFE, attempts=now - THROTTLE_WINDOW)
