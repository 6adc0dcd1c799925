"""Use cases of tokens: redeem a code, rotate a refresh token, revoke a sign-in. Whoever replays ends the sign-in."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.contracts.identity.api import GrantRefused, TokenRefused, Tokens
from rooftree.kernel.clock import Clock
from rooftree.kernel.ids import new_id, new_secret
from rooftree.kernel.unit_of_work import UnitOfWork
from rooftree.modules.identity import domain
from rooftree.modules.identity.people_repository import PeopleRepository
from rooftree.modules.identity.repository import IdentityRepository
from rooftree.modules.identity.standing import Standings
from rooftree.modules.identity.tables import CodeRow, FamilyRow, RefreshTokenRow, UserRow
from rooftree.modules.identity.tokens import Subject, TokenIssuer


class ScopeRefused(GrantRefused):
    """More than was granted at the sign-in (RFC 6749, section 6)."""

    code, title = "invalid-scope", "The scope was not granted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """One answer of the token endpoint."""

    tokens: Tokens
    scope: str
    id_token: str | None


class Grants:
    def __init__(
        self, unit_of_work: UnitOfWork, clock: Clock, issuer: TokenIssuer, standings: Standings, *, key: bytes
    ) -> None:
        """`key` makes refresh tokens that can be asked for again."""
        self._standings = standings
        self._key = key
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._issuer = issuer

    async def exchange_code(self, *, code: str, verifier: str, redirect_uri: str, client_id: str) -> Granted:
        now = self._clock.now()
        async with self._unit_of_work() as session:
            repository = IdentityRepository(session)
            row = await repository.code(domain.secret_hash(code))
            if row is None:
                raise GrantRefused
            if row.used_at is not None:
                if row.family_id is not None:
                    await repository.revoke_family(row.family_id, because="code replayed", now=now)
                raise GrantRefused
            row.used_at = now
            asked = (row.client_id, row.redirect_uri) == (client_id, redirect_uri)
            if not asked or row.expires_at <= now or not domain.matches_challenge(verifier, row.challenge):
                # One try each: the code stays used.
                raise GrantRefused
            user = await self._active_user(repository, row.user_id)
            family = _family(row, now)
            await repository.add(family)
            row.family_id = family.id
            secret = new_secret()
            expires_at = await _add_token(repository, secret, family, now)
            return await self._grant(session, family, user, row.nonce, (secret, expires_at), scope=family.scope)

    async def refresh(
        self, *, refresh_token: str, client_id: str, idempotency_key: str | None = None, scope: str | None = None
    ) -> Granted:
        """Rotate. The call before with the same key may have been cut off: what it gave is given again.

        Only as long as nobody used that: whoever did had got it, and who comes with the older token is another.
        `scope`: a part of what was granted, for the tokens of this call. Raises `ScopeRefused` for more.
        """
        now = self._clock.now()
        async with self._unit_of_work() as session:
            repository = IdentityRepository(session)
            found = await repository.refresh_token(domain.secret_hash(refresh_token))
            if found is None:
                raise GrantRefused
            token, family = found
            following = self._following(refresh_token, idempotency_key)
            given = await repository.refresh_token(domain.secret_hash(following)) if token.used_at else None
            if token.used_at is not None and (given is None or given[0].used_at is not None):
                await repository.revoke_family(family.id, because="refresh token reused", now=now)
                raise GrantRefused
            if family.revoked_at or family.client_id != client_id or min(token.expires_at, family.expires_at) <= now:
                raise GrantRefused
            granted = family.scope.split()
            asked = granted if scope is None else scope.split()
            if not set(asked) <= set(granted):
                raise ScopeRefused
            user = await self._active_user(repository, family.user_id)
            token.used_at = token.used_at or now
            expires_at = given[0].expires_at if given else await _add_token(repository, following, family, now)
            part = " ".join(name for name in granted if name in asked)
            return await self._grant(session, family, user, None, (following, expires_at), scope=part)

    def _following(self, refresh_token: str, idempotency_key: str | None) -> str:
        if idempotency_key is None:
            return new_secret()
        return domain.successor(self._key, refresh_token, idempotency_key)

    async def revoke(self, token: str, *, client_id: str) -> None:
        """End the sign-in that a refresh or access token belongs to; one that is not known is no error (RFC 7009).

        Raises `GrantRefused` for another client's.
        """
        now = self._clock.now()
        async with self._unit_of_work() as session:
            repository = IdentityRepository(session)
            sign_in_id, owner = await self._sign_in_of(repository, token, now)
            if sign_in_id is None:
                return
            if owner != client_id:
                raise GrantRefused
            await repository.revoke_family(sign_in_id, because="signed out", now=now)
        self._standings.forget_sign_in(sign_in_id)

    async def _sign_in_of(self, repository: IdentityRepository, token: str, now: datetime) -> tuple[UUID | None, str]:
        """Its id and its client's."""
        found = await repository.refresh_token(domain.secret_hash(token))
        if found is not None:
            return found[1].id, found[1].client_id
        try:
            principal = self._issuer.authenticate(token, now)
        except TokenRefused:
            return None, ""
        return principal.sign_in_id, principal.client_id

    async def _active_user(self, repository: IdentityRepository, user_id: UUID) -> UserRow:
        # Who deactivates them waits for the new sign-in and ends it, too.
        user = await repository.keep_user(user_id)
        if user is None or user.deactivated_at is not None:
            raise GrantRefused
        return user

    async def _grant(
        self,
        session: AsyncSession,
        family: FamilyRow,
        user: UserRow,
        nonce: str | None,
        refresh: tuple[str, datetime],
        *,
        scope: str,
    ) -> Granted:
        teams = await PeopleRepository(session).teams_of([user.id])
        subject = Subject(
            user_id=user.id,
            name=user.name,
            email=user.email,
            role=user.role,
            office_id=user.office_id,
            team_ids=teams[user.id],
            client_id=family.client_id,
            scope=scope,
            authenticated_at=family.authenticated_at,
            sign_in_id=family.id,
        )
        now = self._clock.now()
        access_token, access_expires = self._issuer.access_token(subject, now)
        tokens = Tokens(
            sign_in_id=family.id,
            access_token=access_token,
            access_expires_at=access_expires,
            refresh_token=refresh[0],
            refresh_expires_at=refresh[1],
        )
        with_id = "openid" in scope.split()
        id_token = self._issuer.id_token(subject, nonce, now) if with_id else None
        return Granted(tokens=tokens, scope=scope, id_token=id_token)


async def _add_token(repository: IdentityRepository, secret: str, family: FamilyRow, now: datetime) -> datetime:
    """When it expires."""
    expires_at = min(now + domain.REFRESH_LIFE, family.expires_at)
    await repository.add(
        RefreshTokenRow(
            token_hash=domain.secret_hash(secret), family_id=family.id, issued_at=now, expires_at=expires_at
        )
    )
    return expires_at


def _family(code: CodeRow, now: datetime) -> FamilyRow:
    return FamilyRow(
        id=new_id(),
        user_id=code.user_id,
        client_id=code.client_id,
        scope=code.scope,
        authenticated_at=code.created_at,
        expires_at=now + domain.FAMILY_LIFE,
    )
