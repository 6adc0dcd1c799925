"""Identity as other modules use it; fulfils the contract with the use cases beside it."""

from collections.abc import Collection
from uuid import UUID

from rooftree.contracts.identity.api import OWNER_ROLE, Contact, OwnerLink, Tokens, User, UserNotFound
from rooftree.kernel.auth import Principal
from rooftree.kernel.clock import Clock
from rooftree.kernel.unit_of_work import UnitOfWork
from rooftree.modules.identity.domain import FAMILY_LIFE, THROTTLE_WINDOW
from rooftree.modules.identity.grants import Grants
from rooftree.modules.identity.invitations import Invitations
from rooftree.modules.identity.repository import IdentityRepository
from rooftree.modules.identity.tokens import TokenIssuer


class IdentityService:
    def __init__(
        self,
        unit_of_work: UnitOfWork,
        clock: Clock,
        *,
        grants: Grants,
        invitations: Invitations,
        issuer: TokenIssuer,
        first_owner: Contact,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._grants = grants
        self._invitations = invitations
        self._issuer = issuer
        self._first_owner = first_owner

    async def authenticate(self, access_token: str) -> Principal:
        return self._issuer.authenticate(access_token, self._clock.now())

    async def exchange_code(self, *, code: str, verifier: str, redirect_uri: str, client_id: str) -> Tokens:
        granted = await self._grants.exchange_code(
            code=code, verifier=verifier, redirect_uri=redirect_uri, client_id=client_id
        )
        return granted.tokens

    async def refresh(self, *, refresh_token: str, client_id: str) -> Tokens:
        return (await self._grants.refresh(refresh_token=refresh_token, client_id=client_id)).tokens

    async def revoke(self, refresh_token: str) -> None:
        await self._grants.revoke(refresh_token)

    async def user(self, user_id: UUID) -> User:
        async with self._unit_of_work() as session:
            row = await IdentityRepository(session).user(user_id)
        if row is None or row.deactivated_at is not None:
            raise UserNotFound
        return User(id=row.id, name=row.name, email=row.email, role=row.role)

    async def names(self, user_ids: Collection[UUID]) -> dict[UUID, str]:
        if not user_ids:
            return {}
        async with self._unit_of_work() as session:
            return await IdentityRepository(session).names(user_ids)

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
