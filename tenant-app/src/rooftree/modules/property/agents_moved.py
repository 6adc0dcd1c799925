"""Where listings belong when their agents move: to the agents' new office, until they are closed."""

from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.contracts.identity.events import UserChanged
from rooftree.kernel.clock import Clock
from rooftree.kernel.consumers import Consumer, Received
from rooftree.kernel.outbox import Outbox
from rooftree.modules.property.listing_saver import ListingSaver
from rooftree.modules.property.own_repository import OwnListings
from rooftree.modules.property.rights import LISTING_ROLES

CONSUMER = "property.agents"


class AgentsMoved:
    def __init__(self, clock: Clock, outbox: Outbox) -> None:
        self._clock = clock
        self._outbox = outbox

    def consumer(self) -> Consumer:
        return Consumer(name=CONSUMER, types=(UserChanged,), handle=self.handle)

    async def handle(self, session: AsyncSession, received: Received) -> None:
        """Who left, or is of no office now, leaves the listings where they are."""
        event = received.event
        if not isinstance(event, UserChanged):
            raise TypeError(f"{CONSUMER} does not hear {event.type}")
        if event.change == "deactivated" or event.office_id is None or event.role not in LISTING_ROLES:
            return
        for row in await OwnListings(session).elsewhere(event.user_id, event.office_id):
            saver = ListingSaver(session, self._outbox, row, now=self._clock.now())
            row.list_office_id = event.office_id
            await saver.touch("details")
