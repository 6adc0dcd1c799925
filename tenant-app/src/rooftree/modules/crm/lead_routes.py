"""HTTP of leads: the inbox of colleagues, and the form of visitors."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from rooftree.contracts.access.routes import needs, open_to_all
from rooftree.contracts.identity.schemas import Colleague
from rooftree.kernel.api_route import ApiRoute
from rooftree.kernel.auth import CurrentPrincipal
from rooftree.kernel.idempotency import REPEATABLE
from rooftree.kernel.module import provided
from rooftree.kernel.problems import responses
from rooftree.kernel.sparse import SPARSE
from rooftree.modules.crm.inquiries import Inquiries
from rooftree.modules.crm.lead_schemas import (
    InquiryInput,
    InquiryReceived,
    Lead,
    LeadInput,
    LeadListing,
    LeadPage,
    LeadPerson,
    LeadQuery,
)
from rooftree.modules.crm.leads import Inbox
from rooftree.modules.crm.shown import ShownLead

router = APIRouter(route_class=ApiRoute)
InboxDep = Annotated[Inbox, Depends(provided(Inbox))]


@router.post(
    "/inquiries",
    dependencies=[*open_to_all("lead", "inquire"), REPEATABLE],
    status_code=202,
    responses=responses(422, 429),
)
async def create_inquiry(
    body: InquiryInput,
    request: Request,
    response: Response,
    inquiries: Annotated[Inquiries, Depends(provided(Inquiries))],
) -> InquiryReceived:
    """For visitors, without signing in. The answer is the same for everybody."""
    await inquiries.receive(body.model_dump(), address=request.scope["client_address"])
    response.headers["Cache-Control"] = "no-store"
    return InquiryReceived()


@router.get("/leads", dependencies=[*needs("person", "read"), SPARSE], responses=responses(401, 403, 422))
async def list_leads(query: Annotated[LeadQuery, Query()], principal: CurrentPrincipal, inbox: InboxDep) -> LeadPage:
    """Newest first."""
    page = await inbox.find(principal, **query.model_dump())
    return LeadPage(items=[_lead(one) for one in page.items], total=page.total, next_cursor=page.next_cursor)


@router.post(
    "/leads",
    dependencies=[*needs("person", "create"), REPEATABLE],
    status_code=201,
    responses=responses(401, 403, 404, 422),
)
async def create_lead(body: LeadInput, principal: CurrentPrincipal, inbox: InboxDep, response: Response) -> Lead:
    """Written down by a colleague for somebody. `Location` is there if the caller may open it."""
    shown = await inbox.capture(principal, body.model_dump())
    if shown.can_open:
        response.headers["Location"] = f"/api/v1/leads/{shown.row.id}"
    return _lead(shown)


@router.get(
    "/leads/{lead_id}",
    dependencies=[*needs("person", "read"), SPARSE],
    responses=responses(401, 403, 404, 422),
)
async def get_lead(lead_id: UUID, principal: CurrentPrincipal, inbox: InboxDep) -> Lead:
    return _lead(await inbox.show(principal, lead_id))


@router.post(
    "/leads/{lead_id}/claim", dependencies=needs("person", "claim"), responses=responses(401, 403, 404, 409, 422)
)
async def claim_lead(lead_id: UUID, principal: CurrentPrincipal, inbox: InboxDep) -> Lead:
    """With its person. Of several who claim at once one gets it; the others a 409."""
    return _lead(await inbox.claim(principal, lead_id))


def _lead(shown: ShownLead) -> Lead:
    row, person = shown.row, shown.person
    listing = None
    if row.property_id is not None:
        listing = LeadListing(id=row.property_id, listing_key=row.listing_key or "", address=row.listing_address or "")
    seconds = int((row.responded_at - row.received_at).total_seconds()) if row.responded_at else None
    return Lead(
        id=row.id,
        person=LeadPerson(id=person.id, name=person.name),
        type=row.lead_type,  # pyright: ignore[reportArgumentType] - what the API let in
        source=row.source,
        name=row.name,
        email=row.email,
        phone=row.phone,
        message=row.message,
        listing=listing,
        utm=row.utm,
        consent=row.consent,
        captured_by=Colleague(id=row.captured_by, name=shown.captured_by_name) if row.captured_by else None,
        received_at=row.received_at,
        state=row.state,  # pyright: ignore[reportArgumentType] - the table's own check
        responded_at=row.responded_at,
        first_response_seconds=seconds,
        assigned_to=Colleague(id=person.assigned_to, name=shown.assigned_name) if person.assigned_to else None,
        can_claim=shown.can_claim,
        can_open=shown.can_open,
    )
