"""One consumer's share of the stream: takes messages, has their effect, then moves its position. Loads aiokafka.

The position is committed after the effect, so a message may come again; the inbox, or the projection's versions, make
the second time harmless. What fails is tried again where it stands, while other partitions go on: the partition pauses
and the message is read anew. A partition that is taken away is let go of between two units of work: the position of
what is done is committed first, the rest is dropped.
"""

# pyright: reportMissingTypeStubs=false
import asyncio
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from opentelemetry.trace import SpanKind

from rooftree.kernel import dead_letters, inbox
from rooftree.kernel.auth import acting
from rooftree.kernel.backoff import AWAY, Backoff
from rooftree.kernel.clock import Clock
from rooftree.kernel.consumers import BATCH_SIZE, Consumer, Received, Subscriber
from rooftree.kernel.envelope import Broken, unwrap
from rooftree.kernel.event_metrics import EventMetrics
from rooftree.kernel.kafka import Kafka
from rooftree.kernel.logs import scrubbed_message
from rooftree.kernel.producer import Producer
from rooftree.kernel.telemetry import span
from rooftree.kernel.unit_of_work import UnitOfWork

MAX_TRIES = 5
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 5.0
# So long a process that died keeps its partitions.
SESSION_SECONDS = 10.0
_WAIT_SECONDS = 0.5
# Messages between two commits, when each has a transaction of its own.
_ALONE = 50
_MEASURE_SECONDS = 10.0
_CLOSE_SECONDS = 2.5
_log = structlog.get_logger(__name__)


@dataclass
class _Partition:
    """What is known of a partition while it is ours; a new one each time that it is assigned."""

    done: int | None = None
    """The offset to commit."""
    resume_at: float | None = None
    tries: int = 0
    backoff: Backoff = field(default_factory=lambda: Backoff(first=FIRST_PAUSE_SECONDS, longest=LONGEST_PAUSE_SECONDS))


@dataclass(frozen=True)
class _Step:
    """Messages that are settled together: by one effect, by a dead letter (`reason`), or by passing over them."""

    records: Sequence[Any]
    received: Sequence[Received] = ()
    reason: str | None = None


