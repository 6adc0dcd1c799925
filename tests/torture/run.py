"""One torture: a tenant of its own, publishers, workers, a killer; then everything drains and the oracle looks."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaConnectionError
from bench_tenant import scratch_tenant
from rooftree.kernel.database import Database
from rooftree.kernel.kafka import Kafka, KafkaSettings
from rooftree.kernel.settings import load
from rooftree.kernel.unit_of_work import UnitOfWork

from .bugs import plant_in_database
from .killer import BACKENDS_DECK, WORKERS_DECK, Killer, blows, kills
from .oracle import Cause, Effect, Verdict, judge
from .publisher import Publisher
from .sample import CONSUMER, make_tables
from .workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench_tenant import ScratchTenant

    from ..e2e.components import Components

# So that both consumers of the group have some.
PARTITIONS = 4
# Nothing has moved for so long: when nothing is left to do, and when something is and will not be done any more. That
# is longer than a group waits for a member, a relay for a lock and all of them before they try again.
SETTLED_SECONDS = 3.0
STALLED_SECONDS = 60.0
BACK_SECONDS = 120.0
# A backend is struck rarely, since it takes seconds to come back.
_WORKERS_PAUSE, _BACKENDS_PAUSE = 0.7, 1.4


class Size(NamedTuple):
    """At least so many acknowledged events and kills; events a second while nothing is away."""

    events: int
    kills: int
    rate: float
    seed: int

    @property
    def pause(self) -> float:
        """Seconds from kill to kill."""
        return self.events / self.rate / self.kills


@dataclass(frozen=True)
class Result:
    """`seconds`: from the first event to the last; `draining_seconds` until nothing moved any more."""

    verdict: Verdict
    events: int
    seconds: float
    draining_seconds: float
    struck: Counter[str]
    unknown: int
    rolled_back: int
    dead_letters: int

    @property
    def kills(self) -> int:
        return kills(self.struck)


class Left(NamedTuple):
    """What is under way: rows that are not published, messages that are not handled; and what was done."""

    unsent: int
    behind: int
    effects: int


async def torture(size: Size, components: Components, log: Path, note: Callable[..., None], bug: str = "") -> Result:
    """Raises when a worker ended by itself or did not end in order."""
    with scratch_tenant(partitions=PARTITIONS) as tenant:
        make_tables(tenant)
        plant_in_database(bug, tenant)
        pool = Database(tenant.settings(), tenant.secrets())
        publisher = Publisher(UnitOfWork(pool.engine), rate=size.rate, seed=size.seed)
        try:
            with Workers(tenant, log, bug=bug) as workers:
                killer = Killer(tenant, workers, components, note)
                seconds = await _suffer(size, publisher, killer)
                began = asyncio.get_running_loop().time()
                dead = await _drained(tenant, note)
                draining = asyncio.get_running_loop().time() - began
                assert not workers.missing(), f"workers ended by themselves: {workers.missing()}"
                codes = await asyncio.to_thread(workers.end)
                assert set(codes) == {0}, f"workers did not end in order: {codes}"
        finally:
            await pool.close()
        return Result(
            verdict=await asyncio.to_thread(_judged, tenant, publisher),
            events=len(publisher.acknowledged),
            seconds=seconds,
            draining_seconds=draining,
            struck=killer.struck,
            unknown=len(publisher.unknown),
            rolled_back=len(publisher.withdrawn),
            dead_letters=dead,
        )


async def _suffer(size: Size, publisher: Publisher, killer: Killer) -> float:
    over = asyncio.Event()

    async def publish() -> float:
        try:
            return await publisher.run(lambda events: events >= size.events and kills(killer.struck) >= size.kills)
        finally:
            over.set()

    async with asyncio.TaskGroup() as group:
        publishing = group.create_task(publish())
        for deck, pause in ((WORKERS_DECK, _WORKERS_PAUSE), (BACKENDS_DECK, _BACKENDS_PAUSE)):
            group.create_task(killer.strike(blows(size.seed, deck, pause=size.pause * pause), over))
    return publishing.result()


async def _drained(tenant: ScratchTenant, note: Callable[..., None]) -> int:
    """Wait until nothing moves any more; the number of dead letters."""
    kafka = Kafka(tenant.settings(), load(KafkaSettings), tenant.secrets())
    reader = await _reader(kafka)
    loop = asyncio.get_running_loop()
    try:
        last, since = None, loop.time()
        while True:
            left = await _left(tenant, reader, kafka.events)
            if left != last:
                last, since = left, loop.time()
                note("draining", **left._asdict())
            is_quiet = left.unsent == 0 and left.behind == 0
            if loop.time() - since >= (SETTLED_SECONDS if is_quiet else STALLED_SECONDS):
                return sum((await _ends(reader, kafka.dead_letter)).values())
            await asyncio.sleep(0.5)
    finally:
        await reader.stop()


async def _reader(kafka: Kafka) -> Any:
    """As soon as the broker answers: it may have been started just now."""
    async with asyncio.timeout(BACK_SECONDS):
        while True:
            reader: Any = AIOKafkaConsumer(
                **kafka.arguments(), group_id=kafka.group(CONSUMER), enable_auto_commit=False
            )
            try:
                await reader.start()
            except KafkaConnectionError:
                await reader.stop()
                await asyncio.sleep(0.5)
            else:
                return reader


async def _left(tenant: ScratchTenant, reader: Any, topic: str) -> Left:
    ends = await _ends(reader, topic)
    behind = sum([end - (await reader.committed(partition) or 0) for partition, end in ends.items()])
    statement = (
        "SELECT (SELECT count(*) FROM events.outbox WHERE sent_at IS NULL), (SELECT count(*) FROM public.effects)"
    )
    ((unsent, effects),) = await asyncio.to_thread(_rows, tenant, statement)
    return Left(unsent, behind, effects)


async def _ends(reader: Any, topic: str) -> dict[Any, int]:
    return await reader.end_offsets([TopicPartition(topic, number) for number in range(PARTITIONS)])


def _judged(tenant: ScratchTenant, publisher: Publisher) -> Verdict:
    return judge(
        [Cause(*row) for row in _rows(tenant, "SELECT number, aggregate FROM public.causes ORDER BY position")],
        [
            Effect(*row)
            for row in _rows(tenant, "SELECT number, aggregate, sequence FROM public.effects ORDER BY position")
        ],
        acknowledged=publisher.acknowledged,
        withdrawn=publisher.withdrawn,
    )


def _rows(tenant: ScratchTenant, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(tenant.admin_dsn, autocommit=True) as connection:
        return connection.execute(statement.encode()).fetchall()
