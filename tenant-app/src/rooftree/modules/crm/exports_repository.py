"""SQL of exports: who asked for which, and when its file was made."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.contracts.access.policy import grant
from rooftree.kernel.auth import Principal
from rooftree.kernel.record_scope import Columns, rows
from rooftree.modules.crm.tables import ExportRow


class ExportsRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, row: ExportRow) -> None:
        self._session.add(row)
        await self._session.flush()

    async def one(self, principal: Principal, export_id: UUID) -> ExportRow | None:
        """Which the caller may read."""
        visible = rows(grant(principal, "export", "read"), principal, Columns(ExportRow.actor_id))
        return await self._session.scalar(select(ExportRow).where(ExportRow.id == export_id, visible))

    async def wanted(self, export_id: UUID) -> ExportRow | None:
        """For its job; locked."""
        return await self._session.scalar(select(ExportRow).where(ExportRow.id == export_id).with_for_update())

    async def due(self, *, before: datetime, limit: int) -> Sequence[UUID]:
        query = select(ExportRow.id).where(ExportRow.created_at < before).limit(limit)
        return (await self._session.scalars(query)).all()

    async def forget(self, export_ids: Collection[UUID]) -> None:
        await self._session.execute(delete(ExportRow).where(ExportRow.id.in_(export_ids)))
