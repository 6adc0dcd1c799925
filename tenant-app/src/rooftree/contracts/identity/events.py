"""What identity tells the others: people who came, changed, left and returned; offices that went."""

from dataclasses import dataclass
from typing import ClassVar, Literal
from uuid import UUID

from rooftree.kernel.events import IntegrationEvent

UserChange = Literal["created", "updated", "deactivated", "reactivated"]


@dataclass(frozen=True, slots=True, kw_only=True)
class UserChanged(IntegrationEvent):
    """A person got an account, or something about it changed. Names and addresses are asked for, not told."""

    type: ClassVar[str] = "dev.rooftree.identity.user-changed.v1"

    user_id: UUID
    change: UserChange
    role: str
    """After the change, as the office and the teams."""
    office_id: UUID | None
    team_ids: tuple[UUID, ...]

    @property
    def aggregate_id(self) -> UUID:
        return self.user_id


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficeDeleted(IntegrationEvent):
    """There is this office no more. It had no people, no teams and no open invitations."""

    type: ClassVar[str] = "dev.rooftree.identity.office-deleted.v1"

    office_id: UUID

    @property
    def aggregate_id(self) -> UUID:
        return self.office_id
