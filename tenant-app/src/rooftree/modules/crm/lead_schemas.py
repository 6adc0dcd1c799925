"""What is read and written over HTTP about leads, by colleagues and by visitors."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from rooftree.contracts.crm.api import LeadState, LeadType
from rooftree.contracts.identity.schemas import Colleague
from rooftree.kernel.pagination import PageQuery
from rooftree.modules.crm.inquiries import VisitorType
from rooftree.modules.crm.leads_repository import LeadOwner
from rooftree.modules.crm.schemas import Email, Input, Label, Message, Name, Phone, Utm


class LeadQuery(PageQuery):
    state: LeadState | None = None
    owner: LeadOwner = "all"
    person_id: UUID | None = None


class LeadListing(BaseModel):
    """The listing asked about, as it was then."""

    id: UUID
    listing_key: str
    address: str


class LeadPerson(BaseModel):
    id: UUID
    name: str


class Lead(BaseModel):
    """`name`, `email` and `phone` as they were given with the lead, which may differ from the person's."""

    id: UUID
    person: LeadPerson
    type: LeadType
    source: str
    name: str
    email: str | None
    phone: str | None
    message: str | None
    listing: LeadListing | None
    utm: dict[str, str]
    consent: bool = Field(description="The person agreed to be contacted about this.")
    captured_by: Colleague | None = Field(description="Null: the person used a form.")
    received_at: datetime
    state: LeadState
    responded_at: datetime | None
    first_response_seconds: int | None
    assigned_to: Colleague | None
    can_claim: bool
    can_open: bool = Field(description="False: written down for somebody elsewhere, who got it.")


class LeadPage(BaseModel):
    items: list[Lead]
    total: int
    next_cursor: str | None


class LeadInput(Input):
    """Of a person who is known (`person_id`), or of somebody with a name and an address or number.

    Who has the same address or number, and whom the caller sees, is taken for the same person.
    """

    type: LeadType = "General Inquiry"
    source: Label = "Manual"
    person_id: UUID | None = None
    name: Name | None = None
    email: Email | None = None
    phone: Phone | None = None
    message: Message | None = None
    property_id: UUID | None = None
    utm: Utm = Field(default_factory=dict)
    consent: bool = False


class InquiryInput(Input):
    """What a visitor asks for. `website` is a trap for programs: people do not see it and leave it empty."""

    name: Name
    email: Email | None = None
    phone: Phone | None = None
    type: VisitorType | None = Field(None, description="Null: about the listing, or general without one.")
    message: Message | None = None
    property_id: UUID | None = None
    utm: Utm = Field(default_factory=dict)
    consent: Annotated[bool, Field(strict=True, description="Agrees to be contacted about this.")]
    website: Annotated[str, Field(max_length=200)] = ""


class InquiryReceived(BaseModel):
    """The same for everybody, whether we know them or not."""

    received: bool = True
