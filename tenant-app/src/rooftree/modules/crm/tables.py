"""Postgres schema `crm`. Users are identity's and listings property's: their ids stand here without foreign keys."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    MetaData,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from rooftree.bulk.tables import ExportTable, ImportTable, LineTable, Tables


class Table(DeclarativeBase):
    metadata = MetaData(schema="crm")
    type_annotation_map = {  # noqa: RUF012
        str: Text,
        datetime: DateTime(timezone=True),
        bytes: LargeBinary,
        dict[str, Any]: JSONB,
        list[str]: ARRAY(Text),
        list[UUID]: ARRAY(Uuid()),
    }


def _person() -> Mapped[UUID]:
    return mapped_column(ForeignKey("crm.people.id", ondelete="CASCADE"))


class StageRow(Table):
    """Where a person stands, in the brokerage's own words. `position` orders them; new people come into the first."""

    __tablename__ = "stages"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    name_key: Mapped[str] = mapped_column(unique=True)
    position: Mapped[int]
    version: Mapped[int] = mapped_column(default=1)


class AgentRow(Table):
    """What crm knows of a colleague who looks after people: what identity's events told, in the order of `sequence`.

    Made when first needed, with sequence 0, from what identity answers; any event is newer.
    """

    __tablename__ = "agents"

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    role: Mapped[str]
    office_id: Mapped[UUID | None]
    team_ids: Mapped[list[UUID]]
    is_active: Mapped[bool]
    sequence: Mapped[int] = mapped_column(BigInteger)


