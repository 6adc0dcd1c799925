"""What the gateway answers."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel


class UserOutput(BaseModel):
    id: UUID
    name: str
    email: str
    role: str


class TenantName(BaseModel):
    slug: str
    display_name: str


class SessionOutput(BaseModel):
    user: UserOutput
    tenant: TenantName
    expires_at: datetime


class TenantOutput(TenantName):
    time_zone: str
    currency: str
