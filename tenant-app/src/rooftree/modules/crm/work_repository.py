"""SQL of notes and tasks as a caller sees them: with their people, whom `visibility` limits."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, literal, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.kernel.auth import Principal
from rooftree.modules.crm.tables import NoteRow, PersonRow, TaskRow
from rooftree.modules.crm.visibility import people

TaskState = Literal["open", "done"]
TaskOwner = Literal["mine", "all"]


class WorkRepository:
    """Notes and tasks are seen by those whose the person is, not by who may only claim them."""

    def __init__(self, session: AsyncSession, principal: Principal) -> None:
        self._session = session
        self._principal = principal
        self._theirs = people(principal, "update")

    async def note(self, note_id: UUID) -> tuple[NoteRow, PersonRow] | None:
        """Locked, with its person who is not; None also for one that was deleted."""
        query = (
            select(NoteRow, PersonRow)
            .join(PersonRow, PersonRow.id == NoteRow.person_id)
            .where(self._theirs, NoteRow.id == note_id, NoteRow.deleted_at.is_(None))
            .with_for_update(of=NoteRow)
        )
        row = (await self._session.execute(query.execution_options(populate_existing=True))).one_or_none()
        return (row[0], row[1]) if row else None

    async def task(self, task_id: UUID) -> tuple[TaskRow, PersonRow] | None:
        """Locked, with its person, whom nobody hands over meanwhile: who does so locks them, then their tasks."""
        theirs = (
            select(PersonRow)
            .join(TaskRow, PersonRow.id == TaskRow.person_id)
            .where(self._theirs, TaskRow.id == task_id)
            .with_for_update(of=PersonRow, read=True, key_share=True)
        )
        person = await self._session.scalar(theirs.execution_options(populate_existing=True))
        if person is None:
            return None
        query = select(TaskRow).where(TaskRow.id == task_id).with_for_update()
        row = await self._session.scalar(query.execution_options(populate_existing=True))
        return (row, person) if row else None

    async def tasks(
        self,
        *,
        state: TaskState,
        owner: TaskOwner,
        person_id: UUID | None,
        after: tuple[datetime | None, UUID] | None,
        limit: int,
    ) -> tuple[list[tuple[TaskRow, PersonRow]], int]:
        """Open ones by when they are due, those without a time last; done ones latest first. With how many in all."""
        conditions: list[ColumnElement[bool]] = [self._theirs, TaskRow.done_at.is_(None) == (state == "open")]
        if owner == "mine":
            conditions.append(TaskRow.assigned_to == self._principal.user_id)
        if person_id is not None:
            conditions.append(TaskRow.person_id == person_id)
        with_person = PersonRow.id == TaskRow.person_id
        counted = select(func.count()).select_from(TaskRow).join(PersonRow, with_person).where(*conditions)
        total = await self._session.execute(counted)
        query = select(TaskRow, PersonRow).join(PersonRow, with_person).where(*conditions).limit(limit)
        if state == "open":
            query = query.order_by(TaskRow.due_at.nulls_last(), TaskRow.id)
        else:
            query = query.order_by(TaskRow.done_at.desc(), TaskRow.id.desc())
        if after is not None:
            query = query.where(_due_after(*after) if state == "open" else _done_before(*after))
        return [(row[0], row[1]) for row in await self._session.execute(query)], total.scalar_one()


def _due_after(due_at: datetime | None, task_id: UUID) -> ColumnElement[bool]:
    undated_later = and_(TaskRow.due_at.is_(None), TaskRow.id > task_id)
    if due_at is None:
        return undated_later
    place = tuple_(literal(due_at, TaskRow.due_at.type), literal(task_id))
    return or_(tuple_(TaskRow.due_at, TaskRow.id) > place, TaskRow.due_at.is_(None))


def _done_before(done_at: datetime | None, task_id: UUID) -> ColumnElement[bool]:
    return tuple_(TaskRow.done_at, TaskRow.id) < tuple_(literal(done_at, TaskRow.done_at.type), literal(task_id))
