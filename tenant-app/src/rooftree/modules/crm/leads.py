"""Use cases of leads: the inbox, and what colleagues write down for somebody."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from rooftree.contracts.crm.api import LeadNotFound, LeadState
from rooftree.contracts.identity.api import IdentityApi
from rooftree.kernel.auth import Principal
from rooftree.kernel.errors import FieldError, Unprocessable
from rooftree.kernel.pagination import cursor_id, decode_cursor, encode_cursor
from rooftree.kernel.unit_of_work import UnitOfWork
from rooftree.modules.crm.assignments import Assignments
from rooftree.modules.crm.intake import Inquiry, Intake, Reception
from rooftree.modules.crm.leads_repository import LeadOwner, Leads
from rooftree.modules.crm.people import caller_as_agent, one_contact
from rooftree.modules.crm.rights import brings_own, require_place
from rooftree.modules.crm.shown import Presenter, ShownLead


@dataclass(frozen=True, slots=True)
class LeadsPage:
    items: Sequence[ShownLead]
    total: int
    next_cursor: str | None


class Inbox:
    def __init__(
        self,
        unit_of_work: UnitOfWork,
        identity: IdentityApi,
        intake: Intake,
        assignments: Assignments,
        *,
        region: str | None,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._presenter = Presenter(identity)
        self._intake = intake
        self._assignments = assignments
        self._region = region

    async def find(
        self,
        principal: Principal,
        *,
        state: LeadState | None,
        owner: LeadOwner,
        person_id: UUID | None,
        limit: int,
        cursor: str | None,
    ) -> LeadsPage:
        """Newest first."""
        before = cursor_id(decode_cursor(cursor, str)[0]) if cursor else None
        found, total = await self._unit_of_work.read(
            lambda session: Leads(session, principal).find(
                state=state, owner=owner, person_id=person_id, before=before, limit=limit + 1
            )
        )
        items = await self._presenter.leads(principal, found[:limit])
        following = encode_cursor(str(found[limit - 1][0].id)) if len(found) > limit else None
        return LeadsPage(items, total, following)

    async def show(self, principal: Principal, lead_id: UUID) -> ShownLead:
        """Raises `LeadNotFound`."""
        async with self._unit_of_work() as session:
            found = await Leads(session, principal).lead(lead_id)
        if found is None:
            raise LeadNotFound
        return (await self._presenter.leads(principal, [found]))[0]

    async def capture(self, principal: Principal, given: Mapping[str, Any]) -> ShownLead:
        """A colleague writes down what somebody asked for. An agent looks after whom they bring.

        A manager's lead about another office's listing goes there: then they cannot open it.

        `given`: members of `LeadInput`. Raises `Forbidden`, `PersonNotFound`, `Unprocessable`.
        """
        if given["person_id"] is None:
            require_place(principal)
        email, phone = given["email"], given["phone"]
        _require_somebody(given)
        inquiry = Inquiry(
            lead_type=given["type"],
            source=given["source"],
            name=given["name"] or "",
            email=email,
            phone=phone,
            contacts=one_contact(email, phone, region=self._region),
            message=given["message"] or None,
            listing=await self._intake.listing(given["property_id"], reader=principal),
            utm=given["utm"],
            consent=given["consent"],
            person_id=given["person_id"],
        )
        if brings_own(principal):
            reception = Reception(caller_as_agent(principal), principal.office_id, "captured")
        else:
            reception = await self._intake.reception(inquiry.listing, office_id=principal.office_id)
        found = await self._intake.take(inquiry, reception, caller=principal)
        async with self._unit_of_work() as session:
            can_open = await Leads(session, principal).lead(found[0].id) is not None
        return replace((await self._presenter.leads(principal, [found]))[0], can_open=can_open)

    async def claim(self, principal: Principal, lead_id: UUID) -> ShownLead:
        """Raises `LeadNotFound`, `LeadTaken`."""
        await self._assignments.claim_lead(principal, lead_id)
        return await self.show(principal, lead_id)


def _require_somebody(given: Mapping[str, Any]) -> None:
    """A person who is known, or somebody who can be reached. Raises `Unprocessable`."""
    if given["person_id"] is not None:
        return
    errors = [] if given["name"] else [FieldError("/name", "Say who asks.")]
    if not (given["email"] or given["phone"]):
        errors.append(FieldError("/email", "Give a mail address or a phone number."))
    if errors:
        raise Unprocessable(errors=errors)
