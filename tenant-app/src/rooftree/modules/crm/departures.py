"""What crm does when colleagues change: people follow whoever looks after them, and wait when nobody does any more."""

from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.contracts.identity.events import UserChanged
from rooftree.kernel.clock import Clock
from rooftree.kernel.consumers import Consumer, Received
from rooftree.kernel.outbox import Outbox
from rooftree.modules.crm.changes import Changes
from rooftree.modules.crm.rights import WORKING_ROLES
from rooftree.modules.crm.tables import AgentRow

CONSUMER = "crm.departures"


class Departures:
    def __init__(self, clock: Clock, outbox: Outbox) -> None:
        self._clock = clock
        self._outbox = outbox

    def consumer(self) -> Consumer:
        return Consumer(name=CONSUMER, types=(UserChanged,), handle=self.handle)

    async def handle(self, session: AsyncSession, received: Received) -> None:
        """An event that is older than what is known changes nothing."""
        event = received.event
        if not isinstance(event, UserChanged):
            raise TypeError(f"{CONSUMER} does not hear {event.type}")
        changes = Changes(session, self._outbox, now=self._clock.now(), actor=None)
        told = AgentRow(
            user_id=event.user_id,
            role=event.role,
            office_id=event.office_id,
            team_ids=list(event.team_ids),
            is_active=event.change != "deactivated",
            sequence=received.sequence,
        )
        if not await changes.records.follow(told):
            return
        if told.is_active and told.role in WORKING_ROLES:
            await changes.records.move_office(told.user_id, told.office_id)
            return
        people = await changes.records.people_of(told.user_id)
        if people:
            await changes.assign(people, None, told.office_id, reason="departed")
        changes.left(await changes.records.leave_tasks(told.user_id))
        await changes.finish()
