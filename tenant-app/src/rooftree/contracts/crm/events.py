"""What crm tells the others: leads that came, who looks after people, stages. The aggregate is always the person.

Names, addresses, numbers and messages are asked for, not told. Labels are words that the brokerage or its advertising
made up (sources, UTM parameters); their characters are limited so that no mail address fits.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from rooftree.kernel.events import IntegrationEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadReceived(IntegrationEvent):
    """Somebody asked for something, by a form of ours or through a colleague who wrote it down."""

    type: ClassVar[str] = "dev.rooftree.crm.lead-received.v1"

    lead_id: UUID
    person_id: UUID
    person_is_new: bool
    assignee_id: UUID | None
    """Who looks after the person when the lead comes; None: nobody."""
    lead_type: str
    """A `LeadType` of the API; there may be more of them one day, as of the purposes and reasons below."""
    source: str
    """A label."""
    utm: dict[str, str]
    """Labels by `source`, `medium`, `campaign`, `term` and `content`; those that are known."""
    property_id: UUID | None
    listing_key: str | None
    consent: tuple[str, ...]
    """What the person agreed to: `contact`, to be contacted about this request."""
    received_at: datetime

    @property
    def aggregate_id(self) -> UUID:
        return self.person_id


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadAssigned(IntegrationEvent):
    """Somebody else looks after a person now, or nobody; the person's unanswered leads go along."""

    type: ClassVar[str] = "dev.rooftree.crm.lead-assigned.v1"

    person_id: UUID
    lead_ids: tuple[UUID, ...]
    """The leads that nobody has answered yet; at most 100, the newest."""
    assignee_id: UUID | None
    """None: nobody."""
    previous_id: UUID | None
    reason: str
    """An `AssignmentReason` of the API."""
    assigned_at: datetime

    @property
    def aggregate_id(self) -> UUID:
        return self.person_id


@dataclass(frozen=True, slots=True, kw_only=True)
class StageChanged(IntegrationEvent):
    """A person went to another stage."""

    type: ClassVar[str] = "dev.rooftree.crm.stage-changed.v1"

    person_id: UUID
    from_stage_id: UUID
    to_stage_id: UUID
    changed_at: datetime

    @property
    def aggregate_id(self) -> UUID:
        return self.person_id
