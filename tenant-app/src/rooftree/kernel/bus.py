"""The events' side of a process: its relay and its consumers, begun after it is ready and ended in time.

The Kafka client loads in the background. Without Kafka's address events stay in the outbox, and nothing is heard of
them; open pages are told of changes all the same.
"""

import asyncio
import importlib
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import text

from rooftree.kernel.background import Background
from rooftree.kernel.clock import Clock
from rooftree.kernel.consumers import Subscriber
from rooftree.kernel.ears import Ears, Listener
from rooftree.kernel.event_metrics import EventMetrics
from rooftree.kernel.jobs import Job
from rooftree.kernel.kafka import Kafka, KafkaSettings
from rooftree.kernel.metrics import Metrics
from rooftree.kernel.settings import Secrets, Settings
from rooftree.kernel.unit_of_work import UnitOfWork

if TYPE_CHECKING:
    from rooftree.kernel.consumption import Consumption
    from rooftree.kernel.producer import Producer
    from rooftree.kernel.relay import Relay

# Together the 8 s that a process has: to finish what is under way, then to close connections.
_FINISH_SECONDS = 4.5
_CLOSE_SECONDS = 3.5
KEEP_SENT_DAYS = 3
# A message may come again for as long as the topic keeps it: two weeks, and up to one until its segment is closed.
KEEP_HANDLED_DAYS = 24
_PURGE_ROWS = 5000
_log = structlog.get_logger(__name__)


class Bus:
    """Made once; idle until started."""

    def __init__(
        self,
        settings: Settings,
        secrets: Secrets,
        *,
        kafka: KafkaSettings,
        unit_of_work: UnitOfWork,
        clock: Clock,
        metrics: Metrics,
        subscribers: Iterable[Subscriber],
        ears: Ears | None = None,
    ) -> None:
        """`ears`: what open pages of this process follow, if it has any."""
        self._settings = settings
        self._secrets = secrets
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._subscribers = tuple(subscribers)
        self._metrics = EventMetrics(metrics.registry, [item.name for item in self._subscribers])
        self._configured = kafka.kafka_bootstrap is not None
        self._stopping = asyncio.Event()
        self._ears = ears
        self._loops: list[Relay | Consumption | Listener] = []
        self._task: asyncio.Task[Any] | None = None
        self.kafka = Kafka(settings, kafka, secrets)

    def start(self, background: Background, *, after: Callable[[], Awaitable[None]] | None = None) -> None:
        """Begin in the background; loading the client waits for `after`."""
        if self._configured:
            self._task = background.spawn("events", self._run(after))
        elif self._ears is not None:
            listener = Listener(self._settings, self._secrets, self._ears)
            self._loops = [listener]
            self._task = background.spawn("events", listener.run())

    async def stop(self) -> None:
        """Publish what waits, finish what is being handled, tell positions; cut off what takes longer."""
        self._stopping.set()
        for loop in self._loops:
            loop.stop()
        if self._task is not None:
            _, late = await asyncio.wait([self._task], timeout=_FINISH_SECONDS if self._loops else 0)
            for task in late:
                if self._loops:
                    _log.warning("events_cut_off")
                task.cancel()
                await asyncio.wait([task], timeout=_CLOSE_SECONDS)

    async def _run(self, after: Callable[[], Awaitable[None]] | None) -> None:
        if after is not None:
            await after()
        producer = await asyncio.to_thread(self._load)
        if self._stopping.is_set():
            return
        try:
            async with asyncio.TaskGroup() as group:
                for loop in self._loops:
                    group.create_task(loop.run())
        finally:
            await producer.close()

    def _load(self) -> "Producer":
        """Import the client and make everything that needs it; in a thread, since it takes a while."""
        consumption = importlib.import_module("rooftree.kernel.consumption")
        relay = importlib.import_module("rooftree.kernel.relay")
        producer: Producer = importlib.import_module("rooftree.kernel.producer").Producer(self.kafka)
        self._loops = [
            relay.Relay(self._settings, self._secrets, self.kafka, self._metrics, self._ears),
            *(
                consumption.Consumption(
                    subscriber,
                    self.kafka,
                    tenant_id=self._settings.tenant_id,
                    unit_of_work=self._unit_of_work,
                    producer=producer,
                    metrics=self._metrics,
                    clock=self._clock,
                )
                for subscriber in self._subscribers
            ),
        ]
        return producer

    def jobs(self) -> tuple[Job, ...]:
        return (Job(name="events.purge", run=self._purge, cron="17 * * * *", single=True, attempts=3),)

    async def _purge(self) -> None:
        """Forget what was published and handled long ago, some thousand rows at a time."""
        for table, column, days in (("outbox", "sent_at", KEEP_SENT_DAYS), ("inbox", "handled_at", KEEP_HANDLED_DAYS)):
            statement = text(f"""
                DELETE FROM events.{table} WHERE ctid = ANY (ARRAY(
                    SELECT ctid FROM events.{table} WHERE {column} < now() - make_interval(days => {days})
                    LIMIT {_PURGE_ROWS}
                )) RETURNING 1
            """)  # noqa: S608 - constants
            removed = _PURGE_ROWS
            while removed == _PURGE_ROWS:
                async with self._unit_of_work() as session:
                    removed = len((await session.execute(statement)).all())
