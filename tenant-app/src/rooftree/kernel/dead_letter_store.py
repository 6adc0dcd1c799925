"""Reads and replays the dead letters of a tenant with the tenant's own rights, for the command line. Loads aiokafka."""

# pyright: reportMissingTypeStubs=false
import asyncio
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from rooftree.kernel import dead_letters
from rooftree.kernel.dead_letters import DeadLetter
from rooftree.kernel.errors import Unavailable
from rooftree.kernel.kafka import Kafka
from rooftree.kernel.producer import Producer

_READ_SECONDS = 60.0


class DeadLetterStore:
    """Raises `Unavailable` when Kafka is away, and `SettingsError` without its address."""

    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka

    async def waiting(self) -> list[DeadLetter]:
        """Those that nobody has replayed, oldest first."""
        try:
            async with asyncio.timeout(_READ_SECONDS):
                return dead_letters.waiting(await self._read())
        except (KafkaError, TimeoutError) as error:
            raise Unavailable("Kafka does not answer now.") from error

    async def replay(self, letters: Sequence[DeadLetter]) -> None:
        """Again to the consumers that failed, in this order. A repetition does no harm: consumers know the event."""
        if not letters:
            return
        producer = Producer(self._kafka)
        try:
            await producer.send(self._kafka.events, [dead_letters.replay(letter) for letter in letters])
            await producer.send(self._kafka.dead_letter, [dead_letters.note(letter) for letter in letters])
        except (KafkaError, TimeoutError) as error:
            raise Unavailable("Kafka does not answer now. Some may be on their way; replay again.") from error
        finally:
            await producer.close()

    async def _read(self) -> list[Any]:
        reader: Any = AIOKafkaConsumer(self._kafka.dead_letter, **self._kafka.arguments(), auto_offset_reset="earliest")
        try:
            await reader.start()
            ends = await reader.end_offsets(list(reader.assignment()))
            found: list[Any] = []
            while any([await reader.position(partition) < end for partition, end in ends.items()]):
                for records in (await reader.getmany(timeout_ms=200)).values():
                    found += records
            return found
        finally:
            await reader.stop()
