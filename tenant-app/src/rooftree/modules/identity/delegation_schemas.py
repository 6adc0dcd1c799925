"""What identity reads and writes over HTTP about delegations."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from rooftree.kernel.pagination import PageQuery
from rooftree.modules.identity.people_schemas import Input

# Leads, notes, tasks and activities go with their person, photos with their listing.
DelegatedResource = Literal["listing", "person"]


class DelegationQuery(PageQuery):
    user_id: Annotated[UUID | None, Field(description="Who gave it or took it.")] = None
    state: Literal["live", "all"] = "live"


class DelegationInput(Input):
    assistant_id: UUID = Field(description="A coordinator.")
    user_id: UUID | None = Field(None, description="Whose records; null: the caller's.")
    resources: Annotated[list[DelegatedResource], Field(min_length=1, max_length=2)]
    expires_at: AwareDatetime


class NamedUser(BaseModel):
    id: UUID
    name: str


class Delegation(BaseModel):
    """Until `expires_at` the assistant reads and changes these records of `user` as that one does."""

    id: UUID
    assistant: NamedUser
    user: NamedUser
    resources: list[DelegatedResource]
    granted_by: NamedUser
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    is_live: bool


class DelegationPage(BaseModel):
    items: list[Delegation]
    total: int
    next_cursor: str | None