class Consumption(ConsumerRebalanceListener):
    """One subscriber in this process."""

    def __init__(
        self,
        subscriber: Subscriber,
        kafka: Kafka,
        *,
        tenant_id: str,
        unit_of_work: UnitOfWork,
        producer: Producer,
        metrics: EventMetrics,
        clock: Clock,
    ) -> None:
        self._subscriber = subscriber
        self._wanted = {event.type: event for event in subscriber.types}
        self._batch = _ALONE if isinstance(subscriber, Consumer) else BATCH_SIZE
        self._kafka = kafka
        self._tenant_id = tenant_id
        self._unit_of_work = unit_of_work
        self._producer = producer
        self._metrics = metrics
        self._clock = clock
        self._stopping = asyncio.Event()
        # Held for each unit of work; whoever takes partitions away waits for it.
        self._working = asyncio.Lock()
        self._owned: dict[TopicPartition, _Partition] = {}
        self._consumer: Any = None
        self._measured_at: float | None = None

    def stop(self) -> None:
        """End after the unit of work that is under way; whoever waits for `run` bounds the time."""
        self._stopping.set()

    async def run(self) -> None:
        backoff = Backoff(first=FIRST_PAUSE_SECONDS, longest=LONGEST_PAUSE_SECONDS)
        while not self._stopping.is_set():
            try:
                await self._consume(backoff)
            except Exception as error:
                # Also a bug must not end the consumer for good.
                _log.warning("consumer_waits", consumer=self._subscriber.name, exc_info=error)
                await backoff.wait(self._stopping)

    async def _consume(self, backoff: Backoff) -> None:
        consumer: Any = AIOKafkaConsumer(
            **self._kafka.arguments(),
            group_id=self._kafka.group(self._subscriber.name),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=int(SESSION_SECONDS * 1000),
        )
        consumer.subscribe([self._kafka.events], listener=self)
        self._consumer = consumer
        try:
            await consumer.start()
            while not self._stopping.is_set():
                await self._round(consumer)
                backoff.reset()
            await self._commit(self._owned)
            self._metrics.lag(self._subscriber.name, 0)
        finally:
            # After an error the lag stays as it was: nobody may have these messages now.
            self._owned = {}
            await _close(consumer)

    async def _round(self, consumer: Any) -> None:
        now = asyncio.get_running_loop().time()
        for partition, state in self._owned.items():
            if state.resume_at is not None and state.resume_at <= now:
                state.resume_at = None
                consumer.resume(partition)
        found = await consumer.getmany(timeout_ms=int(_WAIT_SECONDS * 1000), max_records=self._batch)
        taken = [(partition, self._owned.get(partition), records) for partition, records in found.items()]
        for partition, state, records in taken:
            if state is not None:
                await self._take(consumer, partition, state, records)
        await self._commit(self._owned)
        await self._measure(consumer)

    async def _take(self, consumer: Any, partition: TopicPartition, state: _Partition, records: Sequence[Any]) -> None:
        """Settle messages in order until one has to wait or the partition is no longer ours."""
        for step in self._steps(records):
            async with self._working:
                if self._owned.get(partition) is not state or self._stopping.is_set():
                    return
                if not await self._settle(state, step):
                    if self._owned.get(partition) is state:
                        consumer.pause(partition)
                        consumer.seek(partition, state.done if state.done is not None else records[0].offset)
                    return

    def _steps(self, records: Sequence[Any]) -> list[_Step]:
        alone = isinstance(self._subscriber, Consumer)
        steps: list[_Step] = []
        batch: list[tuple[Any, Received]] = []

        def flush() -> None:
            if batch:
                steps.append(_Step([record for record, _ in batch], [received for _, received in batch]))
                batch.clear()

        for record in records:
            found = unwrap(record, self._wanted, consumer=self._subscriber.name, tenant_id=self._tenant_id)
            if isinstance(found, Received):
                batch.append((record, found))
                if alone:
                    flush()
            else:
                flush()
                steps.append(_Step([record], reason=found.reason if isinstance(found, Broken) else None))
        flush()
        return steps

    async def _settle(self, state: _Partition, step: _Step) -> bool:
        """False: it has to be tried again, after `state.resume_at`."""
        if step.reason is not None:
            await self._bury(step.records[0], step.reason, tries=0)
        elif step.received and not await self._tried(state, step):
            return False
        state.done = step.records[-1].offset + 1
        state.tries = 0
        state.backoff.reset()
        return True

    async def _tried(self, state: _Partition, step: _Step) -> bool:
        try:
            await self._effect(step.received)
        except AWAY as error:
            self._postpone(state, error)
            return False
        except Exception as error:
            if len(step.received) > 1:
                return await self._one_by_one(state, step)
            state.tries += 1
            if state.tries < MAX_TRIES:
                self._postpone(state, error)
                return False
            await self._bury(step.records[0], _reason(error), tries=state.tries)
        return True

    async def _one_by_one(self, state: _Partition, step: _Step) -> bool:
        """Finds which event of a batch is the one that fails."""
        for record, received in zip(step.records, step.received, strict=True):
            if not await self._settle(state, _Step([record], [received])):
                return False
        return True

    def _postpone(self, state: _Partition, error: BaseException) -> None:
        pause = state.backoff.pause()
        state.resume_at = asyncio.get_running_loop().time() + pause
        _log.warning("event_postponed", consumer=self._subscriber.name, seconds=round(pause, 1), exc_info=error)

    async def _effect(self, received: Sequence[Received]) -> None:
        subscriber = self._subscriber
        parents = list(dict.fromkeys(item.traceparent for item in received if item.traceparent))
        attributes = {
            "messaging.system": "kafka",
            "messaging.consumer.group.name": subscriber.name,
            "messaging.batch.message_count": len(received),
        }
        parent, links = (parents[0], ()) if len(parents) == 1 else (None, parents)
        with span(f"process {subscriber.name}", SpanKind.CONSUMER, attributes, parent=parent, links=links):
            if not isinstance(subscriber, Consumer):
                await subscriber.apply(received)
                return
            token = acting.set(received[0].actor_id)
            try:
                async with self._unit_of_work() as session:
                    taken = await inbox.take(session, subscriber.name, received[0])
                    if taken is not None:
                        await subscriber.handle(session, taken)
            finally:
                acting.reset(token)

    async def _bury(self, record: Any, reason: str, *, tries: int) -> None:
        name = self._subscriber.name
        message = dead_letters.bury(record, consumer=name, reason=reason, tries=tries, at=self._clock.now())
        await self._producer.send(self._kafka.dead_letter, [message])
        self._metrics.dead_letter(name)
        _log.error("event_became_dead_letter", consumer=name, offset=record.offset, reason=reason, tries=tries)

    async def _commit(self, partitions: Iterable[TopicPartition]) -> None:
        """Tell Kafka what is done. A partition that is no longer ours was told by its revocation."""
        states = {partition: self._owned[partition] for partition in partitions if partition in self._owned}
        done = {partition: state.done for partition, state in states.items() if state.done is not None}
        if not done:
            return
        try:
            await self._consumer.commit(done)
        except (CommitFailedError, IllegalStateError) as error:
            _log.info("offsets_not_committed", consumer=self._subscriber.name, exc_info=error)
            return
        for partition, state in states.items():
            if state.done == done.get(partition):
                state.done = None

    async def _measure(self, consumer: Any) -> None:
        now = asyncio.get_running_loop().time()
        owned = list(self._owned)
        if self._measured_at is None or now >= self._measured_at + _MEASURE_SECONDS:
            self._measured_at = now
            try:
                ends: dict[TopicPartition, int] = await consumer.end_offsets(owned) if owned else {}
                behind: list[int] = [end - await consumer.position(partition) for partition, end in ends.items()]
            except IllegalStateError:  # taken away meanwhile
                return
            except KafkaError as error:
                # Kafka is away, and the client goes on when it is back. A new one would be a new member of its group,
                # which waits until the session of the old one has run out.
                _log.warning("lag_not_measured", consumer=self._subscriber.name, exc_info=error)
                return
            self._metrics.lag(self._subscriber.name, max(0, sum(behind)))

    async def on_partitions_revoked(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, revoked: Iterable[TopicPartition]
    ) -> None:
        async with self._working:
            await self._commit(revoked)
            for partition in revoked:
                self._owned.pop(partition, None)
            self._metrics.lag(self._subscriber.name, 0)

    async def on_partitions_assigned(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, assigned: Iterable[TopicPartition]
    ) -> None:
        for partition in assigned:
            self._owned[partition] = _Partition()
        self._measured_at = None


def _reason(error: BaseException) -> str:
    """What failed and where, without values."""
    where = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"{type(error).__name__} {scrubbed_message(error)} at {Path(where.filename).name}:{where.lineno} {where.name}"
    )


async def _close(consumer: Any) -> None:
    try:
        async with asyncio.timeout(_CLOSE_SECONDS):
            await consumer.stop()
    except Exception as error:
        _log.info("kafka_consumer_left_open", exc_info=error)
