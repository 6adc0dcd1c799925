"""What the gateway answers."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from rooftree.contracts.access.policy import Right
from rooftree.contracts.identity.api import Role
from rooftree.modules.gateway.domain import MOST_LISTED


class UserOutput(BaseModel):
    id: UUID
    name: str
    email: str
    role: Role
    office_id: UUID | None
    team_ids: list[UUID]


class TenantName(BaseModel):
    slug: str
    display_name: str


class SessionOutput(BaseModel):
    user: UserOutput
    tenant: TenantName
    expires_at: datetime
    can: list[Right] = Field(description="What the person's role opens; each request is decided for itself.")


class BrowserSession(BaseModel):
    """A browser in which the person is signed in."""

    id: UUID
    created_at: datetime
    used_at: datetime = Field(description="To five minutes.")
    expires_at: datetime
    user_agent: str | None = Field(description="Such as `Chrome on Linux`; null if the browser did not say.")
    is_current: bool


class BrowserSessionList(BaseModel):
    items: list[BrowserSession] = Field(description="Last used first.", json_schema_extra={"maxItems": MOST_LISTED})


class TenantOutput(TenantName):
    time_zone: str
    currency: str
