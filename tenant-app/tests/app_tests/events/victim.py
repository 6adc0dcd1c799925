"""`python victim.py <settings as JSON> [failpoint]`: the events' side of one process, which dies where it is told to.

It counts events into `public.effects`, once for each time that its handler ran to the end.
"""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from rooftree.kernel import consumption, inbox, relay
from rooftree.kernel.background import Background
from rooftree.kernel.bus import Bus
from rooftree.kernel.clock import SystemClock
from rooftree.kernel.consumers import Consumer, Received
from rooftree.kernel.database import Database
from rooftree.kernel.kafka import KafkaSettings
from rooftree.kernel.metrics import Metrics
from rooftree.kernel.producer import Producer
from rooftree.kernel.settings import Secrets, Settings
from rooftree.kernel.unit_of_work import UnitOfWork
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app_tests.events.samples import Counted

FAILPOINTS = ("before publishing", "between publishing and marking", "within the effect", "before the offset")
# Mistakes that the tests must notice.
BUGS = ("offset before effect", "inbox forgotten")
_EFFECT = text("INSERT INTO public.effects (event, aggregate, sequence) VALUES (:event, :aggregate, :sequence)")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def handle(session: AsyncSession, received: Received) -> None:
    values = {"event": received.id, "aggregate": received.aggregate_id, "sequence": received.sequence}
    await session.execute(_EFFECT, values)


async def handle_and_die(session: AsyncSession, received: Received) -> None:
    await handle(session, received)
    if received.sequence == 7:
        die()


def arm(failpoint: str) -> Any:
    """Makes the process die at the failpoint; gives back its handler."""
    send, mark, commit = Producer.send, relay.Relay._mark, consumption.Consumption._commit

    async def dying_send(self: Any, topic: str, messages: Any) -> None:
        die()
        await send(self, topic, messages)

    async def dying_mark(self: Any, connection: Any, rows: Any) -> None:
        die()
        await mark(self, connection, rows)

    async def dying_commit(self: Any, partitions: Any) -> None:
        if any(state.done for state in self._owned.values()):
            die()
        await commit(self, partitions)

    if failpoint == "before publishing":
        Producer.send = dying_send
    elif failpoint == "between publishing and marking":
        relay.Relay._mark = dying_mark
    elif failpoint == "before the offset":
        consumption.Consumption._commit = dying_commit
    return handle_and_die if failpoint == "within the effect" else handle


def plant(bug: str) -> None:
    settle = consumption.Consumption._settle

    async def forgetful(_session: Any, _consumer: str, received: Received) -> Received:
        return received

    async def hasty(self: Any, state: Any, step: Any) -> bool:
        state.done = step.records[-1].offset + 1
        await self._commit(self._owned)
        return await settle(self, state, step)

    if bug == "inbox forgotten":
        inbox.take = forgetful
    elif bug == "offset before effect":
        consumption.Consumption._settle = hasty


async def main(given: dict[str, Any], failpoint: str, bug: str) -> None:
    relay.STANDBY_SECONDS = 0.2
    consumption.SESSION_SECONDS = 6.0
    handler = arm(failpoint)
    plant(bug)
    settings, secrets = Settings(**given["settings"]), Secrets(Path("/nowhere"), given["secrets"])
    metrics, background = Metrics("test"), Background()
    bus = Bus(
        settings,
        secrets,
        kafka=KafkaSettings(**given["kafka"]),
        unit_of_work=UnitOfWork(Database(settings, secrets).engine),
        clock=SystemClock(),
        metrics=metrics,
        subscribers=[Consumer(name="sample.count", types=(Counted,), handle=handler)],
    )
    bus.start(background)
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    await stopped.wait()
    await bus.stop()


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1]), *sys.argv[2:4]))
