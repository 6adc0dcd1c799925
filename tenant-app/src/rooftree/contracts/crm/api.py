"""What other modules may ask of crm: people whom a person of the brokerage may see. And what crm refuses."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol
from uuid import UUID

from rooftree.kernel.auth import Principal
from rooftree.kernel.errors import Conflict, NotFound

LeadType = Literal[
    "Registration", "Property Inquiry", "Seller Inquiry", "General Inquiry", "Viewed Property", "Saved Property"
]
LeadState = Literal["new", "assigned", "responded"]
"""`new`: nobody looks after the person yet; `responded`: somebody has answered."""
AssignmentReason = Literal["listing_agent", "captured", "assigned", "claimed", "returned", "departed"]
"""Why somebody looks after a person: as the listing's agent, as who wrote the person down, because a manager or owner
said so, by claiming; or why nobody does any more: given back, or who did has left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPerson:
    """A person of the crm as others show them; `emails` and `phones` as they were typed, the first one first."""

    id: UUID
    name: str
    emails: tuple[str, ...]
    phones: tuple[str, ...]
    assigned_to: UUID | None
    stage_id: UUID


class PersonNotFound(NotFound):
    code: ClassVar[str] = "person-not-found"
    title: ClassVar[str] = "There is no such person"


class PersonKnown(Conflict):
    """`person_id` names the one that has the address or number, whom the caller may see."""

    code: ClassVar[str] = "person-known"
    title: ClassVar[str] = "There is a person with this address or number already"


class LeadNotFound(NotFound):
    code: ClassVar[str] = "lead-not-found"
    title: ClassVar[str] = "There is no such lead"


class LeadTaken(Conflict):
    code: ClassVar[str] = "lead-taken"
    title: ClassVar[str] = "Somebody was faster"


class NoteNotFound(NotFound):
    code: ClassVar[str] = "note-not-found"
    title: ClassVar[str] = "There is no such note"


class TaskNotFound(NotFound):
    code: ClassVar[str] = "task-not-found"
    title: ClassVar[str] = "There is no such task"


class StageNotFound(NotFound):
    code: ClassVar[str] = "stage-not-found"
    title: ClassVar[str] = "There is no such stage"


class StageNameTaken(Conflict):
    code: ClassVar[str] = "stage-name-taken"
    title: ClassVar[str] = "There is a stage with this name already"


class StageInUse(Conflict):
    """`people` tells how many are in it."""

    code: ClassVar[str] = "stage-in-use"
    title: ClassVar[str] = "People are in this stage"


class StageTooFull(Conflict):
    code: ClassVar[str] = "stage-too-full"
    title: ClassVar[str] = "More people are in this stage than can be moved at once"


class LastStage(Conflict):
    code: ClassVar[str] = "last-stage"
    title: ClassVar[str] = "A brokerage needs a stage"


class TooManyStages(Conflict):
    code: ClassVar[str] = "too-many-stages"
    title: ClassVar[str] = "There are as many stages as there may be"


class CrmApi(Protocol):
    """Read-only; safe to repeat."""

    async def people(self, reader: Principal, person_ids: Collection[UUID]) -> dict[UUID, KnownPerson]:
        """Those of these people whom the reader may see, by id; others and unknown ids are missing."""
        ...
