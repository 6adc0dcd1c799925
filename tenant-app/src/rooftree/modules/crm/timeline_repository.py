"""SQL of a person's timeline: one list of what happened, made of the tables that hold it. Nothing is stored twice."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args
from uuid import UUID

from sqlalchemy import Select, Text, cast, func, literal, select, tuple_, union_all
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.modules.crm.tables import ActivityRow, AssignmentRow, LeadRow, NoteRow, StageChangeRow, TaskRow

EntryKind = Literal["note", "task_done", "activity", "lead", "stage_change", "assignment"]
KINDS: tuple[EntryKind, ...] = get_args(EntryKind)


@dataclass(frozen=True, slots=True)
class Entry:
    """`details`: the columns of what happened, by the names that the API gives them."""

    kind: EntryKind
    id: UUID
    at: datetime
    actor_id: UUID | None
    details: dict[str, Any]


class Timeline:
    """Of a person whom the caller was found to see."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def page(
        self,
        person_id: UUID,
        kinds: Collection[EntryKind],
        *,
        before: tuple[datetime, UUID] | None,
        limit: int,
    ) -> Sequence[Entry]:
        """Newest first; `before` is the last one of the page before. `kinds`: at least one."""
        branches = _branches(person_id)
        merged = union_all(*(branch for kind, branch in branches.items() if kind in kinds)).subquery()
        columns = merged.c
        query = select(columns.kind, columns.id, columns.at, columns.actor_id, columns.details)
        query = query.order_by(columns.at.desc(), columns.id.desc()).limit(limit)
        if before is not None:
            query = query.where(
                tuple_(columns.at, columns.id) < tuple_(literal(before[0], columns.at.type), literal(before[1]))
            )
        return [Entry(*row) for row in await self._session.execute(query)]


def _branches(person_id: UUID) -> dict[EntryKind, Select[*tuple[Any, ...]]]:
    return {
        "note": _branch("note", NoteRow, NoteRow.created_at, NoteRow.author_id, ("text", "revision")).where(
            NoteRow.person_id == person_id, NoteRow.deleted_at.is_(None)
        ),
        "task_done": _branch("task_done", TaskRow, TaskRow.done_at, TaskRow.done_by, ("title",)).where(
            TaskRow.person_id == person_id, TaskRow.done_at.is_not(None)
        ),
        "activity": _branch(
            "activity", ActivityRow, ActivityRow.at, ActivityRow.created_by, ("kind", "direction", "outcome")
        ).where(ActivityRow.person_id == person_id),
        "lead": _branch("lead", LeadRow, LeadRow.received_at, LeadRow.captured_by, _LEAD).where(
            LeadRow.person_id == person_id
        ),
        "stage_change": _branch(
            "stage_change", StageChangeRow, StageChangeRow.at, StageChangeRow.actor_id, ("from_name", "to_name")
        ).where(StageChangeRow.person_id == person_id),
        "assignment": _branch(
            "assignment",
            AssignmentRow,
            AssignmentRow.at,
            AssignmentRow.actor_id,
            ("from_user_id", "to_user_id", "reason", "note"),
        ).where(AssignmentRow.person_id == person_id),
    }


_LEAD = (
    "lead_type",
    "source",
    "name",
    "email",
    "phone",
    "message",
    "property_id",
    "listing_key",
    "listing_address",
    "state",
)


def _branch(kind: EntryKind, table: Any, at: Any, actor: Any, details: Sequence[str]) -> Select[*tuple[Any, ...]]:
    pairs = [part for name in details for part in (literal(name), getattr(table, name))]
    return select(
        cast(literal(kind), Text).label("kind"),
        table.id.label("id"),
        at.label("at"),
        actor.label("actor_id"),
        func.jsonb_build_object(*pairs, type_=JSONB).label("details"),
    )
