"""All SQL of the gateway."""

from datetime import datetime

from sqlalchemy import delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

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

    async def renewed(self, secret_hash: bytes, *, version: int, sealed: bytes, access_expires_at: datetime) -> None:
        await self._session.execute(
            update(SessionRow)
            .where(SessionRow.secret_hash == secret_hash, SessionRow.version == version)
            .values(sealed=sealed, version=version + 1, access_expires_at=access_expires_at, renewing_until=None)
        )

    async def end(self, secret_hash: bytes) -> SessionRow | None:
        """Delete and return it."""
        return await self._session.scalar(
            delete(SessionRow).where(SessionRow.secret_hash == secret_hash).returning(SessionRow)
        )

    async def forget_expired(self, *, now: datetime) -> None:
        await self._session.execute(delete(SessionRow).where(SessionRow.expires_at <= now))
