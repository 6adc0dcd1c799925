"""All SQL of the gateway."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.modules.gateway.domain import MOST_LISTED
from rooftree.modules.gateway.tables import SessionRow


class SessionRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def add(self, row: SessionRow) -> None:
        self._session.add(row)

    async def living(self, secret_hash: bytes, *, now: datetime) -> SessionRow | None:
        query = select(SessionRow).where(SessionRow.secret_hash == secret_hash, SessionRow.expires_at > now)
        return await self._session.scalar(query)

    async def touch(self, secret_hash: bytes, *, now: datetime, expires_at: datetime) -> None:
        await self._session.execute(
            update(SessionRow).where(SessionRow.secret_hash == secret_hash).values(used_at=now, expires_at=expires_at)
        )

    async def claim_renewal(self, secret_hash: bytes, *, version: int, now: datetime, until: datetime) -> bool:
        """True for the one caller, of all processes, that may now rotate the tokens of this version."""
        result = await self._session.scalar(
            update(SessionRow)
            .where(
                SessionRow.secret_hash == secret_hash,
                SessionRow.version == version,
                or_(SessionRow.renewing_until.is_(None), SessionRow.renewing_until <= now),
            )
            .values(renewing_until=until)
            .returning(SessionRow.version)
        )
        return result is not None

    async def renewed(self, secret_hash: bytes, *, version: int, **values: Any) -> None:
        """`values`: the columns that the new tokens change."""
        await self._session.execute(
            update(SessionRow)
            .where(SessionRow.secret_hash == secret_hash, SessionRow.version == version)
            .values(version=version + 1, renewing_until=None, **values)
        )

    async def end(self, secret_hash: bytes) -> SessionRow | None:
        """Delete and return it."""
        return await self._session.scalar(
            delete(SessionRow).where(SessionRow.secret_hash == secret_hash).returning(SessionRow)
        )

    async def living_of(self, user_id: UUID, *, now: datetime) -> list[SessionRow]:
        query = select(SessionRow).where(SessionRow.user_id == user_id, SessionRow.expires_at > now)
        query = query.order_by(SessionRow.used_at.desc(), SessionRow.id).limit(MOST_LISTED)
        return list(await self._session.scalars(query))

    async def end_one(self, session_id: UUID, *, user_id: UUID) -> SessionRow | None:
        """Delete and return it, if it is this person's."""
        return await self._session.scalar(
            delete(SessionRow).where(SessionRow.id == session_id, SessionRow.user_id == user_id).returning(SessionRow)
        )

    async def end_all(self, user_id: UUID, *, keep: UUID | None = None, begun_before: datetime | None = None) -> None:
        """`keep`: the sign-in whose session stays."""
        conditions = [SessionRow.user_id == user_id]
        if keep is not None:
            conditions.append(SessionRow.sign_in_id.is_distinct_from(keep))
        if begun_before is not None:
            conditions.append(SessionRow.created_at <= begun_before)
        await self._session.execute(delete(SessionRow).where(*conditions))

    async def renew_all(self, user_id: UUID, *, now: datetime) -> None:
        """As if their access tokens ended now."""
        await self._session.execute(
            update(SessionRow)
            .where(SessionRow.user_id == user_id, SessionRow.access_expires_at > now)
            .values(access_expires_at=now)
        )

    async def forget_expired(self, *, now: datetime) -> None:
        await self._session.execute(delete(SessionRow).where(SessionRow.expires_at <= now))
