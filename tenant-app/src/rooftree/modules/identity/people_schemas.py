"""What identity reads and writes over HTTP about people, invitations, offices and teams.

Merge patches (RFC 7396): a member that is left out stays as it is, null empties it, which only some members allow.
"""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from rooftree.contracts.identity.api import Role
from rooftree.kernel.pagination import PageQuery
from rooftree.kernel.text import email_address, tidy
from rooftree.modules.identity.domain import MAX_TEAMS, NAME_MAX

UserState = Literal["active", "deactivated"]
InvitationState = Literal["open", "expired", "accepted", "revoked"]


def _name(value: str) -> str:
    name = tidy(value)
    if not name or len(name) > NAME_MAX:
        raise ValueError(f"use 1 to {NAME_MAX} characters")
    return name


def _text(value: str) -> str | None:
    return tidy(value) or None


Name = Annotated[str, Field(max_length=400), AfterValidator(_name)]
Phone = Annotated[str, Field(max_length=50), AfterValidator(_text)] | None
Address = Annotated[str, Field(max_length=300), AfterValidator(_text)] | None
Email = Annotated[str, Field(max_length=320), AfterValidator(email_address)]
TeamIds = Annotated[list[UUID], Field(max_length=MAX_TEAMS)]
# Neither required nor null, and without a default that a reader could take for what happens.
_absent: Any = Field(default_factory=lambda: None)


class Input(BaseModel):
    model_config = ConfigDict(extra="forbid")

    def given(self) -> dict[str, Any]:
        """Only the members that were sent."""
        return {name: getattr(self, name) for name in self.model_fields_set}


PartOfName = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$", description="A part of the name.")]


class OfficeQuery(PageQuery):
    q: PartOfName | None = None


class TeamQuery(PageQuery):
    q: PartOfName | None = None
    office_id: UUID | None = None


class UserInvitationQuery(PageQuery):
    state: InvitationState | None = None


class UserQuery(PageQuery):
    q: Annotated[
        str | None,
        Field(max_length=200, pattern=r"^[^\x00]*$", description="A part of the name or the e-mail address."),
    ] = None
    role: Role | None = None
    office_id: UUID | None = None
    state: UserState | None = None


class UserDetail(BaseModel):
    id: UUID
    name: str
    email: str
    role: Role
    office_id: UUID | None
    team_ids: list[UUID]
    state: UserState
    created_at: datetime
    version: int


class UserDetailPage(BaseModel):
    items: list[UserDetail]
    total: int
    next_cursor: str | None


class UserPatch(Input):
    """Teams of other offices are left when the office changes and no teams are given."""

    name: Name = _absent
    role: Role = _absent
    office_id: UUID | None = None
    team_ids: TeamIds = _absent
    state: UserState = _absent


class UserInvitationInput(Input):
    """An office manager invites into their own office, also when none is given."""

    email: Email
    name: Name
    role: Role
    office_id: UUID | None = None
    team_ids: TeamIds = _absent


class UserInvitation(BaseModel):
    id: UUID
    email: str
    name: str
    role: Role
    office_id: UUID | None
    team_ids: list[UUID]
    state: InvitationState
    created_at: datetime
    expires_at: datetime
    invited_by: str | None = Field(description="Whose name; null for the invitation that the platform made.")


class UserInvitationCreated(UserInvitation):
    link: str = Field(description="Opens the invitation once. It is told here and in the mail, and nowhere later.")


class UserInvitationPage(BaseModel):
    items: list[UserInvitation]
    total: int
    next_cursor: str | None


class OfficeInput(Input):
    name: Name
    phone: Phone = None
    address: Address = None


class OfficePatch(Input):
    name: Name = _absent
    phone: Phone = None
    address: Address = None


class Office(BaseModel):
    id: UUID
    name: str
    phone: str | None
    address: str | None
    user_count: int = Field(description="People who are active.")
    version: int


class OfficePage(BaseModel):
    items: list[Office]
    total: int
    next_cursor: str | None


class TeamInput(Input):
    name: Name
    office_id: UUID


class TeamPatch(Input):
    name: Name = _absent
    office_id: UUID = _absent


class Team(BaseModel):
    id: UUID
    name: str
    office_id: UUID
    member_count: int = Field(description="People who are active.")
    version: int


class TeamPage(BaseModel):
    items: list[Team]
    total: int
    next_cursor: str | None
