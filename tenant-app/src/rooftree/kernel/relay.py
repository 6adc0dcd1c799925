"""Publishes the outbox: one relay works for the tenant, the others stand by.

The relay holds an advisory lock on a connection of its own and reads, marks and listens on that same connection: when
its session ends, so do its rights, and the next one goes on. It reads unsent rows in the order of their positions,
always from the lowest. Neither `SKIP LOCKED`, which would let a later event of an aggregate overtake, nor a cursor,
which would pass over rows that commit late. What was published and not marked is published again; consumers know.

It is the process's one connection that listens: for `kernel.ears`, too, also while it stands by, Kafka does not answer,
or Kafka is away, when the rows stay. Loads aiokafka.
"""

# pyright: reportMissingTypeStubs=false
import asyncio
from contextlib import AbstractContextManager

import structlog
from aiokafka.errors import KafkaError
from opentelemetry.trace import Span, SpanKind

from rooftree.kernel.backoff import Backoff
from rooftree.kernel.database import Connection, connection_arguments
from rooftree.kernel.ears import Ears, hear, listen
from rooftree.kernel.envelope import Row, wrap
from rooftree.kernel.event_metrics import EventMetrics
from rooftree.kernel.kafka import Kafka
from rooftree.kernel.outbox import CHANNEL
from rooftree.kernel.producer import Producer
from rooftree.kernel.settings import Secrets, Settings
from rooftree.kernel.telemetry import span

BATCH_SIZE = 500
POLL_SECONDS = 10.0
STANDBY_SECONDS = 2.0
_MEASURE_SECONDS = 10.0
# Nearly every batch is sent within it; how late a slow one's end is noticed.
_HEAR_SECONDS = 0.1
_LOCK = 5_019_427_733_081
# A relay whose machine vanished loses its lock within about 15 s.
_KEEPALIVE = "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=3 -c tcp_keepalives_count=3"
_UNSENT = b"""
    SELECT position, id, aggregate_id, sequence, type, data, actor_id, traceparent, created_at
    FROM events.outbox WHERE sent_at IS NULL ORDER BY position LIMIT %s
"""
_MARK = b"UPDATE events.outbox SET sent_at = now() WHERE position = ANY(%s)"
_MEASURE = b"""
    SELECT count(*), min(created_at) FROM (
        SELECT created_at FROM events.outbox WHERE sent_at IS NULL ORDER BY position LIMIT 100000
    ) AS unsent
"""

_log = structlog.get_logger(__name__)


class Relay:
    """One process's relay, working or standing by."""

    def __init__(
        self, settings: Settings, secrets: Secrets, kafka: Kafka, metrics: EventMetrics, ears: Ears | None = None
    ) -> None:
        """`ears`: what open pages of this process follow, if it has any."""
        self._settings = settings
        self._secrets = secrets
        self._ears = ears
        self._kafka = kafka
        self._metrics = metrics
        self._producer = Producer(kafka)
        self._stopping = asyncio.Event()
        self._measured_at: float | None = None
        self.leads = False

    def stop(self) -> None:
        """End when nothing is unsent any more; whoever waits for `run` bounds the time."""
        self._stopping.set()

    async def run(self) -> None:
        backoff = Backoff(first=0.5, longest=5)
        try:
            while not self._stopping.is_set():
                try:
                    async with await _connect(self._settings, self._secrets) as connection:
                        await self._work(connection, backoff)
                except Exception as error:
                    _log.warning("relay_waits", exc_info=error)
                    await backoff.wait(self._stopping)
                finally:
                    self.leads = False
                    self._metrics.relay(False)
                    if self._ears is not None:
                        self._ears.end()
        finally:
            await self._producer.close()

    async def _work(self, connection: Connection, backoff: Backoff) -> None:
        if self._ears is not None:
            await listen(connection, self._ears)
        while not await _locked(connection):
            await self._notice(connection, STANDBY_SECONDS)
            if self._stopping.is_set():
                return
        self.leads = True
        self._metrics.relay(True)
        self._measured_at = None
        await connection.execute(f"LISTEN {CHANNEL}".encode())
        while True:
            await self._measure(connection)
            rows = await self._unsent(connection)
            if not rows:
                if self._stopping.is_set():
                    return
                await self._notice(connection, POLL_SECONDS)
            elif await self._sent(connection, rows):
                await self._mark(connection, rows)
                self._metrics.published.inc(len(rows))
                backoff.reset()
            else:
                await self._pause(connection, backoff.pause())
                if self._stopping.is_set():
                    return

    async def _unsent(self, connection: Connection) -> list[Row]:
        found = await (await connection.execute(_UNSENT, [BATCH_SIZE])).fetchall()
        return [Row(*row) for row in found]

    async def _sent(self, connection: Connection, rows: list[Row]) -> bool:
        """Open pages go on hearing while it lasts. False: Kafka is away."""
        sending = asyncio.create_task(self._send(rows))
        try:
            await asyncio.wait([sending], timeout=_HEAR_SECONDS)
            while not sending.done():
                await hear(connection, self._ears, _HEAR_SECONDS)
            return await sending
        finally:
            # Without its connection it has no right to send any more.
            sending.cancel()
            await asyncio.wait([sending])

    async def _send(self, rows: list[Row]) -> bool:
        """False: Kafka is away. The lock is kept meanwhile, since somebody has to tell how much waits."""
        messages = [wrap(row, tenant_id=self._settings.tenant_id) for row in rows]
        try:
            with self._span(rows):
                await self._producer.send(self._kafka.events, messages)
        except (KafkaError, OSError) as error:
            _log.warning("relay_waits", exc_info=error)
            return False
        return True

    def _span(self, rows: list[Row]) -> AbstractContextManager[Span]:
        """A step of the trace that made the events; of a batch of several traces none tells."""
        parents = {row.traceparent for row in rows}
        attributes = {
            "messaging.system": "kafka",
            "messaging.destination.name": "events",
            "messaging.batch.message_count": len(rows),
        }
        return span("send events", SpanKind.PRODUCER, attributes, parent=parents.pop() if len(parents) == 1 else None)

    async def _mark(self, connection: Connection, rows: list[Row]) -> None:
        await connection.execute(_MARK, [[row.position for row in rows]])

    async def _notice(self, connection: Connection, seconds: float) -> None:
        """Until an event was committed, in vain after a while, or until the end."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while loop.time() < until and not self._stopping.is_set():
            if await hear(connection, self._ears):
                return

    async def _pause(self, connection: Connection, seconds: float) -> None:
        """Until it makes sense to try again, or until the end; open pages go on hearing."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while loop.time() < until and not self._stopping.is_set():
            await hear(connection, self._ears)

    async def _measure(self, connection: Connection) -> None:
        now = asyncio.get_running_loop().time()
        if self._measured_at is None or now >= self._measured_at + _MEASURE_SECONDS:
            self._measured_at = now
            row = await (await connection.execute(_MEASURE)).fetchone()
            assert row is not None
            self._metrics.outbox(row[0], row[1])


async def _connect(settings: Settings, secrets: Secrets) -> Connection:
    arguments = connection_arguments(settings, secrets)
    arguments |= {"application_name": "rooftree relay", "options": f"{arguments['options']} {_KEEPALIVE}"}
    return await Connection.connect(**arguments, autocommit=True)


async def _locked(connection: Connection) -> bool:
    row = await (await connection.execute(b"SELECT pg_try_advisory_lock(%s)", [_LOCK])).fetchone()
    return row is not None and bool(row[0])
