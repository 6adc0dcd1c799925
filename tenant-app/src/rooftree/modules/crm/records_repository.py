"""SQL of crm's records for changes of them: whoever calls has found out by `people_repository` that they may.

Locks are taken in this order: addresses and numbers, stages, colleagues, people, tasks.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import cast
from uuid import UUID

from sqlalchemy import Select, and_, delete, exists, func, insert, or_, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.kernel.name_locks import lock_names
from rooftree.modules.crm.domain import Contact, ContactKey, ContactKind, search_words
from rooftree.modules.crm.tables import (
    ActivityRow,
    AgentRow,
    AssignmentRow,
    ContactRow,
    HistoryRow,
    LeadRow,
    NoteRow,
    PersonRow,
    StageChangeRow,
    StageRow,
    Table,
    TaskRow,
)

MOST_LEADS = 100
_SEARCH_TEXTS = text("""
    SELECT lower(unaccent(words)) FROM unnest(CAST(:words AS text[])) WITH ORDINALITY AS given (words, place)
    ORDER BY place
""")


class Records:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, *rows: Table) -> None:
        self._session.add_all(rows)
        await self._session.flush()

    async def places(self, person_ids: Collection[UUID]) -> list[tuple[UUID, UUID | None, UUID | None]]:
        """Of each: the id, who looks after them, and their office."""
        if not person_ids:
            return []
        query = select(PersonRow.id, PersonRow.assigned_to, PersonRow.office_id).where(PersonRow.id.in_(person_ids))
        return [(row[0], row[1], row[2]) for row in await self._session.execute(query)]

    # -- people -------------------------------------------------------------------------------------------------------

    async def lock_contacts(self, keys: Collection[ContactKey]) -> None:
        """Who else brings one of them waits until this transaction ends: two forms at once make one person."""
        await lock_names(self._session, {f"crm.contact {key.kind} {key.key}" for key in keys})

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

    async def add_all(self, people: Sequence[PersonRow], contacts: Mapping[UUID, Sequence[Contact]]) -> None:
        """New people with their addresses and numbers, by few statements; the rows are copied, not kept."""
        texts = await self.search_texts([(one.name, contacts[one.id]) for one in people])
        for person, found_by in zip(people, texts, strict=True):
            person.search_text = found_by
        await self._session.execute(insert(PersonRow), [_stored(person) for person in people])
        await self.add_contacts([(person.id, 0, contacts[person.id]) for person in people])

    async def add_contacts(self, added: Sequence[tuple[UUID, int, Sequence[Contact]]]) -> None:
        """Of each person those that come from this position on."""
        rows = [
            {
                "person_id": person_id,
                "kind": contact.key.kind,
                "position": position,
                "typed": contact.typed,
                "key": contact.key.key,
                "e164": contact.e164,
            }
            for person_id, first, contacts in added
            for position, contact in enumerate(contacts, first)
        ]
        if rows:
            await self._session.execute(insert(ContactRow), rows)

    async def remove_contacts(self, removed: Collection[tuple[UUID, str, str]]) -> None:
        """Person, kind and key of each."""
        place = tuple_(ContactRow.person_id, ContactRow.kind, ContactRow.key)
        if removed:
            await self._session.execute(delete(ContactRow).where(place.in_(removed)))

    async def untouched(self, person_ids: Collection[UUID]) -> set[UUID]:
        """Those of whom there is nothing but how they came in; they are locked. Notes that were deleted count."""
        found = (NoteRow, TaskRow, ActivityRow, LeadRow, StageChangeRow)
        query = select(PersonRow.id).where(
            PersonRow.id.in_(person_ids), *(~exists().where(kind.person_id == PersonRow.id) for kind in found)
        )
        return set((await self._session.scalars(query)).all())

    async def let_be(self, person_ids: Collection[UUID]) -> set[UUID]:
        """Those with whom nobody has worked since they themselves were last changed; they are locked."""
        since = exists().where(
            HistoryRow.person_id == PersonRow.id, HistoryRow.subject != "person", HistoryRow.at > PersonRow.updated_at
        )
        return set(
            (await self._session.scalars(select(PersonRow.id).where(PersonRow.id.in_(person_ids), ~since))).all()
        )

    async def remove(self, person_ids: Collection[UUID]) -> None:
        """For good, with all that was about them."""
        await self._session.flush()
        await self._session.execute(delete(PersonRow).where(PersonRow.id.in_(person_ids)))

    async def search_texts(self, given: Sequence[tuple[str, Sequence[Contact]]]) -> Sequence[str]:
        """What people of these names are found by, with these addresses and numbers."""
        words = [search_words(name, contacts) for name, contacts in given]
        return (await self._session.scalars(_SEARCH_TEXTS, {"words": words})).all()

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

    async def was_taken_since(self, person_id: UUID, moment: datetime) -> bool:
        """Whether somebody claimed or got the person later than that, whom nobody looked after until then."""
        taken = exists().where(
            AssignmentRow.person_id == person_id,
            AssignmentRow.at > moment,
            AssignmentRow.from_user_id.is_(None),
            AssignmentRow.reason.in_(("claimed", "assigned")),
        )
        return bool(await self._session.scalar(select(taken)))

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

    async def role_of(self, user_id: UUID) -> str | None:
        """By what was heard last."""
        return await self._session.scalar(select(AgentRow.role).where(AgentRow.user_id == user_id))

    async def people_around(self, user_id: UUID) -> Sequence[PersonRow]:
        """Whom this colleague looks after or has an open task for, locked."""
        tasks = select(TaskRow.person_id).where(TaskRow.assigned_to == user_id, TaskRow.done_at.is_(None))
        query = select(PersonRow).where(or_(PersonRow.assigned_to == user_id, PersonRow.id.in_(tasks)))
        query = query.order_by(PersonRow.id).with_for_update()
        return (await self._session.scalars(query.execution_options(populate_existing=True))).all()

    async def move_office(self, user_id: UUID, office_id: UUID) -> None:
        """People go along with who looks after them."""
        differs = PersonRow.office_id.is_distinct_from(office_id)
        query = update(PersonRow).where(PersonRow.assigned_to == user_id, differs)
        await self._session.execute(query.values(office_id=office_id))

    async def leave_office(self, office_id: UUID) -> None:
        """The office is gone: people who are there are in none."""
        query = update(PersonRow).where(PersonRow.office_id == office_id)
        await self._session.execute(query.values(office_id=None))

    # -- tasks --------------------------------------------------------------------------------------------------------

    async def hand_over_tasks(self, person_ids: Collection[UUID], assignee: UUID | None) -> Sequence[TaskRow]:
        """Open tasks of who looks after these people, or of nobody where nobody does, go to `assignee`. Returns them.

        The people are locked and not yet handed over.
        """
        same = TaskRow.assigned_to.is_not_distinct_from(PersonRow.assigned_to)
        query = (
            select(TaskRow)
            .join(PersonRow, PersonRow.id == TaskRow.person_id)
            .where(TaskRow.person_id.in_(person_ids), TaskRow.done_at.is_(None), same)
        )
        return await self._give(query, assignee)

    async def leave_tasks(self, user_id: UUID) -> Sequence[TaskRow]:
        """Open tasks of somebody who left are nobody's. Returns them."""
        return await self._give(select(TaskRow).where(TaskRow.assigned_to == user_id, TaskRow.done_at.is_(None)), None)

    async def _give(self, query: Select[TaskRow], assignee: UUID | None) -> Sequence[TaskRow]:
        query = query.order_by(TaskRow.id).with_for_update(of=TaskRow)
        tasks = (await self._session.scalars(query.execution_options(populate_existing=True))).all()
        given = [task for task in tasks if task.assigned_to != assignee]
        for task in given:
            task.assigned_to = assignee
            task.revision += 1
        return given

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

    async def history(
        self, person_id: UUID, subjects: Collection[str], *, limit: int, before: UUID | None
    ) -> tuple[Sequence[HistoryRow], int]:
        """What was written of these subjects about a person, newest first, and how much that is."""
        wanted = and_(HistoryRow.person_id == person_id, HistoryRow.subject.in_(subjects))
        total = await self._session.execute(select(func.count()).select_from(HistoryRow).where(wanted))
        query = select(HistoryRow).where(wanted).order_by(HistoryRow.id.desc()).limit(limit)
        if before is not None:
            query = query.where(HistoryRow.id < before)
        return (await self._session.scalars(query)).all(), total.scalar_one()


def contact_of(row: ContactRow) -> Contact:
    return Contact(ContactKey(cast("ContactKind", row.kind), row.key), row.typed, row.e164)


def _stored(person: PersonRow) -> dict[str, object]:
    return {column.key: getattr(person, column.key) for column in PersonRow.__table__.columns}


def _values(agent: AgentRow) -> dict[str, object]:
    names = ("user_id", "role", "office_id", "team_ids", "is_active", "sequence")
    return {name: getattr(agent, name) for name in names}
