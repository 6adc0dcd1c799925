"""Use cases of who looks after a person: managers and owners say so, agents claim whom nobody looks after."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.contracts.access.policy import grant
from rooftree.contracts.crm.api import LeadNotFound, LeadTaken, PersonNotFound
from rooftree.contracts.identity.api import IdentityApi, User, UserNotFound
from rooftree.kernel.auth import Principal
from rooftree.kernel.clock import Clock
from rooftree.kernel.errors import Forbidden
from rooftree.kernel.outbox import Outbox
from rooftree.kernel.preconditions import conflicts_told
from rooftree.kernel.record_scope import Place
from rooftree.kernel.unit_of_work import UnitOfWork
from rooftree.modules.crm.changes import Changes
from rooftree.modules.crm.domain import CLAIM_MEMORY
from rooftree.modules.crm.edit_guard import editable, require_revision
from rooftree.modules.crm.leads_repository import Leads
from rooftree.modules.crm.people import caller_as_agent, require_looks_after
from rooftree.modules.crm.people_repository import Found, PeopleRepository
from rooftree.modules.crm.rights import looks_after_people, may, nobody, place_of, require_assignee
from rooftree.modules.crm.shown import Presenter, Shown, beside
from rooftree.modules.crm.tables import AgentRow


def user_as_agent(user: User) -> AgentRow:
    """What identity says of a colleague, for when nothing is stored yet."""
    return AgentRow(
        user_id=user.id,
        role=user.role,
        office_id=user.office_id,
        team_ids=sorted(user.team_ids),
        is_active=True,
        sequence=0,
    )


def _require_assigns(principal: Principal, place: Place) -> None:
    """Of a person whom the caller sees. Raises `Forbidden`."""
    if not may(principal, "assign", place):
        raise Forbidden("Owners and office managers say who looks after people; an agent can claim whom nobody does.")


class Assignments:
    def __init__(self, unit_of_work: UnitOfWork, clock: Clock, outbox: Outbox, identity: IdentityApi) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._outbox = outbox
        self._identity = identity
        self._presenter = Presenter(identity)

    async def assign(
        self, principal: Principal, person_id: UUID, assignee: UUID | None, *, note: str | None, revision: int
    ) -> Shown:
        """Somebody else looks after the person, or with None nobody: then they wait in their office.

        Raises `PersonNotFound`, `Forbidden`, `VersionConflict`, `Unprocessable`.
        """
        user = await self._colleague(principal, person_id, assignee) if assignee else None
        async with conflicts_told(self._identity.names), self._unit_of_work() as session:
            changes = Changes(session, self._outbox, now=self._clock.now(), actor=principal.user_id)
            agent = await changes.records.agent(user_as_agent(user)) if user else None
            found = await editable(session, principal, person_id)
            person = found.row
            _require_assigns(principal, place_of(person))
            await require_revision(session, person.id, expected=revision, current=person.revision, at=person.updated_at)
            if agent is not None and not looks_after_people(agent.role, is_active=agent.is_active):
                raise nobody()
            if person.assigned_to != assignee:
                office_id = agent.office_id if agent else None
                reason = "assigned" if agent else "returned"
                await changes.assign([person], assignee, office_id, reason=reason, note=note)
            await changes.finish()
            seen = await beside(session, [person])
        return await self._presenter.person(principal, found, seen)

    async def _colleague(self, principal: Principal, person_id: UUID, user_id: UUID) -> User:
        """Who may look after people. Who may not see the person is told no more than that there is none."""
        async with self._unit_of_work() as session:
            found = await PeopleRepository(session, principal).person(person_id)
        if found is None:
            raise PersonNotFound
        _require_assigns(principal, place_of(found.row))
        try:
            user = await self._identity.user(user_id)
        except UserNotFound:
            raise nobody() from None
        require_assignee(principal, user)
        return user

    async def claim(self, principal: Principal, person_id: UUID) -> Shown:
        """The first one gets the person. Claiming whom one looks after already changes nothing.

        Raises `PersonNotFound`, `Forbidden`, `LeadTaken`.
        """
        async with self._unit_of_work() as session:
            found = await self._claimed(session, principal, person_id)
            if found is None:
                raise PersonNotFound
            seen = await beside(session, [found.row])
        return await self._presenter.person(principal, found, seen)

    async def claim_lead(self, principal: Principal, lead_id: UUID) -> None:
        """With its person. Raises `LeadNotFound`, `Forbidden`, `LeadTaken`."""
        async with self._unit_of_work() as session:
            person_id = await Leads(session, principal).person_of(lead_id)
            if person_id is None or await self._claimed(session, principal, person_id) is None:
                raise LeadNotFound

    async def _claimed(self, session: AsyncSession, principal: Principal, person_id: UUID) -> Found | None:
        now = self._clock.now()
        changes = Changes(session, self._outbox, now=now, actor=principal.user_id)
        agent = await changes.records.agent(caller_as_agent(principal))
        found = await PeopleRepository(session, principal).locked(person_id, claiming=True)
        if found is None:
            return None
        is_foreign = found.row.assigned_to is not None and not may(principal, "read", place_of(found.row))
        # A statement of its own: one that waited for the lock does not see what the winner wrote.
        if is_foreign and not await changes.records.was_taken_since(person_id, now - CLAIM_MEMORY):
            return None
        if not grant(principal, "person", "claim"):
            raise Forbidden("Your role does not claim people.")
        require_looks_after(agent)
        if found.row.assigned_to not in (None, principal.user_id):
            raise LeadTaken("Somebody else looks after this person now.")
        if found.row.assigned_to is None:
            await changes.assign([found.row], agent.user_id, agent.office_id, reason="claimed")
            await changes.finish()
        return Found(found.row, theirs=True)
