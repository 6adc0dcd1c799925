"""What one transaction changes of people: rows, histories, and at its end the events that tell it.

The rows are locked and the caller was found to be allowed to. `finish` comes last: it holds the people's sequences.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.contracts.crm.api import AssignmentReason
from rooftree.contracts.crm.events import LeadAssigned, LeadReceived, StageChanged
from rooftree.kernel import live
from rooftree.kernel.ids import new_id
from rooftree.kernel.live import Record
from rooftree.kernel.outbox import Outbox
from rooftree.modules.crm.domain import Contact
from rooftree.modules.crm.records_repository import Records
from rooftree.modules.crm.stages_repository import Stages
from rooftree.modules.crm.tables import AssignmentRow, HistoryRow, LeadRow, PersonRow, StageChangeRow, StageRow, TaskRow

if TYPE_CHECKING:
    from rooftree.kernel.events import IntegrationEvent

Subject = Literal["person", "lead", "note", "task", "activity", "stage"]
Action = Literal["created", "changed", "deleted"]


class Changes:
    """`actor` None: a visitor, or a rule of ours."""

    def __init__(self, session: AsyncSession, outbox: Outbox, *, now: datetime, actor: UUID | None) -> None:
        self._session = session
        self._outbox = outbox
        self._records = Records(session)
        self._now = now
        self._actor = actor
        self._events: list[IntegrationEvent] = []
        self._touched: set[UUID] = set()
        """Of whom anything changed."""
        self._left: list[Record] = []
        """Where people were."""

    @property
    def now(self) -> datetime:
        return self._now

    @property
    def records(self) -> Records:
        return self._records

    def note(
        self,
        subject: Subject,
        subject_id: UUID,
        action: Action,
        *,
        person_id: UUID | None,
        revision: int = 1,
        fields: Collection[str] = (),
    ) -> None:
        """A line of the history."""
        if person_id is not None:
            self._touched.add(person_id)
        self._session.add(
            HistoryRow(
                id=new_id(),
                at=self._now,
                actor_id=self._actor,
                subject=subject,
                subject_id=subject_id,
                person_id=person_id,
                action=action,
                revision=revision,
                fields=sorted(fields),
            )
        )

    def edited(self, person: PersonRow, fields: Collection[str]) -> None:
        """A new revision of the person in which these fields differ."""
        person.revision += 1
        person.updated_at = self._now
        self.note("person", person.id, "changed", person_id=person.id, revision=person.revision, fields=fields)

    def moved(self, person: PersonRow, before: StageRow, after: StageRow) -> None:
        """The person goes to another stage."""
        self._session.add(
            StageChangeRow(
                id=new_id(),
                person_id=person.id,
                at=self._now,
                actor_id=self._actor,
                from_stage_id=before.id,
                from_name=before.name,
                to_stage_id=after.id,
                to_name=after.name,
            )
        )
        person.stage_id = after.id
        self.edited(person, ["stage_id"])
        self._tell_moved(person.id, before, after)

    async def all_moved(self, person_ids: Sequence[UUID], before: StageRow, after: StageRow) -> None:
        """Likewise for as many as a stage may hold."""
        await Stages(self._session).move_people(person_ids, before, after, at=self._now, actor=self._actor)
        self._touched.update(person_ids)
        for person_id in person_ids:
            self._tell_moved(person_id, before, after)

    def _tell_moved(self, person_id: UUID, before: StageRow, after: StageRow) -> None:
        self._events.append(
            StageChanged(person_id=person_id, from_stage_id=before.id, to_stage_id=after.id, changed_at=self._now)
        )

    async def assign(
        self,
        people: Sequence[PersonRow],
        assignee: UUID | None,
        office_id: UUID | None,
        *,
        reason: AssignmentReason,
        note: str | None = None,
    ) -> None:
        """Somebody else looks after these people, or nobody, with what is open: leads, and tasks of who did before.

        `office_id` is where they are then; None: where they were.
        """
        ids = [person.id for person in people]
        leads = await self._records.unanswered(ids)
        await self._records.follow_assignment(ids, is_assigned=assignee is not None)
        self.handed_over(await self._records.hand_over_tasks(ids, assignee))
        for person in people:
            self._left.append(Record(person.id, person.assigned_to, person.office_id))
            previous, person.assigned_to = person.assigned_to, assignee
            person.office_id = office_id or person.office_id
            self._session.add(self._assignment(person, previous, reason, note))
            self.edited(person, ["assigned_to"])
            self._tell_assigned(person, previous, leads[person.id], reason)

    def _assignment(
        self, person: PersonRow, previous: UUID | None, reason: AssignmentReason, note: str | None
    ) -> AssignmentRow:
        return AssignmentRow(
            id=new_id(),
            person_id=person.id,
            at=self._now,
            actor_id=self._actor,
            from_user_id=previous,
            to_user_id=person.assigned_to,
            reason=reason,
            note=note,
        )

    def _tell_assigned(
        self, person: PersonRow, previous: UUID | None, lead_ids: tuple[UUID, ...], reason: AssignmentReason
    ) -> None:
        self._events.append(
            LeadAssigned(
                person_id=person.id,
                lead_ids=lead_ids,
                assignee_id=person.assigned_to,
                previous_id=previous,
                reason=reason,
                assigned_at=self._now,
            )
        )

    async def begun(self, person: PersonRow, *, reason: AssignmentReason) -> None:
        """A person who is new came in; the one who looks after them from the first moment on has a line, too."""
        await self._records.add(person)
        self.note("person", person.id, "created", person_id=person.id, revision=person.revision)
        if person.assigned_to is not None:
            self._session.add(self._assignment(person, None, reason, None))

    async def all_begun(
        self, people: Sequence[PersonRow], contacts: Mapping[UUID, Sequence[Contact]], *, reason: AssignmentReason
    ) -> None:
        """Likewise for as many as a page of an import has; whom somebody else gave them to (`assigned`) is told."""
        await self._records.add_all(people, contacts)
        for person in people:
            self.note("person", person.id, "created", person_id=person.id, revision=person.revision)
            if person.assigned_to is not None:
                self._session.add(self._assignment(person, None, reason, None))
                if reason == "assigned":
                    self._tell_assigned(person, None, (), reason)

    def removed(self, people: Iterable[PersonRow]) -> None:
        """They are gone for good, with all that was about them but this line."""
        for person in people:
            self._left.append(Record(person.id, person.assigned_to, person.office_id))
            self.note("person", person.id, "deleted", person_id=None, revision=person.revision + 1)
            if person.assigned_to not in (None, self._actor):
                previous, person.assigned_to = person.assigned_to, None
                self._tell_assigned(person, previous, (), "returned")

    def received(self, lead: LeadRow, person: PersonRow, *, is_new: bool, reason: AssignmentReason) -> None:
        """A lead of a person who was added or locked before."""
        self._session.add(lead)
        self.note("lead", lead.id, "created", person_id=person.id)
        self.heard_of(person, lead.received_at)
        self._events.append(
            LeadReceived(
                lead_id=lead.id,
                person_id=person.id,
                person_is_new=is_new,
                assignee_id=person.assigned_to,
                lead_type=lead.lead_type,
                source=lead.source,
                utm=dict(lead.utm),
                property_id=lead.property_id,
                listing_key=lead.listing_key,
                consent=("contact",) if lead.consent else (),
                received_at=lead.received_at,
            )
        )
        if is_new and person.assigned_to is not None:
            self._tell_assigned(person, None, (lead.id,), reason)

    def heard_of(self, person: PersonRow, at: datetime) -> None:
        """Something happened with the person; that alone makes no revision, so that it disturbs nobody's edit."""
        person.last_activity_at = max(person.last_activity_at, at)

    def handed_over(self, tasks: Sequence[TaskRow]) -> None:
        """Tasks that somebody else has now, or nobody."""
        for task in tasks:
            self.note(
                "task", task.id, "changed", person_id=task.person_id, revision=task.revision, fields=["assigned_to"]
            )

    async def finish(self, *, named: bool = True) -> None:
        """Write all of it, then tell it; `named`: open pages hear who has changed, else that many have."""
        await self._session.flush()
        places = await self._records.places(self._touched)
        await live.tell(self._session, "person", [*self._left, *(Record(*place) for place in places)], named=named)
        await self._outbox.add(self._session, self._events)
        self._events = []
