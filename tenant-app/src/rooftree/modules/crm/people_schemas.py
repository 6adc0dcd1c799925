"""What is read and written over HTTP about people, their stages and who looks after them."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from rooftree.contracts.identity.schemas import Colleague
from rooftree.kernel.pagination import PageQuery
from rooftree.modules.crm.domain import MAX_STAGES, MOST_KNOWN
from rooftree.modules.crm.schemas import (
    Emails,
    Input,
    Label,
    Name,
    Outcome,
    Phones,
    SoughtLabel,
    Tags,
    Words,
    absent,
)
from rooftree.modules.crm.summaries_repository import PeopleSort

MAX_COLUMN = 50
AssigneeFilter = Literal["me", "nobody", "somebody"]


class PeopleFilter(BaseModel):
    model_config = ConfigDict(extra="forbid")

    q: Words | None = Field(None, description="Words of name, address or number; all must match.")
    assigned_to: Annotated[UUID | AssigneeFilter | None, Field(description="A colleague's id, or one of these.")] = None
    source: SoughtLabel | None = None
    tag: SoughtLabel | None = None


class PeopleQuery(PeopleFilter, PageQuery):
    stage_id: UUID | None = None
    sort: PeopleSort = "-last_activity_at"


class BoardQuery(PeopleFilter):
    """`limit` is for each stage; more of one are listed by `stage_id`, in the order `-last_activity_at`."""

    limit: Annotated[int, Field(ge=1, le=MAX_COLUMN)] = 20


class PhoneOutput(BaseModel):
    value: str = Field(description="As it was typed.")
    e164: str | None = Field(description="For a link to call; null where it cannot be told.")


class PersonSummary(BaseModel):
    id: UUID
    name: str
    emails: list[str]
    phones: list[PhoneOutput]
    stage_id: UUID
    stage_name: str
    source: str
    tags: list[str]
    assigned_to: Colleague | None = Field(description="Null: nobody looks after the person.")
    office_id: UUID | None
    open_leads: int = Field(description="How many nobody has answered yet.")
    last_activity_at: datetime
    created_at: datetime
    version: int = Field(description="For If-Match; likewise in ETag.")
    can_edit: bool
    can_assign: bool
    can_claim: bool


class PersonDetail(PersonSummary):
    updated_at: datetime


class PersonPage(BaseModel):
    items: list[PersonSummary]
    total: int
    next_cursor: str | None


class PersonList(BaseModel):
    items: list[PersonSummary] = Field(json_schema_extra={"maxItems": MOST_KNOWN})


class PersonInput(Input):
    """An agent's person is the agent's. With `even_if_known` there may be another one with the same address."""

    name: Name
    emails: Emails = Field(default_factory=list[str])
    phones: Phones = Field(default_factory=list[str])
    source: Label = "Manual"
    tags: Tags = Field(default_factory=list[str])
    stage_id: UUID | None = Field(None, description="Null: the first one.")
    even_if_known: bool = False


class PersonPatch(Input):
    """Lists are replaced as a whole. Stage and assignment have operations of their own."""

    name: Name = absent
    emails: Emails = absent
    phones: Phones = absent
    source: Label = absent
    tags: Tags = absent


class StageChangeInput(Input):
    stage_id: UUID


class AssignmentInput(Input):
    """`assigned_to` null: nobody; the person then waits in their office."""

    assigned_to: UUID | None
    note: Outcome | None = Field(None, description="Why; shown in the timeline.")


class Stage(BaseModel):
    id: UUID
    name: str
    position: int
    people: int = Field(description="Of the whole brokerage.")
    version: int


class StageList(BaseModel):
    items: list[Stage] = Field(json_schema_extra={"maxItems": MAX_STAGES})
    version: int = Field(description="Of which stages there are and their order.")


class StageInput(Input):
    name: Name


class StagePatch(Input):
    name: Name


class StageOrderInput(Input):
    """Each stage that there is, once."""

    stage_ids: Annotated[list[UUID], Field(max_length=100)]


class BoardColumn(BaseModel):
    stage_id: UUID
    stage_name: str
    total: int
    items: list[PersonSummary]


class Board(BaseModel):
    columns: list[BoardColumn]


class RecordChange(BaseModel):
    """One write. Values are not kept, only which fields it touched."""

    id: UUID
    at: datetime
    actor: Colleague | None = Field(description="Null: a visitor, or a rule of ours.")
    subject: Literal["person", "lead", "note", "task", "activity", "stage"]
    subject_id: UUID
    action: Literal["created", "changed", "deleted"]
    fields: list[str]


class RecordChangePage(BaseModel):
    items: list[RecordChange]
    total: int
    next_cursor: str | None
