"""`python -m tests.torture.worker relay|consumer [bug]`: one part of a tenant's process, configured as the app is.

A consumer writes an effect for each event in the transaction of its inbox row. SIGTERM ends it in order.
"""

from __future__ import annotations

import asyncio
import signal
import sys

from rooftree.kernel import logs
from rooftree.kernel.clock import SystemClock
from rooftree.kernel.consumers import Consumer, Received
from rooftree.kernel.consumption import Consumption
from rooftree.kernel.database import Database
from rooftree.kernel.event_metrics import EventMetrics
from rooftree.kernel.kafka import Kafka, KafkaSettings
from rooftree.kernel.metrics import Metrics
from rooftree.kernel.producer import Producer
from rooftree.kernel.relay import Relay
from rooftree.kernel.settings import Secrets, Settings, load
from rooftree.kernel.unit_of_work import UnitOfWork
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from .bugs import BUGS
from .sample import CONSUMER, Stepped

_EFFECT = text("INSERT INTO public.effects (number, aggregate, sequence) VALUES (:number, :aggregate, :sequence)")


async def handle(session: AsyncSession, received: Received) -> None:
    assert isinstance(received.event, Stepped)
    values = {"aggregate": received.aggregate_id, "sequence": received.sequence, "number": received.event.number}
    await session.execute(_EFFECT, values)


def make(part: str) -> Relay | Consumption:
    """The part, made of the variables of the tenant's process."""
    settings = load(Settings)
    secrets = Secrets(settings.secrets_dir)
    logs.configure(settings.log_level, tenant_id=settings.tenant_id)
    kafka = Kafka(settings, load(KafkaSettings), secrets)
    metrics = EventMetrics(Metrics("torture").registry, [CONSUMER])
    if part == "relay":
        return Relay(settings, secrets, kafka, metrics)
    return Consumption(
        Consumer(name=CONSUMER, types=(Stepped,), handle=handle),
        kafka,
        tenant_id=settings.tenant_id,
        unit_of_work=UnitOfWork(Database(settings, secrets).engine),
        producer=Producer(kafka),
        metrics=metrics,
        clock=SystemClock(),
    )


async def main(part: str, bug: str = "") -> None:
    if bug:
        BUGS[bug]()
    made = make(part)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, made.stop)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    await made.run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
