"""SQL of exports: who asked for which, and when its file was made."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.bulk.tables import ExportTable, Tables
from rooftree.contracts.access.policy import grant
from rooftree.kernel.auth import Principal
from rooftree.kernel.record_scope import Columns, rows


class ExportsRepository:
    def __init__(self, session: AsyncSession, tables: Tables) -> None:
        self._session = session
        self._exports = tables.exports

    async def add(self, row: ExportTable) -> None:
        self._session.add(row)
        await self._session.flush()

    async def one(self, principal: Principal, export_id: UUID) -> ExportTable | None:
        """Which the caller may read."""
        visible = rows(grant(principal, "export", "read"), principal, Columns(self._exports.actor_id))
        return await self._session.scalar(select(self._exports).where(self._exports.id == export_id, visible))

    async def wanted(self, export_id: UUID) -> ExportTable | None:
        """For its job; locked."""
        return await self._session.scalar(select(self._exports).where(self._exports.id == export_id).with_for_update())

    async def due(self, *, before: datetime, limit: int) -> Sequence[UUID]:
        query = select(self._exports.id).where(self._exports.created_at < before).limit(limit)
        return (await self._session.scalars(query)).all()

    async def forget(self, export_ids: Collection[UUID]) -> None:
        await self._session.execute(delete(self._exports).where(self._exports.id.in_(export_ids)))
