"""SQL of crm's records for changes of them: whoever calls has found out by `people_repository` that they may.

Locks are taken in this order: addresses and numbers, stages, colleagues, people.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.modules.crm.domain import Contact, ContactKey, search_words
from rooftree.modules.crm.tables import (
    AgentRow,
    ContactRow,
    HistoryRow,
    LeadRow,
    PersonRow,
    StageRow,
    Table,
    TaskRow,
)

MOST_LEADS = 100


class Records:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, *rows: Table) -> None:
        self._session.add_all(rows)
        await self._session.flush()

    # -- people -------------------------------------------------------------------------------------------------------

    async def lock_contacts(self, keys: Collection[ContactKey]) -> None:
        """Who else brings one of them waits until this transaction ends: two forms at once make one person."""
        for key in sorted(keys):
            number = func.hashtextextended(f"crm.contact {key.kind} {key.key}", 0)
            await self._session.execute(select(func.pg_advisory_xact_lock(number)))

    async def known(self, keys: Sequence[ContactKey]) -> PersonRow | None:
        """Who has one of these, locked: by the first key that somebody has, and of several who came first."""
        for key in keys:
            same = select(ContactRow.person_id).where(ContactRow.kind == key.kind, ContactRow.key == key.key)
            query = select(PersonRow).where(PersonRow.id.in_(same)).order_by(PersonRow.id).limit(1)
            if found := await self._session.scalar(query.with_for_update()):
                return found
        return None

    async def contacts(self, person_ids: Collection[UUID]) -> dict[UUID, list[ContactRow]]:
        """In their order, by person."""
        query = select(ContactRow).where(ContactRow.person_id.in_(person_ids))
        found: dict[UUID, list[ContactRow]] = {person_id: [] for person_id in person_ids}
        for row in await self._session.scalars(query.order_by(ContactRow.kind, ContactRow.position)):
            found[row.person_id].append(row)
        return found

    async def set_contacts(self, person: PersonRow, contacts: Sequence[Contact]) -> None:
        """All of them, with the words that the person is found by."""
        await self._session.execute(delete(ContactRow).where(ContactRow.person_id == person.id))
        for position, contact in enumerate(contacts):
            row = ContactRow(person_id=person.id, kind=contact.key.kind, position=position, typed=contact.typed)
            row.key, row.e164 = contact.key.key, contact.e164
            self._session.add(row)
        person.search_text = func.lower(func.unaccent(search_words(person.name, contacts)))
        await self._session.flush()

    async def open_leads(self, person_ids: Collection[UUID]) -> dict[UUID, int]:
        """How many leads of each nobody has answered."""
        query = select(LeadRow.person_id, func.count()).where(
            LeadRow.person_id.in_(person_ids), LeadRow.state != "responded"
        )
        return {row[0]: row[1] for row in await self._session.execute(query.group_by(LeadRow.person_id))}

    async def unanswered(self, person_ids: Collection[UUID]) -> dict[UUID, tuple[UUID, ...]]:
        """Ids of those leads by person, newest first."""
        query = select(LeadRow.person_id, LeadRow.id).where(
            LeadRow.person_id.in_(person_ids), LeadRow.state != "responded"
        )
        found: dict[UUID, list[UUID]] = {person_id: [] for person_id in person_ids}
        for person_id, lead_id in await self._session.execute(query.order_by(LeadRow.id.desc())):
            if len(found[person_id]) < MOST_LEADS:
                found[person_id].append(lead_id)
        return {person_id: tuple(leads) for person_id, leads in found.items()}

    async def follow_assignment(self, person_ids: Collection[UUID], *, is_assigned: bool) -> None:
        """Unanswered leads are `assigned` while somebody looks after their person, else `new`."""
        query = update(LeadRow).where(LeadRow.person_id.in_(person_ids), LeadRow.state != "responded")
        await self._session.execute(query.values(state="assigned" if is_assigned else "new"))

    async def answer_leads(self, person_id: UUID, *, at: datetime) -> Sequence[UUID]:
        """Somebody wrote to the person at that time: what came before is answered. Ids of the leads that now are."""
        query = update(LeadRow).where(
            LeadRow.person_id == person_id, LeadRow.state != "responded", LeadRow.received_at <= at
        )
        answered = query.values(state="responded", responded_at=at).returning(LeadRow.id)
        return (await self._session.scalars(answered)).all()

    # -- colleagues ---------------------------------------------------------------------------------------------------

    async def agent(self, told: AgentRow) -> AgentRow:
        """What is known of this colleague, or else what is `told`; it stays so until this transaction ends."""
        await self._session.execute(
            upsert(AgentRow).values(_values(told)).on_conflict_do_nothing(index_elements=["user_id"])
        )
        query = select(AgentRow).where(AgentRow.user_id == told.user_id).with_for_update(read=True)
        return (await self._session.scalars(query.execution_options(populate_existing=True))).one()

    async def follow(self, told: AgentRow) -> bool:
        """Note what is told of a colleague. False if something newer is known already."""
        statement = upsert(AgentRow).values(_values(told))
        newer = {name: statement.excluded[name] for name in _values(told) if name != "user_id"}
        changed = statement.on_conflict_do_update(
            index_elements=["user_id"], set_=newer, where=AgentRow.sequence < statement.excluded.sequence
        )
        return await self._session.scalar(changed.returning(AgentRow.user_id)) is not None

    async def teams_of(self, user_id: UUID | None) -> frozenset[UUID]:
        teams = await self._session.scalar(select(AgentRow.team_ids).where(AgentRow.user_id == user_id))
        return frozenset(teams or ())

    async def people_of(self, user_id: UUID) -> Sequence[PersonRow]:
        """Whom this colleague looks after, locked."""
        query = select(PersonRow).where(PersonRow.assigned_to == user_id).order_by(PersonRow.id).with_for_update()
        return (await self._session.scalars(query.execution_options(populate_existing=True))).all()

    async def move_office(self, user_id: UUID, office_id: UUID | None) -> None:
        """People go along with who looks after them."""
        differs = PersonRow.office_id.is_distinct_from(office_id)
        query = update(PersonRow).where(PersonRow.assigned_to == user_id, differs)
        await self._session.execute(query.values(office_id=office_id))

    async def leave_tasks(self, user_id: UUID) -> Sequence[TaskRow]:
        """Open tasks of somebody who left are nobody's. Returns them."""
        query = select(TaskRow).where(TaskRow.assigned_to == user_id, TaskRow.done_at.is_(None)).with_for_update()
        tasks = (await self._session.scalars(query)).all()
        for task in tasks:
            task.assigned_to = None
            task.revision += 1
        return tasks

    # -- stages and history -------------------------------------------------------------------------------------------

    async def stage_names(self, stage_ids: Collection[UUID]) -> dict[UUID, str]:
        query = select(StageRow.id, StageRow.name).where(StageRow.id.in_(stage_ids))
        return {row[0]: row[1] for row in await self._session.execute(query)}

    async def changes_after(self, subject_id: UUID, revision: int) -> Sequence[HistoryRow]:
        query = select(HistoryRow).where(HistoryRow.subject_id == subject_id, HistoryRow.revision > revision)
        return (await self._session.scalars(query.order_by(HistoryRow.revision))).all()

    async def last_change(self, subject_id: UUID) -> HistoryRow | None:
        query = select(HistoryRow).where(HistoryRow.subject_id == subject_id)
        return await self._session.scalar(query.order_by(HistoryRow.revision.desc()).limit(1))

    async def history(self, person_id: UUID, *, limit: int, before: UUID | None) -> tuple[Sequence[HistoryRow], int]:
        """All that was written about a person, newest first, and how much that is."""
        mine = HistoryRow.person_id == person_id
        total = await self._session.execute(select(func.count()).select_from(HistoryRow).where(mine))
        query = select(HistoryRow).where(mine).order_by(HistoryRow.id.desc()).limit(limit)
        if before is not None:
            query = query.where(HistoryRow.id < before)
        return (await self._session.scalars(query)).all(), total.scalar_one()


def _values(agent: AgentRow) -> dict[str, object]:
    names = ("user_id", "role", "office_id", "team_ids", "is_active", "sequence")
    return {name: getattr(agent, name) for name in names}
