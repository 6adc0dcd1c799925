"""All SQL of identity. Methods that read a row in order to change it lock it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.modules.identity.tables import (
    AttemptRow,
    CodeRow,
    FamilyRow,
    InvitationRow,
    OfficeRow,
    RefreshTokenRow,
    Table,
    TeamRow,
    UserRow,
)


class IdentityRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, *rows: Table) -> None:
        self._session.add_all(rows)
        await self._session.flush()

    async def try_add(self, row: Table) -> bool:
        """False when a unique rule forbids the row; the transaction stays usable."""
        try:
            async with self._session.begin_nested():
                self._session.add(row)
        except IntegrityError:
            return False
        return True

    async def try_change(self, row: OfficeRow | TeamRow, changes: Mapping[str, Any]) -> bool:
        """A new version of the row, if anything is different. False when a unique rule forbids it."""
        if all(getattr(row, name) == value for name, value in changes.items()):
            return True
        try:
            async with self._session.begin_nested():
                for name, value in changes.items():
                    setattr(row, name, value)
                row.version += 1
        except IntegrityError:
            return False
        return True

    async def keep_user(self, user_id: UUID) -> UserRow | None:
        """As they stay until this transaction ends."""
        return await self._session.scalar(select(UserRow).where(UserRow.id == user_id).with_for_update(read=True))

    async def user_by_email(self, email_key: str) -> UserRow | None:
        return await self._session.scalar(select(UserRow).where(UserRow.email_key == email_key))

    async def active_users(self, role: str) -> Sequence[UserRow]:
        query = select(UserRow).where(UserRow.role == role, UserRow.deactivated_at.is_(None)).order_by(UserRow.id)
        return (await self._session.scalars(query)).all()

    async def invitation(self, invitation_id: UUID, *, lock: bool = False) -> InvitationRow | None:
        query = select(InvitationRow).where(InvitationRow.id == invitation_id)
        return await self._session.scalar(query.with_for_update() if lock else query)

    async def open_invitation(self, email_key: str) -> InvitationRow | None:
        """The one invitation of this address that is neither accepted nor revoked; it may have expired."""
        query = select(InvitationRow).where(
            InvitationRow.email_key == email_key,
            InvitationRow.accepted_at.is_(None),
            InvitationRow.revoked_at.is_(None),
        )
        return await self._session.scalar(query.with_for_update())

    async def revoke_open_invitations(self, role: str, *, except_email: str, now: datetime) -> None:
        """When the owner's address changes, the old address's link must die."""
        await self._session.execute(
            update(InvitationRow)
            .where(
                InvitationRow.role == role,
                InvitationRow.invited_by.is_(None),
                InvitationRow.email_key != except_email,
                InvitationRow.accepted_at.is_(None),
                InvitationRow.revoked_at.is_(None),
            )
            .values(revoked_at=now)
        )

    async def code(self, code_hash: bytes) -> CodeRow | None:
        query = select(CodeRow).where(CodeRow.code_hash == code_hash)
        return await self._session.scalar(query.with_for_update())

    async def refresh_token(self, token_hash: bytes) -> tuple[RefreshTokenRow, FamilyRow] | None:
        """The token with its family, both locked."""
        query = (
            select(RefreshTokenRow, FamilyRow)
            .join(FamilyRow, FamilyRow.id == RefreshTokenRow.family_id)
            .where(RefreshTokenRow.token_hash == token_hash)
            .with_for_update()
        )
        row = (await self._session.execute(query)).one_or_none()
        return (row[0], row[1]) if row else None

    async def revoke_family(self, family_id: UUID, *, because: str, now: datetime) -> None:
        await self._session.execute(
            update(FamilyRow)
            .where(FamilyRow.id == family_id, FamilyRow.revoked_at.is_(None))
            .values(revoked_at=now, revoked_because=because)
        )

    async def attempts(self, key: bytes, *, since: datetime) -> tuple[int, datetime | None]:
        """How many since then and when the oldest was; others who count the same key wait for this transaction."""
        number = int.from_bytes(key[:8], signed=True)
        await self._session.execute(select(func.pg_advisory_xact_lock(number)))
        query = select(func.count(), func.min(AttemptRow.at)).where(AttemptRow.key == key, AttemptRow.at > since)
        count, oldest = (await self._session.execute(query)).one()
        return count, oldest

    async def count_attempt(self, keys: Iterable[bytes], *, at: datetime) -> tuple[int, ...]:
        values = [{"key": key, "at": at} for key in keys]
        result = await self._session.scalars(insert(AttemptRow).returning(AttemptRow.id), values)
        return tuple(result)

    async def forget_attempts(self, attempt_ids: Iterable[int], *, key: bytes) -> None:
        """After a success: those of this try, and all with this key."""
        await self._session.execute(
            delete(AttemptRow).where(AttemptRow.id.in_(tuple(attempt_ids)) | (AttemptRow.key == key))
        )

    async def forget_expired(self, *, sign_ins: datetime, attempts: datetime) -> None:
        """Drop what ended before these times: codes and families, and counted attempts."""
        await self._session.execute(delete(CodeRow).where(CodeRow.expires_at < sign_ins))
        await self._session.execute(delete(FamilyRow).where(FamilyRow.expires_at < sign_ins))
        await self._session.execute(delete(AttemptRow).where(AttemptRow.at < attempts))
