"""Sends messages to Kafka: acknowledged by all replicas, in order within a partition, or not at all.

One record batch is under way in a partition at a time, so a batch that has to be sent again never comes after one that
followed it. Idempotence keeps the client's own retries from doubling messages; a new producer may send a batch again.
Loads aiokafka.
"""

# pyright: reportMissingTypeStubs=false
import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.partitioner import DefaultPartitioner

from rooftree.kernel.envelope import Message
from rooftree.kernel.kafka import BATCH_BYTES, Kafka

SEND_SECONDS = 15.0
_CLOSE_SECONDS = 2.0
_log = structlog.get_logger(__name__)


class Producer:
    """Opens when first used and again after an error."""

    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka
        self._opened: Any = None
        # Several consumers may have a dead letter at once; who fails gives the connection up for all.
        self._sending = asyncio.Lock()
        self._partitioner = DefaultPartitioner()

    async def send(self, topic: str, messages: Sequence[Message]) -> None:
        """Returns when all are stored. Raises `KafkaError` or `TimeoutError`; some may be stored then."""
        async with self._sending:
            await self._send_all(topic, messages)

    async def _send_all(self, topic: str, messages: Sequence[Message]) -> None:
        try:
            async with asyncio.timeout(SEND_SECONDS):
                producer = await self._open()
                partitions = sorted(await producer.partitions_for(topic))
                divided: dict[int, list[Message]] = defaultdict(list)
                for message in messages:
                    divided[self._partitioner(message.key, partitions, partitions)].append(message)
                sending = (self._send_part(producer, topic, partition, part) for partition, part in divided.items())
                await asyncio.gather(*sending)
        except BaseException:
            await self._abandon()
            raise

    async def close(self) -> None:
        """Nothing is under way when `send` is not."""
        producer, self._opened = self._opened, None
        if producer is not None:
            await _end(producer)

    async def _open(self) -> Any:
        if self._opened is None:
            self._opened = AIOKafkaProducer(
                **self._kafka.arguments(), enable_idempotence=True, acks="all", max_batch_size=BATCH_BYTES
            )
            await self._opened.start()
        return self._opened

    async def _send_part(self, producer: Any, topic: str, partition: int, messages: Sequence[Message]) -> None:
        batch = producer.create_batch()
        for message in messages:
            told = {"key": message.key, "value": message.value, "headers": list(message.headers)}
            while batch.append(timestamp=None, **told) is None:
                await (await producer.send_batch(batch, topic, partition=partition))
                batch = producer.create_batch()
        await (await producer.send_batch(batch, topic, partition=partition))

    async def _abandon(self) -> None:
        """Give up what is under way; an idempotent producer would otherwise try it for ever, also while closing."""
        producer, self._opened = self._opened, None
        if producer is not None:
            producer._message_accumulator.fail_all(KafkaError("given up"))  # there is no public way
            with contextlib.suppress(Exception):
                await producer.client.close()
            await _end(producer)


async def _end(producer: Any) -> None:
    try:
        async with asyncio.timeout(_CLOSE_SECONDS):
            await producer.stop()
    except Exception as error:
        _log.info("kafka_producer_left_open", exc_info=error)