class PersonRow(Table):
    """Somebody whom the brokerage knows. `revision` grows by one with each change, also of stage and assignment."""

    __tablename__ = "people"
    __table_args__ = (
        Index("people_by_activity", "last_activity_at", "id"),
        Index("people_by_creation", "created_at", "id"),
        Index("people_by_name", "name_key", "id"),
        Index("people_by_stage", "stage_id", "last_activity_at", "id"),
        Index("people_counted", "stage_id", "source", postgresql_include=["id", "assigned_to", "office_id"]),
        Index("people_by_assignee", "assigned_to"),
        Index("people_by_office", "office_id"),
        Index("people_by_tag", "tags", postgresql_using="gin"),
        Index(
            "people_search_text",
            "search_text",
            postgresql_using="gin",
            postgresql_ops={"search_text": "gin_trgm_ops"},
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    name_key: Mapped[str]
    search_text: Mapped[str]
    """Name, addresses and numbers in lower case and without accents."""
    stage_id: Mapped[UUID] = mapped_column(ForeignKey("crm.stages.id"))
    source: Mapped[str]
    tags: Mapped[list[str]]
    assigned_to: Mapped[UUID | None]
    """Who looks after the person; None: nobody, whoever may can claim."""
    office_id: Mapped[UUID | None]
    """Of who looks after the person; of who did, or of the listing asked about, while nobody does."""
    revision: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    last_activity_at: Mapped[datetime]
    """When the person was last heard of or written to; when they came in before that."""


class ContactRow(Table):
    """A mail address or number of a person. Equal keys mean the same mailbox or line."""

    __tablename__ = "contacts"
    __table_args__ = (
        CheckConstraint("kind IN ('email', 'phone')", name="contacts_kind_check"),
        Index("contacts_by_key", "kind", "key"),
    )

    person_id: Mapped[UUID] = mapped_column(ForeignKey("crm.people.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    typed: Mapped[str]
    key: Mapped[str]
    e164: Mapped[str | None]
    """Of a number, where it can be told."""


class LeadRow(Table):
    """One request of a person. `captured_by`: which colleague wrote it down; None: the person used a form."""

    __tablename__ = "leads"
    __table_args__ = (
        CheckConstraint("state IN ('new', 'assigned', 'responded')", name="leads_state_check"),
        Index("leads_by_person", "person_id", "id"),
        Index("leads_by_state", "state", "id", postgresql_include=["person_id"]),
        Index("leads_unanswered", "person_id", postgresql_where=text("state <> 'responded'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = _person()
    lead_type: Mapped[str]
    source: Mapped[str]
    name: Mapped[str]
    """As it was given with the lead, like address and number: a form of a stranger changes nothing of a person."""
    email: Mapped[str | None]
    phone: Mapped[str | None]
    message: Mapped[str | None]
    property_id: Mapped[UUID | None]
    listing_key: Mapped[str | None]
    listing_address: Mapped[str | None]
    """As it was when the person asked."""
    utm: Mapped[dict[str, Any]]
    consent: Mapped[bool]
    captured_by: Mapped[UUID | None]
    received_at: Mapped[datetime]
    state: Mapped[str]
    responded_at: Mapped[datetime | None]
    """Of the first outgoing activity after the lead came."""


class NoteRow(Table):
    __tablename__ = "notes"
    __table_args__ = (Index("notes_by_person", "person_id", "created_at", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = _person()
    author_id: Mapped[UUID]
    text: Mapped[str]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]
    revision: Mapped[int]


class TaskRow(Table):
    """Something to do for a person. `time_zone` is the one in which `due_at` was meant, an IANA name."""

    __tablename__ = "tasks"
    __table_args__ = (
        Index("tasks_by_person", "person_id", "id"),
        Index(
            "tasks_by_due", "due_at", "id", postgresql_include=["person_id"], postgresql_where=text("done_at IS NULL")
        ),
        Index(
            "tasks_by_done",
            "done_at",
            "id",
            postgresql_include=["person_id"],
            postgresql_where=text("done_at IS NOT NULL"),
        ),
        Index("tasks_open", "assigned_to", "due_at", "id", postgresql_where=text("done_at IS NULL")),
        Index("tasks_done", "assigned_to", "done_at", "id", postgresql_where=text("done_at IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = _person()
    title: Mapped[str]
    due_at: Mapped[datetime | None]
    time_zone: Mapped[str]
    assigned_to: Mapped[UUID | None]
    created_by: Mapped[UUID]
    created_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    done_by: Mapped[UUID | None]
    revision: Mapped[int]


class ActivityRow(Table):
    """Something that happened between the person and the brokerage. Never changed."""

    __tablename__ = "activities"
    __table_args__ = (
        CheckConstraint("kind IN ('call', 'email', 'text', 'meeting', 'viewing')", name="activities_kind_check"),
        CheckConstraint("direction IN ('incoming', 'outgoing')", name="activities_direction_check"),
        Index("activities_by_person", "person_id", "at", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = _person()
    kind: Mapped[str]
    direction: Mapped[str | None]
    at: Mapped[datetime]
    outcome: Mapped[str | None]
    created_by: Mapped[UUID]
    created_at: Mapped[datetime]


class StageChangeRow(Table):
    """Names as they were: a stage can be renamed and removed. `actor_id` None: nobody but the person's own lead."""

    __tablename__ = "stage_changes"
    __table_args__ = (Index("stage_changes_by_person", "person_id", "at", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = _person()
    at: Mapped[datetime]
    actor_id: Mapped[UUID | None]
    from_stage_id: Mapped[UUID]
    from_name: Mapped[str]
    to_stage_id: Mapped[UUID]
    to_name: Mapped[str]


class AssignmentRow(Table):
    """Who looked after a person from when on, and why. `actor_id` None: a rule of ours."""

    __tablename__ = "assignments"
    __table_args__ = (Index("assignments_by_person", "person_id", "at", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = _person()
    at: Mapped[datetime]
    actor_id: Mapped[UUID | None]
    from_user_id: Mapped[UUID | None]
    to_user_id: Mapped[UUID | None]
    reason: Mapped[str]
    note: Mapped[str | None]


class HistoryRow(Table):
    """Every write: who did what to what, and which fields it touched. Values are not here."""

    __tablename__ = "history"
    __table_args__ = (
        CheckConstraint(
            "subject IN ('person', 'lead', 'note', 'task', 'activity', 'stage')", name="history_subject_check"
        ),
        CheckConstraint("action IN ('created', 'changed', 'deleted')", name="history_action_check"),
        Index("history_by_subject", "subject_id", "revision"),
        Index("history_by_person", "person_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    actor_id: Mapped[UUID | None]
    """None: a visitor, or a rule of ours."""
    subject: Mapped[str]
    subject_id: Mapped[UUID]
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("crm.people.id", ondelete="CASCADE"))
    action: Mapped[str]
    revision: Mapped[int]
    """The subject's after this."""
    fields: Mapped[list[str]]


class AttemptRow(Table):
    """One inquiry of a visitor, counted under hashed keys (network, address or number, tenant)."""

    __tablename__ = "attempts"
    __table_args__ = (Index("attempts_key_at", "key", "at"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    key: Mapped[bytes]
    at: Mapped[datetime]


class ImportRow(ImportTable, Table):
    """A file of people."""


class ImportLineRow(LineTable, Table):
    """One row of such a file."""

    record = "person"


class ExportRow(ExportTable, Table):
    """A file of people that somebody asked for."""


BULK = Tables(ImportRow, ImportLineRow, ExportRow)
