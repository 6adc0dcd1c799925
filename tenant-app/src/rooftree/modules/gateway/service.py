"""Use cases of browser sessions: begin one with a code, recognise it, renew its tokens, end it."""

import asyncio
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from rooftree.contracts.identity.api import WEB_CLIENT_ID, GrantRefused, IdentityApi, TokenRefused, Tokens, User
from rooftree.kernel.auth import Principal
from rooftree.kernel.background import Background
from rooftree.kernel.clock import Clock
from rooftree.kernel.errors import Unauthenticated, Unavailable
from rooftree.kernel.ids import new_id, new_secret
from rooftree.kernel.remembered import Remembered
from rooftree.kernel.unit_of_work import UnitOfWork
from rooftree.modules.gateway import domain
from rooftree.modules.gateway.repository import SessionRepository
from rooftree.modules.gateway.tables import SessionRow

# Longer than a rotation ever takes; after it, another request may try.
_RENEWAL_LEASE = timedelta(seconds=10)
_WAIT_STEPS = 40
_WAIT_SECONDS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentSession:
    """Who is signed in with this cookie, and until when if nothing happens."""

    user: User
    expires_at: datetime


class Kept(NamedTuple):
    """What is remembered of a session row: its tokens only as the database has them."""

    user_id: UUID
    sealed: bytes
    version: int
    access_expires_at: datetime
    expires_at: datetime


KeptSessions = Remembered[bytes, Kept | None]
"""By the hash of a session's secret; None for one that is not there, which is not remembered."""


class _Living(NamedTuple):
    """A session as one request uses it."""

    tokens: domain.Sealed
    kept: Kept


