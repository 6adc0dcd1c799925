"""What crm does when colleagues and offices change: people follow who looks after them, and wait when nobody does."""

from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.contracts.identity.events import OfficeDeleted, UserChanged
from rooftree.kernel.clock import Clock
from rooftree.kernel.consumers import Consumer, Received
from rooftree.kernel.outbox import Outbox
from rooftree.modules.crm.changes import Changes
from rooftree.modules.crm.records_repository import Records
from rooftree.modules.crm.rights import looks_after_people
from rooftree.modules.crm.tables import AgentRow

CONSUMER = "crm.departures"


class Departures:
    def __init__(self, clock: Clock, outbox: Outbox) -> None:
        self._clock = clock
        self._outbox = outbox

    def consumer(self) -> Consumer:
        return Consumer(name=CONSUMER, types=(UserChanged, OfficeDeleted), handle=self.handle)

    async def handle(self, session: AsyncSession, received: Received) -> None:
        match received.event:
            case UserChanged() as event:
                await self._follow(session, event, received.sequence)
            case OfficeDeleted() as event:
                await Records(session).leave_office(event.office_id)
            case event:
                raise TypeError(f"{CONSUMER} does not hear {event.type}")

    async def _follow(self, session: AsyncSession, event: UserChanged, sequence: int) -> None:
        """An event that is older than what is known changes nothing."""
        changes = Changes(session, self._outbox, now=self._clock.now(), actor=None)
        told = AgentRow(
            user_id=event.user_id,
            role=event.role,
            office_id=event.office_id,
            team_ids=list(event.team_ids),
            is_active=event.change != "deactivated",
            sequence=sequence,
        )
        before = await changes.records.role_of(told.user_id)
        if not await changes.records.follow(told):
            return
        if looks_after_people(told.role, is_active=told.is_active):
            if told.office_id is not None:
                await changes.records.move_office(told.user_id, told.office_id)
            return
        if told.is_active and told.role == before:
            return  # still an assistant, who keeps tasks of people that are delegated
        people = await changes.records.people_around(told.user_id)
        if theirs := [person for person in people if person.assigned_to == told.user_id]:
            await changes.assign(theirs, None, told.office_id, reason="departed")
        changes.handed_over(await changes.records.leave_tasks(told.user_id))
        await changes.finish()
