"""What is read and written over HTTP about notes, tasks, activities and the timeline."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from rooftree.contracts.crm.api import AssignmentReason, LeadState, LeadType
from rooftree.contracts.identity.schemas import Colleague
from rooftree.kernel.pagination import PageQuery
from rooftree.modules.crm.schemas import Input, Moment, NoteText, Outcome, TimeZone, Title, absent
from rooftree.modules.crm.timeline_repository import EntryKind
from rooftree.modules.crm.work_repository import TaskOwner, TaskState

ActivityKind = Literal["call", "email", "text", "meeting", "viewing"]
Direction = Literal["incoming", "outgoing"]


class NoteInput(Input):
    text: NoteText


class Note(BaseModel):
    id: UUID
    person_id: UUID
    author: Colleague
    text: str
    created_at: datetime
    updated_at: datetime
    version: int


class ActivityInput(Input):
    """Calls, e-mails and texts have a direction. An outgoing one answers the leads that came before it."""

    kind: ActivityKind
    direction: Direction | None = None
    at: Moment | None = Field(None, description="Null: now.")
    outcome: Outcome | None = None


class Activity(BaseModel):
    id: UUID
    person_id: UUID
    kind: ActivityKind
    direction: Direction | None
    at: datetime
    outcome: str | None
    created_by: Colleague
    created_at: datetime


class TaskQuery(PageQuery):
    state: TaskState = "open"
    owner: TaskOwner = "mine"
    person_id: UUID | None = None


class TaskInput(Input):
    """`time_zone` is the one in which `due_at` was meant; null: the brokerage's."""

    title: Title
    due_at: Moment | None = None
    time_zone: TimeZone | None = None
    assigned_to: UUID | None = Field(None, description="Null: the caller.")


class TaskPatch(Input):
    title: Title = absent
    due_at: Moment | None = None
    time_zone: TimeZone = absent
    assigned_to: UUID | None = Field(None, description="Null: nobody.")
    is_done: Annotated[bool, Field(strict=True)] = absent


class TaskPerson(BaseModel):
    id: UUID
    name: str


class Task(BaseModel):
    id: UUID
    person: TaskPerson
    title: str
    due_at: datetime | None
    time_zone: str
    assigned_to: Colleague | None
    created_at: datetime
    done_at: datetime | None
    version: int


class TaskPage(BaseModel):
    items: list[Task]
    total: int
    next_cursor: str | None


class TimelineQuery(PageQuery):
    kind: Annotated[list[EntryKind], Field(max_length=6, description="Several ones may be given; none: all.")] = Field(
        default_factory=list[EntryKind]
    )


class TimelineEntry(BaseModel):
    """What happened. Which members are not null depends on `kind`; the others are null."""

    id: UUID = Field(description="Of the note, task, activity, lead, or change.")
    kind: EntryKind
    at: datetime
    actor: Colleague | None = Field(description="Null: the person, or a rule of ours.")
    text: str | None = Field(None, description="The note, the task's title, the lead's message, an outcome, or why.")
    version: int | None = Field(None, description="Of a note, for If-Match.")
    activity: ActivityKind | None = None
    direction: Direction | None = None
    lead_type: LeadType | None = None
    lead_state: LeadState | None = None
    source: str | None = None
    given_name: str | None = Field(None, description="With a lead, like the next two.")
    given_email: str | None = None
    given_phone: str | None = None
    property_id: UUID | None = None
    listing_key: str | None = None
    listing_address: str | None = None
    from_stage: str | None = None
    to_stage: str | None = None
    from_user: Colleague | None = None
    to_user: Colleague | None = None
    reason: AssignmentReason | None = None


class TimelinePage(BaseModel):
    items: list[TimelineEntry]
    next_cursor: str | None