class Sessions:
    def __init__(
        self,
        unit_of_work: UnitOfWork,
        clock: Clock,
        identity: IdentityApi,
        background: Background,
        kept: KeptSessions,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._identity = identity
        self._background = background
        self._kept = kept
        self._renewing: set[bytes] = set()
        """Sessions that are being renewed behind a request of this process."""

    async def begin(
        self, *, code: str, verifier: str, redirect_uri: str, replaces: str | None, user_agent: str | None
    ) -> str:
        """Redeem the code; yields the new cookie's secret. Raises `GrantRefused`.

        `replaces`: the secret of a session that this browser had, which ends. `user_agent`: the header.
        """
        tokens = await self._identity.exchange_code(
            code=code, verifier=verifier, redirect_uri=redirect_uri, client_id=WEB_CLIENT_ID
        )
        principal = await self._identity.authenticate(tokens.access_token)
        if replaces:
            await self.end(replaces)
        secret, now = new_secret(), self._clock.now()
        async with self._unit_of_work() as session:
            SessionRepository(session).add(
                SessionRow(
                    secret_hash=domain.session_hash(secret),
                    user_id=principal.user_id,
                    sealed=_sealed(secret, tokens),
                    version=1,
                    access_expires_at=tokens.access_expires_at,
                    created_at=now,
                    used_at=now,
                    expires_at=domain.expiry(now=now, created_at=now),
                    id=new_id(),
                    sign_in_id=tokens.sign_in_id,
                    user_agent=domain.browser_name(user_agent or ""),
                )
            )
        return secret

    def knows(self, secret: str) -> bool:
        """Whether this process has met a session with it."""
        return self._kept.knows(domain.session_hash(secret))

    async def principal(self, secret: str) -> Principal:
        """Whose cookie this is. Raises `Unauthenticated`."""
        return (await self._recognised(secret))[0]

    async def current(self, secret: str) -> CurrentSession:
        """Raises `Unauthenticated`."""
        principal, living = await self._recognised(secret)
        return CurrentSession(user=await self._identity.user(principal.user_id), expires_at=living.kept.expires_at)

    async def end(self, secret: str) -> None:
        """Sign out; a session that is gone already is no error."""
        async with self._unit_of_work() as session:
            row = await SessionRepository(session).end(domain.session_hash(secret))
            tokens = domain.unseal(secret, row.sealed) if row else None
        self._forget(secret)
        if tokens is not None:
            await self._identity.revoke(tokens.refresh_token)

    async def forget_expired(self) -> None:
        """Daily: drop sessions that ended."""
        async with self._unit_of_work() as session:
            await SessionRepository(session).forget_expired(now=self._clock.now())

    async def _recognised(self, secret: str) -> tuple[Principal, _Living]:
        """A token that identity no longer takes is renewed once; the session ends with its sign-in."""
        living = await self._fresh(secret)
        try:
            return await self._identity.authenticate(living.tokens.access_token), living
        except TokenRefused:
            living = await self._fresh(secret, refused=living.kept.version)
            return await self._identity.authenticate(living.tokens.access_token), living

    async def _fresh(self, secret: str, *, refused: int | None = None) -> _Living:
        """The session with an access token that is good now, renewed before or behind this request.

        `refused`: the version whose access token is no good, whatever its time says.
        """
        for _ in range(_WAIT_STEPS):
            living = await self._living(secret)
            left = living.kept.access_expires_at - self._clock.now() if living.kept.version != refused else timedelta(0)
            if left > domain.RENEW_BEFORE:
                return living
            if left > timedelta(0):
                self._renew_behind(secret, living)
                return living
            if not await self._renew(secret, living):
                # Another request of the same browser is at it.
                await asyncio.sleep(_WAIT_SECONDS)
        raise Unavailable("The session is being renewed.", retry_after=1)

    async def _living(self, secret: str) -> _Living:
        kept = await self._kept.of(domain.session_hash(secret), self._read)
        tokens = domain.unseal(secret, kept.sealed) if kept and kept.expires_at > self._clock.now() else None
        if kept is None or tokens is None:
            raise Unauthenticated
        return _Living(tokens, kept)

    async def _read(self, key: bytes) -> Kept | None:
        """From the database, where its use is noted."""
        now = self._clock.now()
        async with self._unit_of_work() as session:
            repository = SessionRepository(session)
            row = await repository.living(key, now=now)
            if row is None:
                return None
            expires_at = row.expires_at
            if now - row.used_at > domain.TOUCH_INTERVAL:
                expires_at = domain.expiry(now=now, created_at=row.created_at)
                await repository.touch(key, now=now, expires_at=expires_at)
            return Kept(row.user_id, row.sealed, row.version, row.access_expires_at, expires_at)

    def _renew_behind(self, secret: str, living: _Living) -> None:
        """One at a time of this process: while the database is away each attempt takes its time."""
        key = domain.session_hash(secret)
        if key in self._renewing:
            return
        self._renewing.add(key)
        task = self._background.spawn("gateway.renew", self._renew(secret, living))
        task.add_done_callback(lambda _: self._renewing.discard(key))

    async def _renew(self, secret: str, living: _Living) -> bool:
        """Rotate once for all who ask; False when another does. A refused rotation ends the session."""
        try:
            return await self._rotate(secret, living)
        finally:
            self._forget(secret)

    def _forget(self, secret: str) -> None:
        key = domain.session_hash(secret)
        self._kept.forget(lambda one, _: one == key)

    async def _rotate(self, secret: str, living: _Living) -> bool:
        key, now = domain.session_hash(secret), self._clock.now()
        async with self._unit_of_work() as session:
            claimed = await SessionRepository(session).claim_renewal(
                key, version=living.kept.version, now=now, until=now + _RENEWAL_LEASE
            )
        if not claimed:
            return False
        try:
            tokens = await self._identity.refresh(
                refresh_token=living.tokens.refresh_token,
                client_id=WEB_CLIENT_ID,
                idempotency_key=domain.renewal_key(secret, living.kept.version),
            )
        except GrantRefused:
            async with self._unit_of_work() as session:
                await SessionRepository(session).end(key)
            return True
        async with self._unit_of_work() as session:
            await SessionRepository(session).renewed(
                key,
                version=living.kept.version,
                sealed=_sealed(secret, tokens),
                access_expires_at=tokens.access_expires_at,
                sign_in_id=tokens.sign_in_id,
            )
        return True

    async def bearer(self, token: str) -> Principal:
        """Who an API client's token stands for. Raises `TokenRefused`."""
        return await self._identity.authenticate(token)


def _sealed(secret: str, tokens: Tokens) -> bytes:
    return domain.seal(secret, domain.Sealed(tokens.access_token, tokens.refresh_token), secrets.token_bytes(12))
