"""A Kafka that takes connections and never answers: open pages go on hearing, and who lost its rights stops sending."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from psycopg import Notify, OperationalError
from rooftree.kernel import relay
from rooftree.kernel.ears import Ears
from rooftree.kernel.envelope import Row
from rooftree.kernel.event_metrics import EventMetrics
from rooftree.kernel.ids import new_id
from rooftree.kernel.kafka import Kafka, KafkaSettings
from rooftree.kernel.live import CHANNEL
from rooftree.kernel.metrics import Metrics

from ..conftest import Tenant
from .samples import Counted

# Less than a client waits for an answer.
SOON = 3.0
NOTICE = json.dumps({"id": "first", "resource": "person", "records": []})


class Silence:
    """A port where somebody listens and says nothing."""

    def __init__(self) -> None:
        self.came, self.left = asyncio.Event(), asyncio.Event()
        self.port = 0

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.came.set()
        while await reader.read(4096):
            pass
        self.left.set()
        writer.close()


@pytest.fixture
async def silence() -> AsyncGenerator[Silence]:
    made = Silence()
    server = await asyncio.start_server(made.meet, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    async with server:
        yield made


class Connection:
    """Leads, has one event to send, and hears what the test tells."""

    def __init__(self) -> None:
        self.told: asyncio.Queue[Notify | Exception] = asyncio.Queue()
        now = datetime.now(UTC)
        self._answers: dict[bytes, tuple[Any, ...]] = {
            relay._UNSENT: Row(1, new_id(), new_id(), 1, Counted.type, "{}", "system", None, now),
            relay._MEASURE: (1, now),
        }

    async def __aenter__(self) -> "Connection":
        return self

    async def __aexit__(self, *_: object) -> None:
        return

    async def execute(self, query: bytes, _values: Any = None) -> Any:
        answer = self._answers.get(query, (True,))

        async def fetchone() -> Any:
            return answer

        async def fetchall() -> Any:
            return [answer]

        return SimpleNamespace(fetchone=fetchone, fetchall=fetchall)

    async def notifies(self, *, timeout: float, stop_after: int) -> AsyncGenerator[Notify]:  # noqa: ASYNC109 - psycopg's
        assert stop_after == 1
        try:
            async with asyncio.timeout(timeout):
                told = await self.told.get()
        except TimeoutError:
            return
        if isinstance(told, Exception):
            raise told
        yield told


@asynccontextmanager
async def leading(connection: Connection, tenant: Tenant, port: int, ears: Ears) -> AsyncGenerator[None]:
    here = tenant.but(secret_files={"kafka_password": "canary"})
    kafka = Kafka(
        here.settings(), KafkaSettings(kafka_bootstrap=f"127.0.0.1:{port}", kafka_user="acme"), here.secrets()
    )
    metrics = EventMetrics(Metrics("test").registry, [])
    running = asyncio.create_task(relay.Relay(here.settings(), here.secrets(), kafka, metrics, ears).run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.wait([running])


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Connection:
    made = Connection()

    async def connect(*_: object) -> Connection:
        return made

    monkeypatch.setattr(relay, "_connect", connect)
    return made


async def test_open_pages_hear_at_once_what_is_told_meanwhile(
    connection: Connection, tenant: Tenant, silence: Silence
) -> None:
    ears = Ears()
    async with leading(connection, tenant, silence.port, ears):
        await asyncio.wait_for(silence.came.wait(), SOON)
        before = ears.head
        connection.told.put_nowait(Notify(CHANNEL, NOTICE, 1))
        await ears.wait(before, SOON)
        assert [notice.id for notice in ears.after(before) or []] == ["first"]
        assert not silence.left.is_set()


async def test_a_relay_that_lost_its_connection_sends_no_more(
    connection: Connection, tenant: Tenant, silence: Silence
) -> None:
    async with leading(connection, tenant, silence.port, Ears()):
        await asyncio.wait_for(silence.came.wait(), SOON)
        connection.told.put_nowait(OperationalError("terminating connection due to administrator command"))
        await asyncio.wait_for(silence.left.wait(), SOON)
