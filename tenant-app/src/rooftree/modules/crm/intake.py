"""How a lead comes in, from a form or from a colleague: its person is found or made, and somebody looks after them.

A stranger's form never changes what is known of a person: what it says stays with the lead.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.contracts.crm.api import AssignmentReason, LeadType
from rooftree.contracts.identity.api import IdentityApi, UserNotFound
from rooftree.contracts.property.api import ListingReference, PropertyApi, PropertyNotFound
from rooftree.kernel.auth import Principal
from rooftree.kernel.clock import Clock
from rooftree.kernel.errors import FieldError, Unprocessable
from rooftree.kernel.ids import new_id
from rooftree.kernel.outbox import Outbox
from rooftree.kernel.unit_of_work import UnitOfWork
from rooftree.modules.crm.assignments import user_as_agent
from rooftree.modules.crm.changes import Changes
from rooftree.modules.crm.domain import Contact
from rooftree.modules.crm.edit_guard import editable
from rooftree.modules.crm.people import new_person
from rooftree.modules.crm.people_repository import PeopleRepository
from rooftree.modules.crm.rights import WORKING_ROLES, looks_after_people
from rooftree.modules.crm.stages_repository import Stages
from rooftree.modules.crm.summaries_repository import Summaries
from rooftree.modules.crm.tables import AgentRow, LeadRow, PersonRow, StageRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """What somebody asks for. `person_id`: a colleague says whose it is; then `contacts` may be missing."""

    lead_type: LeadType
    source: str
    name: str
    email: str | None = None
    phone: str | None = None
    contacts: Sequence[Contact] = ()
    message: str | None = None
    listing: ListingReference | None = None
    utm: Mapping[str, str] = field(default_factory=dict[str, str])
    consent: bool = False
    person_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Reception:
    """Who looks after a person who is new or nobody's: this colleague, or nobody, in this office."""

    agent: AgentRow | None
    office_id: UUID | None
    reason: AssignmentReason


class Intake:
    def __init__(
        self,
        unit_of_work: UnitOfWork,
        clock: Clock,
        outbox: Outbox,
        identity: IdentityApi,
        listings: PropertyApi,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._outbox = outbox
        self._identity = identity
        self._listings = listings

    async def listing(self, property_id: UUID | None, *, reader: Principal | None) -> ListingReference | None:
        """The listing asked about. Raises `Unprocessable` for one that the reader may not see."""
        if property_id is None:
            return None
        try:
            return await self._listings.listing(property_id, reader=reader)
        except PropertyNotFound:
            error = FieldError("/property_id", "There is no such listing.")
            raise Unprocessable(errors=[error]) from None

    async def reception(self, listing: ListingReference | None, *, office_id: UUID | None = None) -> Reception:
        """The listing's agent, if there is one; else nobody, in the listing's office, unless that is gone, or this."""
        if listing is None:
            return Reception(None, office_id, "listing_agent")
        agent = None
        if listing.list_agent_id is not None:
            try:
                user = await self._identity.user(listing.list_agent_id)
                agent = user_as_agent(user) if user.role in WORKING_ROLES else None
            except UserNotFound:
                pass  # has left: their listings' leads wait in the office
        listed = listing.list_office_id
        is_there = listed is not None and await self._identity.has_office(listed)
        return Reception(agent, listed if is_there else office_id, "listing_agent")

    async def take(
        self, inquiry: Inquiry, reception: Reception, *, caller: Principal | None
    ) -> tuple[LeadRow, PersonRow]:
        """`caller` None: a visitor. A caller's lead goes to a person whom they see; others are no business of theirs.

        Raises `PersonNotFound`, `Forbidden` for a person named by the caller.
        """
        actor = caller.user_id if caller else None
        async with self._unit_of_work.effect() as session:
            changes = Changes(session, self._outbox, now=self._clock.now(), actor=actor)
            await changes.records.lock_contacts([contact.key for contact in inquiry.contacts])
            stages = Stages(session)
            first = await stages.first()
            agent = await changes.records.agent(reception.agent) if reception.agent else None
            if agent is not None and not looks_after_people(agent.role, is_active=agent.is_active):
                agent = None
            person = await _person(session, changes, inquiry, caller)
            is_new = person is None
            if person is None:
                person = self._newcomer(inquiry, first, agent, reception)
            lead = self._lead(inquiry, person, actor)
            if is_new:
                await changes.begun(person, reason=reception.reason)
                await changes.records.set_contacts(person, inquiry.contacts)
            changes.received(lead, person, is_new=is_new, reason=reception.reason)
            await session.flush()
            await _welcome(changes, person, agent, reception)
            await changes.finish()
        return lead, person

    def _newcomer(self, inquiry: Inquiry, first: StageRow, agent: AgentRow | None, reception: Reception) -> PersonRow:
        person = new_person(inquiry.name, first, source=inquiry.source, now=self._clock.now())
        person.assigned_to = agent.user_id if agent else None
        person.office_id = (agent.office_id if agent else None) or reception.office_id
        return person

    def _lead(self, inquiry: Inquiry, person: PersonRow, actor: UUID | None) -> LeadRow:
        listing = inquiry.listing
        return LeadRow(
            id=new_id(),
            person_id=person.id,
            lead_type=inquiry.lead_type,
            source=inquiry.source,
            name=inquiry.name or person.name,
            email=inquiry.email,
            phone=inquiry.phone,
            message=inquiry.message,
            property_id=listing.id if listing else None,
            listing_key=listing.listing_key if listing else None,
            listing_address=listing.address if listing else None,
            utm=dict(inquiry.utm),
            consent=inquiry.consent,
            captured_by=actor,
            received_at=self._clock.now(),
            state="new" if person.assigned_to is None else "assigned",
            responded_at=None,
        )


async def _person(
    session: AsyncSession, changes: Changes, inquiry: Inquiry, caller: Principal | None
) -> PersonRow | None:
    """Whose the lead is, locked; None for somebody new."""
    if caller is None:
        return await changes.records.known([contact.key for contact in inquiry.contacts])
    if inquiry.person_id is not None:
        return (await editable(session, caller, inquiry.person_id)).row
    people, summaries = PeopleRepository(session, caller), Summaries(await session.connection(), caller)
    for known in await summaries.known([contact.key for contact in inquiry.contacts]):
        if (found := await people.locked(known["id"])) is not None:
            return found.row
    return None


async def _welcome(changes: Changes, person: PersonRow, agent: AgentRow | None, reception: Reception) -> None:
    """A known person whom nobody looks after gets somebody, or at least a place."""
    if person.assigned_to is not None:
        return
    if agent is not None:
        office_id = agent.office_id or person.office_id or reception.office_id
        await changes.assign([person], agent.user_id, office_id, reason=reception.reason)
    elif person.office_id is None and reception.office_id is not None:
        person.office_id = reception.office_id
        changes.edited(person, ["office_id"])
